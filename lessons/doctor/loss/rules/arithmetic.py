"""Where the numbers break: edges of a domain, steep places, graph against eager."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from lessons.doctor.loss.origin import Origin, begins_at, in_words, line_of, origin, place_of, root_of_zero
from lessons.doctor.loss.rules import LOSS_RULES
from lessons.doctor.loss.sample import Point
from lessons.doctor.loss.subject import Reading, Subject
from lessons.doctor.rule import Evidence, Specimen

STEEP = 1e4  # |gradient| that throws weights away at any usual learning rate
ERRORS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 0.3, 0.9, 3.0)

PLAIN_BCE = """
def loss(y_true, y_pred):
    return -tf.reduce_mean(y_true * tf.math.log(y_pred) + (1 - y_true) * tf.math.log(1 - y_pred))
"""
ADDED_BCE = """
def loss(y_true, y_pred):
    return -tf.reduce_mean(y_true * tf.math.log(y_pred + 1e-8) + (1 - y_true) * tf.math.log(1 - y_pred + 1e-8))
"""
CLIPPED_BCE = """
def loss(y_true, y_pred):
    p = tf.clip_by_value(y_pred, 1e-3, 1 - 1e-3)
    return -tf.reduce_mean(y_true * tf.math.log(p) + (1 - y_true) * tf.math.log(1 - p))
"""
ROOT = """
def loss(y_true, y_pred):
    return tf.sqrt(tf.reduce_mean(tf.square(y_true - y_pred)))
"""
SAFE_ROOT = """
def loss(y_true, y_pred):
    return tf.sqrt(tf.reduce_mean(tf.square(y_true - y_pred)) + 1e-6)
"""
LOG_ERROR = """
def loss(y_true, y_pred):
    return tf.reduce_mean(tf.math.log(tf.abs(y_true - y_pred) + 1e-7))
