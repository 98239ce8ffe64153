"""What a prediction is, a number, a probability or a logit: read off the output and the loss that ran, in one place."""

from dataclasses import replace

import numpy as np
import pytest

from lessons.engine import pasted_loss
from lessons.engine.models import build_loss
from lessons.engine.train import train
from lessons.engine.xray import takes_logits
from lessons.export.bundle import Bundle
from lessons.families.recurrent import Recurrent
from lessons.recipe import losses
from lessons.recipe.data import training_batch
from lessons.recipe.recipe import Pasted, Recipe
from lessons.runs.run import Run, error, output_of
from tests.tools.selection import OF_NUMBERS, first

BINARY = Recurrent(task="binary", epochs=1, sequences=4, timesteps=4, units=4)
PASTED = {
    "cross-entropy": ("keras.losses.binary_crossentropy(y, p)", False),
    "cross-entropy from logits": ("keras.losses.binary_crossentropy(y, p, from_logits=True)", True),
    "smoothed": ("keras.losses.binary_crossentropy(y, p, from_logits=True, label_smoothing=0.1)", True),
    "focal": ("keras.losses.binary_focal_crossentropy(y, p, from_logits=True)", True),
    "focal of a probability": ("keras.losses.binary_focal_crossentropy(y, p)", False),
    "weighted": ("(1 + 2 * y[..., 0]) * keras.losses.binary_crossentropy(y, p, from_logits=True)", True),
    "hinge": ("keras.losses.hinge(y, p)", True),
    "by hand": ("ops.mean(ops.softplus(p) - y * p, axis=-1)", True),
    "squared error": ("ops.mean(ops.square(y - p), axis=-1)", False),
    "squared error of a sigmoid": ("ops.mean(ops.square(y - ops.sigmoid(p)), axis=-1)", True),
    "absolute error": ("ops.mean(ops.abs(y - p), axis=-1)", False),
    "dice": ("1 - 2 * ops.sum(y * p, axis=-1) / (ops.sum(y + p, axis=-1) + 1e-6)", False),
    "log of p": ("ops.mean(-y * ops.log(p + 1e-7) - (1 - y) * ops.log(1 - p + 1e-7), axis=-1)", False),
}


def pasted(body: str) -> Pasted:
    return Pasted(f"import keras\nfrom keras import ops\n\n\ndef loss(y, p):\n    return {body}\n")


@pytest.mark.parametrize("name", OF_NUMBERS)
def test_a_losss_name_says_what_it_takes(name):
    for dtype in Recurrent.specs()["loss_dtype"].options:
        loss = build_loss(replace(BINARY, loss=name, loss_dtype=dtype))
        assert takes_logits(loss, (4, 4, 1)) == losses.takes_logits(name)


@pytest.mark.parametrize("what", PASTED)
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum"])
def test_what_a_loss_takes_is_measured(what, reduction):
    body, logits = PASTED[what]
    scope: dict = {}
    exec(pasted(body).text, scope)
    loss = build_loss(replace(BINARY, reduction=reduction), scope["loss"])
    assert takes_logits(loss, (4, 4, 1)) == takes_logits(loss, (4, 1)) == logits


def error_of_the_perfect(run: Run) -> float:
    """Of predictions that say each label as the output says it: 0.01 or 0.99, or a logit of ±4."""
    settings, truth = run.settings, run.batch.truth[..., 0]
    said = 8 * truth - 4 if run.opening.output == "logit" else 0.98 * truth + 0.01
    return float(error(settings, said[None], truth, run.batch.known, run.opening.output)[0])


@pytest.mark.parametrize(
    ("activation", "loss", "mine", "output"),
    first(
        2,
        [
            ("sigmoid", "bce_from_logits", None, "probability"),  # wrong together, and still a probability
            ("linear", "mse", None, "number"),
            ("linear", "bce_from_logits", "squared error", "number"),  # the loss that ran, not the settings' own
            ("tanh", "mse", "hinge", "logit"),
            ("sigmoid", "mse", None, "probability"),
            ("linear", "bce_from_logits", None, "logit"),
            ("sigmoid", "bce_from_logits", "cross-entropy", "probability"),
            ("linear", "mse", "cross-entropy from logits", "logit"),
        ],
    ),
)
def test_perfect_predictions_have_no_error_whatever_they_are(activation, loss, mine, output):
    settings = replace(BINARY, activation=activation, loss=loss)
    recipe = Recipe(settings, pasted=pasted(PASTED[mine][0]) if mine else None)
    parts = pasted_loss.train(recipe) if mine else train(recipe)
    run = Run.gather(recipe, training_batch(recipe), parts)
    assert run.opening.output == output
    assert error_of_the_perfect(run) == 0
    wrong = error(settings, 1 - run.batch.truth[None, ..., 0], run.batch.truth[..., 0], run.batch.known, "probability")
    assert wrong[0] == 1


def test_a_script_judges_as_its_run_does():
    settings = replace(BINARY, activation="sigmoid", loss="bce_from_logits")
    assert Bundle("not_learning", "broken", Recipe(settings)).says == "probability"
    assert Bundle("not_learning", "broken", Recipe(replace(settings, activation="linear"))).says == "logit"
    mine = pasted(PASTED["squared error"][0])
    assert (
        Bundle("not_learning", "broken", Recipe(replace(settings, activation="linear"), pasted=mine)).says == "number"
    )
    assert Bundle("not_learning", "broken", Recipe(BINARY, pasted=mine), output="logit").says == "logit"


def test_numbers_need_no_threshold():
    said, truth, known = np.full((1, 1, 2), 0.25), np.zeros((1, 2)), np.ones((1, 2), bool)
    for logits in (True, False):
        assert error(Recurrent(), said, truth, known, output_of(Recurrent().predicts, logits)) == 0.25


@pytest.mark.parametrize("name", OF_NUMBERS)
def test_a_losss_label_says_whether_it_returns_one_scalar(name):
    loss = losses.bound(name, 0.1)
    y, p = np.full((3, 4, 1), 0.25, "float32"), np.full((3, 4, 1), 0.5, "float32")
    assert (np.ndim(loss(y, p)) == 0) == losses.scalar(name)
