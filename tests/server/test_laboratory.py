"""The laboratory: equal settings train once, whoever asks; any executor will do; no TensorFlow in the server."""

import gc
import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lessons.engine.train import trained
from lessons.families.recurrent import Recurrent
from lessons.figures.panel import run_text
from lessons.recipe.recipe import Pasted, Recipe
from lessons.recipe.settings import Settings
from lessons.runs.grid import Grid
from lessons.runs.run import Run, RunText, Snapshot
from lessons.server.grid_run import GridRun
from lessons.server.laboratory import ABSENT_AFTER, LEAST_BYTES, LEAST_CELLS, Laboratory, Training, structure
from lessons.workers.job import Job
from lessons.workers.pool import WorkerPool
from tests.tools.patience import patient

ROOT = Path(__file__).parent.parent.parent
PATIENT = patient(60)
SHORT = Recurrent(sequences=8, timesteps=6, units=4, epochs=12, loss="scalar_mse")
LONG = replace(SHORT, epochs=3000)


@pytest.fixture(scope="module")
def laboratory():
    pool = WorkerPool(2, affinity=structure)
    yield Laboratory(pool)
    pool.shutdown()


def same(one: Run, other: Run) -> bool:
    pairs = [
        (getattr(one.snapshot, name), getattr(other.snapshot, name)) for name in vars(one.snapshot) if name != "scores"
    ]
    return all(np.array_equal(a, b, equal_nan=True) for a, b in pairs) and one.opening.source == other.opening.source


def test_thirty_who_ask_the_same_train_it_once(laboratory):
    with ThreadPoolExecutor(30) as crowd:
        trainings = list(crowd.map(lambda who: laboratory.train(Recipe(SHORT), who), range(30)))
    assert len({id(training) for training in trainings}) == len({id(training.job) for training in trainings}) == 1
    trainings[0].job.result(PATIENT)
    assert trainings[0].run().epochs == 12 and trainings[0].failure is None
    assert laboratory.train(Recipe(SHORT), "latecomer") is trainings[0]
    assert laboratory.train(Recipe(replace(SHORT, seed=1)), "another") is not trainings[0]


def test_a_worker_writes_what_a_page_shows(laboratory, monkeypatch):
    monkeypatch.setattr("lessons.server.laboratory.run_text", lambda *_: pytest.fail("the server drew"))
    training = laboratory.train(Recipe(replace(SHORT, seed=11)), "one")
    training.job.result(PATIENT)
    run = training.run()
    assert training.text(run, live=False) == run_text(run, live=False)
    told = [item for item in training.items if isinstance(item, RunText)]
    parts = [int(item.epochs[-1]) + 1 for item in training.items if isinstance(item, Snapshot)]
    assert [(one.epochs, one.live) for one in told] == [(epochs, epochs < 12) for epochs in parts]


def stopped(laboratory: Laboratory, seed: int) -> Training:
    training = laboratory.train(Recipe(replace(LONG, seed=seed)), "one")
    assert training.job.wait_beyond(2, PATIENT)
    halted = training.halted()
    training.leave("one")
    return halted


def test_a_worker_writes_what_was_stopped_once(laboratory, monkeypatch):
    monkeypatch.setattr("lessons.server.laboratory.run_text", lambda *_: pytest.fail("the server drew"))
    monkeypatch.setattr("lessons.server.laboratory.WRITTEN_WITHIN", PATIENT)
    halted = stopped(laboratory, 12)
    run = halted.run()
    assert halted.text(run, live=False) == run_text(run, live=False) != halted.text(run, live=True)
    assert halted.text(run, live=False) is halted.text(run, live=False)


def test_where_no_worker_is_free_the_server_writes_it(laboratory, monkeypatch):
    monkeypatch.setattr("lessons.server.laboratory.WRITTEN_WITHIN", 0.1)
    halted = stopped(laboratory, 13)
    others = [laboratory.train(Recipe(replace(LONG, seed=seed)), "another") for seed in (14, 15)]
    assert all(other.job.wait_beyond(2, PATIENT) for other in others)
    run = halted.run()
    assert halted.text(run, live=False) == run_text(run, live=False)
    assert not any(other.done for other in others)
    for other in others:
        other.leave("another")


