"""The query string of one page in one session: what it asks for, and what the page has written there itself."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

import streamlit as st

from pages.server.private import went_back


@dataclass
class Address:
    """Every click brings the browser's query along, but asks for nothing with it.

    Of two quick clicks the second even carries the query that the first is about to replace.
    """

    written: dict[str, str] | None = None  # as this page last wrote or read it

    def news(self, ours: Collection[str]) -> dict[str, str] | None:
        """The query, if somebody asks for something with it: by opening the page, or by the browser's back and forward.

        Who edits the address bar opens the page anew. No query at all asks for nothing once the page is open, and none
        without one of the names `ours`: on the way to another page Streamlit leaves an entry with the path of this
        page and the query of that one in the browser's history.
        """
        asked = st.query_params.to_dict()
        if self.written is None:
            return asked
        known = any(name in asked for name in ours)
        return asked if known and went_back() and asked != self.written else None

    def write(self, query: dict[str, str], opening: bool = False) -> None:
        """Put what the page stands at into the address.

        `opening`: the page is drawn whole. Then it is said even where it stands there: of a page that was left in the
        same moment the query may still be under way, and the browser writes it behind whatever path it has by then.
        """
        self.written = query
        if opening or st.query_params.to_dict() != query:
            st.query_params.from_dict(query)


def root_link(query: Mapping[str, str], *here: str) -> str:
    """A link in the root form, which works on any server. `here`: the paths that this page can have."""
    base = (st.context.url or "").split("?")[0].rstrip("/")
    for path in here:
        base = base.removesuffix(f"/{path}")
    return f"{base}/?{urlencode(query, safe=':,')}"
