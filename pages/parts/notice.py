"""What a callback has to say: kept under a key of the session until the script draws it, and for a while after.

A script that is drawn anew before it has ended has shown nothing, and a room draws its page when others move: what was
forgotten as soon as it was drawn was seen by nobody then.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from lessons.recipe.bad_input import BadInput
from pages.parts.quotation import tell, warn

LASTS = 10.0  # seconds for which whatever draws the page shows it again


def note(key: str, text: object) -> None:
    st.session_state[key] = str(text), time.monotonic()


def noted(key: str) -> str:
    """What was noted there; empty where nothing was, or where it has had its time."""
    text, since = st.session_state.get(key, ("", 0.0))
    if time.monotonic() - since < LASTS:
        return text
    st.session_state.pop(key, None)
    return ""


@contextmanager
def refusing(key: str) -> Iterator[None]:
    """What is done in here has a new word under this key: of BadInput, which ends it, what that says; else none."""
    st.session_state.pop(key, None)
    try:
        yield
    except BadInput as problem:
        note(key, problem)


def warn_noted(key: str) -> None:
    """A warning, in a place that is there without it too."""
    with st.container():
        if text := noted(key):
            warn(text)


def tell_noted(key: str, icon: str) -> None:
    """The same where it is no fault."""
    with st.container():
        if text := noted(key):
            tell(text, icon=icon)
