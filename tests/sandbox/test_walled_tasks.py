"""What the server believes of an answer: the forms that real tasks have, and no other."""

import copy

import numpy as np
import pytest

from lessons.doctor.refusal import refused
from lessons.families.recurrent import Recurrent
from lessons.recipe.data import training_batch
from lessons.recipe.recipe import Pasted, Recipe
from lessons.runs.run import kept_epochs
from lessons.sandbox.walled_pool import Limits, WalledPool
from lessons.server import walled_tasks
from lessons.workers.job import WorkerDied
from tests.sandbox.test_walled_pool import PATIENT, ROOT
from tests.tools import intruders

SETTINGS = Recurrent(epochs=5)
RECIPE = Recipe(SETTINGS, pasted=Pasted("def loss(y_true, y_pred):\n    return y_pred\n"))
SHAPE = training_batch(RECIPE).real.shape
FINDING = {
    **dict.fromkeys(("code", "title", "message", "why", "fix", "lesson"), "x"),
    "severity": "error",
    "line": 3,
    "evidence": {"y_true": [1.0, None], "value": 2},
    "curve": {"x": [0, 1.5], "value": [None, 1.0], "gradient": None, "x_title": "prediction"},
}
EXAMINED = {
    "function": "loss",
    "findings": [FINDING],
    "healthy": False,
    "refused": None,
    "usage": {"task": "binary"},
    "inferred": ["task"],
    "tried": ["x"],
    "unprobed": [],
    "seconds": 1.5,
}
MENDED = [{"title": "x", "codes": ["y"], "text": "z", "left": []}]
OPENING = {
    "kind": "Opening",
    "source": "x",
    "warnings": ("y",),
    "versions": {"keras": "3"},
    "output": "number",
    "layers": [("x", "y", True, False)],
}
CLOSING = {
    "kind": "Closing",
    "predictions": np.zeros(SHAPE, "float32"),
    "scores": None,
    "seconds": 1.0,
    "measures": {},
    "metrics": [],
    "pictures": None,
}


def snapshot(first: int = 0, epochs: int = 2) -> dict:
    numbers = np.arange(first, first + epochs)
    kept = np.intersect1d(numbers, kept_epochs(SETTINGS.epochs))
    return {
        "kind": "Snapshot",
        "epochs": numbers,
        **{name: np.zeros(epochs, "float32") for name in ("loss", "real_loss", "val_loss", "error")},
        "kept": kept,
        **{name: np.zeros((len(kept), *SHAPE)) for name in ("gradient", "input_gradient", "predictions")},
        "scores": None,
    }


def without(told: dict, name: str) -> dict:
    return {key: value for key, value in told.items() if key != name}


def finding(**changes) -> dict:
    return EXAMINED | {"findings": [FINDING | changes]}


def tells(item, *before: dict) -> bool:
    return walled_tasks.train.may_yield(item, before, RECIPE)


def test_answers_in_their_form_are_believed():
    assert walled_tasks.examine.may_return(EXAMINED)
    assert walled_tasks.examine.may_return(refused("loss", 3, "why"))
    assert walled_tasks.examine.may_return(refused(None, None, "why"))
    assert (
        walled_tasks.mend.may_return(MENDED)
        and walled_tasks.mend.may_return([])
        and walled_tasks.train.may_return(None)
    )


def test_a_training_in_its_order_is_believed():
    told = [OPENING, snapshot(0, 1), snapshot(1, 4), CLOSING]
    assert all(tells(item, *told[:k]) for k, item in enumerate(told))
    assert tells(CLOSING, OPENING, snapshot()), "a training that was stopped"


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        {},
        "healthy",
        np.zeros(3),
        *(without(EXAMINED, name) for name in EXAMINED),
        EXAMINED | {"more": 1},
        EXAMINED | {"healthy": 1},
        EXAMINED | {"healthy": None},
        EXAMINED | {"seconds": "1"},
        EXAMINED | {"seconds": np.zeros(())},
        EXAMINED | {"usage": {"task": np.zeros(9)}},
        EXAMINED | {"usage": {3: "x"}},
        EXAMINED | {"tried": [1]},
        EXAMINED | {"inferred": ("task",)},
        EXAMINED | {"refused": {"line": 1, "message": "x"}},
        refused("loss", 3, "why") | {"findings": [FINDING]},
        refused("loss", "3", "why"),
        *(EXAMINED | {"findings": [without(FINDING, name)]} for name in FINDING),
        finding(severity="fatal"),
        finding(severity=["error"]),
        finding(title=None),
        finding(line=1.5),
        finding(evidence={"y_true": np.zeros(3), "y_pred": 1}),
        finding(evidence={"y_true": {}}),
        finding(curve={"x": [1], "value": ["x"]}),
        finding(curve={"x": np.zeros(9), "value": []}),
        finding(curve={"x": [1]}),
        finding(curve=[]),
    ],
)
def test_no_other_examination_is_believed(answer):
    assert not walled_tasks.examine.may_return(answer)


