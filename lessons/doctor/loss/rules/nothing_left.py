"""Batches in which something is missing: no step that counts, no label of a kind, no two labels that differ; and marks
that are no numbers to compute with."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lessons.doctor.loss.origin import begins_at, in_words, origin
from lessons.doctor.loss.rules import LOSS_RULES
from lessons.doctor.loss.rules.masking import mark, padded, spread
from lessons.doctor.loss.subject import Reading, Subject
from lessons.doctor.rule import Evidence, Specimen

BEHIND = (np.nan, 1e20, -999.0, -1.0)  # what may stand behind Keras' mask where data were padded with it
CONSTANTS = (0.5, 1.0, 2.0)  # no edge of a domain explains what happens at all three; means of them are exact

UNGUARDED = """
def loss(y_true, y_pred):
    mask = tf.cast(tf.not_equal(y_true, -1.0), tf.float32)
    return tf.reduce_sum(mask * tf.square(y_true - y_pred)) / tf.reduce_sum(mask)
"""
GUARDED = """
def loss(y_true, y_pred):
    mask = tf.cast(tf.not_equal(y_true, -1.0), tf.float32)
    return tf.reduce_sum(mask * tf.square(y_true - y_pred)) / tf.maximum(tf.reduce_sum(mask), 1.0)
"""
LOG_OF_MARK = """
def loss(y_true, y_pred):
    mask = tf.cast(tf.not_equal(y_true, -9.0), tf.float32)
    error = tf.math.log(y_true + 1.0) - tf.math.log(y_pred + 1.0)
    return tf.reduce_sum(mask * tf.square(error)) / tf.maximum(tf.reduce_sum(mask), 1.0)
"""
LOG_OF_SAFE = """
def loss(y_true, y_pred):
    mask = tf.not_equal(y_true, -9.0)
    error = tf.math.log(tf.where(mask, y_true, 0.0) + 1.0) - tf.math.log(y_pred + 1.0)
    mask = tf.cast(mask, tf.float32)
    return tf.reduce_sum(mask * tf.square(error)) / tf.maximum(tf.reduce_sum(mask), 1.0)
"""
PER_POSITIVE = """
def loss(y_true, y_pred):
    each = tf.nn.sigmoid_cross_entropy_with_logits(labels=y_true, logits=y_pred)
    return tf.reduce_sum(y_true * each) / tf.reduce_sum(y_true) + tf.reduce_mean((1 - y_true) * each)
"""
PER_POSITIVE_GUARDED = """
def loss(y_true, y_pred):
    each = tf.nn.sigmoid_cross_entropy_with_logits(labels=y_true, logits=y_pred)
    return tf.reduce_sum(y_true * each) / (tf.reduce_sum(y_true) + 1.0) + tf.reduce_mean((1 - y_true) * each)
"""
SPREAD = """
def loss(y_true, y_pred):
    spread = tf.math.reduce_variance(y_true, axis=-1)
    return tf.reduce_mean(tf.square(y_true - y_pred), axis=-1) / spread
"""
SPREAD_GUARDED = """
def loss(y_true, y_pred):
    spread = tf.math.reduce_variance(y_true, axis=-1)
    return tf.reduce_mean(tf.square(y_true - y_pred), axis=-1) / (spread + 0.1)
