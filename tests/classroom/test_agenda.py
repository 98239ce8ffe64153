"""A session plan as a link says it: what is read is what was written, and nonsense is told in one sentence."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lessons.classroom.agenda import INTRODUCTION, LONGEST, PACE, Agenda
from lessons.classroom.phase import PHASES
from lessons.course.discovery import LESSONS
from lessons.recipe.bad_input import BadInput

EVERY = [(slug, preset.name) for slug, lesson in LESSONS.items() for preset in lesson.presets]
BROKEN, FIXED, NAN = ("mask_and_loss", "broken"), ("mask_and_loss", "fixed"), ("nan_labels", "broken")


@given(st.lists(st.sampled_from(EVERY), unique=True, max_size=LONGEST))
def test_an_address_is_read_as_it_was_written(items):
    agenda = Agenda(tuple(items))
    assert Agenda.kept(agenda.address) == (agenda, "")


@given(st.lists(st.sampled_from(EVERY), unique=True, max_size=LONGEST))
def test_a_file_is_read_as_it_was_written(items):
    agenda = Agenda(tuple(items))
    assert Agenda.from_file(agenda.file.encode()) == (agenda, "")


def test_what_the_course_has_no_more_next_year_is_told_and_the_rest_is_taken():
    text = Agenda((BROKEN, FIXED)).file.replace("mask_and_loss:broken", "mask_and_loss:renamed")
    agenda, problem = Agenda.from_file(text.encode())
    assert agenda.items == (FIXED,) and "“renamed”" in problem


@pytest.mark.parametrize(
    "given_file",
    [b"", b"\xff\xfe", b"[]", b"[" * 90_000, b'{"steps": []}', b'{"format": "unmasked plan 1", "steps": [1]}',
     b'{"format": "unmasked plan 2", "steps": []}', b" " * 100_001],
    ids=range(8),
)  # fmt: skip
def test_a_file_that_is_none_is_one_sentence(given_file):
    with pytest.raises(BadInput, match=r"^plan: takes a file that “Save” has made, of up to 100000 bytes\.$"):
        Agenda.from_file(given_file)


@given(st.text(max_size=200))
def test_no_text_breaks_it(text):
    agenda, problem = Agenda.kept(text)
    assert problem.count("\n") == 0 and len(problem) < 500
    assert Agenda.kept(agenda.address) == (agenda, "")


@pytest.mark.parametrize(
    ("text", "said"),
    {
        "no colon": ("mask_and_loss", "steps: got “mask_and_loss”.*LESSON:PRESET"),
        "no lesson": ("nowhere:broken", "steps: got “nowhere:broken”.*mask_and_loss"),
        "no preset": ("mask_and_loss:nothing", "preset: got “nothing”.*broken, fixed"),
        "twice": ("nan_labels:fixed,nan_labels:fixed", "“nan_labels:fixed” twice"),
        "two lines": ("mask_and_loss\nbroken", "steps: got “mask_and_loss broken”"),
        "long": ("x" * 9000, "steps: got “x{40}”"),
        "too many": (",".join(map(":".join, EVERY[: LONGEST + 1])), f"got {LONGEST + 1} of them.*up to {LONGEST}"),
    }.values(),
)
def test_nonsense_is_one_sentence(text, said):
    _, problem = Agenda.kept(text)
    assert re.search(said, problem) and problem.endswith(".") and "\n" not in problem


def test_what_can_be_read_is_kept():
    agenda, problem = Agenda.kept("mask_and_loss:broken,<script>,nan_labels:broken,nan_labels:broken,,")
    assert agenda.items == (BROKEN, NAN)
    assert "<script>" in problem and "twice" not in problem
    too_many, problem = Agenda.kept(",".join(map(":".join, EVERY * 2)))
    assert len(too_many.items) == LONGEST and f"up to {LONGEST}" in problem


def test_what_comes_before_and_after():
    agenda = Agenda((BROKEN, FIXED, NAN))
    assert [agenda.after(item) for item in agenda.items] == [FIXED, NAN, None]
    assert [agenda.before(item) for item in agenda.items] == [None, BROKEN, FIXED]
    elsewhere = ("validation", "fixed")
    assert agenda.after(elsewhere) == BROKEN and agenda.before(elsewhere) is None
    assert Agenda().after(BROKEN) is None


def test_the_order_can_be_changed():
    agenda = Agenda((BROKEN, FIXED)).adding(NAN)
    assert agenda.moved(NAN, -1).items == (BROKEN, NAN, FIXED)
    assert agenda.moved(BROKEN, 1).items == (FIXED, BROKEN, NAN)
    assert agenda.moved(BROKEN, -1) == agenda and agenda.moved(NAN, 1) == agenda
    assert agenda.without(FIXED).items == (BROKEN, NAN)
    with pytest.raises(BadInput, match="twice"):
        agenda.adding(NAN)


def test_minutes_count_every_phase_and_each_lesson_once():
    assert set(PACE) == set(PHASES) - {"waiting"}
    cycle = sum(PACE.values())
    assert Agenda().minutes == 0
    assert Agenda((BROKEN, FIXED)).minutes == 2 * cycle + INTRODUCTION
    assert Agenda((BROKEN, FIXED, NAN)).minutes == 3 * cycle + 2 * INTRODUCTION
