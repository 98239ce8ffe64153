"""A lesson's training with a pasted loss. For walled processes only."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from lessons.doctor.admission import admit
from lessons.doctor.orders import Pasted
from lessons.engine import train as engine
from lessons.run import Closing, Opening, Snapshot
from lessons.settings import Settings


def train(pasted: Pasted, settings: Settings) -> Iterator[Opening | Snapshot | Closing]:
    """Raises what the loss or Keras raises, and Refused."""
    return engine.train(settings, graph(pasted, settings.structure()))


@lru_cache(maxsize=2)
def graph(pasted: Pasted, settings: Settings) -> engine.Graph:
    return engine.Graph(settings, admit(pasted.text).build(pasted.function), pasted.text)
