"""What repairs a run: changes of Settings, and the sentence that says them."""

from typing import Any

import numpy as np

from lessons.doctor.run.view import RunView

RATE = 10.0  # a learning rate is changed by this factor: less would need too many tries

Remedy = dict[str, Any]  # Evidence's `changes` and `fix`


def remedy(fix: str, **changes) -> Remedy:
    """What to do, in words, and the fields that do it."""
    return {"fix": fix, "changes": changes}


def right_mask(view: RunView) -> Remedy:
    """The mask of the true lengths."""
    return remedy("Make the mask from the true lengths: mask “aligned”.", mask="aligned")


def loss_per_step(view: RunView) -> Remedy:
    """In place of one that returns a scalar."""
    if view.ranked:
        return none("Return one value per step, so that Keras can leave steps out: reduce over the classes only.")
    if np.isnan(view.labels).any():
        return skip_missing(view)
    return remedy("Return one value per step, so that Keras can leave steps out: loss “mse”.", loss="mse")


def skip_missing(view: RunView) -> Remedy:
    """A loss that replaces NaN labels before the arithmetic."""
    if view.ranked:
        return none("Put some class in place of what is missing before the arithmetic, and count it with 0.")
    return remedy(
        "Replace NaN before the arithmetic and count it with 0: loss “nan_labels.where_inside”.",
        loss="nan_labels.where_inside",
        nan_fill="keep",
        **single(view),
    )


def plain_loss(view: RunView) -> Remedy:
    """One that has its minimum at the label and a gradient at every other prediction."""
    if np.isnan(view.labels).any():
        return skip_missing(view)
    if view.ranked:
        return none("Take the cross-entropy of the right class, one value per step: every label has a say.")
    masked = {} if view.masked or not view.padding.any() else {"mask": "aligned"}
    if view.settings.predicts.kind == "binary":
        return remedy(
            "Take the full cross-entropy from logits: both labels have a say, and no epsilon is needed.",
            loss="bce_from_logits",
            activation="linear",
            **single(view),
            **masked,
        )
    words = "Take a loss that is least at the label and pulls harder the farther off: loss “mse”."
    return remedy(words, loss="mse", **single(view), **masked)


def single(view: RunView) -> dict[str, str]:
    """A float type of 16 bits has too few for most losses."""
    return {} if view.settings.loss_dtype in ("float32", "float64") else {"loss_dtype": "float32"}


def smaller_steps(view: RunView) -> Remedy:
    """A learning rate that is smaller by RATE."""
    return remedy("Take smaller steps: a tenth of the learning rate.", learning_rate=rate(view, 1 / RATE))


def larger_steps(view: RunView) -> Remedy:
    """A learning rate that is larger by RATE."""
    words = "It is still on its way: ten times the learning rate, or more epochs."
    return remedy(words, learning_rate=rate(view, RATE))


def rate(view: RunView, factor: float) -> float:
    """The learning rate times a factor, within what the field takes, at three digits."""
    spec = view.settings.number("learning_rate")
    return float(f"{min(max(view.settings.learning_rate * factor, spec.low), spec.high):.3g}")


def none(fix: str) -> Remedy:
    """No field repairs it."""
    return remedy(fix)