def test_a_dead_pool_keeps_no_page_waiting():
    pool = WorkerPool(1, affinity=structure)
    laboratory = Laboratory(pool)
    halted = stopped(laboratory, 16)
    pool.give_up("it has no processes")
    assert halted.text(halted.run(), live=False) == run_text(halted.run(), live=False)
    pool.shutdown()


def test_the_last_who_leaves_stops_it_and_nobody_before(laboratory):
    for who in range(30):
        training = laboratory.train(Recipe(LONG), who)
    assert training.job.wait_beyond(2, PATIENT)
    for who in range(29):
        training.leave(who)
    count = len(training.job.items)
    assert training.job.wait_beyond(count, PATIENT) and not training.job.stopped
    training.leave(29)
    training.job.result(PATIENT)
    assert 5 <= training.run().epochs < 3000 and training.run().closing is None


def test_a_watcher_who_went_without_a_word_does_not_hold_it(laboratory, monkeypatch):
    monkeypatch.setattr("lessons.server.laboratory.ABSENT_AFTER", 0.2)
    settings = replace(LONG, seed=2)
    laboratory.train(Recipe(settings), "closed the laptop")
    time.sleep(0.3)
    training = laboratory.train(Recipe(settings), "here")
    training.leave("here")
    training.job.exception(PATIENT) if not training.job.cancelled() else None
    assert training.job.stopped and training.done


@pytest.fixture
def busy():
    """An executor that is occupied: what it is given waits, and no TensorFlow is loaded."""
    free = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        threads.submit(free.wait)
        yield Laboratory(threads)
        threads.shutdown(wait=False, cancel_futures=True)
        free.set()


PLAN = Grid(SHORT, "learning_rate", "seed", (0.01, 0.1), (0, 1))
WAYS = {  # what is stopped, join, leave, whether it was stopped
    "training": (
        Job,
        lambda it, who: it.train(Recipe(SHORT), who),
        lambda it, who: it.leave(who),
        lambda it: it.job.stopped,
    ),
    "map": (
        GridRun,
        lambda it, who: it.grid_run(PLAN, who),
        lambda it, who: it.leave(who, ABSENT_AFTER),
        lambda it: it.stopped,
    ),
}


@pytest.mark.parametrize("kind", WAYS)
def test_who_joins_between_the_look_and_the_stop_is_not_stopped(busy, kind, monkeypatch):
    """The last one leaves and has seen that nobody else looks; then, before anything is stopped, another joins."""
    what, join, leave, stopped = WAYS[kind]
    looked, joined, stop = threading.Event(), threading.Event(), what.stop

    def late(it) -> None:
        looked.set()
        joined.wait(PATIENT)
        stop(it)

    monkeypatch.setattr(what, "stop", late)
    with ThreadPoolExecutor(1) as another:
        leaving = another.submit(leave, join(busy, "last"), "last")
        assert looked.wait(PATIENT)
        theirs = join(busy, "joins")
        joined.set()
        leaving.result(PATIENT)
    assert not stopped(theirs)


@pytest.mark.parametrize("kind", WAYS)
def test_many_who_join_and_leave_at_once_are_not_stopped_by_each_other(busy, kind):
    _, join, leave, stopped = WAYS[kind]

    def visits(who: int) -> int:
        lost = 0
        for _ in range(30):
            joined = join(busy, who)
            lost += stopped(joined)
            leave(joined, who)
        return lost

    with ThreadPoolExecutor(8) as crowd:
        assert list(crowd.map(visits, range(8), timeout=PATIENT)) == [0] * 8


