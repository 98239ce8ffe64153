"""The experiment as a learner writes it with plain Keras: model, `compile`, `fit`. What the engine is held against.

Nothing of lessons/ but Settings. `jit_compile=False`: by default Keras compiles SimpleRNN, and no other cell, with
XLA on a CPU, which rounds differently; the engine is the plain graph.
"""

from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from lessons.recipe.settings import Settings
from tests.tools.oracle_decoder import decoder
from tests.tools.oracle_encoder import encoder
from tests.tools.oracle_own_layer import own_layer


@dataclass(frozen=True)
class Data:
    """The arrays that `fit` is given, and the true lengths."""

    x: np.ndarray  # (batch, time, features)
    y: np.ndarray  # (batch, time, 1) or (batch, 1)
    real: np.ndarray  # (batch, time) bool
    step_labels: np.ndarray  # (batch, time, 1), also where y holds only the last one


def fit(settings: Settings, data: Data, validation: Data, moved: float = 0.0) -> dict[str, list[float]]:
    """`loss` and `val_loss` per epoch, as model.fit reports them; with all first weights `moved` by a share of them."""
    routes = route(settings, settings.mask), route(settings, validation_mask(settings))
    model = compiled(settings, routes[0])
    model.set_weights([weight * np.float32(1 + moved) for weight in model.get_weights()])
    size = settings.batch_size or settings.sequences
    common = {"epochs": settings.epochs, "batch_size": size, "shuffle": False, "verbose": 0}
    x, y, weights = fed(settings, settings.mask, data)
    held_out = fed(settings, validation_mask(settings), validation)
    if routes[0] == routes[1]:
        return model.fit(x, y, sample_weight=weights, validation_data=held_out, **common).history
    # The validation data come with another kind of mask: the same weights in a model that takes that one.
    other, values = compiled(settings, routes[1]), []

    def evaluate(_epoch, _logs):
        other.set_weights(model.get_weights())
        values.append(other.evaluate(*held_out[:2], sample_weight=held_out[2], batch_size=size, verbose=0))

    watch = keras.callbacks.LambdaCallback(on_epoch_end=evaluate)
    history = model.fit(x, y, sample_weight=weights, callbacks=[watch], **common).history
    return history | {"val_loss": values}


def steady(settings: Settings, data: Data, validation: Data) -> int:
    """In how many epochs `fit` stays with itself to 1e-6 when each of its first weights is moved by one rounding."""
    alone, moved = (
        np.array(fit(settings, data, validation, moved=by)["loss"]) for by in (0.0, np.finfo("float32").eps)
    )
    apart = np.abs(alone - moved) > 1e-6 * np.abs(alone)
    return int(apart.argmax()) if apart.any() else len(apart)


def validation_mask(s: Settings) -> str:
    if s.mask == "none" or s.validation_mask == "same":
        return s.mask
    return s.validation_mask


def weighted(s: Settings) -> bool:
    """A weight per step needs a label per step."""
    return s.sample_weight != "none" and s.predicts.per_step


def route(s: Settings, kind: str) -> str:
    """How the model comes to its mask."""
    if kind == "none" or s.mask_route == "multiplied" or (weighted(s) and s.sample_weight == "instead"):
        return "no mask"
    return "Masking layer" if kind == "inputs" else "mask input"


def mask_of(s: Settings, kind: str, data: Data) -> np.ndarray:
    """(batch, time) bool, True for real, from the true lengths or the data."""
    count, steps = data.real.shape
    lengths = data.real.sum(axis=1)
    at = np.arange(steps)
    first = np.zeros(count, int) if s.padding == "post" else steps - lengths
    match kind:
        case "shifted":
            first = first + s.mask_shift
        case "wrong_side":
            first = steps - lengths if s.padding == "post" else np.zeros(count, int)
    inside = (at >= first[:, None]) & (at < (first + lengths)[:, None])
    match kind:
        case "none":
            return np.ones((count, steps), bool)
        case "inverted":
            return ~inside
        case "inputs":
            return np.any(data.x != 0, axis=-1)
        case "labels":
            return data.step_labels[:, :, 0] != 0
        case "not_nan":
            return ~np.isnan(data.step_labels[:, :, 0])
    return inside


