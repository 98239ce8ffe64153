"""How a training ended, in one word: read off its curves, with the same rule for a single run and a map's cell.

NumPy only. What counts is the yardstick, the error on real steps: a loss can fall while the model learns nothing.
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from lessons.runs.run import Run

MEANINGS = {
    "learned": "On real steps the model clearly beats the best constant.",
    "stuck": "The loss does not fall.",
    "wrong": "The loss falls, and on real steps the model hardly beats the best constant, or not at all.",
    "exploded": "The loss grows to many times its start, and stays finite.",
    "nan": "A number is not finite.",
}
OUTCOMES = tuple(MEANINGS)  # from good to bad

LATE = 0.2  # share of the epochs that count as the end: the last point of a curve that swings is luck
BEATS = 0.9  # share of the best constant's error that must be left: a fit of noise alone gets a few per cent below it
FALL = 0.01  # share of its start by which a loss must fall: less is what the smallest learning rates on offer give
GROWTH = 10.0  # so many times its start is no swing any more: an update that overshoots once gives two or three
LEAST_START = 0.1  # what counts as the start of a loss that starts lower: a growth from 0 would have no measure
LEAST_DEPTH = 3.0  # the same downwards: a log with the smallest epsilon on offer goes to -28, and is no explosion


def outcome(loss: ArrayLike, error: ArrayLike, baseline: float, finite: bool = True) -> str:
    """One of OUTCOMES, from the loss and the error of each epoch and the error of the best constant.

    `finite`: whether the trained model's predictions on real steps are, which the curves cannot tell. loss and error
    (epoch,), of one length and not empty; `baseline` in the unit of the error.
    """
    loss, error = np.asarray(loss, float), np.asarray(error, float)
    if not (finite and np.isfinite(loss).all() and np.isfinite(error).all()):
        return "nan"
    first, last = loss[0], late(loss)
    if last > GROWTH * max(abs(first), LEAST_START) or last < -GROWTH * max(abs(first), LEAST_DEPTH):
        return "exploded"
    if late(error) <= BEATS * baseline:
        return "learned"
    return "wrong" if last < first - FALL * abs(first) else "stuck"


def late(curve: ArrayLike) -> float:
    """The level at which a curve (epoch,) ends: the median of its last epochs. NaN where one of them is."""
    curve = np.asarray(curve, float)
    with np.errstate(invalid="ignore"):
        return float(np.median(curve[-math.ceil(LATE * len(curve)) :]))


def outcome_of(run: Run) -> str:
    """How a single run ended."""
    finite = bool(np.isfinite(run.predictions[run.batch.known]).all())
    return outcome(run.snapshot.loss, run.snapshot.error, run.baseline, finite)
