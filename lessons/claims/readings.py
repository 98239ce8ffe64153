"""What the experiments read off a model or a loss: gradients, slopes, how far apart, and how wrong.

Keras and TensorFlow are imported inside, as in `lessons.claims.apparatus`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lessons.claims.apparatus import padded_batch


@dataclass(frozen=True)
class Probe:
    """One look at a model: loss and gradients, as its next step would see them."""

    loss: float
    predictions: np.ndarray
    at_predictions: np.ndarray | None
    gradients: tuple[np.ndarray | None, ...]  # one per weight; None where none arrives

    @property
    def gradient(self) -> np.ndarray:
        """All of them in one row, 0 where none arrives."""
        return np.concatenate([np.ravel(0.0 if one is None else one) for one in self.gradients])

    @property
    def reached(self) -> int:
        """How many weights get a gradient."""
        return sum(one is not None for one in self.gradients)


def probe(model, loss, x, y, weight=None) -> Probe:
    """Loss and gradients before a step. `Model.compute_loss` is what `fit` calls (keras/src/trainers/trainer.py)."""
    import keras
    import tensorflow as tf

    model = keras.Model(model.input, model.output)  # same layers: compiling this one leaves the given one as it is
    model.compile(loss=loss)
    with tf.GradientTape() as tape:
        predictions = model(x)
        value = model.compute_loss(x, y, predictions, weight)
    wanted = [predictions, *model.trainable_variables]
    at_predictions, *gradients = (None if one is None else one.numpy() for one in tape.gradient(value, wanted))
    return Probe(float(value), predictions.numpy(), at_predictions, tuple(gradients))


def change(before: np.ndarray, after: np.ndarray) -> float:
    """How far two arrays are apart, relative to the first; NaN where either is not finite."""
    before, after = np.asarray(before, "float64"), np.asarray(after, "float64")
    return float(np.linalg.norm(after - before) / max(float(np.linalg.norm(before)), 1e-12))


def moved_by_garbage(model, loss) -> float:
    """How far 1000 instead of 0 in the padded labels moves the gradient, relative to its size; 0: it is masked."""
    clean, garbage = padded_batch("zero"), padded_batch("garbage")
    return change(*(probe(model, loss, batch.x, batch.y).gradient for batch in (clean, garbage)))


def slope(loss: Callable, y: float, p: float, dtype: str = "float32") -> tuple[float, float]:
    """A loss and its derivative by the prediction at one point, in a graph, where `fit` would compute them."""
    import tensorflow as tf

    @tf.function(autograph=False)
    def both(y_true, y_pred):
        with tf.GradientTape() as tape:
            tape.watch(y_pred)
            value = tf.reduce_sum(loss(y_true, y_pred))
        return value, tape.gradient(value, y_pred, unconnected_gradients=tf.UnconnectedGradients.ZERO)

    value, derivative = both(tf.constant([[y]], dtype), tf.constant([[p]], dtype))
    return float(value), float(derivative[0, 0])


def mean_error(predictions: np.ndarray, truth: np.ndarray, real: np.ndarray | None = None) -> float:
    """Mean absolute error against the true labels, on real steps where those are given."""
    error = np.abs(predictions - truth)
    return float((error if real is None else error[real]).mean())


def constant_error(truth: np.ndarray) -> float:
    """The mean absolute error of the best constant: the yardstick for “it learns”."""
    return mean_error(np.median(truth), truth)


def accuracy(predictions: np.ndarray, truth: np.ndarray) -> float:
    return float(((predictions > 0.5) == (truth > 0.5)).mean())
