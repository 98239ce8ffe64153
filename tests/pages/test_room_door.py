"""Who is kept waiting at the door of a room: a class is one address, and so is the instructor in it."""

from collections.abc import Iterator
from urllib.parse import parse_qsl

import pytest
from streamlit.testing.v1 import AppTest

from lessons.classroom import pace
from lessons.classroom.refusal import NoRoom
from lessons.classroom.room import Rooms
from pages.room import visit as visits
from pages.room.visit import projector_link, spelled
from pages.server.store import engine
from tests.tools.patience import patient

HERE = "192.0.2.1"
WITHIN = patient(60)  # seconds: other tests may have the cores
DOOR, WAIT = "Workshop room", "600 a minute at most; go on in"
SCRIPT = """
import streamlit as st
from pages import room_page
room_page.render({}, {})
"""


@pytest.fixture
def rooms(monkeypatch) -> Iterator[Rooms]:
    """The app's own. AppTest has no connection, and so no address: all visitors get the same one."""
    monkeypatch.setattr(visits, "address", lambda: HERE)
    pace.limiter.cache_clear()
    yield Rooms(engine())
    pace.limiter.cache_clear()


def visit(**query: str) -> str:
    """All that the room page of this address says."""
    page = AppTest.from_string(SCRIPT, default_timeout=WITHIN)
    page.query_params.update(query)
    page.run()
    assert not page.exception
    return "\n".join(str(shown.value) for kind in (page.markdown, page.warning, page.info) for shown in kind)


def spend_all() -> None:
    """Everybody behind the address has typed what a misread projector says, as often as they may."""
    for _ in range(pace.paces("wrong code here")[0].amount):
        pace.spend("wrong code here", HERE)


def test_whoever_holds_a_seat_or_a_key_is_never_kept_waiting(rooms):
    code, key = rooms.open()
    seat = rooms.join(code)
    wall = dict(parse_qsl(projector_link(rooms.look(code)).partition("?")[2]))
    spend_all()
    assert WAIT in visit(room=code), "the limit is reached"
    for query in ({"room": code, "instructor": key}, {"room": code, "me": seat}, wall):
        assert DOOR not in visit(**query) and WAIT not in visit(**query), query
    assert "Who is here" not in visit(room=code), "and nothing of it is shown to who holds nothing"


@pytest.mark.parametrize("name", ["instructor", "me", "watch"])
def test_a_word_that_fits_nothing_tells_no_room_apart(rooms, name):
    """Codes could be guessed past the limit otherwise."""
    code, _ = rooms.open()
    spend_all()
    right, wrong = (visit(**{"room": guess, name: "guessed"}) for guess in (code, "ZZZZZZZ"))
    assert WAIT in right and WAIT in wrong and DOOR in right and DOOR in wrong


def test_a_key_is_of_its_own_room_only(rooms):
    (one, key), (other, _) = rooms.open(), rooms.open()
    seat = rooms.join(one)
    spend_all()
    assert WAIT in visit(room=other, instructor=key) and WAIT in visit(room=other, me=seat)


def test_who_was_removed_holds_no_seat(rooms):
    code, key = rooms.open()
    seat = rooms.join(code)
    assert rooms.held(code, seat)
    ((number, _),) = rooms.members(code, key)
    rooms.remove(code, key, number)
    assert rooms.held(code, seat) is None


def test_a_hundred_behind_one_address_come_in_with_thirty_wrong_codes_among_them(rooms, monkeypatch):
    code, _ = rooms.open()
    for learner in range(100):
        monkeypatch.setattr(visits, "session", lambda learner=learner: f"learner {learner}")
        if learner < 30:
            with pytest.raises(NoRoom):
                visits.found("ZZZZZZZ")
        pace.spend("join", f"learner {learner}")
        rooms.join(visits.found(code).code)
    assert rooms.counts(code).joined == 100


def test_a_class_that_misreads_the_projector_keeps_nobody_out(rooms):
    """Sixty learners type wrong codes as often as each may in a minute; who reads better comes in at once."""
    code, _ = rooms.open()
    for _ in range(60 * pace.paces("wrong code")[0].amount):
        pace.spend("wrong code here", HERE)
    assert f"Room {spelled(code)}" in visit(room=code)
