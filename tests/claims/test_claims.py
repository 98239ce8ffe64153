"""The claims: every verdict is computed, and the counter-world that a claim declares turns it."""

import inspect
import json
import re
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import pytest

from lessons.__main__ import main
from lessons.claims import CLAIMS, DEPENDS, FAILS, HOLDS, Outcome, find
from lessons.claims.claim import Sentence, names_in, under, whole
from lessons.recipe.bad_input import BadInput
from lessons.server import tasks
from lessons.server.verification import Verification
from lessons.workers.pool import WorkerPool
from tests.tools.patience import PATIENCE
from tests.tools.selection import first

ROOT = Path(__file__).parent.parent.parent
# Answer and example of every claim, as the five published answers have them.
PUBLISHED = {
    **dict.fromkeys((1, 7, 8), ("A", "-")),
    2: ("A", "A1"),
    **dict.fromkeys((3, 4), ("A", "A2")),
    **dict.fromkeys((5, 6), ("A", "A3")),
    **dict.fromkeys((9, 12, 16), ("B", "-")),
    **dict.fromkeys((10, 11), ("B", "B1")),
    **dict.fromkeys((13, 14), ("B", "B2")),
    15: ("B", "B3"),
    **dict.fromkeys((17, 18, 19), ("C", "-")),
    20: ("C", "C1"),
    21: ("C", "C2"),
    22: ("C", "C3"),
    **dict.fromkeys((23, 24, 25), ("D", "-")),
    26: ("D", "D1"),
    27: ("D", "D2"),
    28: ("D", "D3"),
    **dict.fromkeys((29, 34), ("E", "-")),
    **dict.fromkeys((30, 31), ("E", "E1")),
    32: ("E", "E2"),
    33: ("E", "E3"),
}
# What several people measured independently; the others may move with Keras.
KNOWN = {5: FAILS, 9: FAILS, 10: FAILS, 20: FAILS, 22: FAILS, 26: HOLDS, 28: FAILS, 30: DEPENDS, 32: FAILS}


@cache
def outcome(number: int, counter: bool = False) -> Outcome:
    return CLAIMS[number].verify(counter)


def test_all_that_was_published_is_there():
    """A claim that is added needs no line here."""
    assert list(CLAIMS) == list(range(1, len(CLAIMS) + 1))
    assert PUBLISHED.items() <= {number: (claim.answer, claim.example) for number, claim in CLAIMS.items()}.items()


@pytest.mark.parametrize("number", first(1, list(CLAIMS)))
def test_the_counter_world_turns_the_verdict(number):
    ours, other = outcome(number), outcome(number, counter=True)
    assert {ours.verdict, other.verdict} <= {HOLDS, FAILS, DEPENDS}
    assert ours.verdict != other.verdict


@pytest.mark.parametrize("number", first(8, [*list(CLAIMS)[::6], *(k for k in CLAIMS if k % 6 != 1)]))
def test_numbers_sentence_and_verdict_belong_together(number):
    claim, found = CLAIMS[number], outcome(number)
    measured = json.loads(json.dumps(found.measured, allow_nan=False))
    assert measured == found.measured
    again = claim.rule(measured)
    assert (again.word, again.on, again.conditions) == (found.verdict, found.on, found.conditions)
    assert bool(found.on) == (found.verdict == DEPENDS)
    assert re.search(r"\d", found.sentence) and found.sentence == Sentence().format(claim.says, **measured)
    assert {"keras", "tensorflow", "numpy"} <= set(found.versions)
    assert 0 < found.seconds < 30


@pytest.mark.parametrize("number", CLAIMS)
def test_a_rule_sees_numbers_only_and_names_no_verdict(number):
    claim = CLAIMS[number]
    assert list(inspect.signature(claim.rule).parameters) == ["n"] and claim.rule.__closure__ is None
    for word in ("HOLDS", "FAILS", "DEPENDS", "Verdict", "import"):
        assert word not in claim.verdict_rule
    assert claim.rule is not claim.measure


@pytest.mark.parametrize("number", CLAIMS)
def test_what_is_shown_is_what_ran(number):
    claim = CLAIMS[number]
    assert claim.experiment.startswith(f"def {claim.measure.__name__}(")
    body = inspect.getsource(claim.measure)
    assert body[body.index("def ") :].rstrip() in claim.experiment
    assert f"def {claim.rule.__name__}(n):" in claim.verdict_rule
    for constant in filter(str.isupper, names_in(claim.rule.__code__)):
        assert re.search(rf"^{constant} = .+  # .+", claim.verdict_rule, re.MULTILINE), f"{constant} without a reason"
    parameters = inspect.signature(claim.measure).parameters
    assert claim.counter and set(claim.counter) <= set(parameters)
    assert all(name in claim.counter_world for name in claim.counter) and claim.counter_says


def test_the_losses_of_an_experiment_are_shown_too():
    assert "def mask_reading(" in CLAIMS[7].counter_world
    for loss in ("mse", "scalar_mse"):
        assert f"def {loss}(y_true, y_pred):" in CLAIMS[7].experiment


@pytest.mark.parametrize("number", KNOWN)
def test_known_facts(number):
    assert outcome(number).verdict == KNOWN[number]


