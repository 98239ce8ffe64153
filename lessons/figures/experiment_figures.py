"""Figures of what a lesson's experiment measured, as Plotly's own JSON, pure, in the marks of `run_figures`.

A lesson hands over names, numbers and colours. Text and paper colours are left out: the page fills them in.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from lessons.figures.marks import EDGE, LEAK, LEGEND, MARGIN, PADDING, REAL, REAL_LOSS, line, named, points, titled

OVER_BARS = {"textposition": "outside", "cliponaxis": False}  # a bar's text


def bar(x: Sequence[str], y: Sequence[float], colour: str | list[str], hover: str, **more) -> dict:
    hover = f"{hover}<extra></extra>"
    return {"type": "bar", "x": x, "y": y, "marker": {"color": colour}, "hovertemplate": hover, **more}


def loss_and_gradient(
    x: np.ndarray, curves: Mapping[str, tuple], colours: Sequence[str], title: str, reach=None
) -> dict:
    """Losses on the left, their gradients on the right, over the same x. `reach`: of the y axes, as far down as up."""
    data = []
    for colour, (name, pair) in zip(colours, curves.items(), strict=True):
        for side, values in zip(("", "2"), pair, strict=True):
            trace = line(x.tolist(), values, colour, name)
            data.append(trace | {"showlegend": not side, "xaxis": f"x{side}", "yaxis": f"y{side}"})
    shown = {"range": [-reach, reach]} if reach else {}
    layout = {
        "xaxis": {"domain": [0, 0.46], **titled(title)},
        "xaxis2": {"domain": [0.54, 1], "anchor": "y2", **titled(title)},
        "yaxis": titled("loss") | shown,
        "yaxis2": {"anchor": "x2", **titled("gradient"), **shown},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    }
    return {"data": data, "layout": layout}


def grouped_bars(groups: Sequence[str], bars: Mapping[str, tuple[str, Sequence]], y_axis: dict, hover: str) -> dict:
    """Bars side by side. `bars`: name -> (colour, a height for each group); `hover` may hold {name}."""
    traces = [
        bar(groups, heights, colour, hover.replace("{name}", name) + ": %{y:.3g}", name=name)
        for name, (colour, heights) in bars.items()
    ]
    layout = {
        "barmode": "group",
        "margin": MARGIN | {"l": 60, "b": 40},
        "xaxis": {"type": "category"},
        "yaxis": y_axis,
        "legend": LEGEND,
    }
    return {"data": traces, "layout": layout}


def worded_bars(
    names: Sequence[str], heights: Sequence[float], words: Sequence[str], colours: list[str], title: str
) -> dict:
    """One bar for each name, with a word over it."""
    bars = bar(names, heights, colours, "after %{x}: %{text}", text=words, **OVER_BARS)
    layout = {
        "margin": {"l": 60, "r": 8, "t": 16, "b": 130},
        "xaxis": {"type": "category", "tickangle": -35},
        "yaxis": titled(title),
    }
    return {"data": [bars], "layout": layout}


def fractions(names: Sequence[str], tops: Sequence[float], bottoms: Sequence[float], values: Sequence[float]) -> dict:
    """Each loss as a fraction: the sum of errors above the line, what it is divided by below, its value on top."""
    x = [name.replace(" ", "<br>", 1) for name in names]

    def bars(name, colour, numbers, sign):
        text = [f"{number:.3g}" for number in numbers]
        y = [sign * number for number in numbers]
        return bar(x, y, colour, f"%{{x}}: {name} %{{text}}", name=name, text=text, **OVER_BARS)

    layout = {
        "barmode": "relative",
        "margin": {"l": 8, "r": 8, "t": 44, "b": 24},
        "xaxis": {"type": "category", "side": "top", "showgrid": False, "tickangle": 0, "tickfont": {"size": 11}},
        "yaxis": {"visible": False, "range": [-1.4 * max(bottoms), 1.4 * max(tops)], "zeroline": True},
        "legend": {"orientation": "h", "y": 0, "yanchor": "top", "x": 0},
        "shapes": [{"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 0, "y1": 0, "line": {"width": 2}}],
        "annotations": [
            {"x": at, "y": 1.28 * max(tops), "text": f"<b>{value:.3g}</b>", "showarrow": False}
            for at, value in zip(x, values, strict=True)
        ],
    }
    return {"data": [bars("sum of errors", REAL, tops, 1), bars("divided by", PADDING, bottoms, -1)], "layout": layout}


def curves(x: Sequence[float], lines: Mapping[str, tuple[str, str, Sequence]], x_title: str, y_title: str) -> dict:
    """Curves with their points. `lines`: name -> (colour, dash, values)."""
    traces = [
        line(list(x), np.asarray(values), colour, name, dash) | {"mode": "lines+markers"}
        for name, (colour, dash, values) in lines.items()
    ]
    layout = {
        "margin": MARGIN,
        "xaxis": titled(x_title),
        "yaxis": {"rangemode": "tozero", **titled(y_title)},
        "legend": LEGEND,
        "hovermode": "x unified",
    }
    return {"data": traces, "layout": layout}


def kinds_of(found: Mapping[str, str], marks: Mapping[str, tuple[str, str]]) -> dict:
    """One mark for each name, in the column of its kind. `found`: name -> kind; `marks`: kind -> (colour, symbol)."""
    names = list(found)
    traces = []
    for kind, (colour, symbol) in marks.items():
        here = [name for name in names if found[name] == kind]
        marker = {"color": colour, "symbol": symbol, "size": 11, "line": {"width": 2}}
        traces.append(points([kind] * len(here), here, kind, marker, hovertemplate="%{y}: %{x}<extra></extra>"))
    layout = {
        "height": 90 + 20 * len(names),
        "margin": {"l": 190, "r": 8, "t": 24, "b": 8},
        "showlegend": False,
        "xaxis": {"type": "category", "categoryarray": list(marks), "side": "top", "range": [-0.5, len(marks) - 0.5]},
        "yaxis": {"type": "category", "categoryarray": names, "autorange": "reversed", "dtick": 1},
    }
    return {"data": traces, "layout": layout}


def zone_map(
    x: Sequence[str], y: Sequence[str], grid: list[list[int]], zones: Mapping[str, str], words: list, title: str
) -> dict:
    """A cell for each x and y in the colour of its zone, with a word. `grid`: indices of `zones`, name -> colour."""
    names, colours = list(zones), list(zones.values())
    heat = {
        "type": "heatmap",
        "x": x,
        "y": y,
        "z": grid,
        "zmin": -0.5,
        "zmax": len(zones) - 0.5,
        "colorscale": [[(at + side) / len(zones), colour] for at, colour in enumerate(colours) for side in (0, 1)],
        "opacity": 0.75,
        "showscale": False,
        "xgap": 1,
        "ygap": 1,
        "text": words,
        "texttemplate": "%{text}",
        "customdata": [[names[zone] for zone in line] for line in grid],
        "hovertemplate": "%{y} %{x}: %{customdata} %{text}<extra></extra>",
    }
    legend = [named(colour, name) for name, colour in zones.items()]
    layout = {
        "margin": MARGIN | {"l": 130, "b": 40},
        "xaxis": {"type": "category", **titled(title)},
        "yaxis": {"type": "category", "autorange": "reversed"},
        "legend": LEGEND,
    }
    return {"data": [heat, *legend], "layout": layout}


def directions(found: Mapping[str, tuple[float, float]]) -> dict:
    """Gradients as rays from one point. `found`: name -> (angle to the first in degrees, times as long)."""
    data = []
    colours = (REAL, LEAK, EDGE, PADDING, REAL_LOSS)
    dashes = ("solid", "solid", "solid", "dash", "dot")
    for colour, dash, (name, (angle, length)) in zip(colours, dashes, found.items(), strict=False):
        turn = np.radians(angle)
        ends = [0, float(length * np.cos(turn))], np.array([0, length * np.sin(turn)])
        ray = line(ends[0], ends[1], colour, name, dash)
        hover = f"{name}: {angle:.3g}°, {length:.3g} as long<extra></extra>"
        data.append(ray | {"mode": "lines+markers", "hovertemplate": hover})
    layout = {
        "margin": MARGIN,
        "xaxis": {**titled("along the gradient of the first"), "zeroline": True},
        "yaxis": {**titled("across"), "scaleanchor": "x", "rangemode": "tozero"},
        "legend": LEGEND,
    }
    return {"data": data, "layout": layout}
