"""The graph of a model of the learner's own, which trains as `fit` trains that model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from math import prod
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras.src.trainers.data_adapters.tf_dataset_adapter import make_class_weight_map_fn

from lessons.engine.graph import Graph
from lessons.engine.mask_xray import Call
from lessons.engine.mask_xray import xray as layer_calls
from lessons.engine.model_batch import layer_behind
from lessons.engine.model_interface import outputs_of
from lessons.engine.models import build_loss, build_optimizer
from lessons.engine.xray import LOSS, heeds_mask, short
from lessons.recipe.bad_input import BadInput
from lessons.recipe.data import PaddedBatch
from lessons.recipe.interface import IDS, Interface, PutOut, Taken
from lessons.recipe.model import Model
from lessons.recipe.recipe import Recipe, Structure
from lessons.recipe.settings import Settings
from lessons.recipe.weights import said_of_sample
from lessons.runs.run import LayerMask

SAMPLE_WEIGHT = "sample_weight"  # argument of the training data, where there is one
INPUT, LABELS, TRUTHS, REAL = "input", "labels", "truth of", "real of"  # arguments, numbered in the model's order


class ModelGraph(Graph):
    """`build` makes the model, whose first weights are drawn as after `keras.utils.set_random_seed`."""

    def __init__(
        self,
        structure: Structure,
        build: Callable[[], keras.Model],
        seed: int,
        loss: Callable | None = None,
        source: str = "",
    ):
        """`loss`, `source`: as for Graph."""
        assert structure.model
        self.build, self.seed, self.interface = build, seed, structure.model.interface
        self.given_weights = structure.model.weights
        self.class_weights = class_weights_of(structure.model) if self.given_weights.classes else None
        self.fitting = False  # when it was called last
        self.beside: list[tf.Tensor] = []  # what the outputs that are not looked at put out when it was called last
        self.beside_losses = [] if structure.own else losses_beside(self.interface, structure.settings)
        self.embedded: list[tf.Tensor] = []  # what the layers that read ids put out since the model was called last
        self.reading = 0  # which of these is of what is looked at
        super().__init__(structure, loss, source)
        self.draws = []  # they are drawn already
        if self.interface.words:
            self.reading = self._tried()
        # That the whole model puts out no mask, Keras says only because it stands in one of ours.
        self.warnings = tuple(said for said in self.warnings if f"Layer '{self.given.name}'" not in said)

    def _built(self, settings: Settings, features: int) -> tuple[keras.Model, keras.optimizers.Optimizer]:
        keras.utils.set_random_seed(self.seed)
        self.given = self.build()
        model = wrapped(self.given, self.interface, settings.timesteps, features, self.own)
        if self.interface.words:
            for layer in readers(self.given, self.interface.place):
                layer.call = partial(self._kept, layer.call)
        kept = {id(variable) for variable in model.weights}
        self.seeds = [(one, one.numpy()) for one in model.variables if id(one) not in kept]
        optimizer = build_optimizer(settings)
        optimizer.build(model.trainable_variables)
        return model, optimizer

    def _kept(self, call: Callable, *args: Any, **kwargs: Any) -> Any:
        """What the layer puts out, kept as (batch, time, numbers) on its way, where it has steps."""
        embedded = call(*args, **kwargs)
        shape: Any = getattr(embedded, "shape", ())
        if len(shape) < 3 or shape[1] != self.structure.settings.timesteps:
            return embedded
        self.embedded.append(tf.reshape(embedded, (-1, shape[1], prod(shape[2:]))))
        handed_on = tf.reshape(self.embedded[-1], (-1, *shape[1:]))
        if (mask := getattr(embedded, "_keras_mask", None)) is not None:
            handed_on._keras_mask = mask
        return handed_on

    def _tried(self) -> int:
        """Which of the layers' outputs is of the ids that are looked at: it differs where these do."""
        outputs = []
        for word in (0.0, 1.0):
            self.embedded.clear()
            given = [tf.zeros((1, *one.shape[1:]), one.dtype) for one in self.model.inputs]
            self.model([given[0] + word, *given[1:]])
            outputs.append([one.numpy() for one in self.embedded])
        differ = (place for place, (one, other) in enumerate(zip(*outputs, strict=True)) if (one != other).any())
        return next(differ, 0)

    @property
    def arguments(self) -> tuple:
        """With the inputs that are not looked at, and the labels of outputs that are not."""
        train_part, val_part, *numbers = super().arguments
        train, held, _ = self.structure.extent
        more = partial(more_of, self.interface, own=self.own)
        weights = self._sample_weight(np.zeros(train_part["y"].shape, "float32"))
        weighed = {} if weights is None else {SAMPLE_WEIGHT: tf.TensorSpec(weights.shape, tf.float32)}
        return (train_part | more(train) | weighed, val_part | more(held), *numbers)

    def _sample_weight(self, y: np.ndarray) -> np.ndarray | None:
        """What `fit` is given besides a mask, (batch, …), for labels (batch, …); None: nothing."""
        return self.given_weights.of(self.interface, self.structure.settings.timesteps, y)

    def start(self, recipe: Recipe, batch: PaddedBatch, validation: PaddedBatch) -> None:
        """Fresh weights, and this run's data, with which the layers are looked at.

        Raises BadInput for a sample_weight that Keras refuses.
        """
        super().start(recipe, batch, validation)
        for part, own in ((self.train_part, batch), (self.val_part, validation)):
            part |= {name: tf.constant(values) for name, values in more_in(own).items()}
            if any(one.mark is not None for one in self.interface.inputs):  # a mask comes of another input, too
                part["masked"] = tf.constant(True)
        if (weights := self._sample_weight(batch.y)) is not None:
            check_weights(self, recipe, batch.y, weights)
            self.train_part[SAMPLE_WEIGHT] = tf.constant(weights)
        self.layers = self._rows()
        for variable, value in self.seeds:  # an RNN draws its dropout when it is looked at, too
            variable.assign(value)

    def _rows(self) -> tuple[LayerMask, ...]:
        """Where the mask goes, layer by layer, as Keras carries it when the model is called."""
        given = self._given(self.train_part)
        if not self.train_part["masked"]:
            given[1] = tf.ones_like(given[1])
        calls = [call for call in layer_calls(self.model, given).calls if not call.opened]
        masked = getattr(first_of(self.model(given)), "_keras_mask", None) is not None
        shape = (self.structure.settings.sequences, *self.model.outputs[0].shape[1:])
        heeded = masked and heeds_mask(self.loss, shape, self.puts_out)
        return (*map(row, calls), LayerMask(LOSS, "your loss", masked, heeded))

    def _given(self, part: dict) -> list:
        """With the inputs that are not looked at behind it."""
        return [*super()._given(part), *several_of(part, INPUT)]

    def _call(self, given: list, training: bool) -> Any:
        """What is looked at; the other outputs are kept for the loss.

        `fit` tells a model of `training` where its `call` takes it. keras/src/backend/tensorflow/trainer.py.
        """
        told, self.fitting = self.given._call_has_training_arg, training
        put_out = super()._call(given, training) if told else self.model(given)
        self.beside = list(put_out[1:]) if isinstance(put_out, list) else []
        return first_of(put_out)

    def _weight(self, y: Any, part: dict) -> Any:
        """With class_weight what `fit` makes of it, (batch,). Validation is without it, and without a sample_weight."""
        if self.class_weights and self.fitting:
            return self.class_weights(part["x"], y)[-1]
        if y is part["y"] and SAMPLE_WEIGHT in part:
            return part[SAMPLE_WEIGHT]
        return super()._weight(y, part)

    def _loss(self, part: dict, predictions: Any) -> Any:
        """The sum over the outputs, and what the layers add: `add_loss`, and regularizers.

        keras/src/trainers/trainer.py: compute_loss; compile_utils.py: CompileLoss.
        """
        own = super()._loss(part, predictions) * self.interface.put_out.weight
        others = zip(self.beside_losses, several_of(part, LABELS), self.beside, strict=True)
        beside = [weight * self._compared(loss, y, put_out, part) for (loss, weight), y, put_out in others]
        return sum(self.model.losses, sum(beside, own))

    def _real_loss(self, part: dict, predictions: Any) -> Any:
        """The sum over the outputs, each on its real steps alone."""
        own = super()._real_loss(part, predictions) * self.interface.put_out.weight
        others = zip(self.beside_losses, several_of(part, TRUTHS), several_of(part, REAL), self.beside, strict=True)
        return sum((weight * on_real_steps(loss, *at) for (loss, weight), *at in others), own)

    def _train_step(self, part: dict) -> dict:
        self.embedded.clear()
        return super()._train_step(part)

    def _read(self, part: dict) -> Any:
        """An id has no gradient: what the layer that reads it makes of it has."""
        return self.embedded[self.reading] if self.embedded else part["x"]


