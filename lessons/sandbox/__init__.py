"""Runs code from strangers: what the text may say, and the processes that it is confined to."""
