"""The callback for anybody's own fit, held against the app's numbers on the presets of the lessons."""

import keras
import numpy as np
import pytest

from lessons.course.discovery import LESSONS
from lessons.engine.gradient_meter import GradientMeter
from lessons.engine.train import trained
from lessons.recipe.data import training_batch
from lessons.recipe.recipe import Recipe
from tests.tools import oracle
from tests.tools.selection import first

PRESETS = [
    (slug, preset.name)
    for slug, lesson in sorted(LESSONS.items(), key=lambda one: one[0] != "mask_and_loss")
    for preset in lesson.presets
    if not preset.settings.batch_size and preset.settings.loss in oracle.LOSSES
]
EPOCHS = 4


def data_of(recipe: Recipe) -> oracle.Data:
    batch, every = training_batch(recipe), training_batch(recipe, every_label=True)
    return oracle.Data(batch.x, batch.y, batch.real, every.y)


@pytest.mark.parametrize(("slug", "preset"), first(1, PRESETS))
def test_it_measures_what_the_app_shows(slug, preset):
    settings = LESSONS[slug].preset(preset).settings.with_changes({"epochs": EPOCHS})
    recipe = Recipe(settings)
    data, settings = data_of(recipe), recipe.settings
    model = oracle.compiled(settings, oracle.route(settings, settings.mask))
    x, y, weights = oracle.fed(settings, settings.mask, data)
    meter = GradientMeter(x, y, data.real, weights)
    model.fit(
        x, y, sample_weight=weights, epochs=EPOCHS, batch_size=len(y), shuffle=False, verbose=0, callbacks=[meter]
    )
    run = trained(recipe)
    np.testing.assert_allclose(meter.losses, run.snapshot.loss, rtol=1e-5)
    np.testing.assert_allclose(meter.gradients, run.snapshot.gradient, rtol=1e-4, atol=1e-9)
    per_step = meter.gradients.shape[1:] == data.real.shape
    before = settings.mask_route == "multiplied"  # the app's inputs are those before, the meter's what `fit` is given
    if not before:
        np.testing.assert_allclose(meter.input_gradients, run.snapshot.input_gradient, rtol=1e-3, atol=1e-8)
    if per_step or not before:
        np.testing.assert_allclose(meter.leak, run.leak if per_step else run.input_leak, rtol=1e-4, atol=1e-9)


def test_what_it_says():
    settings = LESSONS["mask_and_loss"].preset("broken").settings.with_changes({"epochs": 2})
    recipe = Recipe(settings)
    data = data_of(recipe)
    model = oracle.compiled(settings, oracle.route(settings, settings.mask))
    x, y, _ = oracle.fed(settings, settings.mask, data)
    meter = GradientMeter(x, y, data.real)
    assert "Nothing is measured yet" in str(meter)
    model.fit(x, y, epochs=2, batch_size=len(y), verbose=0, callbacks=[meter])
    assert "of the gradient at first" in str(meter) and "it is trained on" in str(meter)
    assert {trace.name for trace in meter.figure().data} == {"real steps", "padding"}


@pytest.mark.verify
def test_a_look_changes_no_training():
    """BatchNormalization averages what it sees, and Dropout draws anew: both as if nobody had looked."""
    x, y = np.random.default_rng(0).normal(size=(6, 5, 3)), np.ones((6, 5, 1))
    layers = keras.layers

    def history(*callbacks) -> list[float]:
        keras.utils.set_random_seed(2)
        inner = layers.BatchNormalization(), layers.Dropout(0.4), layers.Dense(1)
        model = keras.Sequential([keras.Input((5, 3)), layers.GRU(4, return_sequences=True), *inner])
        model.compile("sgd", "mse")
        return model.fit(x, y, epochs=3, validation_data=(x, y), verbose=0, callbacks=callbacks).history

    assert history() == history(GradientMeter(x, y, np.ones((6, 5), bool)))


def test_a_loss_that_a_layer_adds_goes_past_the_predictions():
    class Endpoint(keras.layers.Layer):
        def call(self, scores, targets):
            self.add_loss(keras.ops.mean(keras.ops.square(scores - targets)))
            return keras.ops.sigmoid(scores)

    series, targets = keras.Input((6, 2)), keras.Input((6, 1))
    scores = keras.layers.Dense(1)(series)
    model = keras.Model([series, targets], Endpoint()(scores, targets))
    model.compile("sgd")
    x, real = np.ones((4, 6, 2), "float32"), np.arange(6) < np.array([[6], [3], [2], [1]])
    meter = GradientMeter([x, np.zeros((4, 6, 1), "float32")], None, real)
    model.fit(meter.x, epochs=2, verbose=0, callbacks=[meter])
    assert "not made of the predictions" in str(meter) and "nothing is learned" not in str(meter)
    np.testing.assert_allclose(meter.leak, [0.5, 0.5])
