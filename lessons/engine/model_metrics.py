"""The loss and metrics of a trained model, by Keras' own `evaluate`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from lessons.engine import train as engine
from lessons.engine.model_graph import LABELS, REAL, SAMPLE_WEIGHT, TRUTHS, ModelGraph, several_of
from lessons.recipe.metrics import Metric
from lessons.recipe.recipe import Recipe
from lessons.recipe.weights import fits
from lessons.runs.metrics import LOSS, MetricValues
from lessons.runs.run import Closing, Opening, Snapshot

SMALL = 4  # sequences in a batch, where the run takes all of them at once


def train(recipe: Recipe, graph: ModelGraph) -> Iterator[Opening | Snapshot | Closing]:
    """As engine/train.py, and at the end what the model's metrics say. Raises what Keras raises."""
    assert recipe.model
    for item in engine.train(recipe, graph):
        if isinstance(item, Closing) and recipe.model.metrics:
            item = replace(item, metrics=values_of(graph, recipe.model.metrics, recipe.update_size))
        yield item


def values_of(graph: ModelGraph, metrics: Sequence[Metric], size: int) -> tuple[MetricValues, ...]:
    """Of the training data, which the graph has. `size`: sequences in an update. Raises what Keras raises."""
    part, interface = graph.train_part, graph.interface
    size = size if size < len(part["x"]) else min(SMALL, len(part["x"]))
    trained = interface.trained[: 1 + len(graph.beside_losses)]
    given = [one.numpy() for one in graph._given(part)]
    labels = [one.numpy() for one in (part["y"], *several_of(part, LABELS))]
    kept = [one for one in metrics if one.at in trained]
    model = evaluated(graph, trained, kept)
    weights = weights_of(graph, part, labels)
    whole, batches = (
        model.evaluate(given, labels, batch_size=n, sample_weight=weights, return_dict=True, verbose=0)
        for n in (len(given[0]), size)
    )
    put_out = [graph._call(graph._given(part), training=False), *graph.beside]
    truths, reals = [part["truth"], *several_of(part, TRUTHS)], [part["known"], *several_of(part, REAL)]
    at = {
        place: Steps(truth.numpy(), y, predictions.numpy(), real.numpy())
        for place, truth, y, predictions, real in zip(trained, truths, labels, put_out, reals, strict=True)
    }
    several = len(trained) > 1
    losses = dict(zip(trained, (graph.loss, *(loss for loss, _ in graph.beside_losses)), strict=True))
    added = float(sum(model.losses, tf.constant(0.0)))
    summed = several or added  # then nobody can tell what it would be on other steps
    read = (np.nan, np.nan) if summed else at[trained[0]].of(graph.loss)
    found = [MetricValues(LOSS, "", False, size, whole["loss"], batches["loss"], *read)]
    for place, loss in losses.items() if several else ():
        each, other = (told.get(f"{output(place)}_loss", np.nan) for told in (whole, batches))
        name = interface.outputs[place].name
        found.append(MetricValues(LOSS, name, False, size, each, other, *at[place].of(loss)))
    for number, one in enumerate(kept):
        key = f"{output(one.at)}_{named(number)}" if several else named(number)
        name = interface.outputs[one.at].name if several else ""
        read = at[one.at].of(lambda y, p, one=one: metric_value(one, y, p))
        found.append(MetricValues(one.name, name, one.weighted, size, float(whole[key]), float(batches[key]), *read))
    return tuple(found)


class Steps:
    """Labels and predictions of one output, (batch, time, columns) or (batch, columns)."""

    def __init__(self, truth: np.ndarray, y: np.ndarray, predictions: np.ndarray, real: np.ndarray):
        self.truth, self.y, self.predictions = truth, y, predictions
        self.real = real if truth.ndim == 3 else real[:, 0]

    def of(self, measure: Any) -> tuple[float, float]:
        """A loss or metric of the real steps alone, as one long sequence, and of all steps."""
        truth, predictions = (one[self.real] for one in (self.truth, self.predictions))
        if self.truth.ndim == 3:
            truth, predictions = truth[None], predictions[None]
        return float(measure(truth, tf.constant(predictions))), float(measure(self.y, tf.constant(self.predictions)))


def metric_value(one: Metric, y: np.ndarray, predictions: Any) -> float:
    """Of labels and predictions (batch, …)."""
    metric = made(one, "one")
    metric.update_state(y, predictions)
    return float(metric.result())


def made(one: Metric, name: str) -> keras.metrics.Metric:
    """A metric of that class; a name of the module that is none raises AttributeError."""
    return getattr(keras.metrics, one.name)(name=name)


def output(place: int) -> str:
    return f"output_{place}"


def named(number: int) -> str:
    return f"metric_{number}"


def evaluated(graph: ModelGraph, trained: Sequence[int], metrics: Sequence[Metric]) -> keras.Model:
    """The trained model, compiled with its losses and these metrics."""
    outputs = [
        keras.layers.Identity(name=output(place))(one) for place, one in zip(trained, graph.model.outputs, strict=True)
    ]
    model = keras.Model(graph.model.inputs, outputs if len(outputs) > 1 else outputs[0])
    asked: dict[bool, list[list]] = {weighted: [[] for _ in trained] for weighted in (False, True)}
    for number, one in enumerate(metrics):
        asked[one.weighted][list(trained).index(one.at)].append(made(one, named(number)))
    losses = [graph.loss, *(loss for loss, _ in graph.beside_losses)]
    weights = [graph.interface.put_out.weight, *(weight for _, weight in graph.beside_losses)]
    alone = len(trained) == 1
    model.compile(
        "sgd",
        losses[0] if alone else losses,
        weights[0] if alone else weights,
        metrics=asked[False][0] if alone else asked[False],
        weighted_metrics=asked[True][0] if alone else asked[True],
        run_eagerly=True,
    )
    return model


def weights_of(graph: ModelGraph, part: dict, labels: Sequence[np.ndarray]) -> Any:
    """What `evaluate` is given as sample_weight, (batch, …) for each output; None where the run has none.

    Nor one that Keras takes for something else, or not at all, as batches are large.
    """
    ones = [np.ones((len(y), 1), "float32") for y in labels]
    if SAMPLE_WEIGHT in part and fits(graph.given_weights.sample, graph.interface):
        weights = [part[SAMPLE_WEIGHT].numpy(), *ones[1:]]
    elif graph.weighted:
        steps = part["weight"].numpy()
        of_steps = (y.ndim == 3 and y.shape[1] == steps.shape[1] for y in labels)
        weights = [steps if there else one for there, one in zip(of_steps, ones, strict=True)]
    else:
        return None
    return weights[0] if len(weights) == 1 else weights