def class_weights_of(model: Model) -> Callable:
    """Keras' own function of (x, y) that gives (x, y, weights), for all classes that labels may have."""
    classes = range(max(2, model.interface.columns))
    return make_class_weight_map_fn(dict.fromkeys(classes, 1.0) | dict(model.weights.classes))


def check_weights(graph: ModelGraph, recipe: Recipe, y: np.ndarray, weights: np.ndarray) -> None:
    """Raises BadInput where Keras' own loss refuses these weights (batch, …) beside the labels (batch, …)."""
    if graph.weighted:
        raise BadInput("sample_weight: the mask is given as one already; fit takes one of them.")
    columns = graph.model.outputs[0].shape[1:]
    for size in {recipe.update_size, len(y) % recipe.update_size or recipe.update_size}:
        try:
            graph.loss(y[:size], np.zeros((size, *columns), "float32"), weights[:size])
        except (ValueError, tf.errors.InvalidArgumentError):
            shape = ", ".join(map(str, weights[:size].shape)) + "," * (weights.ndim == 1)
            said = said_of_sample(graph.given_weights.sample, graph.interface)
            raise BadInput(f"sample_weight ({shape}), labels {y[:size].shape}: refused. {said}") from None


def readers(model: keras.Model, place: int) -> list[keras.Layer]:
    """The layers that read the ids of an input; of a model that does not tell, its Embeddings."""
    symbols = getattr(model, "inputs", None)
    first = layer_behind(symbols[place], (keras.Model,)) if symbols else None
    embeddings = [one for one in model._flatten_layers() if isinstance(one, keras.layers.Embedding)]
    return [first] if first is not None else embeddings


