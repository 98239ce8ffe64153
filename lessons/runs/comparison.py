"""Comparison: a pinned run and another that shares its seed, and where they part. NumPy only.

Of one epoch everything is from before its update, so that runs which part in their first epoch started apart, or were
told different things of the same answers.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lessons.recipe.data import Bools, Floats, Whole
from lessons.recipe.recipe import Recipe
from lessons.recipe.words import plural
from lessons.runs.run import Run

VISIBLE = 1e-3  # of the epoch's largest value: smaller differences do not move the three digits that the app shows
QUANTITIES = ("predictions", "loss", "gradient")  # in the order in which an epoch computes them
AT = {"predictions": "gradient", "inputs": "input_gradient"}  # where a gradient is looked at -> its name in a Snapshot
GIVEN = {"real": "real steps", "mask": "mask", "x": "inputs", "y": "labels as given", "truth": "true labels"}


@dataclass(frozen=True)
class Difference:
    """A toggle that stands differently, in words."""

    field: str
    label: str
    pinned: str
    other: str
    idle: bool = False  # it changes neither of the two runs


@dataclass(frozen=True)
class Parting:
    """The first place where a quantity of the two runs differs: the earliest timestep of the earliest epoch, and of the
    sequences that differ there the first."""

    quantity: str
    epoch: int  # from 0
    sequence: int | None  # None: one number per epoch
    timestep: int | None
    pinned: float
    other: float


@dataclass(frozen=True)
class Comparison:
    pinned: Run
    other: Run

    @cached_property
    def differences(self) -> tuple[Difference, ...]:
        """The toggles that differ; those that change neither run come last."""
        return differences(self.pinned.recipe, self.other.recipe)

    @cached_property
    def given(self) -> dict[str, int]:
        """In how many numbers each part of the data differs, by the names of PaddedBatch; -1 where the shapes do."""
        pairs = {name: (getattr(self.pinned.batch, name), getattr(self.other.batch, name)) for name in GIVEN}
        return {name: int(differs(a, b).sum()) if a.shape == b.shape else -1 for name, (a, b) in pairs.items()}

    @property
    def equal(self) -> bool:
        """Whether they are one run twice."""
        return not self.differences and not any(self.given.values())

    @cached_property
    def epochs(self) -> int:
        """Epochs that both have trained."""
        return min(self.pinned.epochs, self.other.epochs)

    @cached_property
    def kept(self) -> Whole:
        """(kept,) the epochs from 0 of which both have kept gradients and predictions; never empty."""
        return np.intersect1d(self.pinned.snapshot.kept, self.other.snapshot.kept)

    def comparable(self, quantity: str) -> bool:
        """Whether the two have the quantity in one shape, apart from the number of epochs."""
        a, b = (getattr(run.snapshot, quantity) for run in (self.pinned, self.other))
        return a.shape[1:] == b.shape[1:]

    def pair(self, quantity: str) -> tuple[Whole, Floats, Floats]:
        """The epochs from 0 that both have of a quantity, and its values in the two runs: (epoch, …) each."""
        runs = self.pinned, self.other
        if quantity in ("loss", "error"):
            return np.arange(self.epochs), *(getattr(run.snapshot, quantity)[: self.epochs] for run in runs)
        return self.kept, *(getattr(run.snapshot, quantity)[places(run, self.kept)] for run in runs)

    def parting(self, quantity: str, visible: bool = False) -> Parting | None:
        """Where the quantity first differs: at all, that is in float32 to the bit, or visibly. None: nowhere."""
        if not self.comparable(quantity):
            return None
        epochs, a, b = self.pair(quantity)
        apart = visibly(a, b) if visible else differs(a, b)  # (epoch, …)
        parted = apart.reshape(len(apart), -1).any(axis=1)
        if not parted.any():
            return None
        at = int(parted.argmax())
        if apart.ndim == 1:
            return Parting(quantity, int(epochs[at]), None, None, float(a[at]), float(b[at]))
        timestep, sequence = (int(place) for place in np.argwhere(apart[at].T)[0])
        values = (float(values[at, sequence, timestep]) for values in (a, b))
        return Parting(quantity, int(epochs[at]), sequence, timestep, *values)

    def first(self, visible: bool = False) -> Parting | None:
        """The first of all partings: in the earliest epoch, the quantity that is computed first."""
        return min(self.partings(visible), key=lambda parting: parting.epoch, default=None)

    def first_cell(self, visible: bool = False) -> Parting | None:
        """The first parting that has a sequence and a timestep."""
        cells = [parting for parting in self.partings(visible) if parting.timestep is not None]
        return min(cells, key=lambda parting: parting.epoch, default=None)

    def partings(self, visible: bool = False) -> list[Parting]:
        """Of each quantity that parts the first place, as an epoch computes them."""
        return [parting for quantity in QUANTITIES if (parting := self.parting(quantity, visible))]

    @cached_property
    def spread(self) -> float:
        """The largest finite difference of all, as a share of the largest value of its epoch."""
        shares = [share(*self.pair(quantity)[1:]) for quantity in QUANTITIES if self.comparable(quantity)]
        return max(float(np.max(found, initial=0)) for found in shares)

    def gradients(self, epoch: int, at: str = "predictions") -> tuple[Floats, Floats]:
        """(batch, time) |gradient| of the two runs in a kept epoch."""
        return tuple(
            getattr(run.snapshot, AT[at])[places(run, np.array([epoch]))[0]] for run in (self.pinned, self.other)
        )

    def difference(self, epoch: int, at: str = "predictions") -> Floats | None:
        """(batch, time) other minus pinned |gradient|, signed; NaN where either is not finite, None in two shapes."""
        pinned, other = self.gradients(epoch, at)
        if pinned.shape != other.shape:
            return None
        with np.errstate(invalid="ignore"):
            signed = other.astype(float) - pinned.astype(float)
        return np.where(np.isfinite(pinned) & np.isfinite(other), signed, np.nan)


def differences(pinned: Recipe, other: Recipe) -> tuple[Difference, ...]:
    """The texts and the fields in which two recipes differ; those that change neither run come last."""
    still = pinned.idle().keys() & other.idle().keys()
    before, now = pinned.settings, other.settings
    names = sorted(now.to_query(before), key=lambda name: name in still)
    return (
        *own_texts(pinned, other),
        *(
            Difference(name, now.specs()[name].label, before.said(name), now.said(name), name in still)
            for name in names
        ),
    )


def own_texts(pinned: Recipe, other: Recipe) -> Iterator[Difference]:
    """Whether a loss or a model of the learner's own is in one of them and not in the other."""
    for name, words in (("pasted", "Text of the loss"), ("model", "Text of the model")):
        texts = getattr(pinned, name), getattr(other, name)
        if texts[0] != texts[1]:
            before, now = ("yours" if text else "the lesson’s" for text in texts)
            yield Difference(name, words, *(("one text", "another") if all(texts) else (before, now)))


