"""Figures of an attention and of what a model writes, as Plotly's own JSON; the panel fills in what it shows."""

from __future__ import annotations

from typing import Any

import numpy as np

from lessons.figures.marks import (
    EDGE,
    LEAK,
    LEAK_SCALE,
    MARGIN,
    REAL,
    REAL_SCALE,
    edge_trace,
    heat,
    named,
    not_finite,
    points,
    rounded,
    titled,
    words_trace,
)
from lessons.figures.packed import THREE_DECIMALS, Numbers
from lessons.recipe.data import Bools, Floats
from lessons.runs.run import Pictures, Run

RIGHT = "rgba(0,114,178,0.35)"  # REAL, through which a letter can be read on either theme
SAYS = "%{customdata}<extra></extra>"


def pictures_content(run: Run) -> dict[str, Any] | None:
    """What panel.js shows of them, at each epoch that has one; None where the run has none."""
    pictures, batch = run.pictures, run.batch
    if not pictures:
        return None
    content: dict[str, Any] = {"epochs": (pictures.epochs + 1).tolist(), "figures": {}, "words": {}}
    if pictures.attention is not None:
        count = pictures.attention.shape[2]
        attends = run.settings.attends(mask_given(run))
        shares = astray_shares(run, pictures)
        content |= {
            "attention": Numbers(pictures.attention, THREE_DECIMALS, "number"),
            "attends": None if attends is None else attends[:count].astype(int).tolist(),
            "future": bool(run.settings.vocabulary),
            "astray": rounded(shares, 3),
        }
        content["figures"]["attention"] = attention_frame(run)
        content["words"]["attention"] = attention_words(run, float(shares[-1]))
    if pictures.text is not None:
        content |= {"text": pictures.text.tolist(), "vocabulary": list(run.settings.vocabulary)}
        content["figures"]["text"] = text_frame(run, pictures)
    if pictures.reach is not None:
        content["figures"]["reach"] = reach_figure(run, pictures.reach)
        content["words"]["reach"] = reach_words(pictures.reach)
    content["real"] = batch.real.astype(int).tolist()
    return content


def mask_given(run: Run) -> Bools:
    """(batch, time) the mask that the model was given, all True where none was."""
    return run.batch.mask if run.recipe.mask_path.passed else np.ones_like(run.batch.mask)


def astray(run: Run) -> Bools:
    """(batch, query, key) what real steps should not look at: padding, and in texts what comes after them."""
    wrong = np.repeat(~run.batch.real[:, None, :], run.batch.real.shape[1], axis=1)
    return wrong | np.triu(np.ones(wrong.shape[1:], bool), 1) if run.settings.vocabulary else wrong


def astray_shares(run: Run, pictures: Pictures) -> Floats:
    """(picture,) the share of what real steps look at that they should not; NaN where a weight is not finite."""
    assert pictures.attention is not None
    weights, count = pictures.attention.astype(float), pictures.attention.shape[2]
    of_real = weights * run.batch.real[:count, :, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        share = (of_real * astray(run)[:count]).sum(axis=(1, 2, 3, 4)) / of_real.sum(axis=(1, 2, 3, 4))
    return np.asarray(share)


def attention_words(run: Run, share: float) -> str:
    """The share in words."""
    where = "padding or on later tokens" if run.settings.vocabulary else "padding"
    if not np.isfinite(share):
        return "Some weights of the attention are not finite."
    return f"When trained, {share:.0%} of what real steps look at lies on {where}."


def attention_frame(run: Run) -> dict[str, Any]:
    """Query x key without its cells: blue what may be looked at, vermilion what should not, paper where it is 0."""
    none = np.empty((0, 0))
    wrong = "padding, later tokens" if run.settings.vocabulary else "padding"
    edge = edge_trace(none.astype(bool), "mask", EDGE, 2)
    traces = [
        heat(none, REAL_SCALE, 0, 1, name="real steps"),
        heat(none, LEAK_SCALE, 0, 1, name=wrong),
        not_finite(none.astype(bool), "NaN"),
        words_trace((0, 0)) | {"hovertemplate": SAYS},
        edge,
        named(REAL, "real steps"),
        named(LEAK, wrong),
    ]
    return {"data": traces, "layout": square(run, "looks at step", "step")}


def square(run: Run, across: str, down: str) -> dict[str, Any]:
    """Axes of a picture step by step."""
    steps = run.batch.real.shape[1]
    bare = {"showgrid": False, "zeroline": False}
    return {
        "margin": MARGIN,
        "xaxis": {**titled(across), "range": [-0.6, steps - 0.4], **bare},
        "yaxis": {**titled(down), "range": [steps - 0.4, -0.6], **bare},
    }


def text_frame(run: Run, pictures: Pictures) -> dict[str, Any]:
    """One text, epoch by step, without its cells: the next tokens as they are, and below them what it wrote."""
    rows = ["true", *(f"epoch {epoch + 1}" for epoch in pictures.text_epochs[:-1]), "trained"]
    clear = [[0, "rgba(0,0,0,0)"], [1, RIGHT]]
    cells = heat(np.empty((0, 0)), clear, 0, 1, name="token") | {
        "y": rows,
        "text": [],
        "texttemplate": "%{text}",
        "hoverinfo": "all",
        "hovertemplate": SAYS,
    }
    steps = run.batch.real.shape[1]
    layout = {
        "margin": MARGIN | {"l": 62},
        "xaxis": {**titled("timestep"), "range": [-0.6, steps - 0.4], "showgrid": False, "zeroline": False},
        "yaxis": {"autorange": "reversed", "type": "category", "showgrid": False, "tickfont": {"size": 10}, "dtick": 1},
    }
    right = points([None], [None], "right", {"color": REAL, "symbol": "square", "size": 10, "opacity": 0.4})
    return {"data": [cells, right], "layout": layout}


def reach_figure(run: Run, reach: Floats) -> dict[str, Any]:
    """Step x exchanged token: how much the loss of the step moves; vermilion where the token comes after the step."""
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.log10(reach)
    size[~np.isfinite(size)] = np.nan  # 0, and what was not tried
    later = np.triu(np.ones(reach.shape, bool), 1)
    high = float(np.ceil(np.nanmax(size))) if np.isfinite(size).any() else 0.0
    parts = ((~later, REAL_SCALE, REAL, "the step or earlier"), (later, LEAK_SCALE, LEAK, "later: a leak"))
    heats = [heat(np.where(where, size, np.nan), scale, high - 4, high, name=name) for where, scale, _, name in parts]
    said = [[reach_cell(step, token, value) for token, value in enumerate(row)] for step, row in enumerate(reach)]
    words = words_trace(reach.shape) | {"customdata": said, "hovertemplate": SAYS}
    keys = [named(colour, name) for _, _, colour, name in parts]
    return {"data": [*heats, words, *keys], "layout": square(run, "token exchanged at step", "loss of step")}


def reach_cell(step: int, token: int, moved: float) -> str:
    """One cell in words."""
    if np.isnan(moved):
        return f"the token of step {token} was not exchanged"
    when = "later" if token > step else "earlier" if token < step else "its own"
    return f"loss of step {step}: moves by {moved:.3g}<br>when the token of step {token} is exchanged ({when})"


def reach_words(reach: Floats) -> str:
    """What a leak there is in words."""
    known = np.nan_to_num(reach)
    later = np.triu(known, 1)
    if not later.any():
        return "No step’s loss moves when a later token is exchanged."
    return (
        f"The loss of {int((later > 0).any(axis=1).sum())} of {len(reach)} steps moves when a later token is exchanged"
        f": {later.sum() / known.sum():.0%} of all that moves."
    )
