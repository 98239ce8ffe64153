"""What stands beside the web server: workers, walled pool, pages. They are loaded, checked and begun."""

import asyncio
from importlib import import_module

from lessons.course.discovery import LESSONS
from lessons.recipe.recipe import Recipe
from lessons.sandbox import walled_pool
from lessons.server import verification
from lessons.server.laboratory import shared
from lessons.workers.pool import WorkerPool
from pages.server.private import script_runs

HEAD_START = 2.0  # seconds the first page has to itself: two imports of TensorFlow would slow its painting down


def begin(loop: asyncio.AbstractEventLoop) -> None:
    """Raises ValueError where there is no cluster of workers at the address that this server was given."""
    laboratory, lessons = shared(), tuple(LESSONS.values())  # each is loaded here: the first script names them all
    if isinstance(laboratory.executor, WorkerPool):  # a cluster's workers run already
        laboratory.executor.may_warm = lambda: not script_runs()
        every_preset = (Recipe(preset.settings) for lesson in lessons for preset in lesson.presets)
        loop.call_soon_threadsafe(loop.call_later, HEAD_START, verification.begin, every_preset)
    import_module("pages.route")  # the first script needs it


def end() -> None:
    shared().executor.shutdown(wait=False, cancel_futures=True)
    if walled_pool.shared.there:  # somebody has been to the clinic
        walled_pool.shared().shutdown(wait=False, cancel_futures=True)
