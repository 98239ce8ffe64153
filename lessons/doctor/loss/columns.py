"""What each column of labels and predictions is, where both are taken apart: found by moving one at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

DRAWS = 3
ROWS = 16
STRAIGHT = 1e-3  # from a straight line, relative to its rise
AT_REST = 0.05  # of a column's usual gradient, where its prediction is right


class Kinds(NamedTuple):
    """For each column the activation that its prediction needs, and what its label is."""

    activation: tuple[str, ...]
    labels: tuple[str, ...]


def kinds(bare: Callable, count: int) -> Kinds | None:
    """What the columns are of a loss of `count` labels and as many predictions; None: it does not take them.

    Each sample's labels and predictions are numbers between 0 and 1, which any column takes, but for one that is moved.
    """
    rng = np.random.default_rng(0)
    draws = [rng.uniform(0.1, 0.9, (2, ROWS, count)).astype(np.float32) for _ in range(DRAWS)]
    try:
        if not all(np.isfinite(measured(bare, *draw)[0]) for draw in draws):
            return None
        columns = range(count)
        activation = tuple(activation_of(bare, draws, column) for column in columns)
        labels = tuple(label_of(bare, draws, column, activation[column]) for column in columns)
    except Exception:
        return None
    return Kinds(activation, labels)


def measured(bare: Callable, y: np.ndarray, p: np.ndarray) -> tuple[float, np.ndarray]:
    """(value, gradient with respect to p) of y and p (batch, columns)."""
    with tf.GradientTape() as tape:
        given = tf.constant(p)
        tape.watch(given)
        value = tf.reduce_mean(bare(tf.constant(y), given))
    gradient = tape.gradient(value, given)
    return float(value), np.zeros_like(p) if gradient is None else tf.convert_to_tensor(gradient).numpy()


def moved(array: np.ndarray, column: int, to: float | np.ndarray) -> np.ndarray:
    """A copy with one column at another place. (batch, columns)."""
    changed = array.copy()
    changed[:, column] = to
    return changed


def activation_of(bare: Callable, draws: list, column: int) -> str:
    """sigmoid where beyond 0 and 1 there is no gradient or no number, softplus where it is so below 0."""

    def lives(at: float) -> bool:
        found = [measured(bare, y, moved(p, column, at)) for y, p in draws]
        return all(np.isfinite(value) and np.isfinite(slope).all() and slope[:, column].any() for value, slope in found)

    if not lives(0.5) or lives(-2.0):
        return "linear"
    return "softplus" if lives(3.0) else "sigmoid"


def label_of(bare: Callable, draws: list, column: int, activation: str) -> str:
    """binary beside a probability, or where it only ever scales something; nonnegative where below 0 is no number."""
    if activation == "sigmoid":
        return "binary"
    values = np.array([[measured(bare, moved(y, column, at), p)[0] for at in (0, 0.5, 1, 2)] for y, p in draws])
    if np.isfinite(values).all() and straight(values) and not answered(bare, draws, column):
        return "binary"
    below = [measured(bare, moved(y, column, -2.0), p)[0] for y, p in draws]
    return "float" if np.isfinite(below).all() else "nonnegative"


def straight(values: np.ndarray) -> bool:
    """Whether values at 0, 0.5, 1 and 2, (draws, 4), lie on straight lines that rise or fall."""
    start, slope = values[:, :1], values[:, 2:3] - values[:, :1]
    bend = np.abs(values - (start + slope * np.array([0, 0.5, 1, 2]))).max(axis=1)
    return bool((bend < STRAIGHT * np.ptp(values, axis=1)).all())


def answered(bare: Callable, draws: list, column: int) -> bool:
    """Whether the column's own prediction comes to rest where it equals the label."""
    for y, p in draws:
        usual = np.abs(measured(bare, y, p)[1][:, column]).mean()
        at_rest = np.abs(measured(bare, y, moved(p, column, y[:, column]))[1][:, column]).mean()
        if not at_rest < AT_REST * usual:
            return False
    return True
