"""The map's figures: Plotly accepts them, cells are coloured as they ended, and the ring is where the settings are."""

import json
from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import pytest

from lessons.engine.train import trained
from lessons.families.recurrent import Recurrent
from lessons.figures import grid_figures
from lessons.recipe.recipe import Recipe
from lessons.runs.grid import Cell, Grid
from lessons.runs.outcome import OUTCOMES, late, outcome_of
from tests.tools.contrast import contrast

BASE = Recurrent(sequences=4, timesteps=5, units=3, epochs=6, loss="scalar_mse")
PLAN = Grid(BASE, "learning_rate", "padded_labels", (1e-4, 1e-2, 1.0), ("zero", "garbage", "nan"))


def cell_of(plan: Grid, row: int, column: int) -> Cell:
    settings = plan.settings(row, column)
    run = trained(Recipe(settings))
    s = run.snapshot
    return Cell(row, column, 0, outcome_of(run), late(s.error), late(s.loss), float(run.leak[0]), run.baseline)


@pytest.fixture(scope="module")
def cells() -> list[Cell]:
    """All but the last, which is not there yet."""
    return [cell_of(PLAN, row, column) for row, column, _ in PLAN.cells() if (row, column) != (0, 2)]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("of", ["outcome", "error"])
@pytest.mark.parametrize("there", ["none", "some", "refused"])
def test_plotly_accepts_every_map_and_json_can_hold_it(cells, of, there):
    refused = Cell(0, 2, 0, "", *[float("nan")] * 4, failure="too small")
    shown = {"none": [], "some": cells, "refused": [*cells, refused]}[there]
    figure = grid_figures.grid_figure(PLAN, shown, BASE, of)
    assert json.loads(json.dumps(figure, allow_nan=False)) == figure
    assert len(go.Figure(figure).data) == len(figure["data"]) > 0
    assert grid_figures.grid_words(PLAN, shown)


def test_a_cell_has_its_outcomes_colour_and_letter_and_a_missing_one_is_blank(cells):
    trace = grid_figures.grid_figure(PLAN, cells, BASE)["data"][0]
    for cell in cells:
        assert trace["z"][cell.row][cell.column] == OUTCOMES.index(cell.outcome)
        assert trace["text"][cell.row][cell.column] == grid_figures.lettered(cell.outcome)
    assert trace["z"][0][2] is None and trace["text"][0][2] == ""
    assert len({cell.outcome for cell in cells}) > 1, "else this tells nothing"


def test_every_outcome_has_one_colour_and_one_letter():
    assert list(grid_figures.COLOURS) == list(OUTCOMES)
    assert len(set(grid_figures.COLOURS.values())) == len(OUTCOMES)
    assert len(set(grid_figures.LETTERS.values())) == len(OUTCOMES) + 1


def test_a_letter_is_read_on_its_colour():
    for outcome, colour in grid_figures.COLOURS.items():
        ink = "#FFFFFF" if "white" in grid_figures.lettered(outcome) else "#000000"
        assert contrast(ink, colour) >= 4.5, outcome


def test_errors_are_shown_as_they_are_and_what_is_not_finite_is_marked(cells):
    shown, bad, *_ = grid_figures.grid_figure(PLAN, cells, BASE, "error")["data"]
    finite = [cell.error for cell in cells if np.isfinite(cell.error)]
    steep = max(finite) > grid_figures.STEEP * min(finite)
    for cell in cells:
        value = shown["z"][cell.row][cell.column]
        if np.isfinite(cell.error):
            assert (10**value if steep else value) == pytest.approx(cell.error, rel=0.01, abs=0.001)
        else:
            assert value is None and bad["z"][cell.row][cell.column] == 1
    assert any(not np.isfinite(cell.error) for cell in cells)


def test_a_cell_says_in_words_what_it_is(cells):
    words = next(trace for trace in grid_figures.grid_figure(PLAN, cells, BASE)["data"] if "hovertemplate" in trace)
    assert "Learning rate 1, Padded labels hold NaN" in words["text"][2][2] and "NaN" in words["text"][2][2]
    assert "not trained yet" in words["text"][0][2]
    refused = Cell(0, 2, 0, "", *[float("nan")] * 4, failure="too small")
    figure = grid_figures.grid_figure(PLAN, [*cells, refused], BASE)
    words = next(trace for trace in figure["data"] if "hovertemplate" in trace)
    assert "cannot be trained: too small" in words["text"][0][2]


@pytest.mark.parametrize(
    ("changes", "at"),
    [
        ({"learning_rate": 1e-2, "padded_labels": "garbage"}, (1, 1)),
        ({"learning_rate": 1e-3, "padded_labels": "zero"}, (0.5, 0)),
        ({"learning_rate": 2.0, "padded_labels": "zero"}, None),
        ({"learning_rate": 1e-2, "padded_labels": "random"}, None),
    ],
)
def test_the_ring_is_where_the_present_settings_lie(cells, changes, at):
    figure = grid_figures.grid_figure(PLAN, cells, replace(BASE, **changes))
    rings = [trace for trace in figure["data"] if trace.get("name") == "present settings"]
    if at is None:
        assert not rings
    else:
        assert all((ring["x"], ring["y"]) == ([pytest.approx(at[0])], [pytest.approx(at[1])]) for ring in rings)
        assert len([ring for ring in rings if ring.get("showlegend", True)]) == 1


def test_axes_carry_the_values():
    layout = grid_figures.grid_figure(PLAN, [], BASE)["layout"]
    assert layout["xaxis"]["ticktext"] == ["0.0001", "0.01", "1"]
    assert layout["yaxis"]["ticktext"] == ["zero", "garbage", "nan"]
    many = Grid(BASE, "learning_rate", "padding_share", tuple(np.linspace(0.001, 1, 64)), (0.1, 0.2))
    axis = grid_figures.grid_figure(many, [], BASE)["layout"]["xaxis"]
    assert len(axis["ticktext"]) <= grid_figures.TICKS and axis["tickvals"][1] == 4
