"""What was not said about a loss: the usage in which it makes most sense, found by trying it, never by its text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from lessons.doctor.loss.columns import kinds
from lessons.doctor.loss.completions import completions
from lessons.doctor.loss.marks import padding_of, reads_mask
from lessons.doctor.loss.rules.batches import broadcast_bug
from lessons.doctor.loss.subject import Subject
from lessons.doctor.loss.traced import NOTHING, Hints, hints
from lessons.doctor.usage import TIMESTEPS, Usage
from lessons.sandbox.admission import NeverRun, Refused

BEST = 4.5  # a score: see `sense`
FINITE = 3.0  # a score that only a loss reaches that is finite at all ordinary predictions
TRIALS = 3  # batches that a candidate is tried on
ALIKE = 0.15  # scores this close are a tie, and the earlier candidate wins
ALIVE = 0.9  # share of the predictions that labels of classes leave with a gradient
FAR = (np.float32(1e3), np.float32(1e4))  # from all labels
LEVELS_OFF = 0.2  # of the gain from 1 to 5, what logits gain from 5 to 10; a plain logarithm gains 0.43 of it


class Settled(NamedTuple):
    """`usage`: with everything filled in. `failure`: what the loss raises when it is tried in it inside a graph.
    `others`: usages of another sort in which it makes as much sense. `told`: what its graph tells."""

    usage: Usage
    failure: Exception | None = None
    others: tuple[Usage, ...] = ()
    told: Hints = NOTHING


def settle(loss: Callable | None, declared: Usage) -> Settled:
    """The usage in which a loss makes most sense of those that fit what was declared."""
    told = hints(loss) if loss is not None and declared.task is None else NOTHING
    candidates = list(completions(declared, told))
    candidates[0].check()
    if loss is None:
        return Settled(candidates[0])
    known = measured(loss, declared, told)
    usage, *others = known or (best(loss, candidates, told.pooled) if len(candidates) > 1 else candidates)
    settled = [padded(loss, one, declared) for one in (usage, *others)]
    usage, failure = settled[0]
    return Settled(usage, failure, tuple(other for other, raised in settled[1:] if raised is None), told)


def measured(loss: Callable, declared: Usage, told: Hints) -> list[Usage]:
    """The one usage that the loss itself shows when it is called: columns of different kinds, or frames beside a
    transcript of another length. Empty: none."""
    if declared.labels or declared.activation or declared.shape or not told.traced:
        return []
    if (told.label_rank, told.rank) == (2, 3):  # only so it can be traced
        usage = next(completions(replace(declared, task="transcript")))
        return [usage] if failure_of(Subject(loss, replace(usage, padding="none"))) is None else []
    if (
        told.apart
        and told.columns
        and told.columns == told.label_columns
        and not (told.boxes or told.ordered or told.alike)
    ):
        found = kinds(getattr(loss, "call", loss), told.columns)
        if found and len(set(zip(*found, strict=True))) > 1:
            columns = (told.columns,)
            return [
                replace(
                    declared,
                    task="regression",
                    shape=columns,
                    label_shape=columns,
                    activation=found.activation if len(set(found.activation)) > 1 else found.activation[:1],
                    labels=",".join(found.labels) if len(set(found.labels)) > 1 else found.labels[0],
                )
            ]
    return []


def padded(loss: Callable, usage: Usage, declared: Usage) -> tuple[Usage, Exception | None]:
    """(the usage with its padding, what the loss raises in it)"""
    if usage.padding is None:
        usage = replace(usage, padding="none")
    if declared.padding is None and declared.shape is None and not usage.timed and usage.shape == usage.label_shape:
        steps = replace(usage, shape=(TIMESTEPS, *usage.shape), label_shape=(TIMESTEPS, *usage.shape))
        if reads_mask(loss, steps):  # a mask has a time axis
            usage = steps
    subject = Subject(loss, usage)
    failure = failure_of(subject)
    if failure is None and declared.padding is None:
        usage = replace(usage, padding=padding_of(subject))
    return usage, failure


def failure_of(subject: Subject) -> Exception | None:
    """What it raises inside a graph on an ordinary batch."""
    subject.settle_rows()
    try:
        subject.at(*subject.draw())
    except Exception as failure:
        return failure
    return None


def best(loss: Callable, candidates: list[Usage], pooled: bool = False) -> list[Usage]:
    """The candidate in which the loss is finite and better predictions cost less, the first of equals; behind it the
    first of each other sort that is its equal.

    `pooled`: where a whole sequence may have one label, this is examined beside the usage in which it has not.
    """
    scores: dict[Usage, float] = {}
    fitting: dict[tuple, tuple[int, ...]] = {}  # sort -> the first shape in which the loss is finite: no other is tried
    done: set[tuple] = set()  # sorts in which no better usage can come
    open_activation = len({usage.activation for usage in candidates}) > 1
    classes = any(usage.task == "multiclass" for usage in candidates)
    for usage in candidates:
        if sort(usage) in done or fitting.get(sort(usage), usage.shape) != usage.shape:
            continue
        scores[usage] = sense(loss, usage, open_activation, classes)
        if scores[usage] >= FINITE:
            fitting.setdefault(sort(usage), usage.shape)
        if scores[usage] >= BEST - ALIKE / 2:
            done.add(sort(usage))
        if scores[usage] > BEST and not pooled:
            break
    equals: dict[tuple, Usage] = {}
    for usage, score in scores.items():
        if score >= max(scores.values()) - ALIKE or (pooled and score >= FINITE and usage.task == "regression"):
            equals.setdefault(sort(usage), usage)
    return list(equals.values()) if max(scores.values()) >= FINITE else list(equals.values())[:1]


def sort(usage: Usage) -> tuple[str, bool]:
    """What two usages must differ in to be told apart: the task, and whether a whole sequence has one label."""
    return usage.task, usage.labels != "ids" and len(usage.label_shape) < len(usage.shape)


def sense(loss: Callable, usage: Usage, open_activation: bool, classes: bool = False) -> float:
    """From 0, it raises, to BEST, or beyond where no other usage can be meant: finite, with gradient, lower
    for better predictions and not for ones beyond the labels, and taking what its activation gives.

    `classes`: whether columns may be classes.
    """
    subject = Subject(loss, replace(usage, padding="none" if usage.padding is None else usage.padding))
    finite, lower, turns, alive = [], [], [], []
    try:
        if usage.task == "regression" and usage.shape == (1,):  # rows may belong together
            subject.settle_rows()
        for _ in range(TRIALS):
            y, z = subject.draw()
            way = subject.sampler.truth(y, z) - z
            before, after, beyond = (subject.eagerly(y, (z + part * way).astype(np.float32)) for part in (0, 0.7, 1.7))
            finite.append(before.finite and after.finite)
            lower.append(after.value < before.value or subject.sampler.grouped)
            turns.append(after.value < beyond.value or usage.task != "regression" or subject.sampler.grouped)
            alive.append(1 - np.mean(before.size == 0))
        fits = not open_activation or expected_activation(subject)
        if usage.task == "regression" and usage.activation == ("linear",) and of_errors(subject):
            return BEST + 1
    except (NeverRun, Refused):
        return BEST + 1
    except Exception:  # this usage is not meant
        return 0.0
    slides = classes and usage.task == "regression" and has_no_level(subject)
    crosses = usage.labels == "ids" and is_crossed(subject)
    half = usage.task in ("binary", "multiclass") and np.mean(alive) < ALIVE  # every other label teaches nothing
    makes = 1 + 2 * float(np.mean(finite)) + float(np.mean([lower, turns, alive])) + 0.5 * fits
    endless = usage.task == "regression" and usage.labels == "float" and falls(subject)
    return makes - 0.3 * (half + slides) - 0.6 * (crosses + endless)


def of_errors(subject: Subject) -> bool:
    """Whether it looks at y_true - y_pred alone, as only a loss of plain numbers does."""
    y, z = subject.draw()
    if y.shape != z.shape:
        return False
    here, there = subject.eagerly(y, z).value, subject.eagerly(y + 1, z + 1).value
    return bool(np.isfinite(here) and abs(here - there) < 1e-4 * (1 + abs(here)))


def falls(subject: Subject) -> bool:
    """Whether far out the loss still falls where all labels are below 0, as that of counts does."""
    y, z = subject.draw()
    y = -np.abs(y)
    far, farther = ([subject.eagerly(y, z + side * far).value for side in (-1, 1)] for far in FAR)
    return any(np.isfinite(there) and there < here - 1 < -1 for here, there in zip(far, farther, strict=True))


def is_crossed(subject: Subject) -> bool:
    """Whether every label meets every prediction, or a batch whose size is known does not go through at all."""
    try:
        subject.static_graph()
    except Exception:
        return True
    return broadcast_bug(subject) is not None


def has_no_level(subject: Subject) -> bool:
    """Whether all columns of a prediction may rise together and the loss stays, but not where they are stretched: so it
    is behind a softmax, while a correlation does not see either."""
    y, z = subject.draw()
    if z.shape[-1] < 2:
        return False
    up = subject.sampler.rng.normal(0, 1, (*z.shape[:-1], 1)).astype(np.float32)
    here, raised, stretched = (subject.eagerly(y, other).value for other in (z, z + up, 2 * z))
    close = 1e-4 * (1 + abs(here))
    return bool(abs(raised - here) < close < abs(stretched - here))


def expected_activation(subject: Subject) -> bool:
    """Whether a classification loss takes what this activation gives: probabilities, or logits."""
    usage = subject.usage
    if usage.labels not in ("binary", "onehot", "ids") or usage.task == "distance" or len(usage.activation) > 1:
        return True
    linear = Subject(subject.loss, replace(usage, activation=("linear",)))
    return all(takes_logits(linear) for _ in range(TRIALS)) == (usage.activation == ("linear",))


def takes_logits(linear: Subject) -> bool:
    """Whether right predictions gain beyond 1, and soon no more: probabilities end at 1, a straight line never does."""
    y, z = linear.draw()
    sides = np.sign(linear.sampler.truth(y, z)).astype(np.float32)
    at_one, far, farther = (linear.eagerly(y, distance * sides).value for distance in (1.0, 5.0, 10.0))
    gains = at_one - far, far - farther
    return bool(np.isfinite(gains).all() and gains[0] > 1e-3 and gains[1] < LEVELS_OFF * gains[0])
