"""The way into a room: a code and a nickname for a learner; a new room for an instructor."""

from typing import Literal

import streamlit as st

from lessons.classroom import keys, pace
from lessons.classroom.agenda import Agenda
from lessons.classroom.posed import posed_of
from lessons.classroom.room_state import ASKS, IDENTITY_LONGEST, Room
from pages.learner.seat import SEAT, Seat, seat, taught
from pages.parts.layout import button
from pages.parts.notice import refusing, warn_noted
from pages.parts.quotation import quoted, warn
from pages.room.visit import address_of, found, spelled
from pages.server.presence import session
from pages.server.store import rooms

PROBLEM = "room:problem"  # session key: why the last attempt failed
JOINING = "room:joining"  # session key, the code after it: the key of a seat that is being taken
CODE, NAME, IDENTITY = "room:code", "room:name", "room:identity"  # keys of widgets


def door(plan: str) -> None:
    """Join by code, or open a room. `plan`: the presets in order that an address brought along."""
    st.markdown("### Workshop room")
    warn_noted(PROBLEM)
    if mine := taught():
        button(st, f"Back to the console of {spelled(mine.code)}", "room:back", "co_present", st.query_params.from_dict,
               {"room": mine.code, "instructor": mine.key})  # fmt: skip
    agenda, problem = Agenda.kept(plan)
    kinds: list[Literal["primary", "secondary"]] = ["primary", "secondary"]
    joins, opens = reversed(kinds) if agenda.items else kinds  # who brings a plan has come to open
    left, right = st.columns(2, gap="large")
    with left.container(border=True, height="stretch"):
        st.markdown("#### Join")
        st.caption("Your instructor shows the code. No account, and no name if you would rather have none.")
        with st.form("room:join", border=False):
            st.text_input("Code of the room", key=CODE, placeholder="such as K7M 4QXA", autocomplete="off")
            nickname()
            st.form_submit_button("Join", type=joins, icon=":material/login:", on_click=lambda: join(typed(CODE)))
    with right.container(border=True, height="stretch"):
        st.markdown("#### Open a room")
        st.caption(
            "Put a lesson’s question before a class: all vote, discuss, vote again; then it runs, and the votes "
            "are shown beside what came true. A room lasts 12 hours; you can delete it sooner, with all that is in it."
        )
        if problem:
            warn(problem)
        if agenda.items:
            titles = "; ".join(f"{asked.title} ({asked.label})" for asked in map(posed_of, agenda.items))
            st.caption(f"Its session plan, {agenda.minutes} minutes: {quoted(titles)}")
        st.button("Open a room", key="room:open", icon=":material/add:", type=opens,
                  on_click=lambda: open_room(agenda))  # fmt: skip


def entry(room: Room) -> None:
    """For who has followed the link of one room."""
    code = room.code
    st.markdown(f"### Room {spelled(code)}")
    warn_noted(PROBLEM)
    with st.form("room:join", border=False, width=420):
        nickname()
        if room.asks:
            st.text_input(f"Your {ASKS[room.asks]}, or nothing", key=IDENTITY, max_chars=IDENTITY_LONGEST,
                          autocomplete="off")  # fmt: skip
            st.caption(asks_words(room))
        st.form_submit_button("Join", type="primary", icon=":material/login:", on_click=lambda: join(code))


def nickname() -> None:
    st.text_input("Nickname, or none", key=NAME, max_chars=40, autocomplete="off")
    st.caption(
        "The instructor sees it, other learners do not; with it your votes, and, while you have a seat, what you "
        "predict and which exercises you pass on lessons’ pages. All of it is deleted with the room."
    )


def asks_words(room: Room) -> str:
    return (
        f"The instructor asks for your {ASKS[room.asks]}, to put what you do here into their gradebook. Nobody else "
        "sees it, and you can take part without."
    )


def typed(key: str) -> str:
    return st.session_state.get(key) or ""


def join(code: str) -> None:
    """Take a seat, and put it into the address: a reload finds it again.

    Who has touched the button twice has one seat, and who heard nothing of the first time tries with the same key.
    """
    with refusing(PROBLEM):
        here = found(code).code
        mine = seat()
        if mine is None or mine.code != here:
            pace.spend("join", session())
            key = st.session_state.setdefault(f"{JOINING}:{here}", keys.key())
            mine = Seat(here, rooms().join(here, typed(NAME), key, typed(IDENTITY)))
            del st.session_state[f"{JOINING}:{here}"]
        sit(mine)


def sit(seat: Seat) -> None:
    st.session_state[SEAT] = seat
    st.query_params.from_dict(address_of(seat))


def open_room(agenda: Agenda) -> None:
    with refusing(PROBLEM):
        pace.spend("open", session())
        code, key = rooms().open()
        rooms().plan(code, key, agenda.address)
        st.query_params.from_dict({"room": code, "instructor": key})
