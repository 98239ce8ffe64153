"""The seat that this learner has in a room, and what is noted there of what they do on lessons' pages."""

from dataclasses import dataclass

import streamlit as st

from lessons.classroom.aside import aside
from lessons.classroom.refusal import Away
from lessons.classroom.steps import Step
from lessons.recipe.bad_input import BadInput
from pages.server.store import rooms

SEAT = "room:seat"  # session key
UNNOTED = "room:unnoted"  # session key: steps that the room does not have yet
MOST = 200  # of them


@dataclass(frozen=True)
class Seat:
    """A learner's place in a room."""

    code: str
    key: str


def seat() -> Seat | None:
    return st.session_state.get(SEAT)


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
