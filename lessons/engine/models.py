"""The loss and the optimizer of a run, written as a learner would write them, and the weights a model begins with."""

from collections.abc import Callable

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


def redraw(model: keras.Model, seed: int) -> list:
    """The weights that the family's `build` would start from with this seed, without building it again.

    Pairs (variable, value), of the variables whose initializer has a seed.
    """
    weights = []
    for layer in model._flatten_layers(include_self=False):
        for variable in layer._trainable_variables:
            initializer = initializer_of(layer, variable)
            if hasattr(initializer, "seed"):
                initializer = type(initializer).from_config({**initializer.get_config(), "seed": seed})
                weights.append((variable, drawn(layer, variable, initializer)))
    return weights


def drawn(layer, variable, initializer):
    """What the layer would draw for the variable. EinsumDense hands its axes on too: a twin draws for it."""
    if not isinstance(layer, layers.EinsumDense):
        return initializer(variable.shape, variable.dtype)
    twin = layers.EinsumDense.from_config({**layer.get_config(), "kernel_initializer": initializer})
    twin.build(layer.get_build_config()["input_shape"])
    return twin.kernel


def initializer_of(layer, variable):
    """The initializer a layer drew a variable with: `kernel` <- kernel_initializer, as Keras layers name them."""
    name = variable.name.replace("recurrent_kernel", "recurrent")
    return getattr(layer, f"{name}_initializer", None)
