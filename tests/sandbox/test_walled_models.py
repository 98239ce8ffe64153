"""Pasted models behind both walls: real walled processes, each of which serves one text."""

import os
import time
from pathlib import Path

import numpy as np
import pytest

from lessons.families.own import Own
from lessons.recipe.data import training_batch
from lessons.recipe.interface import Interface, PutOut, Taken
from lessons.recipe.model import Model
from lessons.recipe.recipe import Recipe
from lessons.runs.run import Run
from lessons.sandbox.walled_pool import Overrun
from lessons.server import walled_tasks
from lessons.workers.job import WorkerDied
from tests.sandbox.conftest import HEALTHY, LIMITS
from tests.sandbox.test_model_admission import OWN, SEQUENTIAL
from tests.tools.attacks import LIMITED, TRACE
from tests.tools.model_attacks import MODEL_ATTACKS
from tests.tools.patience import PATIENCE, patient
from tests.workers.test_pool import eventually

LIMITED_ATTACKS = [(name, text) for name, text, fate in MODEL_ATTACKS if fate == LIMITED]
SOME = ("a layer that calls itself",)  # in `make test`; all in `make verify`
CHOSEN = [(name, text) for name, text in LIMITED_ATTACKS if os.environ.get("VERIFY") or name in SOME]


LATE = """
class Late(layers.Layer):
    def call(self, x, training=None):
        if training:
            for _ in range(10 ** 7):
                x = x + 0.0
        return x


model = keras.Sequential([keras.Input((12, 3)), layers.Masking(), Late(), layers.Dense(1)])
"""


def ready(walled_pool) -> set[int]:
    """The processes, once all are warm and have nothing to do."""
    assert eventually(lambda: all(worker.idle for worker in walled_pool.workers), PATIENCE)
    return {worker.process.pid for worker in walled_pool.workers}


def test_a_model_is_seen_layer_by_layer(walled_pool):
    answer = walled_pool.submit(walled_tasks.inspect_model, SEQUENTIAL, who="learner").result(PATIENCE)
    assert answer["refused"] is None
    assert [(call["layer"], call["line"], call["verdict"]) for call in answer["calls"]][1:] == [
        ("Masking", 10, "made"),
        ("LSTM", 12, "kept"),
        ("LSTM", 12, "kept"),
        ("Dense", 13, "kept"),
    ]
    assert answer["compiled"]["metrics"] == ["mae"] and answer["weights"] == 277


def test_own_data_and_a_choice_reach_it(walled_pool):
    x, real = np.ones((3, 7, 2), "float32"), np.arange(7) < np.array([[7], [3], [5]])
    text = OWN + "\nmodel = keras.Sequential([layers.Masking(), Pool(2)])\n"
    answer = walled_pool.submit(walled_tasks.inspect_model, text, "Tagger", x, real, who="learner").result(PATIENCE)
    assert (answer["choice"], answer["candidates"]) == ("Tagger", ["Tagger", "model"])
    assert answer["calls"][1]["shape"] == [3, 7, 2] and answer["steps_of_batch"] == [3, 7]


def test_a_process_that_ran_a_model_ends_and_one_that_ran_a_loss_does_not(walled_pool):
    before = ready(walled_pool)
    assert walled_pool.submit(walled_tasks.examine, HEALTHY, None, {}, who="one").result(PATIENCE)["healthy"]
    assert ready(walled_pool) == before
    for text in (SEQUENTIAL, "x = 1"):
        before = ready(walled_pool)
        walled_pool.submit(walled_tasks.inspect_model, text, who="two").result(PATIENCE)
        assert len(before - ready(walled_pool)) == 1
    print(f"starts took {[round(worker.took, 2) for worker in walled_pool.workers]} s")


@pytest.mark.parametrize(("name", "text"), CHOSEN, ids=[name for name, _ in CHOSEN])
def test_what_is_admitted_ends_within_the_limits_and_the_next_learner_is_served(walled_pool, name, text):
    started = time.monotonic()
    job = walled_pool.submit(walled_tasks.inspect_model, text, who="attacker")
    neighbour = walled_pool.submit(walled_tasks.examine, HEALTHY, None, {}, who="learner")
    try:
        answer = job.result(patient(LIMITS.waiting + 15))
    except (Overrun, WorkerDied) as ended:
        assert str(ended) and "\n" not in str(ended)
    else:
        assert len(answer["refused"]["message"]) < 500 and "\n" not in answer["refused"]["message"]
    assert time.monotonic() - started < patient(LIMITS.waiting + 15)
    assert neighbour.result(PATIENCE)["healthy"]
    assert not Path(TRACE).exists()


def test_a_training_is_told_in_numbers_and_its_process_ends(walled_pool):
    before, recipe = ready(walled_pool), recipe_of(SEQUENTIAL)
    job = walled_pool.submit(walled_tasks.train_model, recipe, who="learner")
    job.result(PATIENCE)
    run = Run.gather(recipe, training_batch(recipe), map(walled_tasks.run_part, job.items))
    assert run.epochs == 3 and run.closing and run.snapshot.loss[-1] < run.snapshot.loss[0]
    assert run.opening.layers[0].layer == "Masking" and len(before - ready(walled_pool)) == 1


@pytest.mark.verify
def test_what_a_model_does_only_in_training_is_ended_too(walled_pool):
    found = walled_pool.submit(walled_tasks.inspect_model, LATE, who="attacker").result(PATIENCE)
    assert not found["refused"] and found["interface"]
    job = walled_pool.submit(walled_tasks.train_model, recipe_of(LATE), who="attacker")
    with pytest.raises((Overrun, WorkerDied)) as ended:
        job.result(patient(LIMITS.waiting + 15))
    assert str(ended.value) and "\n" not in str(ended.value)
    assert walled_pool.submit(walled_tasks.examine, HEALTHY, None, {}, who="learner").result(PATIENCE)["healthy"]


def recipe_of(text: str) -> Recipe:
    """A short training of a model that reads (12, 3) numbers."""
    each_step = PutOut("", (12, 1), True, "linear", "number", "mse")
    interface = Interface((Taken("", (12, 3), mark=0.0),), (each_step,))
    return Recipe(Own(epochs=3), model=Model(text, "model", interface))


def test_an_answer_in_another_form_is_not_believed():
    refused = {"refused": {"line": 1, "message": "x"}}
    assert walled_tasks.inspect_model.may_return(refused)
    for answer in (
        {},
        {"refused": None},
        refused | {"html": "<b>"},
        {"refused": {"line": "1", "message": "x"}},
        [refused],
    ):
        assert not walled_tasks.inspect_model.may_return(answer)
