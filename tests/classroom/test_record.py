"""The record of a learner: its numbers, its words, and that it is one safe page."""

from dataclasses import replace
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest

from lessons.classroom.course_map import go_on, minutes, standing, standings
from lessons.classroom.record import NAME_LONGEST, Tally, html, record
from lessons.classroom.steps import Step
from lessons.course import discovery
from lessons.course.discovery import LESSONS

SLUG = "mask_and_loss"
LESSON = LESSONS[SLUG]
FIRST = LESSON.presets[0].name


def guess(answer: int, outcome: int | None, sure: str = "certain", name: str = FIRST, kind: str = "prediction") -> Step:
    return Step(kind, SLUG, name, {"answer": answer, "outcome": outcome, "confidence": sure, "text": "x"}, 86400.0)


def line(steps: list[Step], slug: str = SLUG):
    return next(line for line in record(steps).lines if line.slug == slug)


def test_who_did_nothing_has_a_record_too():
    found = record([])
    assert [line.slug for line in found.lines] == list(LESSONS)
    assert found.predictions == found.twins == Tally() and found.predictions.share is None
    assert found.done == 0 and found.began is None
    assert "Nothing done yet" in html(found) and html(found).count("<span>none</span>") == 3


def test_what_was_right_is_counted_among_what_a_run_has_shown():
    steps = [guess(0, 0), guess(0, 2, "a guess", "fixed"), guess(1, None, "fairly sure", "answer")]
    found = record(steps)
    assert found.predictions == Tally(1, 2) and found.predictions.share == 0.5
    assert line(steps).waiting == 1
    assert found.calibration == {"a guess": Tally(0, 1), "fairly sure": Tally(), "certain": Tally(1, 1)}


def test_all_wrong_is_nought_of_many_and_not_nothing():
    steps = [guess(0, 2, name=preset.name) for preset in LESSON.presets]
    found = record(steps)
    assert found.predictions == Tally(0, len(LESSON.presets)) and found.predictions.share == 0.0
    assert f"0% (0 of {len(steps)})" in html(found)


def test_of_one_prediction_the_last_word_counts_and_only_once():
    assert record([guess(0, None), guess(0, 0), guess(0, 0)]).predictions == Tally(1, 1)


def test_comparison_are_counted_apart_and_calibrate_too():
    found = record([guess(0, 2), guess(2, 2, "fairly sure", kind="twin")])
    assert (found.predictions, found.twins) == (Tally(0, 1), Tally(1, 1))
    assert found.calibration["fairly sure"] == Tally(1, 1) and found.calibration["certain"] == Tally(0, 1)


def test_steps_of_lessons_that_are_no_more_or_tell_nothing_do_no_harm():
    strange = [
        Step("prediction", "gone", "broken", {"answer": 1, "outcome": 1, "confidence": "certain"}),
        Step("prediction", SLUG, FIRST, {}),
        Step("exercise", SLUG, "spot", {"passed": "False"}),
        Step("prediction", SLUG, "fixed", {"answer": 1, "outcome": 1, "confidence": ["odd"]}),
    ]
    found = record(strange)
    assert line(strange).passed == 0 and found.predictions == Tally(1, 1)
    assert sum(tally.observed for tally in found.calibration.values()) == 1
    assert html(found)


def test_exercises_count_attempts_and_hints(monkeypatch):
    lesson = replace(LESSON, exercises=(SimpleNamespace(name="spot"), SimpleNamespace(name="mend")))
    monkeypatch.setitem(discovery.LOADED, SLUG, lesson)
    failed, done = Step("exercise", SLUG, "spot", {"passed": False}), Step("exercise", SLUG, "spot", {"passed": True})
    steps = [failed, Step("hint", SLUG, "spot"), done, replace(failed, at=done.at + 1)]
    found = line(steps)
    assert (found.exercises, found.passed, found.attempts, found.hints) == (2, 1, 3, 1)
    assert "<td>1 of 2</td>" in html(record(steps))
    assert standing(lesson, [guess(0, 0), *steps]) == "begun", "one exercise is left"
    assert standing(lesson, [guess(0, 0), *steps, Step("exercise", SLUG, "mend", {"passed": True})]) == "done"
    assert minutes(lesson) == minutes(replace(LESSON, exercises=())) + 6


def test_a_lesson_is_done_when_its_first_prediction_was_observed():
    exercised = [Step("exercise", SLUG, one.name, {"passed": True}) for one in LESSON.exercises]
    assert standings([])[SLUG] == "open"
    assert standings([guess(0, None)])[SLUG] == "begun"
    assert standings([guess(0, 0, name="fixed"), *exercised])[SLUG] == "begun"
    assert standings([guess(0, 2), *exercised])[SLUG] == "done", "a wrong prediction teaches too"


def test_going_on_is_where_they_left_then_what_is_left():
    slugs = list(LESSONS)
    assert go_on([]) == slugs[0] and go_on([], "nonsense") == slugs[0]
    assert go_on([], SLUG) == SLUG
    everything = [
        step
        for slug, lesson in LESSONS.items()
        for step in (
            replace(guess(0, 0, name=lesson.presets[0].name), slug=slug),
            *(Step("exercise", slug, one.name, {"passed": True}) for one in lesson.exercises),
        )
    ]
    assert go_on([step for step in everything if step.slug != slugs[0]], slugs[-1]) == slugs[0]
    assert go_on(everything) is None and record(everything).done == len(LESSONS)


@pytest.mark.parametrize("slug", LESSONS)
def test_minutes_are_those_of_a_sitting(slug):
    assert 3 <= minutes(LESSONS[slug]) <= 45


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen: list[tuple[str, dict]] = []

    def handle_starttag(self, tag, attributes):
        self.seen.append((tag, dict(attributes)))


def test_the_page_is_one_file_and_what_people_typed_is_text():
    evil = '<script>alert(1)</script>" onload="x'
    steps = [replace(guess(0, 2), content={**guess(0, 2).content, "text": evil, "came": evil})]
    text = html(record(steps), evil, now=86400.0 * 3)
    tags = Tags()
    tags.feed(text)
    assert "&lt;script&gt;" in text and "From 1970-01-02" in text and "on 1970-01-04" in text
    assert not {"script", "img", "link", "iframe"} & {tag for tag, _ in tags.seen}
    assert not any(name.startswith("on") or name in ("src", "href") for _, given in tags.seen for name in given)
    assert "http" not in text and "@page { size: A4" in text
    assert html(record([]), "x" * 1000).count("x") < NAME_LONGEST + 60