def test_a_training_remembers_those_who_look_and_not_all_who_ever_did(busy, monkeypatch):
    """A run that is kept is opened by class after class."""
    monkeypatch.setattr("lessons.server.laboratory.UNATTENDED_AFTER", 0)
    monkeypatch.setattr("lessons.server.grid_run.UNATTENDED_AFTER", 0)
    for who in range(50):
        training, grid_run = busy.train(Recipe(SHORT), who), busy.grid_run(PLAN, who)
    assert list(training.watchers) == list(grid_run.watchers) == [49]


def test_a_stopped_run_is_trained_anew_and_a_finished_one_is_not(laboratory):
    settings = replace(LONG, seed=3)
    first = laboratory.train(Recipe(settings), "who")
    assert first.job.wait_beyond(2, PATIENT)
    first.leave("who")
    second = laboratory.train(Recipe(settings), "who")
    assert second is not first
    second.leave("who")
    finished = laboratory.train(Recipe(SHORT), "who")
    finished.job.result(PATIENT)
    finished.leave("who")
    assert laboratory.train(Recipe(SHORT), "who") is finished, "leaving a finished run threw it away"


def test_a_run_grows_while_it_trains(laboratory):
    training = laboratory.train(Recipe(replace(LONG, seed=4)), "who")
    assert training.job.wait_beyond(2, PATIENT)
    early = training.run()
    assert training.job.wait_beyond(len(training.job.items) + 1, PATIENT)
    late = training.run()
    assert 0 < early.epochs < late.epochs
    assert np.array_equal(early.snapshot.loss, late.snapshot.loss[: early.epochs])
    training.leave("who")


def test_the_oldest_finished_runs_are_forgotten(laboratory, monkeypatch):
    laboratory.train(Recipe(SHORT), "who").job.result(PATIENT)
    monkeypatch.setattr("lessons.server.laboratory.KEPT_BYTES", 0)
    newest = replace(SHORT, seed=5)
    laboratory.train(Recipe(newest), "who").job.result(PATIENT)
    assert Recipe(SHORT) not in laboratory.trainings and Recipe(newest) in laboratory.trainings


@pytest.fixture
def quick():
    """Measures in this process and trains nothing: what it is given to train fails."""
    with ThreadPoolExecutor(2) as threads:
        yield Laboratory(threads)


def test_the_oldest_measurements_are_forgotten_and_those_asked_for_are_kept(quick, monkeypatch):
    """Of each run that ends in NaN the origin is measured, under its settings."""
    monkeypatch.setattr("lessons.server.laboratory.KEPT_MEASUREMENTS", 10)
    first = quick.measure(str, 0)
    for number in range(1, 100):
        assert quick.measure(str, number).result(PATIENT) == str(number)
        assert quick.measure(str, 0) is first, "the one that is always asked for was forgotten"
    assert len(quick.measurements) == 10
    assert quick.measure(str, 1).result(PATIENT) == "1", "what was forgotten cannot be measured again"


def test_a_measurement_under_way_is_not_forgotten(busy, monkeypatch):
    monkeypatch.setattr("lessons.server.laboratory.KEPT_MEASUREMENTS", 1)
    jobs = [busy.measure(str, number) for number in range(5)]
    assert [busy.measure(str, number) for number in range(5)] == jobs


def test_a_training_that_is_forgotten_is_found_as_long_as_somebody_holds_it(quick, monkeypatch):
    monkeypatch.setattr("lessons.server.laboratory.KEPT_BYTES", 0)
    first = Recipe(Settings())
    held = quick.train(first, "who")
    assert held.job.exception(PATIENT)
    assert quick.train(Recipe(Settings(seed=1)), "who").job.exception(PATIENT)
    assert first not in quick.remembered and quick.trainings[first] is held
    del held
    gc.collect()
    assert first not in quick.trainings


