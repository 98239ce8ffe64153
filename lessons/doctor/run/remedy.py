"""What repairs a run: changes of Settings, and the sentence that says them."""

from __future__ import annotations

from typing import Any

import numpy as np

from lessons.doctor.run.view import Patient
from lessons.recipe.settings import SPECS

RATE = 10.0  # a learning rate is changed by this factor: less would need too many tries

Remedy = dict[str, Any]  # Evidence's `changes` and `fix`


def remedy(fix: str, **changes) -> Remedy:
    return {"fix": fix, "changes": changes}


def right_mask(patient: Patient) -> Remedy:
    return remedy("Make the mask from the true lengths: mask “aligned”.", mask="aligned")


def loss_per_step(patient: Patient) -> Remedy:
    """In place of one that returns a scalar."""
    if np.isnan(patient.labels).any():
        return skip_missing(patient)
    return remedy("Return one value per step, so that Keras can leave steps out: loss “mse”.", loss="mse")


def skip_missing(patient: Patient) -> Remedy:
    return remedy(
        "Replace NaN before the arithmetic and count it with 0: loss “nan_labels.where_inside”.",
        loss="nan_labels.where_inside",
        nan_fill="keep",
        **single(patient),
    )


def plain_loss(patient: Patient) -> Remedy:
    """One that has its minimum at the label and a gradient at every other prediction."""
    if np.isnan(patient.labels).any():
        return skip_missing(patient)
    masked = {} if patient.masked or not patient.padding.any() else {"mask": "aligned"}
    if patient.settings.task == "binary":
        return remedy(
            "Take the full cross-entropy from logits: both labels have a say, and no epsilon is needed.",
            loss="bce_from_logits",
            activation="linear",
            **single(patient),
            **masked,
        )
    words = "Take a loss that is least at the label and pulls harder the farther off: loss “mse”."
    return remedy(words, loss="mse", **single(patient), **masked)


def single(patient: Patient) -> dict[str, str]:
    """A float type of 16 bits has too few for most losses."""
    return {} if patient.settings.loss_dtype in ("float32", "float64") else {"loss_dtype": "float32"}


def smaller_steps(patient: Patient) -> Remedy:
    return remedy("Take smaller steps: a tenth of the learning rate.", learning_rate=rate(patient, 1 / RATE))


def larger_steps(patient: Patient) -> Remedy:
    words = "It is still on its way: ten times the learning rate, or more epochs."
    return remedy(words, learning_rate=rate(patient, RATE))


def rate(patient: Patient, factor: float) -> float:
    spec = SPECS["learning_rate"]
    return float(f"{min(max(patient.settings.learning_rate * factor, spec.low), spec.high):.3g}")


def none(fix: str) -> Remedy:
    """No field repairs it."""
    return remedy(fix)
