"""How a loss itself expects padding to be told: a Keras mask, NaN, or a mark in the labels."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf
from keras.src import backend

from lessons.doctor.loss.graphs import ancestors, unmoved
from lessons.doctor.loss.sample import Sampler
from lessons.doctor.loss.subject import Reading, Subject, activated
from lessons.doctor.usage import Usage

TRIALS = 3  # batches that a mark is tried on
LARGEST_MARK = 1e6
BESIDE = 0.37  # from a mark to a label that marks nothing
FAR = 9.0  # no ordinary label, which is a number about 0, is so far from it
SIGNED = ("float", "angles", "boxes")  # kinds of labels that may be below 0
WHOLE = ("binary", "onehot", "ids")  # kinds of labels that are whole numbers, and so are marks among them
NEVER_NAN = {  # operations that make no NaN of ordinary numbers: a guard behind any other may be against its own NaN
    *("Placeholder", "Const", "Identity", "Cast", "Reshape", "ExpandDims", "Squeeze", "StridedSlice", "Pack", "Shape"),
    *("Sub", "AddV2", "Mul", "Neg", "Abs", "Square", "SquaredDifference", "Maximum", "Minimum", "IsNan", "IsFinite"),
    *("Sum", "Mean", "Sigmoid", "Softmax", "Softplus"),
}
FLIPPED = {"Greater": "Less", "GreaterEqual": "LessEqual", "Less": "Greater", "LessEqual": "GreaterEqual"}


def padding_of(subject: Subject) -> str | float:
    """How the loss itself expects padding to be marked."""
    usage = subject.usage
    if usage.timed and reads_mask(subject.loss, usage):
        return "keras"
    if asks_for_nan(subject):
        return "nan"
    asked = list(comparisons(subject))
    named = {value for kind, value in asked if kind in ("Equal", "NotEqual")}
    constants = set(subject.constants().tolist()) | named
    for mark in sorted(constants, key=lambda c: (c == 0, abs(c))):
        may_be_0 = len(usage.shape) > 1 or (usage.labels == "ids" and mark in named)
        whole = usage.labels not in WHOLE or mark == round(mark)  # y > 0.5 parts two classes, and marks neither
        possible = abs(mark) <= LARGEST_MARK and (mark != 0 or may_be_0) and whole
        if possible and ((mark in named and no_label(mark, usage)) or skips(subject, mark, asked_for=mark in named)):
            return float(mark)
    for mark in sorted({below(kind, value) for kind, value in asked}, reverse=True):
        # A label of that kind is never below 0: what a limit parts from the labels is a mark.
        if -LARGEST_MARK <= mark < 0 and usage.labels not in SIGNED and skips(subject, mark, asked_for=True):
            return float(mark)
    return "none"


def no_label(mark: float, usage: Usage) -> bool:
    """Whether a number is so far from all labels of the kind that whoever asks for it means a mark."""
    lowest = -FAR if usage.labels in SIGNED else 0
    return abs(mark) <= LARGEST_MARK and not lowest <= mark <= FAR


def comparisons(subject: Subject) -> Iterator[tuple[str, float]]:
    """(operation, number) for each number that the labels themselves are compared with, labels on the left."""
    graph = subject.traced().graph
    labels = graph.inputs[0]
    for operation in graph.get_operations():
        if operation.type not in ("Equal", "NotEqual", *FLIPPED):
            continue
        for one, other, kind in (
            (*operation.inputs, operation.type),
            (*operation.inputs[::-1], FLIPPED.get(operation.type, operation.type)),
        ):
            value = tf.get_static_value(other)
            if value is not None and np.size(value) == 1 and unmoved(one)[0] is labels:
                yield kind, float(np.reshape(value, ()))


def below(kind: str, limit: float) -> float:
    """The whole number next to a limit that a comparison tells from the numbers above it; 0: it is no such limit."""
    if kind in ("Equal", "NotEqual") or not math.isfinite(limit):
        return 0.0
    if kind in ("GreaterEqual", "Less") and limit == math.floor(limit):  # the limit itself is a label
        return limit - 1
    return float(math.floor(limit))


def reads_mask(loss: Callable, usage: Usage) -> bool:
    """Whether the bare function gives another value when the prediction carries a mask."""
    sampler = Sampler(usage)
    y, z = sampler.labels(), sampler.predictions()
    mask = np.arange(z.shape[1]) < 1 + np.arange(len(z))[:, None] % z.shape[1]
    bare = getattr(loss, "call", loss)
    values = []
    for masked in (False, True):
        p = activated(usage.activation, tf.constant(z))
        if masked:
            backend.set_keras_mask(p, tf.constant(mask))
        try:
            values.append(np.asarray(bare(tf.constant(y), p)))
        except Exception:
            return False
    return values[0].shape != values[1].shape or not np.allclose(values[0], values[1], equal_nan=True)


def asks_for_nan(subject: Subject) -> bool:
    """Whether the graph asks which labels are NaN: IsNan and the like on the labels, or on an error in which nothing
    but a label can be NaN."""
    graph = subject.traced().graph
    labels, predictions = (tensor.op for tensor in graph.inputs[:2])
    for operation in graph.get_operations():
        asks = operation.type in ("IsNan", "IsFinite") or (
            operation.type in ("Equal", "NotEqual") and operation.inputs[0] is operation.inputs[1]
        )
        if asks:
            sources = ancestors(operation)
            from_labels = predictions not in sources or {one.type for one in sources} <= NEVER_NAN
            if labels in sources and from_labels:
                return True
    return False


def skips(subject: Subject, mark: float, asked_for: bool = False) -> bool:
    """Whether a label with exactly this value teaches nothing, while other labels do.

    `asked_for`: the loss asks for such labels. Then it is a mark as well where it makes the loss something that is not
    finite, or makes it fail: it was to be left out, and is not.
    """
    labels = subject.usage.labels
    near = labels in (*SIGNED, "probabilities") or (mark >= 0 and labels != "ids") or not asked_for
    try:
        at_mark = [marked(subject, mark) for _ in range(TRIALS)]
    except tf.errors.OpError:  # no class has this number
        return asked_for
    silent = all(read.gradient is not None and read.finite_gradient and not own for read, own in at_mark)
    if not silent and not (asked_for and any(not read.finite for read, _ in at_mark)):
        return False
    steps = (-BESIDE, BESIDE) if near else (None, None)
    beside = [marked(subject, mark, step) for step in steps for _ in range(TRIALS)]
    return all(read.gradient is not None and read.finite and own for read, own in beside)


def marked(subject: Subject, mark: float, step: float | None = 0.0) -> tuple[Reading, float]:
    """(what the loss gives where one label is so far from the mark, the largest gradient there); None: a label that is
    drawn, but not the mark.

    One label: the last of the first sample, and of one-hot labels all of its columns.
    """
    y, z = subject.draw()
    onehot = subject.usage.labels == "onehot"
    place = (0, *[-1] * (y.ndim - 1 - onehot))
    if step is not None:
        y[place] = mark + step
    elif not onehot and y[place] == mark:
        y[place] = 1 - (mark == 1)
    read = subject.at(y, z)
    if read.gradient is None:
        return read, 0.0
    own = read.gradient[place] if y.shape == z.shape else read.gradient[place[: z.ndim - 1]]
    return read, float(np.abs(own).max())