def wrapped(model: keras.Model, interface: Interface, timesteps: int, features: int, own: bool) -> keras.Model:
    """The model as the engine calls one: of x (batch, time, features), mask (batch, time) bool and its other inputs.

    It puts out what is looked at, and behind that what else is trained. `own`: a learner's own data have one label.
    """
    x = keras.Input((timesteps, features))
    mask = keras.Input((timesteps,), dtype="bool")
    given, others = [], []
    for place, one in enumerate(interface.inputs):
        if place == interface.place:
            read = as_taken(x, one)
            given.append(read if one.mark is not None or len(one.shape) > 2 else GiveMask()(read, mask=mask))
        elif interface.is_mask(one):
            given.append(mask)
        else:
            others.append(keras.Input(shape_in_batch(one)))
            given.append(as_taken(others[-1], one))
    put_out = outputs_of(model, model(given if len(given) > 1 else given[0]))
    trained = [interface.outputs[place] for place in interface.trained[: 1 if own else None]]
    return keras.Model([x, mask, *others], [in_columns(put_out[one.name], one) for one in trained])


def as_taken(symbol: Any, one: Taken) -> Any:
    """Numbers (batch, time, features), or (batch, features), as an input takes them."""
    same = tuple(symbol.shape[1:]) == one.shape and one.kind != IDS
    return symbol if same else As(one.shape, "int32" if one.kind == IDS else "float32")(symbol)


