"""The engine against plain `model.fit` (oracle.py), and what a warm worker must not carry from run to run."""

import itertools
import os
from dataclasses import replace

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as examples

from lessons.course.discovery import LESSONS
from lessons.engine import train as engine
from lessons.engine.models import redraw
from lessons.engine.train import trained
from lessons.families.recurrent import Recurrent
from lessons.recipe import losses
from lessons.recipe.data import PaddedBatch, training_batch, validation_batch
from lessons.recipe.recipe import Recipe
from lessons.recipe.settings import Settings
from lessons.recipe.spec import Choice
from lessons.runs.run import KEPT_EPOCHS, Closing, Opening, Run, Snapshot
from tests.tools import oracle
from tests.tools.selection import first


def oracle_data(settings: Settings, draw) -> oracle.Data:
    batch: PaddedBatch = draw(Recipe(settings))
    return oracle.Data(batch.x, batch.y, batch.real, draw(Recipe(settings), every_label=True).y)


DRIFT = 10  # times as far as fit goes from itself when each first weight is moved by one rounding


def assert_like_fit(settings: Settings) -> None:
    """Same loss and val_loss as plain Keras, or the same refusal.

    To 1e-5; where a training makes more of a rounding than that, no farther from fit than fit is from itself.
    """
    data, held_out = oracle_data(settings, training_batch), oracle_data(settings, validation_batch)
    try:
        wanted = oracle.fit(settings, data, held_out)
    except Exception as refusal:
        with pytest.raises(Exception) as caught:
            trained(Recipe(settings))
        assert type(caught.value) is type(refusal)
        return
    got = trained(Recipe(settings)).snapshot
    for name in ("loss", "val_loss"):
        ours, theirs = getattr(got, name), np.array(wanted[name], "float32")
        if np.isfinite([ours, theirs]).all() and not np.allclose(ours, theirs, rtol=1e-5, atol=0):
            again = oracle.fit(settings, data, held_out, moved=np.finfo("float32").eps)[name]
            drift = DRIFT * np.maximum.accumulate(np.abs(again - theirs))
            ours = np.where(np.abs(ours - theirs) <= drift, theirs, ours)
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, err_msg=f"{name} of {settings.to_query()}")


ALL = [(slug, preset) for slug, lesson in LESSONS.items() for preset in lesson.presets]


def of_recurrent(batches: bool) -> tuple:
    """The first of them all that trains in batches, or does not."""
    fitting = (case for case in ALL if type(case[1].settings) is Recurrent)
    return next(case for case in fitting if bool(case[1].settings.batch_size) == batches)


CHIEF = [of_recurrent(batches=False), of_recurrent(batches=True)]


@pytest.mark.parametrize(("slug", "preset"), first(1, [*CHIEF, *(case for case in ALL if case not in CHIEF)]))
def test_a_preset_trains_as_fit_does(slug, preset):
    """In `make test` its first epochs; the whole of it in `make verify`."""
    epochs = preset.settings.epochs if os.environ.get("VERIFY") else min(preset.settings.epochs, 20)
    assert_like_fit(replace(preset.settings, epochs=epochs))


def test_the_oracle_has_every_loss_that_can_be_chosen():
    offered = {name for lesson in LESSONS.values() for name in lesson.losses}
    used = {preset.settings.loss for lesson in LESSONS.values() for preset in lesson.presets}
    assert set(losses.LABELS) | offered | used <= set(oracle.LOSSES | oracle.TOKEN_LOSSES)
    assert all(losses.exists(name) for name in oracle.LOSSES | oracle.TOKEN_LOSSES)


SMALL = {
    "sequences": st.sampled_from([2, 5, 8]),
    "timesteps": st.sampled_from([2, 4, 7]),
    "units": st.sampled_from([1, 4, 8]),
    "epochs": st.integers(1, 12),
    "batch_size": st.sampled_from([0, 0, 1, 3, 4, 8]),
    "learning_rate": st.sampled_from([1e-3, 0.02, 0.1, 1.0]),
    "loss": st.sampled_from(sorted(oracle.LOSSES)),
}


def recipes(**fixed):
    """Small random settings over every field."""
    drawn = {}
    for name, spec in Recurrent.specs().items():
        if isinstance(spec, Choice):
            drawn[name] = st.sampled_from(sorted(spec.options))
        elif spec.offered:
            drawn[name] = st.sampled_from(spec.offered)
        else:
            drawn[name] = st.integers(spec.low, spec.high)
    return st.builds(Recurrent, **(drawn | SMALL | fixed))


ANY = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}


@pytest.mark.verify
@examples(max_examples=1, derandomize=True, phases=[Phase.generate], **ANY)
@given(recipes())
def test_random_settings_train_as_fit_does(settings):
    assert_like_fit(settings)


