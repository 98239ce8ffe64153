"""The figure of a padded batch and its words, as Plotly's own JSON, in the marks of `lessons.figures.marks`."""

import numpy as np

from lessons.figures.marks import (
    NAN,
    REAL,
    edge_trace,
    grid_layout,
    heat,
    named,
    number,
    padding_trace,
    points,
    words_trace,
)
from lessons.recipe.data import GARBAGE, PaddedBatch
from lessons.recipe.settings import Settings
from lessons.runs.run import squeezed


def batch_figure(settings: Settings, batch: PaddedBatch) -> dict:
    """The padded batch, sequence x time: real steps blue, padding hatched, NaN pink, the mask as used outlined."""
    labels = squeezed(batch.y)
    kind = np.where(batch.real, 1.0, np.nan)  # (batch, time)
    if labels.shape == kind.shape:
        kind[batch.real & np.isnan(labels)] = 2.0
    used = settings.mask != "none"
    traces = [
        padding_trace(batch.real, f"padding, labels {held(settings)}"),
        heat(kind, [[0, REAL], [0.5, REAL], [0.5, NAN], [1, NAN]], 1, 2, name="real step", opacity=0.55),
        named(REAL, "real step"),
        *([named(NAN, "NaN label")] if (kind == 2).any() else []),
        *([edge_trace(batch.mask, "mask: True inside")] if used else []),
        *missing_inputs(batch),
    ]
    texts = [[cell(settings, batch, i, j) for j in range(kind.shape[1])] for i in range(len(kind))]
    traces.append(words_trace(kind.shape) | {"text": texts, "hovertemplate": "%{text}<extra></extra>"})
    return {"data": traces, "layout": grid_layout(batch.real.shape)}


def missing_inputs(batch: PaddedBatch) -> list[dict]:
    """Crosses on real steps that have a NaN input: in a learner's own data."""
    rows, steps = np.nonzero(batch.real & np.isnan(batch.x).any(axis=-1))
    if not rows.size:
        return []
    marker = {"symbol": "x-thin", "size": 7, "line": {"color": NAN, "width": 2}, "color": NAN}
    return [points(steps.tolist(), rows.tolist(), "NaN input ×", marker, hoverinfo="skip")]


def batch_words(settings: Settings, batch: PaddedBatch) -> str:
    """The picture for those who cannot see it."""
    wrong = int((batch.mask & ~batch.real).sum())
    left_out = int((batch.real & ~batch.mask).sum())
    mask = (
        "No mask is passed."
        if settings.mask == "none"
        else (f"The mask takes {wrong} padded steps for real and leaves {left_out} real steps out.")
    )
    return f"{batch.real.shape[0]} sequences of {batch.real.shape[1]} steps, {(~batch.real).mean():.0%} padding. {mask}"


def held(settings: Settings) -> str:
    return {"zero": "0", "random": "random", "garbage": f"{GARBAGE:g}", "nan": "NaN"}[settings.padded_labels]


def cell(settings: Settings, batch: PaddedBatch, row: int, step: int) -> str:
    """One cell in words."""
    words = [f"sequence {row}, step {step}", "real" if batch.real[row, step] else "padding"]
    if settings.mask != "none":
        words.append("mask True" if batch.mask[row, step] else "mask False")
    if batch.y.ndim == 3:
        words.append(f"label {number(batch.y[row, step, 0])}")
    if batch.real[row, step] and np.isnan(batch.x[row, step]).any():
        words.append("input NaN")
    return ", ".join(words)
