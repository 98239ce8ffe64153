"""A lesson's training with a pasted loss. For walled processes only."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from lessons.data import extent
from lessons.doctor.admission import admit
from lessons.doctor.orders import Pasted
from lessons.engine import train as engine
from lessons.run import Closing, Opening, Snapshot
from lessons.settings import Settings
from lessons.table import Table


def train(pasted: Pasted, settings: Settings, table: Table | None = None) -> Iterator[Opening | Snapshot | Closing]:
    """Raises what the loss or Keras raises, and Refused."""
    settings = table.fit(settings) if table else settings
    own = extent(settings, table) if table else None
    return engine.train(settings, graph(pasted, settings.structure(), own), table)


@lru_cache(maxsize=2)
def graph(pasted: Pasted, settings: Settings, extent: tuple[int, int, int] | None) -> engine.Graph:
    return engine.Graph(settings, admit(pasted.text).build(pasted.function), pasted.text, extent)
