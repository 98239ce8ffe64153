"""The files that this server compresses and keeps: Streamlit's own bundles, and Plotly from our own disk.

Everything a browser gets comes from this process, so the app works with the network off, and on classroom
Wi-Fi a page is a third of the size.
"""

import asyncio
import gzip
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pages.server.private import STREAMLIT_STATIC

PLOTLY_JS = "plotly.min.js"

# Only formats that are text: fonts and PNGs are compressed already.
COMPRESSIBLE = frozenset({".js", ".css", ".html", ".svg", ".json"})
# Below one network packet compression saves no time.
SMALLEST_WORTH_COMPRESSING = 1400  # bytes
# 9 takes 40 % longer than 6 and saves 0.3 %; the first visitor waits for it.
COMPRESSION_LEVEL = 6


def compressible_files() -> dict[str, Path]:
    """The files worth compressing, by their path below the base URL ("" is the page itself).

    A fixed list, not a pattern: Streamlit answers any unknown path with index.html, and a cache keyed by what
    visitors ask for would grow with their typing errors.
    """
    files = {f"static/{file.relative_to(STREAMLIT_STATIC / 'static').as_posix()}": file for file in static_assets()}
    files[""] = STREAMLIT_STATIC / "index.html"
    files[PLOTLY_JS] = plotly_directory() / PLOTLY_JS
    return files


def static_assets() -> list[Path]:
    """Streamlit's bundles that are text and not tiny."""
    return [
        file
        for file in (STREAMLIT_STATIC / "static").rglob("*")
        if file.suffix in COMPRESSIBLE and file.stat().st_size >= SMALLEST_WORTH_COMPRESSING
    ]


class CompressedCopies:
    """Gzipped copies of a fixed set of files, each made on first demand and kept: 8.4 MB at most.

    Gzip and not Brotli, because browsers offer Brotli over https only and a classroom server speaks http.
    """

    def __init__(self, files: Mapping[str, Path]) -> None:
        self.files = files
        self.compressions = 0
        self._copies: dict[str, tuple[str, asyncio.Task[bytes]]] = {}

    async def get(self, name: str, etag: str) -> bytes:
        """The compressed file. Visitors who arrive while it is being made share the one job.

        `etag` tells when the file was replaced on disk. The job is shielded: a visitor who leaves must not
        cancel it for the others. It has one of the threads that Streamlit serves files with: in those of asyncio
        downloads are made, and some of them ask a database that may hang.
        """
        known_etag, job = self._copies.get(name, (None, None))
        if job is None or known_etag != etag:
            self.compressions += 1
            job = asyncio.create_task(run_in_threadpool(self._compress, self.files[name]))
            self._copies[name] = (etag, job)
        try:
            return await asyncio.shield(job)
        except OSError:
            self._copies.pop(name, None)
            raise

    @staticmethod
    def _compress(file: Path) -> bytes:
        return gzip.compress(file.read_bytes(), COMPRESSION_LEVEL, mtime=0)


class CompressStatic:
    """Serves static files gzipped, compressing each once in the life of the process.

    Streamlit leaves /static/ uncompressed because Starlette's GZipMiddleware compresses anew for every
    visitor, and starlette-compress and brotli-asgi do the same; servestatic wants .gz files written beside
    the originals, inside site-packages. So this asks the app behind it for the headers alone (HEAD), keeps
    its caching, 304 and 404, and puts the kept copy where the file would be. In doubt (no gzip, a 206 or any
    other answer) the app serves as ever.
    """

    def __init__(self, app: ASGIApp, copies: CompressedCopies) -> None:
        self.app = app
        self.copies = copies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_read = scope["type"] == "http" and scope["method"] in {"GET", "HEAD"}
        name = path_below_base(scope) if is_read else None
        if name not in self.copies.files:
            await self.app(scope, receive, send)
            return

        # Streamlit's own compression, which keeps nothing, must not get hold of these files.
        plain = {**scope, "headers": [item for item in scope["headers"] if item[0] != b"accept-encoding"]}
        if not (accepts_gzip(Headers(scope=scope)) and await self._send_compressed(name, plain, receive, send)):
            await self.app(plain, receive, varying_with_encoding(send))

    async def _send_compressed(self, name: str, scope: Scope, receive: Receive, send: Send) -> bool:
        """Answer with the compressed copy or a 304; False if the plain answer must be sent instead."""
        start = await headers_only(self.app, scope, receive)
        headers = MutableHeaders(scope=start)
        if start["status"] not in {200, 304} or "content-encoding" in headers or "etag" not in headers:
            return False

        body = b""
        if start["status"] == 200:
            try:
                body = await self.copies.get(name, headers["etag"])
            except OSError:
                return False
            headers["Content-Encoding"] = "gzip"
            headers["Content-Length"] = str(len(body))
        # Same file, other bytes: a weak tag says so, and If-None-Match still finds it.
        headers["ETag"] = f"W/{headers['etag'].removeprefix('W/')}"
        vary_with_encoding(headers)
        await send(start)
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
        return True


