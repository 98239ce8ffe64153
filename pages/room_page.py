"""The workshop room: whoever opens this page is at the door, in a seat, at the console, or looks at the projector."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from lessons.classroom.refusal import Away
from lessons.recipe.bad_input import BadInput
from pages.learner.seat import SEAT, Seat, seat
from pages.parts.quotation import warn
from pages.room.console import console
from pages.room.door import door, entry
from pages.room.projector import projector
from pages.room.results import results
from pages.room.seat import seated
from pages.room.visit import PROJECTOR, RESULTS, found


def render(pages: Mapping[str, Any], others: Mapping[str, Any]) -> None:
    """`pages`: the course's st.Page of each slug; `others`: those of the other pages."""
    asked = st.query_params.to_dict()
    code = asked.get("room", "")
    if not code:
        door(asked.get("plan", ""))
        return
    try:
        room = found(code, word(asked))
        code = room.code
    except Away as problem:
        warn(problem)
        st.button("Try again", key="room:retry", icon=":material/refresh:")
        return
    except BadInput as problem:
        warn(problem)
        door("")
        return
    if "instructor" in asked:
        (results if asked.get("view") == RESULTS else console)(code, asked["instructor"])
    elif asked.get("view") == PROJECTOR:
        projector(code)
    else:
        if "me" in asked:
            st.session_state[SEAT] = Seat(code, asked["me"])
        here = seat()
        if here is None or here.code != code:
            entry(room)
        else:
            seated(here, {**pages, **others})


def word(asked: Mapping[str, str]) -> str:
    """What this visitor holds of a room: what the address brings along, or the seat that the session has."""
    brought = (asked[name] for name in ("instructor", "me", "watch") if asked.get(name))
    taken = seat()
    return next(brought, taken.key if taken else "")
