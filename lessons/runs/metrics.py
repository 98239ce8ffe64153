"""Loss and metrics of a trained model side by side, as `evaluate` gives them, and why they differ. NumPy only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SAME = 1e-4  # relative difference that is rounding
LOSS = "loss"


@dataclass(frozen=True)
class MetricValues:
    """The loss, or one metric, of the training data after the training."""

    name: str  # a class of keras.metrics, or LOSS
    output: str  # its name; empty: of all outputs together, or of the only one
    weighted: bool  # whether it is one of weighted_metrics
    size: int  # sequences in a batch of `batches`
    whole: float  # what `evaluate` says with all sequences in one batch
    batches: float  # and in smaller ones
    real: float  # on real steps alone, against the true labels; NaN where nobody can tell, as of the sum of losses
    padded: float  # on all steps, as without a mask; NaN there too

    @property
    def said(self) -> str:
        """What it is, in words."""
        return self.name + (f" of {self.output}" if self.output else "") + (", weighted" if self.weighted else "")


def same(one: float, other: float) -> bool:
    """Whether two numbers differ by rounding only."""
    return bool(np.isclose(one, other, rtol=SAME, atol=1e-7))


def says(rows: Sequence[MetricValues]) -> list[str]:
    """Why the numbers differ, in sentences, as far as the numbers themselves tell."""
    said = []
    masked = [one for one in rows if not same(one.real, one.padded) and np.isfinite([one.real, one.padded]).all()]
    left_out = [one for one in masked if same(one.whole, one.real)]
    counted = [one for one in masked if same(one.whole, one.padded)]
    if left_out:
        said.append(f"{names(left_out)}: masked steps are left out; the number is that of the real steps alone.")
    if counted:
        said.append(f"{names(counted)}: padding counts; on real steps alone it would be {values(counted)}.")
    by_batch = [one for one in rows if not same(one.whole, one.batches)]
    losses = [one for one in by_batch if one.name == LOSS]
    others = [one for one in by_batch if one.name != LOSS]
    steady = [one for one in rows if one.name != LOSS and same(one.whole, one.batches)]
    if losses:
        size = losses[0].size
        said.append(
            f"{names(losses)}: in batches of {size} it is another number, for it is the mean of the batches’ means: a "
            "step in a batch with few real steps weighs more."
        )
    if others:
        said.append(
            f"{names(others)}: it depends on the batches too, for it is no mean over steps that all weigh the same."
        )
    if losses and steady:
        said.append(f"{names(steady)}: the same in any batches: sum and count are kept over all of them.")
    return said


def names(rows: Sequence[MetricValues]) -> str:
    return ", ".join(one.said for one in rows)


def values(rows: Sequence[MetricValues]) -> str:
    return ", ".join(f"{one.real:.3g}" for one in rows)
