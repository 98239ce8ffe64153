"""The marks that all figures are made of: colours, traces, axes and numbers, as Plotly's own JSON.

One meaning, one mark on every page; colours are Okabe and Ito's, safe for the colour-blind. Text and paper colours are
left out: the page fills them in from its theme.
"""

import math

import numpy as np

REAL, PADDING, NAN, LEAK = "#0072B2", "#8A8A8A", "#CC79A7", "#D55E00"
LOSS, REAL_LOSS, ERROR, EDGE = "#0072B2", "#009E73", "#7B5EA7", "#E69F00"
REAL_SCALE = [[0, "#d6e8f4"], [0.5, "#5fa3cf"], [1, "#00446b"]]
LEAK_SCALE = [[0, "#fbe0cc"], [0.5, "#e88b45"], [1, "#a34700"]]
MARGIN = {"l": 52, "r": 18, "t": 6, "b": 36}
LEGEND = {"orientation": "h", "y": 1, "yanchor": "bottom", "x": 0, "font": {"size": 11}}
DECADES = 4  # of a logarithmic axis that have a tick each: more would lie upon each other
HATCH = {"shape": "/", "size": 5, "solidity": 0.25, "fgcolor": PADDING}


def words_trace(shape: tuple[int, int]) -> dict:
    """An invisible layer that answers the mouse on every cell, the blank ones too."""
    clear = [[0, "rgba(0,0,0,0)"], [1, "rgba(0,0,0,0)"]]
    return {"type": "heatmap", "z": np.zeros(shape, int).tolist(), "colorscale": clear, "showscale": False}


def heat(z: np.ndarray, scale: list, low: float, high: float, **more) -> dict:
    bare = {} if "colorbar" in more else {"showscale": False}
    return {
        "type": "heatmap", "z": rounded(z, 3), "colorscale": scale, "zmin": low, "zmax": high,
        "xgap": 1, "ygap": 1 if len(z) <= 16 else 0, "hoverongaps": False, "hoverinfo": "skip", **bare, **more,
    }  # fmt: skip


def line(x: list, y: np.ndarray, colour: str, name: str, dash: str = "solid") -> dict:
    return {
        "type": "scatter", "mode": "lines", "x": x, "y": rounded(y), "name": name,
        "line": {"color": colour, "width": 2, "dash": dash}, "hovertemplate": "%{y:.3g}",
    }  # fmt: skip


def points(x: list, y: list, name: str, marker: dict, **more) -> dict:
    return {"type": "scatter", "mode": "markers", "x": x, "y": y, "name": name, "marker": marker, **more}


def named(colour: str, name: str) -> dict:
    """An entry of the legend for a heatmap's colour."""
    return points([None], [None], name, {"color": colour, "symbol": "square", "size": 10, "opacity": 0.6})


def titled(text: str) -> dict:
    """An axis or a colour bar with a title."""
    return {"title": {"text": text}}


def upright(start: float, end: float) -> dict:
    """From the bottom to the top of the chart."""
    return {"x0": start, "x1": end, "y0": 0, "y1": 1, "yref": "paper"}


def nan_band(start: float, end: float) -> dict:
    """A stretch of the x axis in which something is not finite."""
    return {"type": "rect", **upright(start, end), "fillcolor": NAN, "opacity": 0.25, "line": {"width": 0}}


def above(x: float, text: str, size: int = 11, **more) -> dict:
    """A word over a place of the x axis, in the page's colour: those of marks are too faint to be read."""
    place = {"x": x, "y": 1, "yref": "paper", "yanchor": "bottom", "showarrow": False}
    return {"text": text, **place, "font": {"size": size}, **more}


def on_two_scales(above: np.ndarray, below: np.ndarray, scales: tuple, names: tuple, low: float, high: float) -> list:
    """Two heatmaps of log10 over each other, each with its colour bar; NaN where the other one is drawn."""
    ticks = np.arange(np.ceil(low), np.floor(high) + 1, 2)
    bar = {"thickness": 9, "len": 1, "outlinewidth": 0, "xpad": 2, "tickfont": {"size": 10}}
    ticked = bar | {"x": 1.035, "tickvals": ticks.tolist(), "ticktext": [f"1e{int(tick)}" for tick in ticks]}
    bare = bar | {"x": 1.0, "showticklabels": False, "ticks": ""}
    return [
        heat(z, scale, low, high, name=name, colorbar=colorbar)
        for z, scale, name, colorbar in zip((above, below), scales, names, (ticked, bare), strict=True)
    ]


