"""What this session is in a room, a learner or its instructor, and what is noted there of what a learner does."""

from dataclasses import dataclass

import streamlit as st

from lessons.classroom.aside import aside
from lessons.classroom.refusal import Away
from lessons.classroom.steps import Step
from lessons.recipe.bad_input import BadInput
from pages.server.store import rooms

SEAT = "room:seat"  # session key
TEACHES = "room:teaches"  # session key: the room whose console this session has opened
ASKED = "room:asked"  # session key: the number of the question whose case this learner has taken, and not run yet
UNNOTED = "room:unnoted"  # session key: steps that the room does not have yet
MOST = 200  # of them


@dataclass(frozen=True)
class Seat:
    """A learner's place in a room."""

    code: str
    key: str


def seat() -> Seat | None:
    return st.session_state.get(SEAT)


def taught() -> Seat | None:
    """The room that this session is the instructor of, with the instructor's key."""
    return st.session_state.get(TEACHES)


def ran() -> None:
    """Tell the room that this learner has run the case of its question. Nobody waits for it."""
    here, question = seat(), st.session_state.pop(ASKED, None)
    if here and question:
        aside(lambda: rooms().finish(here.code, here.key, question))


def note(step: Step) -> None:
    """Tell the room of a prediction or an exercise. Nobody waits for it; what was not taken goes with the next."""
    here = seat()
    if here is None or not (step.kind in ("prediction", "twin") or step.content.get("passed") is True):
        return
    waiting: list[Step] = st.session_state.setdefault(UNNOTED, [])
    waiting.append(step)
    del waiting[:-MOST]
    aside(lambda: send(here, waiting))


def send(here: Seat, waiting: list[Step]) -> None:
    """From a thread of its own. Of two that send the same step the room keeps one."""
    for step in list(waiting):
        try:
            rooms().note(here.code, here.key, step)
        except Away:
            return
        except BadInput:  # removed, or the room has ended
            pass
        if step in waiting:
            waiting.remove(step)
