"""Sizes of the batch on which a model of somebody's own is looked at, where it leaves them open."""

SEQUENCES, TIMESTEPS, FEATURES = 8, 12, 3
WORDS = 20  # ids of tokens, where no Embedding says how many
