"""How a panel hears that its run has got on: its browser asks a small route, and no script runs for that.

A script costs the server milliseconds of its one processor. Sixty learners who waited for two workers had theirs run
again and again, to draw that they wait.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Hashable
from contextlib import suppress
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary, ref

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

if TYPE_CHECKING:
    from lessons.server.laboratory import Laboratory, Training

ANSWERS_WITHIN = 5.0  # seconds that a question stays open: a browser has six connections for all of its tabs
STEP = 1.0  # seconds between two looks whether what a run waits for has changed
PICTURES = 0.25  # seconds that a run under way gets for more epochs before its page is told of them
PATH = "run-news/"
LOADING = "warming up: TensorFlow is loading"

asked_for: WeakValueDictionary[str, News] = WeakValueDictionary()  # by the name that its browser knows


def shared() -> Laboratory:
    """The laboratory. It loads NumPy, and this module is loaded before the server serves."""
    from lessons.server import laboratory

    return laboratory.shared()


class News:
    """What the browser of `who` asks after: how far a training is; without one, whether there are workers.

    It holds no training: own data go when the form does that they lie on.
    """

    def __init__(self, training: Training | None, who: Hashable):
        self.name = secrets.token_urlsafe(9)
        self.who = who
        self._training = ref(training) if training else None
        asked_for[self.name] = self

    @property
    def training(self) -> Training | None:
        return self._training() if self._training else None

    @property
    def address(self) -> str:
        """Where it is asked for, relative to the page."""
        return f"./{PATH}{self.name}"

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        training = self.training
        return shared().ready() or bool(shared().trouble) if training is None else training.done

    def state(self) -> str:
        """A word for how far it is: another one is news."""
        training = self.training
        if training is None or self.ended:
            return str(self.ended)
        told = len(training.job.items)
        return str(told) if told > 1 else waiting(training)  # what comes first tells of no epoch

    def watch(self) -> None:
        """Say that somebody waits for it."""
        if training := self.training:
            training.watch(self.who)


def waiting(training: Training) -> str:
    """What a training that has not begun waits for, in words."""
    if training.recipe.walled:
        return "starting behind walls, a few seconds the first time"
    if not shared().ready():
        return LOADING
    return "waiting for a free worker" if shared().traced(training.recipe) else "compiling the graph, about a second"


def routes() -> list[BaseRoute]:
    return [Route("/{base:path}" + PATH + "{name}", answer, methods=["GET"])]


async def answer(request: Request) -> Response:
    """The state as plain text, as soon as it is another one than the browser knows; no content where there is nothing.

    That is no error: a run was stopped, or its page drawn anew, while its browser asked. A 404 stood in its console.
    """
    news = asked_for.get(request.path_params["name"])
    if news is None:
        return Response(status_code=204)
    state = await changed(news, request.query_params.get("state", ""))
    return PlainTextResponse(state, headers={"Cache-Control": "no-store"})


async def changed(news: News, known: str) -> str:
    """Another state than the known one, or the same after ANSWERS_WITHIN. A run that is about to end is let end."""
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    job = news.training.job if news.training else None

    def tell() -> None:
        with suppress(RuntimeError):  # the server ends
            loop.call_soon_threadsafe(told.set)

    async def wait(seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(told.wait(), seconds)
        told.clear()

    if job:
        job.listeners.add(tell)
    try:
        until = loop.time() + ANSWERS_WITHIN
        while news.state() == known and not news.ended and loop.time() < until:
            news.watch()
            await wait(STEP if job else PICTURES)
        picture = loop.time() + PICTURES
        while job and news.state() != known and not news.ended and loop.time() < picture:
            await wait(picture - loop.time())
    finally:
        if job:
            job.listeners.discard(tell)
    return news.state()
