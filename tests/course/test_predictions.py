"""The predictions of the lessons: which answer comes true on a run, or that the run cannot answer at all."""

import time
from dataclasses import replace

import numpy as np
import pytest

from lessons.catalog import _template
from lessons.course.discovery import LESSONS
from lessons.course.lesson import UNANSWERED
from lessons.engine.train import trained
from lessons.families.decoder import Decoder
from lessons.families.encoder import Encoder
from lessons.families.own_layer import OwnLayer
from lessons.recipe.data import training_batch
from lessons.recipe.recipe import Recipe
from lessons.runs.run import Run
from tests.tools.patience import patient
from tests.tools.runs import run_of
from tests.tools.selection import first

LESSON_OF = {**LESSONS} | {"_template": _template.LESSON}
OF_GRADIENT = (
    "mask_and_loss",
    "pre_or_post",
    "layer_ate_mask",
    "attention_mask",
    "mean_of_what",
    "own_layer_mask",
    "_template",
)  # their question is about a gradient
AT_INPUTS = ("pre_or_post", "attention_mask")  # and that at the inputs
ONE_LABEL = {  # of families without a field `output`
    Encoder: {"pooling": "average"},
    Decoder: {"counted": "answer"},
    OwnLayer: {"layer": "plain"},
}
BROKEN = {  # settings that real runs are made of; together they have NaN in the loss, in its gradient, and nowhere
    "as it opens": {},
    "without padding": {"padding_share": 0.0},
    "NaN in padded labels": {"padded_labels": "nan"},
    "NaN in padded labels, no mask": {"padded_labels": "nan", "mask": "none"},
    "NaN in padded inputs": {"padded_inputs": "nan", "mask": "none"},
    "NaN labels": {"nan_share": 0.3, "nan_fill": "keep"},
    "huge steps": {"learning_rate": 10.0, "optimizer": "sgd"},
    "one label per sequence": {"output": "last_step"},
    "sum": {"reduction": "sum"},
}
ALTERED = {  # what becomes of a run's numbers
    "no gradient is finite": {"gradient": np.nan, "input_gradient": np.nan},
    "all gradients are 0": {"gradient": 0, "input_gradient": 0},
    "no loss is a number": {"loss": np.nan, "real_loss": np.nan, "val_loss": np.nan},
    "nothing is a number": dict.fromkeys(
        ("loss", "real_loss", "val_loss", "error", "gradient", "input_gradient", "predictions"), np.nan
    ),
    "losses are infinite": {"loss": np.inf, "real_loss": np.inf, "val_loss": np.inf},
    "the loss alone is a number": dict.fromkeys(("real_loss", "val_loss", "error", "predictions"), np.nan),
    "losses are far below 0": {"loss": -16, "real_loss": -17, "val_loss": -15},
}


def opening(slug: str) -> Run:
    return run_of(LESSON_OF[slug].presets[0].settings)


def altered(run: Run, numbers: dict[str, float]) -> Run:
    """The run with all of these arrays at one value."""
    arrays = {name: np.full_like(getattr(run.snapshot, name), value) for name, value in numbers.items()}
    closing = replace(run.closing, predictions=arrays["predictions"][-1]) if "predictions" in arrays else run.closing
    return replace(run, snapshot=replace(run.snapshot, **arrays), closing=closing)


def check(slug: str, run: Run) -> int | None:
    """The outcome. Where there is one, it is one of the answers."""
    outcome = LESSON_OF[slug].prediction.outcome(run)
    assert outcome is None or outcome in range(len(LESSON_OF[slug].prediction.answers))
    return outcome


@pytest.mark.parametrize("slug", LESSON_OF)
@pytest.mark.parametrize("what", ALTERED)
def test_one_answer_comes_true_or_none_can(slug, what):
    run = opening(slug)
    told, before = check(slug, altered(run, ALTERED[what])), check(slug, run)
    assert before is not None, "the run that the lesson opens with answers its question"
    if what in ("no gradient is finite", "all gradients are 0"):
        warned = slug == "layer_ate_mask" and before == 0  # read off what Keras said
        assert told == (None if slug in OF_GRADIENT and not warned else before)


