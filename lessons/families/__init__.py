"""Kinds of model with their data: one file, one family."""
