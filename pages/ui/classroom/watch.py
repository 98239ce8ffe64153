"""How a learner's page hears that the room has moved: its browser asks a small route, and no script runs for that.

A fragment that Streamlit runs again every second costs some 3 ms each time, for a hundred learners half a core.
"""

import asyncio

import streamlit as st
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from lessons.classroom.refusal import Away
from pages.ui.store import rooms

EVERY = 1250  # milliseconds between two askings
PATH = "room-news/"

_watch = st.components.v2.component(
    "unmasked.watch",
    js="""
    const watches = new WeakMap()

    class Watch {
      start() {
        if (this.timer) return
        this.shown = () => { if (!document.hidden) this.wait(0) }
        document.addEventListener("visibilitychange", this.shown)
        this.wait(this.data.every * Math.random()) // a class that came in at once does not ask at once
      }
      wait(milliseconds) {
        clearTimeout(this.timer)
        this.timer = setTimeout(() => this.ask(), milliseconds)
      }
      async ask() {
        const { path, state, every } = this.data
        try {
          const answer = await fetch(new URL(path, document.baseURI), { cache: "no-store" })
          const now = await answer.text()
          if (this.timer && answer.ok && now !== state) this.send("news", now)
        } catch { /* the server is away: it is asked again */ }
        if (this.timer) this.wait(every)
      }
      end() {
        clearTimeout(this.timer)
        this.timer = null
        document.removeEventListener("visibilitychange", this.shown)
      }
    }

    export default function ({ parentElement, data, setTriggerValue }) {
      if (!watches.has(parentElement)) watches.set(parentElement, new Watch())
      const watch = watches.get(parentElement)
      watch.data = data
      watch.send = setTriggerValue
      watch.start()
      return () => watch.end()
    }
    """,
)


def watch(key: str, word: str, state: str) -> None:
    """Draw this fragment again as soon as the room whose word this is has another state."""
    data = {"path": f"./{PATH}{word}", "state": state, "every": EVERY}
    _watch(key=key, data=data, on_news_change=lambda: None)


def routes() -> list[BaseRoute]:
    return [Route("/{base:path}" + PATH + "{word}", news, methods=["GET"])]


async def news(request: Request) -> Response:
    """The state of a room as plain text; 404 where there is none, 503 while the database does not answer."""
    try:
        state = await asyncio.to_thread(lambda: rooms().news(request.path_params["word"]))
    except Away:
        return PlainTextResponse("", 503)
    return PlainTextResponse(state, headers={"Cache-Control": "no-store"})
