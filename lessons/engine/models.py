"""The Keras model, loss and optimizer of a run, written as a learner would write them."""

from collections.abc import Callable

import keras
from keras import layers
from keras.src.losses.losses import LossFunctionWrapper  # what compile() wraps a function in; it has no public name

from lessons.recipe import losses
from lessons.recipe.data import FEATURES
from lessons.recipe.settings import Settings


def build_model(settings: Settings, dtype: str = "float32", features: int = FEATURES) -> keras.Model:
    """Model of inputs (batch, time, features) and a mask (batch, time); the mask is passed to the recurrent layer."""
    x = keras.Input((settings.timesteps, features), dtype=dtype, name="x")
    mask = keras.Input((settings.timesteps,), dtype="bool", name="mask")
    every_step = settings.output == "every_step"
    cell = {"lstm": layers.LSTM, "gru": layers.GRU, "simple_rnn": layers.SimpleRNN}[settings.cell]
    hidden = cell(
        settings.units,
        return_sequences=every_step,
        kernel_initializer=keras.initializers.GlorotUniform(settings.seed),
        recurrent_initializer=keras.initializers.Orthogonal(seed=settings.seed),
        dtype=dtype,
    )(x, mask=mask)
    if every_step:
        hidden = between(settings, hidden, dtype)
    glorot = keras.initializers.GlorotUniform(settings.seed)
    y = layers.Dense(1, settings.activation, kernel_initializer=glorot, dtype=dtype)(hidden)
    return keras.Model([x, mask], y)


def between(settings: Settings, hidden, dtype: str):
    """The layer between the recurrent layer and the output, applied to hidden (batch, time, units)."""
    shape = (settings.timesteps, settings.units)
    glorot = keras.initializers.GlorotUniform(settings.seed)
    match settings.between:
        case "dense":
            return layers.Dense(settings.units, kernel_initializer=glorot, dtype=dtype)(hidden)
        case "time_distributed":
            dense = layers.Dense(settings.units, kernel_initializer=glorot, dtype=dtype)
            return layers.TimeDistributed(dense, dtype=dtype)(hidden)
        case "layer_normalization":
            return layers.LayerNormalization(dtype=dtype)(hidden)
        case "attention":
            attention = layers.MultiHeadAttention(1, settings.units, kernel_initializer=glorot, dtype=dtype)
            return attention(hidden, hidden)
        case "conv1d":
            return layers.Conv1D(settings.units, 3, padding="same", kernel_initializer=glorot, dtype=dtype)(hidden)
        case "lambda":
            return layers.Lambda(lambda t: t * 1.0, dtype=dtype)(hidden)
        case "reshape":
            return layers.Reshape(shape, dtype=dtype)(hidden)
        case "permute":
            return layers.Permute((1, 2), dtype=dtype)(hidden)
        case "flatten":
            return layers.Reshape(shape, dtype=dtype)(layers.Flatten(dtype=dtype)(hidden))
        case "max_pooling":
            return layers.MaxPooling1D(1, dtype=dtype)(hidden)
        case "times_one":
            return hidden * 1.0
    return hidden


def build_loss(settings: Settings, loss: Callable | None = None) -> keras.losses.Loss:
    """The loss as Keras wraps it: `loss`, or the one that the settings name.

    `compile(loss=function)` makes the same wrapper around a plain function, and takes a Loss as it is.
    """
    if isinstance(loss, keras.losses.Loss):
        return loss
    function = loss or losses.bound(settings.loss, settings.epsilon)
    return LossFunctionWrapper(function, reduction=settings.reduction, dtype=settings.loss_dtype)


def build_optimizer(settings: Settings) -> keras.optimizers.Optimizer:
    kind = {"adam": keras.optimizers.Adam, "sgd": keras.optimizers.SGD, "rmsprop": keras.optimizers.RMSprop}
    clipping = {} if settings.clipping == "none" else {settings.clipping: settings.clip_at}
    return kind[settings.optimizer](learning_rate=settings.learning_rate, **clipping)


def redraw(model: keras.Model, seed: int) -> list:
    """The weights that `build_model` would start from with this seed, without building it again."""
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