@pytest.mark.verify
@examples(max_examples=300, print_blob=True, **ANY)
@given(recipes())
def test_many_random_settings_train_as_fit_does(settings):
    assert_like_fit(settings)


SMALLEST = [("bce_clipped", 0.0), ("bce_added", 1e-8), ("log_error", 1e-7)]
OTHERS = sorted({(loss, epsilon) for loss, _ in SMALLEST for _, epsilon in SMALLEST} - {*SMALLEST})
SATURATED = Recurrent(
    activation="sigmoid",
    task="binary",
    learning_rate=10.0,
    sequences=8,
    timesteps=5,
    units=4,
    epochs=12,
    mask="none",
)


@pytest.mark.verify
@pytest.mark.parametrize(("loss", "epsilon"), first(1, [*SMALLEST, *OTHERS]))
def test_saturated_predictions_end_as_in_fit(loss, epsilon):
    settings = replace(SATURATED, loss=loss, epsilon=epsilon)
    assert_like_fit(settings)
    predictions = trained(Recipe(settings)).snapshot.predictions
    extreme = np.isin(predictions, (0.0, 1.0)) | ~np.isfinite(predictions)
    assert extreme.any(), "the case is not saturated: it tests nothing"


TINY = Recurrent(sequences=4, timesteps=4, units=2, epochs=3, padded_labels="garbage")


def same(one: Run, other: Run) -> bool:
    """Equal to the bit."""
    pairs = [
        (getattr(one.snapshot, name), getattr(other.snapshot, name)) for name in vars(one.snapshot) if name != "scores"
    ]
    pairs.append((one.predictions, other.predictions))
    return all(np.array_equal(a, b, equal_nan=True) for a, b in pairs)


def test_what_is_an_argument_of_the_graph_never_retraces():
    graph = engine.traced(Recipe(TINY).structure())
    trained(Recipe(TINY))
    assert graph.traces == 1
    changes = [
        {"mask": mask} for mask in Recurrent.specs()["mask"].options
    ] + [
        {"mask": "shifted", "mask_shift": -2},
        {"mask_route": "multiplied"},
        {"learning_rate": 0.5},
        {"seed": 7},
        {"padding": "pre"},
        {"padding_share": 0.0},
        {"padding_share": 0.9},
        {"padded_labels": "nan"},
        {"padded_inputs": "random"},
        {"nan_share": 0.5, "nan_fill": "mean"},
        {"task": "binary"},
        {"epochs": 60},
        {"batch_size": 4},
        {"validation_mask": "none"},
        {"validation_labels": "zero"},
    ]  # fmt: skip
    for change in changes:
        settings = replace(TINY, **change)
        assert engine.traced(Recipe(settings).structure()) is graph, change
        trained(Recipe(settings))
        assert graph.traces == 1, change
    batched = replace(TINY, batch_size=3)
    small_batches = engine.traced(Recipe(batched).structure())
    for size in (1, 2, 3):
        trained(Recipe(replace(batched, batch_size=size)))
    assert small_batches is not graph and small_batches.traces == 1
    assert not any(
        spec.retraces for name, spec in Recurrent.specs().items() if name in ("mask", "learning_rate", "seed", "epochs")
    )


def test_runs_leave_nothing_behind():
    """A, B, A: the second A is the first to the bit, also after a B that ended in NaN and one that was stopped."""
    first = trained(Recipe(TINY))
    others = [replace(TINY, seed=5, learning_rate=1.0), replace(TINY, padded_inputs="nan", mask="none"), TINY]
    for other in others:
        run = trained(Recipe(other))
        assert same(run, first) == (other == TINY)
    stopped = engine.train(Recipe(replace(TINY, epochs=3000)))
    next(stopped), next(stopped)
    stopped.close()
    assert same(trained(Recipe(TINY)), first)


CELLS, BETWEEN = (list(Recurrent.specs()[name].options) for name in ("cell", "between"))
PAIRS = list(itertools.product(BETWEEN, CELLS))


def assert_draws_as_new(settings: Settings) -> None:
    """The graph's structure has the default seed: any other is drawn into it."""
    warm = settings.structure().build()
    for variable, value in redraw(warm, settings.seed):
        variable.assign(value)
    for one, other in zip(warm.get_weights(), settings.build().get_weights(), strict=True):
        assert np.array_equal(one, other)
    assert not np.array_equal(warm.get_weights()[0], replace(settings, seed=0).build().get_weights()[0])


EACH = [(between, CELLS[k % len(CELLS)]) for k, between in enumerate(BETWEEN)]  # every option of both once


