"""How a loss is used: what its graph tells where nothing is declared, labels of several kinds, weights of `fit`."""

import pytest

from lessons.doctor.loss.examination import divided, examine
from lessons.doctor.loss.traced import hints
from lessons.doctor.usage import Usage
from lessons.recipe.bad_input import BadInput
from lessons.sandbox.admission import admit
from tests.tools.selection import first

TF = "import tensorflow as tf\nimport keras\n"


def loss(*lines: str) -> str:
    return TF + "def loss(y_true, y_pred):\n" + "".join(f"    {line}\n" for line in lines)


MIXTURE = loss(
    "m, s, w = y_pred[..., :2], tf.nn.softplus(y_pred[..., 2:4]) + 0.1, tf.nn.log_softmax(y_pred[..., 4:])",
    "return -tf.reduce_logsumexp(w - 0.5 * tf.square((y_true - m) / s) - tf.math.log(s), axis=-1)",
)
HEADS = loss("a, b = tf.split(y_pred, 2, axis=-1)", "return tf.exp(-b) * tf.abs(y_true - a) + b")
PICKS = loss("one = tf.one_hot(tf.cast(y_true, tf.int32), 5)", "return -tf.reduce_sum(one * tf.math.log(y_pred), -1)")
MASKED = loss("real = tf.not_equal(y_true, -1.0)", "return tf.square(tf.boolean_mask(y_true - y_pred, real))")
FLAGS = loss("p = tf.clip_by_value(y_pred, 1e-6, 1 - 1e-6)", "return -(1 - y_true) * tf.math.log(1 - p)")
NEIGHBOURS = loss("return tf.reduce_mean(tf.abs(y_pred[:, 1:] - y_pred[:, :-1] - y_true[:, 1:] + y_true[:, :-1]), -1)")
FLAGGED_BOX = loss(
    "size, there = y_true[:, :2], y_true[:, 2:3]",
    "wanted = tf.where(there > 0.5, tf.math.log(size / tf.constant([0.3, 0.4])), 0.0)",
    "return tf.reduce_sum(there * tf.abs(wanted - y_pred), -1)",
)


PAIRED = loss(
    "same = tf.cast(tf.equal(y_true, tf.transpose(y_true)), tf.float32)",
    "return tf.reduce_mean(tf.square(same - tf.matmul(y_pred, y_pred, transpose_b=True)), -1)",
)
AT_RISK = loss(
    "time, failed, risk = y_true[:, 0], y_true[:, 1], y_pred[:, 0]",
    "later = tf.cast(time[None, :] >= time[:, None], tf.float32)",
    "return failed * (tf.math.log(tf.reduce_sum(later * tf.exp(risk)[None, :], 1)) - risk)",
)
LARGEST = loss(
    "peak = tf.equal(y_true, tf.reduce_max(y_true, -1, keepdims=True)) & (y_true > tf.round(y_true))",
    "return tf.reduce_sum(tf.where(peak, y_pred, 0.0), -1)",
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (MIXTURE, {"columns": 6, "label_columns": None}),
        (HEADS, {"columns": 2, "several": True}),
        (PICKS, {"ids": True, "classes": 5}),
        (MASKED, {"ids": False}),
        (FLAGS, {"flags": True, "vector": False}),
        (NEIGHBOURS, {"columns": None, "label_columns": None}),
        (FLAGGED_BOX, {"columns": 2, "label_columns": 3}),
        (PAIRED, {"alike": True, "ordered": False}),
        (AT_RISK, {"ordered": True, "alike": False, "label_columns": 2, "first": True}),
        (LARGEST, {"ordered": False, "alike": False}),
    ],
)
def test_a_graph_tells_columns_ids_and_flags(text, told):
    found = vars(hints(admit(text).build()))
    assert {name: found[name] for name in told} == told


@pytest.mark.parametrize(
    ("text", "task"), first(1, [(PAIRED, "embedding"), (AT_RISK, "survival"), (HEADS, "regression")])
)
def test_what_samples_are_to_each_other_tells_the_task(text, task):
    result = examine(text, None, {})
    assert result["usage"]["task"] == task and not result["elsewhere"]


@pytest.mark.verify
def test_ids_beside_numbers_are_never_given_as_ids_that_there_are_not():
    text = loss(
        "wanted = tf.cast(y_true[:, 0], tf.int32)",
        "named = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=wanted, logits=y_pred[:, :4])",
        "return named + tf.square(y_true[:, 1] - y_pred[:, 4])",
    )
    declared = {"activation": "linear", "shape": "B,5", "label_shape": "B,2", "labels": "ids,float"}
    assert examine(text, None, {"task": "regression"} | declared)["findings"] == []


