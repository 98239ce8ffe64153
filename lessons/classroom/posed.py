"""A question as it stands before a class: a lesson's, about one of its presets, or a teacher's own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

from lessons.classroom.own_question import CASE, OWN, Item, OwnQuestion
from lessons.course.discovery import LESSONS, find
from lessons.course.lesson import Answer, Lesson, Preset
from lessons.course.variation import variation, variation_words
from lessons.recipe.bad_input import BadInput

SHORT = 40  # letters of a question that stands on a button


@dataclass(frozen=True)
class Posed:
    """`lesson`, `preset`: what is run, None where nothing is. `right`: where it is known without a run, of `answers`.

    `differs`: of a variation, in what. `why`: what a teacher says at the reveal. `case`: the name of a published case
    that learners run by themselves.
    """

    title: str
    text: str
    answers: tuple[Answer, ...]
    lesson: Lesson | None
    preset: Preset | None
    right: int | None = None
    differs: str = ""
    why: str = ""
    case: str = ""

    @property
    def runs(self) -> bool:
        return bool(self.preset or self.case)

    @property
    def own(self) -> bool:
        return self.right is not None

    @property
    def label(self) -> str:
        """In few words: for a button."""
        if not self.own and self.preset:
            return self.preset.label
        return self.text if len(self.text) <= SHORT else self.text[: SHORT - 1].rstrip() + "…"


def posed(slug: str, name: str, number: int = 0) -> Posed:
    """`name`: of a preset, or an own question as `OwnQuestion.name` has it; `number`: of the variation.

    Raises BadInput.
    """
    if slug == OWN:
        return posed_own(OwnQuestion.named(name))
    lesson = find(slug)
    preset = lesson.preset(name)
    if number:
        preset = varied(preset, number)
    prediction = lesson.prediction
    differs = preset.says if number else ""
    return Posed(lesson.title, prediction.question, prediction.answers, lesson, preset, differs=differs)


def posed_own(question: OwnQuestion) -> Posed:
    """Raises BadInput where the course has no more what is run with it."""
    slug, name = question.run or ("", "")
    if slug not in ("", CASE, *LESSONS):
        raise BadInput(f"run: got “{slug[:40]}”; takes LESSON:PRESET of {', '.join(LESSONS)}, or {CASE}:NAME.")
    lesson = LESSONS.get(slug)
    preset = lesson.preset(name) if lesson else None
    answers = tuple(Answer(text, "") for text in question.answers)
    return Posed("Your instructor asks", question.text, answers, lesson, preset, question.right, why=question.why,
                 case=name if slug == CASE else "")  # fmt: skip


def posed_of(item: Item) -> Posed:
    """A step of a plan. Raises BadInput."""
    return posed(*item)


@cache
def varied(preset: Preset, number: int) -> Preset:
    """The preset with other numbers, as a preset of its own."""
    settings = variation(preset.settings, number)
    words = variation_words(preset.settings, settings)
    return replace(preset, label=f"{preset.label}, a variation", says=f"The same with other numbers: {words}.",
                   settings=settings)  # fmt: skip


def answers_of(slug: str, name: str) -> tuple[Answer, ...]:
    """Those that a vote could be for; none where the course has the lesson no more, whatever became of its preset."""
    try:
        return posed(slug, name).answers
    except BadInput:
        return LESSONS[slug].prediction.answers if slug in LESSONS else ()
