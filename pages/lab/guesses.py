"""What a learner predicted, which answer came true, and what is kept of both."""

from dataclasses import dataclass

from lessons.classroom.steps import Step
from lessons.course.lesson import Lesson, Preset
from lessons.recipe.settings import Settings
from lessons.runs.run import Run
from lessons.server.laboratory import Training
from pages.learner import identity


@dataclass
class Guess:
    """What was predicted for a preset, and what the first run after it that could answer showed."""

    answer: int
    confidence: str
    outcome: int | None = None  # the answer that came true
    unanswered: bool = False  # the last run could not answer; the next may

    def settle(self, lesson: Lesson, run: Run) -> bool:
        """Read off a run which answer came true. Whether one did."""
        self.outcome = lesson.prediction.outcome(run)
        self.unanswered = self.outcome is None
        return not self.unanswered

    def keep(self, lesson: Lesson, preset: str, kind: str = "prediction", **more: object) -> None:
        """For later sessions: its words too, for a lesson may have others some day."""
        answers = lesson.prediction.answers
        told = {"answer": self.answer, "text": answers[self.answer].text, "confidence": self.confidence}
        came = {} if self.outcome is None else {"came": answers[self.outcome].text}
        identity.keep(kind, lesson.slug, preset, {**told, "outcome": self.outcome, **came, **more})


@dataclass
class Twin:
    """The variation of a preset, as far as a learner has got with it."""

    settings: Settings
    guess: Guess | None = None
    training: Training | None = None
    problem: str = ""

    def settle(self, lesson: Lesson, preset: Preset) -> None:
        """Let its run, which has ended, say which answer came true."""
        training, self.training = self.training, None
        if training is None:
            return
        run = None if training.failure else training.run()
        if run is None or run.epochs < self.settings.epochs:
            self.guess, self.problem = None, "The variation was not trained to its end. Try it again."
        elif self.guess.settle(lesson, run):
            moved = {name: getattr(self.settings, name) for name in self.settings.to_query(preset.settings)}
            self.guess.keep(lesson, preset.name, "twin", numbers=moved)


def kept(lesson: Lesson, kind: str) -> dict[str, Guess]:
    """What was predicted on another day or in another browser, by preset; the first outcome stands."""
    found: dict[str, Guess] = {}
    for step in identity.kept(lesson.slug):
        if step.kind == kind and (guess := guess_of(lesson, step)) and newer(guess, found.get(step.name)):
            found[step.name] = guess
    return found


def newer(guess: Guess, before: Guess | None) -> bool:
    return before is None or (before.outcome is None and guess.outcome is not None)


def guess_of(lesson: Lesson, step: Step) -> Guess | None:
    """As it was kept; None where the lesson has other answers by now."""
    answers = range(len(lesson.prediction.answers))
    answer, outcome = step.content.get("answer"), step.content.get("outcome")
    if answer not in answers or outcome not in (None, *answers):
        return None
    return Guess(answer, str(step.content.get("confidence")), outcome)
