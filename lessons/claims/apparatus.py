"""What the experiments share: seeded layers and models, padded data, and training as `fit` trains.

Keras and TensorFlow are imported inside: the pages read this package's texts without them. Every initializer is
seeded and nothing global is set, because the worker that measures a claim trains lessons too.
"""

from collections.abc import Callable, Sequence

import numpy as np

from lessons.families.recurrent import Recurrent
from lessons.recipe.data import PaddedBatch, training_batch
from lessons.recipe.recipe import Recipe


def padded_batch(padded_labels: str = "zero", **changes) -> PaddedBatch:
    """Sequences of different lengths with an answer at every step; inputs are zero where padded."""
    settings = {"sequences": 16, "timesteps": 6, "padded_labels": padded_labels}
    return training_batch(Recipe(Recurrent().with_changes(settings | changes)))


def points(task: str = "binary", count: int = 128, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """x (count, 2) and y (count, 1): which side of a line a point is on, how far, or noise from 0 to 1."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 2)).astype("float32")
    distance = x @ np.array([[0.8], [0.6]], "float32")
    if task == "noise":
        return x, rng.uniform(size=(count, 1)).astype("float32")
    return x, (distance > -0.2).astype("float32") if task == "binary" else distance


def lstm(units: int = 8, seed: int = 0, **options):
    """keras.layers.LSTM that answers at every step, drawn from a seed."""
    import keras

    glorot, orthogonal = keras.initializers.GlorotUniform(seed), keras.initializers.Orthogonal(seed=seed)
    options = {"return_sequences": True, "recurrent_initializer": orthogonal, **options}
    return keras.layers.LSTM(units, kernel_initializer=glorot, **options)


def dense(units: int = 1, activation: str | None = None, seed: int = 0):
    """keras.layers.Dense, drawn from a seed."""
    import keras

    return keras.layers.Dense(units, activation, kernel_initializer=keras.initializers.GlorotUniform(seed))


def stack(*layers, shape: Sequence[int | None] = (None, 2)):
    """The functional model of these layers, one after the other."""
    import keras

    start = at = keras.Input(tuple(shape))
    for layer in layers:
        at = layer(at)
    return keras.Model(start, at)


def masked_model(recurrent, *layers, features: int = 2):
    """A model of [x, mask]: the mask is handed to the recurrent layer and travels on from there."""
    import keras

    x, mask = keras.Input((None, features)), keras.Input((None,), dtype="bool")
    at = recurrent(x, mask=mask)
    for layer in layers:
        at = layer(at)
    return keras.Model([x, mask], at)


def training(model, loss, rate: float = 0.03, optimizer: str = "Adam") -> Callable[..., np.ndarray]:
    """A function (x, y, steps, weight) -> the loss of every step; each call starts from the model's present weights.

    `Model.train_step` is what `fit` runs (keras/src/backend/tensorflow/trainer.py), here with all data as one batch
    and all steps in one graph: the same numbers, without a second of set-up for each `fit`.
    """
    import keras
    import tensorflow as tf

    model.compile(getattr(keras.optimizers, optimizer)(rate), loss)
    model.optimizer.build(model.trainable_variables)
    variables = [*model.variables, *model.optimizer.variables]
    start = [variable.numpy() for variable in variables]

    @tf.function(autograph=False)
    def steps_of(data, steps):
        def step(k, history):
            model.reset_metrics()  # the metric called loss is a mean over steps; we want each one
            return k + 1, history.write(k, model.train_step(data)["loss"])

        return tf.while_loop(lambda k, _: k < steps, step, (0, tf.TensorArray(tf.float32, steps)))[1].stack()

    def run(x, y, steps: int, weight=None) -> np.ndarray:
        for variable, value in zip(variables, start, strict=True):
            variable.assign(value)
        data = tf.nest.map_structure(tf.constant, tuple(part for part in (x, y, weight) if part is not None))
        return steps_of(data, tf.constant(steps)).numpy()

    return run
