"""How a room voted, drawn as bars in HTML: a hundred phones take that at once, and it is text for who cannot see it."""

import time
from collections.abc import Iterable
from concurrent.futures import wait
from dataclasses import dataclass
from html import escape

import streamlit as st

from lessons.classroom.gradebook import Item, item
from lessons.classroom.posed import Posed, posed
from lessons.classroom.room_state import Asked, Room, Tally
from lessons.course.lesson import UNANSWERED, Preset
from lessons.recipe.bad_input import BadInput
from lessons.recipe.recipe import Recipe
from lessons.server.laboratory import Training, shared
from pages.parts.quotation import quoted

NAMES = {1: "first vote", 2: "second vote"}


def asked(room: Room) -> Posed:
    """The question before the room. Raises BadInput where the course has it no more."""
    return posed(room.slug, room.preset, room.variation)


def outcomes(asked: Iterable[Asked], patience: float = 0) -> dict[Item, int | None]:
    """Which answer comes true, of each question whose run says so within `patience` seconds in all.

    None where the run cannot answer. What the course has no more is left out.
    """
    until, found = time.monotonic() + patience, {}
    for one in asked:
        try:
            question = posed(*item(one))
        except BadInput:
            continue
        reading = right_answer(question, max(0.0, until - time.monotonic()))
        if reading.done:
            found[item(one)] = reading.right
    return found


def training_of(preset: Preset) -> Training:
    """The one run of this preset that the whole room shares."""
    return shared().train(Recipe(preset.settings), "room")


@dataclass(frozen=True)
class Reading:
    """What is known of a question so far. `right`: the answer that came true; None where none is known."""

    done: bool
    right: int | None = None

    @property
    def words(self) -> str:
        """What to say where no answer is known."""
        if self.right is not None:
            return ""
        return UNANSWERED if self.done else "Running it, to see which answer comes true."


def right_answer(question: Posed, patience: float = 0) -> Reading:
    """Which answer comes true, read off the run; not done where it trains longer than `patience` (seconds).

    A run that failed, or one that cannot answer the question, is done without an answer. A teacher's own question has
    its answer already.
    """
    if question.own or not (question.lesson and question.preset):
        return Reading(True, question.right)
    training = training_of(question.preset)
    if not training.done:
        wait([training.job], patience)
    run = training.run() if training.done and not training.failure else None
    return Reading(training.done, question.lesson.prediction.outcome(run) if run else None)


def bars(question: Posed, tally: Tally, right: int | None, own: dict[int, int] | None = None) -> None:
    """Both votes side by side, an answer a row; `own`: what this learner voted, by ballot."""
    mark = " ✓ right" if question.own else " ✓ came true"
    rows = enumerate(question.answers)
    st.html("".join(row(answer.text, at, tally, mark if at == right else "", own or {}) for at, answer in rows))


def row(text: str, at: int, tally: Tally, mark: str, own: dict[int, int]) -> str:
    """`mark`: of the right answer; empty for the others."""
    lines = "".join(bar(ballot, at, tally, own) for ballot in tally.votes or (1,))
    style = "ballot-row ballot-right" if mark else "ballot-row"
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


def revealed(question: Posed, tally: Tally, reading: Reading, own: dict[int, int] | None = None) -> None:
    """What came true and how all voted, and what those believed who chose otherwise."""
    bars(question, tally, reading.right, own)
    if reading.words:
        st.caption(reading.words)
    for words in reasons(question, tally, reading.right):
        st.markdown(quoted(words))


def reasons(question: Posed, tally: Tally, right: int | None) -> list[str]:
    """What is said at the reveal: the teacher's words to their own question, and the beliefs behind other answers."""
    return [words for words in (question.why, *beliefs(question, tally, right)) if words]


def beliefs(question: Posed, tally: Tally, right: int | None) -> list[str]:
    """What those believed who chose an answer that did not come true, in the last vote; the most frequent first.

    None where no answer did: then nobody was wrong. None of a teacher's own question: nothing is known of its answers.
    """
    if right is None or question.own:
        return []
    last = tally.votes.get(max(tally.votes, default=1), {})
    wrong = sorted(((count, at) for at, count in last.items() if at != right and count), reverse=True)
    answers = question.answers
    return [
        f"{count} of {sum(last.values())} believed “{answers[at].text}”. {answers[at].belief}" for count, at in wrong
    ]
