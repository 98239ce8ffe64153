"""Pictures of a training: who looks at whom, and what the model writes alone, at a few epochs."""

import numpy as np

from lessons.engine.graph import Graph
from lessons.recipe.data import PaddedBatch
from lessons.recipe.settings import Settings
from lessons.runs.run import PICTURES, WEIGHTS, Pictures, pictured_epochs


class Camera:
    """Takes the pictures of one training, where its family has some."""

    def __init__(self, settings: Settings, batch: PaddedBatch, graph: Graph):
        self.settings, self.batch, self.graph = settings, batch, graph
        self.epochs = pictured_epochs(settings.epochs) if settings.pictured else np.array([], int)
        self.taken: list[tuple[int, np.ndarray | None, np.ndarray | None]] = []

    def look(self, epoch: int) -> None:
        """Take a picture if one is due before this epoch's update."""
        if epoch in self.epochs:
            self._take(epoch)

    def advance(self, first: int, count: int) -> dict[str, np.ndarray]:
        """Train `count` epochs from `first` on, as Graph.advance does, with a halt where a picture is due."""
        halts = [epoch for epoch in self.epochs if first < epoch < first + count]
        parts = []
        for start, end in zip([first, *halts], [*halts, first + count], strict=True):
            self.look(start)
            parts.append(self.graph.advance(int(end - start)))
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def pictures(self) -> Pictures | None:
        """Those that were taken, and one of the trained model."""
        if not self.settings.pictured:
            return None
        self._take(self.settings.epochs)
        epochs, attention, text = zip(*self.taken, strict=True)
        reach = self.settings.reach(self.batch, self.graph.ask)
        return Pictures(np.array(epochs), stacked(attention), stacked(text), reach)

    def _take(self, epoch: int) -> None:
        weights = self.graph.attention()
        if weights is not None:
            _, heads, steps, _ = weights.shape
            most = max(1, WEIGHTS // (PICTURES * heads * steps**2))
            weights = weights[:most].swapaxes(0, 1)
        self.taken.append((epoch, weights, self.settings.text(self.batch, self.graph.ask)))


def stacked(arrays: tuple[np.ndarray | None, ...]) -> np.ndarray | None:
    """Arrays (…) of one shape, one behind the other (picture, …); None where there are none."""
    return None if arrays[0] is None else np.stack([one for one in arrays if one is not None])
