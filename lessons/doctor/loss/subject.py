"""A loss under examination: called as `compile(loss=…)` calls it, inside a graph as `fit` runs it, and eagerly."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf
from keras.src import backend
from keras.src.trainers.compile_utils import CompileLoss

from lessons.doctor.loss.draws import draw_embedding
from lessons.doctor.loss.sample import Point, Sampler
from lessons.doctor.usage import Usage

CURVE_POINTS = 61
MOST_ROWS = 16  # that may belong together
TRIALS = 3  # batches that a question about the labels is asked on
STATIC_BATCH = 11  # a prime, unlike any other axis: where it turns up twice, axes were mixed


@dataclass(frozen=True)
class Reading:
    """What a loss gave at one place: value, and its gradient with respect to z (batch, …); None: there is none."""

    value: float
    gradient: np.ndarray | None

    @property
    def finite_value(self) -> bool:
        """Whether the value is finite."""
        return math.isfinite(self.value)

    @property
    def finite_gradient(self) -> bool:
        """Whether all of the gradient is finite, or there is none."""
        return self.gradient is None or bool(np.isfinite(self.gradient).all())

    @property
    def finite(self) -> bool:
        """Whether both are."""
        return self.finite_value and self.finite_gradient

    @property
    def size(self) -> np.ndarray:
        """|gradient|; a single 0 where there is none. (batch, …), or (1,)."""
        return np.zeros(1) if self.gradient is None else np.abs(self.gradient)


@dataclass(frozen=True)
class Computed:
    """An operation of a graph with what went in, None where that is no floating number, and its first output."""

    operation: tf.Operation
    inputs: list[np.ndarray | None]
    output: np.ndarray


class Subject:
    """One loss in one usage. Readings of the same shapes share a traced graph."""

    def __init__(self, loss: Callable | keras.losses.Loss, usage: Usage):
        self.loss, self.usage = loss, usage
        self.sampler = Sampler(usage)
        self.rows = 1  # so many rows of a batch belong together
        self.activation_declared = True  # by who asks: what is inferred cannot disagree with the loss
        self.graphs: dict[tuple, Callable] = {}
        self.seen: dict = {}  # what rules found: code -> Evidence or None
        self.crash: tuple[str, str, int | None] | None = None  # exception, what it says, line
        self.never_run: tuple[str, int | None] | None = None  # what is not run here, line

    @functools.cached_property
    def edges(self) -> list[tuple[Point, Reading]]:
        """Readings at the ends of what predictions and labels can be."""
        return [(point, self.at(point.y, point.z)) for point in self.sampler.edges(self.said)]

    def prediction(self, z: np.ndarray) -> np.ndarray:
        """What the activation makes of z. (batch, …), as z."""
        return activated(self.usage.activation, tf.constant(z, tf.float32)).numpy()

    def said(self, z: np.ndarray) -> np.ndarray:
        """What z says in the labels' terms: the prediction, or the probabilities of logits. (batch, …), as z."""
        return activated(self.sampler.link, tf.constant(z, tf.float32)).numpy()

    def settle_labels(self) -> None:
        """Find out what labels are to this loss: whether it looks at them at all, whether it only compares ids with
        each other, and in which way it wants a class said."""
        self.sampler.unused = not any(self.looks_at_labels() for _ in range(TRIALS))
        ids = self.usage.labels == "ids" and not self.sampler.unused and not self.sampler.related
        if ids and all(self.compares_ids() for _ in range(TRIALS)):
            self.sampler.related = "embedding"
        self.settle_encoding()

    def looks_at_labels(self) -> bool:
        """Whether other labels, or marks in them, give another value or gradient."""
        y, z = self.draw()
        marked = y.copy()
        if self.usage.marked:
            marked[::2] = self.usage.padding
        here = self.at(y, z)
        for labels in (self.sampler.others(y), marked):
            there = self.at(labels, z)
            if here.value != there.value or not np.array_equal(here.size, there.size, equal_nan=True):
                return True
        return not here.finite_value

    def compares_ids(self) -> bool:
        """Whether only it counts which ids are alike: other names for all of them change nothing."""
        z = self.sampler.predictions()
        if z.ndim != 2 or self.sampler.classes < 3:
            return False
        y = draw_embedding(self.sampler, (len(z), *self.usage.label_shape)) % self.sampler.classes
        names = self.sampler.rng.permutation(self.sampler.classes)
        if np.array_equal(names, np.sort(names)):
            names = np.roll(names, 1)
        here, there = (self.value(ids.astype(np.float32), z) for ids in (y, names[y]))
        return bool(np.isfinite([here, there]).all() and abs(here - there) <= 1e-5 * (1 + abs(here)))

    def settle_encoding(self) -> None:
        """Find out in which way this loss wants labels said: where it is lower than at any ordinary prediction."""
        if not self.sampler.has_truth:
            self.sampler.encoding = "none"
            return
        y, z = self.draw()
        ordinary = self.value(y, z)
        values = {}
        for encoding in self.sampler.encodings():
            self.sampler.encoding = encoding
            values[encoding] = self.value(y, self.sampler.truth(y, z))
        usual, *others = values
        better = [name for name in others if values[name] < min(values[usual], ordinary - 0.3 * abs(ordinary))]
        self.sampler.encoding = better[0] if better else usual

    def settle_rows(self) -> None:
        """Find out how many rows belong together: batches of a multiple of it are taken, one of STATIC_BATCH is not."""
        sampler = Sampler(self.usage, seed=1)

        def takes(size: int) -> bool:
            try:
                self.eagerly(sampler.labels(size), sampler.predictions(size))
            except Exception:
                return False
            return True

        if takes(STATIC_BATCH):
            return
        several = (n for n in range(2, MOST_ROWS + 1) if n != STATIC_BATCH)
        self.rows = next((n for n in several if all(takes(n * times) for times in (2, 3, 5))), 1)
        self.sampler.rows = self.rows
        self.sampler.encoding = self.sampler.encodings()[0]
        self.sampler.size = self.rows * math.ceil(self.sampler.size / self.rows)

    def draw(self, size: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Ordinary labels and predictions. (size, *label_shape) and (size, *shape); no fewer than belong together."""
        size = size and max(size, self.rows)
        return self.sampler.labels(size), self.sampler.predictions(size)

    def at(self, y: np.ndarray, z: np.ndarray, mask: np.ndarray | None = None) -> Reading:
        """As `fit` computes it. `mask` (batch, time) is the Keras mask of the prediction.

        y and z (batch, …). keras/src/trainers/compile_utils.py: CompileLoss.
        """
        if mask is None and self.usage.padding == "keras":
            mask = np.ones(z.shape[:2], bool)
        key = (y.shape[1:], z.shape[1:], mask is None)
        if key not in self.graphs:
            specs = [
                tf.TensorSpec((None, *array.shape[1:]), array.dtype) for array in (y, z, mask) if array is not None
            ]
            self.graphs[key] = tf.function(self._measure(), specs, autograph=False)
        return reading(self.graphs[key](*(array for array in (y, z, mask) if array is not None)))

    def value(self, y: np.ndarray, z: np.ndarray) -> float:
        """The loss as `fit` computes it, of y and z (batch, …)."""
        return self.at(y, z).value

    def eagerly(self, y: np.ndarray, z: np.ndarray) -> Reading:
        """The same outside a graph, as a debugger or a hand-written loop computes it. y and z (batch, …)."""
        mask = [tf.ones(z.shape[:2], tf.bool)] if self.usage.padding == "keras" else []
        return reading(self._measure()(tf.constant(y), tf.constant(z), *mask))

    def directly(self, y: np.ndarray, z: np.ndarray, dtype: str) -> Reading:
        """The bare function in a graph of its own with tensors of that type: no Keras around it. y and z (batch, …)."""
        key = (y.shape[1:], z.shape[1:], dtype)
        if key not in self.graphs:
            specs = [tf.TensorSpec((None, *array.shape[1:]), dtype) for array in (y, z)]
            bare = self.loss.call if isinstance(self.loss, keras.losses.Loss) else self.loss
            self.graphs[key] = tf.function(self._measure(bare), specs, autograph=False)
        return reading(self.graphs[key](tf.cast(y, dtype), tf.cast(z, dtype)))

    def traced(self):
        """The function of an ordinary batch, traced: its graph can be looked into."""
        return tf.function(self._measure(), autograph=False).get_concrete_function(*self._specs())

    def tensors(self, y: np.ndarray, z: np.ndarray, mask: np.ndarray | None = None, dtype: str = "") -> list[Computed]:
        """Every operation of floating numbers on the way to the value, in order. `dtype`: as in `directly`.

        y and z (batch, …), mask (batch, time). Without gradients; TensorFlow's simplifications are left out.
        """
        bare = self.loss.call if isinstance(self.loss, keras.losses.Loss) else self.loss
        kind = dtype or "float32"
        specs = [tf.TensorSpec((None, *array.shape[1:]), kind) for array in (y, z)]
        given = [y.astype(kind), z.astype(kind)]
        if mask is None and self.usage.padding == "keras" and not dtype:
            mask = np.ones(z.shape[:2], bool)
        if mask is not None:
            specs.append(tf.TensorSpec((None, *mask.shape[1:]), tf.bool))
            given.append(mask)
        forward = self._measure(bare if dtype else None, backward=False)
        graph = tf.function(forward, specs, autograph=False).get_concrete_function().graph
        wanted = [operation for operation in graph.get_operations() if computes(operation)]
        floats = {
            tensor.name: tensor
            for operation in wanted
            for tensor in (*operation.inputs, operation.outputs[0])
            if tensor.dtype.is_floating
        }
        feeds = {tensor.name: array for tensor, array in zip(graph.inputs, given, strict=False)}
        feeds |= {inside.name: outside.numpy() for outside, inside in graph.captures}
        with tf.compat.v1.Session(graph=graph) as session:
            known = session.run(floats, feeds)
        return [
            Computed(
                operation, [known.get(tensor.name) for tensor in operation.inputs], known[operation.outputs[0].name]
            )
            for operation in wanted
        ]

    def constants(self) -> np.ndarray:
        """The floating numbers in the graph of the loss. (constants,) float64."""
        found = [np.zeros(0)]
        for operation in self.traced().graph.get_operations():
            if operation.type == "Const" and operation.outputs[0].dtype.is_floating:
                found.append(np.ravel(tf.get_static_value(operation.outputs[0])).astype(float))
        return np.concatenate(found)

    def _specs(self) -> list[tf.TensorSpec]:
        specs = [tf.TensorSpec((None, *shape), tf.float32) for shape in (self.usage.label_shape, self.usage.shape)]
        if self.usage.padding == "keras":
            specs.append(tf.TensorSpec((None, self.usage.shape[0]), tf.bool))
        return specs

    def static_graph(self) -> tf.Graph:
        """The graph of the value alone, every axis known, the batch axis STATIC_BATCH long."""
        specs = [
            tf.TensorSpec((STATIC_BATCH, *shape), tf.float32) for shape in (self.usage.label_shape, self.usage.shape)
        ]
        compiled = CompileLoss(self.loss)
        return (
            tf.function(lambda y, z: compiled(y, activated(self.usage.activation, z)), autograph=False)
            .get_concrete_function(*specs)
            .graph
        )

    def curve(self) -> dict:
        """Loss and gradient of a first sample as its prediction goes along the scale."""
        y, z = self.draw()
        return self.curve_at(y, z, 0)

    def curve_at(self, y: np.ndarray, z: np.ndarray, row: int = 0, reach: float = 3.0) -> dict:
        """Loss and gradient while the first prediction of one sample moves by up to `reach` about its label.

        y and z (batch, …); `reach` in units of z.
        """
        y, z = y[row : row + self.rows], z[row : row + self.rows]
        place = (0, *[0] * (z.ndim - 1))
        middle = float(np.asarray(self.sampler.truth(y, z))[place]) if reach < 1 else 0.0
        x, values, gradients = [], [], []
        for along in np.linspace(middle - reach, middle + reach, CURVE_POINTS):
            moved = z.copy()
            moved[place] = along
            read = self.at(y, moved)
            x.append(float(self.prediction(moved)[place]))
            values.append(read.value)
            gradients.append(0.0 if read.gradient is None else float(read.gradient[place]))
        label = float(np.ravel(y)[0])
        return {
            "x": x,
            "value": values,
            "gradient": gradients,
            "label": label,
            "x_title": f"prediction, label {label:.3g}",
        }

    def _measure(self, loss: Callable | None = None, backward: bool = True) -> Callable:
        """(y, z[, mask]) -> value and gradient. A bare loss may return any shape: its mean is taken."""
        called = loss or CompileLoss(self.loss)

        def measure(y, z, mask=None):
            with tf.GradientTape() as tape:
                tape.watch(z)
                p = activated(self.usage.activation, z)
                if mask is not None:
                    backend.set_keras_mask(p, mask)
                value = called(y, p)
                if loss:
                    value = tf.reduce_mean(tf.convert_to_tensor(value))
            gradient = tape.gradient(value, z) if backward else None
            return (value,) if gradient is None else (value, gradient)

        return measure


def computes(operation: tf.Operation) -> bool:
    """Whether it makes floating numbers in its first output."""
    return bool(operation.outputs) and operation.outputs[0].dtype.is_floating


def activated(names: tuple[str, ...], z):
    """Each column's activation. Shapes as z."""
    functions = {"linear": tf.identity, "sigmoid": tf.sigmoid, "softmax": tf.nn.softmax, "softplus": tf.math.softplus}
    if len(names) == 1:
        return functions[names[0]](z)
    return tf.concat([functions[name](z[..., i : i + 1]) for i, name in enumerate(names)], axis=-1)


def reading(result: tuple) -> Reading:
    """What a graph answered: loss (…), which is summed up, and the gradient (batch, …) where there is one."""
    value, *gradient = result
    return Reading(float(np.sum(value)), np.asarray(gradient[0], np.float64) if gradient else None)
