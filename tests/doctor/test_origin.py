"""Where a number that is not finite begins: the operation, its numbers and its line, in words."""

import numpy as np
import pytest

from lessons.doctor.loss.examination import examine, subject_of
from lessons.doctor.loss.origin import begins_at, in_words, origin
from lessons.doctor.usage import Usage
from lessons.sandbox.admission import admit

HEAD = "import tensorflow as tf\n\nONE = tf.constant([1.0])\n\n\ndef loss(y_true, y_pred):\n"
STEPS = {"shape": "B,T,1", "padding": "keras"}


def begins(body: str, dtype: str = "", **options: str):
    """(what is said, line) of a loss with that body, at labels of 0."""
    declared = Usage.parse({"task": "regression", "activation": "linear", "shape": "B,1", "labels": "float", **options})
    subject = subject_of(admit(HEAD + body), None, declared)
    y, z = subject.draw()
    found = origin(subject, np.zeros_like(y), z, dtype=dtype)
    return in_words(found), found and begins_at(found)


@pytest.mark.parametrize(
    ("body", "words", "line"),
    [
        ("    return y_pred * tf.reduce_sum(y_true) / tf.reduce_sum(y_true)\n", "divides 0 by 0", 7),
        ("    spread = ONE * y_true\n    return tf.math.log(spread) - y_pred\n", "takes the logarithm of 0", 8),
        ("    return y_pred * tf.math.rsqrt(y_true)\n", "takes the inverse root of 0", 7),
        ("    return y_pred * tf.pow(y_true, -1.0)\n", "raises 0 to the power -1", 7),
        ("    return y_pred + tf.reduce_mean(tf.boolean_mask(y_true, y_true > 5.0))\n", "the mean over no numbers", 7),
    ],
)
def test_an_operation_is_named_with_its_numbers_and_its_line(body, words, line):
    said, where = begins(body)
    assert words in said and f"line {line}" in said and where == line


def test_float16_has_an_origin_of_its_own():
    body = "    return tf.square(y_pred) * tf.cast(1e6, y_pred.dtype)\n"
    assert begins(body) == ("", None)
    assert "cannot hold" in begins(body, dtype="float16")[0]


def test_where_nothing_breaks_nothing_is_said():
    assert begins("    return tf.square(y_true - y_pred)\n") == ("", None)


@pytest.mark.verify
def test_what_may_not_stand_behind_the_mask_is_said_of_a_healthy_loss():
    result = examine(HEAD + "    return tf.reduce_mean(tf.square(y_true - y_pred), axis=-1)\n", None, STEPS)
    assert result["healthy"] and "1e+20" in result["limits"][0] and "nan" in result["limits"][0]
    bare = examine(HEAD + "    return tf.reduce_mean(tf.square(y_true - y_pred), axis=-1)\n", None, {"shape": "B,T,1"})
    assert bare["healthy"] and not bare["limits"]


def test_a_note_calls_no_loss_ill():
    result = examine(HEAD + "    return tf.reduce_mean(tf.square(y_pred), axis=-1)\n", None, {"task": "regression"})
    assert [found["code"] for found in result["findings"]] == ["ignores_labels"] and result["healthy"]