def test_facts_behind_the_verdicts():
    assert outcome(22).measured["gradient_change_bare"] == outcome(22).measured["gradient_change_wrapped"] == 0
    assert outcome(26).measured["output_apart"] == 0 == outcome(26).measured["gradient_at_missing"]
    assert outcome(32).measured["loss"] is None and outcome(32).measured["finite_answers"] == 0
    assert outcome(33).measured["label_apart"] == 0 < outcome(33).measured["input_apart"]
    assert outcome(5).measured["loss_at_truth"] == pytest.approx(0.6931, abs=1e-3)
    assert outcome(14).measured["slope_at_prediction"] == pytest.approx(-1e8, rel=1e-3)
    for number in (27, 28):
        assert "TensorFlow" in outcome(number).sentence


@pytest.mark.parametrize("number", first(1, [11, 2, 13, 33]))
def test_measuring_again_gives_the_same_numbers(number):
    assert CLAIMS[number].verify().measured == outcome(number).measured


def test_the_worker_is_left_as_it_was():
    import keras
    import numpy as np

    def state():
        return keras.config.floatx(), keras.config.dtype_policy().name, np.random.get_state()[1][:3].tolist()

    before = state()
    for number in (9, 13, 16, 23):
        CLAIMS[number].verify()
    assert state() == before


def test_depends_says_on_what():
    assert under({"a": True, "b": True}).word == HOLDS
    assert under({"a": False}).word == FAILS
    mixed = under({"with a": True, "with b": False, "with c": True})
    assert (mixed.word, mixed.on) == (DEPENDS, "holds with a and with c; it fails with b")
    assert whole({"a": True, "b": False}).word == FAILS and whole({"a": True}).word == HOLDS


# --- the command line


def test_json_keeps_its_promise(capsys):
    assert main(["claims", "32", "26", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out, parse_constant=lambda name: pytest.fail(f"{name} in JSON"))
    assert [row["id"] for row in rows] == [32, 26]
    for row in rows:
        assert {"id", "example", "claim", "measured", "verdict", "on", "seconds"} <= set(row)
        assert row["verdict"] == outcome(row["id"]).verdict and row["measured"] == outcome(row["id"]).measured


def test_the_table_names_claim_verdict_and_versions(capsys):
    assert main(["claims", "10"]) == 0
    told = capsys.readouterr().out
    assert CLAIMS[10].text in told and outcome(10).verdict in told and "keras" in told


@pytest.mark.parametrize("asked", ["0", str(len(CLAIMS) + 1), "-1", "1.5", "x", "²", "9" * 5000, "a\nb"])
def test_an_unknown_id_is_told_in_one_line(asked):
    with pytest.raises(BadInput):
        find(asked)
    told = subprocess.run(
        [sys.executable, "-m", "lessons", "claims", "--json", "--", asked], cwd=ROOT, capture_output=True, text=True
    )
    assert told.returncode == 2 and told.stdout == ""
    assert told.stderr.count("\n") == 1 and str(len(CLAIMS)) in told.stderr and len(told.stderr) < 200


# --- one result for all who ask


@pytest.fixture
def bench(monkeypatch):
    """A verification whose claims wait for `gate` and are written down in `began`."""
    gate, began = threading.Semaphore(0), []

    def claim(number):
        began.append(number)
        gate.acquire(timeout=10)
        if number == 13:
            raise ValueError("a reason\nand more")
        return f"outcome {number}"

    monkeypatch.setattr(tasks, "claim", claim)
    with ThreadPoolExecutor(4) as executor:
        verification = Verification(executor, at_once=1)
        verification.gate, verification.began = gate, began
        yield verification
        for _ in range(50):
            gate.release()


def until(condition, seconds: float = 5) -> None:
    waiting = threading.Event()
    for _ in range(int(100 * seconds)):
        if condition():
            return
        waiting.wait(0.01)
    raise AssertionError("it did not come to that")


def test_two_who_ask_share_one_measurement(bench):
    bench.ask([1, 2], "ann")
    bench.ask([1, 2, 3], "bob")
    for _ in range(3):
        bench.gate.release()
    until(lambda: not bench.busy)
    assert bench.began == [1, 2, 3] and bench.outcomes[3] == "outcome 3"


def test_stop_keeps_what_others_wait_for(bench):
    bench.ask([1, 2, 3], "ann")
    bench.ask([3], "bob")
    assert bench.waits_for("ann")
    bench.stop("ann")
    assert not bench.waits_for("ann") and list(bench.waiting) == [3]
    bench.gate.release()
    bench.gate.release()
    until(lambda: not bench.busy)
    assert bench.began == [1, 3]


def test_one_at_a_time_and_a_single_claim_goes_first(bench):
    bench.ask([1, 2, 3], "ann")
    bench.ask([34], "bob", first=True)
    assert len(bench.running) == 1
    for _ in range(4):
        bench.gate.release()
    until(lambda: not bench.busy)
    assert bench.began == [1, 34, 2, 3]


def test_what_cannot_be_measured_is_told_and_may_be_tried_again(bench):
    bench.ask([13], "ann")
    bench.gate.release()
    until(lambda: not bench.busy)
    assert bench.failures == {13: "a reason"} and not bench.outcomes
    bench.ask([13], "ann")
    assert bench.busy


@pytest.mark.verify
def test_a_server_that_nobody_needs_measures_by_itself(monkeypatch):
    """In one of two workers, once nobody has wanted anything for a while."""
    monkeypatch.setattr("lessons.workers.pool.QUIET", 0.0)
    with WorkerPool(2) as pool:
        verification = Verification(pool)
        verification.measure_in_idle_time([38, 40])
        pool.start()
        until(lambda: len(verification.when) == 2, seconds=PATIENCE)
    assert {number: one.verdict for number, one in verification.outcomes.items()} == {38: FAILS, 40: FAILS}