def differs(a: NDArray[Any], b: NDArray[Any]) -> Bools:
    """Where two arrays are not the same number; NaN is the same as NaN.

    Both of one shape (…), which is that of the answer, bool.
    """
    if a.dtype.kind != "f":
        return a != b
    return (a != b) & ~(np.isnan(a) & np.isnan(b))


def visibly(a: Floats, b: Floats) -> Bools:
    """Where two arrays (epoch, …) differ by more than VISIBLE, or only one of them is finite."""
    return (np.isfinite(a) != np.isfinite(b)) | (share(a, b) > VISIBLE)


def share(a: Floats, b: Floats) -> Floats:
    """(epoch, …) the difference as a share of the largest finite value of its epoch; 0 where either is not finite."""
    a, b = a.astype(float), b.astype(float)
    within = tuple(range(1, a.ndim))
    finite = np.isfinite(a) & np.isfinite(b)
    largest = np.max(np.maximum(*(np.where(np.isfinite(c), np.abs(c), 0) for c in (a, b))), axis=within, keepdims=True)
    size = np.abs(np.where(finite, a, 0) - np.where(finite, b, 0))
    return np.divide(size, largest, out=np.zeros_like(size), where=np.broadcast_to(largest > 0, size.shape))


def places(run: Run, epochs: Whole) -> Whole:
    """Where these epochs stand among those that the run has kept. (epochs,) int."""
    return np.searchsorted(run.snapshot.kept, epochs)


