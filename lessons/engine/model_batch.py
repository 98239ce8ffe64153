"""A padded batch for somebody's own model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lessons.recipe.data import Bools

if TYPE_CHECKING:
    import keras

SEQUENCES, TIMESTEPS, FEATURES, CLASSES = 8, 12, 3, 4  # of the batch, where the model leaves them open
WORDS_INSIDE = 6  # of a sentence, where sequences are of sentences
WORDS = 20  # ids of tokens, where there is no Embedding that says how many


def reads_ids(model: keras.Model, place: int) -> bool:
    """Whether an Embedding comes first behind an input, perhaps inside a TimeDistributed or a model."""
    import keras

    nodes = model.inputs[place]._keras_history.operation._outbound_nodes if getattr(model, "inputs", None) else []
    first = next((node.operation for node in nodes if isinstance(node.operation, keras.Layer)), None)
    while not isinstance(first, keras.layers.Embedding):
        if isinstance(first, keras.layers.Wrapper):
            first = first.layer
        elif isinstance(first, keras.Model):
            first = next((one for one in first.layers if not isinstance(one, keras.layers.InputLayer)), None)
        else:
            return False
    return True


def batch_for(model: keras.Model, x: np.ndarray | None = None, real: Bools | None = None) -> tuple[Any, Bools]:
    """A padded batch that the model takes, one array or a list of them, and its real steps (batch, time).

    `x` (batch, time, features), `real`: of the owner's own data, where there are some. Padding is what a Masking layer
    of the model looks for, and 0 for ids.
    """
    import keras

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
        ids = bool(embeddings) and (len(shape) == 2 or reads_ids(model, place))
        if len(shape) == 2 and not ids:
            inputs.append(real.copy())
        elif ids:
            words = embeddings[min(place, len(embeddings) - 1)].input_dim or WORDS
            size = (*real.shape, *(axis or WORDS_INSIDE for axis in shape[2:]))
            spread = real.reshape(*real.shape, *[1] * (len(size) - 2))
            inputs.append(np.where(spread, rng.integers(1, max(2, words), size), 0))
        elif x is not None and len(shape) == 3:
            inputs.append(np.where(real[..., None], x, mark).astype("float32"))
        else:
            size = (*real.shape, *(axis or FEATURES for axis in shape[2:]))
            spread = real.reshape(*real.shape, *[1] * (len(size) - 2))
            inputs.append(np.where(spread, rng.normal(size=size), mark).astype("float32"))
    return inputs[0] if len(inputs) == 1 else inputs, real
