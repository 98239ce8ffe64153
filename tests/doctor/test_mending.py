"""Mended losses: really examined before and after, and otherwise as they were pasted."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.tools.patience import patient

LOSSES = Path(__file__).parent.parent / "losses"
# Of the tuned losses that have findings. 0.71 and 0.78 were reached: 29 and 32 of 41, and for two of the others, of the
# newer codes grouped_batch and weights_misread, there is no mend yet. Without those two it was 0.74 and 0.82.
MENDED_FULLY, MENDED_AT_ALL = 0.70, 0.78
PROGRAM = """
import json, sys
from lessons.doctor.loss.examination import examine, warm_up
from lessons.doctor.loss.mending import mend

warm_up()
told = []
for text, function, options in json.load(sys.stdin):
    before = examine(text, function, options)
    mends = mend(text, function, options)
    after = [examine(step["text"], function, options) for step in mends]
    told.append({"before": before, "mends": mends, "after": after})
print(json.dumps(told))
"""

BINARY = {"task": "binary", "activation": "sigmoid"}
STEPS = {"shape": "B,T,1"}
# name -> (codes that go, what the mended text says, text, options, function)
TEXTS = {
    "logarithm": (
        ["log_of_zero"],
        "tf.math.log(tf.maximum(pt, 1e-6))  # kept",
        """
import tensorflow as tf

def focal(gamma=2.0):
    def loss(y_true, y_pred):
        pt = tf.where(tf.equal(y_true, 1), y_pred, 1 - y_pred)
        return -tf.pow(1. - pt, gamma) * tf.math.log(pt)  # kept
    return loss
""",
        BINARY,
        "focal(2.0)",
    ),
    "logarithm in keras.ops": (
        ["log_of_zero"],
        "ops.log(ops.maximum(1 - y_pred, 1e-6))",
        """
from keras import ops

def loss(y_true, y_pred):  # kept
    return -ops.mean(y_true * ops.log(y_pred) + (1 - y_true) * ops.log(1 - y_pred))
""",
        BINARY,
        None,
    ),
    "logarithm of exp": (
        ["log_of_zero", "overflow_fp16"],
        "tf.math.softplus(y_pred) - y_true",
        "def loss(y_true, y_pred):  # kept\n    return tf.math.log(1 + tf.exp(y_pred)) - y_true * y_pred\n",
        {"task": "binary", "activation": "linear"},
        None,
    ),
    "epsilon": (
        ["eps_underflow_fp16", "graph_differs", "log_of_zero"],
        "EPS = 1e-6  # kept",
        """
EPS = 1e-10  # kept

def loss(y_true, y_pred):
    return -(y_true * tf.math.log(y_pred + EPS) + (1 - y_true) * tf.math.log((1 - y_pred) + EPS))
""",
        BINARY,
        None,
    ),
    "root": (
        ["where_grad_nan"],
        "K.sqrt(K.mean(K.square(y_pred - y_true)) + 1e-6)",
        """
from tensorflow.keras import backend as K

def loss(y_true, y_pred):
    # kept
    return K.sqrt(K.mean(K.square(y_pred - y_true)))
""",
        {},
        None,
    ),
    "norm": (
        ["where_grad_nan"],
        "tf.sqrt(tf.reduce_sum(tf.square(y_true - y_pred), axis=-1) + 1e-6)",
        "def loss(y_true, y_pred):  # kept\n    return tf.norm(y_true - y_pred, axis=-1)\n",
        {"shape": "B,3"},
        None,
    ),
    "division": (
        ["log_of_zero"],
        "/ (y_pred + 1e-6)",
        "def loss(y_true, y_pred):  # kept\n    return tf.square(y_true - y_pred) / y_pred\n",
        {"activation": "softplus", "labels": "nonnegative", "shape": "B,1"},
        None,
    ),
    "numpy": (
        ["no_gradient", "raises_in_fit"],
        "tf.reduce_mean(tf.square(diff), axis=-1)",
        """
import numpy as np
import tensorflow as tf

def loss(y_true, y_pred):
    diff = np.subtract(y_true, y_pred) * np.float32(2.0)  # kept
    return np.mean(np.square(diff), axis=-1)
""",
        {},
        None,
    ),
    "py_function": (
        ["no_gradient"],
        "return error(y_true, y_pred)",
        """
import tensorflow as tf
import numpy as np

def error(a, b):  # kept
    return np.float32(np.abs(a.numpy() - b).mean())

def loss(y_true, y_pred):
    return tf.py_function(error, [y_true, y_pred], tf.float32)
""",
        {},
        None,
    ),
    "keras.backend of Keras 3": (
        ["raises_in_fit"],
        "ops.mean(ops.power(y_pred - y_true, 2), axis=-1)",
        """
