"""Whether the loss has a lowest value: far out in every direction, and as a scale collapses at a right prediction."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from lessons.doctor.loss.rules import LOSS_RULES
from lessons.doctor.loss.subject import Subject
from lessons.doctor.rule import Evidence, Specimen

RAYS = (0.0, 10.0, 30.0, 80.0, 1e3, 1e4)  # how far out a loss is followed
COLLAPSE = (2.0, 4.0, 6.0, 8.0, 10.0, 20.0, 40.0, 80.0)  # how far a scale, its logarithm or a correlation is followed
DECADES = tuple(10.0**-power for power in range(1, 8))  # and a scale that stands for itself, towards 0
SLOPE = 0.2  # by how much it falls for each step of 1, at least
PER_DECADE = 0.5  # and for each tenth of the scale: log 10 is 2.3
WIDEST = 64  # columns that are followed one by one
RIGHT = ((0.7, 0.7), (1.0, 0.0), (0.5, 0.0), (0.0, 0.0))  # (label, number before activation) that may be a right
# prediction: the same number, its logarithm, its logit, the logarithm of 1 more or a root

SQUARED = "def loss(y_true, y_pred):\n    return tf.reduce_mean(tf.square(y_true - y_pred), axis=-1)\n"
SIGNED = "def loss(y_true, y_pred):\n    return tf.reduce_mean(y_true - y_pred)\n"


@LOSS_RULES.rule(
    code="unbounded_below",
    severity="error",
    title="It has no lowest value",
    tried="the value far out in every direction",
    why="Some direction makes it ever smaller, so training runs away instead of ending.",
    fix="Make each term at least 0 where the prediction is right: square it, take its absolute value, or cap the gain. "
    "Of a likelihood: give the scale a floor, such as softplus(s) + 0.05, or clip its logarithm.",
    lesson="not_learning",
    fires_on=Specimen(SIGNED),
    silent_on=Specimen(SQUARED),
)
def unbounded_below(subject: Subject) -> Evidence | None:
    if LOSS_RULES.found(subject, "no_gradient"):
        return None
    for point, read in subject.edges:
        if read.value == -np.inf:
            return Evidence(f"At {point.words} the loss is -inf.", {"at": point.words, "value": read.value})
    y, z = subject.draw()
    if subject.sampler.unused and straight(subject, y, z):  # a critic's score, or a penalty, handed on as it is
        return None
    for direction, name in directions(subject, y, z):
        values = [subject.value(y, (z + distance * direction).astype(np.float32)) for distance in RAYS]
        if sinks(values):
            last = max(i for i, value in enumerate(values) if not np.isnan(value))
            return Evidence(
                f"Moving the predictions {name} lowers it from {values[0]:.3g} to {values[last]:.3g} at a distance of "
                f"{RAYS[last]:g}, with no end.",
                {"direction": name, "values": values, "distances": list(RAYS)},
                {"x": list(RAYS[:4]), "value": values[:4], "x_title": f"predictions moved {name} by", "gradient": None},
            )
    return collapse(subject)


def straight(subject: Subject, y, z) -> bool:
    """Whether the loss is a straight line in the predictions. y and z (batch, …)."""
    here, there = subject.at(y, z).gradient, subject.at(y, z + 1).gradient
    return here is not None and there is not None and np.allclose(here, there)


def sinks(values: list[float]) -> bool:
    """Whether the loss still falls far out. `values`: the loss at the distances of RAYS."""
    _, ten, thirty, eighty, thousand, ten_thousand = values
    steadily = thirty < ten - 1 and eighty < thirty - 1
    if steadily and (thousand == -np.inf or eighty == -np.inf):
        return True
    far = [eighty, thousand, ten_thousand]
    return bool(np.isfinite(far).all() and thousand < eighty - 0.5 and ten_thousand < thousand - 0.5)


def directions(subject: Subject, y, z):
    """(direction like z, name). A distance cannot be negative."""
    ones = np.ones_like(z)
    yield ones, "up"
    if subject.usage.task == "distance":
        sides = np.resize([1.0, 0.0], len(z)).reshape(-1, *[1] * (z.ndim - 1))
        yield ones * sides, "up for some samples"
        return
    yield -ones, "down"
    toward = np.sign(subject.sampler.truth(y, z) - z)
    yield toward, "past the labels"
    yield -toward, "away from the labels"
    if z.ndim > 1 and 1 < z.shape[-1] <= 6:
        for column in range(z.shape[-1]):
            for sign, name in ((1, "up"), (-1, "down")):
                direction = np.zeros_like(z)
                direction[..., column] = sign
                yield direction, f"{name} in column {column}"


def collapse(subject: Subject) -> Evidence | None:
    """A likelihood whose scale goes to 0 at a right prediction, however the scale is written."""
    for label, y, start, column, name in right_predictions(subject):
        for sign, way in ((-1.0, "down"), (1.0, "up")):
            values = [subject.value(y, start + np.float32(sign * distance) * column) for distance in COLLAPSE]
            kept = falling(values, [SLOPE * step for step in np.diff(COLLAPSE)])
            if kept:
                return fallen(f"moving {name} {way} by", label, COLLAPSE[:kept], values)
        values = [
            subject.value(y, np.where(column > 0, np.float32(distance), start).astype(np.float32))
            for distance in DECADES
        ]
        if falling(values, [PER_DECADE] * (len(DECADES) - 1)) == len(DECADES):
            return fallen(f"setting {name} to", label, DECADES, values)
    return None


def right_predictions(subject: Subject) -> Iterator[tuple[float, np.ndarray, np.ndarray, np.ndarray, str]]:
    """(label, labels, predictions that say it in every column, direction of some columns, which): all numbers of a
    label are equal, so that it does not matter which column is the location of which."""
    usage = subject.usage
    width, columns = math.prod(usage.label_shape[-1:]), math.prod(usage.shape[-1:])
    several = usage.labels in ("float", "nonnegative", "probabilities", "angles") and width < columns <= WIDEST
    if not several or subject.sampler.unused or subject.sampler.related or "softmax" in usage.activation:
        return
    y, z = subject.draw(2)
    for label, number in RIGHT:
        labels = np.full_like(y, label)
        wanted = np.full_like(z, number)
        if usage.activation != ("linear",):
            wanted = subject.sampler.before_activation(np.full_like(z, label)).astype(np.float32)
        for which, name in groups(columns):
            column = np.zeros(columns, np.float32)
            column[which] = 1
            yield label, labels, wanted, np.broadcast_to(column, z.shape), name


def groups(columns: int) -> Iterator[tuple[slice | int, str]]:
    """Columns that may be scales: each alone, and the halves, thirds and quarters of all, in a row or woven."""
    for column in range(columns):
        yield column, f"column {column}"
    yield slice(None), "all columns"
    for parts in (2, 3, 4):
        if columns % parts == 0 and columns > parts:
            size = columns // parts
            for part in range(parts):
                yield slice(part * size, (part + 1) * size), f"columns {part * size} to {(part + 1) * size - 1}"
                yield slice(part, None, parts), f"columns {part}, {part + parts}, …"


def falling(values: list[float], steps: list[float]) -> int:
    """How many values fall without end: by `steps` from one to the next, to the last, or to where they are no longer
    numbers; 0 where it ends."""
    kept = next((i for i, value in enumerate(values) if not np.isfinite(value)), len(values))
    if kept < 3 or any(values[i] - values[i + 1] < steps[i] for i in range(kept - 1)):
        return 0
    return kept if kept == len(values) or values[kept] != np.inf else 0


def fallen(how: str, label: float, distances, values: list[float]) -> Evidence:
    """Evidence of a collapse. `values`: the loss at `distances`."""
    count = len(distances)
    return Evidence(
        f"Where the prediction is right (label {label:g}), {how} {distances[0]:g} … {distances[-1]:g} takes the loss "
        f"from {values[0]:.3g} to {values[count - 1]:.3g}, with no end: the scale has no floor.",
        {"direction": how, "values": values, "distances": list(distances), "floor": None},
        {"x": list(distances), "value": values[:count], "x_title": how, "gradient": None},
    )
