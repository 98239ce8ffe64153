"""What float16 does to the loss: small numbers become 0 there, large ones inf."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lessons.doctor.loss.origin import NEEDS_ZERO, begins_at, in_words, origin, root_of_zero
from lessons.doctor.loss.rules import LOSS_RULES
from lessons.doctor.loss.rules.arithmetic import ADDED_BCE, BINARY, CLIPPED_BCE, seen
from lessons.doctor.loss.rules.masking import mark, padded
from lessons.doctor.loss.sample import Point
from lessons.doctor.loss.subject import Subject
from lessons.doctor.rule import Evidence, Specimen

HALF_UNDERFLOW = 2.0**-25  # what is smaller rounds to 0 in float16
LARGEST = 65_504.0  # what is larger is inf in float16
MODEST = 20.0  # saturates a float16 sigmoid, and its square does not overflow

PUSHED = """
def loss(y_true, y_pred):
    rare = tf.cast(1e6, y_pred.dtype)
    return tf.reduce_mean(tf.square(rare * y_true - rare * y_pred) / tf.square(rare), axis=-1)
"""
SCALED = """
def loss(y_true, y_pred):
    rare = tf.cast(10.0, y_pred.dtype)
    return tf.reduce_mean(tf.square(rare * y_true - rare * y_pred) / tf.square(rare), axis=-1)
"""


@LOSS_RULES.rule(
    code="eps_underflow_fp16",
    severity="warning",
    title="Its epsilon is 0 in float16",
    tried="the same places in float16, where an epsilon of it is 0 there",
    why="The smallest number that float16 can hold is 6e-8: a smaller epsilon is rounded to 0 and protects nothing.",
    fix="Cast to float32 first, or use an epsilon that float16 can hold, 1e-6 or more; what is divided by it must stay "
    "below 65504. `compile` hands float32 to a loss; a hand-written loop under mixed precision does not.",
    lesson="small_epsilon",
    fires_on=Specimen(ADDED_BCE, BINARY),
    silent_on=Specimen(CLIPPED_BCE, BINARY),
)
def eps_underflow_fp16(subject: Subject) -> Evidence | None:
    constants = np.abs(subject.constants())
    lost = constants[(constants > 0) & (constants < HALF_UNDERFLOW)]
    if not lost.size:
        return None
    for point in subject.sampler.edges(subject.said, saturated=MODEST, far=False):
        usual = subject.at(point.y, point.z)
        try:
            half = subject.directly(point.y, point.z, "float16")
        except Exception:  # it cannot be called with float16 at all: nothing goes wrong in silence
            return None
        if usual.finite_value and not half.finite_value:
            what = f"the loss is {usual.value:.3g} in float32 and {half.value:g} in float16"
        elif usual.finite and not half.finite_gradient and root_of_zero(subject, point.y, point.z, "float16"):
            what = "the gradient is finite in float32 and not in float16, where a root of 0 is taken"
        else:
            continue
        found = seen(subject, point, half, what)
        return Evidence(f"{found.message} Its epsilon {lost.max():g} is 0 there.", found.numbers)
    return None


@LOSS_RULES.rule(
    code="overflow_fp16",
    severity="warning",
    title="It overflows in float16",
    tried="ordinary, modest and padded batches in float16, where float32 stays finite",
    why="The largest number that float16 can hold is 65504: a larger constant, sum, square or exponential is inf, and "
    "inf - inf or 0 times inf is NaN.",
    fix="Keep constants within ±1e4, take means instead of sums, subtract the largest number before an exponential, or "
    "cast to float32 first. `compile` hands float32 to a loss; a hand-written loop under mixed precision does not.",
    lesson="small_epsilon",
    fires_on=Specimen(PUSHED),
    silent_on=Specimen(SCALED),
)
def overflow_fp16(subject: Subject) -> Evidence | None:
    for point in in_reach(subject):
        try:
            usual = subject.directly(point.y, point.z, "float32")
            if not usual.finite or max(abs(usual.value), usual.size.max()) > LARGEST / 10:
                continue
            half = subject.directly(point.y, point.z, "float16")
        except Exception:  # it cannot be called with float16 at all: nothing goes wrong in silence
            return None
        if half.finite:
            continue
        found = origin(subject, point.y, point.z, dtype="float16")
        if found is None or found.first.operation.type in NEEDS_ZERO:  # an epsilon that is 0 there: a rule of its own
            continue
        told = seen(subject, point, half, f"the loss is {usual.value:.3g} in float32 and {half.value:g} in float16")
        return Evidence(f"{told.message}{in_words(found)}", told.numbers, line=begins_at(found))
    return None


def in_reach(subject: Subject) -> Iterator[Point]:
    """Batches whose numbers float16 can hold, with their padding."""
    y, z = subject.draw()
    yield Point("ordinary predictions", y, z)
    if subject.sampler.logits and subject.sampler.has_truth:
        right = subject.sampler.truth(y, z)
        modest = np.sign(right).astype(np.float32) * np.float32(MODEST)
        yield Point(f"predictions of ±{MODEST:g} that are right", y, modest)
    if subject.usage.marked and abs(mark(subject)) < LARGEST:
        for y, z, _, _ in padded(subject):
            yield Point("a padded batch", y, z)
