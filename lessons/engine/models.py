"""The loss and the optimizer of a run, written as a learner would write them, and the weights a model begins with."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
from keras import layers
from keras.src.losses.losses import LossFunctionWrapper  # what compile() wraps a function in; it has no public name

from lessons.recipe import losses
from lessons.recipe.settings import Settings


def build_loss(settings: Settings, loss: Callable | None = None) -> keras.losses.Loss:
    """The loss as Keras wraps it: `loss`, or the one that the settings name.

    `compile(loss=function)` makes the same wrapper around a plain function, and takes a Loss as it is. Which mask it
    heeds: keras/src/losses/loss.py.
    """
    if isinstance(loss, keras.losses.Loss):
        return loss
    function = loss or losses.bound(settings.loss, settings.epsilon)
    return LossFunctionWrapper(function, reduction=settings.reduction, dtype=settings.loss_dtype)


def build_optimizer(settings: Settings) -> keras.optimizers.Optimizer:
    """The optimizer with its defaults, but for learning rate and clipping. keras/src/optimizers/base_optimizer.py."""
    kind = {"adam": keras.optimizers.Adam, "sgd": keras.optimizers.SGD, "rmsprop": keras.optimizers.RMSprop}
    clipping = {} if settings.clipping == "none" else {settings.clipping: settings.clip_at}
    return kind[settings.optimizer](learning_rate=settings.learning_rate, **clipping)


@dataclass(frozen=True)
class Draw:
    """How one weight of a model is drawn from a seed: its place in `model.weights`, and the initializer."""

    place: int
    shape: tuple[int, ...]
    dtype: str
    initializer: type[keras.initializers.Initializer]
    config: dict[str, Any]
    # EinsumDense hands its axes on too: another of this configuration, built for inputs of this shape, draws for it.
    kernel_of: tuple[dict[str, Any], tuple[int | None, ...]] | None

    def value(self, seed: int) -> Any:
        """What the family's `build` would start from with this seed: a tensor of `shape`."""
        initializer = self.initializer.from_config({**self.config, "seed": seed})
        if self.kernel_of is None:
            return initializer(self.shape, self.dtype)
        config, inputs = self.kernel_of
        layer = layers.EinsumDense.from_config({**config, "kernel_initializer": initializer})
        layer.build(inputs)
        return layer.kernel


def draws(model: keras.Model) -> list[Draw]:
    """Of the weights whose initializer has a seed: how each is drawn."""
    places = {id(variable): place for place, variable in enumerate(model.weights)}
    found = []
    for layer in model._flatten_layers(include_self=False):
        for variable in layer._trainable_variables:
            initializer, kernel_of = initializer_of(layer, variable), None
            if not hasattr(initializer, "seed"):
                continue
            if isinstance(layer, layers.EinsumDense):
                config = {**layer.get_config(), "kernel_initializer": "zeros"}
                kernel_of = config, layer.get_build_config()["input_shape"]
            found.append(
                Draw(
                    places[id(variable)],
                    tuple(variable.shape),
                    variable.dtype,
                    type(initializer),
                    initializer.get_config(),
                    kernel_of,
                )
            )
    return found


def redraw(model: keras.Model, seed: int) -> list:
    """The weights that the family's `build` would start from with this seed, without building it again.

    Pairs (variable, value), of the variables whose initializer has a seed.
    """
    return [(model.weights[draw.place], draw.value(seed)) for draw in draws(model)]


def initializer_of(layer, variable):
    """The initializer a layer drew a variable with: `kernel` <- kernel_initializer, as Keras layers name them."""
    name = variable.name.replace("recurrent_kernel", "recurrent")
    return getattr(layer, f"{name}_initializer", None)
