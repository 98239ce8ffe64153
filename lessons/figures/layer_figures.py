"""What a layer puts out for one padded sequence, as Plotly's own JSON, in the marks of `lessons.figures.marks`."""

import numpy as np

from lessons.figures.marks import LEAK, LEAK_SCALE, MARGIN, NAN, REAL, REAL_SCALE, heat, named, number, titled
from lessons.recipe.data import Bools, Floats
from lessons.recipe.words import plural


def layer_figure(sample: Floats, real: Bools) -> dict:
    """The size of each number, column x step: on real steps blue, on padding orange, exactly 0 as paper, NaN pink.

    sample (time, columns), real (time,) bool.
    """
    size = np.abs(sample.T.astype(float))  # (column, time)
    top = float(np.nanmax(size, initial=0.0)) or 1.0
    size[size == 0] = np.nan
    traces = [heat(np.where(real, size, np.nan), REAL_SCALE, 0, top), named(REAL, "real step")]
    if not real.all():
        traces += [heat(np.where(real, np.nan, size), LEAK_SCALE, 0, top), named(LEAK, "padding")]
    if np.isnan(sample).any():
        traces += [heat(np.where(np.isnan(sample.T), 1.0, np.nan), [[0, NAN], [1, NAN]], 0, 1), named(NAN, "NaN")]
    bare = {"showgrid": False, "zeroline": False, "tickformat": "d", "nticks": 8}
    axes = {"xaxis": titled("step") | bare, "yaxis": titled("column") | bare | {"autorange": "reversed"}}
    return {"data": traces, "layout": axes | {"margin": MARGIN | {"t": 22}, "showlegend": True}}


def layer_words(sample: Floats, real: Bools) -> str:
    """The same for those who cannot see it."""
    steps, columns = sample.shape
    said = f"{plural(steps, 'step')} of {plural(columns, 'column')}, {plural(int((~real).sum()), 'step')} of padding."
    for words, part in (("real steps", sample[real]), ("padding", sample[~real])):
        finite = np.abs(part[np.isfinite(part)])
        if finite.size:
            said += f" On {words} up to {number(float(finite.max()))}."
    return said
