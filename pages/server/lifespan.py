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
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lessons.sandbox.fewer_walls import fewer_walls_allowed
from lessons.workers.capacity import default_size
from pages.server import run_news, shown, store, watch
from pages.server.files import PLOTLY_JS, CompressedCopies, CompressStatic, compressible_files, plotly_js
from pages.server.private import STREAMLIT_STATIC, prepare
from pages.server.root_links import RootLinks

BEGINNING = "pages.server.beginning"


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[None]:
    """Start the workers beside the server, so that the first learner finds them warm, and end them with it.

    Here and not in a page: a process that a script starts would run the app again. A page asks for its presets' graphs.
    """
    answer_at_once()
    prepare()
    with ending():
        store.check()
        default_size()
        fewer_walls_allowed()
    beginning = threading.Thread(target=begin, args=[asyncio.get_running_loop()], daemon=True, name="beginning")
    beginning.start()
    yield
    beginning.join()
    import_module(BEGINNING).end()


def begin(loop: asyncio.AbstractEventLoop) -> None:
    """Load NumPy and what stands on it while the first browser loads Streamlit's page, and not before it can."""
    gc.disable()  # while it loads, little becomes garbage: to look for it takes a seventh of the time
    try:
        with ending():
            import_module(BEGINNING).begin(loop)
        gc.freeze()  # what is loaded stays: it need not be looked through again
    finally:
        gc.enable()


@contextmanager
def ending() -> Iterator[None]:
    """End the server, as it begins, where its settings say what cannot be.

    Whatever were raised here, SystemExit too, Starlette would print with its traceback, and hide the sentence in it.
    Nothing runs yet that would have to be ended in order.
    """
    try:
        yield
    except ValueError as problem:  # BadInput is one; the pool's own is no BadInput, for it knows no settings
        sys.stdout.flush()
        print(f"unmasked: {problem}", file=sys.stderr, flush=True)
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
        Middleware(RootLinks),
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