def test_trainings_that_fail_and_maps_of_one_cell_count_too(quick, monkeypatch):
    monkeypatch.setattr("lessons.server.laboratory.KEPT_BYTES", 10 * LEAST_BYTES)
    monkeypatch.setattr("lessons.server.laboratory.KEPT_CELLS", 10 * LEAST_CELLS)
    monkeypatch.setattr("lessons.server.tasks.grid_run", lambda *_: iter(()))
    for number in range(40):
        training = quick.train(Recipe(Settings(seed=number)), "who")
        assert training.job.exception(PATIENT)
        grid_run = quick.grid_run(Grid(SHORT, "learning_rate", "seed", (0.01,), (number,)), "who")
        grid_run.leave("who", ABSENT_AFTER)
        assert grid_run.wait(PATIENT)
    quick.train(Recipe(Settings(seed=40)), "who")
    assert len(quick.remembered) <= 11 and len(quick.grid_runs) <= 11


def test_a_pasted_loss_trains_behind_walls_as_the_same_loss_of_ours_does(laboratory):
    """Squared error as text and as the lesson's own: the same curve. Other texts are other trainings."""
    pasted = Pasted("def error(y, p):\n    return tf.reduce_mean(tf.square(y - p), axis=-1)\n")
    steps = replace(SHORT, loss="mse")
    theirs, ours = laboratory.train(Recipe(steps, pasted=pasted), "who"), laboratory.train(Recipe(steps), "who")
    theirs.job.result(PATIENT), ours.job.result(PATIENT)
    np.testing.assert_allclose(theirs.run().snapshot.loss, ours.run().snapshot.loss, rtol=1e-6)
    assert theirs.run().opening.source == pasted.text
    assert laboratory.train(Recipe(steps, pasted=pasted), "who") is theirs
    other = Pasted("def error(y, p):\n    return tf.reduce_mean(tf.abs(y - p), axis=-1)\n")
    absolute = laboratory.train(Recipe(steps, pasted=other), "who")
    absolute.job.result(PATIENT)
    assert not np.allclose(absolute.run().snapshot.loss, ours.run().snapshot.loss, rtol=1e-3)


def test_a_pasted_loss_that_is_not_admitted_is_not_trained(laboratory):
    training = laboratory.train(Recipe(SHORT, pasted=Pasted("import os\ndef loss(y, p):\n    return y - p\n")), "who")
    with pytest.raises(ValueError, match="^line 1: import os"):
        training.job.result(PATIENT)
    assert training.run() is None


def test_any_executor_gives_the_same_run(laboratory):
    """The seam for a cluster: a plain executor, no streaming. And a worker trains what this process trains."""
    from_pool = laboratory.train(Recipe(SHORT), "who")
    from_pool.job.result(PATIENT)
    with ThreadPoolExecutor(1) as threads:
        plain = Laboratory(threads)
        assert plain.ready() and plain.traced(Recipe(SHORT))
        plain.prepare(Recipe(SHORT))
        training = plain.train(Recipe(SHORT), "who")
        training.job.result(PATIENT)
    here = trained(Recipe(SHORT))
    assert same(training.run(), here) and same(from_pool.run(), here)


def test_a_training_that_fails_on_a_plain_executor_says_why():
    with ThreadPoolExecutor(1) as threads:
        training = Laboratory(threads).train(Recipe(Settings()), "who")
        assert isinstance(training.job.exception(PATIENT), NotImplementedError)
    assert isinstance(training.failure, NotImplementedError) and training.run() is None


SERVER = """
import json, sys
from lessons.server.laboratory import shared
from lessons.recipe.recipe import Recipe
from lessons.families.recurrent import Recurrent
laboratory = shared()
training = laboratory.train(Recipe(Recurrent(epochs=3, sequences=4, timesteps=4, units=2)), "who")
training.job.result(60)
loaded = sorted({"tensorflow", "keras", "streamlit"} & set(sys.modules))
print(json.dumps([training.run().snapshot.loss.tolist(), loaded]))
"""


@pytest.mark.verify
def test_the_server_trains_without_tensorflow():
    told = subprocess.run(
        [sys.executable, "-c", SERVER], cwd=ROOT, capture_output=True, text=True, timeout=patient(120),
        env={**os.environ, "UNMASKED_WORKERS": "1"},
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    losses, loaded = json.loads(told.stdout)
    assert len(losses) == 3 and losses[0] > losses[-1] > 0
    assert loaded == []
