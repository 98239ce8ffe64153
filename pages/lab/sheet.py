"""What one learner has of the exercises of one lesson: an answer to each, the attempts, the hints that were taken.

Like the form it outlives its widgets: Streamlit forgets those that another page does not show.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from lessons.classroom import pace
from lessons.classroom.refusal import TooOften
from lessons.course.exercise import Exercise, FindSetting, OrderLines
from lessons.course.lesson import Lesson
from lessons.recipe.bad_input import BadInput
from lessons.recipe.settings import Settings
from lessons.recipe.words import sentence
from lessons.sandbox import walled_pool
from lessons.sandbox.walled_pool import Busy
from lessons.server.attempt import Trial, trial_of
from lessons.server.laboratory import shared
from lessons.workers.job import Job, OutOfOrder
from pages.lab.state import verb
from pages.learner import identity
from pages.server.presence import session, watch

EXERCISE, HINT = "exercise", "hint"  # kinds of what is kept of a learner
FIRST_LOOK = 0.15  # seconds that a click waits for an answer: a run that is known is there at once


@dataclass(frozen=True)
class Attempt:
    passed: bool
    reached: str  # one sentence


@dataclass
class Sheet:
    """One exercise."""

    slug: str
    exercise: Exercise
    text: str = ""  # of a loss or a model that is mended
    lines: list[str] = field(default_factory=list)  # in order
    out: list[str] = field(default_factory=list)  # lines that are left out
    line: str = ""  # the one that the buttons move
    settings: Settings | None = None  # of a setting that is looked for
    hints: int = 0  # taken so far; the solution is the one after the last
    attempts: list[Attempt] = field(default_factory=list)
    trial: Trial | None = None  # the one in sight
    busy: str = ""  # why the last press could not be taken
    laid: int = 0  # how often the widgets were set in place of the learner

    def __post_init__(self):
        self.answer = self.exercise.start

    def key(self, name: str = "") -> str:
        return f"{self.slug}:exercise:{self.exercise.name}:{name}"

    def field_key(self, name: str) -> str:
        """Of the widget of a Settings field."""
        return self.key(f"{name}:{self.laid}")

    @property
    def answer(self) -> Settings | str:
        if isinstance(self.exercise, FindSetting):
            return self.settings
        return self.exercise.text(self.lines) if isinstance(self.exercise, OrderLines) else self.text

    @answer.setter
    def answer(self, answer: Settings | str) -> None:
        if isinstance(answer, Settings):
            self.settings = answer
        elif isinstance(self.exercise, OrderLines):
            self.lines = list(self.exercise.lines_of(answer) or self.exercise.every_line)
            self.out = [line for line in self.exercise.every_line if line not in self.lines]
            self.line = self.lines[0] if self.lines else self.out[0]
        else:
            self.text = answer
        self.lay()

    @property
    def solved(self) -> bool:
        return any(attempt.passed for attempt in self.attempts)

    @property
    def waiting(self) -> bool:
        return self.trial is not None and not self.trial.done

    @property
    def stale(self) -> bool:
        """Whether the answer has changed since the attempt in sight."""
        return self.trial is not None and self.trial.answer != self.answer

    def lay(self) -> None:
        """Set the widgets to what is here. New keys: the browser may still bring the old widgets' values along."""
        self.laid += 1
        if isinstance(self.exercise, FindSetting):
            for name in self.exercise.moves:
                st.session_state[self.field_key(name)] = getattr(self.settings, name)
        elif not isinstance(self.exercise, OrderLines):
            st.session_state[self.field_key("text")] = self.text

    def collect(self) -> None:
        """Take what the widgets stand at. A callback has to ask too: no script may have run since they were moved."""
        state = st.session_state
        if isinstance(self.exercise, FindSetting):
            shown = {name: state.get(self.field_key(name)) for name in self.exercise.moves}
            self.settings = self.settings.with_changes(
                {name: value for name, value in shown.items() if value is not None}
            )
        elif isinstance(self.exercise, OrderLines):
            picked = state.get(self.key("line"))
            self.line = picked if picked in (*self.lines, *self.out) else self.line
        else:
            self.text = state.get(self.field_key("text"), self.text)

    # --- what a learner does

    @verb
    def begin_again(self) -> None:
        self.answer = self.exercise.start

    @verb
    def show_solution(self) -> None:
        self.answer = self.exercise.solution

    @verb
    def move(self, by: int) -> None:
        """The chosen line up or down; a line that is left out comes back as the last one."""
        if self.line in self.out:
            self.take_back()
            return
        at = self.lines.index(self.line)
        to = min(max(at + by, 0), len(self.lines) - 1)
        self.lines.insert(to, self.lines.pop(at))

    @verb
    def leave_out(self) -> None:
        self.lines.remove(self.line)
        self.out.append(self.line)

    @verb
    def take_back(self) -> None:
        self.out.remove(self.line)
        self.lines.append(self.line)

    @verb
    def check(self) -> None:
        """Begin an attempt; one that is under way is given up."""
        self.stop()
        self.busy = ""
        try:
            if not isinstance(self.exercise, FindSetting):
                pace.spend("clinic", identity.who())
            self.trial = trial_of(
                self.exercise, self.answer, shared(), walled_pool.shared(), (session(), self.key()), identity.who()
            )
        except (Busy, TooOften) as busy:
            self.busy = sentence(busy)

    @verb
    def stop(self) -> None:
        if self.waiting:
            self.trial.stop()

    @verb
    def take_hint(self, keep: bool = True) -> None:
        self.hints = min(self.hints + 1, len(self.exercise.hints) + 1)
        if keep:
            identity.keep(HINT, self.slug, self.exercise.name, {"count": self.hints})

    def advance(self) -> Job | None:
        """Let the attempt go on, as long as this session is there. What it waits for."""
        self.trial.advance()
        if self.trial.training:
            watch(self.trial.training, self.trial.who)
        return self.trial.waits_for

    def look(self, keep: bool) -> None:
        """Take what the widgets stand at, and see how far the attempt is, with a moment for one that is nearly done."""
        # A button's value is nobody's to set: it is there as long as Streamlit knows the widgets of the last run.
        self.collect() if self.key("check") in st.session_state else self.lay()
        until = time.monotonic() + FIRST_LOOK
        while self.trial and (job := self.advance()) and (left := until - time.monotonic()) > 0:
            job.wait_beyond(len(job.items), left)
        self.settle(keep)

    def settle(self, keep: bool) -> None:
        """Write down how the attempt ended, once. What was stopped is no attempt. `keep`: for later sessions too."""
        trial = self.trial
        if trial is None or trial.seen or not trial.done:
            return
        trial.seen = True
        if trial.stopped or isinstance(trial.failure, OutOfOrder):  # the learner's doing it was not
            return
        self.attempts.append(Attempt(trial.passed, trial.reached))
        if keep:
            told = {"passed": trial.passed, "reached": trial.reached, "answer": self.plain(trial.answer)}
            identity.keep(EXERCISE, self.slug, self.exercise.name, told)

    # --- what is kept

    def plain(self, answer: Settings | str) -> str | dict[str, str]:
        """A text as it is; settings as what differs from the start."""
        if not isinstance(answer, Settings):
            return answer
        assert isinstance(self.exercise, FindSetting)
        return answer.to_query(self.exercise.start)

    def restore(self, told: Mapping[str, Any]) -> None:
        """An attempt of an earlier session. An answer that the exercise cannot have any more is left."""
        self.attempts.append(Attempt(bool(told.get("passed")), str(told.get("reached", ""))))
        answer = told.get("answer")
        if not isinstance(self.exercise, FindSetting):
            if isinstance(answer, str):  # a very long one was not kept
                self.answer = answer
            return
        try:
            self.answer = self.exercise.start.with_changes(answer)
        except (BadInput, TypeError, AttributeError):
            return


@dataclass
class Exercises:
    """The sheets of a lesson."""

    sheets: dict[str, Sheet]
    chosen: str | None = None  # none: only the titles are shown

    @property
    def sheet(self) -> Sheet | None:
        return self.sheets.get(self.chosen or "")

    @property
    def solved(self) -> int:
        return sum(sheet.solved for sheet in self.sheets.values())

    def choose(self, name: str | None) -> None:
        if self.sheet:
            self.sheet.collect()
        self.chosen = name


def exercises_of(lesson: Lesson) -> Exercises:
    """This learner's, with what was kept of them when that is new here."""
    place = f"{lesson.slug}:exercises"
    mine = st.session_state.get(place)
    if mine is None:
        mine = Exercises({exercise.name: Sheet(lesson.slug, exercise) for exercise in lesson.exercises})
        st.session_state[place] = mine
        for step in identity.kept(lesson.slug):
            sheet = mine.sheets.get(step.name)
            if sheet and step.kind == EXERCISE:
                sheet.restore(step.content)
            elif sheet and step.kind == HINT:
                sheet.hints = min(max(sheet.hints, int(step.content.get("count", 0))), len(sheet.exercise.hints) + 1)
    return mine
