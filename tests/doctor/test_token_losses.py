"""Losses over tokens, as they are written for language models: ids that are ignored, a shift, smoothing, z-loss."""

import pytest

from lessons.doctor.loss.examination import examine
from tests.tools.selection import first

TF = "import tensorflow as tf\nimport keras\n\n"
IDS = {"task": "multiclass", "activation": "linear", "label_shape": "B,T", "labels": "ids"}
# name -> (options besides IDS, codes, text). Each was decided before it was examined.
LOSSES = {
    "next_word": (
        {"shape": "B,T,8"},
        [],
        """
def next_word(y_true, y_pred):
    wanted, scores = y_true[:, 1:], y_pred[:, :-1]
    each = keras.losses.sparse_categorical_crossentropy(wanted, scores, from_logits=True)
    return tf.reduce_mean(each, axis=-1)
""",
    ),
    "caption_words": (
        {"shape": "B,T,8", "padding": "0"},
        [],
        """
def caption_words(y_true, y_pred):
    there = tf.cast(tf.not_equal(y_true, 0), tf.float32)
    each = keras.losses.sparse_categorical_crossentropy(y_true, y_pred, from_logits=True)
    return tf.reduce_sum(each * there) / tf.maximum(tf.reduce_sum(there), 1.0)
""",
    ),
    "smoothed_notes": (
        {"shape": "B,T,8", "padding": "0"},
        [],
        """
def smoothed_notes(y_true, y_pred):
    there = tf.cast(tf.not_equal(y_true, 0), tf.float32)
    soft = 0.9 * tf.one_hot(tf.cast(y_true, tf.int32), 8) + 0.1 / 8
    each = -tf.reduce_sum(soft * tf.nn.log_softmax(y_pred), axis=-1)
    return tf.math.divide_no_nan(tf.reduce_sum(each * there), tf.reduce_sum(there))
""",
    ),
    "bases_with_z": (
        {"shape": "B,T,5", "padding": "-100"},
        [],
        """
def bases_with_z(y_true, y_pred):
    there = tf.not_equal(y_true, -100.0)
    safe = tf.where(there, y_true, 0.0)
    each = keras.losses.sparse_categorical_crossentropy(safe, y_pred, from_logits=True)
    each += 1e-4 * tf.square(tf.reduce_logsumexp(y_pred, axis=-1))
    weight = tf.cast(there, tf.float32)
    return tf.reduce_sum(each * weight) / tf.maximum(tf.reduce_sum(weight), 1.0)
""",
    ),
    "subtitles_by_all": (
        {"shape": "B,T,8", "padding": "0"},
        ["wrong_normalisation"],
        """
def subtitles_by_all(y_true, y_pred):
    there = tf.cast(tf.not_equal(y_true, 0), tf.float32)
    each = keras.losses.sparse_categorical_crossentropy(y_true, y_pred, from_logits=True)
    return tf.reduce_mean(each * there)
""",
    ),
    "chords_all_ignored": (
        {"shape": "B,T,6", "padding": "-100"},
        ["all_ignored"],
        """
def chords_all_ignored(y_true, y_pred):
    there = tf.cast(tf.not_equal(y_true, -100.0), tf.float32)
    each = keras.losses.sparse_categorical_crossentropy(tf.maximum(y_true, 0.0), y_pred, from_logits=True)
    return tf.reduce_sum(each * there) / tf.reduce_sum(there)
""",
    ),
    "echo_of_the_last": (
        {"shape": "B,T,8"},
        ["minimum_not_at_truth"],
        """
def echo_of_the_last(y_true, y_pred):
    each = keras.losses.sparse_categorical_crossentropy(y_true[:, :-1], y_pred[:, 1:], from_logits=True)
    return tf.reduce_mean(each, axis=-1)
""",
    ),
    "tags_softmax_twice": (
        {"activation": "softmax", "shape": "B,T,6"},
        ["wrong_activation"],
        """
def tags_softmax_twice(y_true, y_pred):
    shares = tf.nn.softmax(y_pred)
    return keras.losses.sparse_categorical_crossentropy(y_true, shares)
""",
    ),
}


@pytest.mark.parametrize("name", first(2, [*LOSSES]))
def test_a_loss_over_tokens_is_judged_as_it_was_decided(name):
    options, codes, text = LOSSES[name]
    found = examine(TF + text, None, IDS | options)
    assert found["refused"] is None and [one["code"] for one in found["findings"]] == codes
