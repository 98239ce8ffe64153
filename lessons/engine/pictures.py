"""Pictures of a training: who looks at whom, and what the model writes alone, at a few epochs."""

import numpy as np

from lessons.engine.graph import Graph
from lessons.recipe.data import PaddedBatch
from lessons.recipe.settings import Ask, Settings
from lessons.runs.run import PICTURES, WEIGHTS, Pictures, pictured_epochs, written_epochs


class Recorder:
    """Records the pictures of one training, where its family has some."""

    def __init__(self, settings: Settings, batch: PaddedBatch, graph: Graph):
        self.settings, self.batch, self.graph = settings, batch, graph
        self.epochs = pictured_epochs(settings.epochs) if settings.pictured else np.array([], int)
        self.taken: list[tuple[int, np.ndarray | None]] = []
        self.written: list[tuple[int, np.ndarray | None]] = []

    def look(self, epoch: int) -> None:
        """Take a picture if one is due before this epoch's update."""
        if epoch in self.epochs:
            self._take(epoch, self.graph.ask)

    def advance(self, first: int, count: int) -> dict[str, np.ndarray]:
        """Train `count` epochs from `first` on, as Graph.advance does: arrays (epoch, …).

        It halts where a picture is due.
        """
        halts = [epoch for epoch in self.epochs if first < epoch < first + count]
        parts = []
        for start, end in zip([first, *halts], [*halts, first + count], strict=True):
            self.look(start)
            parts.append(self.graph.advance(int(end - start)))
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def pictures(self, ask: Ask) -> Pictures | None:
        """Those that were taken, and one of the trained model, which `ask` asks."""
        if not self.settings.pictured:
            return None
        self._take(self.settings.epochs, ask)
        epochs, attention = zip(*self.taken, strict=True)
        written, text = zip(*self.written, strict=True)
        reach = self.settings.reach(self.batch, ask)
        return Pictures(np.array(epochs), stacked(attention), np.array(written), stacked(text), reach)

    def _take(self, epoch: int, ask: Ask) -> None:
        weights = self.graph.attention()
        if weights is not None:
            _, heads, steps, _ = weights.shape
            most = max(1, WEIGHTS // (PICTURES * heads * steps**2))
            weights = weights[:most].swapaxes(0, 1)
        self.taken.append((epoch, weights))
        if epoch in written_epochs(self.settings.epochs):
            self.written.append((epoch, self.settings.text(self.batch, ask)))


def stacked(arrays: tuple[np.ndarray | None, ...]) -> np.ndarray | None:
    """Arrays (…) of one shape, one behind the other (picture, …); None where there are none."""
    return None if arrays[0] is None else np.stack([one for one in arrays if one is not None])


def remembering(ask: Ask) -> Ask:
    """The same answers (batch, time, columns); what was asked before is not asked again. Of a model that stays."""
    answers = dict[tuple[bytes, bytes], np.ndarray]()

    def once(x: np.ndarray, mask: np.ndarray) -> np.ndarray:
        question = x.tobytes(), mask.tobytes()
        if question not in answers:
            answers[question] = ask(x, mask)
        return answers[question]

    return once
