"""The examiner: the set of losses, each rule's own specimens, and that no finding depends on the text."""

import os

import pytest

from lessons.doctor.loss.examination import examine
from lessons.doctor.loss.rules import LOSS_RULES
from tests.tools.disguises import DISGUISES
from tests.tools.scorecard import NOTES, Score
from tests.tools.selection import first
from tests.tools.specimens import PARTS, cases, codes

CASES = [case for part in PARTS for case in cases(part)]
FULL = bool(os.environ.get("VERIFY"))
_found: dict[str, set[str]] = {}


def found(case) -> set[str]:
    """The codes of one loss of the set; examined once."""
    if case.name not in _found:
        _found[case.name] = codes(examine(case.text, case.function, case.options))
    return _found[case.name]


TUNED = [*cases("tuned"), *(case for case in cases("reports") if not case.held)]
RULES = [*LOSS_RULES.rules.values()][::-1]  # the newest first
SOME = TUNED[::40]


@pytest.mark.parametrize(
    "case", first(len(SOME), [*SOME, *(case for case in TUNED if case not in SOME)]), ids=lambda case: case.name
)
def test_what_the_rules_were_tuned_on_is_found(case):
    assert found(case) == case.expect, case.why


@pytest.mark.verify
@pytest.mark.parametrize(("part", "losses", "healthy"), [("held", 50, 20), ("reports", 30, 10)])
def test_what_was_held_back_is_found_about_as_well(part, losses, healthy):
    score = Score()
    for case in cases(part):
        if part == "held" or case.held:
            score.add(case, found(case))
    assert score.losses >= losses and score.healthy >= healthy
    assert score.precision >= 0.95 and score.recall >= 0.95
    assert score.called_ill == 0


def test_notes_are_what_the_scorecard_takes_for_notes():
    assert {code for code, rule in LOSS_RULES.rules.items() if rule.severity == "note"} == NOTES


def test_the_set_has_every_code_and_enough_healthy_losses():
    for code in LOSS_RULES.rules:
        assert sum(code in case.expect for case in CASES) >= 2, code
    assert len(CASES) >= 80
    assert sum(not case.expect for case in CASES) >= 25


@pytest.mark.parametrize("rule", first(2, RULES), ids=lambda rule: rule.code)
def test_each_rule_fires_and_is_silent_where_it_says(rule):
    fired = examine(rule.fires_on.text, None, rule.fires_on.options)
    assert rule.code in codes(fired)
    finding = next(told for told in fired["findings"] if told["code"] == rule.code)
    assert finding["evidence"] and finding["message"]
    assert rule.code not in codes(examine(rule.silent_on.text, None, rule.silent_on.options))


@pytest.mark.parametrize(
    ("case", "disguise"),
    [
        (case, disguise)
        for i, case in enumerate(CASES)
        for j, disguise in enumerate(DISGUISES)
        if FULL or i % (240 * len(DISGUISES)) == 240 * j  # every 240th loss, one disguise each
    ],
    ids=lambda value: getattr(value, "name", None) or value.__name__,
)
def test_no_finding_depends_on_the_text(case, disguise):
    text = disguise(case.text)
    assert text != case.text
    assert codes(examine(text, case.function, case.options)) == found(case)


def test_an_examination_says_what_it_inferred_and_tried():
    result = examine(
        "loss = lambda y_true, y_pred: tf.reduce_mean(tf.abs(y_true - y_pred))", None, {"task": "regression"}
    )
    assert result["healthy"] is True
    assert result["usage"]["activation"] == "linear" and "activation" in result["inferred"]
    assert "task" not in result["inferred"]
    assert len(result["tried"]) == len(set(result["tried"])) == len(LOSS_RULES.rules)


def test_refusals_name_the_line():
    result = examine("import tensorflow as tf\nimport os\n\ndef loss(y_true, y_pred):\n    return 0\n", None, {})
    assert result["healthy"] is None and not result["findings"]
    assert result["refused"]["line"] == 2


def test_a_wrong_option_is_one_sentence():
    result = examine("def loss(y_true, y_pred):\n    return y_pred\n", None, {"task": "regresion"})
    assert "regresion" in result["refused"]["message"] and "regression" in result["refused"]["message"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"shape": "B,1", "padding": "keras"}, "time axis"),
        ({"shape": "B,4", "activation": "linear,softplus"}, "4 columns"),
        ({"shape": "B", "labels": "onehot"}, "two or more columns"),
        ({"shape": "B,0"}, "B,0"),
        ({"padding": "some"}, "some"),
    ],
)
def test_options_that_contradict_each_other_are_one_sentence(options, words):
    result = examine("def loss(y_true, y_pred):\n    return y_pred\n", None, options)
    assert words in result["refused"]["message"] and "\n" not in result["refused"]["message"]


@pytest.mark.parametrize(
    "options",
    [
        {"shape": "B"},
        {"shape": "B", "label_shape": "B,1"},
        {"shape": "B,T,3", "label_shape": "B,3"},
        {"shape": "B,4", "label_shape": "B,7"},
        {"shape": "B,1", "labels": "boxes"},
        {"shape": "B,T", "padding": "keras"},
    ],
    ids=str,
)
def test_unusual_shapes_are_examined_all_the_same(options):
    result = examine("def loss(y_true, y_pred):\n    return tf.reduce_mean(tf.square(y_pred - 1.0))\n", None, options)
    assert result["refused"] is None and result["unprobed"] == []