def headline(comparison: Comparison) -> str:
    """Where the two runs part, in one or two sentences."""
    seen, at_all = comparison.first(visible=True), comparison.first()
    if at_all is None:
        epochs = plural(comparison.epochs, "epoch")
        return f"They never part: predictions, loss and gradient are equal to the bit in {epochs}."
    if seen is None:
        return (
            f"They part by rounding alone, from epoch {at_all.epoch + 1} on: nowhere by more than "
            f"{number_words(comparison.spread)} of an epoch’s largest value."
        )
    words = (
        f"They part in epoch {seen.epoch + 1}, first in the {seen.quantity}{place(comparison, seen)}: {values(seen)}."
    )
    cell = comparison.first_cell(visible=True)
    if seen.timestep is None and cell and cell.epoch == seen.epoch:
        words += f" Then in the {cell.quantity}, first{place(comparison, cell)}: {values(cell)}."
    if at_all.epoch < seen.epoch:
        words += f" To the bit they differ from epoch {at_all.epoch + 1} on."
    return words + started(comparison, seen)


def started(comparison: Comparison, seen: Parting) -> str:
    """What a parting in the first epoch means: it is from before the first update."""
    batched = any(run.recipe.updates > 1 for run in (comparison.pinned, comparison.other))
    if seen.epoch or batched or not comparison.comparable("predictions"):
        return ""
    before = " No update has been made yet: "
    if seen.quantity == "predictions":
        return f"{before}their predictions differ from the start."
    if seen.quantity == "loss":
        return f"{before}the predictions are the same, the loss takes them differently."
    return f"{before}predictions and loss are the same, the gradient is another."


def place(comparison: Comparison, parting: Parting) -> str:
    """Where in an epoch, in words: a step can be real in one run and padding in the other."""
    if parting.sequence is None:
        return ""
    kinds = [
        "real" if run.batch.label_real[parting.sequence, parting.timestep] else "padding"
        for run in (comparison.pinned, comparison.other)
    ]
    kind = kinds[0] if kinds[0] == kinds[1] else f"{kinds[0]} in the pinned run, {kinds[1]} in this one"
    return f" at sequence {parting.sequence}, step {parting.timestep} ({kind})"


def values(parting: Parting) -> str:
    """The number of either run at a parting, in words."""
    return f"{number_words(parting.pinned)} pinned, {number_words(parting.other)} now"


def others(comparison: Comparison) -> list[str]:
    """What else sets the two runs apart, or keeps them from being compared."""
    words = []
    shapes = [" × ".join(map(str, run.snapshot.gradient.shape[1:])) for run in (comparison.pinned, comparison.other)]
    if shapes[0] != shapes[1]:
        words.append(
            f"The pinned run has {shapes[0]} predictions, this one {shapes[1]}: step by step they cannot be compared, "
            "only their curves."
        )
    unlike = [f"{GIVEN[name]} in {count}" for name, count in comparison.given.items() if count > 0]
    if unlike:
        words.append(f"They are given different data: {', '.join(unlike)} numbers.")
    if comparison.given["real"] > 0:
        words.append("So a cell need not be the same step in both.")
    if comparison.pinned.epochs != comparison.other.epochs:
        words.append(
            f"The pinned run has {plural(comparison.pinned.epochs, 'epoch')}, this one "
            f"{plural(comparison.other.epochs, 'epoch')}: the first {comparison.epochs} are compared."
        )
    if len(comparison.kept) < comparison.epochs:
        words.append(f"Both have kept predictions and gradients of {len(comparison.kept)} of them.")
    return words


def number_words(value: float) -> str:
    """Three significant digits; 0 is exact."""
    return "exactly 0" if value == 0 else f"{value:.3g}" if np.isfinite(value) else "NaN"
