"""Figures of the map of failure, as plain Plotly dictionaries (see lessons/figures/marks.py).

Colour is never the only mark: a cell carries a letter where there is room for one, and words under the mouse.
"""

import math
from collections import Counter
from collections.abc import Mapping

import numpy as np

from lessons.figures.marks import (
    EDGE,
    LEAK,
    NAN,
    REAL_LOSS,
    heat,
    named,
    not_finite,
    number,
    points,
    titled,
    words_trace,
)
from lessons.figures.run_figures import error_name
from lessons.recipe.settings import Settings
from lessons.recipe.spec import Number
from lessons.runs.grid import Cell, Grid, Square, squares
from lessons.runs.outcome import MEANINGS, OUTCOMES

STUCK = "#5A5A5A"  # darker than NaN's pink, which it would look like to the colour-blind
COLOURS = {"learned": REAL_LOSS, "stuck": STUCK, "wrong": EDGE, "exploded": LEAK, "nan": NAN}
LETTERS = {"learned": "L", "stuck": "S", "wrong": "W", "exploded": "E", "nan": "N", "": "×"}
NAMES = {"nan": "NaN", "": "cannot be trained"}  # of outcomes that are not called as they are written
LETTERED = 24  # cells along an axis up to which a letter fits into one
TICKS = 16  # values that an axis has room for
ERROR_SCALE = [[0, "#ede6f5"], [0.5, "#a58bc6"], [1, "#43286e"]]
STEEP = 20  # a span of errors by which their colours become logarithmic, as curves do

Map = Mapping[tuple[int, int], Square]


def grid_figure(grid: Grid, cells: list[Cell], present: Settings, of: str = "outcome") -> dict:
    """The map as far as it is filled: by outcome, or by the error on real steps. A ring marks the present settings."""
    found = squares(cells)
    shape = len(grid.ys), len(grid.xs)
    traces = outcome_traces(found, shape) if of == "outcome" else error_traces(found, shape, grid)
    texts = words_trace(shape) | {"text": hover(grid, cells, found), "hovertemplate": "%{text}<extra></extra>"}
    return {"data": [*traces, texts, *ring(grid, present)], "layout": layout(grid)}


def outcome_traces(found: Map, shape: tuple[int, int]) -> list[dict]:
    z, letters = np.full(shape, np.nan), np.full(shape, "", dtype=object)
    for place, square in found.items():
        z[place] = OUTCOMES.index(square.outcome) if square.outcome else np.nan
        letters[place] = lettered(square.outcome)
    there = [word for word in (*OUTCOMES, "") if any(square.outcome == word for square in found.values())]
    legend = [named(COLOURS.get(word, "#999999"), f"{LETTERS[word]} {NAMES.get(word, word)}") for word in there]
    trace = heat(z, steps(list(COLOURS.values())), -0.5, len(OUTCOMES) - 0.5, name="outcome")
    if max(shape) <= LETTERED:
        trace |= {"text": letters.tolist(), "texttemplate": "%{text}", "textfont": {"size": 11, "color": "black"}}
    solid = [entry | {"marker": entry["marker"] | {"opacity": 1}} for entry in legend]
    return [trace, *solid, *crosses(found)]


def lettered(outcome: str) -> str:
    """The letter of a cell, to be read on its colour: black, and white on the dark one."""
    letter = LETTERS[outcome]
    return f'<span style="color:white">{letter}</span>' if outcome == "stuck" else letter


def steps(colours: list[str]) -> list:
    """A colour scale of equal plain steps."""
    edges = np.linspace(0, 1, len(colours) + 1)
    return [[float(edge), colour] for k, colour in enumerate(colours) for edge in (edges[k], edges[k + 1])]


def crosses(found: Map) -> list[dict]:
    """Cells that cannot be trained: there is no colour to draw a letter on."""
    places = [place for place, square in found.items() if not square.outcome]
    if not places:
        return []
    rows, columns = zip(*places, strict=True)
    marker = {"symbol": "x-thin", "size": 8, "color": "#999999", "line": {"width": 2, "color": "#999999"}}
    return [points(list(columns), list(rows), "", marker, showlegend=False, hoverinfo="skip")]


