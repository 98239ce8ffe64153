"""Metrics beside the loss of a pasted model, held against plain `fit` and `evaluate` of the same text."""

from dataclasses import replace

import keras
import numpy as np

from lessons.recipe.metrics import Metric, compiled_metrics, metric_of
from lessons.recipe.recipe import Recipe
from lessons.runs.metrics import LOSS, MetricValues, says
from tests.engine.test_pasted_training import train
from tests.engine.test_strangers_training import TEXTS, as_python, fed, looked_at, recipe_of, training_batch

NAME = "labels of several kinds"


def figure(name: str, whole: float, batches: float, real: float, padded: float) -> MetricValues:
    return MetricValues(name, "", False, 4, whole, batches, real, padded)


def test_they_are_what_evaluate_says_of_the_same_text():
    found, interface = looked_at(TEXTS[NAME])
    named = compiled_metrics(interface, found["compiled"])
    assert named == (Metric(0, "BinaryAccuracy"),)
    recipe = recipe_of(TEXTS[NAME], interface, found)
    recipe = Recipe(recipe.asked, model=replace(recipe.model, metrics=(*named, Metric(0, "AUC"))))
    run = train(recipe)
    keras.utils.set_random_seed(recipe.settings.seed)
    model = as_python(TEXTS[NAME], "model", 12, 3, 4)
    kinds = [keras.metrics.BinaryAccuracy(name="a"), keras.metrics.AUC(name="b")]
    model.compile(keras.optimizers.Adam(recipe.settings.learning_rate), "binary_crossentropy", metrics=kinds)
    x, (y,) = fed(recipe, training_batch(recipe))
    model.fit(x, y, epochs=recipe.settings.epochs, batch_size=len(x), shuffle=False, verbose=0)
    for which, size in (("whole", len(x)), ("batches", 4)):
        told = [getattr(one, which) for one in run.metrics]
        np.testing.assert_allclose(told, model.evaluate(x, y, batch_size=size, verbose=0), rtol=1e-4)
    said = " ".join(says(run.metrics))
    assert "AUC: padding counts" in said and "loss, BinaryAccuracy: masked steps are left out" in said
    assert run.to_json()["metrics"][0]["name"] == LOSS


def test_why_they_differ_is_read_off_the_numbers():
    assert says([figure(LOSS, 0.5, 0.5, 0.5, 0.5)]) == []
    assert "padding counts" in says([figure("AUC", 0.5, 0.5, 0.7, 0.5)])[0]
    assert "left out" in says([figure("MeanAbsoluteError", 0.7, 0.7, 0.7, 0.5)])[0]
    by_batch = says([figure(LOSS, 0.5, 0.6, 0.5, 0.5), figure("AUC", 0.5, 0.5, 0.5, 0.5)])
    assert "mean of the batches’ means" in by_batch[0] and "AUC: the same in any batches" in by_batch[1]
    assert "it depends on the batches too" in says([figure("AUC", 0.5, 0.6, 0.5, 0.5)])[0]


def test_what_compile_names_is_taken_by_keras_names():
    assert metric_of("acc", "class") == "SparseCategoricalAccuracy" and metric_of("acc", "number") is None
    assert metric_of("keras.metrics.AUC(name='auc')", "binary") == "AUC"
    assert metric_of("own_metric", "number") is None and metric_of("rmse", "number") == "RootMeanSquaredError"
