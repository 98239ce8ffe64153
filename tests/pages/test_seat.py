"""What a room hears of what a seated learner does on lessons' pages: predictions and what was passed, and no text."""

import pytest
from streamlit.testing.v1 import AppTest

from lessons.classroom.refusal import Away
from lessons.classroom.room import Rooms
from lessons.classroom.steps import Step
from pages.learner import seat as seats
from pages.learner.seat import SEAT, Seat, send
from pages.server.store import engine
from tests.tools.patience import patient
from tests.tools.screen import await_

SCRIPT = """
import streamlit as st
from pages.learner import identity
identity.keep("exercise", "mask_and_loss", "one", {"passed": False, "text": "of mine"})
identity.keep("exercise", "mask_and_loss", "one", {"passed": True, "text": "of mine"})
identity.keep("prediction", "mask_and_loss", "broken", {"answer": 1, "outcome": 2, "confidence": "certain"})
identity.keep("run", "mask_and_loss", "broken", {"epochs": 20})
"""


@pytest.fixture
def rooms() -> Rooms:
    """The app's own."""
    return Rooms(engine())


def test_what_a_seated_learner_did_is_noted_in_the_room(rooms):
    code, key = rooms.open()
    page = AppTest.from_string(SCRIPT, default_timeout=patient(60))
    page.session_state[SEAT] = Seat(code, rooms.join(code))
    page.run()
    assert not page.exception
    [steps] = await_(lambda: [found for found in rooms.log(code, key).deeds.values() if len(found) == 2], "the steps")
    assert [(step.kind, dict(step.content)) for step in steps] == [
        ("exercise", {"passed": True}),
        ("prediction", {"answer": 1, "outcome": 2, "confidence": "certain"}),
    ]


def test_who_has_no_seat_tells_no_room(rooms):
    code, key = rooms.open()
    rooms.join(code)
    page = AppTest.from_string(SCRIPT, default_timeout=patient(60)).run()
    assert not page.exception and rooms.log(code, key).deeds == {}


def test_what_the_database_did_not_take_goes_with_the_next(rooms, monkeypatch):
    code, key = rooms.open()
    here, waiting = Seat(code, rooms.join(code)), [Step("exercise", "mask_and_loss", "one", {"passed": True})]

    def away() -> Rooms:
        raise Away(OSError())

    with monkeypatch.context() as patch:
        patch.setattr(seats, "rooms", away)
        send(here, waiting)
    assert len(waiting) == 1
    waiting.append(Step("exercise", "mask_and_loss", "two", {"passed": True}))
    send(here, waiting)
    send(here, [*rooms.log(code, key).deeds.popitem()[1]])  # by another thread: it is one all the same
    assert waiting == [] and [step.name for step in rooms.log(code, key).deeds.popitem()[1]] == ["one", "two"]


def test_a_room_that_has_ended_keeps_nobody_from_the_lesson(rooms):
    code, key = rooms.open()
    here, waiting = Seat(code, rooms.join(code)), [Step("exercise", "mask_and_loss", "one", {"passed": True})]
    rooms.end(code, key)
    send(here, waiting)
    assert waiting == []