"""
MARKED = {"shape": "B,T,1", "padding": "-1"}


def told(subject: Subject, when: str, read: Reading, y, z, mask=None) -> Evidence:
    """Evidence of a batch at which the loss broke. y and z (batch, …), mask (batch, time)."""
    what = f"the loss is {read.value:g}" if not read.finite_value else "the gradient is NaN or infinite"
    found = origin(subject, y, z, mask) if not read.finite_value else None
    return Evidence(
        f"{when} {what}.{in_words(found)}",
        {"when": when, "value": read.value},
        line=begins_at(found),
    )


@LOSS_RULES.rule(
    code="mark_not_finite",
    severity="error",
    title="What marks a padded step breaks the arithmetic",
    tried="the value and the gradient with marks among the labels",
    why="The loss computes with the mark before it leaves the step out, and 0 times inf or NaN is NaN: one padded step "
    "makes the whole loss NaN.",
    fix="Replace the mark by a harmless number before the arithmetic, with `where`, and weight the step by 0 "
    "afterwards.",
    lesson="nan_labels",
    fires_on=Specimen(
        LOG_OF_MARK, {"shape": "B,T,1", "padding": "-9", "labels": "nonnegative", "activation": "softplus"}
    ),
    silent_on=Specimen(
        LOG_OF_SAFE, {"shape": "B,T,1", "padding": "-9", "labels": "nonnegative", "activation": "softplus"}
    ),
)
def mark_not_finite(subject: Subject) -> Evidence | None:
    if subject.usage.padding == "nan" or not ordinary(subject):
        return None
    for y, z, mask, valid in padded(subject):
        for labels, words in filled(subject, y, valid):
            read = subject.at(labels, z, mask)
            if not read.finite:
                return told(subject, f"With {words} at some steps", read, labels, z, mask)
    return None


def filled(subject: Subject, y, valid) -> Iterator[tuple[np.ndarray, str]]:
    """(labels with marks, what stands at a padded step); behind Keras' mask anything may. y (batch, …)."""
    if subject.usage.marked:
        yield y, f"the mark {mark(subject):g}"
        return
    for value in (0.0, 1.0):  # what data are padded with as a rule; the sentence about masks tells of other numbers
        yield np.where(spread(valid, y), y, value).astype(np.float32), f"a label {value:g} behind Keras' mask"


def behind_the_mask(subject: Subject) -> str | None:
    """What must not stand in the labels behind Keras' mask, in a sentence: no fault of a loss, Keras multiplies."""
    if (
        subject.usage.padding != "keras"
        or subject.usage.labels == "ids"
        or LOSS_RULES.found(subject, "mark_not_finite")
        or not ordinary(subject)
    ):
        return None
    y, z, mask, valid = next(padded(subject))
    broken = []
    for value in BEHIND:
        labels = np.where(spread(valid, y), y, value).astype(np.float32)
        if not subject.at(labels, z, mask).finite:
            broken.append(f"{value:g}")
    if not broken:
        return None
    return (
        f"A padded step must not hold {' or '.join(broken)}: the mask multiplies its error by 0, 0 times NaN or inf is "
        "NaN, and one such step makes the loss NaN. Behind the mask labels of 0 and 1 were tried."
    )


@LOSS_RULES.rule(
    code="all_ignored",
    severity="error",
    title="Nothing is left to divide by where every step is ignored",
    tried="batches and samples of which every step is ignored",
    why="The sum of errors is divided by the number of steps that count, and 0 / 0 is NaN. A batch, or a sequence, "
    "that holds padding only is enough to lose all weights.",
    fix="Divide by at least 1, tf.maximum(count, 1.0), or with tf.math.divide_no_nan.",
    lesson="mask_and_loss",
    fires_on=Specimen(UNGUARDED, MARKED),
    silent_on=Specimen(GUARDED, MARKED),
)
def all_ignored(subject: Subject) -> Evidence | None:
    if subject.usage.padding == "nan" or LOSS_RULES.found(subject, "mark_not_finite") or not ordinary(subject):
        return None
    for y, z, mask, _ in padded(subject):
        for rows, words in ((slice(0, 1), "every step of one sample"), (slice(None), "every step of the batch")):
            labels, kept = y.copy(), None if mask is None else mask.copy()
            labels[rows] = mark(subject)
            if kept is not None:
                kept[rows] = False
            read = subject.at(labels, z, kept)
            if not read.finite:
                return told(subject, f"With {words} ignored", read, labels, z, kept)
        return None
    return None


def ordinary(subject: Subject) -> bool:
    """Whether ordinary batches give finite numbers: only then is it the marks, or what is absent, that does not."""
    return all(subject.at(*subject.draw()).finite for _ in range(2))


@LOSS_RULES.rule(
    code="absent_label",
    severity="error",
    title="It breaks when a kind of label is absent",
    tried="batches and samples of one class, without an event, without two alike",
    why="Something is divided by how many labels of a kind there are, and a batch or a sample without any makes it 0.",
    fix="Divide by at least 1, tf.maximum(count, 1.0), or with tf.math.divide_no_nan; in an overlap add 1 above and "
    "below the line.",
    lesson="divided_by",
    fires_on=Specimen(PER_POSITIVE, {"task": "binary", "activation": "linear"}),
    silent_on=Specimen(PER_POSITIVE_GUARDED, {"task": "binary", "activation": "linear"}),
)
def absent_label(subject: Subject) -> Evidence | None:
    if not ordinary(subject):
        return None
    z = subject.sampler.predictions()
    for labels, words in one_sided(subject):
        read = subject.at(labels, z)
        if not read.finite:
            return told(subject, words, read, labels, z)
    return None


