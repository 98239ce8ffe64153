"""One way to wait for what is made elsewhere: the browser asks for a line again and again, and news draw the page anew.

A script that waited itself would keep a click waiting. The panel and the charts of what trains ask by themselves, as
soon as they have drawn: see charts.
"""

from collections.abc import Callable

import streamlit as st

LOOK = 0.3  # seconds between two looks


def poll(news: Callable[[], bool], show: str | Callable[[], str | None] = "", every: float | None = LOOK) -> None:
    """Until there are `news`, show the words of `show`, or what it draws; then draw the whole page."""

    def look() -> None:
        if news():
            st.rerun()
        if words := show if isinstance(show, str) else show():
            st.markdown(f":material/hourglass_top: {words}")

    st.fragment(look, run_every=every)()
