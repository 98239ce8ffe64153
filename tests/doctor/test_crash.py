"""What the clinic says of a loss that raises, and of one whose rows belong together: shapes, line, cause, no frames."""

import re

import pytest

from lessons.doctor.loss.crash import cleaned
from lessons.doctor.loss.examination import examine
from tests.tools.selection import first

TF = "import tensorflow as tf\nimport keras\n"
TILED = (
    TF + "WEIGHTS = tf.tile(tf.constant([[[1.0, 2.0, 3.0, 4.0]]]), [24, 7, 1])\ndef loss(y_true, y_pred):\n"
    "    entropy = -y_true * tf.math.log(y_pred + 1e-7)\n    return tf.reduce_sum(entropy * WEIGHTS, -1)\n"
)
PER_SEQUENCE = (
    TF + "def loss(y_true, y_pred):\n    error = tf.reduce_mean(tf.abs(y_true - y_pred), axis=(1, 2))\n"
    "    real = tf.cast(tf.not_equal(y_true[..., 0], 0.0), tf.float32)\n    return error * real\n"
)
BEHIND_MASK = TF + "def loss(y_true, y_pred):\n    return tf.reduce_max(tf.abs(y_true - y_pred), axis=(1, 2))\n"
FOLDED = TF + "def loss(y_true, y_pred):\n    error = tf.reshape(y_true - y_pred, (64, 3))\n    return error**2\n"
WANTS_COLUMNS = TF + "def loss(y_true, y_pred):\n    return -tf.reduce_sum(y_true * tf.math.log(y_pred + 1e-7), -1)\n"
WANTS_IDS = TF + "def loss(y_true, y_pred):\n    return keras.losses.sparse_categorical_crossentropy(y_true, y_pred)\n"
CROSSED = TF + "def loss(y_true, y_pred):\n    return tf.matmul(y_true, y_pred)\n"

# text, options, line, what the message says
RAISING = [
    (TILED, {"shape": "B,T,4", "labels": "onehot"}, 6, ["(B, T, 4) and (24, T, 4) are multiplied", "with 24 samples"]),
    (PER_SEQUENCE, {"shape": "B,T,1"}, 6, ["(B,) and (B, T)", "per sequence", "per step", "runs without a word"]),
    (BEHIND_MASK, {"shape": "B,T,1", "padding": "keras"}, None, ["(B,) and (B, T)", "Keras mask", "without a word"]),
    (FOLDED, {"shape": "B,3"}, 4, ["with 64 samples it runs"]),
    (WANTS_COLUMNS, {"shape": "B,T,4", "label_shape": "B,T", "labels": "ids"}, 4, ["(B, T) and (B, T, 4)", "one-hot"]),
    (WANTS_IDS, {"shape": "B,4", "labels": "onehot"}, 4, ["(B, 4)", "wants one id"]),
    (CROSSED, {"shape": "B,5"}, 4, ["(B, 5)", "as many as another axis"]),
]


@pytest.mark.parametrize(("text", "options", "line", "told"), first(2, RAISING))
def test_what_raises_says_what_met_where_and_why(text, options, line, told):
    (finding,) = [one for one in examine(text, None, options)["findings"] if one["code"] == "raises_in_fit"]
    assert all(part in finding["message"] for part in told), finding["message"]
    assert finding["line"] == line
    assert not re.search(r"site-packages|lessons/|\.py|File |node|\{\{", finding["message"] + finding["fix"])
    assert finding["message"].endswith(".")


def test_frames_nodes_and_paths_are_left_out():
    words = (
        "Graph execution error:\n\nDetected at node loss/mul defined at (most recent call last):\n"
        '  File "/srv/app/lessons/x.py", line 30, in <module>\n    call()\n'
        "Incompatible shapes: [16] vs. [16,7]\n\t [[{{node loss/mul}}]] [Op:__inference_measure_1]"
    )
    assert cleaned(words) == "Incompatible shapes: [16] vs. [16,7]."


PAIRS = (
    TF + "def loss(y_true, y_pred):\n    better, worse = y_pred[::2], y_pred[1::2]\n"
    "    return tf.reduce_mean(tf.nn.softplus(worse - better) * y_true[::2])\n"
)
FOURS = (
    TF + "def loss(y_true, y_pred):\n    scores, wanted = tf.reshape(y_pred, (-1, 4)), tf.reshape(y_true, (-1, 4))\n"
    "    return -tf.reduce_mean(tf.reduce_sum(wanted * tf.nn.log_softmax(scores), -1))\n"
)
BLOCKS = (
    TF
    + "def loss(y_true, y_pred):\n    a, b, c = tf.split(y_pred, 3, axis=0)\n    y = tf.split(y_true, 3, axis=0)[0]\n"
    "    return tf.reduce_mean(y * tf.nn.relu(tf.abs(a - b) - tf.abs(a - c) + 0.3))\n"
)


@pytest.mark.parametrize(
    ("text", "rows", "order"), [(PAIRS, 2, "rows 1, 3"), (FOURS, 4, "1, 5"), (BLOCKS, 3, "blocks")]
)
def test_rows_that_belong_together_are_told_and_given_together(text, rows, order):
    options = {"task": "regression", "activation": "linear", "shape": "B,1", "labels": "binary", "padding": "none"}
    result = examine(text, None, options)
    found = {finding["code"]: finding for finding in result["findings"]}
    assert found["grouped_batch"]["evidence"]["rows"] == rows and order in found["grouped_batch"]["message"]
    assert not {"raises_in_fit", "not_batch_safe"} & found.keys() and not result["unprobed"]
