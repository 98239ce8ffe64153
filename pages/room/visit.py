"""What this session is in a room, and the links that lead there."""

import math
import time

import streamlit as st

from lessons.classroom import pace
from lessons.classroom.refusal import NoRoom
from lessons.classroom.room_state import Room
from pages.learner.seat import Seat
from pages.parts.address import root_link
from pages.server.presence import session
from pages.server.store import rooms

PROJECTOR = "projector"
RESULTS = "results"


def left() -> bool:
    """Whether a click has just led out of the room: a fragment draws the whole page then."""
    return "room" not in st.query_params


def address() -> str:
    """Where this session comes from: for all of a school it may be the same."""
    return st.context.ip_address or "this machine"


def found(code: str, word: str = "") -> Room:
    """The room of a code that somebody typed or followed. Raises NoRoom, Away, or TooOften after many wrong ones.

    `word`: the key of the instructor or of a seat, or the projector's word. Who has one that fits never waits;
    one that does not fit is no better than none, or codes could be guessed with it.
    """
    if word and (held := rooms().held(code, word)):
        return held
    pace.check("wrong code", session())
    pace.check("wrong code here", address())
    try:
        return rooms().look(code)
    except NoRoom:
        pace.spend("wrong code", session())
        pace.spend("wrong code here", address())
        raise


def address_of(seat: Seat) -> dict[str, str]:
    """The query of the room page that leads back to this seat."""
    return {"room": seat.code, "me": seat.key}


def join_link(code: str) -> str:
    return root_link({"room": code}, "room")


def projector_link(room: Room) -> str:
    """It has the word for news, which tells nothing that the wall does not show."""
    return root_link({"room": room.code, "view": PROJECTOR, "watch": room.watch}, "room")


def instructor_link(code: str, key: str) -> str:
    return root_link({"room": code, "instructor": key}, "room")


def remaining(room: Room) -> int:
    """Whole seconds until the open vote closes by itself. By this server's clock: a learner's may be wrong."""
    return max(0, math.ceil(room.closes - time.time()))


def spelled(code: str) -> str:
    """A code as people read it out: in two parts."""
    return f"{code[:3]} {code[3:]}"
