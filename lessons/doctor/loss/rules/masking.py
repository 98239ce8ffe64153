"""What padding and missing labels do to the loss."""

from __future__ import annotations

import numpy as np

from lessons.doctor.loss.origin import begins_at, in_words, origin
from lessons.doctor.loss.rules import LOSS_RULES
from lessons.doctor.loss.subject import Reading, Subject
from lessons.doctor.rule import Evidence, Specimen

MOVES = 1e-4  # a change of the value that padded predictions must not make
CHANGES = 1e-3  # a change of the value that appended padding must not make
APPENDED = 6  # fully padded steps
SETTLED = 4  # batches of random predictions that a label is tried with

SCALAR = "def loss(y_true, y_pred):\n    return tf.reduce_mean(tf.square(y_true - y_pred))\n"
ALL_STEPS = """
def loss(y_true, y_pred):
    mask = tf.cast(tf.not_equal(y_true, -1.0), tf.float32)
    return tf.reduce_sum(mask * tf.square(y_true - y_pred)) / tf.cast(tf.size(mask), tf.float32)
"""
VALID_STEPS = """
def loss(y_true, y_pred):
    mask = tf.cast(tf.not_equal(y_true, -1.0), tf.float32)
    return tf.math.divide_no_nan(tf.reduce_sum(mask * tf.square(y_true - y_pred)), tf.reduce_sum(mask))
"""
MULTIPLIED = """
def loss(y_true, y_pred):
    mask = tf.cast(tf.logical_not(tf.math.is_nan(y_true)), tf.float32)
    return tf.math.divide_no_nan(tf.reduce_sum(mask * tf.square(y_true - y_pred)), tf.reduce_sum(mask))
"""
DOUBLE_WHERE = """
def loss(y_true, y_pred):
    valid = tf.logical_not(tf.math.is_nan(y_true))
    error = tf.where(valid, y_true, 0.0) - tf.where(valid, y_pred, 0.0)
    return tf.math.divide_no_nan(tf.reduce_sum(tf.square(error)), tf.reduce_sum(tf.cast(valid, tf.float32)))
"""
NOT_ZERO = """
def loss(y_true, y_pred):
    mask = tf.cast(tf.not_equal(y_true, 0.0), tf.float32)
    return tf.math.divide_no_nan(tf.reduce_sum(mask * tf.square(y_true - y_pred)), tf.reduce_sum(mask))
"""
STEPS = {"shape": "B,T,1"}


@LOSS_RULES.rule(
    code="ignores_mask",
    severity="error",
    title="Padded steps count",
    tried="the value and the gradient when only padding is changed",
    why="The loss does not leave the padding out: one number for the whole batch hides the steps from Keras' mask, and "
    "a mark in the labels has to be read by the loss itself.",
    fix="Return one value per step, so that Keras applies the mask; or multiply each step's error by the mask and "
    "divide by the number of valid steps.",
    lesson="mask_and_loss",
    fires_on=Specimen(SCALAR, STEPS | {"padding": "keras"}),
    silent_on=Specimen(VALID_STEPS, STEPS | {"padding": "-1"}),
)
def ignores_mask(subject: Subject) -> Evidence | None:
    for y, z, mask, valid in padded(subject):
        read = subject.at(y, z, mask)
        if not read.finite_value:
            continue
        others = subject.sampler.predictions(len(z))
        moved = subject.at(y, np.where(spread(valid, z), z, others + 1), mask)
        if moved.finite_value and abs(moved.value - read.value) > MOVES:
            return left_in(read, moved, "predictions on padding were changed")
        if mask is not None:
            labels = np.where(spread(valid, y), y, subject.sampler.others(y)).astype(np.float32)
            moved = subject.at(labels, z, mask)
            if moved.finite_value and abs(moved.value - read.value) > MOVES:
                return left_in(read, moved, "labels on padding were changed")
        if read.gradient is not None and read.finite_gradient:
            leaked = np.abs(read.gradient[~np.broadcast_to(spread(valid, z), z.shape)])
            if leaked.any():
                return Evidence(
                    f"Padded predictions get gradient: up to {leaked.max():.3g}, and real ones {read.size.max():.3g}.",
                    {"largest_on_padding": leaked.max(), "largest": read.size.max()},
                )
    return None


