"""Runs, comparisons and grids as plain Plotly dictionaries. NumPy only."""