from keras import backend as K

def loss(y_true, y_pred):  # kept
    return K.mean(K.pow(y_pred - y_true, 2), axis=-1)
""",
        {},
        None,
    ),
    "TensorFlow 1": (
        ["raises_in_fit"],
        "tf.math.log(y_pred + 1.) - tf.math.log(y_true + 1.)",
        """
def loss(y_true, y_pred):  # kept
    d = tf.log(y_pred + 1.) - tf.log(y_true + 1.)
    return tf.reduce_mean(tf.square(d), axis=-1, keep_dims=True)
""",
        {"activation": "softplus", "labels": "nonnegative", "shape": "B,1"},
        None,
    ),
    "a loss of Keras under its old name": (
        ["raises_in_fit"],
        "2 * tf.keras.losses.mse(y_true, y_pred)",
        "def loss(y_true, y_pred):  # kept\n    return 2 * tf.keras.losses.mean_squared_error(y_true, y_pred)\n",
        {},
        None,
    ),
    "if": (
        ["raises_in_fit"],
        "return tf.where(tf.reduce_mean(err) > 0, tf.reduce_mean(tf.square(err)), tf.reduce_mean(tf.abs(err)))",
        """
def loss(y_true, y_pred):
    err = y_true - y_pred  # kept
    if tf.reduce_mean(err) > 0:
        return tf.reduce_mean(tf.square(err))
    else:
        return tf.reduce_mean(tf.abs(err))
""",
        {},
        None,
    ),
    "ids": (
        ["raises_in_fit"],
        "tf.one_hot(tf.cast(y_true, tf.int32), 5)",
        """
def loss(y_true, y_pred):
    hot = tf.one_hot(y_true, 5)  # kept
    p = tf.reduce_sum(hot * y_pred, axis=-1) + 1e-4
    return -tf.math.log(p)
""",
        {"task": "multiclass", "activation": "softmax", "shape": "B,5", "label_shape": "B", "labels": "ids"},
        None,
    ),
    "mask that is no number": (
        ["raises_in_fit"],
        "tf.math.divide_no_nan(tf.reduce_sum(e * tf.cast(mask, tf.float32)), tf.reduce_sum(tf.cast(mask, tf.float32)))",
        """
def loss(y_true, y_pred):
    mask = tf.not_equal(y_true, -1.0)  # kept
    e = tf.square(y_true - y_pred)
    return tf.reduce_sum(e * mask) / tf.reduce_sum(mask)
""",
        {**STEPS, "labels": "nonnegative"},
        None,
    ),
    "sum": (
        ["not_batch_safe"],
        "0.5 * tf.reduce_mean(tf.square(y_true - y_pred))",
        "def loss(y_true, y_pred):  # kept\n    return 0.5 * tf.reduce_sum(tf.square(y_true - y_pred))\n",
        {},
        None,
    ),
    "statistics of the batch": (
        ["not_batch_safe"],
        "return tf.reduce_max(tf.square(y_true - y_pred), axis=-1)",
        "def loss(y_true, y_pred):  # kept\n    return tf.reduce_max(tf.square(y_true - y_pred))\n",
        {"shape": "B,4"},
        None,
    ),
    "score": (
        ["minimum_not_at_truth", "wrong_sign"],
        "return 1 - (2. * inter + 1) / union  # kept",
        """
def loss(y_true, y_pred):
    inter = tf.reduce_sum(y_true * y_pred, axis=-1)
    union = tf.reduce_sum(y_true + y_pred, axis=-1) + 1
    return (2. * inter + 1) / union  # kept
""",
        {**BINARY, "shape": "B,8", "labels": "binary"},
        None,
    ),
    "column": (
        ["broadcast_bug", "minimum_not_at_truth"],
        "y_pred[:, 0:1]",
        "def loss(y_true, y_pred):  # kept\n    return tf.reduce_mean(tf.square(y_true - y_pred[:, 0]))\n",
        {},
        None,
    ),
    "keepdims": (
        ["broadcast_bug", "minimum_not_at_truth"],
        "tf.reduce_mean(y_true, -1, keepdims=True)",
        "def loss(y_true, y_pred):  # kept\n    return tf.reduce_mean(tf.abs(y_pred - tf.reduce_mean(y_true, -1)))\n",
        {"shape": "B,1"},
        None,
    ),
    "labels without the last axis": (
        ["broadcast_bug"],
        "        y_true = tf.reshape(y_true, tf.shape(y_pred))\n        return",
        """
class Squared(keras.losses.Loss):
    def call(self, y_true, y_pred):  # kept
        return tf.square(y_true - y_pred)
