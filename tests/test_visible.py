"""A lesson must be visible: its failure against its repair on every seed, one answer true, experiments that measure.

A lesson that fails here needs other data or defaults, not a looser test.
"""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from lessons import LESSONS
from lessons.data import training_batch
from lessons.engine.train import train
from lessons.experiment import Experiment, Measured
from lessons.run import Run
from lessons.settings import Settings

SEEDS = range(5)
CLEAR = 2.0  # the failure's quantity is at least this many times the repair's
PRESETS = [
    pytest.param(slug, preset, id=f"{slug}-{preset.name}")
    for slug, lesson in LESSONS.items()
    for preset in lesson.presets
]
EXPERIMENTS = [
    pytest.param(experiment, id=f"{slug}-{experiment.measure.__name__}")
    for slug, lesson in LESSONS.items()
    for experiment in (*lesson.experiments, *(preset.published for preset in lesson.presets if preset.published))
]


@cache  # the contrast's runs are presets too; all runs of this file take less than 100 MB
def trained(settings: Settings) -> Run:
    return Run.gather(settings, training_batch(settings), train(settings))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("slug", LESSONS)
def test_the_failure_stands_out_against_the_repair(slug, seed):
    lesson = LESSONS[slug]
    contrast = lesson.contrast
    names = contrast.failure, contrast.repair
    failure, repair = (
        float(contrast.measure(trained(replace(lesson.preset(name).settings, seed=seed)))) for name in names
    )
    told = f"{slug}, seed {seed}: {contrast.quantity} is {failure:g} in {names[0]}, {repair:g} in {names[1]}"
    assert np.isfinite(repair), told
    assert np.isnan(failure) or failure >= CLEAR * repair, told
    assert np.isnan(failure) or failure > repair, told  # 0 is twice 0


@pytest.mark.parametrize(("slug", "preset"), PRESETS)
def test_exactly_one_answer_comes_true(slug, preset):
    run = trained(preset.settings)
    true = [answer.text for answer in LESSONS[slug].prediction.answers if answer.came_true(run)]
    assert len(true) == 1, f"{slug}, {preset.name}: {true or 'none'} came true"


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_an_experiment_measures_or_explains_why_it_raises(experiment: Experiment):
    if experiment.explains:
        with pytest.raises(Exception):  # noqa: B017 - what it raises is the published code's own
            experiment.measure(*_picked(experiment))
        return
    measured = experiment.measure(*_picked(experiment))
    assert isinstance(measured, Measured) and measured.sentence and measured.numbers
    assert all(row.keys() == measured.rows[0].keys() for row in measured.rows)


def _picked(experiment: Experiment) -> tuple:
    """All there is to pick, where there is something to pick."""
    return (experiment.pick,) if experiment.pick else ()


@pytest.mark.parametrize(("slug", "preset"), PRESETS)
def test_a_preset_is_short_and_an_example_tells_claim_and_truth(slug, preset):
    assert preset.settings.epochs <= 300
    assert bool(preset.examples) == bool(preset.claimed) == bool(preset.truth), f"{slug}, {preset.name}"