@pytest.mark.parametrize(
    ("slug", "what"),
    first(3, [(slug, what) for what in BROKEN for slug in LESSON_OF if what != "as it opens"]),
)
def test_real_runs_are_judged_by_one_answer_or_by_none(slug, what):
    settings = LESSON_OF[slug].presets[0].settings
    changes = BROKEN[what]
    if not changes.keys() <= settings.specs().keys():
        changes = ONE_LABEL[type(settings)]
    recipe = Recipe(replace(settings, epochs=3, **changes))
    if settings.predicts.ranked and np.isnan(training_batch(recipe).y).any():
        with pytest.raises(Exception, match="outside the valid range"):  # no class has the number NaN
            trained(recipe)
        return
    run = trained(recipe)
    outcome = check(slug, run)
    if slug in OF_GRADIENT and outcome is not None and slug != "layer_ate_mask":
        assert np.isfinite((run.input_leak if slug in AT_INPUTS else run.leak)[0])
        assert not run.batch.real.all()


@pytest.mark.parametrize(
    ("slug", "numbers", "outcome"),
    [
        ("divided_by", {"loss": np.nan}, 2),  # “or not a number”
        ("divided_by", {"real_loss": np.nan}, None),
        ("divided_by", {"loss": np.inf}, 2),
        ("divided_by", {"loss": np.inf, "real_loss": np.inf}, None),
        ("first_iteration", {"loss": np.nan}, 0),
        ("first_iteration", {"loss": np.inf}, None),
        ("first_iteration", {"loss": 1, "error": np.nan}, None),
        ("first_iteration", {"loss": 1, "error": 0}, 1),
        ("first_iteration", {"loss": 1, "error": 9}, 2),
        ("nan_labels", {"loss": np.nan}, 0),
        ("nan_labels", {"loss": np.inf}, None),
        ("nan_labels", {"loss": 1, "predictions": np.nan}, None),
        ("nan_labels", {"loss": 1, "predictions": 0}, 2),
        ("not_learning", {"loss": 0, "error": 0}, 0),
        ("not_learning", {"loss": 0, "error": 9}, 1),
        ("not_learning", {"loss": 0, "error": np.nan}, None),
        ("not_learning", {"loss": -16}, None),
        ("not_learning", {"loss": np.nan, "error": np.nan}, 2),
        ("small_epsilon", {"loss": np.nan}, 2),
        ("validation", {"val_loss": np.nan}, 2),
        ("validation", {"val_loss": 1, "real_loss": np.nan}, None),
        ("validation", {"val_loss": 1, "real_loss": np.inf}, None),
        ("validation", {"val_loss": -15, "real_loss": -16}, None),
        ("validation", {"val_loss": 1, "real_loss": 1}, 0),
        ("validation", {"val_loss": 5, "real_loss": 1}, 1),
        ("validation", {"val_loss": np.inf, "real_loss": 1}, 2),
    ],
)
def test_what_the_numbers_say(slug, numbers, outcome):
    assert check(slug, altered(opening(slug), numbers)) == outcome


@pytest.mark.parametrize("slug", ["mask_and_loss", "pre_or_post", "layer_ate_mask"])
def test_where_nothing_is_padded_no_share_of_the_gradient_lies_on_padding(slug):
    run = opening(slug)
    whole = replace(run, batch=replace(run.batch, real=np.ones_like(run.batch.real)))
    warned = slug == "layer_ate_mask" and LESSONS[slug].prediction.outcome(run) == 0
    assert check(slug, whole) == (0 if warned else None)


def test_where_no_mask_is_passed_none_is_lost():
    settings = replace(LESSONS["layer_ate_mask"].presets[0].settings, mask="none", epochs=1)
    for between in ("times_one", "conv1d"):
        assert check("layer_ate_mask", trained(Recipe(replace(settings, between=between)))) is None


@pytest.mark.verify
def test_a_room_is_told_of_a_run_that_cannot_answer():
    from lessons.classroom.posed import posed
    from lessons.classroom.room_state import Tally
    from pages.room.ballot import beliefs, right_answer

    question = posed("mask_and_loss", LESSONS["mask_and_loss"].presets[0].name)
    settings = replace(question.preset.settings, padded_labels="nan", epochs=1)
    hopeless = replace(question, preset=replace(question.preset, settings=settings))
    until, read = time.monotonic() + patient(120), right_answer(hopeless, 1)
    while not read.done and time.monotonic() < until:
        assert read.words and read.words != UNANSWERED
        read = right_answer(hopeless, 1)
    assert read.done and read.right is None and read.words == UNANSWERED
    assert beliefs(hopeless, Tally(3, 3, 0, {1: {0: 2, 2: 1}}), read.right) == []
    told = right_answer(question, patient(60))
    assert told.done and told.right == 2 and told.words == ""
