"""Ordinary labels of each kind, drawn at random: what a label of that name can be, and nothing at its edge."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np

from lessons.doctor.usage import Usage


class Drawing(Protocol):
    """Who draws: `usage` that is drawn for, `rng`, `activations` of the prediction, and how many `classes` it has."""

    usage: Usage
    rng: np.random.Generator
    activations: tuple[str, ...]

    @property
    def classes(self) -> int: ...

    @property
    def has_truth(self) -> bool: ...


def draw_float(sampler: Drawing, shape) -> np.ndarray:
    """Numbers about 0, (shape), none of them nearly 0."""
    y = sampler.rng.normal(0, 1, shape)
    return np.where(np.abs(y) < 0.1, 0.1 + np.abs(y), y)  # an exact or nearly 0 label is looked at on its own


def draw_nonnegative(sampler: Drawing, shape) -> np.ndarray:
    """Numbers above 0.1, (shape)."""
    return sampler.rng.gamma(2, 1, shape) + 0.1


def draw_probabilities(sampler: Drawing, shape) -> np.ndarray:
    """Shares that sum to 1 along the last axis, or numbers from 0.05 to 0.95, (shape)."""
    if sampler.activations[0] == "softmax" or sampler.usage.task == "multiclass":
        return sampler.rng.dirichlet(np.ones(shape[-1]), shape[:-1])
    return sampler.rng.uniform(0.05, 0.95, shape)


def draw_binary(sampler: Drawing, shape) -> np.ndarray:
    """0 and 1, (shape), both of them there."""
    y = sampler.rng.integers(0, 2, shape)
    flat = y.reshape(-1)
    flat[: min(2, flat.size)] = [0, 1][: flat.size]  # both kinds occur
    return y


def draw_onehot(sampler: Drawing, shape) -> np.ndarray:
    """(shape) with a single 1 along the last axis."""
    return np.eye(shape[-1])[sampler.rng.integers(0, shape[-1], shape[:-1])]


def draw_ids(sampler: Drawing, shape) -> np.ndarray:
    """Ids below the number of classes, without the one that marks padding; a last class may be CTC's blank. (shape)."""
    classes = max(sampler.classes, 2) - (not sampler.has_truth)
    ids = [number for number in range(classes) if number != sampler.usage.padding]
    y = sampler.rng.choice(ids, shape)
    flat = y.reshape(-1)
    flat[: min(2, flat.size)] = ids[: min(2, flat.size)]
    return y


def draw_embedding(sampler: Drawing, shape) -> np.ndarray:
    """Ids that each occur two or three times where there are that many, (shape)."""
    count = math.prod(shape)
    return sampler.rng.permutation(np.arange(count) % max(1, count // 3)).reshape(shape)


def draw_ranking(sampler: Drawing, shape) -> np.ndarray:
    """Grades of a list's items, (shape): as declared, ids from 0 to 4; in every list more than one grade."""
    if sampler.usage.labels == "ids":
        y = sampler.rng.integers(0, 5, shape)
    else:
        y = DRAWS[sampler.usage.labels](sampler, shape)
    if sampler.usage.labels in ("ids", "binary") and shape[-1] > 1:
        y[..., 0], y[..., -1] = 0, 1
    return y


def draw_survival(sampler: Drawing, shape) -> np.ndarray:
    """(batch, …) as declared; of numbers times.

    In a last column, where there is more than one, 1 for an event and 0 for an end of watching.
    """
    if sampler.usage.labels not in ("float", "nonnegative"):
        return DRAWS[sampler.usage.labels](sampler, shape)
    y = draw_nonnegative(sampler, shape)
    if len(shape) > 1 and shape[-1] > 1:
        y[..., -1] = draw_binary(sampler, shape[:-1])
    return y


def draw_transcript(sampler: Drawing, shape) -> np.ndarray:
    """Ids without repetition, neither the first nor the last class: either may be the blank. (shape)."""
    ids = max(2, sampler.classes - 2)
    steps = sampler.rng.integers(1, ids, shape)
    return 1 + np.cumsum(steps, axis=-1) % ids


def draw_angles(sampler: Drawing, shape) -> np.ndarray:
    """Radians from -π to π, (shape)."""
    return sampler.rng.uniform(-math.pi, math.pi, shape)


def draw_boxes(sampler: Drawing, shape) -> np.ndarray:
    """Corners x1, y1, x2, y2 in the unit square, most of them small enough to miss each other. (…, 4)."""
    low = sampler.rng.uniform(0.02, 0.7, (*shape[:-1], 2))
    size = sampler.rng.uniform(0.1, 0.28, (*shape[:-1], 2))
    return np.concatenate([low, low + size], axis=-1)


DRAWS = {
    "float": draw_float,
    "nonnegative": draw_nonnegative,
    "probabilities": draw_probabilities,
    "binary": draw_binary,
    "onehot": draw_onehot,
    "ids": draw_ids,
    "angles": draw_angles,
    "boxes": draw_boxes,
    "embedding": draw_embedding,
    "ranking": draw_ranking,
    "survival": draw_survival,
    "transcript": draw_transcript,
}
