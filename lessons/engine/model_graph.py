"""The graph of a model of the learner's own, which trains as `fit` trains that model."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from lessons.engine.graph import Graph, inputs
from lessons.engine.mask_xray import Call
from lessons.engine.mask_xray import xray as layer_calls
from lessons.engine.model_interface import outputs_of
from lessons.engine.models import build_optimizer
from lessons.engine.xray import LOSS, heeds_mask, short
from lessons.recipe.data import PaddedBatch
from lessons.recipe.model import Interface
from lessons.recipe.recipe import Recipe, Structure
from lessons.recipe.settings import Settings
from lessons.runs.run import LayerMask


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
        self.build, self.seed = build, seed
        self.embedded: list[tf.Tensor] = []  # what the Embeddings put out since the model was called last
        super().__init__(structure, loss, source)
        self.draws = []  # they are drawn already
        # That the whole model puts out no mask, Keras says only because it stands in one of ours.
        self.warnings = tuple(said for said in self.warnings if f"Layer '{self.given.name}'" not in said)

    def _built(self, settings: Settings, features: int) -> tuple[keras.Model, keras.optimizers.Optimizer]:
        assert self.structure.model
        keras.utils.set_random_seed(self.seed)
        self.given = self.build()
        model = wrapped(self.given, self.structure.model.interface, settings.timesteps, features)
        if self.structure.model.interface.words:
            for layer in model._flatten_layers():
                if isinstance(layer, keras.layers.Embedding):
                    layer.call = partial(self._kept, layer.call)
        optimizer = build_optimizer(settings)
        optimizer.build(model.trainable_variables)
        return model, optimizer

    def _kept(self, call: Callable, ids: Any) -> Any:
        embedded = call(ids)
        self.embedded.append(embedded)
        return embedded

    def start(self, recipe: Recipe, batch: PaddedBatch, validation: PaddedBatch) -> None:
        """Fresh weights, and this run's data, with which the layers are looked at."""
        super().start(recipe, batch, validation)
        self.layers = self._rows()

    def _rows(self) -> tuple[LayerMask, ...]:
        """Where the mask goes, layer by layer, as Keras carries it when the model is called."""
        given = inputs(self.train_part)
        if not self.train_part["masked"]:
            given = [given[0], tf.ones_like(given[1])]
        calls = [call for call in layer_calls(self.model, given).calls if not call.opened]
        masked = getattr(self.model(given), "_keras_mask", None) is not None
        shape = (self.structure.settings.sequences, *self.model.outputs[0].shape[1:])
        heeded = masked and heeds_mask(self.loss, shape, self.puts_out)
        return (*map(row, calls), LayerMask(LOSS, "your loss", masked, heeded))

    def _call(self, given: list, training: bool) -> Any:
        """`fit` tells a model of `training` where its `call` takes it. keras/src/backend/tensorflow/trainer.py."""
        return super()._call(given, training) if self.given._call_has_training_arg else self.model(given)

    def _loss(self, part: dict, predictions: Any) -> Any:
        """With what the layers add: `add_loss`, and regularizers. keras/src/trainers/trainer.py: compute_loss."""
        return sum(self.model.losses, super()._loss(part, predictions))

    def _train_step(self, part: dict) -> dict:
        self.embedded.clear()
        return super()._train_step(part)

    def _read(self, part: dict) -> Any:
        """An id has no gradient: what its Embedding makes of it has."""
        steps = self.structure.settings.timesteps
        words = (one for one in self.embedded if len(one.shape) == 3 and one.shape[1] == steps)
        return next(words, part["x"])


def wrapped(model: keras.Model, interface: Interface, timesteps: int, features: int) -> keras.Model:
    """The model as the engine calls one: of x (batch, time, features) and mask (batch, time) bool."""
    x = keras.Input((timesteps, features))
    mask = keras.Input((timesteps,), dtype="bool")
    read = AsIds()(x) if interface.words else x
    if interface.mark is None:  # else the model makes its own
        read = GiveMask()(read, mask=mask)
    put_out = outputs_of(model([read, mask] if interface.given else read))
    return keras.Model([x, mask], put_out[interface.output])


class AsIds(keras.layers.Layer):
    """Numbers (batch, time, 1) as ids (batch, time) int32."""

    def call(self, x: Any) -> Any:
        return keras.ops.cast(x[..., 0], "int32")


class GiveMask(keras.layers.Layer):
    """Hangs the mask (batch, time) that it is given on x, as a Masking layer does with the one that it makes."""

    def __init__(self) -> None:
        super().__init__()
        self.supports_masking = True

    def call(self, x: Any, mask: Any = None) -> Any:
        return keras.ops.copy(x)


def row(call: Call) -> LayerMask:
    return LayerMask(short(call.name), call.layer, call.mask_in, call.mask_out)
