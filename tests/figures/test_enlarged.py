"""A figure for the wall: no letter is small, ticks do not lie upon each other, and the given figure stays as it was."""

import copy
import json

from lessons.figures.enlarged import TICKS, USUAL, enlarged

SIZE = 22
FIGURE = {
    "data": [
        {"type": "scatter", "x": [1, 2], "y": [1e-6, 1e3]},
        {"type": "heatmap", "colorbar": {"tickfont": {"size": 9}}},
    ],
    "layout": {
        "margin": {"l": 50, "t": 6},
        "yaxis": {"type": "log", "dtick": 1},
        "yaxis2": {"rangemode": "tozero"},
        "annotations": [{"text": "NaN", "font": {"size": 30}}],
    },
}


def test_letters_grow_and_margins_with_them():
    given = copy.deepcopy(FIGURE)
    grown = enlarged(given, SIZE)
    assert given == FIGURE
    assert grown["layout"]["font"]["size"] == grown["data"][1]["colorbar"]["tickfont"]["size"] == SIZE
    assert grown["layout"]["annotations"][0]["font"]["size"] == 30, "what is larger stays"
    assert grown["layout"]["margin"] == {"l": 50 * SIZE // USUAL, "t": 6 * SIZE // USUAL}
    json.dumps(grown)


def test_an_axis_has_few_ticks_whatever_it_spans():
    layout = enlarged(FIGURE, SIZE)["layout"]
    assert layout["yaxis"]["dtick"] == 3, "nine decades"
    assert layout["yaxis2"]["nticks"] == TICKS
    flat = copy.deepcopy(FIGURE) | {"data": [{"type": "scatter", "x": [1], "y": [None]}]}
    assert enlarged(flat, SIZE)["layout"]["yaxis"]["dtick"] == 1
