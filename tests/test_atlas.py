"""The map of failure: its plan, its cells beside single runs, and that a killed worker loses none of them."""

import os
import signal

import numpy as np
import pytest

from lessons import LESSONS, find
from lessons.atlas import Plan, axis_values, fields_of
from lessons.data import training_batch
from lessons.engine.survey import survey as cells_of
from lessons.engine.train import train
from lessons.laboratory import Laboratory, structure
from lessons.outcome import outcome_of
from lessons.pool import WorkerPool
from lessons.run import Run
from lessons.settings import BadInput, Settings
from tests.test_pool import eventually

LESSON = find("mask_and_loss")
SMALL = Settings(epochs=20, sequences=8, timesteps=6, mask="shifted", padded_labels="garbage")
WITHIN = 120  # seconds: other tests may have the cores


def plan(**changes) -> Plan:
    given = {"base": SMALL, "x": "learning_rate", "y": "mask_shift", "xs": (1e-4, 0.01, 0.1, 1.0), "ys": (-1, 0, 1)}
    return Plan(**{**given, **changes})


@pytest.fixture(scope="module")
def laboratory():
    laboratory = Laboratory(WorkerPool(2, affinity=structure, keeps=8))
    yield laboratory
    laboratory.executor.shutdown()


def test_a_cell_ends_as_the_single_run_does():
    """XLA is not bit-equal to the plain graph: what is compared is the outcome, and the first epochs' share of leak."""
    here = plan()
    for cell in cells_of(here, here.cells(), WITHIN, True):
        if cell is None:
            continue
        settings = here.settings(cell.row, cell.column)
        run = Run.gather(settings, training_batch(settings), train(settings))
        assert cell.outcome == outcome_of(run), settings
        np.testing.assert_allclose(cell.leak, run.leak[0], rtol=1e-3, atol=1e-6)
        np.testing.assert_allclose(cell.baseline, run.baseline)


def test_a_map_is_whole_when_a_worker_is_killed(laboratory):
    here = plan(base=SMALL.with_changes({"epochs": 100}), xs=axis_values("learning_rate", LESSON, 12))
    survey = laboratory.survey(here, "test")
    assert survey.wait_beyond(0, WITHIN) and not survey.done
    os.kill(laboratory.executor.workers[0].process.pid, signal.SIGKILL)
    assert survey.wait(WITHIN) and survey.failure is None
    assert sorted((cell.row, cell.column, cell.seed) for cell in survey.cells) == sorted(here.cells())
    assert survey.share == 1
    assert laboratory.survey(here, "another") is survey, "an equal map is drawn once"


def test_stop_keeps_what_is_there_and_frees_the_workers(laboratory):
    here = plan(base=SMALL.with_changes({"epochs": 1000, "seed": 1}))
    survey = laboratory.survey(here, "test")
    assert survey.wait_beyond(0, WITHIN)
    survey.stop()
    assert survey.wait(WITHIN) and 0 < survey.share < 1
    single = laboratory.train(SMALL, "test")
    assert eventually(lambda: single.done, WITHIN) and single.failure is None


@pytest.mark.parametrize("slug", LESSONS)
def test_every_field_of_a_lesson_makes_an_axis(slug):
    for name in fields_of(LESSONS[slug]):
        values = axis_values(name, LESSONS[slug], 16)
        assert len(set(values)) == len(values) >= 1
        assert all(getattr(Settings(**{name: value}), name) == value for value in values)


def test_an_address_restores_the_plan():
    here = plan(xs=axis_values("learning_rate", LESSON, 4), ys=(-1, 0, 1))
    assert Plan.from_query(here.to_query(LESSON), LESSON, SMALL) == here


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"y": "learning_rate"}, "two different fields"),
        ({"xs": (1e-4, 1e-4)}, "twice"),
        ({"xs": (99.0,)}, "learning_rate: got"),
        ({"ys": ()}, "takes 1 to"),
        ({"base": SMALL.with_changes({"mask": "aligned"})}, "mask_shift changes nothing here"),
    ],
)
def test_what_is_no_map_is_one_sentence(changes, says):
    with pytest.raises(BadInput, match=says):
        plan(**changes)
