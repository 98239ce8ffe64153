"""The lessons of the course: each is loaded when it is first asked for. Importing this loads none."""

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache

from lessons.course import own_case
from lessons.course.lesson import CHAPTERS, Lesson
from lessons.course.slugs import CATALOG, slugs
from lessons.recipe.bad_input import BadInput

LOADED: dict[str, Lesson] = {}


class Course(Mapping[str, Lesson]):
    """The lessons of catalog/ by slug. Going through all of them loads all, in the order of the course."""

    def __getitem__(self, slug: str) -> Lesson:
        if slug not in slugs():
            raise KeyError(slug)
        return loaded(slug)

    def __iter__(self) -> Iterator[str]:
        return iter(in_order())

    def __len__(self) -> int:
        return len(slugs())

    def __contains__(self, slug: object) -> bool:
        return slug in slugs()


LESSONS = Course()


def find(slug: str) -> Lesson:
    """The lesson of that slug, or the bench for own data. Raises BadInput."""
    if slug == own_case.SLUG:
        return own_case.LESSON
    if slug not in LESSONS:
        raise BadInput(f"lesson: got “{slug[:40]}”; there are {', '.join(LESSONS)}.")
    return LESSONS[slug]


def loaded(slug: str) -> Lesson:
    if slug not in LOADED:
        LOADED[slug] = replace(importlib.import_module(f"{CATALOG}.{slug}").LESSON, slug=slug)
    return LOADED[slug]


@cache
def in_order() -> tuple[str, ...]:
    """The slugs by chapter, and in a chapter by the order that each lesson says."""
    return tuple(sorted(slugs(), key=lambda slug: (CHAPTERS.index(loaded(slug).chapter), loaded(slug).order)))
