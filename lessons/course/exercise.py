"""Exercises of a lesson: data only. Each is checked by running what the learner made, never by comparing it with ours.

A start fails its goal and a solution reaches it: tests/course/test_exercises.py trains both.
"""

import inspect
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from lessons.recipe.data import Floats
from lessons.recipe.losses import Loss
from lessons.recipe.settings import Settings
from lessons.recipe.words import sentence
from lessons.runs.run import Run

ROUNDING = 1e-4  # of numbers near 1, in float32
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


@dataclass(frozen=True, kw_only=True)
class TrainedTask(Task):
    """What is trained has a goal."""

    goal: Goal

    @property
    def wanted(self) -> str:
        """What is to be reached, in one sentence."""
        return self.goal.wanted


@dataclass(frozen=True, kw_only=True)
class LossTask(TrainedTask):
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
class FindSetting(TrainedTask):
    """Move some of the settings until the goal is reached."""

    start: Settings
    moves: tuple[str, ...]  # the fields that may be moved
    solution: Settings


@dataclass(frozen=True, kw_only=True)
class MendModel(Task):
    """Mend the text of a Keras model. It is x-rayed on a padded batch, as a model on “Your case” is.

    `computes` is what the layer of class `layer` has to put out for the real steps (steps, columns) that it is given.
    """

    start: str
    solution: str
    layer: str
    does: str  # what `computes` does, as the end of a sentence
    computes: Callable[[Floats], Floats]

    @property
    def wanted(self) -> str:
        """What is to be reached, in one sentence."""
        return (
            f"The mask comes out with the predictions, padding gets in nowhere, and {self.layer} still puts out "
            f"{self.does}."
        )

    def lacks(self, found: Mapping[str, Any]) -> str:
        """What an x-ray (`walled_tasks.inspect_model`, not refused) says is still missing: a sentence, or nothing."""
        calls = found["calls"]
        place = next((place for place, call in enumerate(calls) if call["layer"] == self.layer), None)
        if place is None:
            return f"The model does not call {self.layer} any more: it has to stay, mended."
        if flaws := [one["message"] for one in found["findings"] if one["severity"] != "warning"]:
            return sentence(flaws[0])
        if not calls[0]["mask_out"]:
            return "No mask comes out with the predictions."
        put_out = calls[place]["sample"]
        before = [call["sample"] for call in calls[:place] if call["depth"] == calls[place]["depth"]]
        if put_out is None or not before or before[-1] is None or before[-1].shape != put_out.shape:
            return f"{self.layer} has to be given a sequence by a layer, and to put out one of the same shape."
        real = np.array(found["real"], bool)
        off = float(np.abs(put_out[real] - self.computes(before[-1][real])).max())
        return "" if off < ROUNDING else f"On real steps {self.layer} is up to {off:.2g} away from {self.does}."


Exercise = MendLoss | OrderLines | FindSetting | MendModel


# Text that mends several lessons' losses.
def mse_where_marked(y_true, y_pred):
    """squared error where the label is not 1000, over the number of such steps"""
    from keras import ops

    valid = ops.cast(ops.not_equal(y_true, 1000.0), y_pred.dtype)
    error = ops.square(y_true - y_pred) * valid
    return ops.sum(error) / ops.maximum(ops.sum(valid), 1.0)
