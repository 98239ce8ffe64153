"""The doctor on a run: every rule on runs that are really trained, what repairs them, and how often it is wrong.

What it finds in the presets of the lessons is held against their declarations in tests/course/test_visible.py.
"""

import json
from dataclasses import replace

import numpy as np
import pytest

from lessons.course.discovery import LESSONS
from lessons.doctor.rule import SEVERITIES
from lessons.doctor.run import Finding, NextStep, diagnose, next_steps
from lessons.doctor.run.advice import BREAK, EXPLORE
from lessons.doctor.run.next_step import few
from lessons.doctor.run.rules import RUN_RULES
from lessons.families.decoder import Decoder
from lessons.families.encoder import Encoder
from lessons.families.own_layer import OwnLayer
from lessons.families.recurrent import Recurrent
from lessons.recipe.recipe import Recipe
from lessons.recipe.settings import Settings
from lessons.server import tasks
from tests.tools import false_alarms
from tests.tools.false_alarms import FAULTS, OTHER_FAULTS
from tests.tools.runs import run_of
from tests.tools.selection import first

RULES = [pytest.param(rule, id=rule.code) for rule in RUN_RULES.rules.values()]
DROPPING = ("conv1d", "times_one", "lambda", "reshape", "permute", "flatten", "max_pooling")
VERDICTS = 5  # of the doctor, one after the other, until a run is healthy


def found(settings: Settings) -> dict[str, Finding]:
    return {finding.code: finding for finding in diagnose(run_of(settings))}


# --- every rule


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_fires_where_it_says(rule):
    finding = found(rule.fires_on).get(rule.code)
    assert finding, f"found {list(found(rule.fires_on))}"
    assert finding.message.endswith(".") and any(sign.isdigit() for sign in finding.message)
    assert finding.numbers and finding.fix and finding.why
    if finding.epochs:
        assert 0 <= finding.epochs[0] <= finding.epochs[1] < rule.fires_on.epochs
    if finding.cells is not None:
        run = run_of(rule.fires_on)
        gradient = run.snapshot.gradient if finding.at == "predictions" else run.snapshot.input_gradient
        assert finding.cells.dtype == bool and finding.cells.shape == gradient.shape[1:] and finding.cells.any()


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_is_silent_where_it_says(rule):
    assert rule.code not in found(rule.silent_on)


@pytest.mark.parametrize("rule", first(6, [*RUN_RULES.rules.values()]), ids=lambda rule: rule.code)
def test_the_changes_of_a_finding_repair_it(rule):
    settings = rule.fires_on
    for _ in range(VERDICTS):
        finding = found(settings).get(rule.code)
        if finding is None:
            return
        assert finding.changes, finding.fix
        settings = settings.with_changes(finding.changes)
    pytest.fail(f"{rule.code} is still found in {settings.to_query()}")


def test_the_rules_are_the_vocabulary():
    vocabulary = {
        "non_finite", "gradient_on_padding", "starved_steps", "mask_misaligned", "mask_dropped",
        "looks_fine_but_wrong", "no_learning", "collapsed_predictions", "exploding", "vanishing",
    }  # fmt: skip
    assert vocabulary <= set(RUN_RULES.rules) == set(EXPLORE)
    assert {rule.lesson for rule in RUN_RULES.rules.values()} <= set(LESSONS)


def test_a_finding_is_json_that_says_where():
    told = [finding.to_json() for finding in diagnose(run_of(Recurrent(mask="shifted", epochs=10)))]
    assert json.loads(json.dumps(told)) == told
    (finding,) = told
    assert finding["code"] == "mask_misaligned" and finding["changes"] == {"mask": "aligned"}
    assert np.array_equal(finding["cells"], run_of(Recurrent(mask="shifted", epochs=10)).batch.mask != real_steps())
    assert finding["evidence"]["taken"] + finding["evidence"]["left_out"] == np.sum(finding["cells"])


def real_steps() -> np.ndarray:
    return run_of(Recurrent(mask="shifted", epochs=10)).batch.real


def test_findings_come_worst_first_and_causes_before_what_they_cause():
    settings = LESSONS["mask_and_loss"].preset("labels").settings
    findings = diagnose(run_of(settings))
    severities = [SEVERITIES.index(finding.severity) for finding in findings]
    assert severities == sorted(severities)
    assert [finding.code for finding in findings][:2] == ["starved_steps", "looks_fine_but_wrong"]


# --- single findings


