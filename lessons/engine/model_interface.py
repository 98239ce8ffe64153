"""What goes into a model and what comes out of it, measured on a batch: what a training needs to know of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lessons.recipe.bad_input import BadInput
from lessons.recipe.model import PADDED, Interface

if TYPE_CHECKING:
    import keras


def interfaces_of(model: keras.Model, batch: Any, last: str) -> list[Interface]:
    """One for each output that can be trained. `batch`: the arrays that the model takes, see model_batch.

    `last`: the name of the layer that is called last. Raises BadInput where none can be trained here, in a sentence
    that says what can.
    """
    inputs = [np.asarray(one) for one in (batch if isinstance(batch, list) else [batch])]
    first, others = inputs[0], inputs[1:]
    words = first.dtype.kind == "i"
    if first.ndim != (2 if words else 3) or [one.dtype.kind for one in others] not in ([], ["b"]):
        shapes = ", ".join(str(one.shape) for one in inputs)
        raise BadInput(
            f"It takes {shapes}. What is trained here has one input, (batch, time, features) or ids (batch, time), and "
            "perhaps a mask (batch, time)."
        )
    mark = mark_of(model)
    common: dict[str, Any] = {
        "timesteps": first.shape[1],
        "features": 1 if words else first.shape[2],
        "words": words_of(model) if words else 0,
        "mark": mark if mark in PADDED else None,
        "given": bool(others),
        "hears_training": bool(model._call_has_training_arg),
    }
    put_out = outputs_of(model(batch, training=False))
    lasts = last_layers(model, list(put_out), last)
    found = []
    for name, tensor in put_out.items():
        predictions = np.asarray(tensor)
        per_step = predictions.ndim == 3 and predictions.shape[:2] == first.shape[:2]
        if per_step or predictions.ndim == 2:
            activation = activation_of(model, predictions, lasts[name])
            columns = predictions.shape[-1]
            found.append(Interface(**common, per_step=per_step, columns=columns, activation=activation, output=name))
    if not found:
        shapes = ", ".join(str(tuple(tensor.shape)) for tensor in put_out.values())
        raise BadInput(
            f"It puts out {shapes}. What is trained here puts out a prediction for each step, (batch, time, columns), "
            "or for each sequence, (batch, columns)."
        )
    return found


def outputs_of(put_out: Any) -> dict[str, Any]:
    """What a model puts out, (batch, …) each, by name or place; one alone has no name."""
    if isinstance(put_out, dict):
        return put_out
    if isinstance(put_out, list | tuple):
        return {str(place): one for place, one in enumerate(put_out)}
    return {"": put_out}


def last_layers(model: keras.Model, outputs: list[str], last: str) -> dict[str, str]:
    """Of each output the name of the layer that makes it; empty where nothing tells."""
    if outputs == [""]:
        return {"": last}
    made = getattr(model, "outputs", None) or []
    names = [one._keras_history.operation.name for one in made]
    return dict(zip(outputs, names, strict=True)) if len(names) == len(outputs) else dict.fromkeys(outputs, "")


def mark_of(model: keras.Model) -> float | None:
    """What a layer of the model looks for in padded inputs, to make a mask; None where none does."""
    import keras

    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.Masking):
            return float(layer.mask_value)
        if isinstance(layer, keras.layers.Embedding) and layer.mask_zero:
            return 0.0
    return None


def words_of(model: keras.Model) -> int:
    import keras

    return next(layer.input_dim for layer in model._flatten_layers() if isinstance(layer, keras.layers.Embedding))


def deaf(model: keras.Model) -> list[str]:
    """That `fit` never tells it of training, if that matters. keras/src/backend/tensorflow/trainer.py: train_step."""
    import keras

    kinds = (keras.layers.Dropout, keras.layers.BatchNormalization, keras.layers.GaussianNoise)
    names = sorted({type(one).__name__ for one in model._flatten_layers() if isinstance(one, kinds)})
    if model._call_has_training_arg or not names:
        return []
    return [
        f"{' and '.join(names)} will do in fit what they do in predict: call() of {type(model).__name__} takes no "
        "training, so Keras never tells it of any, and says nothing. Write call(self, inputs, training=None)."
    ]


def activation_of(model: keras.Model, predictions: np.ndarray, last: str) -> str:
    """By Keras' name. Whether predictions (…, column) are those of a softmax is measured."""
    if predictions.shape[-1] > 1 and (predictions >= 0).all() and np.allclose(predictions.sum(axis=-1), 1, atol=1e-4):
        return "softmax"
    layer = next((one for one in model._flatten_layers() if one.name == last), None)
    inner = getattr(layer, "layer", layer)  # of a TimeDistributed
    return str(getattr(getattr(inner, "activation", None), "__name__", "linear"))
