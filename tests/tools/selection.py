"""Which cases of a parametrised test run in `make test`; the rest waits for `make verify`."""

from collections.abc import Sequence

import pytest

from lessons.course.discovery import LESSONS


def first(count: int, cases: Sequence) -> list:
    """Put those first that differ most."""
    rest = [case if isinstance(case, tuple) else (case,) for case in cases[count:]]
    return [*cases[:count], *(pytest.param(*case, marks=pytest.mark.verify) for case in rest)]


def presets() -> list:
    """(slug, preset) of all lessons. Two of a lesson are for `make test`: what fails, and what repairs it."""
    return [
        pytest.param(slug, preset, id=f"{slug}-{preset.name}", marks=() if chief else pytest.mark.verify)
        for slug, lesson in LESSONS.items()
        for preset in lesson.presets
        for chief in [preset.name in (lesson.contrast.failure, lesson.contrast.repair)]
    ]