@pytest.mark.parametrize("answer", [None, {}, [1], [{}], [MENDED[0] | {"text": 1}], [without(MENDED[0], "left")]])
def test_no_other_mend_is_believed(answer):
    assert not walled_tasks.mend.may_return(answer)
    assert not walled_tasks.train.may_return(answer) or answer is None
    assert not walled_tasks.examine.may_yield(answer, []) and not walled_tasks.mend.may_yield(answer, [])


@pytest.mark.parametrize(
    ("item", "before"),
    [
        (snapshot(), []),
        (CLOSING, []),
        (OPENING, [OPENING]),
        (CLOSING, [OPENING, snapshot(), CLOSING]),
        (CLOSING | {"metrics": [{"name": "loss"}]}, [OPENING, snapshot()]),
        (CLOSING | {"metrics": [dict.fromkeys(walled_tasks.METRIC, "<b>")]}, [OPENING, snapshot()]),
        (snapshot(0), [OPENING, snapshot(0)]),
        (snapshot(3), [OPENING, snapshot(0)]),
        (snapshot(4, 2), [OPENING, snapshot(0, 4)]),
        (snapshot(0, 6), [OPENING]),
        (snapshot(0, 0), [OPENING]),
        *((without(snapshot(), name), [OPENING]) for name in snapshot()),
        *((snapshot() | {name: np.zeros(2**20)}, [OPENING]) for name in without(snapshot(), "kind")),
        (snapshot() | {"loss": [0.0, 0.0]}, [OPENING]),
        (snapshot() | {"loss": np.zeros(2, "D")}, [OPENING]),
        (snapshot() | {"epochs": np.zeros(2)}, [OPENING]),
        (snapshot() | {"kept": np.zeros(0, int), "gradient": np.zeros((0, *SHAPE))}, [OPENING]),
        (snapshot() | {"kind": "Other"}, [OPENING]),
        (snapshot() | {"kind": np.zeros(2)}, [OPENING]),
        (CLOSING | {"predictions": np.zeros((9, 9))}, [OPENING]),
        (CLOSING | {"seconds": None}, [OPENING]),
        (OPENING | {"layers": [("x", "y", True)]}, []),
        (OPENING | {"warnings": ["x"]}, []),
        (OPENING | {"source": None}, []),
        (OPENING | {"versions": {"keras": np.zeros(3)}}, []),
        (None, []),
        (None, [OPENING]),
        ([], [OPENING]),
    ],
)
def test_no_other_item_is_believed(item, before):
    assert not tells(copy.deepcopy(item), *before)


def test_a_process_that_was_taken_over_is_not_believed():
    """A learner's job leaves something behind that answers the next one's."""
    walled_pool = WalledPool(1, spares=0, limits=Limits(waiting=PATIENT), readable=[ROOT / "lessons", ROOT / "tests"])
    wrong = finding(severity="fatal")
    try:
        assert walled_pool.submit(intruders.take_over, "examine", wrong, who="a").result(PATIENT) == "taken"
        with pytest.raises(WorkerDied, match="^its answer cannot be read$"):
            walled_pool.submit(walled_tasks.examine, RECIPE.pasted.text, None, {}, who="b").result(PATIENT)
        assert walled_pool.submit(intruders.take_over_training, [OPENING, CLOSING | {"seconds": "x"}]).result(PATIENT)
        job = walled_pool.submit(walled_tasks.train, RECIPE, who="b")
        with pytest.raises(WorkerDied, match="^its answer cannot be read$"):
            job.result(PATIENT)
        assert [item["kind"] for item in job.items] == ["Opening"]
    finally:
        walled_pool.shutdown(wait=False, cancel_futures=True)
