"""`python -m lessons check`: one result for each line whatever stands in it, findings and refusals exit 0."""

import io
import json
import re
import sys

import pytest

from lessons.__main__ import main
from lessons.recipe.bad_input import BadInput
from lessons.tools import check
from tests.tools.specimens import LOSSES

HEALTHY = "def mse(y_true, y_pred):\n    return tf.reduce_mean(tf.square(y_true - y_pred), axis=-1)\n"
FOCAL = """
def focal(gamma):
    def loss(y_true, y_pred):
        p = tf.clip_by_value(y_pred, 1e-3, 1 - 1e-3)
        hit, miss = (1 - p) ** gamma * tf.math.log(p), p**gamma * tf.math.log(1 - p)
        return -tf.reduce_mean(y_true * hit + (1 - y_true) * miss)
    return loss
"""
ENDLESS = "def endless(y_true, y_pred):\n    for i in range(10**15):\n        pass\n    return y_pred\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("losses")
    (folder / "healthy.py").write_text(HEALTHY)
    (folder / "focal.py").write_text(FOCAL)
    (folder / "harmful.py").write_text("import os\n" + HEALTHY)
    (folder / "binary.py").write_bytes(b"\xff\xfe\x00")
    return folder


def results(capsys) -> list[dict]:
    lines = capsys.readouterr().out.splitlines()
    return [json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} in JSON")) for line in lines]


def test_every_line_of_a_batch_gets_its_result_in_order(folder, capsys):
    wanted = [
        {"file": "healthy.py", "task": "regression", "label-shape": "B,1", "padding": None},
        {"file": "focal.py", "function": "focal(2.0)", "task": "binary"},
        {"file": "focal.py:focal(0.5)", "task": "binary", "activation": "sigmoid"},
        {"file": "harmful.py"},
        {"file": "binary.py"},
        {"file": "nowhere.py"},
        {"file": "healthy.py", "task": "guessing"},
        {"file": "healthy.py", "padding": 0, "shape": ["B", "T", 1]},
        {"file": "healthy.py", "frobnicate": 1},
        {"file": "healthy.py", "function": "other"},
        {"file": str(LOSSES / "tuned" / "ylogp_only.py"), "task": "binary"},
    ]
    lines = [json.dumps(one) for one in wanted] + ["{broken", "", "[1, 2]", "null"]
    batch = folder / "batch.jsonl"
    batch.write_text("\n".join(lines) + "\n")
    assert main(["check", "--batch", str(batch), "--json"]) == 0
    told = results(capsys)
    assert len(told) == len(lines)
    assert all({"function", "findings", "healthy", "refused"} <= one.keys() for one in told)
    codes = [[found["code"] for found in one["findings"]] for one in told]
    assert [one["healthy"] for one in told] == [True, True, True, *[None] * 4, False, None, None, False, *[None] * 4]
    assert codes[7] == ["ignores_mask", "wrong_normalisation"]
    assert {"minimum_not_at_truth", "drops_legit_zeros"} <= set(codes[10])
    for one in told:
        assert (one["refused"] is None) == (one["healthy"] is not None)
        assert all({"code", "severity", "message", "evidence", "fix"} <= found.keys() for found in one["findings"])
    says = [one["refused"]["message"] if one["refused"] else "" for one in told]
    assert told[3]["refused"]["line"] == 1 and "os" in says[3]
    for place, word in (
        (4, "UTF-8"),
        (5, "nowhere.py"),
        (6, "guessing"),
        (8, "frobnicate"),
        (9, "mse"),
        (11, "{broken"),
    ):
        assert word in says[place], says[place]
    assert told[1]["function"] == "focal(2.0)" and told[0]["function"] == "mse"


def test_a_batch_comes_from_standard_input(folder, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps({"file": str(folder / "healthy.py")}) + "\n"))
    assert main(["check", "--batch", "-"]) == 0
    assert capsys.readouterr().out == "mse: healthy\n"


@pytest.mark.verify
def test_one_loss_in_words(folder, capsys):
    assert main(["check", f"{folder / 'focal.py'}:focal(2.0)", "--task", "binary", "--activation", "sigmoid"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("focal(2.0): healthy\n")
    assert "task binary," in told and "shape B,1 (inferred)" in told


@pytest.mark.verify
def test_what_is_wrong_in_one_usage_only_is_told_with_it():
    of_numbers = {"title": "Its sign is lost", "code": "minimum_not_at_truth", "message": "Seen."}
    usages = [
        {"usage": {"task": "regression"}, "findings": [of_numbers]},
        {"usage": {"task": "binary"}, "findings": []},
    ]
    result = {"function": "f", "refused": None, "findings": [], "elsewhere": usages, "usage": {}, "inferred": []}
    told = check.diagnosis(result)
    assert "healthy" not in told and "depends on the usage" in told
    assert "task regression\n    Its sign is lost (minimum_not_at_truth): Seen." in told
    assert "task binary\n    nothing else is wrong" in told


@pytest.mark.verify
def test_an_examination_that_is_ended_is_told_and_the_rest_goes_on(folder, capsys, monkeypatch):
    (folder / "endless.py").write_text(ENDLESS)
    batch = folder / "two.jsonl"
    batch.write_text('{"file": "endless.py"}\n{"file": "healthy.py"}\n')
    monkeypatch.setattr(check, "LIMITS", check.Limits(waiting=6, computing=2))
    assert main(["check", "--batch", str(batch), "--json"]) == 0
    ended, healthy = results(capsys)
    # Of 2 s of computing, or of 6 s of waiting where others have the core: it computes without end either way.
    assert re.search(r"stopped after [26] s", ended["refused"]["message"])
    assert healthy["healthy"] is True


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.py"], "nowhere.py"),
        ([], "FILE"),
        (["x.py", "--batch", "y"], "FILE"),
        (["--batch", "nowhere.jsonl"], "nowhere.jsonl"),
        (["--batch", "-", "--task", "binary"], "--task"),
    ],
)
def test_bad_input_is_one_line_and_exit_two(capsys, arguments, words):
    assert main(["check", *arguments]) == 2
    told = capsys.readouterr().err
    assert words in told and told.count("\n") == 1


def test_a_wrong_option_for_one_file_is_bad_input(folder, capsys):
    assert main(["check", str(folder / "healthy.py"), "--shape", "7,B"]) == 2
    assert "7,B" in capsys.readouterr().err


def test_a_file_name_with_a_colon_is_a_file_first(tmp_path):
    odd = tmp_path / "a:b.py"
    odd.write_text(HEALTHY)
    assert check.split(str(odd)) == (str(odd), None)
    assert check.split("x.py:focal(2.0)") == ("x.py", "focal(2.0)")
    with pytest.raises(BadInput):
        check.entry('{"file": 3}')
