"""What goes into a model and what comes out of it, measured on a batch: what a training needs to know of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lessons.recipe.bad_input import BadInput
from lessons.recipe.compiled import loss_of, of_numbers, own_name, said_of_each
from lessons.recipe.interface import Interface, PutOut, Taken
from lessons.recipe.losses import OF_CLASSES
from lessons.recipe.model import trained_with

if TYPE_CHECKING:
    import keras


def interface_of(
    model: keras.Model, inputs: Sequence[Taken], batch: Any, last: str, compiled: Mapping[str, Any] | None
) -> Interface:
    """`batch`: the arrays that the model takes, see model_batch. `last`: the name of the layer that is called last.

    `compiled`: what the text's `compile` says, as `Compiled`. Raises BadInput where nothing of it can be trained here,
    in a sentence that says what can.
    """
    if fixed := next((one.shape[0] for one in getattr(model, "inputs", None) or [] if one.shape[0]), None):
        raise BadInput(
            f"Its batches have {fixed} sequences, no more and no less: what is trained here takes any number of them. "
            "Leave out batch_shape, and stateful=True with it."
        )
    if not any(one.sequence for one in inputs):
        shapes = ", ".join(str((None, *one.shape)) for one in inputs)
        raise BadInput(
            f"It takes {shapes}. What is trained here takes a sequence, (batch, time, features) or ids (batch, time), "
            "and other inputs beside it."
        )
    put_out = outputs_of(model, model(batch, training=False))
    outputs = tuple(
        described(name, np.asarray(tensor), model, layer, inputs)
        for (name, tensor), layer in zip(put_out.items(), last_layers(model, len(put_out), last), strict=True)
    )
    alone = bool(compiled) and compiled.get("loss") is None and adds_loss(model)
    outputs = tuple(
        as_compiled(one, inputs, asked, 0.0 if alone else weight, own_of_numbers(one, asked, compiled or {}))
        for one, (asked, weight) in zip(outputs, said_of_each(outputs, compiled or {}), strict=True)
    )
    found = Interface(tuple(inputs), outputs, hears_training=bool(model._call_has_training_arg))
    if not found.choices():
        shapes = ", ".join(str(tuple(tensor.shape)) for tensor in put_out.values())
        raise BadInput(
            f"It puts out {shapes}. What is trained here puts out a prediction for each step, (batch, time, columns), "
            "or for each sequence, (batch, columns), or a forecast of numbers, (batch, steps, columns)."
        )
    return found.choices()[0]


def adds_loss(model: keras.Model) -> bool:
    """Whether a layer has called `add_loss` in the model's last call: then `fit` needs no other loss."""
    return any(layer._losses for layer in model._flatten_layers())


def outputs_of(model: keras.Model, put_out: Any) -> dict[str, Any]:
    """What a model puts out, (batch, …) each, by name or place; one alone has no name."""
    if isinstance(put_out, dict):
        return put_out
    if not isinstance(put_out, list | tuple):
        return {"": put_out}
    names = list(getattr(model, "output_names", None) or [])
    named = len(names) == len(put_out) and len({*names}) == len(names)
    return dict(zip(names if named else map(str, range(len(put_out))), put_out, strict=True))


def last_layers(model: keras.Model, count: int, last: str) -> list[str]:
    """Of each of `count` outputs the name of the layer that makes it; empty where nothing tells."""
    if count == 1:
        return [last]
    made = getattr(model, "outputs", None) or []
    return [one._keras_history.operation.name for one in made] if len(made) == count else [""] * count


def described(name: str, predictions: np.ndarray, model: keras.Model, layer: str, inputs: Sequence[Taken]) -> PutOut:
    """An output, without what it is trained for. predictions (batch, …)."""
    shape = predictions.shape[1:]
    per_step = len(shape) == 2 and any(one.sequence and one.shape[0] == shape[0] for one in inputs)
    activation = activation_of(model, predictions, layer)
    return PutOut(name, shape, per_step, activation, labels="")


def own_of_numbers(one: PutOut, asked: Any, compiled: Mapping[str, Any]) -> bool:
    """Whether a loss of the text is for it that speaks of no classes: then several columns are numbers."""
    name = own_name(asked)
    return bool(name) and one.activation == "linear" and name not in (compiled.get("of_classes") or [])


def as_compiled(one: PutOut, inputs: Sequence[Taken], asked: Any, weight: float, numbers: bool) -> PutOut:
    """The output with its labels and its loss, as `compile` asks, or as its shape and activation suggest.

    `numbers`: its loss takes numbers.
    """
    many = one.per_step or len(one.shape) == 1
    if asked == "" or len(one.shape) > 2 or not one.shape:
        return one
    loss = loss_of(asked)
    labels = "number" if (numbers or of_numbers(asked)) and many else labels_of(one, loss, inputs)
    if labels == "class" and not many:
        return one
    one = replace(one, labels=labels, weight=weight)
    return replace(one, loss=trained_with(one, loss))


def labels_of(one: PutOut, loss: str | None, inputs: Sequence[Taken]) -> str:
    """What labels an output is trained with: as its loss takes them, else as it looks."""
    if loss in OF_CLASSES and one.columns > 1:
        return "class"
    if loss or one.activation == "sigmoid":
        return "binary"
    if one.columns == 1 or not (one.per_step or len(one.shape) == 1):
        return "number"
    again = one.per_step and any(one.shape == taken.shape for taken in inputs)  # what goes in comes out again
    return "number" if again or one.activation not in ("softmax", "linear") else "class"


def deaf(model: keras.Model) -> list[tuple[str, str]]:
    """That `fit` never tells it of training, if that matters. keras/src/backend/tensorflow/trainer.py: train_step."""
    import keras

    kinds = (keras.layers.Dropout, keras.layers.BatchNormalization, keras.layers.GaussianNoise)
    names = sorted({type(one).__name__ for one in model._flatten_layers() if isinstance(one, kinds)})
    if model._call_has_training_arg or not names:
        return []
    said = (
        f"{' and '.join(names)} will do in fit what they do in predict: call() of {type(model).__name__} takes no "
        "training, so Keras never tells it of any, and says nothing. Write call(self, inputs, training=None)."
    )
    return [("not_told_of_training", said)]


def activation_of(model: keras.Model, predictions: np.ndarray, last: str) -> str:
    """By Keras' name. Whether predictions (…, column) are those of a softmax is measured."""
    many = predictions.ndim > 1 and predictions.shape[-1] > 1
    if many and (predictions >= 0).all() and np.allclose(predictions.sum(axis=-1), 1, atol=1e-4):
        return "softmax"
    layer = next((one for one in model._flatten_layers() if one.name == last), None)
    inner = getattr(layer, "layer", layer)  # of a TimeDistributed
    return str(getattr(getattr(inner, "activation", None), "__name__", "linear"))
