"""What the shape and the size of a batch do to the loss, and losses that do not run at all."""

from __future__ import annotations

import math

import numpy as np

from lessons.doctor.loss import crash
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
WOVEN = """
def loss(y_true, y_pred):
    return tf.reduce_mean(tf.nn.relu(1.0 - y_pred[::2] + y_pred[1::2]) + 0 * y_true[::2])
"""
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
    seen = crash.look(subject) if subject.loss is not None else None
    if seen is None:
        return Evidence(f"{where(line)}{kind}: {words}", {"exception": kind, "says": words}, line=line)
    line = seen.line or line
    numbers = {"exception": kind, "says": seen.says, "shapes": list(seen.shapes)}
    if len(seen.shapes) == 2:
        words = f"{seen.shapes[0]} and {seen.shapes[1]} {seen.deed or 'meet'}, and do not fit."
        words = f"{where(line)}{words}" if line else f"Behind the loss, in Keras: {words}"
    else:
        words = f"{where(line)}{kind}: {seen.says}"
    return Evidence(" ".join(filter(None, (words, seen.reason))), numbers, line=line, fix=seen.fix)


def where(line: int | None) -> str:
    return f"Line {line}: " if line else ""


@LOSS_RULES.rule(
    code="grouped_batch",
    severity="note",
    title="Its rows belong together in groups",
    tried="batches of other sizes",
    why="A loss that takes the rows of a batch in turns, or folds them, runs only where the batch is a multiple of the "
    "group, and only means something where rows come in that order: `fit` shuffles rows one by one.",
    fix="Make the batch size a multiple of the group, drop the remainder, and shuffle whole groups; or put a group "
    "into one row, as an axis of its own.",
    lesson="divided_by",
    fires_on=Specimen(WOVEN, {"task": "regression", "activation": "linear", "shape": "B,1", "labels": "binary"}),
    silent_on=Specimen(SQUARED),
)
def grouped_batch(subject: Subject) -> Evidence | None:
    if subject.rows == 1:
        return None
    failed = crash.look(Subject(subject.loss, subject.usage))
    n = subject.rows
    order = f"rows 1, {n + 1}, {2 * n + 1}, … begin a group" if not in_blocks(subject) else f"it is read as {n} blocks"
    says = f" With {STATIC_BATCH} rows it fails: {where(failed.line).lower()}{failed.says}" if failed else ""
    return Evidence(
        f"It runs with batches of {n}, {2 * n}, {3 * n}, … rows ({order}), and is examined with such ones.{says}",
        {"rows": n},
        line=failed.line if failed else None,
    )


@LOSS_RULES.rule(
    code="broadcast_bug",
    severity="error",
    title="Every sample meets every other one",
    tried="the shapes of all tensors inside",
    why="One side has lost its last axis. TensorFlow then lays (batch,) as a row across the column (batch, 1) and "
    "makes a table (batch, batch) of them: every label is compared with every prediction, not with its own.",
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
                f"{low} and {high} {crash.DEEDS.get(operation.type, 'meet')}, B being the samples of a batch, and "
                f"make {readable(tuple(out))}: {math.prod(out)} numbers from {STATIC_BATCH} samples, for each sample "
                "has met all the others.",
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
    if subject.sampler.unused and compares_samples(subject):  # without labels there is nothing else to compare with
        return None
    found = [evidence for _ in range(DRAWS) if (evidence := one_batch(subject))]
    return found[0] if len(found) > DRAWS / 2 else None


def compares_samples(subject: Subject) -> bool:
    """Whether the gradient of the first sample is another one where all samples behind its group are others."""
    y, z = subject.draw()
    others = subject.sampler.predictions(len(z))
    others[: subject.rows] = z[: subject.rows]
    here, there = subject.at(y, z), subject.at(y, others)
    if here.gradient is None or there.gradient is None:
        return False
    return not np.allclose(here.gradient[0], there.gradient[0], rtol=1e-3, atol=1e-7)


def one_batch(subject: Subject) -> Evidence | None:
    y, z = subject.draw()
    read = subject.at(y, z)
    if not read.finite or read.gradient is None:
        return None
    twice = subject.value(repeated(subject, y, 2), repeated(subject, z, 2))
    if abs(twice - read.value) > DOUBLED * abs(read.value):
        return Evidence(
            f"The same batch given twice changed the loss from {read.value:.4g} to {twice:.4g}.",
            {"once": read.value, "twice": twice},
            growth(subject, y, z),
        )
    n, groups = subject.rows, len(y) // subject.rows
    rows = [slice(i, None, groups) if in_blocks(subject) else slice(i * n, (i + 1) * n) for i in range(groups)]
    singles = [subject.at(y[own], z[own]) for own in rows]
    values = np.array([single.value for single in singles])
    if not np.isfinite(values).all():
        if LOSS_RULES.found(subject, "absent_label"):  # of all labels but one
            return None
        return Evidence(
            f"A batch of {n if n > 1 else 'one'} gives {values[~np.isfinite(values)][0]:g}.",
            {"batch": read.value, "alone": values.tolist()},
        )
    together = np.array([read.size[own].max() for own in rows])
    alone = np.array([single.size.max() for single in singles])
    lost = (together > 0) & (alone == 0)
    if lost.mean() >= 0.25:
        return Evidence(
            f"{lost.sum()} of {len(singles)} samples get gradient in the batch, and none in a batch of one.",
            {"lost": int(lost.sum()), "samples": len(singles)},
        )
    if abs(values.mean() - read.value) > ALONE * abs(read.value):
        return Evidence(
            f"The loss of a batch is {read.value:.4g}; the mean over its samples in batches of one is "
            f"{values.mean():.4g}.",
            {"batch": read.value, "mean_alone": float(values.mean())},
        )
    return None


def repeated(subject: Subject, rows: np.ndarray, count: int) -> np.ndarray:
    """The same groups of rows given so often. (batch, …)."""
    return np.repeat(rows, count, axis=0) if in_blocks(subject) else np.concatenate([rows] * count)


def in_blocks(subject: Subject) -> bool:
    """Whether the rows of a group stand a block apart, as tf.split(y, 2) reads them, and not one after the other."""
    if subject.rows == 1:
        return False
    y, z = subject.draw()
    here = subject.value(y, z)
    woven = subject.value(np.concatenate([y, y]), np.concatenate([z, z]))
    blocks = subject.value(np.repeat(y, 2, axis=0), np.repeat(z, 2, axis=0))
    return bool(abs(blocks - here) < 1e-4 * (1 + abs(here)) < abs(woven - here))


def growth(subject: Subject, y, z) -> dict:
    """The value of the same samples given once, twice, … y and z (batch, …)."""
    counts = [1, 2, 3, 4]
    values = [subject.value(repeated(subject, y, count), repeated(subject, z, count)) for count in counts]
    return {"x": counts, "value": values, "gradient": None, "x_title": "times the same batch is given"}