""",
        {"shape": "B,1", "label_shape": "B"},
        None,
    ),
    "mask of Keras": (
        ["ignores_mask", "wrong_normalisation"],
        "K.mean(K.square(y_true - y_pred), axis=-1)",
        """
from tensorflow.keras import backend as K

def loss(y_true, y_pred):  # kept
    return K.mean(K.square(y_true - y_pred))
""",
        {**STEPS, "padding": "keras"},
        None,
    ),
    "mark": (
        ["ignores_mask", "wrong_normalisation"],
        "tf.math.divide_no_nan(tf.reduce_sum(tf.abs(y_true - y_pred) * mask), tf.reduce_sum(mask))",
        "def loss(y_true, y_pred):\n    # kept\n    return tf.reduce_mean(tf.abs(y_true - y_pred))\n",
        {**STEPS, "padding": "-1", "labels": "nonnegative"},
        None,
    ),
    "mean of what a mask left": (
        ["wrong_normalisation"],
        "tf.math.divide_no_nan(tf.reduce_sum(tf.square((y_true - y_pred) * mask)), tf.reduce_sum(mask))",
        """
MARK = -9.

def loss(y_true, y_pred):
    mask = tf.cast(tf.not_equal(y_true, MARK), tf.float32)  # kept
    return tf.reduce_mean(tf.square((y_true - y_pred) * mask), axis=-1)
""",
        {**STEPS, "padding": "-9"},
        None,
    ),
    "NaN labels": (
        ["nan_labels"],
        "diff = (labels - y_pred) * mask  # kept",
        """
def loss(y_true, y_pred):
    mask = tf.cast(tf.math.is_finite(y_true), tf.float32)
    diff = (y_true - y_pred) * mask  # kept
    return tf.reduce_sum(tf.square(diff)) / tf.reduce_sum(mask)
""",
        {"padding": "nan", "shape": "B,4"},
        None,
    ),
    "NaN labels that are all": (
        ["nan_labels"],
        "tf.math.divide_no_nan(tf.reduce_sum(errors), tf.cast(tf.size(errors), errors.dtype))",
        """
def loss(y_true, y_pred):
    ok = tf.math.is_finite(y_true)  # kept
    return tf.reduce_mean(tf.abs(tf.boolean_mask(y_true - y_pred, ok)))
""",
        {"padding": "nan", "shape": "B,4"},
        None,
    ),
    "zeros": (
        ["drops_legit_zeros", "ignores_mask"],
        "return tf.reduce_mean(e, axis=-1)",
        """
def loss(y_true, y_pred):  # kept
    keep = tf.cast(y_true != 0, tf.float32)
    e = tf.square(y_true - y_pred)
    return tf.reduce_sum(e * keep) / (tf.reduce_sum(keep) + 1e-6)
""",
        {**STEPS, "padding": "keras"},
        None,
    ),
    "cap": (
        ["dead_region"],
        "tf.square(y_true - y_pred)",
        "def loss(y_true, y_pred):  # kept\n    return tf.minimum(tf.square(y_true - y_pred), 1.0)\n",
        {},
        None,
    ),
    "logits": (
        ["dead_region", "wrong_activation"],
        "    y_pred = tf.sigmoid(y_pred)\n    p = ",
        """
def loss(y_true, y_pred):
    p = tf.clip_by_value(y_pred, 1e-3, 0.999)  # kept
    return -(y_true * tf.math.log(p) + (1. - y_true) * tf.math.log(1. - p))
