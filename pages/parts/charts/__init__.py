"""The instrument panel: one component that stays mounted, draws with Plotly and plays epochs in the browser.

st.plotly_chart would remount with every change of data.
"""

import time
from collections.abc import Callable
from functools import lru_cache

import streamlit as st

from lessons.figures import batch_figure
from lessons.figures.packed import packed
from lessons.recipe.data import training_batch
from lessons.recipe.recipe import Recipe
from pages.server import shown
from pages.server.files import plotly_url

PICTURES = 100  # of generated data that are remembered, some 5 kB each

_lab, _chart = shown.component("charts", "lab"), shown.component("charts", "chart")


def lab(key: str, content: dict) -> None:
    """The panel. It triggers `tick` when it wants news of a live run, `resend` when it lacks the run it was told of.

    A run that the browser has already is not sent again.
    """
    delivered, token = f"{key}:delivered", content["token"]
    if token and st.session_state.get(delivered) == token:
        content = content | {"run": None}
    else:
        content = content | {"run": content["run"]() if token else None}
        st.session_state[delivered] = token
    _lab(
        key=key,
        data=sealed(content),
        on_tick_change=lambda: None,
        on_resend_change=lambda: st.session_state.pop(delivered, None),
    )


def chart(
    key: str,
    figure: dict,
    words: str,
    height: int = 260,
    live: bool = False,
    on_cell: Callable[[int, int], None] | None = None,
) -> None:
    """One figure with its text alternative; while `live` it triggers a rerun as soon as it is drawn.

    `on_cell` is called with row and column of the heatmap's cell that was clicked, or chosen with the keyboard.
    """
    moment = time.monotonic() if live else 0
    data = {"plotly": plotly_url(), "figure": figure, "words": words, "height": height, "live": live, "moment": moment}
    triggers = {"on_tick_change": lambda: None}
    if on_cell:
        triggers["on_cell_change"] = lambda: chosen(key, on_cell)
    _chart(key=key, data=sealed(data | {"cells": bool(on_cell)}), **triggers)


def sealed(data: dict) -> tuple[dict]:
    """What Streamlit sends as it is, and mount.js opens.

    Of a dictionary it looks whether a value is a table, and loads pandas for that: half a second of a server's first
    page, and 60 MB.
    """
    return (data,)


def chosen(key: str, on_cell: Callable[[int, int], None]) -> None:
    """Pass on the cell that the browser has told."""
    cell = st.session_state[key].get("cell")
    if cell:
        on_cell(int(cell["row"]), int(cell["column"]))


def content(
    recipe: Recipe,
    token: str,
    text: Callable[[], str],
    status: dict,
    shade: dict | None = None,
    reveal: int = 0,
    news: dict | None = None,
) -> dict:
    """What the component shows: the data of `recipe`, and of the run called `token` its text, written when it is sent.

    `shade`: what a finding marks in the charts, of figures.shade. `reveal`: another number brings the panel in sight.
    `news`: where the browser asks whether there is more, and the state that it knows.
    """
    picture, words = drawn(recipe) if recipe.table else picture_of(recipe)
    return {
        "plotly": plotly_url(),
        "picture": picture,
        "picture_words": words,
        "token": token,
        "run": text,
        "status": status,
        "shade": shade,
        "reveal": reveal,
        "news": news,
        # News every time while it trains: the browser asks again only when something new has arrived.
        "moment": time.monotonic() if status["live"] else 0,
    }


def drawn(recipe: Recipe) -> tuple[str, str]:
    """The picture of the data as a text, and its words."""
    batch = training_batch(recipe)
    return packed(batch_figure.batch_figure(recipe.settings, batch)), batch_figure.batch_words(recipe.settings, batch)


picture_of = lru_cache(maxsize=PICTURES)(drawn)  # a learner's own data is drawn anew: nothing of it stays behind