def test_a_nan_of_the_way_back_is_told_from_one_of_the_way_forward():
    root = RUN_RULES.rules["non_finite"].fires_on
    back = found(root)["non_finite"]
    assert back.numbers["phase"] == "backward" and back.numbers["epoch"] == 0 and "0.8" in back.message
    assert np.array_equal(back.cells, ~run_of(root).batch.real)
    forth = found(Recurrent(padded_labels="nan", epochs=5))["non_finite"]
    assert forth.numbers["phase"] == "forward" and forth.numbers["where"] == "labels"
    assert forth.changes == {"padded_labels": "zero"}


def test_a_nan_in_masked_inputs_comes_on_the_way_back():
    finding = found(Recurrent(padded_inputs="nan", epochs=5))["non_finite"]
    assert finding.numbers["phase"] == "backward" and finding.at == "inputs"
    assert finding.cells[~real_steps()].all() and finding.changes == {"padded_inputs": "zero"}
    unmasked = found(Recurrent(padded_inputs="nan", mask="none", epochs=5))["non_finite"]
    assert unmasked.numbers["phase"] == "forward" and unmasked.numbers["where"] == "inputs"


def test_the_epoch_of_a_late_nan_is_the_first_without_a_loss():
    settings = LESSONS["small_epsilon"].preset("broken").settings
    finding, loss = found(settings)["non_finite"], run_of(settings).snapshot.loss
    first = int(np.flatnonzero(np.isnan(loss))[0])
    assert first > 5 and finding.epochs == (first, settings.epochs - 1)
    assert f"epoch {first + 1} " in finding.message


@pytest.mark.verify
def test_a_nan_in_the_middle_of_an_epoch_is_found():
    settings = replace(RUN_RULES.rules["non_finite"].fires_on, batch_size=8)
    assert found(settings)["non_finite"].epochs[0] == 0


def test_a_nan_origin_is_told_with_the_finding():
    settings = RUN_RULES.rules["non_finite"].fires_on
    nan_origin = tasks.nan_origin(Recipe(settings))
    finding = next(finding for finding in diagnose(run_of(settings), nan_origin) if finding.code == "non_finite")
    assert nan_origin.said in finding.message
    for name in ("phase", "tensor", "op", "timestep", "line"):
        assert finding.numbers[name] == getattr(nan_origin, name)


@pytest.mark.parametrize("cell", first(1, [*Recurrent.specs()["cell"].options]))
def test_an_inverted_mask_looks_fine_and_is_wrong(cell):
    """Loss and gradient say nothing: both are as good as 0."""
    settings = Recurrent(mask="inverted", padded_labels="zero", cell=cell, epochs=20)
    assert np.all(run_of(settings).snapshot.loss < 0.01)
    assert list(found(settings)) == ["mask_misaligned", "looks_fine_but_wrong"]


@pytest.mark.parametrize("seed", first(1, range(3)))
def test_a_mask_from_labels_that_are_0_looks_fine_and_is_wrong(seed):
    settings = replace(LESSONS["mask_and_loss"].preset("labels").settings, seed=seed)
    assert {"starved_steps", "looks_fine_but_wrong"} <= set(found(settings))
    assert "all those with label 0" in found(settings)["starved_steps"].message


@pytest.mark.parametrize("between", first(1, DROPPING))
def test_the_layer_that_drops_the_mask_is_named(between):
    settings = Recurrent(between=between, padded_labels="garbage", epochs=10)
    (finding,) = found(settings).values()
    rows = run_of(settings).opening.layers
    (dropping, *_) = [row for row in rows if row.mask_in and not row.mask_out]
    assert finding.code == "mask_dropped" and finding.numbers["name"] == dropping.name
    assert dropping.name in finding.message and finding.changes == {"between": "none"}


def test_a_scalar_loss_behind_a_layer_that_drops_the_mask_is_found_after_it():
    settings = Recurrent(between="times_one", loss="scalar_mse", padded_labels="garbage", epochs=10)
    (first,) = found(settings).values()
    (second,) = found(settings.with_changes(first.changes)).values()
    assert (first.code, second.code) == ("mask_dropped", "gradient_on_padding")


def test_a_leak_that_a_wrong_mask_explains_is_told_once():
    late = found(Recurrent(mask="shifted", mask_shift=1, epochs=10))
    early = found(Recurrent(mask="shifted", mask_shift=-1, epochs=10))
    assert list(late) == list(early) == ["mask_misaligned"]
    assert late["mask_misaligned"].numbers["leak"] > 0.1 and early["mask_misaligned"].numbers["leak"] == 0
    assert early["mask_misaligned"].numbers["taken"] == 0 < early["mask_misaligned"].numbers["left_out"]


