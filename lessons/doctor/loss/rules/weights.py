"""Weights that `fit` is given: whether they reach the samples, steps, columns or classes that they are meant for."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from keras.src.trainers.compile_utils import CompileLoss
from keras.src.trainers.data_adapters.data_adapter_utils import class_weight_to_sample_weights

from lessons.doctor.loss.crash import cleaned
from lessons.doctor.loss.rules import LOSS_RULES
from lessons.doctor.loss.subject import STATIC_BATCH, Subject, activated
from lessons.doctor.rule import Evidence, Specimen
from lessons.doctor.usage import TIMESTEPS

SCALAR = "def loss(y_true, y_pred):\n    return tf.reduce_mean(tf.square(y_true - y_pred))\n"
EACH = "def loss(y_true, y_pred):\n    return tf.reduce_mean(tf.square(y_true - y_pred), axis=-1)\n"
SHAPES = {"sample": "(B,)", "step": "(B, T)", "column": "the shape of the labels"}


@LOSS_RULES.rule(
    code="weights_misread",
    severity="error",
    title="The weights do not reach what they are for",
    tried="weights of 0 for some, and which gradient they take away",
    why="Keras multiplies the weights with what the loss returns, by shape alone: a loss that is one number for the "
    "batch is scaled as a whole, and axes that happen to be of one length are taken for each other.",
    fix="Return one number for each thing that is weighed, (B,) for samples and (B, T) for steps, and give the weights "
    "that very shape.",
    lesson="divided_by",
    fires_on=Specimen(SCALAR, {"shape": "B,1", "sample_weight": "sample"}),
    silent_on=Specimen(EACH, {"shape": "B,1", "sample_weight": "sample"}),
)
def weights_misread(subject: Subject) -> Evidence | None:
    usage = subject.usage
    if usage.class_weight:
        return of_classes(subject)
    if usage.sample_weight in (None, "none"):
        return None
    kind, size = usage.sample_weight, subject.rows * STATIC_BATCH
    y, z = subject.draw(size)
    off = switched_off(subject, y, z)
    try:
        kept, lost = shares(subject, y, z, off, None)
    except Exception as failure:
        return cannot_meet(subject, kind, failure)
    if kept <= 0.5 < lost:
        return None
    if kept > 0.5:
        return Evidence(
            f"Weights of 0 for some, one for each {kind}, left a gradient on {kept:.0%} of what they switch off: the "
            "loss has taken them together before the weights come.",
            {"left": kept},
        )
    return Evidence(
        f"Weights of 0 for some, one for each {kind}, took the gradient from {1 - lost:.0%} of the others too.",
        {"others": lost},
    )


def switched_off(subject: Subject, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """True where a weight is 0, in the shape of the weights: (B,), (B, T) or that of the labels. y and z (batch, …)."""
    shape = {"sample": y.shape[:1], "step": z.shape[:2], "column": y.shape}[subject.usage.sample_weight or "sample"]
    return np.arange(np.prod(shape)).reshape(shape) % 3 == 0


def shares(subject: Subject, y, z, off: np.ndarray, weights: np.ndarray | None) -> tuple[float, float]:
    """The shares of the predictions that still have a gradient: of those switched off, and of the others.

    y and z (batch, …), off (batch, …) with as many axes or fewer.
    """
    plain = gradient(subject, y, z, None)
    weighed = gradient(subject, y, z, np.where(off, 0, 1).astype(np.float32) if weights is None else weights)
    axes = tuple(range(off.ndim, z.ndim))
    teaches, still = np.abs(plain).max(axis=axes) > 0, np.abs(weighed).max(axis=axes) > 0
    off = np.broadcast_to(off, teaches.shape)
    return float(np.mean(still[off & teaches])), float(np.mean(still[~off & teaches]))


def gradient(subject: Subject, y, z, weights: np.ndarray | None) -> np.ndarray:
    """Of the loss as `fit` computes it with these weights. (batch, …), as z."""
    with tf.GradientTape() as tape:
        variable = tf.constant(z)
        tape.watch(variable)
        value = CompileLoss(subject.loss)(tf.constant(y), activated(subject.usage.activation, variable), weights)
    found = tape.gradient(value, variable)
    return np.zeros_like(z) if found is None else np.asarray(found)


def cannot_meet(subject: Subject, kind: str, failure: Exception) -> Evidence:
    """Weights of a shape that does not go with what the loss returns; with as many samples as steps it may go."""
    y, z = subject.draw(TIMESTEPS)
    silent = ""
    try:
        shares(subject, y, z, switched_off(subject, y, z), None)
        silent = (
            f" With {TIMESTEPS} samples of {TIMESTEPS} steps Keras takes them without a word, and weighs steps "
            "in place of samples."
        )
    except Exception:  # they never go together
        pass
    return Evidence(
        f"Weights of {SHAPES[kind]}, one for each {kind}, do not go with what the loss returns: "
        f"{cleaned(str(failure))}{silent}",
        {"exception": type(failure).__name__},
    )


def of_classes(subject: Subject) -> Evidence | None:
    """`class_weight`: what Keras makes of it for these labels, beside the class that each label says."""
    usage = subject.usage
    y, z = subject.draw(STATIC_BATCH)
    if usage.labels not in ("binary", "ids", "onehot"):
        return Evidence(
            f"The labels are {usage.labels}: they say no class, and Keras takes them for numbers of classes."
        )
    first = usage.class_weight[0][0]
    table = {number: float(number != first) for number, _ in usage.class_weight}
    meant = np.argmax(y, -1) if usage.labels == "onehot" else y[..., 0] if y.shape[-1:] == (1,) and y.ndim > 1 else y
    if absent := sorted(set(np.unique(meant).astype(int).tolist()) - table.keys()):
        return Evidence(f"Class {absent[0]} has no weight: Keras gives it 1 without a word.", {"absent": absent})
    weights = np.asarray(class_weight_to_sample_weights(tf.constant(y), table))
    if weights.shape != meant.shape or not np.array_equal(weights == 0, meant == first):
        return Evidence(
            f"Keras makes {weights.size} weights of {meant.size} labels: it takes the last axis of the labels, "
            f"{y.shape[-1]} long, for the columns of classes, and the place of the largest for the class.",
            {"weights": list(weights.shape), "labels": list(meant.shape)},
        )
    try:
        kept, lost = shares(subject, y, z, meant == first, weights)
    except Exception as failure:
        return Evidence(
            f"The weights of the labels do not go with what the loss returns: {cleaned(str(failure))}",
            {"exception": type(failure).__name__},
        )
    if kept <= 0.5 < lost:
        return None
    return Evidence(
        f"With weight 0 for class {first}, {kept:.0%} of its predictions still get a gradient, and {lost:.0%} of "
        "the others.",
        {"left": kept, "others": lost},
    )
