"""What the shape and the size of a batch do to the loss, and losses that do not run at all."""

from __future__ import annotations

import math

import numpy as np

from lessons.doctor.loss.rules import LOSS_RULES
from lessons.doctor.loss.subject import STATIC_BATCH, Subject
from lessons.doctor.rule import Evidence, Specimen

DOUBLED = 0.1  # relative change of the value when the batch is given twice
ALONE = 0.5  # relative difference between the batch and the mean over batches of one
DRAWS = 3

MIXED = """
def loss(y_true, y_pred):
    return tf.reduce_mean(tf.square(y_true - tf.reduce_mean(y_pred, axis=-1)))
"""
SQUARED = "def loss(y_true, y_pred):\n    return tf.reduce_mean(tf.square(y_true - y_pred), axis=-1)\n"
SUMMED = "def loss(y_true, y_pred):\n    return tf.reduce_sum(tf.square(y_true - y_pred))\n"
DROPPED = "def loss(y_true, y_pred):\n    return keras.backend.mean(keras.backend.square(y_true - y_pred))\n"


@LOSS_RULES.rule(
    code="raises_in_fit",
    severity="error",
    title="It raises inside fit",
    tried="a call inside a graph, as fit makes it",
    why="`fit` calls a loss inside a graph, with tensors that have no values yet and a batch size that is not known.",
    fix="Use TensorFlow or Keras operations that this version has, on the shapes that the model gives.",
    lesson="not_learning",
    fires_on=Specimen(DROPPED),
    silent_on=Specimen(SQUARED),
)
def raises_in_fit(subject: Subject) -> Evidence | None:
    if subject.crash is None:
        return None
    kind, words, line = subject.crash
    where = f" (line {line})" if line else ""
    return Evidence(f"{kind}: {words}{where}", {"exception": kind, "says": words}, line=line)


@LOSS_RULES.rule(
    code="broadcast_bug",
    severity="error",
    title="Labels and predictions are crossed",
    tried="the shapes of all tensors inside",
    why="(batch,) against (batch, 1) broadcasts to (batch, batch): every label meets every prediction.",
    fix="Give both the same shape before the arithmetic: keep the axis with keepdims=True, or reshape the labels.",
    lesson="first_iteration",
    fires_on=Specimen(MIXED),
    silent_on=Specimen(SQUARED),
)
def broadcast_bug(subject: Subject) -> Evidence | None:
    """The batch axis of an operand of lower rank stands over another axis than the batch axis of the other."""
    try:
        operations = subject.static_graph().get_operations()
    except Exception:  # it needs a batch axis that is not known: nothing to say
        return None
    for operation in operations:
        if len(operation.inputs) < 2 or not operation.outputs:
            continue
        shapes = [tuple(tensor.shape) for tensor in operation.inputs if tensor.shape.rank is not None]
        out = operation.outputs[0].shape
        if not out.is_fully_defined() or len(shapes) < 2:
            continue
        crossed = crossing(shapes, tuple(out))
        if crossed:
            low, high = (readable(shape) for shape in crossed)
            return Evidence(
                f"{operation.type} of {low} and {high} makes {readable(tuple(out))}: "
                f"{math.prod(out)} numbers from a batch of {STATIC_BATCH} samples.",
                {"operation": operation.type, "shapes": [low, high], "result": readable(tuple(out))},
            )
    return None


def crossing(shapes: list[tuple[int, ...]], out: tuple[int, ...]) -> tuple | None:
    """The two operands that were crossed, or None. A flattened one has its steps along its first axis too."""
    for low in shapes:
        for high in shapes:
            lower = 0 < len(low) < len(high) == len(out)
            batches = lower and low[0] % STATIC_BATCH == 0 and high[0] == STATIC_BATCH == out[0]
            across = sum(size % STATIC_BATCH == 0 for size in out) >= 2
            if batches and across and math.prod(out) > max(math.prod(low), math.prod(high)):
                return low, high
    return None


def readable(shape: tuple[int, ...]) -> str:
    whole, rest = np.divmod(shape, STATIC_BATCH)
    names = [
        str(size) if rest[i] or not size else "B" if whole[i] == 1 else f"B*{whole[i]}" for i, size in enumerate(shape)
    ]
    return f"({', '.join(names)}{',' if len(names) == 1 else ''})"


@LOSS_RULES.rule(
    code="not_batch_safe",
    severity="warning",
    title="Its value depends on the batch size",
    tried="the batch given twice, and batches of one",
    why="It adds up over the batch, or compares the samples of a batch: another batch size is another loss, and "
    "another learning rate.",
    fix="Take the mean over the batch, and compute statistics per sample.",
    lesson="divided_by",
    fires_on=Specimen(SUMMED),
    silent_on=Specimen(SQUARED),
)
def not_batch_safe(subject: Subject) -> Evidence | None:
    related, lists = subject.sampler.related, max(subject.usage.shape, default=1) > 1
    if related in ("embedding", "survival") or (related == "ranking" and not lists):  # they compare samples of a batch
        return None
    found = [evidence for _ in range(DRAWS) if (evidence := one_batch(subject))]
    return found[0] if len(found) > DRAWS / 2 else None


def one_batch(subject: Subject) -> Evidence | None:
    y, z = subject.draw()
    read = subject.at(y, z)
    if not read.finite or read.gradient is None:
        return None
    twice = subject.value(np.concatenate([y, y]), np.concatenate([z, z]))
    if abs(twice - read.value) > DOUBLED * abs(read.value):
        return Evidence(
            f"The same batch given twice changed the loss from {read.value:.4g} to {twice:.4g}.",
            {"once": read.value, "twice": twice},
            growth(subject, y, z),
        )
    singles = [subject.at(y[i : i + 1], z[i : i + 1]) for i in range(len(y))]
    values = np.array([single.value for single in singles])
    if not np.isfinite(values).all():
        if LOSS_RULES.found(subject, "absent_label"):  # of all labels but one
            return None
        return Evidence(
            f"A batch of one gives {values[~np.isfinite(values)][0]:g}.",
            {"batch": read.value, "alone": values.tolist()},
        )
    together = read.size.reshape(len(y), -1).max(axis=1)
    alone = np.array([single.size.max() for single in singles])
    lost = (together > 0) & (alone == 0)
    if lost.mean() >= 0.25:
        return Evidence(
            f"{lost.sum()} of {len(y)} samples get gradient in the batch, and none in a batch of one.",
            {"lost": int(lost.sum()), "samples": len(y)},
        )
    if abs(values.mean() - read.value) > ALONE * abs(read.value):
        return Evidence(
            f"The loss of a batch is {read.value:.4g}; the mean over its samples in batches of one is "
            f"{values.mean():.4g}.",
            {"batch": read.value, "mean_alone": float(values.mean())},
        )
    return None


def growth(subject: Subject, y, z) -> dict:
    """The value of the same samples given once, twice, … y and z (batch, …)."""
    counts = [1, 2, 3, 4]
    values = [subject.value(np.concatenate([y] * count), np.concatenate([z] * count)) for count in counts]
    return {"x": counts, "value": values, "gradient": None, "x_title": "times the same batch is given"}
