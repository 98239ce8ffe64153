"""What is wrong with a loss: it is run at the edges of labels and predictions. In walled workers only."""
