"""A run as the rules look at it, with what several of them need worked out once."""

from functools import cached_property

import numpy as np

from lessons.doctor.rule import Evidence
from lessons.recipe.recipe import MaskPath
from lessons.recipe.settings import Settings
from lessons.runs.nan_origin import NaNOrigin
from lessons.runs.outcome import BEATS, late
from lessons.runs.run import THRESHOLDS, Run, Snapshot, squeezed


class RunView:
    """A run, and the origin of its first number that is not finite where that is known."""

    def __init__(self, run: Run, nan_origin: NaNOrigin | None = None):
        self.run, self.nan_origin = run, nan_origin
        self.seen: dict[str, Evidence | None] = {}  # what each rule saw, for Rulebook

    @property
    def settings(self) -> Settings:
        """As they were trained."""
        return self.run.settings

    @property
    def snapshot(self) -> Snapshot:
        """All epochs of the run."""
        return self.run.snapshot

    @property
    def last(self) -> int:
        """The last epoch, from 0."""
        return self.run.epochs - 1

    @property
    def every_step(self) -> bool:
        """Whether there is a label at every step."""
        return self.settings.predicts.per_step

    @property
    def ranked(self) -> bool:
        """Whether predictions are classes by their scores: then none of the losses and labels for numbers fits."""
        return self.settings.predicts.ranked

    @property
    def real(self) -> np.ndarray:
        """(batch, time) bool, or (batch, 1) for one label per sequence: where a label belongs to a real step."""
        return self.run.batch.label_real

    @cached_property
    def padding(self) -> np.ndarray:
        """(batch, time) bool"""
        return ~self.run.batch.real

    @cached_property
    def truth(self) -> np.ndarray:
        """Like `real`: the true labels. (batch, time) or (batch, 1)."""
        return squeezed(self.run.batch.truth)

    @cached_property
    def labels(self) -> np.ndarray:
        """Like `real`: the labels as given to fit. (batch, time) or (batch, 1)."""
        return squeezed(self.run.batch.y)

    @cached_property
    def known(self) -> np.ndarray:
        """Like `real`, bool: where a prediction can be held against a true label. (batch, time) or (batch, 1)."""
        return self.run.batch.known

    @cached_property
    def missing(self) -> np.ndarray:
        """Like `real`, bool: real steps whose label is not the true one, because it is NaN or was filled in.

        (batch, time) or (batch, 1).
        """
        return self.real & (self.labels != self.truth)

    # --- the mask

    @property
    def path(self) -> MaskPath:
        """Where the mask goes."""
        return self.run.recipe.mask_path

    @property
    def masked(self) -> bool:
        """Whether a mask is used, in whichever way."""
        return self.settings.mask != "none"

    @property
    def weighted(self) -> bool:
        """Whether the mask is a weight of the loss and nothing else."""
        return self.masked and self.path == MaskPath(weighted=True)

    @cached_property
    def taken(self) -> np.ndarray:
        """(batch, time) bool: padded steps that the mask takes for real."""
        return self.padding & self.run.batch.mask

    @cached_property
    def left_out(self) -> np.ndarray:
        """(batch, time) bool: real steps that the mask leaves out; a weight may leave out steps without a label."""
        left_out = self.run.batch.real & ~self.run.batch.mask
        return left_out & ~self.missing if self.weighted else left_out

    # --- the gradients

    @cached_property
    def sizes(self) -> dict[str, np.ndarray]:
        """(kept,) the sum of |gradient| at the predictions and at the inputs."""
        return {at: gradient.sum(axis=(1, 2), dtype=float) for at, gradient in self.gradients.items()}

    @property
    def gradients(self) -> dict[str, np.ndarray]:
        """(kept, batch, time) |gradient|; at the predictions (kept, batch, 1) for one label per sequence."""
        return {"predictions": self.snapshot.gradient, "inputs": self.snapshot.input_gradient}

    @cached_property
    def sound(self) -> np.ndarray:
        """(kept,) bool: whether loss and gradients of the epoch are finite."""
        finite = np.isfinite(self.snapshot.loss[self.snapshot.kept])
        return finite & np.isfinite(self.sizes["predictions"]) & np.isfinite(self.sizes["inputs"])

    def shares(self, cells: np.ndarray, at: str = "predictions") -> np.ndarray:
        """(kept,) share of the gradient that lies on the cells (batch, time); 0 where there is none, or no finite."""
        if not cells.any():
            return np.zeros(len(self.snapshot.kept))
        with np.errstate(invalid="ignore", divide="ignore"):
            share = self.gradients[at][:, cells].sum(axis=1, dtype=float) / self.sizes[at]
        return np.where(self.sound & (self.sizes[at] > 0), share, 0.0)

    def ever(self, cells: np.ndarray, at: str = "predictions") -> np.ndarray:
        """Those of the cells (batch, time) that got gradient in some epoch."""
        return cells & (self.gradients[at][self.sound] > 0).any(axis=0)

    def between(self, epochs: np.ndarray) -> tuple[int, int]:
        """The first and the last of the kept epochs (kept,) bool that are marked."""
        marked = self.snapshot.kept[epochs]
        return int(marked[0]), int(marked[-1])

    # --- what was learned

    @cached_property
    def error(self) -> float:
        """The level at which the error on real steps ends."""
        return late(self.snapshot.error)

    @cached_property
    def beaten(self) -> bool:
        """Whether the model is better than the best constant; True where that cannot be told, as with equal labels."""
        return not self.error > BEATS * self.run.baseline > 0

    @property
    def loss_from(self) -> float:
        """The loss before the first update."""
        return float(self.snapshot.loss[0])

    @cached_property
    def loss_to(self) -> float:
        """The level at which the loss ends."""
        return late(self.snapshot.loss)

    @cached_property
    def wrong(self) -> np.ndarray:
        """Like `real`, bool: steps whose label was given, on which the last prediction is no better than a constant.

        (batch, time) or (batch, 1).
        """
        if self.ranked:
            wrong = self.snapshot.predictions[-1] != self.truth
        elif self.settings.predicts.kind == "binary":
            wrong = self.classes != (self.truth > 0.5)
        else:
            wrong = np.abs(self.snapshot.predictions[-1] - self.truth) > self.run.baseline
        return wrong & self.known & ~self.missing

    @property
    def classes(self) -> np.ndarray:
        """Like `real`, bool: the last predictions of 0/1 labels as classes. (batch, time) or (batch, 1)."""
        return self.snapshot.predictions[-1] > THRESHOLDS[self.run.opening.output]

    @property
    def comparison(self) -> str:
        """The error beside the best constant's, in words."""
        return f"the error on real steps ends at {self.error:.3g}, and the best constant has {self.run.baseline:.3g}"


def percent(share: float) -> str:
    """Three significant digits, and never 100% where it is less."""
    return "over 99.9%" if 0.9995 <= share < 1 else f"{100 * share:.3g}%"
