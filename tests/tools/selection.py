"""Which cases of a parametrised test run in `make test`; the rest waits for `make verify`."""

from collections.abc import Sequence

import pytest

from lessons.course.discovery import LESSONS
from lessons.recipe import losses

# What lessons offer for numbers and 0/1 labels; a label of the others is the id of a token.
OF_NUMBERS = sorted(
    {name for lesson in LESSONS.values() if not lesson.presets[0].settings.predicts.ranked for name in lesson.losses}
    | set(losses.LABELS)
)


def first(count: int, cases: Sequence) -> list:
    """Put those first that differ most."""
    rest = [case if isinstance(case, tuple) else (case,) for case in cases[count:]]
    return [*cases[:count], *(pytest.param(*case, marks=pytest.mark.verify) for case in rest)]


def presets(*chief: str) -> list:
    """(slug, preset) of all lessons. For `make test` are those that the contrast of a lesson names so.

    By default two of a lesson: what fails, and what repairs it.
    """
    return [
        pytest.param(slug, preset, id=f"{slug}-{preset.name}", marks=() if preset.name in run else pytest.mark.verify)
        for slug, lesson in LESSONS.items()
        for run in [{getattr(lesson.contrast, which) for which in chief or ("failure", "repair")}]
        for preset in lesson.presets
    ]
