"""The curve of a finding as Plotly's own JSON, pure, in the marks of `lessons.figures.marks`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from lessons.figures.marks import LEAK, LOSS, MARGIN, PADDING, above, line, nan_band, number, titled, upright

ROOM = 1.04  # of the largest value, so that no line runs along the frame


def finding_figure(curve: Mapping) -> dict:
    """The loss, and on a second axis its gradient, against what was varied. What is not finite is a pink band."""
    x, value = curve["x"], numbers(curve["value"])
    gradient = numbers(curve.get("gradient") or [])
    traces = [line(x, value, LOSS, "loss")]
    layout: dict[str, Any] = {
        "margin": MARGIN | {"t": 14},
        "xaxis": {"title": {"text": curve.get("x_title") or "prediction"}, "tickformat": "~g", "nticks": 8},
        "yaxis": {**titled("loss"), "range": span(value), "exponentformat": "power"},
        "hovermode": "x unified",
        "shapes": [],
        "annotations": [],
    }
    if gradient.size:
        traces.append(line(x, gradient, LEAK, "gradient", "dash") | {"yaxis": "y2"})
        layout["margin"] |= {"r": 56}
        layout["yaxis2"] = {
            **titled("gradient"), "range": span(gradient), "exponentformat": "power",
            "overlaying": "y", "side": "right", "showgrid": False, "zeroline": False, "tickmode": "auto", "nticks": 5,
        }  # fmt: skip
    label = curve.get("label")
    if label is not None and min(x) <= label <= max(x):
        dotted = {"color": PADDING, "width": 2, "dash": "dot"}
        layout["shapes"].append({"type": "line", **upright(label, label), "line": dotted})
        layout["annotations"].append(above(label, "label"))
    for start, end in gaps(x, value, gradient):
        layout["shapes"].append(nan_band(start, end))
        layout["annotations"].append(above((start + end) / 2, "not finite"))
    return {"data": traces, "layout": layout}


def finding_words(curve: Mapping) -> str:
    """The same for those who cannot see it."""
    x, value, gradient = curve["x"], numbers(curve["value"]), numbers(curve.get("gradient") or [])
    words = [f"Loss {extent(value)} while {curve.get('x_title') or 'the prediction'} goes {extent(numbers(x))}."]
    if gradient.size:
        words.append(f"Gradient {extent(gradient)}.")
    return " ".join(words)


def numbers(values: Sequence) -> np.ndarray:
    """What JSON says as null is NaN."""
    return np.array([np.nan if value is None else value for value in values], dtype=float)


def extent(values: np.ndarray) -> str:
    finite = values[np.isfinite(values)]
    if not finite.size:
        return "is nowhere finite"
    return f"from {number(finite.min())} to {number(finite.max())}"


def span(values: np.ndarray) -> list[float] | None:
    """The range of an axis with room above and below; None leaves it to Plotly."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return None
    middle, half = (finite.max() + finite.min()) / 2, (finite.max() - finite.min()) / 2
    reach = ROOM * half or max(abs(middle), 1.0) / 2
    return [float(middle - reach), float(middle + reach)]


def gaps(x: Sequence[float], *curves: np.ndarray) -> Iterator[tuple[float, float]]:
    """The stretches of x where some curve is not finite, each reaching to its neighbours."""
    bad = np.zeros(len(x), dtype=bool)
    for curve in curves:
        if curve.size:
            bad |= ~np.isfinite(curve)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], bad.astype(int), [0]])))
    for first, beyond in edges.reshape(-1, 2):
        yield float(x[max(first - 1, 0)]), float(x[min(beyond, len(x) - 1)])
