"""What a training returns, and what can be read off one run, two, or a grid of them. NumPy only."""
