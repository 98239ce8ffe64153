"""The instructor of a room lets all in it have a case."""

from collections.abc import Callable

import streamlit as st

from lessons.classroom import pace
from lessons.classroom.room_state import NAME_LONGEST
from lessons.course.case import Case
from pages.learner.seat import Seat, taught
from pages.parts.layout import button
from pages.parts.notice import note, refusing, tell_noted, warn_noted
from pages.server.presence import session
from pages.server.store import rooms

STORED = (
    "It is stored on this server until the room ends, and deleted with it. Everybody in the room can read it, take it "
    "and run it; you can withdraw it."
)


def publishing(place, key: str, made: Callable[[], Case]) -> None:
    """What publishes the case that `made` gives on a click; nothing for who has opened no console of a room."""
    here = taught()
    if here is None:
        return
    fold = place.popover("Publish to the room", icon=":material/campaign:", type="tertiary", key=key,
                         on_change="rerun")  # fmt: skip
    if fold.open:
        with fold:
            publish_form(here, key, made)


def publish_form(here: Seat, key: str, made: Callable[[], Case]) -> None:
    """What publishing means, the name, the button, and what came of the last press."""
    st.caption(f"Room {here.code}. {STORED}")
    st.text_input("Its name in the room", key=f"{key}:name", max_chars=NAME_LONGEST, autocomplete="off")
    button(st, "Publish it", f"{key}:go", "campaign", publish, here, key, made, type="primary")
    warn_noted(f"{key}:problem")
    tell_noted(f"{key}:done", ":material/check:")


def publish(here: Seat, key: str, made: Callable[[], Case]) -> None:
    """What is refused is told, and what was typed stays."""
    state = st.session_state
    name = " ".join((state.get(f"{key}:name") or "").split())
    state.pop(f"{key}:done", None)
    with refusing(f"{key}:problem"):
        pace.spend("publish", session())
        rooms().publish(here.code, here.key, name, made())
        note(f"{key}:done", f"Published as “{name}”.")
        state[f"{key}:name"], state[f"{key}:times"] = "", times(key) + 1


def times(key: str) -> int:
    """How often something was published with this form, in this session."""
    return st.session_state.get(f"{key}:times", 0)
