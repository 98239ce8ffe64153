"""PyTorch's LSTM in Keras: the cell, data drawn for it, its states step by step, and its training.

Keras' cell computes what PyTorch's does, its gates in the same order. Libraries are imported inside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lessons.recipe.data import Floats, Whole

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

UNITS, FEATURES = 4, 3


def drawn() -> tuple[keras.layers.LSTMCell, Floats, Floats, Whole, Floats]:
    """PyTorch's LSTM cell and its data: cell, head (units,), x (batch, time, features), mask, targets (epoch, batch).

    The weights are drawn as PyTorch draws them.
    """
    import keras
    import numpy as np

    rng = np.random.default_rng(9)
    reach = UNITS**-0.5
    shapes = (4 * UNITS, FEATURES), (4 * UNITS, UNITS), (4 * UNITS,), (UNITS,)
    kernel, recurrent, bias, head = (rng.uniform(-reach, reach, shape) for shape in shapes)
    cell = keras.layers.LSTMCell(UNITS, dtype="float64")
    cell.build((None, FEATURES))
    cell.set_weights([kernel.T, recurrent.T, bias])
    x = rng.normal(size=(4, 6, FEATURES))
    mask = np.array([[1, 1, 1, 1, 0, 0]] * 4)  # the last two steps are padding
    return cell, head, x, mask, rng.normal(size=(150, 4))


def run_through(cell: keras.layers.LSTMCell, x: Floats, mask: Whole | None = None, hold: str = "") -> tf.Tensor:
    """h and c (2, batch, time, units) after every step. `hold` names those that rest where the mask is 0."""
    import tensorflow as tf

    state, found = [tf.zeros((x.shape[0], UNITS), tf.float64)] * 2, []
    for step in range(x.shape[1]):
        before, state = state, cell(x[:, step], state)[1]
        if mask is not None and hold:
            resting = mask[:, step, None] == 0
            pairs = zip("hc", before, state, strict=True)
            state = [tf.where(resting & (name in hold), old, new) for name, old, new in pairs]
        found.append(tf.stack(state))
    return tf.stack(found, axis=2)


def last_losses(x: Floats, head: Floats, targets: Floats) -> float:
    """The mean loss of the last 50 updates of 150 with SGD, each with one row of `targets` (epoch, batch)."""
    import keras
    import numpy as np

    dense = keras.layers.Dense(1, use_bias=False, dtype="float64")
    model = keras.Sequential([keras.Input(x.shape[1:]), keras.layers.RNN(drawn()[0], dtype="float64"), dense])
    dense.set_weights([head[:, None]])
    model.compile(keras.optimizers.SGD(0.5), keras.losses.MeanSquaredError(dtype="float64"))
    for some in (targets[:100], targets[100:]):
        same = np.tile(x, (len(some), 1, 1))
        told = model.fit(same, some.reshape(-1, 1), batch_size=len(x), shuffle=False, verbose=0)
    return told.history["loss"][0]
