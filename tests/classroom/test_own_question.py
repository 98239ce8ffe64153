"""A teacher's own question: as it is typed, as a plan keeps it, as a room asks it, and what comes of its votes."""

import base64
import csv
import io
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lessons.classroom import database
from lessons.classroom.agenda import Agenda
from lessons.classroom.gradebook import Form, gradebook, item
from lessons.classroom.learning import html, report
from lessons.classroom.own_question import LONGEST, MOST, OWN, PACKED_LONGEST, OwnQuestion, typed
from lessons.classroom.posed import posed, posed_of
from lessons.classroom.room import Rooms
from lessons.classroom.worksheet import worksheet
from lessons.recipe.bad_input import BadInput
from tests.classroom.test_agenda import BROKEN, FIXED

MEAN = """
Which mean leaves padding out?
- the mean over all steps
* the sum over real steps, divided by their number
> Padding is neither in the sum nor in the divisor.
"""
AIKEN = """
Which of these
is 0?
A. -1
B) 0
ANSWER: b
"""
WORDS = st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=30)
OWNS = st.builds(
    lambda text, answers, right, why, run: OwnQuestion(text, tuple(answers), right % len(answers), why, run),
    WORDS, st.lists(WORDS, min_size=2, max_size=MOST, unique=True), st.integers(0, MOST), WORDS | st.just(""),
    st.none() | st.sampled_from((BROKEN, FIXED)),
)  # fmt: skip


def test_several_are_read_as_they_are_typed():
    mean, aiken = typed(MEAN + AIKEN, BROKEN)
    assert mean == OwnQuestion(
        "Which mean leaves padding out?",
        ("the mean over all steps", "the sum over real steps, divided by their number"),
        1, "Padding is neither in the sum nor in the divisor.", BROKEN,
    )  # fmt: skip
    assert aiken == OwnQuestion("Which of these is 0?", ("-1", "0"), 1, run=BROKEN)


@pytest.mark.parametrize(
    ("text", "said"),
    {
        "nothing": ("", "question: takes a line that asks"),
        "no answers": ("What?", "got 0 answers to “What?”"),
        "one answer": ("What?\n* this", "got 1 answers"),
        "too many": ("What?\n* this\n" + "\n".join(f"- {n}" for n in range(MOST)), f"got {MOST + 1} answers"),
        "no question": ("- a\n* b", "got 2 answers to “”"),
        "none right": ("What?\n- a\n- b", "no answer of “What?” is marked as the right one"),
        "two right": ("What?\n* a\n* b", "several answers of “What?” are marked"),
        "a right one that is not there": ("What?\nA. a\nB. b\nANSWER: D", "no answer of “What?” is marked"),
        "alike": ("What?\n- a\n* a", "two are alike"),
        "long": (f"{'x' * (LONGEST['question'] + 1)}\n- a\n* b", f"takes up to {LONGEST['question']} letters"),
    }.values(),
)
def test_what_cannot_be_read_is_one_sentence(text, said):
    with pytest.raises(BadInput) as refused:
        typed(text)
    assert said in str(refused.value) and str(refused.value).endswith(".") and "\n" not in str(refused.value)


@given(st.lists(OWNS, max_size=4, unique=True))
def test_a_plan_keeps_them_in_its_link_and_in_its_file(owns):
    plan = Agenda((BROKEN, *((OWN, one.name) for one in owns)))
    assert Agenda.kept(plan.address) == (plan, "") and Agenda.from_file(plan.file.encode()) == (plan, "")


def test_a_person_can_read_the_file_and_change_it():
    plan = Agenda().adding(*((OWN, one.name) for one in typed(MEAN)))
    steps = json.loads(plan.file)["steps"]
    assert steps[0]["right"] == "the sum over real steps, divided by their number"
    steps[0]["answers"].reverse()
    turned, _ = Agenda.from_file(json.dumps({"format": "unmasked plan 1", "steps": steps}).encode())
    assert posed_of(turned.items[0]).right == 0