def left_in(read: Reading, moved: Reading, what: str) -> Evidence:
    return Evidence(
        f"The loss went from {read.value:.4g} to {moved.value:.4g} when only {what}.",
        {"before": read.value, "after": moved.value},
    )


@LOSS_RULES.rule(
    code="wrong_normalisation",
    severity="error",
    title="Its value depends on how much padding there is",
    tried="the value when fully padded steps are appended",
    why="The sum is divided by all steps instead of the valid ones, so longer padding makes the loss and the gradient "
    "smaller.",
    fix="Divide by the number of valid steps: sum of the masked errors over the sum of the mask.",
    lesson="mask_and_loss",
    comes_of="ignores_mask",
    fires_on=Specimen(ALL_STEPS, STEPS | {"padding": "-1"}),
    silent_on=Specimen(VALID_STEPS, STEPS | {"padding": "-1"}),
)
def wrong_normalisation(subject: Subject) -> Evidence | None:
    for y, z, mask, valid in padded(subject):
        values = [appended(subject, y, z, mask, count) for count in (0, APPENDED)]
        if not np.isfinite(values).all():
            continue
        if abs(values[1] - values[0]) > CHANGES:
            counts = list(range(0, APPENDED + 1, 3))
            return Evidence(
                f"The loss went from {values[0]:.4g} to {values[1]:.4g} when {APPENDED} fully padded steps were "
                f"appended; {100 * valid.mean():.0f}% of the steps had been valid.",
                {"before": values[0], "after": values[1], "steps": APPENDED},
                {
                    "x": counts,
                    "value": [appended(subject, y, z, mask, count) for count in counts],
                    "x_title": "padded steps appended",
                    "gradient": None,
                },
            )
        return None
    return None


def appended(subject: Subject, y, z, mask, count: int) -> float:
    """The value with that many fully padded steps at the end; samples where there is no time axis.

    y and z (batch, time, …).
    """
    if not count:
        return subject.at(y, z, mask).value
    axis = 1 if subject.usage.timed else 0
    more = [(count if at == axis else size) for at, size in enumerate(z.shape)]
    z_more = np.resize(subject.sampler.predictions(), more).astype(np.float32)
    y_more = np.full([count if at == axis else size for at, size in enumerate(y.shape)], mark(subject), np.float32)
    y, z = np.concatenate([y, y_more], axis), np.concatenate([z, z_more], axis)
    if mask is not None:
        mask = np.concatenate([mask, np.zeros((len(mask), count), bool)], axis=1)
    return subject.at(y, z, mask).value


@LOSS_RULES.rule(
    code="nan_labels",
    severity="error",
    title="NaN labels are not skipped",
    tried="some, a row and all of the labels NaN",
    why="NaN times 0 is NaN, and the gradient of a NaN that `where` hides is NaN too.",
    fix="Replace NaN in the input of the arithmetic with `where`, weight by the mask, and divide safely when no label "
    "is left.",
    lesson="nan_labels",
    fires_on=Specimen(MULTIPLIED, STEPS | {"padding": "nan"}),
    silent_on=Specimen(DOUBLE_WHERE, STEPS | {"padding": "nan"}),
)
def nan_labels(subject: Subject) -> Evidence | None:
    if subject.usage.padding != "nan":
        return None
    y, z = subject.draw()
    some, row, everything = y.copy(), y.copy(), np.full_like(y, np.nan)
    some.reshape(len(y), -1)[::2, -1] = np.nan
    row[1] = np.nan
    for labels, which in ((some, "some labels"), (row, "all labels of one sample"), (everything, "all labels")):
        read = subject.at(labels, z)
        if not read.finite:
            what = f"the loss is {read.value:g}" if not read.finite_value else "the gradient is NaN or infinite"
            began = None if read.finite_value else origin(subject, labels, z)
            told = {"nan": which, "value": read.value}
            return Evidence(f"With {which} NaN {what}.{in_words(began)}", told, line=begins_at(began))
    return None


