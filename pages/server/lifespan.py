"""What the web server adds to Streamlit: workers beside it, security headers, compressed files, routes of our own.

`app.py` hands `middleware()` and `routes()` to `st.App`.
"""

import asyncio
import gc
import hashlib
import os
import socket
import sys
import threading
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from typing import NoReturn

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lessons.course.discovery import LESSONS
from lessons.recipe.recipe import Recipe
from lessons.sandbox import walled_pool
from lessons.server.laboratory import shared
from lessons.server.verification import begin
from lessons.workers.pool import WorkerPool
from pages.server import run_news, shown, store, watch
from pages.server.files import PLOTLY_JS, CompressedCopies, CompressStatic, compressible_files, plotly_js
from pages.server.private import STREAMLIT_STATIC, prepare, script_runs

HEAD_START = 2.0  # seconds the first page has to itself: two imports of TensorFlow would slow its painting down


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[None]:
    """Start the workers beside the server, so that the first learner finds them warm, and end them with it.

    Here and not in a page: a process that a script starts would run the app again. A page asks for its presets' graphs.
    """
    answer_at_once()
    prepare()
    try:
        store.check()
        laboratory = shared()
        walled_pool.fewer_walls_allowed()
    except ValueError as problem:  # BadInput is one; the pool's own is no BadInput, for it knows no settings
        end(str(problem))
    if isinstance(laboratory.executor, WorkerPool):  # a cluster's workers run already
        laboratory.executor.may_warm = lambda: not script_runs()
        every_preset = (Recipe(preset.settings) for lesson in LESSONS.values() for preset in lesson.presets)
        asyncio.get_running_loop().call_later(HEAD_START, begin, every_preset)
    # The first script needs them; while a browser loads Streamlit's page they are loaded too.
    threading.Thread(target=import_module, args=["pages.route"], daemon=True, name="pages").start()
    yield
    laboratory.executor.shutdown(wait=False, cancel_futures=True)
    if walled_pool.shared.cache_info().currsize:  # somebody has been to the clinic
        walled_pool.shared().shutdown(wait=False, cancel_futures=True)


def end(sentence: str) -> NoReturn:
    """End the server before it serves. Nothing runs yet that would have to be ended in order.

    Whatever were raised here, SystemExit too, Starlette would print with its traceback, and hide the sentence in it.
    """
    sys.stdout.flush()
    print(f"unmasked: {sentence}", file=sys.stderr, flush=True)
    os._exit(2)


def answer_at_once() -> None:
    """Switch Nagle's algorithm off on the listening socket, and so on the connections it accepts.

    Streamlit opens it without naming the protocol, and asyncio then leaves the delay on: 40 ms an action.
    """
    for thing in gc.get_objects():
        if isinstance(thing, socket.socket) and thing.fileno() >= 0 and thing.family != socket.AF_UNIX:
            accepts = thing.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
            if accepts and thing.type == socket.SOCK_STREAM:
                thing.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def middleware(copies: CompressedCopies | None = None) -> list[Middleware]:
    """The middleware for `st.App`, outermost first. `copies` lets a test count what was compressed."""
    return [
        Middleware(SecurityHeaders, headers=security_headers()),
        Middleware(CompressStatic, copies=copies or CompressedCopies(compressible_files())),
    ]


def routes() -> list[BaseRoute]:
    """The routes that Streamlit lacks, for `st.App`.

    The pattern takes any prefix and the endpoint checks it: asking for `server.baseUrlPath` here, before
    `st.App` exists, would freeze the configuration before Streamlit knows where our config.toml is.
    """
    drawing = Route("/{base:path}" + PLOTLY_JS, plotly_js, methods=["GET"])
    return [drawing, *shown.routes(), *watch.routes(), *run_news.routes()]


# --- security headers


def security_headers() -> dict[str, str]:
    """Headers for every answer, computed once at start."""
    return {
        "Content-Security-Policy": content_security_policy(),
        "X-Content-Type-Options": "nosniff",
        # A link carries a learner's settings; other sites have no business with it.
        "Referrer-Policy": "same-origin",
    }


def content_security_policy() -> str:
    """Nothing from outside runs, loads or is called, and no other site frames us.

    `blob:` is how Streamlit loads a component's script, `unsafe-inline` how it and Plotly set styles. There
    is no `unsafe-eval`, which is why Playwright's `wait_for_function` fails on our pages.
    """
    hashes = "".join(f" '{digest}'" for digest in inline_script_hashes(STREAMLIT_STATIC / "index.html"))
    return "; ".join(
        [
            "default-src 'self'",
            f"script-src 'self' blob:{hashes}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'self'",
        ]
    )


def inline_script_hashes(page: Path) -> list[str]:
    """`sha256-…` of each inline script of the installed Streamlit, so that an upgrade needs no edit."""
    scripts = InlineScripts()
    scripts.feed(page.read_text(encoding="utf-8"))
    scripts.close()
    return ["sha256-" + b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts.texts]


class InlineScripts(HTMLParser):
    """Collects the text of scripts without `src`, exactly as a browser hashes it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.texts: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "script" and "src" not in dict(attrs):
            self._inside = True
            self.texts.append("")

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.texts[-1] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._inside = False


class SecurityHeaders:
    """Adds fixed headers to every HTTP answer."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        self.app = app
        self.headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self.headers)
            await send(message)

        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)