def fed(s: Settings, kind: str, data: Data) -> tuple:
    """(x, y, sample_weight) as they are handed to fit."""
    mask = mask_of(s, kind, data)
    x = data.x
    if s.mask_route == "multiplied":
        x = x * mask[:, :, None].astype("float32")
    if route(s, kind) == "mask input":
        x = [x, mask]
    return x, data.y, mask.astype("float32") if weighted(s) else None


def compiled(s: Settings, mask_route: str) -> keras.Model:
    """The compiled model, its weights as the seed draws them."""
    fields = {"causal_mask": decoder, "attention_mask": encoder, "layer": own_layer}  # that one family has
    family = next((family for field, family in fields.items() if hasattr(s, field)), recurrent)
    given, output = family(s, mask_route)
    model = keras.Model(given, output)
    clip = {} if s.clipping == "none" else {s.clipping: s.clip_at}
    optimizer = {
        "adam": keras.optimizers.Adam,
        "sgd": keras.optimizers.SGD,
        "rmsprop": keras.optimizers.RMSprop,
    }
    model.compile(
        optimizer[s.optimizer](s.learning_rate, **clip),
        loss=Compared((LOSSES | TOKEN_LOSSES)[s.loss], s.epsilon, reduction=s.reduction, dtype=s.loss_dtype),
        jit_compile=False,
    )
    return model


def recurrent(s: Settings, mask_route: str):
    """Inputs and output of the family of that name."""
    glorot = keras.initializers.GlorotUniform(s.seed)
    orthogonal = keras.initializers.Orthogonal(seed=s.seed)
    every_step = s.output == "every_step"
    cell = {"lstm": layers.LSTM, "gru": layers.GRU, "simple_rnn": layers.SimpleRNN}[s.cell](
        s.units, return_sequences=every_step, kernel_initializer=glorot, recurrent_initializer=orthogonal
    )
    x = keras.Input((s.timesteps, 2))
    if mask_route == "mask input":
        mask = keras.Input((s.timesteps,), dtype="bool")
        given, hidden = [x, mask], cell(x, mask=mask)
    elif mask_route == "Masking layer":
        given, hidden = x, cell(layers.Masking(0.0)(x))
    else:
        given, hidden = x, cell(x)
    if every_step:
        hidden = in_between(s, glorot)(hidden)
    return given, layers.Dense(1, activation=s.activation, kernel_initializer=glorot)(hidden)


def in_between(s: Settings, glorot):
    def attend(t):
        return layers.MultiHeadAttention(num_heads=1, key_dim=s.units, kernel_initializer=glorot)(t, t)

    def flatten(t):
        return layers.Reshape((s.timesteps, s.units))(layers.Flatten()(t))

    return {
        "none": lambda t: t,
        "dense": layers.Dense(s.units, kernel_initializer=glorot),
        "time_distributed": layers.TimeDistributed(layers.Dense(s.units, kernel_initializer=glorot)),
        "layer_normalization": layers.LayerNormalization(),
        "attention": attend,
        "conv1d": layers.Conv1D(s.units, 3, padding="same", kernel_initializer=glorot),
        "lambda": layers.Lambda(lambda t: t * 1.0),
        "reshape": layers.Reshape((s.timesteps, s.units)),
        "permute": layers.Permute((1, 2)),
        "flatten": flatten,
        "max_pooling": layers.MaxPooling1D(pool_size=1),
        "times_one": lambda t: t * 1.0,
    }[s.between]