def in_columns(put_out: Any, one: PutOut) -> Any:
    """What an output puts out, as (batch, time, columns) or (batch, columns): the steps of a forecast are columns."""
    return put_out if one.per_step or len(one.shape) == 1 else As((one.columns,), "float32")(put_out)


def shape_in_batch(one: Taken) -> tuple[int, ...]:
    """Of an input in a PaddedBatch, without the batch."""
    return (one.shape[0], one.features) if one.sequence else one.shape


def losses_beside(interface: Interface, settings: Settings) -> list[tuple[keras.losses.Loss, float]]:
    """Loss and weight of each output that is trained and not looked at."""
    outputs = (interface.outputs[place] for place in interface.trained[1:])
    return [(build_loss(replace(settings, loss=one.loss)), one.weight) for one in outputs]


def on_real_steps(loss: keras.losses.Loss, truth: Any, real: Any, predictions: Any) -> Any:
    """A loss on real steps alone, (batch, time), laid out as one long sequence; of all where none has steps."""
    if len(truth.shape) == 3:
        truth, predictions = (tf.boolean_mask(one, real)[None] for one in (truth, predictions))
    return tf.cast(loss(truth, tf.identity(predictions)), tf.float32)


def more_of(interface: Interface, count: int, own: bool) -> dict[str, tf.TensorSpec]:
    """The signature of the arguments besides those of every graph, for `count` sequences. `own`: as for `wrapped`."""
    if own:
        return {}
    spec: dict[str, tf.TensorSpec] = {}
    for number, place in enumerate(interface.others):
        spec[f"{INPUT} {number}"] = tf.TensorSpec((count, *shape_in_batch(interface.inputs[place])), tf.float32)
    for number, place in enumerate(interface.trained[1:]):
        one = interface.outputs[place]
        steps = (count, one.shape[0]) if one.per_step else (count, 1)
        label = (*steps[: 1 + one.per_step], one.output.label_width)
        spec[f"{LABELS} {number}"] = spec[f"{TRUTHS} {number}"] = tf.TensorSpec(label, tf.float32)
        spec[f"{REAL} {number}"] = tf.TensorSpec(steps, tf.bool)
    return spec


def more_in(batch: PaddedBatch) -> dict[str, Any]:
    """The arguments of the graph besides those of every graph: (batch, …) each."""
    named = ((INPUT, batch.inputs), (LABELS, batch.labels), (TRUTHS, batch.truths), (REAL, batch.label_steps))
    return {f"{name} {place}": values for name, every in named for place, values in enumerate(every)}


def several_of(part: dict, name: str) -> list:
    """Those of a data set that `more_in` has named so, in their order."""
    return [value for key, value in part.items() if key.startswith(f"{name} ")]


def first_of(put_out: Any) -> Any:
    return put_out[0] if isinstance(put_out, list) else put_out


class As(keras.layers.Layer):
    """The same numbers (batch, …) in another shape, without the batch, and of another type."""

    def __init__(self, shape: tuple[int, ...], kind: str):
        super().__init__()
        self.shape, self.kind = shape, kind

    def call(self, x: Any) -> Any:
        return keras.ops.cast(keras.ops.reshape(x, (-1, *self.shape)), self.kind)


class GiveMask(keras.layers.Layer):
    """Hangs the mask (batch, time) that it is given on x, as a Masking layer does with the one that it makes."""

    def __init__(self) -> None:
        super().__init__()
        self.supports_masking = True

    def call(self, x: Any, mask: Any = None) -> Any:
        return keras.ops.copy(x)


def row(call: Call) -> LayerMask:
    return LayerMask(short(call.name), call.layer, call.mask_in, call.mask_out)
