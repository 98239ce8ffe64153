"""One attempt at an exercise, run for real: a loss is examined and trained, settings are trained, a model is x-rayed.

Of a loss the clinic comes first, the training as soon as that is done: also with findings, for its curve teaches.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from lessons.course.exercise import Exercise, Goal, LossTask, MendModel, TrainedTask
from lessons.recipe.data import GARBAGE
from lessons.recipe.recipe import Pasted, Recipe
from lessons.recipe.settings import Settings
from lessons.recipe.words import first_line
from lessons.runs.run import Run
from lessons.sandbox.admission import Refused, admit
from lessons.sandbox.admission.model import admit_model
from lessons.sandbox.walled_pool import Busy, WalledPool
from lessons.server import walled_tasks
from lessons.server.laboratory import Laboratory, Training
from lessons.workers.job import Job

CANNOT_TRAIN = "raises_in_fit"  # the finding that says a training would only raise again
ELSEWHERE = "all_ignored"  # no batch of an exercise is of padding alone: it is told, and the answer passes


class Trial:
    """What was tried, and how far it is. Ask it to `advance` while you wait. Raises Busy.

    `who` watches it, on the account of `learner`; left out, of `who`. Begin one by `trial_of`.
    """

    def __init__(
        self,
        exercise: Exercise,
        answer: Settings | str,
        laboratory: Laboratory,
        walled_pool: WalledPool,
        who: Hashable,
        learner: Hashable = None,
    ):
        self.exercise, self.answer = exercise, answer
        self.laboratory, self.walled_pool, self.who = laboratory, walled_pool, who
        self.learner = who if learner is None else learner
        self.examination: Job | None = None
        self.training: Training | None = None
        self.refused: dict[str, Any] | None = None  # by the first wall, which needs no process
        self.stopped = False
        self.seen = False  # whoever asked for it has seen how it ended
        self._begin()

    def _begin(self) -> None:
        if isinstance(self.answer, Settings):
            self.recipe = Recipe(self.answer)
            self.training = self.laboratory.train(self.recipe, self.who)
            return
        assert isinstance(self.exercise, LossTask)
        self.recipe = Recipe(self.exercise.settings, pasted=Pasted(self.answer))
        self._examine(admit, walled_tasks.examine, None, usage_of(self.exercise))

    def _examine(self, admission: Callable[[str], object], task: Callable[..., object], *more: object) -> None:
        """Have the text of the answer looked at behind the walls, unless the first of them refuses it."""
        assert isinstance(self.answer, str)
        try:
            admission(self.answer)
        except Refused as refusal:
            self.refused = {"line": refusal.line, "message": refusal.message}
        else:
            self.examination = self.walled_pool.submit(task, self.answer, *more, who=self.learner)

    def advance(self) -> None:
        """Begin the training once the clinic has looked, and say that somebody waits for it."""
        if self.training:
            self.training.watch(self.who)
        elif self._may_train:
            try:
                self.training = self.laboratory.train(self.recipe, self.who, self.learner)
            except Busy:  # what was stopped before is not gone yet: the next look asks again
                return

    def stop(self) -> None:
        """Give it up: what there is stays in sight and is not judged."""
        if self.done:
            return
        self.stopped = True
        if self.examination:
            self.examination.stop()
        if self.training:
            halted = self.training.halted()
            self.training.leave(self.who)
            self.training = halted

    @property
    def done(self) -> bool:
        if self.stopped or self.refused:
            return True
        if self.training:
            return self.training.done
        return self.examination is not None and self.examination.done() and not self._may_train

    @property
    def waits_for(self) -> Job | None:
        """The job that is under way."""
        if self.done:
            return None
        return self.training.job if self.training else self.examination

    @property
    def _may_train(self) -> bool:
        """Whether the clinic has looked and the loss can be run."""
        return self.examined is not None and not (self.refusal or self.crash) and not self.stopped

    @property
    def examined(self) -> dict[str, Any] | None:
        """What the clinic answered; None while it looks, when it was stopped and when the examination failed."""
        job = self.examination
        if job is None or not job.done() or job.cancelled() or job.exception():
            return None
        return job.result()

    @property
    def findings(self) -> list[dict[str, Any]]:
        return self.examined.get("findings", []) if self.examined else []

    @property
    def errors(self) -> list[dict[str, Any]]:
        """The findings that keep an answer from passing."""
        return [one for one in self.findings if one["severity"] == "error" and one["code"] != ELSEWHERE]

    @property
    def refusal(self) -> dict[str, Any] | None:
        return self.refused or (self.examined["refused"] if self.examined else None)

    @property
    def crash(self) -> dict[str, Any] | None:
        return next((finding for finding in self.findings if finding["code"] == CANNOT_TRAIN), None)

    @property
    def failure(self) -> BaseException | None:
        """Why the examination or the training ended without an answer."""
        job = self.examination
        if job and job.done() and not job.cancelled() and job.exception():
            return job.exception()
        return self.training.failure if self.training else None

    @property
    def run(self) -> Run | None:
        """As far as it is trained."""
        return self.training.run() if self.training else None

    @property
    def judged(self) -> Run | None:
        """The run, where it is whole and can be held against the goal."""
        return self.run if self.run and self.run.closing and not self.stopped else None

    @property
    def passed(self) -> bool:
        return self.judged is not None and not self.errors and self.goal.met(self.judged)

    @property
    def goal(self) -> Goal:
        assert isinstance(self.exercise, TrainedTask)
        return self.exercise.goal

    @property
    def reached(self) -> str:
        """How it ended, in one sentence."""
        if not self.done:
            return ""
        if self.stopped:
            run = self.run
            return f"Stopped after {run.epochs} of {run.settings.epochs} epochs." if run else "Stopped."
        if self.refusal:
            line, message = self.refusal["line"], self.refusal["message"].removesuffix(".")
            return f"Line {line}: {message}." if line else f"{message[:1].upper()}{message[1:]}."
        if self.failure:
            return f"It cannot be run: {sentence(self.failure)}"
        if self.crash:
            return f"It cannot be run. {self.crash['message'].removesuffix('.')}."
        return self._judgement()

    def _judgement(self) -> str:
        """Of what was neither refused nor stopped, and can be run."""
        return self.goal.result(self.judged) if self.judged else "It was ended before it was trained."


class ModelTrial(Trial):
    """The text of a model: it is x-rayed, and nothing is trained."""

    exercise: MendModel

    def _begin(self) -> None:
        self._examine(admit_model, walled_tasks.inspect_model)

    @property
    def _may_train(self) -> bool:
        return False

    @property
    def passed(self) -> bool:
        return bool(self.examined and not self.refusal and not self.stopped and not self.exercise.lacks(self.examined))

    def _judgement(self) -> str:
        if not self.examined:
            return "It was ended before it was looked at."
        return self.exercise.lacks(self.examined) or self.exercise.wanted


def trial_of(exercise: Exercise, *how: Any) -> Trial:
    """An attempt is begun. `how`: as for Trial. Raises Busy."""
    return (ModelTrial if isinstance(exercise, MendModel) else Trial)(exercise, *how)


def usage_of(exercise: LossTask) -> dict[str, str]:
    """How its settings use a loss, as options of the clinic."""
    settings, path = exercise.settings, Recipe(exercise.settings).mask_path
    timed, kind, columns = settings.predicts.per_step, settings.predicts.kind, settings.predicts.columns
    task, labels = {"number": ("regression", "float"), "binary": ("binary", "binary")}.get(kind, ("multiclass", "ids"))
    squashed = "softmax" if settings.predicts.ranked else "sigmoid"
    marks = {"zero": "0", "garbage": f"{GARBAGE:g}", "nan": "nan", "random": "none"}
    if settings.nan_share and settings.nan_fill == "keep":
        padding = "nan"
    elif timed and (path.passed or (path.weighted and settings.mask != "none")):  # masked labels have no say
        padding = "keras"
    else:
        padding = marks[settings.padded_labels] if timed and settings.padding_share else "none"
    return {
        "task": task,
        "activation": getattr(settings, "activation", squashed if settings.predicts.probability else "linear"),
        "shape": f"B,T,{columns}" if timed else f"B,{columns}",
        "labels": labels,
        "padding": exercise.padding or padding,
    }


def sentence(failure: BaseException) -> str:
    """What it says, as one sentence."""
    words = first_line(failure)
    return words if words.endswith(".") else f"{words}."