def one_sided(subject: Subject) -> Iterator[tuple[np.ndarray, str]]:
    """(labels, in words what of them is absent)"""
    sampler, y = subject.sampler, subject.sampler.labels()
    match sampler.related:
        case "embedding":
            lonely = y.copy()
            lonely[0] = y.max() + 1
            yield lonely, "With one label that no other sample has"
            yield np.arange(y.size).reshape(y.shape).astype(np.float32), "With no two labels alike"
            yield np.zeros_like(y), "With all labels alike"
            return
        case "ranking":
            for value in (0.0, 1.0):
                alike = y.copy()
                alike[0] = value
                yield alike, "With one list of which all labels are alike"
                yield np.full_like(y, value), "With lists of which all labels are alike"
            return
        case "survival":
            if subject.usage.labels not in ("float", "nonnegative"):
                yield from of_one_class(subject, y)
                return
            for value, words in ((0.0, "With no event in the batch"), (1.0, "With an event in every sample")):
                events = y.copy()
                if events.ndim > 1 and events.shape[-1] > 1:
                    events[..., -1] = value
                    yield events, words
            return
        case "transcript":
            return
    if subject.usage.labels in ("binary", "onehot", "ids"):
        yield from of_one_class(subject, y)
    if len(subject.usage.label_kinds) > 1:
        yield from of_one_flag(subject, y)


def of_one_flag(subject: Subject, y: np.ndarray) -> Iterator[tuple[np.ndarray, str]]:
    """Batches, and batches with one sample, in which a column of flags holds only one. y (batch, …, columns)."""
    for column, kind in enumerate(subject.usage.label_kinds):
        for flag in (0, 1) if kind == "binary" else ():
            alike, first = y.copy(), y.copy()
            alike[..., column], first[0, ..., column] = flag, flag
            yield first, f"With one sample of which column {column + 1} of the labels is {flag} throughout"
            yield alike, f"With a batch of which column {column + 1} of the labels is {flag} throughout"


def of_one_class(subject: Subject, y: np.ndarray) -> Iterator[tuple[np.ndarray, str]]:
    """Batches, and batches with one sample, of a single class. y (batch, …): ordinary labels."""
    usage = subject.usage
    count = (
        2 if usage.labels == "binary" else min(y.shape[-1] if usage.labels == "onehot" else subject.sampler.classes, 4)
    )
    for number in range(max(2, count)):
        if number == usage.padding:
            continue
        one = np.eye(y.shape[-1], dtype=np.float32)[number] if usage.labels == "onehot" else np.float32(number)
        alike, first = y.copy(), y.copy()
        alike[:], first[0] = one, one
        yield first, f"With one sample that is of class {number}"
        yield alike, f"With a batch in which every label is of class {number}"


@LOSS_RULES.rule(
    code="constant_batch",
    severity="error",
    title="It divides by how much the numbers differ",
    tried="labels that are all equal, predictions that are all equal",
    why="A correlation, a normalisation or a variance divides by 0 where all labels or all predictions are "
    "equal, as a constant signal or a fresh model makes them.",
    fix="Add an epsilon such as 1e-3 to what is divided by, or under its root.",
    lesson="divided_by",
    fires_on=Specimen(SPREAD, {"shape": "B,8"}),
    silent_on=Specimen(SPREAD_GUARDED, {"shape": "B,8"}),
)
def constant_batch(subject: Subject) -> Evidence | None:
    usage = subject.usage
    if usage.labels not in ("float", "nonnegative") or subject.sampler.related or not ordinary(subject):
        return None
    y, z = subject.draw()
    for words, points in (
        ("With labels that are all equal", [(np.full_like(y, value), z) for value in CONSTANTS]),
        ("With predictions that are all equal", [(y, np.full_like(z, value)) for value in CONSTANTS]),
    ):
        reads = [subject.at(*point) for point in points]
        if not any(read.finite_value for read in reads):
            return told(subject, words, reads[0], *points[0])
    return None