""",
        {"task": "binary", "activation": "linear"},
        None,
    ),
    "three faults": (
        ["broadcast_bug", "minimum_not_at_truth", "not_batch_safe", "where_grad_nan"],
        "return tf.reduce_mean(tf.sqrt(tf.square(y_true - y_pred[:, 0:1]) + 1e-6))",
        "def loss(y_true, y_pred):  # kept\n    return tf.reduce_sum(tf.sqrt(tf.square(y_true - y_pred[:, 0])))\n",
        {"shape": "B,1"},
        None,
    ),
}
# Other spellings, and mends that are rarer: in `make verify` only.
USUAL = ("logarithm", "mark", "keras.backend of Keras 3", "three faults")  # in `make test`
RARER = tuple(name for name in TEXTS if name not in USUAL)
# No finding, or one that only the writer can mend.
UNMENDED = {
    "healthy": ("def loss(y_true, y_pred):\n    return tf.reduce_mean(tf.square(y_true - y_pred), axis=-1)\n", {}),
    "rounded": (
        "def loss(y_true, y_pred):\n    return tf.reduce_mean(tf.abs(y_true - tf.round(y_pred)), axis=-1)\n",
        BINARY,
    ),
    "shrinking": ("def loss(y_true, y_pred):\n    return tf.square(y_true - y_pred) + tf.square(y_pred)\n", {}),
    "refused": ("import os\n\ndef loss(y_true, y_pred):\n    return os.getpid()\n", {}),
}


def done(jobs: list) -> list[dict]:
    """Examined and mended in a process of its own: this one stays without TensorFlow."""
    told = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        input=json.dumps(jobs),
        capture_output=True,
        text=True,
        timeout=patient(900),
    )
    assert told.returncode == 0, told.stderr[-2000:]
    return json.loads(told.stdout.splitlines()[-1])


def codes(examined: dict) -> list[str]:
    assert examined["refused"] is None, examined["refused"]
    return sorted(finding["code"] for finding in examined["findings"])


def mended(names) -> dict[str, dict]:
    jobs = [(text, function, options) for _, _, text, options, function in map(TEXTS.get, names)]
    return dict(zip(names, done(jobs), strict=True))


@pytest.fixture(scope="module")
def results():
    return mended(USUAL)


@pytest.fixture(scope="module")
def rarer_results():
    return mended(RARER)


def check(name: str, found: dict) -> None:
    gone, says, _, _, _ = TEXTS[name]
    assert codes(found["before"]) == gone
    best = found["mends"][0]
    assert best["codes"] == gone and best["left"] == []
    assert best["title"]
    assert codes(found["after"][0]) == []
    assert says in best["text"]
    assert "# kept" in best["text"]


@pytest.mark.parametrize("name", USUAL)
def test_a_mend_takes_its_finding_away_and_nothing_else(name, results):
    check(name, results[name])


@pytest.mark.verify
@pytest.mark.parametrize("name", RARER)
def test_a_rarer_mend_takes_its_finding_away_and_nothing_else(name, rarer_results):
    check(name, rarer_results[name])


def test_a_step_on_the_way_is_told_as_it_is(results):
    found = results["three faults"]
    assert len(found["mends"]) == 3
    for step, after in zip(found["mends"], found["after"], strict=True):
        assert codes(after) == step["left"]
        assert set(step["codes"]) | set(step["left"]) == set(codes(found["before"]))
    assert len(found["mends"][0]["left"]) < len(found["mends"][1]["left"]) < len(found["mends"][2]["left"])


@pytest.mark.verify
def test_nothing_is_offered_where_there_is_nothing_to_mend():
    found = dict(zip(UNMENDED, done([(text, None, options) for text, options in UNMENDED.values()]), strict=True))
    for name, told in found.items():
        assert told["mends"] == [], name
        assert (told["before"]["refused"] is not None) == (name == "refused")
        assert bool(told["before"]["findings"]) == (name in ("rounded", "shrinking"))


def test_what_is_not_mended_stays_to_the_letter(results):
    """Lines without an edit are the same lines."""
    _, _, text, _, _ = TEXTS["logarithm"]
    mended = results["logarithm"]["mends"][0]["text"]
    changed = [line for line in text.splitlines() if line not in mended.splitlines()]
    assert changed == ["        return -tf.pow(1. - pt, gamma) * tf.math.log(pt)  # kept"]


def test_an_import_is_added_only_where_there_are_imports(results):
    assert "from keras import ops\n" in results["keras.backend of Keras 3"]["mends"][0]["text"]
    assert "import" not in results["mark"]["mends"][0]["text"]


@pytest.mark.verify
def test_the_share_of_faulty_losses_that_are_mended():
    lines = [json.loads(line) for line in (LOSSES / "tuned.jsonl").read_text().splitlines()]
    faulty = [line for line in lines if line["expect"]]
    jobs = [
        (
            (LOSSES / line["file"]).read_text(),
            line.get("function"),
            {name: value for name, value in line.items() if name not in ("file", "function", "expect", "why")},
        )
        for line in faulty
    ]
    fully = partly = 0
    for line, found in zip(faulty, done(jobs), strict=True):
        for step, after in zip(found["mends"], found["after"], strict=True):
            ast.parse(step["text"])
            assert codes(after) == step["left"], line["file"]
        fully += bool(found["mends"] and not found["mends"][0]["left"])
        partly += bool(found["mends"] and found["mends"][0]["left"])
        if not found["mends"] or found["mends"][0]["left"]:
            print(line["file"], codes(found["before"]), [(step["title"], step["left"]) for step in found["mends"]])
    print(f"{len(faulty)} faulty losses: {fully} fully mended, {partly} partly")
    assert fully >= MENDED_FULLY * len(faulty)
    assert fully + partly >= MENDED_AT_ALL * len(faulty)
