"""The origin of a NaN of a run that became non-finite: found by training again with the very same graph."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import keras
import numpy as np
import tensorflow as tf

from lessons.engine import train
from lessons.engine.cells import Cell, finite, first_bad
from lessons.engine.graph import Graph, batch_of, inputs
from lessons.engine.notation import number
from lessons.engine.operations import LossGraph, Origin, source_line
from lessons.engine.xray import nodes, short
from lessons.recipe import data
from lessons.recipe.recipe import Recipe
from lessons.runs.nan_origin import NaNOrigin

CHUNK = 50  # epochs of a replay between two looks
UNSEEN = Origin("", "", "no operation on its own shows it")  # the passes that are looked at stay finite
SEEN = ("loss", "predictions", "gradient", "input_gradient")  # what a training step is seen by, in order of computation


def nan_origin(recipe: Recipe) -> NaNOrigin | None:
    """Of the first number that is not finite. None where training stays finite.

    Raises ValueError for a recipe with a pasted loss, and what Keras raises.
    """
    graph = train.traced(recipe.structure())
    replay = Replay(recipe, graph)
    try:
        return Search(replay).nan_origin()
    finally:
        graph.forget()


@dataclass(frozen=True)
class Update:
    """One update: an epoch, and a batch of it."""

    epoch: int
    batch: int


class Replay:
    """The run again, stopped before any step of it."""

    def __init__(self, recipe: Recipe, graph: Graph):
        self.recipe, self.graph, self.epochs = recipe, graph, recipe.settings.epochs
        self.batches = data.training_batch(recipe), data.validation_batch(recipe)
        self.size, self.steps = recipe.update_size, recipe.updates  # steps in an epoch

    def start(self) -> None:
        """Weights and optimizer as they were before the first update."""
        self.graph.start(self.recipe, *self.batches)

    def first_bad_epoch(self) -> tuple[int, dict[str, np.ndarray]] | None:
        """The first epoch in which anything but the weights is seen to be bad, and what the graph told of it.

        The epoch counts from 0; arrays (batch, …), the loss ().
        """
        self.start()
        for done in range(0, self.epochs, CHUNK):
            measured = self.graph.advance(min(CHUNK, self.epochs - done))
            bad = np.zeros(len(measured["loss"]), bool)
            for name in SEEN:
                bad |= ~np.isfinite(measured[name]).reshape(len(bad), -1).all(axis=1)
            if bad.any():
                first = int(bad.argmax())
                return done + first, {name: measured[name][first] for name in SEEN}
        return None

    def rewind(self, step: Update) -> None:
        """Train from the beginning up to that step, and not further."""
        self.start()
        if step.epoch:
            self.graph.advance(step.epoch)
        if step.batch:
            update = tf.function(self.graph._train_step, autograph=False, reduce_retracing=True)
            for batch in range(step.batch):
                update(self.part(batch))

    def part(self, batch: int) -> dict[str, tf.Tensor]:
        """What the graph is given of one batch. Tensors (batch, …)."""
        return batch_of(self.graph.train_part, batch, self.size)

    def rows(self, batch: int) -> slice:
        """The sequences of one batch, as a slice of the data set."""
        return slice(batch * self.size, (batch + 1) * self.size)

    def before(self, step: Update) -> Update:
        """The update before this one, in the epoch before where this one is its first."""
        return Update(step.epoch, step.batch - 1) if step.batch else Update(step.epoch - 1, self.steps - 1)

    def after(self, step: Update) -> Update:
        """The update after this one, in the next epoch where this one is the last."""
        return Update(step.epoch, step.batch + 1) if step.batch + 1 < self.steps else Update(step.epoch + 1, 0)

    def weights_finite(self) -> bool:
        """Whether every weight of the model is finite now."""
        return all(finite(weights) for weights in self.graph.model.get_weights())


class Search:
    """Where the first bad number came from."""

    def __init__(self, replay: Replay):
        self.replay, self.graph = replay, replay.graph

    def nan_origin(self) -> NaNOrigin | None:
        """The origin, or None where epochs and weights are finite to the end."""
        found = self.replay.first_bad_epoch()
        if found is None:
            if self.replay.weights_finite():
                return None
            return self.in_layers_backward(Update(self.replay.epochs - 1, self.replay.steps - 1))
        epoch, measured = found
        return self.at(*self.first_bad_step(epoch, measured))

    def first_bad_step(self, epoch: int, measured: dict) -> tuple[Update, dict[str, np.ndarray]]:
        """The batch of the epoch, with what was seen of it. Arrays (batch, …) of that batch, the loss ()."""
        value = None
        for batch in range(self.replay.steps):
            seen = {name: measured[name][self.replay.rows(batch)] for name in SEEN if name != "loss"}
            seen["loss"] = measured["loss"]
            if self.replay.steps > 1:  # the graph tells of the mean only
                given = {name: tf.constant(a) for name, a in self.given(batch, seen["predictions"]).items()}
                value = value or self.loss_graph(given).traced()
                seen["loss"] = value(**given)[0].numpy()
            if not all(map(finite, seen.values())):
                break
        return Update(epoch, batch), seen

    def at(self, step: Update, seen: dict[str, np.ndarray]) -> NaNOrigin:
        """Look at what was seen of the step in the order of computation.

        `seen`: arrays (batch, …), the loss (), by the names in SEEN.
        """
        if not finite(seen["predictions"]):
            self.replay.rewind(step)
            if self.replay.weights_finite():
                return self.in_layers_forward(step)
            return self.in_layers_backward(self.replay.before(step))
        if not finite(seen["loss"]):
            return self.in_loss(step, seen["predictions"], "forward")
        if not finite(seen["gradient"]):
            return self.in_loss(step, seen["predictions"], "backward")
        return self.in_layers_backward(step)

    # --- in the loss

    def in_loss(self, step: Update, predictions: np.ndarray, phase: str) -> NaNOrigin:
        """As the loss is written; where that stays finite, as the compiler has rewritten it.

        predictions (batch, time, column) or (batch, column).
        """
        forward = phase == "forward"
        loss = self.loss_graph(self.given(step.batch, predictions))
        compiled_only = not loss.plain.reproduces(forward)
        values = loss.compiled if compiled_only else loss.plain
        if not values.reproduces(forward):
            return self.certify(step, phase, UNSEEN)
        origin = values.forward() if forward else values.backward()
        line, code = source_line(origin, getattr(self.graph.loss, "fn", None))
        if line is None and origin.tensor != "y_true":  # Keras makes one number of the values per step
            origin = replace(origin, tensor=f"{origin.op} in the reduction of the loss")
        return self.certify(step, phase, origin, line=line, code=code, compiled_only=compiled_only)

    def loss_graph(self, given: dict[str, np.ndarray]) -> LossGraph:
        """The loss as a graph of what it is `given`: arrays (batch, …)."""
        return LossGraph(self.graph.loss, given, dynamic=self.graph.batched)

    def given(self, batch: int, predictions: np.ndarray) -> dict[str, np.ndarray]:
        """What the loss is given of a batch, beside the predictions that the graph has made.

        y_true and y_pred (batch, …), mask and weight (batch, time) where there are some.
        """
        part = self.replay.part(batch)
        given = {"y_true": part["y"].numpy(), "y_pred": predictions}
        mask = getattr(self.graph.model.outputs[0], "_keras_mask", None)
        if mask is not None and part["masked"]:
            given["mask"] = keras.Model(self.graph.model.inputs, mask)(inputs(part)).numpy()
        if self.graph.weighted:
            given["weight"] = part["weight"].numpy()
        return given

    # --- in the layers

    def in_layers_forward(self, step: Update) -> NaNOrigin:
        """The first layer whose output is bad, though its weights are finite."""
        for probe in self.probes(step):
            for node in nodes(self.graph.model):
                if not finite(output := probe.outputs[node]):
                    reason, cell = probe.operands(node)
                    origin = origin_in(
                        node, f"output of {named(node)}", reason, first_bad(output) if cell is None else cell
                    )
                    return self.certify(step, "forward", origin)
        return self.certify(step, "forward", UNSEEN)

    def in_layers_backward(self, step: Update) -> NaNOrigin:
        """The layer that got a finite gradient and made a bad one of it, or the update that spoilt a weight."""
        self.replay.rewind(step)
        for probe in self.probes(step):
            for node in reversed(list(nodes(self.graph.model))):
                if tensor := probe.bad_gradient(node):
                    reason, cell = probe.operands(node)
                    return self.certify(step, "backward", origin_in(node, tensor, reason, cell))
        return self.in_update(step, probe)

    def in_update(self, step: Update, probe: Probe) -> NaNOrigin:
        """Gradients are finite, so the optimizer did it."""
        self.replay.rewind(self.replay.after(step))
        optimizer = self.graph.optimizer
        largest = max(largest_of(gradient) for gradient in probe.weight_gradients.values())
        reason = f"a learning rate of {number(optimizer.learning_rate)} and gradients up to {number(largest)}"
        for layer in self.graph.model.layers:
            for weight in layer.trainable_variables:
                if not finite(weight.numpy()):
                    tensor = f"{short(layer.name)}/{weight.name} after the update"
                    return self.certify(step, "backward", Origin(tensor, type(optimizer).__name__, reason))
        return self.certify(step, "backward", UNSEEN)

    def probes(self, step: Update) -> Iterator[Probe]:
        """The step's layers and gradients: run eagerly, then compiled where that shows nothing."""
        part = self.replay.part(step.batch)
        yield Probe(self.graph, part, compiled=False)
        yield Probe(self.graph, part, compiled=True)

    def certify(self, step: Update, phase: str, origin: Origin, **more) -> NaNOrigin:
        """What was found, with the epoch and the batch of the update."""
        first = step.batch * self.replay.size
        return NaNOrigin(
            epoch=step.epoch,
            batch=step.batch if self.replay.steps > 1 else None,
            sequence=None if origin.sequence is None else first + origin.sequence,
            timestep=origin.timestep,
            phase=phase,
            tensor=origin.tensor,
            op=origin.op,
            inputs=origin.inputs,
            **more,
        )


