"""How a training ended, in one word."""

import numpy as np
import pytest

from lessons.runs.outcome import MEANINGS, OUTCOMES, late, outcome

FALLING, FLAT, RISING = np.geomspace(1, 0.01, 20), np.ones(20), np.geomspace(1, 1e4, 20)


@pytest.mark.parametrize(
    ("loss", "error", "ended"),
    [
        (FALLING, FALLING, "learned"),
        (FLAT, FLAT, "stuck"),
        (FALLING, FLAT, "wrong"),
        (RISING, RISING, "exploded"),
        (np.append(FALLING[:-1], np.nan), FALLING, "nan"),
        (np.append(FALLING[:-1], np.inf), FALLING, "nan"),
        (FALLING, np.append(FALLING[:-1], np.nan), "nan"),
    ],
)
def test_each_kind_of_end(loss, error, ended):
    assert outcome(loss, error, baseline=0.8) == ended


def test_a_model_whose_last_update_made_it_nan_did_not_learn():
    assert outcome(FALLING, FALLING, 0.8, finite=False) == "nan"


def test_a_loss_below_zero_can_fall_and_is_no_explosion():
    assert outcome(np.linspace(-1, -16, 20), FLAT, 0.8) == "wrong"


@pytest.mark.parametrize(
    ("loss", "ended"),
    [
        (np.append(FLAT[:-1], 1e6), "stuck"),  # one epoch out of line at the end is luck
        (np.linspace(1, 0.995, 20), "stuck"),  # a fall too small to speak of
        (np.linspace(1, 9, 20), "stuck"),
        (np.linspace(1, 20, 20), "exploded"),
        (np.zeros(20), "stuck"),
        (np.geomspace(1e-12, 1e-3, 20), "stuck"),  # a growth from nothing to nothing
        (-np.geomspace(1, 1e4, 20), "exploded"),  # unbounded below
    ],
)
def test_where_the_borders_are(loss, ended):
    assert outcome(loss, FLAT, 0.8) == ended


def test_a_model_that_is_right_on_real_steps_has_learned_whatever_its_loss_does():
    """Garbage on padding can hide the fall of the rest."""
    assert outcome(FLAT, FALLING, 0.8) == "learned"


def test_one_epoch_and_a_baseline_of_zero_are_judged_too():
    assert outcome([1.0], [0.5], 0.8) == "learned" and outcome([1.0], [0.9], 0.8) == "stuck"
    assert outcome(FALLING, np.zeros(20), 0.0) == "learned" and outcome(FALLING, FLAT, 0.0) == "wrong"


def test_the_end_of_a_curve_is_the_middle_of_its_last_fifth():
    assert late([9, 9, 9, 9, 9, 9, 9, 9, 1, 3]) == 2 and late([4.0]) == 4 and np.isnan(late([1.0, np.nan]))


def test_every_outcome_is_explained():
    assert all(MEANINGS[word] for word in OUTCOMES) and len(OUTCOMES) == 5