@pytest.mark.parametrize(("text", "shape", "labels"), first(1, [(HEADS, "B,2", "B,1"), (MIXTURE, "B,6", "B,1")]))
def test_nothing_declared_is_read_off_the_graph(text, shape, labels):
    result = examine(text, None, {})
    assert (result["usage"]["shape"], result["usage"]["label_shape"]) == (shape, labels)
    assert not {"minimum_not_at_truth", "broadcast_bug"} & {finding["code"] for finding in result["findings"]}


SQUARES = loss("return tf.reduce_sum(tf.abs(tf.square(y_true) - tf.square(y_pred)), -1)")


@pytest.mark.verify
def test_of_two_usages_that_fit_each_has_its_own_findings():
    """Of plain numbers the sign is lost; of shares and yes-or-no labels nothing is wrong."""
    result = examine(SQUARES, None, {})
    found = {one["usage"]["task"]: {finding["code"] for finding in one["findings"]} for one in result["elsewhere"]}
    assert found["regression"] == {"minimum_not_at_truth"} and found["binary"] == set()
    assert result["healthy"] and not result["findings"]
    declared = examine(SQUARES, None, {"task": "regression", "labels": "float", "shape": "B,4"})
    assert not declared["elsewhere"] and "minimum_not_at_truth" in {one["code"] for one in declared["findings"]}


@pytest.mark.parametrize(
    ("found", "common", "only"),
    [
        (["a b"], "a b", []),
        (["a b", "a b"], "a b", []),
        (["a b", "a"], "a", ["b", ""]),
        (["a", "b"], "", ["a", "b"]),
    ],
)
def test_what_all_usages_have_in_common_is_told_once(found, common, only):
    told = [(Usage(task="regression"), [{"code": code} for code in one.split()]) for one in found]
    findings, elsewhere = divided(told)
    assert " ".join(one["code"] for one in findings) == common
    assert [" ".join(one["code"] for one in usage["findings"]) for usage in elsewhere] == only


def test_a_loss_that_runs_in_no_usual_shape_is_asked_about():
    result = examine(loss("return y_true[:, 2, 1] * tf.reshape(y_pred, (-1, 5, 9, 3))[:, 0, 0, 0]"), None, {})
    assert "which shapes have the prediction and the label?" in result["refused"]["message"]


def test_labels_of_several_kinds():
    declared = {
        "task": "regression",
        "activation": "linear",
        "shape": "B,2",
        "labels": "nonnegative,nonnegative,binary",
    }
    found = examine(FLAGGED_BOX, None, declared | {"label_shape": "B,3"})
    assert "log_of_zero" in {finding["code"] for finding in found["findings"]}
    assert "column" in found["findings"][0]["message"]
    refused = examine(FLAGGED_BOX, None, declared | {"label_shape": "B,2"})["refused"]
    assert "one for each of its columns" in refused["message"]
    assert Usage.parse({"labels": "float, float"}).labels == "float"
    for wrong in ("float,none", "onehot,binary"):
        with pytest.raises(BadInput):
            Usage.parse({"labels": wrong})


EACH = loss("return tf.reduce_mean(tf.square(y_true - y_pred), axis=-1)")
SCALAR = loss("return tf.reduce_mean(tf.square(y_true - y_pred))")
CROSS_ENTROPY = loss("return keras.losses.binary_crossentropy(y_true, y_pred)")


@pytest.mark.parametrize(
    ("text", "options", "told"),
    first(
        4,
        [
            (EACH, {"shape": "B,1", "sample_weight": "sample"}, None),
            (SCALAR, {"shape": "B,1", "sample_weight": "sample"}, "left a gradient on 100%"),
            (EACH, {"shape": "B,T,1", "sample_weight": "sample"}, "without a word"),
            (CROSS_ENTROPY, {"task": "binary", "shape": "B,T", "class_weight": "0:1,1:5"}, "the place of the largest"),
            (EACH, {"shape": "B,T,1", "sample_weight": "step"}, None),
            (EACH, {"shape": "B,3", "sample_weight": "column"}, "do not go with"),
            (CROSS_ENTROPY, {"task": "binary", "shape": "B,1", "class_weight": "0:1,1:5"}, None),
            (
                EACH,
                {"task": "regression", "shape": "B,1", "labels": "float", "class_weight": "0:1,1:5"},
                "say no class",
            ),
        ],
    ),
)
def test_weights_of_fit_reach_what_they_are_for(text, options, told):
    found = {finding["code"]: finding["message"] for finding in examine(text, None, options)["findings"]}
    if told is None:
        assert "weights_misread" not in found
    else:
        assert told in found["weights_misread"]


@pytest.mark.parametrize("given", ["5", "0:1", "a:1,b:2", "0:-1,1:1", "0:inf,1:1"])
def test_class_weights_that_are_none_are_refused(given):
    with pytest.raises(BadInput):
        Usage.parse({"class_weight": given})
