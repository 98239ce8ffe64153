"""A lesson must be visible: its failure against its repair on every seed, one answer true, experiments that measure,
and a doctor who finds in each preset what it declares.

A lesson that fails here needs other data or defaults, not a looser test.
"""

from dataclasses import replace

import numpy as np
import pytest

from lessons.catalog import divided_by, layer_ate_mask
from lessons.course.discovery import LESSONS
from lessons.course.experiment import Experiment, Measured
from lessons.doctor.run import diagnose, next_steps
from lessons.doctor.run.next_step import MOST
from lessons.recipe.recipe import Recipe
from tests.tools.runs import run_of
from tests.tools.selection import first, presets

SEEDS = range(5)
CLEAR = 2.0  # the failure's quantity is at least this many times the repair's
PRESETS = presets()
ILL = [case for case in PRESETS if case.values[1].findings]
VERDICTS = 4  # of the doctor, one after the other, until a run is healthy
EXPERIMENTS = [  # in `make test` one of every third lesson
    pytest.param(
        experiment,
        id=f"{slug}-{experiment.measure.__name__}",
        marks=() if at == 0 and number % 3 == 0 else pytest.mark.verify,
    )
    for number, (slug, lesson) in enumerate(LESSONS.items())
    for at, experiment in enumerate(
        (*lesson.experiments, *(preset.published for preset in lesson.presets if preset.published))
    )
]


@pytest.mark.parametrize("seed", first(1, SEEDS))
@pytest.mark.parametrize("slug", LESSONS)
def test_the_failure_stands_out_against_the_repair(slug, seed):
    lesson = LESSONS[slug]
    contrast = lesson.contrast
    names = contrast.failure, contrast.repair
    failure, repair = (
        float(contrast.measure(run_of(replace(lesson.preset(name).settings, seed=seed)))) for name in names
    )
    told = f"{slug}, seed {seed}: {contrast.quantity} is {failure:g} in {names[0]}, {repair:g} in {names[1]}"
    assert np.isfinite(repair), told
    assert np.isnan(failure) or failure >= CLEAR * repair, told
    assert np.isnan(failure) or failure > repair, told  # 0 is twice 0


@pytest.mark.parametrize(("slug", "preset"), PRESETS)
def test_an_answer_comes_true(slug, preset):
    prediction = LESSONS[slug].prediction
    assert prediction.outcome(run_of(preset.settings)) in range(len(prediction.answers)), f"{slug}, {preset.name}"


@pytest.mark.parametrize(("slug", "preset"), PRESETS)
def test_the_doctor_finds_exactly_what_a_preset_declares(slug, preset):
    found = [finding.code for finding in diagnose(run_of(preset.settings))]
    assert sorted(found) == sorted(preset.findings), f"{slug}, {preset.name}"


@pytest.mark.parametrize("slug", LESSONS)
def test_the_failure_of_a_lesson_is_ill_and_its_repair_is_not(slug):
    lesson = LESSONS[slug]
    assert lesson.presets[0].findings and lesson.preset(lesson.contrast.failure).findings
    assert not lesson.preset(lesson.contrast.repair).findings


@pytest.mark.parametrize(("slug", "preset"), ILL)
def test_following_the_doctor_heals_a_preset(slug, preset):
    """The worst finding's changes first, then those of what is found in the repaired run."""
    settings, path = preset.settings, []
    for _ in range(VERDICTS):
        findings = diagnose(run_of(settings))
        if not findings:
            return
        if not findings[0].changes:  # no field repairs it: the sentence has to do
            assert findings[0].fix and not path
            return
        path.append(f"{findings[0].code}: {dict(findings[0].changes)}")
        settings = settings.with_changes(findings[0].changes)
    pytest.fail(f"{slug}, {preset.name} is still ill after {path}")


@pytest.mark.parametrize(("slug", "preset"), PRESETS)
def test_next_steps_are_few_and_of_fields_that_the_lesson_shows(slug, preset):
    lesson, settings, run = LESSONS[slug], preset.settings, run_of(preset.settings)
    fields = (*lesson.controls, *lesson.more)
    steps = next_steps(run, diagnose(run), fields)
    assert 1 <= len(steps) <= MOST
    assert len({(step.field, step.value) for step in steps}) == len(steps)
    for step in steps:
        changed = settings.with_changes({step.field: step.value})
        assert step.field in fields and changed != settings and step.field not in Recipe(changed).idle()


@pytest.mark.verify
@pytest.mark.parametrize(("slug", "preset"), [case for case in PRESETS if case not in ILL])
def test_the_next_step_breaks_a_healthy_preset(slug, preset):
    lesson, run = LESSONS[slug], run_of(preset.settings)
    steps = next_steps(run, (), (*lesson.controls, *lesson.more))
    assert steps
    for step in steps:
        assert diagnose(run_of(preset.settings.with_changes({step.field: step.value}))), step


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_an_experiment_measures_or_explains_why_it_raises(experiment: Experiment):
    if experiment.explains:
        with pytest.raises(Exception):  # noqa: B017 - what it raises is the published code's own
            experiment.measure(*_picked(experiment))
        return
    measured = experiment.measure(*_picked(experiment))
    assert isinstance(measured, Measured) and measured.sentence and measured.numbers
    assert all(row.keys() == measured.rows[0].keys() for row in measured.rows)


@pytest.mark.parametrize("seed", first(1, SEEDS))
def test_padding_is_visible_where_it_is_batched_and_normalised(seed):
    padding = divided_by.ragged_and_bucketed(seed).numbers
    assert padding["all to the longest"] >= CLEAR * padding["bucket_by_sequence_length"]
    mean = layer_ate_mask.batch_normalization(seed).numbers
    assert mean["masked"] >= CLEAR * mean["bare"]


def _picked(experiment: Experiment) -> tuple:
    """All there is to pick, where there is something to pick."""
    return (experiment.pick,) if experiment.pick else ()


@pytest.mark.parametrize(("slug", "preset"), PRESETS)
def test_a_preset_is_short_and_an_example_tells_claim_and_truth(slug, preset):
    assert preset.settings.epochs <= 300
    assert bool(preset.examples) == bool(preset.claimed) == bool(preset.truth), f"{slug}, {preset.name}"
