"""Runs and maps on a Dask cluster: a real scheduler, two real worker processes, one of which is killed on the way."""

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import numpy as np
import pytest

from lessons.course.discovery import find
from lessons.engine.grid_training import grid_run as cells_of
from lessons.engine.train import trained
from lessons.families.recurrent import Recurrent
from lessons.recipe.bad_input import BadInput
from lessons.recipe.recipe import Recipe
from lessons.runs.grid import Grid, axis_values
from lessons.runs.run import Snapshot
from lessons.server.laboratory import Laboratory
from lessons.workers import cluster
from tests.tools.patience import patient
from tests.tools.site import ROOT, free_port
from tests.workers.test_pool import eventually

WITHIN = patient(120)  # seconds: other tests may have the cores
RECIPE = Recurrent(epochs=6, sequences=8, timesteps=6)
DASK = [sys.executable, "-m", "dask"]
WORKERS = ("--nworkers", "2", "--nthreads", "1", "--no-dashboard")


def started(*command: str, folder=ROOT) -> subprocess.Popen:
    return subprocess.Popen(
        [*DASK, *command], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
    )  # fmt: skip


def ended(*processes: subprocess.Popen) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        process.wait(20)


def connected(address: str) -> cluster.Cluster:
    """The cluster as soon as its scheduler answers."""
    until = time.monotonic() + WITHIN
    while True:
        try:
            return cluster.connect(address)
        except BadInput:
            if time.monotonic() > until:
                raise


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """The address of a scheduler."""
    port = str(free_port())
    process = started("scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard")
    yield f"tcp://127.0.0.1:{port}"
    ended(process)


@pytest.fixture(scope="module")
def laboratory(scheduler) -> Iterator[Laboratory]:
    """On two workers, started as people start them, after the server."""
    laboratory = Laboratory(connected(scheduler))
    assert not laboratory.ready()
    workers = started("worker", scheduler, *WORKERS)
    assert eventually(lambda: laboratory.executor.size == 2, WITHIN) and laboratory.ready()
    yield laboratory
    laboratory.executor.shutdown()
    ended(workers)


@pytest.mark.verify
def test_a_run_is_the_same_as_here(laboratory):
    training = laboratory.train(Recipe(RECIPE), "test")
    training.job.result(WITHIN)
    here = trained(Recipe(RECIPE))
    np.testing.assert_array_equal(training.run().snapshot.loss, here.snapshot.loss)
    np.testing.assert_array_equal(training.run().snapshot.gradient, here.snapshot.gradient)


@pytest.mark.verify
def test_a_run_streams_its_epochs(laboratory):
    """What comes at the end is what was told on the way, and no more."""
    training = laboratory.train(Recipe(RECIPE.with_changes({"epochs": 2000})), "test")
    assert training.job.wait_beyond(3, WITHIN) and not training.done
    early = training.run()
    assert early is not None and 0 < early.epochs < 2000
    told = [*training.job.items]
    training.job.result(WITHIN)
    assert all(one is other for one, other in zip(told, training.job.items, strict=False))
    assert training.run().epochs == 2000 and training.run().closing
    epochs = np.concatenate([item.epochs for item in training.items if isinstance(item, Snapshot)])
    np.testing.assert_array_equal(epochs, np.arange(2000))
    assert not laboratory.executor.hearing


CALM = 0.02  # learning rate; beyond it fifty epochs make a difference in the last digit a difference in the third


@pytest.mark.verify
def test_a_map_loses_nothing_when_a_worker_is_killed(laboratory):
    plan = Grid(
        RECIPE.with_changes({"mask": "shifted", "epochs": 50}), "learning_rate", "mask_shift",
        axis_values("learning_rate", find("mask_and_loss"), 6), tuple(range(-3, 3)),
    )  # fmt: skip
    victim = next(iter(laboratory.executor.client.run(os.getpid).values()))
    grid_run = laboratory.grid_run(plan, "test")
    assert grid_run.wait_beyond(0, WITHIN) and not grid_run.done
    os.kill(victim, signal.SIGKILL)
    assert grid_run.wait(WITHIN)
    assert grid_run.failure is None and grid_run.share == 1
    found = {(cell.row, cell.column, cell.seed): cell for cell in grid_run.cells}
    assert sorted(found) == sorted(plan.cells())
    for cell in filter(None, cells_of(plan, plan.cells()[::4], math.inf, False)):
        there = found[cell.row, cell.column, cell.seed]
        assert there.outcome == cell.outcome
        if plan.xs[cell.column] <= CALM:
            # As a training beside fit: another process may round its sums in another order, epoch after epoch.
            pairs = (there.error, there.loss, there.leak), (cell.error, cell.loss, cell.leak)
            np.testing.assert_allclose(*pairs, rtol=1e-5)


@pytest.mark.verify
def test_what_is_stopped_is_done_without_a_failure(laboratory):
    """Also where it waits for a free worker."""
    long = [laboratory.train(Recipe(RECIPE.with_changes({"epochs": 1000, "seed": seed})), "test") for seed in range(4)]
    for training in long:
        training.leave("test")
    assert eventually(lambda: all(training.done for training in long), WITHIN)
    assert all(training.failure is None for training in long)
    laboratory.train(Recipe(RECIPE.with_changes({"seed": 9})), "test").job.result(WITHIN)


@pytest.mark.verify
def test_workers_that_cannot_load_the_lessons_are_told_of(tmp_path):
    port = str(free_port())
    address = f"tcp://127.0.0.1:{port}"
    processes = [
        started("scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard"),
        started("worker", address, "--nworkers", "1", "--nthreads", "1", "--no-dashboard", folder=tmp_path),
    ]
    until = time.monotonic() + WITHIN
    told = ""
    while "cannot load the lessons (No module named 'lessons')" not in told and time.monotonic() < until:
        try:
            cluster.connect(address).shutdown()  # the worker is not there yet
        except BadInput as refusal:
            told = str(refusal)
    ended(*processes)
    assert "start it in this folder" in told


def test_nobody_at_the_address_is_one_sentence(monkeypatch):
    monkeypatch.setattr("lessons.workers.cluster.ANSWERS_WITHIN", 0.5)
    with pytest.raises(BadInput, match=r"no scheduler answers at “tcp://127\.0\.0\.1:1”"):
        cluster.connect("tcp://127.0.0.1:1")


@pytest.mark.verify
def test_a_server_that_cannot_reach_its_cluster_says_so_and_ends():
    done = subprocess.run(
        [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), f"--server.port={free_port()}"],
        env=os.environ | {cluster.ADDRESS: "tcp://127.0.0.1:1"},
        capture_output=True,
        text=True,
        timeout=WITHIN,
        check=False,
    )
    assert "no scheduler answers" in done.stdout + done.stderr
