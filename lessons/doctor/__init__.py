"""Says what is wrong: with a run, and with a loss."""
