"""The instrument panel: one component that stays mounted, draws with Plotly and plays epochs in the browser.

st.plotly_chart would remount with every change of data.
"""

import json
import time
from collections.abc import Callable
from weakref import WeakKeyDictionary

import numpy as np
import streamlit as st

from lessons.figures import batch_figure, marks, run_figures
from lessons.recipe.data import PaddedBatch
from lessons.recipe.settings import Settings
from lessons.runs.run import Run, squeezed
from pages.server import shown
from pages.server.lifespan import plotly_url

FRAMES = 60  # epochs that can be stepped through in the browser
NOT_FINITE = 99  # stands for NaN among logarithms, where null is an exact 0


_texts: WeakKeyDictionary[Run, str] = WeakKeyDictionary()  # as long as somebody holds the run
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
        data=content,
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
    _chart(key=key, data=data | {"cells": bool(on_cell)}, **triggers)


def chosen(key: str, on_cell: Callable[[int, int], None]) -> None:
    """Pass on the cell that the browser has told."""
    cell = st.session_state[key].get("cell")
    if cell:
        on_cell(int(cell["row"]), int(cell["column"]))


def content(
    settings: Settings,
    batch: PaddedBatch,
    run: Run | None,
    token: str,
    status: dict,
    shade: dict | None = None,
    reveal: int = 0,
) -> dict:
    """What the component shows; its run is written when it is sent.

    `shade`: what a finding marks in the charts, of figures.shade. `reveal`: another number brings the panel in sight.
    """
    return {
        "plotly": plotly_url(),
        "picture": batch_figure.batch_figure(settings, batch),
        "picture_words": batch_figure.batch_words(settings, batch),
        "token": token if run else "",
        "run": lambda: run_text(run, live=status["live"]),
        "status": status,
        "shade": shade,
        "reveal": reveal,
        # News every time while it trains: the browser asks again only when something new has arrived.
        "moment": time.monotonic() if status["live"] else 0,
    }


def run_text(run: Run, live: bool) -> str:
    """`run_content` as JSON. A whole class looks at one finished run: it is written once."""
    if live:
        return json.dumps(run_content(run, live))
    if run not in _texts:
        _texts[run] = json.dumps(run_content(run, live))
    return _texts[run]


def run_content(run: Run, live: bool) -> dict:
    """A run for the browser: figures of its last epoch, and what other epochs change in them."""
    places = ("predictions",) if live else ("predictions", "inputs")
    return {
        "curve": run_figures.curve_figure(run),
        "gradient": {at: run_figures.gradient_figure(run, at=at) for at in places},
        "over": {at: run_figures.gradient_over_epochs_figure(run, at=at) for at in places},
        "scatter": run_figures.prediction_figure(run),
        "sequence": run_figures.sequence_figure(run, 0),
        "words": run_figures.run_words(run),
        "real": run.batch.label_real.astype(int).tolist(),
        "real_inputs": run.batch.real.astype(int).tolist(),
        "truth": marks.rounded(squeezed(run.batch.truth), 4),
        "labels": marks.rounded(squeezed(run.batch.y), 4),
        "predictions": marks.rounded(run.predictions, 4),
        "frames": frames(run, 1 if live else FRAMES),
        "epochs": run.settings.epochs,
        "starved": int(run.starved.sum()),
    }


def frames(run: Run, most: int) -> dict:
    """Gradients and predictions of up to `most` kept epochs, evenly spaced, the last among them."""
    kept = len(run.snapshot.kept)
    chosen = np.unique(np.linspace(kept - 1, 0, min(most, kept)).round().astype(int))
    return {
        "epochs": (run.snapshot.kept[chosen] + 1).tolist(),
        "leak": {
            "predictions": marks.rounded(run.leak[chosen], 3),
            "inputs": marks.rounded(run.input_leak[chosen], 3),
        },
        "predictions": marks.rounded(run.snapshot.predictions[chosen], 4),
        "at": {
            "predictions": coded(run.snapshot.gradient[chosen]),
            "inputs": coded(run.snapshot.input_gradient[chosen]) if most > 1 else None,
        },
    }


def coded(gradient: np.ndarray) -> list:
    """log10 of the gradient for the browser: None is an exact 0, NOT_FINITE is NaN or infinite."""
    return marks.rounded(np.where(np.isfinite(gradient), run_figures.logarithm(gradient), NOT_FINITE), 3)
