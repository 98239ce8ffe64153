"""The map of failure: its plan, its cells beside single runs, and that a killed worker loses none of them."""

import math
import os
import signal

import keras
import numpy as np
import pytest
import tensorflow as tf

from lessons.course.discovery import LESSONS, find
from lessons.engine.grid_training import grid_run as cells_of
from lessons.engine.train import trained
from lessons.families.recurrent import Recurrent
from lessons.recipe.bad_input import BadInput
from lessons.recipe.data import training_batch
from lessons.recipe.recipe import Recipe
from lessons.runs import run
from lessons.runs.grid import Grid, axis_values, fields_of
from lessons.runs.outcome import late, outcome, outcome_of
from lessons.server.laboratory import Laboratory, structure
from lessons.workers.pool import WorkerPool
from tests.tools import oracle
from tests.tools.patience import patient
from tests.workers.test_pool import eventually

LESSON = find("mask_and_loss")
SMALL = Recurrent(epochs=20, sequences=8, timesteps=6, mask="shifted", padded_labels="garbage")
CHAOTIC = {("first_iteration", "log")}  # the smallest change of a number changes how it ends
WITHIN = patient(120)  # seconds: other tests may have the cores


def plan(**changes) -> Grid:
    given = {"base": SMALL, "x": "learning_rate", "y": "mask_shift", "xs": (1e-4, 0.01, 0.1, 1.0), "ys": (-1, 0, 1)}
    return Grid(**{**given, **changes})


@pytest.fixture(scope="module")
def laboratory():
    laboratory = Laboratory(WorkerPool(2, affinity=structure, keeps=8))
    yield laboratory
    laboratory.executor.shutdown()


def in_float64(plan: Grid) -> dict[tuple[int, int], str]:
    """How each cell's training ends in plain Keras with float64: one model, one optimizer, a step like fit's."""
    keras.config.set_floatx("float64")
    try:
        base = plan.base.with_changes({"loss_dtype": "float64"})
        model, start = oracle.compiled(base, "mask input"), oracle.compiled(base, "mask input").get_weights()
    finally:
        keras.config.set_floatx("float32")
    optimizer, loss = model.optimizer, model.loss
    optimizer.build(model.trainable_variables)

    @tf.function
    def step(x, mask, y):
        with tf.GradientTape() as tape:
            predictions = model([x, mask], training=True)
            value = loss(y, predictions)
        optimizer.apply(tape.gradient(value, model.trainable_variables), model.trainable_variables)
        return value, predictions

    ended = {}
    for row, column, _ in plan.cells():
        settings = plan.settings(row, column)
        batch = training_batch(Recipe(settings))
        model.set_weights(start)
        for variable in optimizer.variables:
            variable.assign(tf.zeros_like(variable.value))
        optimizer.learning_rate = settings.learning_rate
        given = [tf.constant(batch.x, tf.float64), tf.constant(batch.mask), tf.constant(batch.y, tf.float64)]
        told = [[tensor.numpy() for tensor in step(*given)] for _ in range(settings.epochs)]
        predictions = np.array([epoch[1][..., 0] for epoch in told])
        errors = run.error(settings, predictions, batch.truth[..., 0], batch.known, "number")
        last = model(given[:2]).numpy()[..., 0][batch.known]
        losses = [epoch[0] for epoch in told]
        ended[row, column] = outcome(losses, errors, run.baseline(settings, batch), bool(np.isfinite(last).all()))
    return ended


@pytest.mark.verify
def test_a_cell_ends_as_the_single_run_does_wherever_float32_and_float64_agree():
    """The map's model is compiled by XLA, which is not bit-equal to the plain graph."""
    here = plan(xs=(1e-4, 1e-3, 0.01, 0.1, 1.0, 10.0), ys=(-2, -1, 0, 1, 2, 3))
    exact = in_float64(here)
    agreed = []
    for cell in filter(None, cells_of(here, here.cells(), math.inf, True)):
        single = trained(Recipe(here.settings(cell.row, cell.column)))
        np.testing.assert_allclose(cell.leak, single.leak[0], rtol=1e-3, atol=1e-6)
        np.testing.assert_allclose(cell.baseline, single.baseline)
        if outcome_of(single) == exact[cell.row, cell.column]:
            assert cell.outcome == outcome_of(single), here.settings(cell.row, cell.column)
            agreed.append(cell.outcome)
    assert len(agreed) >= 34 and set(agreed) >= {"learned", "stuck", "wrong"}


