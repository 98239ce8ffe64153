"""The files that pages show or send to browsers, beside Python's own. All that ships the app ships them.

A component is a folder of pages/parts/ with its html, css and js. Streamlit sends the script of a component with each
message to it: what it is given is a line that fetches the script, which a browser does once.
"""

import hashlib
import sys
from functools import cache
from pathlib import Path

import streamlit as st
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

ROOT = Path(__file__).parent.parent.parent
SCORECARD, STYLE = "docs/scorecard.md", "pages/server/style.css"
ALONE = "pages/parts/alone.js"  # every component has it
PARTS = {  # of each component; scripts are one module in the browser: each needs those before it
    "charts": (
        "chart.html",
        "lab.html",
        "charts.css",
        "packed.js",
        "numbers.js",
        "canvas.js",
        "chart.js",
        "marks.js",
        "scales.js",
        "attention.js",
        "panel.js",
        "mount.js",
    ),
    "watch": ("watch.js",),
    "cookie": ("cookie.js",),
    "scroll": ("scroll.js",),
    "aloud": ("aloud.js",),
    "case_link": ("case_link.js",),
    "case_page": ("case_page.html", "case_page.css", "case_page.js"),  # no component: a page without Streamlit
}
SCRIPTS = "component-scripts/"
CASE_PAGE = "case-in-link"
# It runs from a blob: address, so the base must be said. Streamlit takes a text of one line for the path of a file.
FETCHED = 'const { default: mount } = await import(new URL("{url}", document.baseURI));\nexport default mount;\n'
FILES = (SCORECARD, STYLE, ALONE, *(f"pages/parts/{name}/{part}" for name, parts in PARTS.items() for part in parts))


def text(name: str) -> str:
    """Of one of FILES. Raises ValueError for any other: a server that starts would not have looked for it."""
    if name not in FILES:
        raise ValueError(f"{name} is not in FILES of {__name__}")
    return (ROOT / name).read_text(encoding="utf-8")


def component(folder: str, name: str = ""):
    """The component of a folder; one with several pages has a `name` for each, which is that of its html."""
    css, html = joined(folder, ".css"), text(f"pages/parts/{folder}/{name}.html") if name else None
    js = FETCHED.replace("{url}", script_url(folder))
    title = f"unmasked.{name or folder}"
    return st.components.v2.component(title, html=html, css=css or None, js=js, isolate_styles=not css)


def joined(folder: str, kind: str) -> str:
    """The files of a component that end so, as one text."""
    return "\n".join(text(f"pages/parts/{folder}/{part}") for part in PARTS[folder] if part.endswith(kind))


@cache
def script(folder: str) -> str:
    """The module of a component."""
    return text(ALONE) + joined(folder, ".js")


def script_url(folder: str) -> str:
    """Where a page finds it, relative to the page. Another script has another address."""
    return f"./{SCRIPTS}{folder}.js?v={hashlib.sha256(script(folder).encode()).hexdigest()[:16]}"


def routes() -> list[BaseRoute]:
    """Where browsers fetch the scripts, below any base path."""
    return [
        Route("/{base:path}" + SCRIPTS + "{folder}.js", fetched, methods=["GET"]),
        Route("/{base:path}" + CASE_PAGE, case_page, methods=["GET"]),
    ]


async def fetched(request: Request) -> Response:
    """The script of a component, to be kept for ever; 404 where there is no such component."""
    folder = request.path_params["folder"]
    if folder not in PARTS:
        raise HTTPException(404)
    kept = "public, immutable, max-age=31536000" if script_url(folder).endswith(f"?{request.url.query}") else "no-cache"
    return Response(script(folder), media_type="text/javascript", headers={"Cache-Control": kept})


async def case_page(request: Request) -> Response:
    """What shows a case in a link: Streamlit drops what stands behind the # of an address before a script runs."""
    page = text("pages/parts/case_page/case_page.html")
    parts = {"{css}": joined("case_page", ".css"), "{script}": script_url("case_page")}
    for name, part in parts.items():
        page = page.replace(name, part)
    return Response(page, media_type="text/html", headers={"Cache-Control": "no-cache"})


def require() -> None:
    """End the start where one of FILES is not there. Not in the server's lifespan: what ends there has a traceback."""
    if missing := [name for name in FILES if not (ROOT / name).is_file()]:
        sys.exit(f"unmasked: {', '.join(missing)}: not there. The app shows it: install all of the folder.")
