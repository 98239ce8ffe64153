"""Exercises of a lesson: data only. Each is checked by running what the learner made, never by comparing it with ours.

A start fails its goal and a solution reaches it: tests/course/test_exercises.py trains both.
"""

import inspect
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lessons.recipe.losses import Loss
from lessons.recipe.settings import Settings
from lessons.recipe.words import sentence
from lessons.runs.run import Run

HEAD = "from keras import ops\n\n\ndef loss(y_true, y_pred):\n"


class Reading(NamedTuple):
    """One number that a goal looks at."""

    name: str
    value: float
    wanted: str
    met: bool

    def __str__(self) -> str:
        return f"{self.name} {_number(self.value)}" + ("" if self.met else f", wanted {self.wanted}")


@dataclass(frozen=True)
class Goal:
    """Bounds on what a training reaches; those that are None are not looked at. A leak of 0 means: none at all."""

    error: float | None = None  # on truly real steps against the true labels, after the last epoch
    leak: float | None = None  # share of the gradient at the predictions that lies on padding, in the worst epoch
    input_leak: float | None = None  # the same at the inputs
    val_loss: float | None = None  # after the last epoch
    wrong_alone: float | None = None  # share of the answers, of a model that writes them without help

    def readings(self, run: Run) -> list[Reading]:
        values = (float(of(run)) for _, _, of, _ in self._bounds)
        return [
            Reading(name, value, _bound(limit), value <= limit if limit == 0 else value < limit)
            for value, (_, name, _, limit) in zip(values, self._bounds, strict=True)
        ]

    def met(self, run: Run) -> bool:
        """Whether a whole run reaches all of it. NaN reaches nothing."""
        return all(reading.met for reading in self.readings(run))

    def result(self, run: Run) -> str:
        """What was reached and, where that is not enough, what is wanted: one sentence."""
        return sentence("; ".join(map(str, self.readings(run))))

    @property
    def wanted(self) -> str:
        """What is to be reached, in one sentence."""
        parts = [
            f"no {name}" if limit == 0 else f"{article}{name} {_bound(limit)}"
            for article, name, _, limit in self._bounds
        ]
        return sentence(" and ".join(parts))

    @property
    def _bounds(self) -> list[tuple[str, str, Callable[[Run], float], float]]:
        """Article, name, what a run says, and the bound, of what is looked at."""
        every = (
            ("an ", "error on real steps", lambda run: run.snapshot.error[-1], self.error),
            ("", "gradient on padding", lambda run: worst(run.leak), self.leak),
            ("", "input gradient on padding", lambda run: worst(run.input_leak), self.input_leak),
            ("a ", "validation loss", lambda run: run.snapshot.val_loss[-1], self.val_loss),
            (
                "a ",
                "share of wrong answers, writing alone",
                lambda run: run.measures.get("wrong_alone", np.nan),
                self.wrong_alone,
            ),
        )
        return [(article, name, of, limit) for article, name, of, limit in every if limit is not None]


def worst(leak: np.ndarray) -> float:
    """The largest share of all kept epochs; NaN where none has a finite gradient other than 0."""
    return float(np.nanmax(leak)) if np.isfinite(leak).any() else float("nan")


def _bound(limit: float) -> str:
    return "none" if limit == 0 else f"below {limit:g}"


def _number(value: float) -> str:
    return f"{value:.3g}" if np.isfinite(value) else "NaN"


@dataclass(frozen=True, kw_only=True)
class Task:
    """What all exercises say."""

    name: str  # in keys, and in what is kept of a learner
    title: str
    asks: str  # Markdown: what is wrong, what is wanted, without the numbers of the goal
    hints: tuple[str, ...]  # each gives away more than the one before; the solution comes after the last
    goal: Goal


@dataclass(frozen=True, kw_only=True)
class LossTask(Task):
    """A loss to be written: the clinic examines the text, and it trains with `settings`."""

    settings: Settings
    padding: str = ""  # what the clinic is told of it, where padding is marked otherwise than the settings say


@dataclass(frozen=True, kw_only=True)
class MendLoss(LossTask):
    """Mend a broken loss.

    `broken` and `mended` are functions, most of the lesson file, imports inside: the learner gets their source.
    """

    broken: Loss
    mended: Loss

    @property
    def start(self) -> str:
        return inspect.getsource(self.broken)

    @property
    def solution(self) -> str:
        return inspect.getsource(self.mended)


@dataclass(frozen=True, kw_only=True)
class OrderLines(LossTask):
    """Put the lines of a loss in order. Each line brings its indentation; some orders run and are wrong."""

    lines: tuple[str, ...]  # in an order that reaches the goal
    spare: tuple[str, ...] = ()  # lines that are better left out
    head: str = HEAD  # what stands above the lines, and stays there

    @property
    def every_line(self) -> tuple[str, ...]:
        """All lines as they are dealt: shuffled, the same way for everybody."""
        lines = [*self.lines, *self.spare]
        random.Random(self.name).shuffle(lines)
        return tuple(lines)

    def text(self, lines: Sequence[str]) -> str:
        return self.head + "".join(f"    {line}\n" for line in lines or ("pass",))

    def lines_of(self, text: str) -> tuple[str, ...] | None:
        """The lines that an assembled text is made of; None for a text that is none."""
        if not text.startswith(self.head):
            return None
        lines = tuple(
            line.removeprefix("    ") for line in text[len(self.head) :].splitlines() if line.strip() != "pass"
        )
        return lines if set(lines) <= {*self.lines, *self.spare} and len(set(lines)) == len(lines) else None

    @property
    def start(self) -> str:
        return self.text(self.every_line)

    @property
    def solution(self) -> str:
        return self.text(self.lines)


@dataclass(frozen=True, kw_only=True)
class FindSetting(Task):
    """Move some of the settings until the goal is reached."""

    start: Settings
    moves: tuple[str, ...]  # the fields that may be moved
    solution: Settings


Exercise = MendLoss | OrderLines | FindSetting


# Text that mends several lessons' losses.
def mse_where_marked(y_true, y_pred):
    """squared error where the label is not 1000, over the number of such steps"""
    from keras import ops

    valid = ops.cast(ops.not_equal(y_true, 1000.0), y_pred.dtype)
    error = ops.square(y_true - y_pred) * valid
    return ops.sum(error) / ops.maximum(ops.sum(valid), 1.0)
