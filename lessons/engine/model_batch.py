"""A padded batch for any Keras model, made to its inputs."""

from typing import Any

import keras
import numpy as np

from lessons.recipe.data import Bools
from lessons.runs.model_batch import FEATURES, SEQUENCES, TIMESTEPS, WORDS


def batch_for(model: keras.Model, x: np.ndarray | None = None, real: Bools | None = None) -> tuple[Any, Bools]:
    """A padded batch that the model takes, one array or a list of them, and its real steps (batch, time).

    `x` (batch, time, features), `real`: of the owner's own data, where there are some. Padding is what a Masking layer
    of the model looks for, and 0 for ids.
    """
    every = list(model._flatten_layers())
    embeddings = [layer for layer in every if isinstance(layer, keras.layers.Embedding)]
    mark = next((layer.mask_value for layer in every if isinstance(layer, keras.layers.Masking)), 0.0)
    shapes = [tuple(one.shape) for one in model.inputs] if getattr(model, "inputs", None) else None
    if shapes is None:
        shapes = [(None, None)] if embeddings else [(None, None, None)]
    rng = np.random.default_rng(0)
    steps = next((shape[1] for shape in shapes if len(shape) > 1 and shape[1]), None)
    if x is None or real is None:
        steps = steps or TIMESTEPS
        lengths = rng.integers(max(1, steps // 3), steps + 1, SEQUENCES)
        lengths[0] = steps
        real = np.arange(steps) < lengths[:, None]
    inputs = []
    for place, shape in enumerate(shapes):
        ids = len(shape) == 2 and bool(embeddings)
        if len(shape) == 2 and not ids:
            inputs.append(real.copy())
        elif ids:
            words = embeddings[min(place, len(embeddings) - 1)].input_dim or WORDS
            inputs.append(np.where(real, rng.integers(1, max(2, words), real.shape), 0))
        elif x is not None and len(shape) == 3:
            inputs.append(np.where(real[..., None], x, mark).astype("float32"))
        else:
            size = (*real.shape, *(axis or FEATURES for axis in shape[2:]))
            spread = real.reshape(*real.shape, *[1] * (len(size) - 2))
            inputs.append(np.where(spread, rng.normal(size=size), mark).astype("float32"))
    return inputs[0] if len(inputs) == 1 else inputs, real