def not_finite(flags: np.ndarray, name: str) -> dict:
    """Cells that are not finite."""
    return heat(np.where(flags, 1.0, np.nan), [[0, NAN], [1, NAN]], 0, 1, name=name)


def padding_trace(real: np.ndarray, name: str) -> dict:
    """The padding as one hatched area: a rectangle for each stretch of a row."""
    rectangles = []
    for row, steps in enumerate(~real):
        rectangles += [box(a - 0.5, b - 0.5, row - 0.5, row + 0.5) for a, b in stretches(steps)]
    return filled(rectangles, name)


def stretches(flags: np.ndarray) -> np.ndarray:
    """Where flags (n,) are True: (stretches, 2) their first places, and those after their last."""
    return np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(int), [0]]))).reshape(-1, 2)


def filled(rectangles: list, name: str) -> dict:
    x, y = path(rectangles)
    return {
        "type": "scatter", "mode": "lines", "x": x, "y": y, "fill": "toself", "fillpattern": HATCH, "name": name,
        "line": {"width": 0, "color": PADDING}, "hoverinfo": "skip",
    }  # fmt: skip


def edge_trace(mask: np.ndarray, name: str, colour: str = EDGE, width: int = 3) -> dict:
    """The border between True and False cells of a mask (batch, time), in as few lines as it has straight parts.

    Plotly draws it anew with each epoch, and takes as long for a cell's side as for a line along all cells.
    """
    framed = np.pad(mask.astype(int), 1)
    columns, rows = np.diff(framed, axis=1).T != 0, np.diff(framed, axis=0) != 0
    upright = [[(j - 0.5, a - 1.5), (j - 0.5, b - 1.5)] for j, edge in enumerate(columns) for a, b in stretches(edge)]
    level = [[(a - 1.5, i - 0.5), (b - 1.5, i - 0.5)] for i, edge in enumerate(rows) for a, b in stretches(edge)]
    x, y = path(upright + level)
    return {
        "type": "scatter", "mode": "lines", "x": x, "y": y, "name": name, "hoverinfo": "skip",
        "line": {"color": colour, "width": width},
    }  # fmt: skip


def box(x0: float, x1: float, y0: float, y1: float) -> list[tuple[float, float]]:
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)]


def path(lines: list) -> tuple[list, list]:
    """Coordinates of several lines as one trace, parted by gaps."""
    x, y = [], []
    for points in lines:
        x += [float(p[0]) for p in points] + [None]
        y += [float(p[1]) for p in points] + [None]
    return x, y


def grid_layout(shape: tuple[int, int], right: int = 62) -> dict:
    """Rows and time axis that the data picture and the gradient share."""
    rows, steps = shape
    return {
        "margin": MARGIN | {"r": right},
        "xaxis": {**titled("timestep"), "range": [-0.6, steps - 0.4], "showgrid": False, "zeroline": False},
        "yaxis": {**titled("sequence"), "range": [rows - 0.4, -0.6], "showgrid": False, "zeroline": False},
        "legend": LEGEND,
    }


def scale_of(*curves: np.ndarray) -> dict:
    """An axis: logarithmic where everything is above 0 and spans more than a factor 20, with room for its ticks."""
    values = np.concatenate(curves)
    values = values[np.isfinite(values)]
    steep = values.size and values.min() > 0 and values.max() > 20 * values.min()
    if not steep:
        return {"type": "linear"}
    decades = np.log10(values.max() / values.min())
    return {"type": "log", "dtick": max(1, math.ceil(decades / DECADES)), "exponentformat": "power"}


def rounded(values: np.ndarray, digits: int = 5) -> list:
    """Nested lists with None for what is not finite, short enough to send."""
    values = np.asarray(values, dtype=float)
    with np.errstate(over="ignore", invalid="ignore"):
        short = np.round(values, digits) if digits == 3 else significant(values, digits)
    return np.where(np.isfinite(short), short.astype(object), None).tolist()


def significant(values: np.ndarray, digits: int) -> np.ndarray:
    """Rounded to that many significant digits."""
    with np.errstate(divide="ignore", invalid="ignore"):
        power = np.where((values == 0) | ~np.isfinite(values), 0, np.floor(np.log10(np.abs(values))))
    unit = 10.0 ** (digits - 1 - power)
    return np.round(values * unit) / unit


def number(value: float) -> str:
    return f"{value:.3g}" if np.isfinite(value) else "NaN"