@LOSS_RULES.rule(
    code="drops_legit_zeros",
    severity="error",
    title="A real label 0 is left out",
    tried="the gradient of a label 0 beside that of another label",
    why="The mask is made from label values, or the error is multiplied by the label: a label that really is 0 teaches "
    "nothing.",
    fix="Make the mask from the lengths of the data, or mark padding with a value that no label has.",
    lesson="mask_and_loss",
    fires_on=Specimen(NOT_ZERO, STEPS),
    silent_on=Specimen(SCALAR, STEPS),
)
def drops_legit_zeros(subject: Subject) -> Evidence | None:
    labels = subject.usage.labels
    if not subject.sampler.has_truth and subject.usage.task != "distance" and labels != "angles":
        return None
    if labels in ("onehot", "boxes") or (labels == "probabilities" and "softmax" in subject.usage.activation):
        return None
    if labels == "ids" and subject.usage.padding == 0:  # no class has the id that marks padding
        return None
    other = 1.0 if labels in ("binary", "ids") else 0.7
    zeros, others = list[float](), list[float]()
    for _ in range(SETTLED):
        y, z = subject.draw()
        for value, found in ((0.0, zeros), (other, others)):
            changed = y.copy()
            place = (0, *[-1] * (y.ndim - 1))
            changed[place] = value
            read = subject.at(changed, z)
            if read.gradient is None or not read.finite_gradient:
                return None
            found.append(np.abs(own_gradient(read.gradient, y.shape, place)).max())
    if any(zeros) or not all(others):
        return None
    return Evidence(
        f"Where a label is 0 its prediction is never corrected: the gradient there was exactly 0 in {SETTLED} of "
        f"{SETTLED} batches. With a label {other:g} in the same place it was {max(others):.3g}.",
        {"gradient_at_0": 0.0, "gradient_at_other": max(others), "other": other},
    )


def own_gradient(gradient: np.ndarray, label_shape: tuple[int, ...], place: tuple[int, ...]) -> np.ndarray:
    """The gradient of the predictions that one label speaks to. gradient (batch, …)."""
    if gradient.shape == label_shape:
        return gradient[place]
    steps = place[: gradient.ndim - 1] if len(label_shape) >= gradient.ndim - 1 else place
    return gradient[steps]


def padded(subject: Subject):
    """(y, z, mask or None, valid (batch, time)) batches as padding is declared; nothing where there is none."""
    usage = subject.usage
    if usage.padding in (None, "none"):
        return
    for _ in range(2):
        y, z = subject.draw()
        size = z.shape[1] if usage.timed else 1
        valid = np.arange(size) < subject.sampler.rng.integers(1, size + 1, len(z))[:, None]
        if not usage.timed:
            valid = (np.arange(len(z)) % 3 != 1)[:, None]
        valid[0] = True
        if usage.padding == "keras":
            yield np.where(spread(valid, y), y, 0).astype(np.float32), z, valid, valid
        else:
            yield np.where(spread(valid, y), y, mark(subject)).astype(np.float32), z, None, valid


def mark(subject: Subject) -> float:
    """What a padded label holds. A number in the unit of the labels."""
    padding = subject.usage.padding
    return np.nan if padding == "nan" else float(padding) if subject.usage.marked else 0.0


def spread(valid: np.ndarray, like: np.ndarray) -> np.ndarray:
    """valid (batch, time) with the axes of `like`; only samples where `like` has no time axis."""
    if like.ndim == 1:
        return np.asarray(valid.all(axis=1))
    if valid.shape[1] not in (1, like.shape[1]):
        valid = np.asarray(valid.all(axis=1, keepdims=True))
    return valid.reshape(*valid.shape, *[1] * (like.ndim - 2))
