"""Figures of two runs compared, as plain Plotly dictionaries (see lessons/figures/marks.py).

The pinned run is thin and dashed, the present one solid. What is compared has one scale.
"""

import numpy as np

from lessons.figures.marks import (
    ERROR,
    LOSS,
    MARGIN,
    NAN,
    PADDING,
    REAL_LOSS,
    above,
    grid_layout,
    line,
    named,
    not_finite,
    number,
    on_two_scales,
    points,
    scale_of,
    titled,
    upright,
    words_trace,
)
from lessons.figures.run_figures import (
    error_name,
    first_bad,
    gradient_figure,
    gradient_of,
    gradient_range,
    logarithm,
    outline,
)
from lessons.runs.comparison import Comparison, Parting, number_words, places
from lessons.runs.run import Run

PINNED = {"dash": "longdash", "width": 1.3}
MORE, LESS = "#762A83", "#1B7837"  # purple and green, told apart by the colour-blind too
MORE_SCALE = [[0, "#e9ddf0"], [0.5, "#af8dc3"], [1, MORE]]
LESS_SCALE = [[0, "#dcefd9"], [0.5, "#7fbf7b"], [1, LESS]]
RING = 13  # size of the ring around the first parting
CURVES = (("loss", LOSS, "loss", "y"), ("real_loss", REAL_LOSS, "loss on real steps", "y"), ("error", ERROR, "", "y2"))


def curve_figure(comparison: Comparison) -> dict:
    """The losses of both runs above, their errors below; a line where they visibly part."""
    pairs = [pair for curve in CURVES for pair in both(comparison, *curve)]
    everything = [
        getattr(run.snapshot, name) for run in (comparison.pinned, comparison.other) for name in ("loss", "real_loss")
    ]
    last = max(comparison.pinned.settings.epochs, comparison.other.settings.epochs)
    neutral = line([None], np.array([np.nan]), PADDING, "pinned run")
    layout = {
        "margin": MARGIN | {"t": 16, "l": 52},
        "xaxis": {**titled("epoch"), "range": [0.5, last + 0.5], "anchor": "y2"},
        "yaxis": {"domain": [0.42, 1], **scale_of(*everything), **titled("loss")},
        "yaxis2": {"domain": [0, 0.36], "rangemode": "tozero", **titled("error")},
        "hovermode": "x unified",
        "shapes": [],
        "annotations": [],
    }
    for run, who in ((comparison.pinned, "pinned"), (comparison.other, "now")):
        if (bad := first_bad(run.snapshot.loss)) is not None:
            mark(layout, bad + 0.5, f"{who}: NaN from epoch {bad + 1}", NAN, 0.9 if who == "now" else 0.78)
    seen = comparison.first(visible=True)
    if seen:
        mark(layout, seen.epoch + 1, f"they part in epoch {seen.epoch + 1}", PADDING, 1.0)
    return {"data": [*pairs, neutral | {"line": {"color": PADDING, **PINNED}}], "layout": layout}


def both(comparison: Comparison, name: str, colour: str, called: str, axis: str) -> list[dict]:
    """One curve of each run: the pinned one first, so that the present one lies on top."""
    traces = []
    for run, pinned in ((comparison.pinned, True), (comparison.other, False)):
        words = called or error_name(run.settings)
        trace = line((run.snapshot.epochs + 1).tolist(), getattr(run.snapshot, name), colour, words) | {"yaxis": axis}
        if pinned:
            trace |= {"name": f"{words}, pinned", "showlegend": False, "line": {"color": colour, **PINNED}}
        traces.append(trace)
    return traces


def mark(layout: dict, x: float, text: str, colour: str, y: float) -> None:
    """An upright line through the chart, with a word at its top."""
    layout["shapes"].append({"type": "line", **upright(x, x), "line": {"color": colour, "width": 1.5}})
    layout["annotations"].append(above(x, text, 12, y=y, xanchor="left"))


