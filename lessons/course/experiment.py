"""Experiments: measurements that are no training of Settings. Published code as it was meant, layers, number formats.

An experiment is a function without side effects at the top level of its file. It imports TensorFlow inside, runs in a
worker and returns what it measured; its source is shown to the learner. What it raises is shown too: that an example
raises can be the point.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lessons.recipe.data import Floats

if TYPE_CHECKING:
    import tensorflow as tf


@dataclass(frozen=True)
class Measured:
    """What an experiment found. Numbers are measured, never written down; `sentence` is built from them."""

    sentence: str
    numbers: Mapping[str, object]
    rows: tuple[Mapping[str, object], ...] = ()  # a table: equal keys, the first names the row
    figure: dict[str, Any] | None = None  # Plotly's JSON, without colours for text and paper (see figures.py)


@dataclass(frozen=True)
class Experiment:
    """A measurement a lesson offers. `pick`: what the learner may choose from, passed as one tuple argument."""

    title: str
    says: str  # one sentence: what to look for
    measure: Callable[..., Measured]
    explains: str = ""  # where it raises: why, in one or two sentences
    pick: tuple[str, ...] = ()

    @property
    def source(self) -> str:
        return inspect.getsource(self.measure).rstrip()


def seeded() -> dict[str, Any]:
    """The initializers of a recurrent layer, drawn from a seed of their own: nothing global is set."""
    import keras

    orthogonal = keras.initializers.Orthogonal(seed=0)
    return {"kernel_initializer": keras.initializers.GlorotUniform(0), "recurrent_initializer": orthogonal}


def value_and_gradient(function: Callable[..., Any], *at: Any) -> tuple[Floats, Floats]:
    """A function's value and its gradient by the last argument, 0 where none arrives, in a graph as in `fit`.

    All are arguments of the graph: TensorFlow would fold constants, and the numbers would be others.
    """
    import tensorflow as tf

    def both(*at: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(at[-1])
            value = function(*at)
        return value, tape.gradient(value, at[-1], unconnected_gradients=tf.UnconnectedGradients.ZERO)

    value, gradient = tf.function(both, autograph=False)(*(tf.constant(one) for one in at))
    return value.numpy(), gradient.numpy()
