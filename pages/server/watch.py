"""How a learner's page hears that the room has moved: its browser asks a small route, and no script runs for that.

A fragment that Streamlit runs again every second costs some 3 ms each time, for a hundred learners half a core.
"""

import asyncio

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from lessons.classroom.aside import aside
from lessons.classroom.refusal import Away
from pages.server import shown
from pages.server.store import rooms

EVERY = 1250  # milliseconds between two askings
PATH = "room-news/"
WITHIN = 5.0  # seconds that a browser waits for an answer
FRESH = 0.25  # seconds for which what the database has said of a room is told to others
AT_ONCE = 32  # rooms that the database is asked about at the same time; a question takes milliseconds

# By the word of the room; the event loop alone reads and writes them.
under_way: dict[str, asyncio.Future[str]] = {}
fresh: dict[str, str] = {}


class TooMany(Exception):
    """As many questions as there may be wait for the database already."""


_watch = shown.component("watch")


def watch(key: str, word: str, state: str) -> None:
    """Draw this fragment again as soon as the room whose word this is has another state."""
    data = {"path": f"./{PATH}{word}", "state": state, "every": EVERY}
    _watch(key=key, data=data, on_news_change=lambda: None)


def routes() -> list[BaseRoute]:
    return [Route("/{base:path}" + PATH + "{word}", news, methods=["GET"])]


async def news(request: Request) -> Response:
    """The state of a room as plain text, empty where there is none; 503 while the database does not answer."""
    word = request.path_params["word"]
    try:
        state = fresh.get(word) or await asyncio.wait_for(asyncio.shield(asked(word)), WITHIN)
    except (Away, TooMany, TimeoutError):
        return PlainTextResponse("", 503)
    return PlainTextResponse(state, headers={"Cache-Control": "no-store"})


def asked(word: str) -> asyncio.Future[str]:
    """The state of a room, or Away. All who ask while a question is under way share its answer. Raises TooMany.

    Where the database hangs, nothing else of the server waits behind it.
    """
    if word in under_way:
        return under_way[word]
    if len(under_way) >= AT_ONCE:
        raise TooMany

    def answered(done: asyncio.Future[str]) -> None:
        del under_way[word]
        if done.cancelled() or done.exception():  # nobody may be waiting any more: it is no fault that nobody looks
            return
        fresh[word] = done.result()
        asyncio.get_running_loop().call_later(FRESH, fresh.pop, word, None)

    question = under_way[word] = asyncio.wrap_future(aside(lambda: rooms().news(word)))
    question.add_done_callback(answered)
    return question
