"""On every other page: where a seated learner's room is, and the way there. “Follow me” takes them along."""

from typing import Any

import streamlit as st

from lessons.classroom.phase import NAMES
from lessons.classroom.refusal import Away, NoRoom
from pages.learner.seat import SEAT, Seat
from pages.parts.speech import aloud
from pages.room.visit import address_of, spelled
from pages.server.store import rooms
from pages.server.watch import watch

SEEN = "room:seen"  # session key: where the room was when this learner last had it before them


@st.fragment
def companion(seat: Seat, page: Any) -> None:
    """`page`: the room's st.Page. Learners who follow go there as soon as the room has moved."""
    try:
        room = rooms().look(seat.code)
    except NoRoom:
        st.session_state.pop(SEAT, None)
        return
    except Away:
        return
    if room.following and room.place != st.session_state.get(SEEN):
        st.switch_page(page, query_params=address_of(seat))
    watch("room:companion", room.watch, room.state)
    aloud("room:aloud", f"Room: {NAMES[room.phase].lower()}")
    with st.container(key="companion", horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f":gray[Room {spelled(room.code)} · {NAMES[room.phase].lower()}]")
        st.page_link(page, label="Back to the room", icon=":material/co_present:", query_params=address_of(seat))
