"""A session plan on paper: one HTML file that prints by itself, for learners or for whoever teaches."""

from collections.abc import Iterator, Mapping

from lessons.classroom import paper
from lessons.classroom.agenda import Agenda, Item
from lessons.classroom.posed import posed_of
from lessons.course.lesson import CONFIDENCE, UNANSWERED, Lesson, Preset
from lessons.recipe import losses
from lessons.recipe.recipe import Recipe


def worksheet(agenda: Agenda, answers: Mapping[Item, int | None] | None = None) -> str:
    """The learners' copy; with `answers` the teacher's, where each item's number is the answer that came true.

    An item without one is told as not measured: nobody knows an answer before it has been run. One whose answer is None
    was run, and its run cannot answer the question.
    """
    asked = list(questions(agenda, answers or {}))
    return paper.rendered(
        "worksheet.html", agenda=agenda, answers=answers, questions=asked, confidence=CONFIDENCE, unanswered=UNANSWERED
    )


def questions(agenda: Agenda, answers: Mapping[Item, int | None]) -> Iterator[dict]:
    """One for each item. `first`: of its lesson, whose aims and notes stand there."""
    introduced: set[str] = set()
    for item in agenda.items:
        asked = posed_of(item)
        yield {
            "posed": asked,
            "recipe": recipe(asked.lesson, asked.preset) if asked.lesson and asked.preset else (),
            "loss": losses.source(asked.preset.settings.loss) if asked.preset else "",
            "measured": asked.own or item in answers,
            "true": asked.right if asked.own else answers.get(item),
            "first": not asked.own and item[0] not in introduced,
        }
        introduced.add(item[0])


def recipe(lesson: Lesson, preset: Preset) -> tuple[tuple[str, str], ...]:
    """What is trained, as (label, value): the controls in sight, and those behind “More” that the preset or the lesson
    has moved.

    A control that cannot change this run would only be in the way.
    """
    off, usual = Recipe(preset.settings).idle(), (type(preset.settings)(), lesson.presets[0].settings)
    rows = []
    for name in (*lesson.controls, *lesson.more):
        value = getattr(preset.settings, name)
        moved = any(value != getattr(settings, name) for settings in usual)
        if name not in off and (name in lesson.controls or moved):
            rows.append((preset.settings.specs()[name].label, preset.settings.said(name)))
    return tuple(rows)
