"""Twin runs: really trained, and they part where they were made to part."""

import json
from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import pytest

from lessons.engine.train import train
from lessons.families.recurrent import Recurrent
from lessons.figures import comparison_figures
from lessons.recipe.data import training_batch
from lessons.recipe.recipe import Pasted, Recipe
from lessons.recipe.settings import Settings
from lessons.runs.comparison import VISIBLE, Comparison, differs, headline, others, visibly
from lessons.runs.run import Run
from tests.tools.selection import first

BASE = Recurrent(sequences=6, timesteps=5, units=3, epochs=8, padded_labels="garbage")
OTHERS = {
    "equal": {},
    "idle": {"mask_shift": 2},
    "scalar": {"loss": "scalar_mse"},
    "rate": {"learning_rate": 0.05},
    "rounding": {"reduction": "mean_with_sample_weight"},
    "hidden_labels": {"padded_labels": "zero"},
    "shifted": {"mask": "shifted"},
    "other_side": {"padding": "pre"},
    "nan": {"loss": "scalar_mse", "padded_labels": "nan"},
    "longer": {"epochs": 230},
    "fewer_sequences": {"sequences": 4},
    "more_timesteps": {"timesteps": 7},
    "last_step": {"output": "last_step"},
    "stopped": {"epochs": 3000},
}


def trained(settings: Settings, most: int | None = None) -> Run:
    parts = []
    for part in train(Recipe(settings)):
        parts.append(part)
        if len(parts) == most:
            break
    return Run.gather(Recipe(settings), training_batch(Recipe(settings)), parts)


class Comparisons(dict):
    """Trained when a test asks for it: what only `make verify` looks at is not trained in `make test`."""

    def __init__(self, pinned: Run):
        super().__init__()
        self.pinned = pinned

    def __missing__(self, name: str) -> Comparison:
        other = trained(replace(BASE, **OTHERS[name]), 3 if name == "stopped" else None)
        self[name] = Comparison(self.pinned, other)
        return self[name]


@pytest.fixture(scope="module")
def comparison() -> dict[str, Comparison]:
    return Comparisons(trained(BASE))


def test_equal_runs_never_part(comparison):
    equal = comparison["equal"]
    assert equal.equal and equal.first() is None and equal.spread == 0
    assert "equal to the bit in 8 epochs" in headline(equal) and others(equal) == []
    assert not equal.difference(0).any()


def test_what_differs_is_told_with_its_words_and_idle_toggles_as_idle(comparison):
    (loss,) = comparison["scalar"].differences
    assert (loss.field, loss.pinned, loss.other) == (
        "loss", "squared error, one value per step", "squared error, one scalar",
    )  # fmt: skip
    (shift,) = comparison["idle"].differences
    assert shift.idle and not loss.idle and not comparison["idle"].equal
    assert comparison["idle"].first() is None


def test_another_loss_parts_in_the_first_epoch_before_the_predictions_do(comparison):
    pair = comparison["scalar"]
    first = pair.first(visible=True)
    assert (first.quantity, first.epoch, first.timestep) == ("loss", 0, None)
    assert (first.pinned, first.other) == (pair.pinned.snapshot.loss[0], pair.other.snapshot.loss[0])
    assert pair.parting("predictions").epoch == 1
    assert "the predictions are the same" in headline(pair)


def test_another_learning_rate_parts_after_the_first_update(comparison):
    first = comparison["rate"].first()
    assert (first.quantity, first.epoch) == ("predictions", 1)
    assert "No update" not in headline(comparison["rate"])


def test_rounding_is_told_apart_from_what_can_be_seen(comparison):
    pair = comparison["rounding"]
    assert pair.first() is not None and pair.first(visible=True) is None
    assert 0 < pair.spread <= VISIBLE
    assert "rounding alone" in headline(pair)


def test_a_shifted_mask_parts_where_the_mask_does(comparison):
    pair = comparison["shifted"]
    first = pair.first_cell(visible=True)
    a, b = (run.snapshot.predictions[0] for run in (pair.pinned, pair.other))
    earliest = np.argwhere((a != b).any(axis=0))[0, 0]
    assert (first.epoch, first.quantity, first.timestep) == (0, "predictions", earliest)
    assert (first.pinned, first.other) == (a[first.sequence, earliest], b[first.sequence, earliest])
    assert (a[: first.sequence, earliest] == b[: first.sequence, earliest]).all()
    assert pair.given["mask"] == (pair.pinned.batch.mask != pair.other.batch.mask).sum() > 0
    assert any("mask in" in words for words in others(pair))


def test_the_first_place_is_the_earliest_step_of_the_first_sequence_that_differs_there(comparison):
    run = comparison["equal"].pinned
    gradient = run.snapshot.gradient.copy()
    for sequence, timestep in ((0, 3), (2, 1), (4, 1)):
        gradient[5, sequence, timestep] += 1
    first = Comparison(run, replace(run, snapshot=replace(run.snapshot, gradient=gradient))).first()
    assert (first.quantity, first.epoch, first.sequence, first.timestep) == ("gradient", 5, 2, 1)
    assert first.other == pytest.approx(first.pinned + 1)


def test_labels_behind_the_mask_differ_and_part_nothing(comparison):
    pair = comparison["hidden_labels"]
    assert pair.given["y"] > 0 and not pair.equal
    assert pair.first() is None


