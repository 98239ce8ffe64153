"""What a lesson is: data only. One file in catalog/ holds one `LESSON`; nothing else is edited to add it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lessons.course.exercise import Exercise
from lessons.course.experiment import Experiment
from lessons.recipe.bad_input import BadInput
from lessons.recipe.settings import Settings
from lessons.runs.run import Run

CHAPTERS = ("Five answers", "Behind the answers", "Attention and tokens")
UNANSWERED = "This run cannot answer it."  # said in place of an outcome: nothing is kept, and nothing counts
CONFIDENCE = ("a guess", "fairly sure", "certain")  # how sure one is of a prediction, the surest last


@dataclass(frozen=True)
class Preset:
    """Named settings: demo button, share link and test input at once."""

    name: str
    label: str
    says: str  # one sentence: what this shows
    settings: Settings
    examples: tuple[str, ...] = ()  # ids of the published examples (README) that this preset makes
    claimed: str = ""  # what the published answer claimed of them, in our words
    truth: str = ""  # what is true instead, without numbers: those are measured
    findings: tuple[str, ...] = ()  # codes of what the doctor finds in this run: exactly these, in any order
    published: Experiment | None = None  # the example as published, where it is not a training of these settings


@dataclass(frozen=True)
class Answer:
    """One answer to a prediction."""

    text: str
    belief: str  # the misconception behind it, told when it did not come true


@dataclass(frozen=True)
class Prediction:
    """The question before Run.

    `outcome`: which of the answers came true, read off the run; None where it cannot answer the question. Where no
    gradient is finite nobody knows how much of it lies on padding.
    """

    question: str
    answers: tuple[Answer, ...]
    outcome: Callable[[Run], int | None]


def of_padding(leak: float, padding: np.ndarray) -> int | None:
    """0: none of the gradient lies on padding, 1: no more than padding's share of the steps, 2: more than that.

    `leak`: share of the gradient; padding (batch, time) bool. None without padding, and where the leak is NaN.
    """
    share = padding.mean()
    if share == 0 or leak != leak:
        return None
    return 0 if leak == 0 else 1 if leak <= share else 2


@dataclass(frozen=True)
class Contrast:
    """What must be visible: the failure's quantity is at least twice the repair's, or NaN against finite."""

    failure: str  # preset
    repair: str  # preset
    quantity: str  # in words
    measure: Callable[[Run], float]


@dataclass(frozen=True)
class Lesson:
    """The first preset is the one a page opens with."""

    chapter: str
    order: int
    title: str  # the question as people ask it
    text: str  # a short answer in Markdown, before the fold
    aims: tuple[str, ...]  # what a class can do afterwards: two or three sentences
    notes: str  # for whoever teaches it, in Markdown; no verdict and no number that a run could turn
    controls: tuple[str, ...]  # Settings fields in sight
    more: tuple[str, ...]  # Settings fields behind "More"
    losses: tuple[str, ...]  # names of the losses on offer
    presets: tuple[Preset, ...]
    prediction: Prediction
    contrast: Contrast
    experiments: tuple[Experiment, ...] = ()  # what the lesson measures besides training
    reading: tuple[tuple[str, str], ...] = ()  # (title, address)
    exercises: tuple[Exercise, ...] = ()  # at the end of the page; each is checked by running what the learner made
    open: bool = False  # nothing is asked and nothing preset: the learner's own data decide
    slug: str = ""  # the file's name, filled in on discovery

    def preset(self, name: str) -> Preset:
        """Raises BadInput."""
        for preset in self.presets:
            if preset.name == name:
                return preset
        names = ", ".join(preset.name for preset in self.presets)
        raise BadInput(f"preset: got “{name[:40]}”; {self.slug} has {names}.")

    def exercise(self, name: str) -> Exercise:
        """Raises KeyError."""
        return {exercise.name: exercise for exercise in self.exercises}[name]

    @property
    def examples(self) -> tuple[str, ...]:
        return tuple(sorted({example for preset in self.presets for example in preset.examples}))
