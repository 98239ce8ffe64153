"""How a training ended, in one word."""

import numpy as np
import pytest

from lessons.outcome import MEANINGS, OUTCOMES, outcome

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


def test_every_outcome_is_explained():
    assert all(MEANINGS[word] for word in OUTCOMES) and len(OUTCOMES) == 5