@pytest.mark.parametrize(
    "step", [{}, {"question": "What?"}, {"question": 1, "answers": ["a", "b"], "right": "a"},
             {"question": "What?", "answers": ["a", "b"], "right": "c"},
             {"question": "What?", "answers": ["a", "b"], "right": "a", "run": "mask_and_loss:gone"},
             {"question": "What?", "answers": ["a", "b"], "right": "a", "run": "your_case:start"}],
    ids=range(6),
)  # fmt: skip
def test_one_that_was_changed_into_none_is_told_and_the_rest_is_taken(step):
    text = json.dumps({"format": "unmasked plan 1", "steps": [step, ":".join(FIXED)]})
    plan, problem = Agenda.from_file(text.encode())
    assert plan.items == (FIXED,) and problem.endswith(".")


@given(st.text(max_size=60))
def test_no_link_breaks_it(text):
    plan, problem = Agenda.kept(f"own:{text},mask_and_loss:fixed")
    assert FIXED in plan.items and "\n" not in problem


def test_what_unpacks_without_end_is_refused():
    bomb = base64.urlsafe_b64encode(zlib.compress(b" " * 4_000_000, 9)).decode().rstrip("=")
    assert len(bomb) < PACKED_LONGEST
    assert "no question that a plan’s link has written" in Agenda.kept(f"own:{bomb}")[1]


def test_it_takes_no_time_to_introduce_and_follows_the_one_it_was_put_behind():
    [own] = [(OWN, one.name) for one in typed(MEAN)]
    plan = Agenda((BROKEN, FIXED)).adding(own, after=BROKEN)
    assert plan.items == (BROKEN, own, FIXED)
    assert plan.minutes - Agenda((BROKEN, FIXED)).minutes == Agenda((own,)).minutes
    assert Agenda((BROKEN,)).adding(own, after=FIXED).items == (BROKEN, own)


def test_the_worksheet_has_it_and_only_the_teachers_copy_says_which_is_right():
    plan = Agenda(tuple((OWN, one.name) for one in typed(MEAN)))
    learners, teachers = worksheet(plan), worksheet(plan, {})
    assert "Which mean leaves padding out?" in learners and "Right." not in learners
    assert "Right." in teachers and "neither in the sum" in teachers and "neither in the sum" not in learners


@pytest.fixture
def rooms(database_url):
    engine = database.connect(database_url)
    yield Rooms(engine)
    engine.dispose()


def test_a_room_asks_it_and_what_comes_of_its_votes_can_be_taken_home(rooms):
    """The sheet of votes, the gradebook and the report."""
    code, key = rooms.open()
    [own] = typed("=Which?\n- =one\n* two", BROKEN)
    ada, grace = rooms.join(code, "Ada"), rooms.join(code, "Grace")
    rooms.ask(code, key, OWN, own.name)
    rooms.move(code, key, "vote")
    rooms.vote(code, ada, 1, 1)
    rooms.vote(code, grace, 1, 0)
    assert (rooms.look(code).slug, rooms.look(code).preset) == (OWN, own.name)
    sheet = list(csv.DictReader(io.StringIO(rooms.export(code, key))))
    assert [row["text"] for row in sheet] == ["two", "'=one"]
    log = rooms.log(code, key)
    outcomes = {item(one): posed(*item(one)).right for one in log.asked}
    rows = list(csv.DictReader(io.StringIO(gradebook(log, outcomes, Form()))))
    assert [row["1. =Which?: first"] for row in rows] == ["1", "0"]
    [question] = report(log, outcomes).questions
    assert (question.title, question.true, str(question.first)) == ("=Which?", "two", "1 of 2")
    assert "=Which?" in html(report(log, outcomes), code)
    rooms.ask(code, key, *FIXED)
    assert (rooms.look(code).slug, rooms.look(code).preset) == FIXED


def test_a_room_takes_no_question_that_is_none(rooms):
    code, key = rooms.open()
    with pytest.raises(BadInput):
        rooms.ask(code, key, OWN, "{}")
    assert rooms.look(code).question == 0