class Compared(keras.losses.Loss):
    """A function of labels, predictions and epsilon as a Keras loss."""

    def __init__(self, function, epsilon: float, **kwargs):
        super().__init__(**kwargs)
        self.function, self.epsilon = function, epsilon

    def call(self, y_true, y_pred):
        return self.function(y_true, y_pred, self.epsilon)


# keras.ops as in the lessons: its means of float16 are taken in float32, TensorFlow's own are not.


def _mask_reading(y, p, epsilon):
    mask = getattr(p, "_keras_mask", None)
    if mask is None:
        return ops.mean((y - p) ** 2)
    weight = ops.cast(mask, p.dtype)[..., None]
    return ops.sum((y - p) ** 2 * weight) / (ops.sum(weight) + epsilon)


def _label_masked(y, p, epsilon):
    kept = ops.cast(ops.not_equal(y, 0), p.dtype)
    return ops.mean((y * kept - p * kept) ** 2, axis=-1)


def _clipped(y, p, epsilon):
    p = ops.clip(p, epsilon, 1 - epsilon)
    return ops.mean(-y * ops.log(p) - (1 - y) * ops.log(1 - p), axis=-1)


def _added(y, p, epsilon):
    return ops.mean(-y * ops.log(p + epsilon) - (1 - y) * ops.log(1 - p + epsilon), axis=-1)


# The losses of lesson files, in TensorFlow's own words. Written from what each says it computes; the order of the
# arithmetic is theirs, because it decides where NaN and infinity come from.


def _mean(values, axis=-1):
    """float16 and bfloat16 are summed in float32."""
    wide = values.dtype if values.dtype == tf.float64 else tf.float32
    return tf.cast(tf.reduce_mean(tf.cast(values, wide), axis=axis), values.dtype)


def _known(y):
    """Where there is a label."""
    return ~tf.math.is_nan(y)


def _zero_filled(y):
    return tf.where(_known(y), y, tf.zeros_like(y))


def _per_sequence(y, p, epsilon):
    error = _mean(tf.square(y - p))
    mask = getattr(p, "_keras_mask", None)
    if mask is None:
        return _mean(error, axis=None)
    weight = tf.cast(mask, error.dtype)
    return _mean(tf.reduce_sum(error * weight, 1) / (tf.reduce_sum(weight, 1) + epsilon), axis=None)


def _multiplied(y, p, epsilon):
    known = tf.cast(_known(y), p.dtype)
    return _mean(tf.square(y * known - p * known))


def _where_inside(y, p, epsilon):
    error = tf.square(_zero_filled(y) - p)
    return _mean(tf.where(_known(y), error, tf.zeros_like(error)))


def _where_outside(y, p, epsilon):
    error = tf.square(y - p)
    return _mean(tf.where(_known(y), error, tf.zeros_like(error)))


def _mean_filled(y, p, epsilon):
    count = tf.math.count_nonzero(_known(y), dtype=y.dtype)
    mean = tf.reduce_sum(_zero_filled(y)) / tf.where(count > 1, count, 1)
    return _mean(tf.square(tf.where(_known(y), y, mean) - p))


def _over_known(y, p, epsilon):
    error = tf.square(_zero_filled(y) - p)
    total = tf.reduce_sum(tf.where(_known(y), error, tf.zeros_like(error)))
    return total / (tf.math.count_nonzero(_known(y), dtype=y.dtype) + epsilon)


def _above_half(y, p, epsilon):
    error = tf.square(y - p)
    return _mean(tf.where(tf.greater(p, 0.5), error, tf.zeros_like(error)))


def _label_weighted(y, p, epsilon):
    return _mean((1 + tf.cast(tf.greater(y, 0.5), y.dtype)) * tf.square(y - p))


def _token_loss(y, p):
    """Cross-entropy of the token whose id is the label, (batch, time)."""
    return keras.losses.sparse_categorical_crossentropy(y, p, from_logits=True)