"""
BINARY = {"task": "binary", "activation": "sigmoid"}


@LOSS_RULES.rule(
    code="log_of_zero",
    severity="error",
    title="The loss becomes NaN or infinite at predictions that training can reach",
    tried="the value at exact, zero and completely sure predictions and at labels of 0",
    why="There it takes a logarithm of 0 or less, divides by 0, or meets a number that is too large. One such sample "
    "spoils the loss of its batch, and then the weights.",
    fix="Clip what goes into the operation, add epsilon inside the logarithm, divide by a number that cannot be 0, or "
    "compute from logits.",
    lesson="small_epsilon",
    fires_on=Specimen(PLAIN_BCE, BINARY),
    silent_on=Specimen(CLIPPED_BCE, BINARY),
)
def log_of_zero(subject: Subject) -> Evidence | None:
    for point, read in unexplained(subject):
        if not read.finite_value:
            return seen(subject, point, read, f"the loss is {read.value:g}", origin(subject, point.y, point.z))
    return None


def unexplained(subject: Subject) -> Iterator[tuple[Point, Reading]]:
    """The edges, but for those at which what is absent, or what does not differ, breaks it: other rules say so."""
    absent = LOSS_RULES.found(subject, "absent_label")
    constant = LOSS_RULES.found(subject, "constant_batch")
    for point, read in subject.edges:
        nothing = absent and not point.y.any()
        alike = constant and (np.ptp(point.y) == 0 or np.ptp(point.z) == 0)
        if not nothing and not alike:
            yield point, read


@LOSS_RULES.rule(
    code="where_grad_nan",
    severity="error",
    title="The loss is a number, but its gradient is NaN or infinite",
    tried="the gradient at the same places",
    why="The derivative of a root, a norm, a power or of the branch that `where` does not take is infinite there, and "
    "0 times infinite is NaN.",
    fix="Make the input of that operation safe, not its output: epsilon under the root, or `where` around the input "
    "and again around the result.",
    lesson="nan_labels",
    fires_on=Specimen(ROOT),
    silent_on=Specimen(SAFE_ROOT),
)
def where_grad_nan(subject: Subject) -> Evidence | None:
    for point, read in unexplained(subject):
        if read.finite_value and not read.finite_gradient:
            bad = read.gradient[~np.isfinite(read.gradient)].flat[0]
            root = root_of_zero(subject, point.y, point.z)
            slope = f": {place_of(root)} takes a root or power of 0, whose slope there is infinite" if root else ""
            told = seen(subject, point, read, f"the loss is {read.value:.3g} and its gradient {bad:g}{slope}")
            return replace(told, line=line_of(root)) if root else told
    return None


def seen(subject: Subject, point: Point, read: Reading, what: str, found: Origin | None = None) -> Evidence:
    """Evidence from one point: what happened, where it began, and a first label and prediction that it happened at."""
    bad = np.zeros(0, int)
    if read.gradient is not None and not read.finite_gradient:
        bad = np.flatnonzero(~np.isfinite(read.gradient).reshape(len(point.z), -1).all(axis=1))
    row = int(bad[0]) if bad.size else 0
    prediction = subject.prediction(point.z[row : row + 1])[0]
    return Evidence(
        f"At {point.words} {what}.{in_words(found)}",
        {
            "at": point.words,
            "y_true": shown(point.y[row]),
            "y_pred": shown(prediction),
            "value": read.value,
            "gradient": None if read.gradient is None else shown(read.gradient[row]),
        },
        line=begins_at(found),
    )


def shown(values: np.ndarray) -> list[float]:
    """The first numbers of a sample. values (…)."""
    return [float(f"{value:.6g}") for value in np.ravel(values)[:8]]


@LOSS_RULES.rule(
    code="exploding_gradient",
    severity="error",
    title="Its gradient explodes at ordinary predictions",
    tried="the gradient in batches of one, at errors from 1e-6 to 3",
    why="The derivative grows without a useful bound where the error, or a divisor, is small.",
    fix="Divide by what stays away from 0, such as the label plus a number of its usual size; or choose a loss with a "
    "bounded gradient, such as Huber or log-cosh.",
    lesson="not_learning",
    fires_on=Specimen(LOG_ERROR),
    silent_on=Specimen(SAFE_ROOT),
)
def exploding_gradient(subject: Subject) -> Evidence | None:
    if LOSS_RULES.found(subject, "wrong_activation"):  # what it makes of numbers that it is not meant for
        return None
    endless = LOSS_RULES.evidence(subject, "unbounded_below")
    if endless and "floor" in endless.numbers:  # a scale without one divides by as little as it likes
        return None
    steepest, where, error = 0.0, None, 0.0
    for y, z, size in ordinary(subject):
        read = subject.at(y, z)
        largest = read.size.max(initial=0)
        if read.finite and largest > steepest:
            steepest, where, error = largest, (y, z), size
    if steepest <= STEEP:
        return None
    y, z = where
    label = f"At a label of {y.flat[0]:g}" if np.ptp(y) == 0 else "At ordinary labels"
    return Evidence(
        f"{label}, a prediction that is {error:g} off gets a gradient of {steepest:.3g}: one step throws it far away.",
        {"y_true": shown(y), "y_pred": shown(subject.prediction(z)), "error": error, "gradient": steepest},
        subject.curve_at(y, z, reach=1e-4),
    )


def ordinary(subject: Subject):
    """Batches of one, (y, z, error): predictions off the labels by ERRORS, to either side."""
    sampler = subject.sampler
    zero = subject.usage.labels in ("float", "nonnegative") and subject.usage.padding != 0 and sampler.has_truth
    for count in range(4 if zero else 3):
        y, z = subject.draw(1)
        if count == 3:  # a label of 0 is ordinary too, and relative errors divide by it
            y = np.zeros_like(y)
        for size in ERRORS:
            for side in (-1, 1):
                off = sampler.off_by(y, z, side * size)
                if off is not None:
                    yield y, off, size


@LOSS_RULES.rule(
    code="graph_differs",
    severity="warning",
    title="It is NaN inside fit and not outside, or the other way round",
    tried="the same places outside a graph",
    why="Inside `fit` the loss is a graph, and TensorFlow simplifies graphs: `1 - p + 1e-8` becomes `(1 + 1e-8) - p`, "
    "in which the epsilon is lost.",
    fix="Clip the argument instead of adding a number to it, and test losses inside `fit`, not by hand.",
    lesson="small_epsilon",
    fires_on=Specimen(ADDED_BCE, BINARY),
    silent_on=Specimen(CLIPPED_BCE, BINARY),
)
def graph_differs(subject: Subject) -> Evidence | None:
    for point, read in subject.edges:
        eager = subject.eagerly(point.y, point.z)
        if eager.finite_value != read.finite_value or (
            read.finite_value and eager.finite_gradient != read.finite_gradient
        ):
            worlds = f"eagerly the loss is {words_of(eager)}, inside fit {words_of(read)}"
            return seen(subject, point, read if not read.finite else eager, worlds)
    return None


def words_of(read: Reading) -> str:
    return f"{read.value:.3g}" + ("" if read.finite_gradient else " with a gradient that is NaN or infinite")
