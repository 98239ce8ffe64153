"""Cases that a room keeps: who may publish and withdraw them, how many, and that nothing is left of them."""

import pytest
from sqlalchemy import func, select

from lessons.classroom import database
from lessons.classroom.agenda import Agenda
from lessons.classroom.own_question import CASE, OWN, OwnQuestion
from lessons.classroom.posed import posed
from lessons.classroom.refusal import NoRoom, NotAllowed
from lessons.classroom.room import Rooms
from lessons.classroom.room_state import CASES
from lessons.classroom.schema import published as table
from lessons.course.case import Case
from lessons.course.model_examples import EXAMPLES
from lessons.recipe.bad_input import BadInput

MODEL = Case(next(iter(EXAMPLES.values())), settings={"epochs": "7"})
LOSS = Case(loss="def loss(y_true, y_pred):\n    return 0", function="loss")


@pytest.fixture
def rooms(database_url):
    engine = database.connect(database_url)
    yield Rooms(engine)
    engine.dispose()


def rows(rooms: Rooms) -> int:
    with rooms.engine.connect() as db:
        return db.scalar(select(func.count()).select_from(table))


def test_a_case_is_read_as_it_was_published_until_it_is_withdrawn(rooms):
    code, key = rooms.open()
    before = rooms.look(code)
    rooms.publish(code, key, "  A   model ", MODEL)
    rooms.publish(code, key, "A loss", LOSS)
    assert rooms.cases(code) == ["A model", "A loss"]
    assert (rooms.case(code, "A model"), rooms.case(code, "A loss")) == (MODEL, LOSS)
    now = rooms.look(code)
    assert now.state != before.state and now.place == before.place, "pages hear of it, and nobody is moved"
    rooms.withdraw(code, key, "A model")
    assert rooms.cases(code) == ["A loss"] and rows(rooms) == 1
    assert rooms.look(code).state != now.state
    with pytest.raises(BadInput, match="withdrawn"):
        rooms.case(code, "A model")


def test_nothing_is_left_when_the_room_ends_or_has_expired(rooms):
    (code, key), (expired, other) = rooms.open(), rooms.open(lifetime=0.5)
    for one, its in ((code, key), (expired, other)):
        rooms.publish(one, its, "A model", MODEL)
    assert rows(rooms) == 2
    rooms.end(code, key)
    assert rows(rooms) == 1
    with pytest.raises(NoRoom):
        rooms.case(code, "A model")
    while True:  # until its time is over
        try:
            rooms.look(expired)
        except NoRoom:
            break
    rooms.open()
    assert rows(rooms) == 0


def test_only_the_instructor_publishes_and_no_other_room_has_it(rooms):
    (code, key), (elsewhere, other) = rooms.open(), rooms.open()
    learner = rooms.join(code, "Ada")
    rooms.publish(code, key, "A model", MODEL)
    for theirs in (learner, other, rooms.look(code).watch, ""):
        for do in (lambda key: rooms.publish(code, key, "B", LOSS), lambda key: rooms.withdraw(code, key, "A model")):
            with pytest.raises(NotAllowed):
                do(theirs)
    assert rooms.cases(elsewhere) == [] and len(rooms.cases(code)) == 1
    with pytest.raises(BadInput):
        rooms.case(elsewhere, "A model")


def test_what_cannot_be_published_is_refused_and_nothing_is_kept(rooms):
    code, key = rooms.open()
    rooms.publish(code, key, "There", LOSS)
    for name, case, says in (
        ("", LOSS, "1 to 60 letters"),
        ("x" * 61, LOSS, "1 to 60 letters"),
        ("a\u202eb", LOSS, "1 to 60 letters"),
        ("There", LOSS, "has a case “There” already"),
        ("Empty", Case(settings={"epochs": "7"}), "neither a model nor a loss"),
        ("Long", Case(model="x" * 40_001), "40,000 letters"),
        ("Many", Case(model="x", settings={str(k): "é" * 20 for k in range(1000)}), "100,000 of one"),
    ):
        with pytest.raises(BadInput, match=says):
            rooms.publish(code, key, name, case)
    assert rows(rooms) == 1


def test_a_room_takes_so_many(rooms):
    code, key = rooms.open()
    for number in range(CASES):
        rooms.publish(code, key, str(number), LOSS)
    with pytest.raises(NotAllowed, match="20 cases"):
        rooms.publish(code, key, "one more", LOSS)
    assert rows(rooms) == CASES


def test_a_question_names_a_case_and_a_plan_carries_it():
    question = OwnQuestion("Which layer?", ("a", "b"), 1, run=(CASE, "Whose mask: mine?"))
    found = posed(OWN, question.name)
    assert (found.case, found.runs, found.preset) == ("Whose mask: mine?", True, None)
    agenda = Agenda().adding((OWN, question.name))
    assert Agenda.kept(agenda.address) == (agenda, "") and Agenda.from_file(agenda.file.encode()) == (agenda, "")
