"""What was not said about a loss: the usage in which it makes most sense, found by trying it, never by its text."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from keras.src import backend

from lessons.doctor.loss.completions import completions
from lessons.doctor.loss.sample import Sampler
from lessons.doctor.loss.subject import Subject, activated
from lessons.doctor.loss.traced import NOTHING, hints
from lessons.doctor.usage import Usage
from lessons.sandbox.admission import NeverRun, Refused

BEST = 4.5  # a score: see `sense`
FINITE = 3.0  # a score that only a loss reaches that is finite at all ordinary predictions
TRIALS = 3  # batches that a candidate is tried on
ALIKE = 0.15  # scores this close are a tie, and the earlier candidate wins
ALIVE = 0.9  # share of the predictions that labels of classes leave with a gradient
LARGEST_MARK = 1e6
BESIDE = 0.37  # from a mark to a label that marks nothing


class Settled(NamedTuple):
    """`usage`: with everything filled in. `failure`: what the loss raises when it is tried in it inside a graph.
    `others`: usages of other tasks in which it makes as much sense."""

    usage: Usage
    failure: Exception | None = None
    others: tuple[Usage, ...] = ()


def settle(loss: Callable | None, declared: Usage) -> Settled:
    """The usage in which a loss makes most sense of those that fit what was declared."""
    told = hints(loss) if loss is not None and declared.task is None else NOTHING
    candidates = list(completions(declared, told))
    candidates[0].check()
    if loss is None:
        return Settled(candidates[0])
    usage, *others = best(loss, candidates) if len(candidates) > 1 else candidates
    settled = [padded(loss, one, declared) for one in (usage, *others)]
    usage, failure = settled[0]
    return Settled(usage, failure, tuple(other for other, raised in settled[1:] if raised is None))


def padded(loss: Callable, usage: Usage, declared: Usage) -> tuple[Usage, Exception | None]:
    """(the usage with its padding, what the loss raises in it)"""
    if usage.padding is None:
        usage = replace(usage, padding="none")
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


def best(loss: Callable, candidates: list[Usage]) -> list[Usage]:
    """The candidate in which the loss is finite and better predictions cost less, the first of equals; behind it the
    first of each other task that is its equal."""
    scores: dict[Usage, float] = {}
    fitting: dict[str, tuple[int, ...]] = {}  # task -> the first shape in which the loss is finite: no other is tried
    done: set[str] = set()  # tasks in which no better usage can come
    open_activation = len({usage.activation for usage in candidates}) > 1
    for usage in candidates:
        if usage.task in done or fitting.get(usage.task, usage.shape) != usage.shape:
            continue
        scores[usage] = sense(loss, usage, open_activation)
        if scores[usage] >= FINITE:
            fitting.setdefault(usage.task, usage.shape)
        if scores[usage] >= BEST - ALIKE / 2:
            done.add(usage.task)
        if scores[usage] > BEST:
            break
    equals: dict[str, Usage] = {}
    for usage, score in scores.items():
        if score >= max(scores.values()) - ALIKE:
            equals.setdefault(usage.task, usage)
    return list(equals.values()) if max(scores.values()) >= FINITE else list(equals.values())[:1]


def sense(loss: Callable, usage: Usage, open_activation: bool) -> float:
    """From 0, it raises, to BEST, or beyond where no other usage can be meant: finite, with gradient, lower
    for better predictions and not for ones beyond the labels, and taking what its activation gives."""
    subject = Subject(loss, replace(usage, padding="none" if usage.padding is None else usage.padding))
    finite, lower, turns, alive = [], [], [], []
    try:
        for _ in range(TRIALS):
            y, z = subject.draw()
            way = subject.sampler.truth(y, z) - z
            before, after, beyond = (subject.eagerly(y, (z + part * way).astype(np.float32)) for part in (0, 0.7, 1.7))
            finite.append(before.finite and after.finite)
            lower.append(after.value < before.value)
            turns.append(after.value < beyond.value or usage.task != "regression")
            alive.append(1 - np.mean(before.size == 0))
        fits = not open_activation or expected_activation(subject)
        if usage.task == "regression" and usage.activation == ("linear",) and of_errors(subject):
            return BEST + 1
    except (NeverRun, Refused):
        return BEST + 1
    except Exception:  # this usage is not meant
        return 0.0
    half = usage.task in ("binary", "multiclass") and np.mean(alive) < ALIVE  # every other label teaches nothing
    return 1 + 2 * float(np.mean(finite)) + float(np.mean([lower, turns, alive])) + 0.5 * fits - 0.3 * half


def of_errors(subject: Subject) -> bool:
    """Whether it looks at y_true - y_pred alone, as only a loss of plain numbers does."""
    y, z = subject.draw()
    if y.shape != z.shape:
        return False
    here, there = subject.eagerly(y, z).value, subject.eagerly(y + 1, z + 1).value
    return bool(np.isfinite(here) and abs(here - there) < 1e-4 * (1 + abs(here)))


def expected_activation(subject: Subject) -> bool:
    """Whether a classification loss takes what this activation gives: probabilities, or logits."""
    usage = subject.usage
    if usage.labels not in ("binary", "onehot", "ids") or usage.task == "distance" or len(usage.activation) > 1:
        return True
    linear = Subject(subject.loss, replace(usage, activation=("linear",)))
    return all(takes_logits(linear) for _ in range(TRIALS)) == (usage.activation == ("linear",))


def takes_logits(linear: Subject) -> bool:
    """Whether right predictions gain beyond 1, and ever less: probabilities end at 1, a straight line never does."""
    y, z = linear.draw()
    sides = np.sign(linear.sampler.truth(y, z)).astype(np.float32)
    at_one, far, farther = (linear.eagerly(y, distance * sides).value for distance in (1.0, 5.0, 10.0))
    gains = at_one - far, far - farther
    return bool(np.isfinite(gains).all() and gains[0] > 1e-3 and gains[1] < 0.5 * gains[0])


def padding_of(subject: Subject) -> str | float:
    """How the loss itself expects padding to be marked."""
    usage = subject.usage
    if usage.timed and reads_mask(subject.loss, usage):
        return "keras"
    if asks_for_nan(subject):
        return "nan"
    for mark in sorted(set(subject.constants().tolist()), key=lambda c: (c == 0, abs(c))):
        if abs(mark) <= LARGEST_MARK and (mark != 0 or len(usage.shape) > 1) and skips(subject, mark):
            return float(mark)
    return "none"


def reads_mask(loss: Callable, usage: Usage) -> bool:
    """Whether the bare function gives another value when the prediction carries a mask."""
    sampler = Sampler(usage)
    y, z = sampler.labels(), sampler.predictions()
    mask = np.arange(z.shape[1]) < 1 + np.arange(len(z))[:, None] % z.shape[1]
    bare = getattr(loss, "call", loss)
    values = []
    for masked in (False, True):
        p = activated(usage.activation, tf.constant(z))
        if masked:
            backend.set_keras_mask(p, tf.constant(mask))
        try:
            values.append(np.asarray(bare(tf.constant(y), p)))
        except Exception:
            return False
    return values[0].shape != values[1].shape or not np.allclose(values[0], values[1], equal_nan=True)


def asks_for_nan(subject: Subject) -> bool:
    """Whether the graph asks which labels are NaN: IsNan and the like on something made from the labels alone."""
    graph = subject.traced().graph
    labels, predictions = graph.inputs[:2]
    for operation in graph.get_operations():
        asks = operation.type in ("IsNan", "IsFinite") or (
            operation.type in ("Equal", "NotEqual") and operation.inputs[0] is operation.inputs[1]
        )
        if asks:
            sources = ancestors(operation)
            if labels.op in sources and predictions.op not in sources:
                return True
    return False


def ancestors(operation: tf.Operation) -> set:
    """The operations that a graph computes this one from, itself among them."""
    found, waiting = set(), [operation]
    while waiting:
        here = waiting.pop()
        if here not in found:
            found.add(here)
            waiting.extend(tensor.op for tensor in here.inputs)
    return found


def skips(subject: Subject, mark: float) -> bool:
    """Whether a label with exactly this value teaches nothing, while labels beside it do."""
    sizes = {}
    for value in (mark, mark - BESIDE, mark + BESIDE):
        found = []
        for _ in range(TRIALS):
            y, z = subject.draw()
            place = (0, *[-1] * (y.ndim - 1))
            y[place] = value
            read = subject.at(y, z)
            if read.gradient is None or not read.finite_gradient:
                return False
            own = read.gradient[place] if y.shape == z.shape else read.gradient[place[: z.ndim - 1]]
            found.append(float(np.abs(own).max()))
        sizes[value] = found
    at_mark, *beside = sizes.values()
    return not any(at_mark) and all(itertools.chain(*beside))