def gradient_figures(comparison: Comparison, epoch: int, at: str = "predictions") -> tuple[dict, dict, dict | None]:
    """The gradients of a kept epoch, pinned and present, and their difference; None where they have two shapes."""
    low, high = span = common_range(comparison, at)
    pinned, other = (
        gradient_figure(run, int(places(run, np.array([epoch]))[0]), at, span)
        for run in (comparison.pinned, comparison.other)
    )
    signed = comparison.difference(epoch, at)
    if signed is None:
        return pinned, other, None
    ring = ring_of(comparison, epoch, at)
    difference = difference_figure(comparison, signed, epoch, at, low, high)
    for figure in (pinned, other, difference):
        figure["data"] += ring
    return pinned, other, difference


def common_range(comparison: Comparison, at: str) -> tuple[float, float]:
    """log10 of the smallest and largest gradient shown, over both runs and all epochs."""
    return gradient_range(
        np.concatenate([gradient_of(run, at)[0].ravel() for run in (comparison.pinned, comparison.other)])
    )


def difference_figure(comparison: Comparison, signed: np.ndarray, epoch: int, at: str, low: float, high: float) -> dict:
    """Present minus pinned |gradient| on the scale of the two: purple where there is more now, green where less."""
    size = logarithm(np.abs(signed))
    blind = np.isnan(signed)
    less, more = (np.where(here, size, np.nan) for here in (signed < 0, signed > 0))
    traces = [
        *on_two_scales(less, more, (LESS_SCALE, MORE_SCALE), ("less now", "more now"), low, high),
        not_finite(blind, "NaN in one"),
        words_trace(signed.shape) | difference_words(comparison, signed, epoch, at),
        named(MORE, "more now"),
        named(LESS, "less now"),
        *([named(NAN, "NaN in a run")] if blind.any() else []),
    ]
    for run in (comparison.pinned, comparison.other):
        traces += outline(gradient_of(run, at)[1])
    return {"data": traces, "layout": grid_layout(signed.shape, right=62)}


def difference_words(comparison: Comparison, signed: np.ndarray, epoch: int, at: str) -> dict:
    """What a cell of the difference says to the mouse."""
    pinned, other = comparison.gradients(epoch, at)
    three = [[[number_words(values[i, j]) for values in (pinned, other, signed)] for j in range(signed.shape[1])]
             for i in range(signed.shape[0])]  # fmt: skip
    return {
        "customdata": three,
        "hovertemplate": "sequence %{y}, step %{x}<br>pinned %{customdata[0]}, now %{customdata[1]}<br>"
        "difference %{customdata[2]}<extra></extra>",
    }


def ring_of(comparison: Comparison, epoch: int, at: str) -> list[dict]:
    """A ring around the cell where the gradients first part, in that epoch."""
    first = comparison.parting("gradient", visible=True)
    if at != "predictions" or first is None or first.epoch != epoch:
        return []
    return [ring(first, "white", 5, ""), ring(first, "black", 2, "they part here first")]


def ring(first: Parting, colour: str, width: float, name: str) -> dict:
    marker = {"symbol": "circle-open", "size": RING, "color": colour, "line": {"width": width}}
    return points([first.timestep], [first.sequence], name, marker, hoverinfo="skip")


def curve_words(comparison: Comparison) -> str:
    """The chart for those who cannot see it."""
    said = [
        f"{who}: loss from {number(run.snapshot.loss[0])} to {number(run.snapshot.loss[-1])}, "
        f"{error_name(run.settings)} from {number(run.snapshot.error[0])} to {number(run.snapshot.error[-1])}"
        for run, who in ((comparison.pinned, "Pinned run"), (comparison.other, "present run"))
    ]
    return "; ".join(said) + "."


def leak_words(run: Run, epoch: int, at: str) -> str:
    """The share of the gradient that lies on padding in a kept epoch."""
    shares = run.leak if at == "predictions" else run.input_leak
    found = shares[int(places(run, np.array([epoch]))[0])]
    return f"{number(100 * found)}% of the gradient on padding" if np.isfinite(found) else "no finite gradient"


def difference_sentence(comparison: Comparison, epoch: int, at: str) -> str:
    """The difference for those who cannot see it."""
    signed = comparison.difference(epoch, at)
    if signed is None:
        return "two shapes: nothing to subtract"
    more, less, blind = (int(found.sum()) for found in (signed > 0, signed < 0, np.isnan(signed)))
    if not (more or less or blind):
        return "no step differs"
    return f"more at {more}, less at {less} steps" + (f", NaN at {blind}" if blind else "")
