"""Recurrent: a recurrent layer, perhaps a layer in between, and a Dense output."""

from __future__ import annotations

from dataclasses import dataclass

from lessons.recipe.settings import Settings


@dataclass(frozen=True)
class Recurrent(Settings):
    """LSTM, GRU or SimpleRNN that predicts a number or a probability, per step or per sequence."""
