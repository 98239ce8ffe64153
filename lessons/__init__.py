"""The lessons of Unmasked, for scripts, notebooks and the command line. Importing this loads no TensorFlow."""

import importlib
import pkgutil
from dataclasses import replace

from lessons import catalog
from lessons.lesson import CHAPTERS, Lesson
from lessons.settings import BadInput


def _discover() -> dict[str, Lesson]:
    """Every LESSON of catalog/ by slug, in the order of the course."""
    names = [module.name for module in pkgutil.iter_modules(catalog.__path__) if not module.name.startswith("_")]
    found = [replace(importlib.import_module(f"lessons.catalog.{name}").LESSON, slug=name) for name in names]
    return {lesson.slug: lesson for lesson in sorted(found, key=lambda at: (CHAPTERS.index(at.chapter), at.order))}


LESSONS = _discover()


def find(slug: str) -> Lesson:
    """The lesson of that slug. Raises BadInput."""
    if slug not in LESSONS:
        raise BadInput(f"lesson: got “{slug[:40]}”; there are {', '.join(LESSONS)}.")
    return LESSONS[slug]
