"""Many trainings of which only a map's cell is wanted.

The model and its optimizer are compiled by XLA, which takes a third of the time. The loss is not: XLA rewrites its
arithmetic, and then NaN * 0 and (1 - p) + 1e-8 are not what they are in `fit`, which is what the lessons are about.
"""

import time
from collections.abc import Iterator, Sequence
from functools import lru_cache

import keras
import numpy as np
import tensorflow as tf

from lessons.engine.graph import Graph, arguments, inputs
from lessons.engine.models import build_optimizer, redraw
from lessons.engine.train import CHUNK_SECONDS, traced
from lessons.recipe import data
from lessons.recipe.data import Floats
from lessons.recipe.recipe import Recipe, Structure
from lessons.recipe.settings import Settings
from lessons.runs import run
from lessons.runs.grid import Cell, Grid, model_of
from lessons.runs.outcome import late, outcome

MACHINES_MOST = 16  # compiled models of a worker: XLA never gives back the 20 MB that each takes
SKETCHES_KEPT = 24  # losses around them, 8 MB each
FIRST_CALL = 20  # epochs, before it is known how long one takes
SEEDS_KEPT = 64  # whose weights are remembered


def grid_run(
    grid: Grid, cells: Sequence[tuple[int, int, int]], seconds: float, compiled: bool
) -> Iterator[Cell | None]:
    """These cells, which share a graph, as far as they can begin in that time, one at least.

    None is yielded in the middle of a long training, so that it can be stopped there.
    """
    begun = time.perf_counter()
    for place in cells:
        try:
            yield from grid_run_cell(grid, place, compiled)
        except Exception as refusal:  # what one training raises is for its cell to tell; the map goes on
            said = str(refusal).strip().partition("\n")[0] or type(refusal).__name__
            yield Cell(*place, "", np.nan, np.nan, np.nan, np.nan, said)
        if time.perf_counter() - begun > seconds:
            return


def graph_of(recipe: Recipe, compiled: bool) -> Graph:
    """The graph of a training: around a compiled model where there is one, or one is wanted and has room."""
    model = model_of(recipe.settings)
    if recipe.table:  # a compiled model is made for the lesson's own data
        return traced(recipe.structure())
    if model in machines or (compiled and len(machines) < MACHINES_MOST):
        return sketch(recipe.structure(), model)
    return traced(recipe.structure())


def grid_run_cell(grid: Grid, place: tuple[int, int, int], compiled: bool) -> Iterator[Cell | None]:
    """One training, told as `lessons.runs.outcome` judges it."""
    recipe = grid.recipe(*place)
    graph, batch = graph_of(recipe, compiled), data.training_batch(recipe)
    graph.start(recipe, batch, None if isinstance(graph, Sketch) else data.validation_batch(recipe))
    try:
        yield from trained_cell(graph, recipe, batch, place)
    finally:
        if recipe.table:
            graph.forget()


def trained_cell(
    graph: Graph, recipe: Recipe, batch: data.PaddedBatch, place: tuple[int, int, int]
) -> Iterator[Cell | None]:
    """The cell of a training that `graph` has been started for."""
    settings = recipe.settings
    losses, errors, leak = list[Floats](), list[Floats](), np.nan
    for measured in advanced(graph, settings.epochs):
        if losses:
            yield None
        else:
            leak = float(run.leak(run.gradient_norm(settings.predicts, measured["gradient"][:1]), batch.label_real)[0])
        losses.append(measured["loss"])
        predictions, _ = run.predicted(settings.predicts, measured["predictions"])
        errors.append(run.error(settings, predictions, run.squeezed(batch.truth), batch.known, graph.output))
    loss, error, baseline = np.concatenate(losses), np.concatenate(errors), run.baseline(settings, batch)
    finite = bool(np.isfinite(graph.predict()[0][batch.known]).all())
    yield Cell(*place, outcome(loss, error, baseline, finite), late(error), late(loss), leak, baseline)


def advanced(graph: Graph, epochs: int) -> Iterator[dict[str, np.ndarray]]:
    """What the graph tells of all epochs, in chunks of about CHUNK_SECONDS.

    Arrays (epoch, …), as Graph.advance tells them.
    """
    step = min(FIRST_CALL, epochs)
    while epochs:
        begun = time.perf_counter()
        yield graph.advance(step)
        epochs -= step
        step = min(epochs, max(1, int(step * CHUNK_SECONDS / max(time.perf_counter() - begun, 1e-4))))


@lru_cache(maxsize=SKETCHES_KEPT)
def sketch(structure: Structure, model: Settings) -> "Sketch":
    """The sketch of a structure, around the one machine of its model."""
    if model not in machines:
        machines[model] = Machine(model)
    return Sketch(structure, machines[model])