async def headers_only(app: ASGIApp, scope: Scope, receive: Receive) -> Message:
    """The `http.response.start` that `app` gives to a HEAD request: it does not read the file for that."""
    start: Message = {"status": 500, "headers": []}

    async def keep_start(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.update(message)

    await app({**scope, "method": "HEAD"}, receive, keep_start)
    return start


def varying_with_encoding(send: Send) -> Send:
    """`send`, with the header of `vary_with_encoding`."""

    async def send_with_vary(message: Message) -> None:
        if message["type"] == "http.response.start":
            vary_with_encoding(MutableHeaders(scope=message))
        await send(message)

    return send_with_vary


def vary_with_encoding(headers: MutableHeaders) -> None:
    """Tell caches on the way that this answer is one of two, plain and gzipped, unless Streamlit did."""
    if "accept-encoding" not in headers.get("vary", "").lower():
        headers.add_vary_header("Accept-Encoding")


def accepts_gzip(headers: Headers) -> bool:
    """Whether the client names gzip and does not rule it out with `q=0`; `*` alone counts as doubt."""
    for offer in ",".join(headers.getlist("accept-encoding")).lower().split(","):
        coding, _, weight = offer.replace(" ", "").partition(";q=")
        if coding == "gzip":
            return weight.strip("0.") != "" or weight == ""
    return False


def path_below_base(scope: Scope) -> str | None:
    """The request's path without `server.baseUrlPath` (and a mount's prefix); None if it lies outside.

    Asked per request, for see `routes`.
    """
    parts = [scope.get("root_path", "").strip("/"), st.get_option("server.baseUrlPath").strip("/")]
    prefix = "".join(f"/{part}" for part in parts if part) + "/"
    path: str = scope["path"]
    return path.removeprefix(prefix) if path.startswith(prefix) else None


# --- Plotly


def plotly_url() -> str:
    """Where a page finds Plotly, relative to the page as Streamlit's own `./static/…` links are.

    So it holds under `server.baseUrlPath` and behind a proxy that strips a prefix. A component's script runs
    from a blob: address and must resolve it itself: `new URL(url, document.baseURI)`.
    """
    return f"./{PLOTLY_JS}?v={plotly_version()}"


async def plotly_js(request: Request) -> Response:
    """The plotly package's own plotly.min.js, so that drawing in the browser and in Python is one version.

    It may be cached for ever under the right `?v=` only: without one an upgrade would never arrive.
    """
    if path_below_base(request.scope) != PLOTLY_JS:
        raise HTTPException(404)
    response = await plotly_files().get_response(PLOTLY_JS, request.scope)
    is_versioned = request.query_params.get("v") == plotly_version()
    response.headers["Cache-Control"] = "public, immutable, max-age=31536000" if is_versioned else "no-cache"
    return response


@cache
def plotly_files() -> StaticFiles:
    """Starlette's file server: it knows Range, ETag and 304. Only PLOTLY_JS is ever asked of it."""
    return StaticFiles(directory=plotly_directory(), follow_symlink=True)


def plotly_directory() -> Path:
    """Found without importing plotly, which the server itself does not need."""
    spec = find_spec("plotly")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("plotly is not installed: pip install -r requirements.txt")
    return Path(spec.origin).parent / "package_data"


@cache
def plotly_version() -> str:
    """Of the Python package, which plotly.min.js belongs to."""
    return version("plotly")
