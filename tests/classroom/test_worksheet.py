"""The worksheet: all that a class needs on paper, nothing that gives the answer away, and nothing unescaped."""

from dataclasses import replace
from html.parser import HTMLParser

import pytest

from lessons.classroom import worksheet
from lessons.classroom.agenda import Agenda
from lessons.course import discovery
from lessons.course.discovery import LESSONS
from lessons.course.lesson import CONFIDENCE, UNANSWERED

VOID = {"meta", "br"}
EVERY = [(slug, preset.name) for slug, lesson in LESSONS.items() for preset in lesson.presets]
PLAN = Agenda((("mask_and_loss", "broken"), ("mask_and_loss", "fixed"), ("nan_labels", "outside")))


class Sheet(HTMLParser):
    """Its text, its elements, and whether they nest."""

    def __init__(self, page: str):
        super().__init__()
        self.open, self.seen, self.addresses, self.words = [], [], [], []
        self.feed(page)
        self.close()
        assert self.open == []
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs).get("class")))
        self.addresses += [value for name, value in attrs if name in ("src", "href", "action")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)


def plain(text: str) -> str:
    return " ".join(text.replace("`", "").replace("**", "").split())


def said(sheet: Sheet, text: str) -> bool:
    """Whether the words are there, whatever elements stand between them."""
    return "".join(plain(text).split()) in "".join(sheet.text.split())


@pytest.mark.parametrize("item", EVERY, ids=":".join)
def test_every_preset_can_be_asked_on_paper(item):
    page = worksheet.worksheet(Agenda((item,)))
    sheet, lesson = Sheet(page), LESSONS[item[0]]
    assert said(sheet, lesson.title) and said(sheet, lesson.prediction.question)
    for answer in lesson.prediction.answers:
        assert said(sheet, answer.text) and not said(sheet, answer.belief)
    assert sheet.seen.count(("span", "box")) == 2 * (len(lesson.prediction.answers) + len(CONFIDENCE))
    assert not said(sheet, lesson.preset(item[1]).says) and not said(sheet, lesson.notes)
    assert sheet.addresses == [] and "<script" not in page and "url(" not in page and "@import" not in page
    assert "Came true" not in sheet.text


@pytest.mark.parametrize("slug", LESSONS)
def test_two_presets_of_a_lesson_are_two_experiments_on_paper(slug):
    lesson = LESSONS[slug]
    told = {worksheet.recipe(lesson, preset) for preset in lesson.presets}
    assert len(told) == len(lesson.presets)


@pytest.mark.parametrize("slug", LESSONS)
def test_the_teachers_copy_has_answers_beliefs_aims_and_notes(slug):
    lesson = LESSONS[slug]
    agenda = Agenda(tuple((slug, preset.name) for preset in lesson.presets))
    sheet = Sheet(worksheet.worksheet(agenda, dict.fromkeys(agenda.items, 1)))
    assert sheet.seen.count(("tr", "true")) == len(agenda.items) == sheet.text.count("Came true.")
    assert said(sheet, lesson.prediction.answers[0].belief) and not said(sheet, lesson.prediction.answers[1].belief)
    assert all(said(sheet, aim) for aim in lesson.aims)
    assert sheet.text.count("What people believe:") == 1, "once for a lesson"
    assert all(said(sheet, paragraph) for paragraph in lesson.notes.split("\n\n"))


def test_what_was_not_measured_is_not_told_as_true():
    sheet = Sheet(worksheet.worksheet(PLAN, {PLAN.items[0]: 2, PLAN.items[1]: None}))
    assert sheet.text.count("Not measured yet") == 1 and sheet.text.count("Came true.") == 1
    assert sheet.text.count(UNANSWERED) == 1, "it was run, and the run cannot answer"


def test_a_question_begins_a_page_and_an_empty_plan_is_told():
    page = worksheet.worksheet(PLAN)
    assert page.count("<section>") == 3 and "break-before: page" in page
    assert "empty" in Sheet(worksheet.worksheet(Agenda())).text


def test_everything_is_escaped(monkeypatch):
    evil = "<script>alert(1)</script> & `<b>` **<i>**"
    lesson = LESSONS["mask_and_loss"]
    answers = tuple(replace(one, text=evil, belief=evil) for one in lesson.prediction.answers)
    presets = tuple(replace(one, label=evil, says=evil) for one in lesson.presets)
    prediction = replace(lesson.prediction, question=evil, answers=answers)
    changed = replace(lesson, title=evil, aims=(evil,), notes=evil, presets=presets, prediction=prediction)
    monkeypatch.setitem(discovery.LOADED, "mask_and_loss", changed)
    for measured in (None, {PLAN.items[0]: 0}):
        page = worksheet.worksheet(Agenda(PLAN.items[:2]), measured)
        assert "<script" not in page and "<i>" not in page and "<code>&lt;b&gt;</code>" in page
        Sheet(page)
