"""A learner's record on one page: what was done and predicted. From steps to numbers to HTML, and nothing else.

“Right” is a prediction whose answer came true in the run that followed it; one that no run has judged is not counted.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lessons.classroom import paper
from lessons.classroom.course_map import Standing, last_records, observed, passed, standing
from lessons.classroom.steps import Step
from lessons.course.discovery import LESSONS
from lessons.course.lesson import CONFIDENCE

NAME_LONGEST = 80


@dataclass(frozen=True)
class Tally:
    """How many of those that a run has judged were right."""

    right: int = 0
    observed: int = 0

    @property
    def share(self) -> float | None:
        return self.right / self.observed if self.observed else None

    def __str__(self) -> str:
        return f"{self.right} of {self.observed}" if self.observed else "–"

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.right + other.right, self.observed + other.observed)


@dataclass(frozen=True)
class Line:
    """One lesson of the record."""

    slug: str
    title: str
    standing: Standing
    predictions: Tally
    waiting: int  # predictions that no run has judged yet
    twins: Tally
    runs: int  # presets that were run
    exercises: int
    passed: int
    attempts: int
    hints: int


@dataclass(frozen=True)
class Record:
    """`calibration`: by how sure they said they were, the surest last; predictions and twins together."""

    lines: tuple[Line, ...]
    calibration: Mapping[str, Tally]
    began: float | None  # seconds since 1970, of the first step
    last: float | None

    @property
    def predictions(self) -> Tally:
        return sum((line.predictions for line in self.lines), Tally())

    @property
    def twins(self) -> Tally:
        return sum((line.twins for line in self.lines), Tally())

    @property
    def done(self) -> int:
        return sum(line.standing == "done" for line in self.lines)

    def total(self, name: str) -> int:
        """Of a number that each line has."""
        return sum(getattr(line, name) for line in self.lines)


def record(steps: Iterable[Step]) -> Record:
    """The record of these steps: every lesson of the course, in its order."""
    steps = list(steps)
    judged = [
        told
        for kind in ("prediction", "twin")
        for told in last_records(steps, kind).values()
        if observed(told) and told.get("confidence") in CONFIDENCE
    ]
    calibration = {word: tally(told for told in judged if told["confidence"] == word) for word in CONFIDENCE}
    times = [step.at for step in steps]
    lines = tuple(line(slug, [step for step in steps if step.slug == slug]) for slug in LESSONS)
    return Record(lines, calibration, min(times, default=None), max(times, default=None))


def line(slug: str, steps: list[Step]) -> Line:
    lesson = LESSONS[slug]
    predictions, twins = (list(last_records(steps, kind).values()) for kind in ("prediction", "twin"))
    kinds = Counter(step.kind for step in steps)
    return Line(
        slug,
        lesson.title,
        standing(lesson, steps),
        tally(predictions),
        sum(not observed(told) for told in predictions),
        tally(twins),
        len(last_records(steps, "run")),
        len(lesson.exercises),
        len(passed(steps)),
        kinds["exercise"],
        kinds["hint"],
    )


def tally(told: Iterable[Mapping]) -> Tally:
    judged = [one for one in told if observed(one)]
    return Tally(sum(one.get("answer") == one["outcome"] for one in judged), len(judged))


# --- as a page


STYLE = paper.text("record.css")


def html(found: Record, name: str = "", now: float | None = None) -> str:
    """One file that needs nothing else and prints on one A4 page. `name` is the learner's to give, and may be empty."""
    return page("record_page.html", found, name, now)


def body(found: Record, name: str = "", now: float | None = None) -> str:
    """What the page says, to be put on another page that has STYLE."""
    return page("record.html", found, name, now)


def page(template: str, found: Record, name: str, now: float | None) -> str:
    name = " ".join(name.split())[:NAME_LONGEST]
    return paper.rendered(template, found=found, name=name, now=time.time() if now is None else now, day=day)


def day(at: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(at))