def error_traces(found: Map, shape: tuple[int, int], grid: Grid) -> list[dict]:
    """The error on real steps: dark is bad. The scale is logarithmic where the errors span more than STEEP."""
    error = np.full(shape, np.nan)
    bad = np.full(shape, np.nan)
    for place, square in found.items():
        if math.isfinite(square.error):
            error[place] = square.error
        elif square.outcome:
            bad[place] = 1.0
    known = error[np.isfinite(error)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    steep = low > 0 and high > STEEP * low
    z = np.log10(error) if steep else error
    ends = [math.log10(low), math.log10(high)] if steep else [low, high]
    if ends[0] == ends[1]:
        ends[1] += 1
    at = np.linspace(ends[0], ends[1], 4)
    bar = {
        "thickness": 10, "len": 1, "outlinewidth": 0, "xpad": 4, "tickvals": at.tolist(),
        "ticktext": [number(10**value if steep else value) for value in at],
        "title": {"text": error_name(grid.base), "side": "right"},
    }  # fmt: skip
    return [
        heat(z, ERROR_SCALE, *ends, name="error", colorbar=bar),
        not_finite(np.isfinite(bad), "not finite"),
        *([named(NAN, "not finite")] if np.isfinite(bad).any() else []),
        *crosses(found),
    ]


def hover(grid: Grid, cells: list[Cell], found: Map) -> list[list[str]]:
    failures = {(cell.row, cell.column): cell.failure for cell in cells if cell.failure}
    return [
        [
            cell_words(grid, row, column, found.get((row, column)), failures.get((row, column), ""), "<br>")
            for column in range(len(grid.xs))
        ]
        for row in range(len(grid.ys))
    ]


def cell_words(grid: Grid, row: int, column: int, square: Square | None, failure: str = "", gap: str = ", ") -> str:
    """One cell in words: its two settings, how it ended, and the numbers."""
    here = ((grid.x, grid.xs[column]), (grid.y, grid.ys[row]))
    place = ", ".join(f"{label(grid, name)} {grid.base.specs()[name].said(value)}" for name, value in here)
    if square is None:
        return f"{place}{gap}not trained yet"
    if not square.outcome:
        return f"{place}{gap}cannot be trained: {failure[:120]}"
    agree = f" on {square.agree} of {square.seeds} seeds" if square.seeds > 1 else ""
    numbers = f"error {number(square.error)} (best constant {number(square.baseline)}), loss {number(square.loss)}"
    leak = f"{gap}{number(100 * square.leak)}% of the first gradient on padding" if math.isfinite(square.leak) else ""
    return f"{place}{gap}{NAMES.get(square.outcome, square.outcome)}{agree}{gap}{numbers}{leak}"


def label(grid: Grid, name: str) -> str:
    return grid.base.specs()[name].label


def tick(grid: Grid, name: str, value: object) -> str:
    """A value at an axis: short, as an address has it."""
    return f"{value:g}" if isinstance(grid.base.specs()[name], Number) else str(value)


def layout(grid: Grid) -> dict:
    """The axes carry the values. Words need more room than numbers."""
    x, y = axis(grid, grid.x, grid.xs), axis(grid, grid.y, grid.ys)
    longest = max(len(text) for text in y["ticktext"])
    below = max(len(text) for text in x["ticktext"])
    turned = below * len(x["ticktext"]) > 90  # more letters than the width holds
    return {
        "margin": {"l": 34 + 6.5 * longest, "r": 70, "t": 6, "b": 36 + (6 * min(below, 16) if turned else 12)},
        "xaxis": x | ({"tickangle": -45} if turned else {"automargin": True}),  # on a phone Plotly turns them
        "yaxis": y | {"autorange": True},
    }


def axis(grid: Grid, name: str, values: tuple) -> dict:
    every = math.ceil(len(values) / TICKS)
    places = list(range(0, len(values), every))
    return {
        **titled(label(grid, name)), "tickvals": places,
        "ticktext": [tick(grid, name, values[k]) for k in places],
        "range": [-0.5, len(values) - 0.5], "showgrid": False, "zeroline": False,
    }  # fmt: skip


def ring(grid: Grid, present: Settings) -> list[dict]:
    """Where the present settings lie, between two cells where they are none of them; nothing when they lie outside."""
    x, y = (place(getattr(present, name), values) for name, values in ((grid.x, grid.xs), (grid.y, grid.ys)))
    if x is None or y is None:
        return []
    drawn = []
    for colour, width, shown in (("white", 6, False), ("black", 2.5, True)):
        marker = {"symbol": "circle-open", "size": 17, "color": colour, "line": {"width": width}}
        drawn.append(points([x], [y], "present settings", marker, showlegend=shown, hoverinfo="skip"))
    return drawn


def place(value: object, values: tuple) -> float | None:
    """Where a value lies among the values of an axis, counted in cells; None outside of them."""
    if value in values:
        return float(values.index(value))
    if isinstance(value, str) or list(values) != sorted(values) or not values[0] < value < values[-1]:
        return None
    after = next(k for k, other in enumerate(values) if other > value)
    low, high = values[after - 1], values[after]
    share = math.log(value / low) / math.log(high / low) if low > 0 else (value - low) / (high - low)
    return after - 1 + share


def counts(cells: list[Cell]) -> dict[str, int]:
    """How many places of the map ended how, from good to bad."""
    found = Counter(square.outcome for square in squares(cells).values())
    return {word: found[word] for word in (*OUTCOMES, "") if found[word]}


def grid_words(grid: Grid, cells: list[Cell]) -> str:
    """The map for those who cannot see it."""
    ended = ", ".join(f"{count} {NAMES.get(word, word)}" for word, count in counts(cells).items())
    return (
        f"Map of {label(grid, grid.x)} by {label(grid, grid.y)}, {len(grid.xs)} × {len(grid.ys)} cells: "
        f"{ended or 'none trained yet'}."
    )


def meaning(word: str) -> str:
    return MEANINGS.get(word, "Keras refuses to train these settings.")
