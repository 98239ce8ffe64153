"""Figures: Plotly accepts every one, JSON can hold it, and the marks say what the run says."""

import json
from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import pytest

from lessons.engine.train import train
from lessons.families.recurrent import Recurrent
from lessons.figures import batch_figure, run_figures
from lessons.figures.marks import scale_of
from lessons.recipe.data import training_batch
from lessons.recipe.recipe import Recipe
from lessons.runs.run import Closing, Run

SMALL = Recurrent(sequences=4, timesteps=5, units=3, epochs=6, padded_labels="garbage", loss="scalar_mse")
CASES = {
    "finite": SMALL,
    "no_leak": replace(SMALL, loss="mse"),
    "nan": replace(SMALL, padded_labels="nan"),
    "nan_labels": replace(SMALL, loss="mse", nan_share=0.4),
    "infinite": replace(SMALL, loss="log_error", epsilon=0.0, padded_inputs="nan", mask="none"),
    "huge": replace(SMALL, learning_rate=10.0, optimizer="sgd", epochs=20),
    "stopped": replace(SMALL, epochs=3000),
    "last_step": replace(SMALL, output="last_step"),
    "no_padding": replace(SMALL, padding_share=0.0),
    "one_epoch": replace(SMALL, epochs=1, mask="none"),
    "binary": replace(SMALL, task="binary", padding="pre", mask="inverted"),
}


@pytest.fixture(scope="module")
def runs() -> dict[str, Run]:
    made = {}
    for name, settings in CASES.items():
        parts = []
        for part in train(Recipe(settings)):
            parts.append(part)
            if name == "stopped" and len(parts) == 3:
                break
        made[name] = Run.gather(Recipe(settings), training_batch(Recipe(settings)), parts)
    assert made["stopped"].closing is None and isinstance(parts[-1], Closing)
    return made


def drawn(run: Run) -> dict[str, dict]:
    return {
        "batch": batch_figure.batch_figure(run.settings, run.batch),
        **{f"gradient {at}": run_figures.gradient_figure(run, at=at) for at in ("predictions", "inputs")},
        "first gradient": run_figures.gradient_figure(run, 0),
        **{f"epochs {at}": run_figures.gradient_over_epochs_figure(run, at) for at in ("predictions", "inputs")},
        "curve": run_figures.curve_figure(run),
        "prediction": run_figures.prediction_figure(run),
        "sequence": run_figures.sequence_figure(run, 0),
        "last sequence": run_figures.sequence_figure(run, run.settings.sequences - 1),
    }


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("case", CASES)
def test_plotly_accepts_every_figure_and_json_can_hold_it(runs, case):
    for name, figure in drawn(runs[case]).items():
        assert json.loads(json.dumps(figure, allow_nan=False)) == figure, name
        assert len(go.Figure(figure).data) == len(figure["data"]) > 0


def cells(figure: dict, name: str) -> np.ndarray:
    """Where the heatmap of that name is coloured."""
    trace = next(trace for trace in figure["data"] if trace["type"] == "heatmap" and trace.get("name") == name)
    return np.array(trace["z"], dtype=object) != None  # noqa: E711


def test_gradient_on_padding_has_its_own_colour_and_zero_is_paper(runs):
    leaking, clean = runs["finite"], runs["no_leak"]
    figure = run_figures.gradient_figure(leaking)
    assert np.array_equal(cells(figure, "on padding"), ~leaking.batch.real)
    assert np.array_equal(cells(figure, "on real steps"), leaking.batch.real)
    figure = run_figures.gradient_figure(clean)
    assert not cells(figure, "on padding").any() and cells(figure, "on real steps").any()
    assert not cells(figure, "NaN").any()


def test_nan_is_marked_where_it_is(runs):
    run = runs["nan"]
    assert np.array_equal(cells(run_figures.gradient_figure(run), "NaN"), np.isnan(run.snapshot.gradient[-1]))
    curve = run_figures.curve_figure(run)
    assert curve["layout"]["annotations"][0]["text"] == "NaN from epoch 1"
    assert "annotations" not in run_figures.curve_figure(runs["finite"])["layout"]
    missing = runs["nan_labels"]
    real_cells = np.array(batch_figure.batch_figure(missing.settings, missing.batch)["data"][1]["z"], dtype=object)
    assert np.array_equal(real_cells == 2.0, missing.batch.real & np.isnan(missing.batch.y[..., 0]))


def test_one_scale_for_all_epochs_of_a_run(runs):
    run = runs["finite"]
    scales = {
        (trace["zmin"], trace["zmax"])
        for kept in range(run.epochs)
        for trace in run_figures.gradient_figure(run, kept)["data"]
        if trace.get("name") in ("on padding", "on real steps")
    }
    assert len(scales) == 1


def test_curves_hold_what_was_trained(runs):
    run = runs["stopped"]
    figure = run_figures.curve_figure(run)
    seen, real_steps, validation, error, baseline = (trace["y"] for trace in figure["data"])
    np.testing.assert_allclose(seen, run.snapshot.loss, rtol=1e-4)
    np.testing.assert_allclose(real_steps, run.snapshot.real_loss, rtol=1e-4)
    np.testing.assert_allclose(validation, run.snapshot.val_loss, rtol=1e-4)
    np.testing.assert_allclose(error, run.snapshot.error, rtol=1e-4)
    np.testing.assert_allclose(baseline, run.baseline, rtol=1e-4)
    assert figure["layout"]["xaxis"]["range"][1] == 3000.5, "the axis is as long as the run was to be"


def test_a_logarithmic_axis_has_room_for_its_ticks():
    assert scale_of(np.array([1, 1e-3]))["dtick"] == 1
    assert scale_of(np.array([1, 1e-7]))["dtick"] == 2
    assert scale_of(np.array([1.0, 0.5])) == {"type": "linear"}
