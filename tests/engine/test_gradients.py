"""Gradients against finite differences, and measured facts of the published examples that a run can show."""

from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf

from lessons.course.discovery import LESSONS
from lessons.course.lesson import Lesson
from lessons.engine import pasted_loss
from lessons.engine.gradient_meter import GradientMeter
from lessons.engine.train import trained
from lessons.families.recurrent import Recurrent
from lessons.recipe.data import training_batch
from lessons.recipe.recipe import Pasted, Recipe
from lessons.runs.run import Run
from tests.tools.oracle import LOSSES, Compared
from tests.tools.selection import first

MASK_AND_LOSS: Lesson = LESSONS["mask_and_loss"]
STEP = 1e-5


def differences(function, at: np.ndarray) -> np.ndarray:
    """Central finite differences of function: array -> number."""
    slopes = np.zeros_like(at)
    for place in np.ndindex(at.shape):
        moved = np.zeros_like(at)
        moved[place] = STEP
        slopes[place] = (function(at + moved) - function(at - moved)) / (2 * STEP)
    return slopes


@pytest.mark.parametrize(
    ("mask", "loss"),
    first(
        1,
        [
            *(("aligned", "scalar_mse"), ("none", "mse"), ("shifted", "mask_reading_mse")),
            *(("aligned", "mse"), ("none", "mask_reading_mse"), ("shifted", "scalar_mse")),
            *(("aligned", "mask_reading_mse"), ("none", "scalar_mse"), ("shifted", "mse")),
        ],
    ),
)
def test_gradients_are_the_slopes_of_the_loss(mask, loss):
    settings = Recurrent(
        mask=mask, loss=loss, sequences=2, timesteps=4, units=3, epochs=1, padding_share=0.3, epsilon=0.1
    )  # fmt: skip
    run = trained(Recipe(settings))
    batch = run.batch
    assert not batch.real.all()
    model = settings.build(dtype="float64")
    model.set_weights(settings.build().get_weights())  # float64 draws other numbers
    compared = Compared(LOSSES[loss], settings.epsilon, dtype="float64")

    @tf.function
    def value(predictions):
        predictions = tf.identity(predictions)
        if mask != "none":
            predictions._keras_mask = tf.constant(batch.mask)
        return compared(tf.constant(batch.y, "float64"), predictions)

    @tf.function
    def predicted(x):
        return tf.identity(model([x, tf.constant(batch.mask)]))

    x = batch.x.astype("float64")
    at_predictions = differences(lambda p: value(tf.constant(p)), predicted(tf.constant(x)).numpy())
    at_inputs = differences(lambda x: value(predicted(tf.constant(x))), x)
    got = run.snapshot
    assert got.loss[0] == pytest.approx(float(value(predicted(tf.constant(x)))), rel=1e-5)
    assert at_predictions.any() and at_inputs.any()
    np.testing.assert_allclose(got.gradient[0], np.abs(at_predictions[..., 0]), rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(got.input_gradient[0], np.linalg.norm(at_inputs, axis=-1), rtol=1e-4, atol=1e-7)


BASE = Recurrent(sequences=16, timesteps=10, units=8, epochs=10)


@pytest.mark.verify
def test_c1_a_mask_from_the_labels_learns_to_answer_one():
    preset = MASK_AND_LOSS.preset("labels").settings
    broken, plain = trained(Recipe(preset)), trained(Recipe(replace(preset, loss="mse")))
    assert 1 - broken.snapshot.error[-1] == pytest.approx(0.54, abs=0.06)
    assert broken.snapshot.loss[-1] < 0.01, "and its loss says that all is well"
    assert plain.snapshot.error[-1] < 0.05


@pytest.mark.verify
def test_c3_time_distributed_makes_no_difference():
    dense, wrapped = (trained(Recipe(replace(BASE, between=name))) for name in ("dense", "time_distributed"))
    np.testing.assert_allclose(dense.snapshot.loss, wrapped.snapshot.loss, rtol=1e-6)
    np.testing.assert_allclose(dense.snapshot.gradient, wrapped.snapshot.gradient, rtol=1e-3, atol=1e-7)


def test_a_scalar_loss_leaks_and_a_loss_per_step_does_not():
    broken = trained(Recipe(replace(BASE, loss="scalar_mse", padded_labels="garbage")))
    fixed = trained(Recipe(replace(BASE, loss="mse", padded_labels="garbage")))
    assert (broken.leak > 0.99).all() and broken.snapshot.loss[0] > 1e5
    assert (fixed.leak == 0).all() and fixed.snapshot.loss[0] < 5
    assert (broken.input_leak < 1e-6).all(), "the layers skipped the steps that the loss did not"
    fair = trained(Recipe(replace(BASE, loss="scalar_mse")))
    assert 0.2 < fair.leak[0] < 0.6


@pytest.mark.parametrize(("held", "low", "high"), [("zero", 0.0, 0.05), ("random", 0.05, 0.4), ("garbage", 0.98, 1.0)])
def test_a_shifted_mask_leaks_as_much_as_the_padded_labels_hold(held, low, high):
    run = trained(Recipe(replace(BASE, mask="shifted", mask_shift=1, padded_labels=held, timesteps=12, sequences=32)))
    assert low < run.leak[0] <= high


def test_a_mask_shifted_back_leaks_nothing_and_starves_one_step_of_each_sequence():
    run = trained(Recipe(replace(BASE, mask="shifted", mask_shift=-1, padded_labels="garbage")))
    assert (run.leak == 0).all()
    assert (run.starved.sum(axis=1) == 1).all()


def test_an_inverted_mask_teaches_the_padding_alone():
    run = trained(Recipe(replace(BASE, mask="inverted", padded_labels="random")))
    assert (run.leak == 1).all()
    assert (run.starved == run.batch.real).all()


def test_nan_in_a_masked_label_is_nan_in_the_loss():
    run = trained(Recipe(replace(BASE, padded_labels="nan")))
    assert np.isnan(run.snapshot.loss).all() and np.isfinite(run.snapshot.real_loss[0])


def test_an_all_masked_batch_costs_nothing_silently():
    run = trained(Recipe(replace(BASE, mask="inverted", padding_share=0)))
    assert (run.snapshot.loss == 0).all() and np.isnan(run.leak).all()


KEEP = {"none", "dense", "time_distributed", "layer_normalization", "attention"}


@pytest.mark.verify
@pytest.mark.parametrize("between", Recurrent.specs()["between"].options)
def test_which_layers_keep_the_mask(between):
    run = trained(Recipe(replace(BASE, between=between, padded_labels="garbage", epochs=1, sequences=4, timesteps=4)))
    assert (run.leak[0] < 1e-6) if between in KEEP else (run.leak[0] > 0.99)


def test_a_mask_as_sample_weight_divides_by_all_steps():
    masked, weighted, agreed = (
        trained(Recipe(replace(BASE, epochs=1, **change))).snapshot.loss[0]
        for change in ({}, {"sample_weight": "instead", "mask_route": "multiplied"},
                       {"sample_weight": "instead", "mask_route": "multiplied", "reduction": "mean_with_sample_weight"})
    )  # fmt: skip
    share = training_batch(Recipe(BASE)).real.mean()
    assert weighted == pytest.approx(agreed * share, rel=1e-5)
    assert agreed == pytest.approx(masked, rel=1e-3)


def test_the_mask_that_masking_computes_is_the_one_in_use():
    settings = replace(BASE, mask="inputs", padded_inputs="zero")
    batch = training_batch(Recipe(settings))
    computed = keras.layers.Masking(0.0).compute_mask(batch.x)
    assert np.array_equal(np.array(computed), batch.mask) and np.array_equal(batch.mask, batch.real)


@pytest.mark.parametrize("mask", first(1, ["aligned", "none"]))
def test_keras_own_cross_entropy_has_a_gradient_at_probabilities(mask):
    """It takes the logits behind a sigmoid where it can, past the predictions: nothing would arrive at them."""
    text = "import keras\ndef loss(y_true, y_pred):\n    return keras.losses.binary_crossentropy(y_true, y_pred)\n"
    settings = Recurrent(task="binary", activation="sigmoid", mask=mask, epochs=3, padded_labels="zero")
    pasted, ours = Recipe(settings, pasted=Pasted(text)), Recipe(replace(settings, loss="bce_clipped"))
    run, other = Run.gather(pasted, training_batch(pasted), pasted_loss.train(pasted)), trained(ours)
    np.testing.assert_allclose(run.snapshot.loss, other.snapshot.loss, rtol=1e-5)
    np.testing.assert_allclose(run.snapshot.gradient, other.snapshot.gradient, rtol=1e-3, atol=1e-7)
    inputs = keras.Input(run.batch.x.shape[1:])
    model = keras.Model(inputs, keras.layers.Dense(1, "sigmoid")(keras.layers.Masking()(inputs)))
    model.compile("sgd", "binary_crossentropy")
    meter = GradientMeter(run.batch.x, run.batch.y, run.batch.real)
    model.fit(run.batch.x, run.batch.y, batch_size=32, verbose=0, callbacks=[meter])
    assert (meter.gradients[0] > 0)[run.batch.real].all()