def test_nan_parts_from_numbers_and_not_from_nan(comparison):
    pair = comparison["nan"]
    assert pair.first(visible=True).epoch == 0
    assert np.isnan(pair.difference(1)).all()
    again = Comparison(pair.other, pair.other)
    assert again.first() is None


def test_only_epochs_that_both_have_are_compared(comparison):
    longer = comparison["longer"]
    assert longer.epochs == 8 and longer.first() is None
    assert set(longer.kept) == set(longer.pinned.snapshot.kept) & set(longer.other.snapshot.kept)
    assert any("230 epochs" in words for words in others(longer))
    stopped = comparison["stopped"]
    assert stopped.other.closing is None and stopped.epochs <= 8


@pytest.mark.parametrize("name", first(1, ["last_step", "fewer_sequences", "more_timesteps"]))
def test_other_shapes_are_told_and_only_curves_are_compared(comparison, name):
    pair = comparison[name]
    assert not pair.comparable("gradient") and pair.parting("gradient") is None
    assert pair.first() is None or pair.first().quantity == "loss"
    assert pair.difference(0) is None
    assert any("cannot be compared" in words for words in others(pair))
    assert "predictions are the same" not in headline(pair)


def test_a_step_that_is_real_in_one_run_and_padding_in_the_other_is_told(comparison):
    assert "real in the pinned run, padding in this one" in headline(comparison["other_side"])
    assert any("need not be the same step" in words for words in others(comparison["other_side"]))


def test_another_text_of_the_loss_is_a_difference(comparison):
    run = comparison["equal"].pinned
    other = replace(run, recipe=replace(run.recipe, pasted=Pasted("def mse(y_true, y_pred): ...")))
    (text,) = Comparison(run, other).differences
    assert (text.label, text.pinned, text.other) == ("Text of the loss", "the lesson’s", "yours")


def test_visible_is_by_the_largest_of_the_epoch():
    a = np.array([[1000.0, 0.0], [1.0, 0.0]], "float32")  # (epoch, step)
    b = a + np.array([[0, 0.5], [0, 0.5]], "float32")
    assert differs(a, b).tolist() == [[False, True], [False, True]]
    assert visibly(a, b).tolist() == [[False, False], [False, True]]
    zeros = np.zeros((1, 2), "float32")
    assert not visibly(zeros, zeros).any()


def test_the_difference_is_signed_and_says_more_from_less(comparison):
    pair = comparison["scalar"]
    signed = pair.difference(0)
    a, b = pair.gradients(0)
    assert (np.sign(signed) == np.sign(b.astype(float) - a)).all() and (signed < 0).any() and (signed > 0).any()
    difference = comparison_figures.gradient_figures(pair, 0)[2]
    drawn = {trace["name"]: np.array(trace["z"], dtype=object) != None  # noqa: E711
             for trace in difference["data"] if trace["type"] == "heatmap" and trace.get("name")}  # fmt: skip
    assert np.array_equal(drawn["more now"], signed > 0) and np.array_equal(drawn["less now"], signed < 0)


def test_all_that_is_compared_has_one_scale(comparison):
    scales = {
        (trace["zmin"], trace["zmax"])
        for epoch in comparison["scalar"].kept
        for figure in comparison_figures.gradient_figures(comparison["scalar"], epoch)
        for trace in figure["data"]
        if "zmin" in trace and not trace["name"].startswith("NaN")
    }
    assert len(scales) == 1


def test_the_ring_stands_where_the_gradients_first_part(comparison):
    pair = comparison["scalar"]
    first = pair.parting("gradient", visible=True)
    for figure in comparison_figures.gradient_figures(pair, first.epoch):
        (ring,) = [trace for trace in figure["data"] if trace.get("name") == "they part here first"]
        assert (ring["x"], ring["y"]) == ([first.timestep], [first.sequence])
    later = comparison_figures.gradient_figures(pair, first.epoch + 1)[0]
    assert "they part here first" not in {trace.get("name") for trace in later["data"]}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", OTHERS)
def test_plotly_accepts_every_figure_and_json_can_hold_it(comparison, name):
    pair = comparison[name]
    drawn = [comparison_figures.curve_figure(pair)]
    for at in ("predictions", "inputs"):
        drawn += [figure for figure in comparison_figures.gradient_figures(pair, int(pair.kept[-1]), at) if figure]
        assert comparison_figures.difference_sentence(pair, int(pair.kept[0]), at)
        assert comparison_figures.leak_words(pair.other, int(pair.kept[0]), at)
    assert len(drawn) == {"fewer_sequences": 5, "more_timesteps": 5, "last_step": 6}.get(name, 7)
    for figure in drawn:
        assert json.loads(json.dumps(figure, allow_nan=False)) == figure
        assert len(go.Figure(figure).data) == len(figure["data"]) > 0
    assert comparison_figures.curve_words(pair) and headline(pair)


def test_the_curves_are_those_of_the_two_runs(comparison):
    pair = comparison["scalar"]
    drawn = {trace["name"]: trace for trace in comparison_figures.curve_figure(pair)["data"]}
    np.testing.assert_allclose(drawn["loss, pinned"]["y"], pair.pinned.snapshot.loss, rtol=1e-4)
    np.testing.assert_allclose(drawn["loss"]["y"], pair.other.snapshot.loss, rtol=1e-4)
    assert drawn["loss"]["line"]["color"] == drawn["loss, pinned"]["line"]["color"]
    assert drawn["loss"]["line"]["dash"] == "solid" != drawn["loss, pinned"]["line"]["dash"]
