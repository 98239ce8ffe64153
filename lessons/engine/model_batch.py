"""What somebody's own model takes, and a padded batch of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lessons.recipe.data import Bools
from lessons.recipe.interface import IDS, MASK, Taken
from lessons.recipe.model_data import drawn, scaled

if TYPE_CHECKING:
    import keras

SEQUENCES, TIMESTEPS, FEATURES, CLASSES = 8, 12, 3, 4  # of the batch, where the model leaves them open
INSIDE = 6  # words of a sentence, where sequences are of sentences
WORDS = 20  # ids of tokens, where there is no Embedding that says how many


def inputs_of(model: keras.Model, x: np.ndarray | None = None) -> list[Taken]:
    """What a model takes, in its order. `x`: (batch, time, features) of the owner's own data, where there are some.

    A model of a class, that has not been called, takes ids if it has an Embedding, else (batch, time, features).
    """
    import keras

    every = list(model._flatten_layers())
    embeddings = [layer for layer in every if isinstance(layer, keras.layers.Embedding)]
    symbols = list(getattr(model, "inputs", None) or [])
    timesteps, features = (TIMESTEPS, FEATURES) if x is None else x.shape[1:]
    sized = (one.shape[1] for one in symbols if sequence(one) and one.shape[1])
    timesteps = next(sized, timesteps)
    if not symbols:
        shape = (timesteps,) if embeddings else (timesteps, features)
        return [taken("", shape, embeddings, every)]
    found = []
    for place, one in enumerate(symbols):
        first = layer_behind(one)
        read = first if isinstance(first, keras.layers.Embedding) else None
        open_axes = [timesteps, INSIDE if read else features, *[INSIDE] * len(one.shape)]
        shape = tuple(size or opened for size, opened in zip(one.shape[1:], open_axes, strict=False))
        if is_mask(one, read):
            found.append(Taken(one.name, shape, MASK))
            continue
        ids = [read] if read else embeddings[min(place, len(embeddings) - 1) :][:1] if is_ids(one) else []
        inner = list(first._flatten_layers()) if first is not None else []
        found.append(taken(one.name, shape, ids, every if len(symbols) == 1 else inner))
    return found


def taken(name: str, shape: tuple[int, ...], embeddings: list, layers: list) -> Taken:
    """An input of numbers, or of ids where there are Embeddings. `layers`: those that may make a mask of it."""
    mark = mark_of(layers)
    if not embeddings:
        return Taken(name, shape, mark=mark)
    return Taken(name, shape, IDS, embeddings[0].input_dim or WORDS, mark)


def sequence(symbol: keras.KerasTensor) -> bool:
    """Whether an input has steps, as far as its shape (batch, …) tells."""
    return len(symbol.shape) > 2 or is_ids(symbol)


def is_ids(symbol: keras.KerasTensor) -> bool:
    """Whether an input (batch, time) without an Embedding behind it is read by one further on, in a layer."""
    import keras

    if len(symbol.shape) != 2 or symbol.dtype == "bool" or "mask" in symbol.name.lower():
        return False
    first = layer_behind(symbol)
    inner = list(first._flatten_layers()) if first is not None else []
    return any(isinstance(one, keras.layers.Embedding) for one in inner)


def is_mask(symbol: keras.KerasTensor, read: Any) -> bool:
    """Whether an input (batch, time) holds a mask. `read`: the Embedding behind it, if there is one."""
    if len(symbol.shape) != 2 or read is not None:
        return False
    return symbol.dtype == "bool" or "mask" in symbol.name.lower() or (symbol.shape[1] is None and not is_ids(symbol))


def layer_behind(symbol: keras.KerasTensor, opened: Any = None) -> Any:
    """The layer that reads an input; of one that is `opened` the first inside; None where none does.

    `opened`: classes; None: models, and those that wrap a layer, such as TimeDistributed.
    """
    import keras

    nodes = symbol._keras_history.operation._outbound_nodes
    first: Any = next((node.operation for node in nodes if isinstance(node.operation, keras.Layer)), None)
    while isinstance(first, opened or (keras.layers.Wrapper, keras.Model)):
        if isinstance(first, keras.layers.Wrapper):
            first = first.layer
        else:
            inner = (one for one in first.layers if not isinstance(one, keras.layers.InputLayer))
            first = next(inner, None)
    return first


def mark_of(layers: list) -> float | None:
    """What a layer looks for in padded inputs, to make a mask; None where none does. Nothing is equal to NaN."""
    import keras

    for layer in layers:
        if isinstance(layer, keras.layers.Masking):
            mark = float(layer.mask_value)
            return None if np.isnan(mark) else mark
        if isinstance(layer, keras.layers.Embedding) and layer.mask_zero:
            return 0.0
    return None


def batch_for(inputs: list[Taken], x: np.ndarray | None = None, real: Bools | None = None) -> tuple[Any, Bools]:
    """A padded batch, one array or a list of them, and the real steps (batch, time) of its longest sequences.

    `x` (batch, time, features), `real`: of the owner's own data, where there are some. Padding holds what the model
    makes a mask of, and 0 for ids.
    """
    rng = np.random.default_rng(0)
    timesteps = next((one.shape[0] for one in inputs if one.sequence), TIMESTEPS)
    if x is None or real is None:
        lengths = rng.integers(max(1, timesteps // 3), timesteps + 1, SEQUENCES)
        lengths[0] = timesteps
        real = np.arange(timesteps) < lengths[:, None]
    lengths, arrays = real.sum(axis=1), []
    for one in inputs:
        own = x is not None and one.sequence and one.kind != IDS and one.shape == x.shape[1:]
        values = x if own else None if one.kind == MASK else drawn(one, len(real), rng)
        steps = real
        if one.shape[0] != real.shape[1]:
            steps = np.arange(one.shape[0]) < scaled(lengths, real.shape[1], one.shape[0])[:, None]
        if values is None:
            arrays.append(steps.copy())
        elif not one.sequence:
            arrays.append(values.astype("float32"))
        else:
            held = np.where(steps[..., None], values, one.mark or 0.0).reshape(len(real), *one.shape)
            arrays.append(held.astype("int64" if one.kind == IDS else "float32"))
    return arrays[0] if len(arrays) == 1 else arrays, real