def _by_hand_over_labels(y, p, epsilon):
    kept = tf.cast(tf.not_equal(y[..., 0], 0), p.dtype)
    return tf.reduce_sum(_token_loss(y, p) * kept) / (tf.reduce_sum(kept) + epsilon)


def _mean_of_texts(y, p, epsilon):
    mask = getattr(p, "_keras_mask", None)
    if mask is None:
        return _mean(_token_loss(y, p), axis=None)
    kept = tf.cast(mask, p.dtype)
    return _mean(tf.reduce_sum(_token_loss(y, p) * kept, 1) / (tf.reduce_sum(kept, 1) + epsilon), axis=None)


def _smoothed(y, p, epsilon):
    wanted = 0.9 * tf.one_hot(tf.cast(y[..., 0], "int32"), p.shape[-1], dtype=p.dtype) + 0.1 / p.shape[-1]
    return tf.nn.softmax_cross_entropy_with_logits(wanted, p)


def _log_of_probability(y, p, epsilon):
    chosen = tf.one_hot(tf.cast(y[..., 0], "int32"), p.shape[-1], dtype=p.dtype)
    return -tf.math.log(tf.reduce_sum(ops.softmax(p) * chosen, -1) + epsilon)


TOKEN_LOSSES = {
    "cross_entropy": lambda y, p, epsilon: _token_loss(y, p),
    "scalar_cross_entropy": lambda y, p, epsilon: _mean(_token_loss(y, p), axis=None),
    "useless_alone.log_of_probability": _log_of_probability,
    "never_stops.ignoring_zero": lambda y, p, epsilon: keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, ignore_class=0, reduction="none"
    ).call(y, p),
    "never_stops.mean_by_hand": _by_hand_over_labels,
    "mean_of_what.mean_of_sequences": _mean_of_texts,
    "mean_of_what.smoothed": _smoothed,
}
LOSSES = {
    "mse": lambda y, p, epsilon: ops.mean((y - p) ** 2, axis=-1),
    "scalar_mse": lambda y, p, epsilon: ops.mean((y - p) ** 2),
    "label_masked_mse": _label_masked,
    "mask_reading_mse": _mask_reading,
    "mae": lambda y, p, epsilon: ops.mean(abs(y - p), axis=-1),
    "root_error": lambda y, p, epsilon: ops.mean(ops.sqrt((y - p) ** 2 + epsilon), axis=-1),
    "huber": lambda y, p, epsilon: keras.losses.huber(y, p),
    "log_cosh": lambda y, p, epsilon: keras.losses.log_cosh(y, p),
    "log_error": lambda y, p, epsilon: ops.mean(ops.log(abs(y - p) + epsilon), axis=-1),
    "bce_clipped": _clipped,
    "bce_added": _added,
    "bce_from_logits": lambda y, p, epsilon: keras.losses.binary_crossentropy(y, p, from_logits=True),
    "divided_by.per_sequence_mse": _per_sequence,
    "first_iteration.root_of_square": lambda y, p, epsilon: _mean(tf.pow(tf.square(y - p) + epsilon, 0.5)),
    "first_iteration.log_of_difference": lambda y, p, epsilon: _mean(tf.math.log(y - p + epsilon)),
    "first_iteration.softplus_error": lambda y, p, epsilon: _mean(tf.math.softplus(tf.abs(y - p))),
    "nan_labels.multiplied_by_mask": _multiplied,
    "nan_labels.where_outside": _where_outside,
    "nan_labels.where_inside": _where_inside,
    "nan_labels.filled_with_zero": lambda y, p, epsilon: _mean(tf.square(_zero_filled(y) - p)),
    "nan_labels.filled_with_mean": _mean_filled,
    "nan_labels.mean_over_known": _over_known,
    "not_learning.half_cross_entropy": lambda y, p, epsilon: _mean(-y * tf.math.log(p + epsilon)),
    "not_learning.error_above_half": _above_half,
    "not_learning.error_weighted_by_label": _label_weighted,
}
