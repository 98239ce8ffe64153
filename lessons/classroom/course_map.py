"""The course as one learner stands in it: which lessons are open, begun or done, and how long each takes."""

from collections.abc import Iterable, Mapping
from typing import Literal

from lessons.classroom.steps import Step
from lessons.course.discovery import LESSONS
from lessons.course.lesson import Lesson

Standing = Literal["open", "begun", "done"]
WORDS_A_MINUTE = 200  # read on a screen, with thinking
# Minutes besides reading, as a first learner takes them.
PREDICTING, PRESET, EXERCISE = 1.0, 0.5, 3.0


def minutes(lesson: Lesson) -> int:
    """How long the lesson takes: its text and its presets' sentences read, each preset run, the exercises done."""
    texts = [lesson.text, lesson.prediction.question]
    texts += [text for answer in lesson.prediction.answers for text in (answer.text, answer.belief)]
    texts += [text for preset in lesson.presets for text in (preset.says, preset.claimed, preset.truth)]
    reading = sum(len(text.split()) for text in texts) / WORDS_A_MINUTE
    return round(reading + PREDICTING + PRESET * len(lesson.presets) + EXERCISE * len(lesson.exercises))


def last_records(steps: Iterable[Step], kind: str) -> dict[tuple[str, str], Mapping]:
    """By lesson and name, what the last step of a kind tells: of several the last one counts."""
    return {(step.slug, step.name): step.content for step in steps if step.kind == kind}


def passed(steps: Iterable[Step]) -> set[tuple[str, str]]:
    """Lesson and name of each exercise that was passed once. What is tried afterwards takes nothing away."""
    return {(step.slug, step.name) for step in steps if step.kind == "exercise" and step.content.get("passed") is True}


def observed(record: Mapping) -> bool:
    """Whether a run has shown which answer came true."""
    return isinstance(record.get("outcome"), int)


def standing(lesson: Lesson, steps: Iterable[Step]) -> Standing:
    """Done: the first preset's prediction was observed, and every exercise passed."""
    mine = [step for step in steps if step.slug == lesson.slug]
    predicted = last_records(mine, "prediction").get((lesson.slug, lesson.presets[0].name), {})
    wanted = {(lesson.slug, exercise.name) for exercise in lesson.exercises}
    if observed(predicted) and wanted <= passed(mine):
        return "done"
    return "begun" if mine else "open"


def standings(steps: Iterable[Step]) -> dict[str, Standing]:
    """Of every lesson, by slug."""
    steps = list(steps)
    return {slug: standing(lesson, steps) for slug, lesson in LESSONS.items()}


def go_on(steps: Iterable[Step], at: str = "") -> str | None:
    """Where to go on: the lesson where they left, if it is not done; else the next that is not. None: all are done."""
    stands = standings(steps)
    slugs = list(stands)
    start = slugs.index(at) if at in stands else 0
    left = [slug for slug in (*slugs[start:], *slugs[:start]) if stands[slug] != "done"]
    return left[0] if left else None
