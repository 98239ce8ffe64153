"""How a room voted, drawn as bars in HTML: a hundred phones take that at once, and it is text for who cannot see it."""

import time
from collections.abc import Iterable
from concurrent.futures import wait
from dataclasses import dataclass, replace
from functools import cache
from html import escape

import streamlit as st

from lessons.classroom.gradebook import Item, item
from lessons.classroom.room_state import Asked, Room, Tally
from lessons.course.discovery import find
from lessons.course.lesson import UNANSWERED, Answer, Lesson, Preset
from lessons.course.variation import variation, variation_words
from lessons.recipe.bad_input import BadInput
from lessons.recipe.recipe import Recipe
from lessons.server.laboratory import Training, shared
from pages.parts.quotation import quoted

NAMES = {1: "first vote", 2: "second vote"}


def asked(room: Room) -> tuple[Lesson, Preset]:
    """The lesson and preset before the room. Raises BadInput where the course has them no more."""
    return lesson_and_preset(room.slug, room.preset, room.variation)


def lesson_and_preset(slug: str, name: str, number: int) -> tuple[Lesson, Preset]:
    """`number`: of the variation; 0 for the preset itself. Raises BadInput."""
    lesson = find(slug)
    preset = lesson.preset(name)
    return lesson, varied(preset, number) if number else preset


@cache
def varied(preset: Preset, number: int) -> Preset:
    """The preset with other numbers, as a preset of its own."""
    settings = variation(preset.settings, number)
    words = variation_words(preset.settings, settings)
    return replace(preset, label=f"{preset.label}, a variation", says=f"The same with other numbers: {words}.",
                   settings=settings)  # fmt: skip


def outcomes(asked: Iterable[Asked], patience: float = 0) -> dict[Item, int | None]:
    """Which answer comes true, of each question whose run says so within `patience` seconds in all.

    None where the run cannot answer. What the course has no more is left out.
    """
    until, found = time.monotonic() + patience, {}
    for one in asked:
        try:
            lesson, preset = lesson_and_preset(*item(one))
        except BadInput:
            continue
        reading = right_answer(lesson, preset, max(0.0, until - time.monotonic()))
        if reading.done:
            found[item(one)] = reading.right
    return found


def training_of(preset: Preset) -> Training:
    """The one run of this preset that the whole room shares."""
    return shared().train(Recipe(preset.settings), "room")


@dataclass(frozen=True)
class Reading:
    """What the run of a preset has said so far. `right`: the answer that came true; None where none is known."""

    done: bool
    right: int | None = None

    @property
    def words(self) -> str:
        """What to say where no answer is known."""
        if self.right is not None:
            return ""
        return UNANSWERED if self.done else "Running it, to see which answer comes true."


def right_answer(lesson: Lesson, preset: Preset, patience: float = 0) -> Reading:
    """Which answer comes true, read off the run; not done where it trains longer than `patience` (seconds).

    A run that failed, or one that cannot answer the question, is done without an answer.
    """
    training = training_of(preset)
    if not training.done:
        wait([training.job], patience)
    run = training.run() if training.done and not training.failure else None
    return Reading(training.done, lesson.prediction.outcome(run) if run else None)


def bars(answers: tuple[Answer, ...], tally: Tally, right: int | None, own: dict[int, int] | None = None) -> None:
    """Both votes side by side, an answer a row; `own`: what this learner voted, by ballot."""
    st.html("".join(row(answers[at].text, at, tally, right, own or {}) for at in range(len(answers))))


def row(text: str, at: int, tally: Tally, right: int | None, own: dict[int, int]) -> str:
    mark = " ✓ came true" if at == right else ""
    lines = "".join(bar(ballot, at, tally, own) for ballot in tally.votes or (1,))
    style = "ballot-row ballot-right" if at == right else "ballot-row"
    return f'<div class="{style}"><div class="ballot-text">{escape(text)}<b>{mark}</b></div>{lines}</div>'


def bar(ballot: int, at: int, tally: Tally, own: dict[int, int]) -> str:
    votes = tally.votes.get(ballot, {})
    count, cast = votes.get(at, 0), sum(votes.values())
    share = count / cast if cast else 0
    yours = " · yours" if own.get(ballot) == at else ""
    return (
        f'<div class="ballot-bar ballot-{ballot}"><span class="ballot-name">{NAMES[ballot]}</span>'
        f'<span class="ballot-track"><span style="width:{share:.1%}"></span></span>'
        f'<span class="ballot-count">{count} · {share:.0%}{yours}</span></div>'
    )


def revealed(lesson: Lesson, tally: Tally, reading: Reading, own: dict[int, int] | None = None) -> None:
    """What came true and how all voted, and what those believed who chose otherwise."""
    bars(lesson.prediction.answers, tally, reading.right, own)
    if reading.words:
        st.caption(reading.words)
    for words in beliefs(lesson, tally, reading.right):
        st.markdown(quoted(words))


def beliefs(lesson: Lesson, tally: Tally, right: int | None) -> list[str]:
    """What those believed who chose an answer that did not come true, in the last vote; the most frequent first.

    None where no answer did: then nobody was wrong.
    """
    if right is None:
        return []
    last = tally.votes.get(max(tally.votes, default=1), {})
    wrong = sorted(((count, at) for at, count in last.items() if at != right and count), reverse=True)
    answers = lesson.prediction.answers
    return [
        f"{count} of {sum(last.values())} believed “{answers[at].text}”. {answers[at].belief}" for count, at in wrong
    ]
