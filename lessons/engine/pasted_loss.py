"""A lesson's training with a pasted loss. For walled processes only."""

from collections.abc import Iterator
from functools import lru_cache

from lessons.engine import train as engine
from lessons.engine.graph import Graph
from lessons.recipe.recipe import Recipe, Structure
from lessons.runs.run import Closing, Opening, Snapshot
from lessons.sandbox.admission import admit


def train(recipe: Recipe) -> Iterator[Opening | Snapshot | Closing]:
    """Raises what the loss or Keras raises, and Refused."""
    return engine.train(recipe, graph(recipe.structure()))


@lru_cache(maxsize=2)
def graph(structure: Structure) -> Graph:
    """The graph of a structure with a pasted loss. Raises Refused, and what the text raises when it is run."""
    pasted = structure.pasted
    return Graph(structure, admit(pasted.text).build(pasted.function), pasted.text)
