"""Shared links, `/?lesson=slug&…`: the server sends a browser on to the page itself.

app.py can do so too, and does for a session that comes without its page. But then Streamlit first draws the front page
for it: a script, its messages and a flash before the eyes, an eighth of the time until the lesson is there.
"""

from urllib.parse import parse_qsl, urlencode

import streamlit as st
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from lessons.course.slugs import slugs


class RootLinks:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        root = scope["type"] == "http" and scope["path"].strip("/") == st.get_option("server.baseUrlPath").strip("/")
        page = page_of(scope["query_string"].decode("latin-1")) if root and scope["path"].endswith("/") else None
        await (RedirectResponse(page) if page else self.app)(scope, receive, send)


def page_of(query: str) -> str | None:
    """The address beside the root's that a root link means; None where app.py has to look at it."""
    asked = dict(parse_qsl(query, keep_blank_values=True))
    slug = asked.pop("lesson", "")
    return f"./{slug}?{urlencode(asked, safe=':,')}".removesuffix("?") if slug in slugs() else None
