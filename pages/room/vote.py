"""An open vote as a learner has it: one touch is a vote, a second one says how sure they are."""

import streamlit as st

from lessons.classroom import pace
from lessons.classroom.posed import Posed
from lessons.classroom.refusal import Away, NoRoom, NotAllowed
from lessons.classroom.room_state import OwnVote, Room
from lessons.course.lesson import CONFIDENCE
from pages.learner.seat import Seat
from pages.parts.layout import button, row
from pages.parts.notice import refusing, warn_noted
from pages.parts.quotation import quoted, warn
from pages.parts.speech import aloud
from pages.room.visit import remaining
from pages.server.presence import session
from pages.server.store import rooms

REFUSED = "room:refused"  # session key: why the last vote was not taken
SEATED = "room:seated"  # key of the fragment that all of this stands in


@st.fragment
def ballot(seat: Seat, room: Room, posed: Posed) -> None:
    """A touch draws this alone: a class votes at once, and the whole page costs the server twice as much."""
    try:
        moved = rooms().look(seat.code).place != room.place
        own = rooms().own_votes(seat.code, seat.key, room.question)
    except (NoRoom, NotAllowed, Away) as problem:  # what that means is said when the page is drawn
        warn(problem)
        return
    if moved:  # a vote may have been taken into the second ballot, from a page that had the first
        st.rerun()
    warn_noted(REFUSED)
    mine, before = own.get(room.ballot), own.get(1)
    words = f"Your vote is in: {posed.answers[mine.answer].text}. {mine.confidence}".strip() if mine else ""
    aloud("room:ballot:aloud", words)
    vote_buttons(seat, room, posed, mine)
    if mine:
        st.caption(f"Your vote is in: “{quoted(posed.answers[mine.answer].text)}”.")
        sure(seat, room, mine)
    else:
        st.caption("No vote yet." + (f" Before: “{quoted(posed.answers[before.answer].text)}”." if before else ""))


def vote_buttons(seat: Seat, room: Room, posed: Posed, mine: OwnVote | None) -> None:
    """What is marked is what the database has."""
    for at, answer in enumerate(posed.answers):
        key = f"room:vote:{room.question}:{room.ballot}:{at}"
        icon, kind = ("check", "primary") if mine and at == mine.answer else ("", "secondary")
        button(st, quoted(answer.text), key, icon, cast, seat, room.question, at, type=kind, width="stretch")


def sure(seat: Seat, room: Room, mine: OwnVote) -> None:
    """How sure they are of their vote, for who wants to say: a second touch."""
    place = row()
    place.markdown("How sure are you?", width="content")
    for at, word in enumerate(CONFIDENCE):
        key = f"room:sure:{room.question}:{room.ballot}:{at}"
        icon, kind = ("check", "primary") if word == mine.confidence else ("", "secondary")
        button(place, word, key, icon, cast, seat, room.question, mine.answer, word, type=kind)


def clock(room: Room) -> None:
    """The time that is left, as a bar that shrinks in the browser: its clock may be wrong, its seconds are not."""
    left = remaining(room)
    st.html(f'<div class="vote-clock"><span style="animation-duration:{left}s"></span></div>')
    st.caption(f"This vote closes by itself, in {left} s from now.")


def cast(seat: Seat, number: int, answer: int, confidence: str = "") -> None:
    with refusing(REFUSED):
        pace.spend("vote", session())
        rooms().vote(seat.code, seat.key, number, answer, confidence)
        return
    st.rerun(SEATED)  # the room may have moved, or ended