class Machine:
    """A model and its optimizer, compiled."""

    def __init__(self, settings: Settings):
        self.model, self.optimizer = settings.build(settings.features), build_optimizer(settings)
        self.optimizer.build(self.model.trainable_variables)
        self.initial = self.model.get_weights()
        self.weights_of = lru_cache(maxsize=SEEDS_KEPT)(self._weights_of)
        self.reset = tf.function(self._reset, autograph=False)
        self.predict = tf.function(self._predict, autograph=False, jit_compile=True)
        self.learn = tf.function(self._learn, autograph=False, jit_compile=True)

    def _weights_of(self, seed: int) -> list[tf.Tensor]:
        drawn = {id(variable): value for variable, value in redraw(self.model, seed)}
        return [
            tf.constant(drawn.get(id(variable), value))
            for variable, value in zip(self.model.weights, self.initial, strict=True)
        ]

    def _reset(self, weights, learning_rate):
        """Fresh weights, empty optimizer slots."""
        for variable, value in zip(self.model.weights, weights, strict=True):
            variable.assign(value)
        for variable in self.optimizer.variables:
            variable.assign(tf.zeros(variable.shape, variable.dtype))
        self.optimizer.learning_rate.assign(learning_rate)

    def _predict(self, x, mask):
        """Predictions, and the mask that Keras carries with them: a compiled function takes it off."""
        predictions = self.model([x, mask], training=True)
        return predictions, getattr(predictions, "_keras_mask", None)

    def _learn(self, x, mask, at_predictions):
        """One update from the gradient at the predictions, and the predictions after it.

        Those before it are computed once more: what the way back needs of the first time cannot leave XLA.
        """
        with tf.GradientTape() as tape:
            predictions = self.model([x, mask], training=True)
        weights = self.model.trainable_variables
        self.optimizer.apply(tape.gradient(predictions, weights, output_gradients=at_predictions), weights)
        return self.model([x, mask], training=True)


machines: dict[Settings, Machine] = {}


class Sketch(Graph):
    """A graph around a compiled model, that tells no more of a training than a cell needs."""

    reported = ("loss", "predictions", "gradient")

    def __init__(self, structure: Structure, machine: Machine):
        self.machine = machine
        super().__init__(structure)
        part, _, *numbers = self.arguments
        self._advance = tf.function(self._batches if self.batched else self._updates, (part, *numbers), autograph=False)

    def _built(self, settings: Settings, features: int) -> tuple[keras.Model, keras.optimizers.Optimizer]:
        return self.machine.model, self.machine.optimizer

    def start(self, recipe: Recipe, batch: data.PaddedBatch, validation: data.PaddedBatch | None) -> None:
        """Fresh weights, empty optimizer slots, this run's data; no cell shows the validation."""
        settings = recipe.settings
        self.machine.reset(self.machine.weights_of(settings.seed), tf.constant(settings.learning_rate, tf.float32))
        self.train_part = arguments(batch, recipe.mask_path)
        self.batch_size = tf.constant(recipe.update_size)

    def advance(self, epochs: int) -> dict[str, np.ndarray]:
        """Train that many epochs more. The `reported` alone, (epoch, …) each, a loss before its epoch's update."""
        measured, last = self._advance(self.train_part, self.batch_size, tf.constant(epochs))
        self.last = last.numpy()
        return {name: value.numpy() for name, value in measured.items()}

    def predict(self) -> tuple[np.ndarray, np.ndarray | None]:
        """Predictions (batch, time) and scores (batch, time, class) after the last epoch."""
        return run.predicted(self.puts_out, self.last)

    def _updates(self, part, batch_size, epochs):
        """Where an epoch is one update: what is told of each, and the predictions after the last."""
        x, mask = inputs(part)
        predictions, carried = self.machine.predict(x, mask)

        def epoch(k, predictions, measured):
            one = self._loss_and_gradient(part, predictions, carried)
            measured = {name: measured[name].write(k, one[name]) for name in measured}
            return k + 1, self.machine.learn(x, mask, one["gradient"]), measured

        measured = {name: tf.TensorArray(tf.float32, epochs) for name in self.reported}
        _, predictions, measured = tf.while_loop(lambda k, *_: k < epochs, epoch, (0, predictions, measured))
        return {name: array.stack() for name, array in measured.items()}, predictions

    def _batches(self, part, batch_size, epochs):
        """The same where an epoch takes several updates."""
        measured = self._epochs(part, part, batch_size, epochs)
        return measured, self.machine.predict(*inputs(part))[0]

    def _epoch(self, part, _val_part, batch_size):
        return self._train_epoch(part, batch_size)

    def _train_step(self, part):
        x, mask = inputs(part)
        one = self._loss_and_gradient(part, *self.machine.predict(x, mask))
        self.machine.learn(x, mask, one["gradient"])
        # A Graph tells these too; no cell shows them.
        return one | {"real_loss": tf.constant(0.0), "input_gradient": tf.zeros_like(part["x"])}

    def _loss_and_gradient(self, part, predictions, carried):
        """`carried`: the mask that Keras carries with the predictions, or None."""
        with tf.GradientTape() as tape:
            predictions = tf.identity(predictions)
            tape.watch(predictions)
            if carried is not None:
                predictions._keras_mask = carried
            loss = self._loss(part, predictions)
        at_predictions = tape.gradient(loss, predictions)
        if at_predictions is None:  # Keras refuses, in its own words
            self.optimizer.apply([None] * len(self.model.trainable_variables), self.model.trainable_variables)
        return {"loss": loss, "predictions": predictions, "gradient": at_predictions}