class Probe:
    """One forward and backward pass with the weights as they are, by layer. Nothing is updated."""

    def __init__(self, graph: Graph, part: dict[str, tf.Tensor], compiled: bool):
        model, calls = graph.model, list(nodes(graph.model))
        every_output = keras.Model(model.inputs, [call.outputs[0] for call in calls])

        def run():
            with tf.GradientTape() as tape:
                tape.watch(part["x"])
                given = inputs(part)
                outputs = every_output(given, training=True)
                loss = graph._loss(part, outputs[-1])
            at = tape.gradient(loss, [part["x"], *outputs, *model.trainable_variables], unconnected_gradients="zero")
            return given, outputs, at

        given, outputs, at = tf.function(run, autograph=False)() if compiled else run()
        at = [np.asarray(gradient) for gradient in at]
        weights = at[1 + len(calls) :]
        self.part = {name: value.numpy() for name, value in part.items()}
        self.x = model.inputs[0]
        self.outputs = {call: output.numpy() for call, output in zip(calls, outputs, strict=True)}
        self.at_output = dict(zip(calls, at[1:], strict=False))
        self.weight_gradients = dict(zip((id(w) for w in model.trainable_variables), weights, strict=True))
        # By symbolic tensor: what a layer was given, and the gradient there.
        symbols = [*model.inputs, *(call.outputs[0] for call in calls)]
        values = [*(value.numpy() for value in given), *self.outputs.values()]
        self.given = {id(symbol): value for symbol, value in zip(symbols, values, strict=True)}
        self.at_given = {id(symbol): gradient for symbol, gradient in zip((symbols[0], *symbols[2:]), at, strict=False)}

    def bad_gradient(self, call) -> str:
        """The first bad gradient that a layer made of a good one, in words; nothing where there is none."""
        if not finite(self.at_output[call]):
            return ""
        for weight in getattr(call.operation, "trainable_variables", ()):
            if not finite(self.weight_gradients[id(weight)]):
                return f"gradient of {named(call)}/{weight.name}"
        symbol = call.input_tensors[0]
        bad = not finite(self.at_given.get(id(symbol), np.zeros(1)))
        return f"gradient at the input of {named(call)}" if bad else ""

    def operands(self, call) -> tuple[str, Cell | None]:
        """What the layer worked with, in words, and the first bad cell of its input."""
        value = self.given[id(call.input_tensors[0])]
        if not finite(value):
            cell = first_bad(value)
            reason = f"its input there is {number(value[cell])}"
            if call.input_tensors[0] is self.x and self.part["gate"][cell[:2]] == 0:  # the mask is multiplied into it
                reason = f"its input there is {number(self.part['x'][cell])} * 0 = {number(value[cell])}"
            if self.part["masked"] and len(cell) == 3 and not self.part["mask"][cell[:2]]:
                reason += ", at a step that the mask leaves out"
            return reason, cell
        weights = [weight.numpy() for weight in getattr(call.operation, "trainable_variables", ())]
        reason = f"its inputs go up to {number(largest_of(value))}"
        if weights:
            reason += f", its weights up to {number(max(map(largest_of, weights)))}"
        return f"{reason}, the gradient from above up to {number(largest_of(self.at_output[call]))}", None


def origin_in(call, tensor: str, reason: str, cell: Cell | None) -> Origin:
    """A layer's; a cell of three dimensions has a sequence and a step."""
    sequence, timestep = (cell[0], cell[1] if len(cell) == 3 else None) if cell else (None, None)
    return Origin(tensor, type(call.operation).__name__, reason, sequence, timestep)


def named(call) -> str:
    """The name of the layer that was called, without Keras' number."""
    return short(call.operation.name)


def largest_of(values: np.ndarray) -> float:
    """The largest |value| of values (…). Raises ValueError where there is none."""
    return float(np.abs(values).max())
