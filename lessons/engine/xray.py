"""X-ray of a model: whether a mask goes into each layer and whether one comes out, as Keras itself carries it."""

import re
from collections.abc import Iterator
from dataclasses import replace

import keras
import numpy as np
import tensorflow as tf

from lessons.recipe.output import Output
from lessons.runs.run import LayerMask

LOSS = "loss"  # name of the last row


def layers_of(model: keras.Model) -> tuple[LayerMask, ...]:
    """A row for every layer and operation of a functional model, from the input to the prediction.

    A Python operator such as `t * 1.0` is an operation: no layer, so no mask comes out of it and nobody warns.
    """
    return tuple(row_of(node) for node in nodes(model))


def nodes(model: keras.Model) -> Iterator:
    """The calls of layers and operations that the model is made of, in the order it runs them."""
    for depth in sorted(model._nodes_by_depth, reverse=True):
        yield from (node for node in model._nodes_by_depth[depth] if not node.is_input)


def row_of(node) -> LayerMask:
    """What the call of one layer was given and what it gave: the masks that Keras left on the symbolic tensors."""
    operation = node.operation
    passed = node.arguments.kwargs.get("mask") is not None
    masks = LayerMask("", "", passed or any(map(masked, node.input_tensors)), any(map(masked, node.outputs)))
    if isinstance(operation, keras.Layer):
        return replace(masks, name=short(operation.name), layer=type(operation).__name__)
    return replace(masks, name=call_of(node), layer=f"{type(operation).__name__} operation")


def short(name: str) -> str:
    """A layer's name without the number that Keras gives to equal layers of a process: it differs between workers."""
    return re.sub(r"_\d+$", "", name)


def masked(tensor) -> bool:
    """Whether Keras carries a mask with this tensor: keras/src/backend/common/masking.py."""
    return getattr(tensor, "_keras_mask", None) is not None


def call_of(node) -> str:
    """An operation as it would be written: ops.multiply(t, 1.0)."""
    arguments = ["t" if keras.backend.is_keras_tensor(a) else repr(a) for a in node.arguments.args]
    return f"ops.{re.sub(r'(?<!^)(?=[A-Z])', '_', type(node.operation).__name__).lower()}({', '.join(arguments)})"


def loss_row(loss: keras.losses.Loss, name: str, prediction, sequences: int, output: Output) -> LayerMask:
    """The last row: whether a mask reaches the loss with the `prediction` of the model, and whether it is heeded.

    It is where another label at a step that is masked out leaves the loss as it was.
    """
    mask_in = masked(prediction)
    return LayerMask(LOSS, name, mask_in, mask_in and heeds_mask(loss, (sequences, *prediction.shape[1:]), output))


LABELS = ((1.0, 0.5), (0.0, 0.1))  # above and below the prediction: a log of the difference has only one side
CLASS_IDS = ((0.0, 1.0),)
PREDICTION = 0.3
LESS = 0.9  # of the loss at predictions of 0 and 1 that may be left: smoothed labels leave a cross-entropy 0.4


def heeds_mask(loss: keras.losses.Loss, shape: tuple[int, ...], output: Output) -> bool:
    """Try it on predictions (batch, time, column) whose last step is masked out: with one label there and with another.

    A loss that is finite with none of them is given the benefit of the doubt. Keras refuses a mask beside a loss that
    keeps the columns, (batch, time, column): nothing is heeded there.
    """
    mask = np.ones(shape[:2], bool)
    mask[:, -1] = False
    scores = np.arange(1, shape[-1] + 1) / sum(range(shape[-1] + 1))  # they differ, so that it matters which is wanted
    predictions = np.broadcast_to(scores if output.ranked else PREDICTION, shape).astype("float32")

    def value(label: float, masked_label: float) -> float:
        prediction = keras.ops.convert_to_tensor(predictions)
        prediction._keras_mask = keras.ops.convert_to_tensor(mask)
        labels = np.where(mask[..., None], label, masked_label).astype("float32")
        return float(loss(labels, prediction))

    for label, other in CLASS_IDS if output.ranked else LABELS:
        try:
            before, after = value(label, label), value(label, other)
        except (ValueError, tf.errors.InvalidArgumentError):
            return False
        if np.isfinite([before, after]).all():
            return before == after
    return True


def takes_logits(loss: keras.losses.Loss, shape: tuple[int, ...]) -> bool:
    """Whether the loss takes predictions (batch, …) for logits: outside 0 to 1 they cost less, and never less than 0.

    An error grows there, and the log of what is no probability is NaN, cut off, or below 0.
    """

    def values(beyond: float) -> list[float]:
        """With 1 as label and a prediction so far above 1, and with 0 and one so far below 0."""
        cases = (1.0, 1.0 + beyond), (0.0, -beyond)
        given = ((np.full(shape, label, "float32"), np.full(shape, p, "float32")) for label, p in cases)
        return [float(keras.ops.mean(loss(label, keras.ops.convert_to_tensor(p)))) for label, p in given]

    outside = values(2.0)
    return min(outside) >= 0 and sum(outside) < LESS * sum(values(0.0))


def without_mask(rows: tuple[LayerMask, ...]) -> tuple[LayerMask, ...]:
    """The same model where no mask is passed to it."""
    return tuple(replace(row, mask_in=False, mask_out=False) for row in rows)