@pytest.mark.parametrize(("between", "cell"), first(len(EACH), [*EACH, *(pair for pair in PAIRS if pair not in EACH)]))
def test_a_warm_model_draws_the_weights_that_a_new_one_has(between, cell):
    assert_draws_as_new(replace(TINY, between=between, cell=cell, seed=41))


def test_only_so_many_graphs_are_kept():
    assert engine.traced.cache_info().maxsize == engine.GRAPHS_KEPT == 24


def test_loss_is_from_before_the_update_and_validation_from_after():
    """With a rate that moves nothing all epochs agree; the first loss is that of fresh weights whatever the rate."""
    still = trained(Recipe(replace(TINY, learning_rate=1e-6, optimizer="sgd", padded_labels="zero"))).snapshot
    fast = trained(Recipe(replace(TINY, learning_rate=1.0, optimizer="sgd", padded_labels="zero"))).snapshot
    assert fast.loss[0] == still.loss[0]
    assert fast.val_loss[0] != pytest.approx(still.val_loss[0], rel=1e-3)
    assert np.array_equal(fast.gradient[0], still.gradient[0]) and np.array_equal(
        fast.predictions[0], still.predictions[0]
    )
    assert not np.allclose(fast.gradient[1], still.gradient[1], rtol=1e-3)
    np.testing.assert_allclose(still.loss, still.loss[0], rtol=1e-3)


def test_a_graph_whose_pace_is_known_begins_with_as_many_epochs_as_it_trains_at_a_time():
    recipe = Recipe(replace(TINY, epochs=12, units=3))
    list(engine.train(recipe))
    graph, runs = engine.traced(recipe.structure()), []
    assert graph.chunk > 0
    for graph.chunk, first_chunk in ((4, 4), (100, 12)):
        parts = list(engine.train(recipe))
        snapshots = [part for part in parts if isinstance(part, Snapshot)]
        assert len(snapshots[0].epochs) == first_chunk and snapshots[-1].epochs[-1] == 11
        runs.append(Run.gather(recipe, training_batch(recipe), parts))
    assert np.array_equal(runs[0].snapshot.loss, runs[1].snapshot.loss)


def test_the_parts_of_a_training_come_in_order_and_can_be_gathered_midway():
    settings = replace(TINY, epochs=700)
    parts = []
    for part in engine.train(Recipe(settings)):
        parts.append(part)
        if len(parts) == 3:
            break
    assert [type(part).__name__ for part in parts] == ["Opening", "Snapshot", "Snapshot"]
    run = Run.gather(Recipe(settings), training_batch(Recipe(settings)), parts)
    whole = trained(Recipe(settings))
    assert 5 < run.epochs < 700 and run.closing is None and whole.closing is not None
    assert np.array_equal(run.snapshot.loss, whole.snapshot.loss[: run.epochs])
    assert np.array_equal(run.predictions, run.snapshot.predictions[-1])
    assert run.to_json()["stopped"] and not whole.to_json()["stopped"]
    with pytest.raises(ValueError, match="not one epoch"):
        Run.gather(Recipe(settings), training_batch(Recipe(settings)), parts[:1])


@pytest.mark.parametrize(("epochs", "kept"), first(3, [(1, 1), (7, 7), (201, 200), (200, 200), (3000, 200)]))
def test_gradients_of_at_most_200_epochs_are_kept(epochs, kept):
    settings = replace(TINY, epochs=epochs)
    parts = list(engine.train(Recipe(settings)))
    assert isinstance(parts[0], Opening) and isinstance(parts[-1], Closing)
    snapshot = Run.gather(Recipe(settings), training_batch(Recipe(settings)), parts).snapshot
    assert len(snapshot.loss) == len(snapshot.error) == len(snapshot.val_loss) == epochs
    assert len(snapshot.kept) == len(snapshot.gradient) == len(snapshot.input_gradient) == kept <= KEPT_EPOCHS
    assert snapshot.kept[0] == 0 and snapshot.kept[-1] == epochs - 1
    assert set(np.diff(snapshot.kept)) <= {epochs // kept, epochs // kept + 1} or kept == 1


def test_one_label_per_sequence_has_one_column():
    settings = replace(TINY, output="last_step", task="binary")
    run = trained(Recipe(settings))
    assert run.predictions.shape == (4, 1) and run.snapshot.gradient.shape == (3, 4, 1)
    assert run.snapshot.input_gradient.shape == (3, 4, 4)
    assert not run.starved.any() and (run.leak == 0).all()


def test_a_masked_scalar_loss_says_what_keras_warns_of():
    assert any("mask" in text for text in next(engine.train(Recipe(replace(TINY, between="conv1d")))).warnings)
    assert next(engine.train(Recipe(replace(TINY, between="times_one")))).warnings == ()