def test_a_wrong_mask_and_a_loss_that_does_not_heed_it_are_two_findings():
    settings = Recurrent(mask="shifted", mask_shift=-1, loss="scalar_mse", epochs=10)
    assert list(found(settings)) == ["mask_misaligned", "gradient_on_padding"]


def test_a_mask_that_changes_nothing_is_no_finding():
    assert not found(Recurrent(mask="none", padding_share=0, epochs=40))
    assert not found(Recurrent(mask="shifted", mask_shift=0, epochs=40))
    assert not found(Recurrent(mask="inputs", epochs=40))


@pytest.mark.verify
def test_labels_that_are_missing_may_be_left_out_of_the_loss():
    """By a weight, not by the layers: they need the inputs of those steps."""
    weights = LESSONS["nan_labels"].preset("weights").settings
    assert not found(weights)
    assert "mask_misaligned" in found(replace(weights, sample_weight="none"))


def test_too_few_epochs_are_no_finding():
    assert not found(Recurrent(epochs=1)) and not found(Recurrent(epochs=5))


def test_a_stopped_run_is_diagnosed_as_far_as_it_went():
    settings = RUN_RULES.rules["gradient_on_padding"].fires_on
    whole = run_of(settings)
    stopped = replace(whole, closing=None)
    assert [finding.code for finding in diagnose(stopped)] == ["gradient_on_padding"]


@pytest.mark.verify
def test_what_repairs_a_wrong_divisor_in_batches_is_found_too():
    batches = replace(LESSONS["divided_by"].preset("batches").settings, epochs=20)
    assert not found(batches)
    assert list(found(replace(batches, sample_weight="instead"))) == ["wrong_normalisation"]


# --- what to try next


@pytest.mark.parametrize(
    "toggle", [*BREAK, *(toggle for toggles in EXPLORE.values() for toggle in toggles)], ids=lambda toggle: toggle.field
)
def test_a_toggle_is_a_value_that_its_field_takes(toggle):
    having = [family for family in (Recurrent, Encoder, Decoder, OwnLayer) if toggle.field in family.specs()]
    assert having and toggle.says.endswith(".")
    if not callable(toggle.value):
        assert having[0]().with_changes({toggle.field: toggle.value})


def test_of_next_steps_other_fields_go_before_other_values_and_no_more_are_tried():
    tried = []

    def steps(*fields: str):
        for number, field in enumerate(fields):
            tried.append(field)
            yield NextStep(field, number, "")

    assert [(step.field, step.value) for step in few(steps("mask", "mask", "loss"))] == [
        ("mask", 0), ("loss", 2), ("mask", 1)]  # fmt: skip
    tried.clear()
    assert [step.field for step in few(steps("mask", "mask", "loss", "seed", "units"))] == ["mask", "loss", "seed"]
    assert tried == ["mask", "mask", "loss", "seed"]
    assert few(steps()) == ()


def test_next_steps_keep_to_the_fields():
    run = run_of(Recurrent(epochs=40))
    assert next_steps(run, (), ()) == ()
    assert {step.field for step in next_steps(run, (), ("mask", "seed"))} == {"mask"}


# --- how often it is wrong


def test_healthy_runs_are_called_healthy():
    drawn = false_alarms.healthy(8, 5)
    runs = [(settings, diagnose(run_of(settings))) for settings in drawn]
    alarms = [
        (settings.to_query(), [finding.message for finding in findings]) for settings, findings in runs if findings
    ]
    assert not alarms, alarms


@pytest.mark.parametrize("name", first(2, [*FAULTS]))
def test_no_fault_goes_unnoticed(name):
    assert found(false_alarms.with_fault(name, Recurrent(epochs=20)))


@pytest.mark.verify
@pytest.mark.parametrize("name", OTHER_FAULTS)
def test_no_fault_of_another_family_goes_unnoticed(name):
    (settings,) = false_alarms.healthy(1, 3, false_alarms.family_of(name))
    assert found(false_alarms.with_fault(name, settings))


@pytest.mark.verify
def test_one_in_a_hundred_healthy_runs_at_most_is_called_ill():
    """`make false-alarms` has more of them."""
    score = false_alarms.score_healthy(200, seed=11)
    assert score.count == 200 and score.called / score.count <= 0.01, score.content


@pytest.mark.verify
def test_one_in_twenty_broken_runs_at_most_goes_unnoticed():
    score = false_alarms.score_broken(2 * len(FAULTS), seed=11)
    assert score.called / score.count >= 0.95, score.content
