"""A step to try: a field, a value, and what is asked of the run before it is offered."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lessons.doctor.run.next_step import NextStep
from lessons.doctor.run.remedy import RATE, rate, single
from lessons.doctor.run.view import RunView

SEEDS = 5  # that are offered


@dataclass(frozen=True)
class Toggle:
    """A step where it `fits`; a value may depend on the run."""

    field: str
    value: Any
    says: str
    fits: Callable[[RunView], bool] = lambda view: True

    @property
    def of_any(self) -> bool:
        """Whether it is for classes too: the losses named here, and the huge label, are for numbers."""
        return self.field != "loss" and self.value != "garbage"

    def step(self, view: RunView) -> NextStep:
        """The step that this toggle is for a run; its value may depend on the run."""
        return NextStep(self.field, self.value(view) if callable(self.value) else self.value, self.says)


# --- what a toggle asks of the run


def labelled(view: RunView) -> bool:
    """Whether padded steps have labels that some loss could count, and no label is NaN."""
    return view.every_step and bool(view.padding.any()) and not np.isnan(view.labels).any()


def passed(view: RunView) -> bool:
    """Whether a mask reaches the layers."""
    return view.path.passed


def masked_labels(view: RunView) -> bool:
    """Whether a mask keeps padded labels out of the loss."""
    return labelled(view) and passed(view)


def masked_padding(view: RunView) -> bool:
    """Whether there is padding, and a mask in use."""
    return view.masked and bool(view.padding.any())


def binary_steps(view: RunView) -> bool:
    """Whether every step has a label of 0 or 1 that can be counted."""
    return view.settings.predicts.kind == "binary" and labelled(view)


def missing(view: RunView) -> bool:
    """Whether some label is not the true one."""
    return bool(view.missing.any())


def first_padded(view: RunView) -> bool:
    """Whether padding comes first."""
    return view.settings.padding == "pre"


def halves(view: RunView) -> bool:
    """Whether the loss computes in 16 bits."""
    return bool(single(view))


def one_label(view: RunView) -> bool:
    """One label per sequence: what happens on padding shows in the state."""
    return not view.every_step


def held(kind: str) -> Callable[[RunView], bool]:
    """Whether padded labels could be counted and hold something else than this."""
    return lambda view: view.settings.padded_labels != kind and labelled(view)


def set_to(field: str, value: Any) -> Callable[[RunView], bool]:
    """Whether a field has this value."""
    return lambda view: getattr(view.settings, field, None) == value  # another family may lack it


def below(field: str, value: float) -> Callable[[RunView], bool]:
    """Whether a field is less than this."""
    return lambda view: getattr(view.settings, field) < value


def slower(view: RunView) -> float:
    """A learning rate that is smaller by RATE."""
    return rate(view, 1 / RATE)


def faster(view: RunView) -> float:
    """A learning rate that is larger by RATE."""
    return rate(view, RATE)


def other_seed(view: RunView) -> int:
    """The next seed of those that are offered."""
    return (view.settings.seed + 1) % SEEDS


def other_shift(view: RunView) -> int:
    """The same shift the other way."""
    return -view.settings.mask_shift