EDGES = ("small_epsilon-broken",)  # where XLA's own arithmetic would differ


@pytest.mark.verify
@pytest.mark.parametrize(
    ("slug", "preset"),
    [
        pytest.param(
            slug, preset.name, id=f"{slug}-{preset.name}",
            marks=() if f"{slug}-{preset.name}" in EDGES else pytest.mark.verify,
        )
        for slug, lesson in LESSONS.items()
        for preset in lesson.presets
        if (slug, preset.name) not in CHAOTIC
    ],
)  # fmt: skip
def test_a_preset_ends_in_a_map_as_by_itself(slug, preset):
    settings = LESSONS[slug].preset(preset).settings
    here = Grid(settings, "learning_rate", "seed", (settings.learning_rate,), (settings.seed, settings.seed + 1))
    cells = list(filter(None, cells_of(here, here.cells(), math.inf, True)))
    for cell in cells:
        assert cell.outcome == outcome_of(trained(Recipe(here.settings(cell.row, cell.column))))
    assert len(cells) == 2


def test_a_small_map_is_the_single_runs_to_the_bit(monkeypatch):
    """It is not worth compiling."""
    monkeypatch.setattr("lessons.engine.grid_training.machines", {})
    here = plan(xs=(0.01, 0.1))
    for cell in filter(None, cells_of(here, here.cells(), math.inf, False)):
        single = trained(Recipe(here.settings(cell.row, cell.column)))
        assert (cell.loss, cell.error) == (late(single.snapshot.loss), late(single.snapshot.error))


def test_what_keras_cannot_train_is_a_cell_that_says_so(monkeypatch):
    def refusing(y_true, y_pred):
        """one that cannot be computed"""
        raise ValueError("no such shapes\nand more")

    monkeypatch.setattr("lessons.recipe.losses.mse", refusing)
    here = plan(base=SMALL.with_changes({"units": 3}), xs=(0.01,), ys=(1,))
    for compiled in (False, True):
        (cell,) = filter(None, cells_of(here, here.cells(), math.inf, compiled))
        assert cell.outcome == "" and "no such shapes" in cell.failure and cell.to_json()["error"] is None


@pytest.mark.verify
def test_a_map_is_whole_when_a_worker_is_killed(laboratory):
    here = plan(base=SMALL.with_changes({"epochs": 100}), xs=axis_values("learning_rate", LESSON, 12))
    grid_run = laboratory.grid_run(here, "test")
    assert grid_run.wait_beyond(0, WITHIN) and not grid_run.done
    os.kill(laboratory.executor.workers[0].process.pid, signal.SIGKILL)
    assert grid_run.wait(WITHIN) and grid_run.failure is None
    assert sorted((cell.row, cell.column, cell.seed) for cell in grid_run.cells) == sorted(here.cells())
    assert grid_run.share == 1
    assert laboratory.grid_run(here, "another") is grid_run, "an equal map is drawn once"


@pytest.mark.verify
def test_stop_keeps_what_is_there_and_frees_the_workers(laboratory):
    here = plan(base=SMALL.with_changes({"epochs": 1000, "seed": 1}))
    grid_run = laboratory.grid_run(here, "test")
    assert grid_run.wait_beyond(0, WITHIN)
    grid_run.stop()
    assert grid_run.wait(WITHIN) and 0 < grid_run.share < 1
    single = laboratory.train(Recipe(SMALL), "test")
    assert eventually(lambda: single.done, WITHIN) and single.failure is None


@pytest.mark.parametrize("slug", LESSONS)
def test_every_field_of_a_lesson_makes_an_axis(slug):
    for name in fields_of(LESSONS[slug]):
        values = axis_values(name, LESSONS[slug], 16)
        assert len(set(values)) == len(values) >= 1
        settings = LESSONS[slug].presets[0].settings
        assert all(getattr(settings.with_changes({name: value}), name) == value for value in values)


def test_an_address_restores_the_plan():
    here = plan(xs=axis_values("learning_rate", LESSON, 4), ys=(-1, 0, 1))
    assert Grid.from_query(here.to_query(LESSON), LESSON, SMALL) == here


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
