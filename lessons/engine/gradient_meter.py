"""Where does the gradient go? A Keras callback for anybody's own `fit`.

    from gradient_meter import GradientMeter

    meter = GradientMeter(x, y, real=real)      # real: (batch, time), True for real steps
    model.fit(x, y, callbacks=[meter])
    print(meter)                                # what was found, in sentences
    meter.figure().show()                       # where Plotly is installed

At the beginning of each epoch it takes the gradient of the loss on this one batch, with respect to the predictions and
to the inputs. Needs Keras 3 on TensorFlow and NumPy. MIT licence, Unmasked.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

PAST = "The loss is not made of the predictions, but inside the model: no gradient arrives at them, some at the inputs."


class GradientMeter(keras.callbacks.Callback):
    """Records the size of the gradient at each step of a batch, epoch by epoch.

    `x`, `y`, `sample_weight`: a batch as `fit` is given it. `real`: (batch, time), True for real steps. `gradients`
    (epoch, batch, time) are those at the predictions, `input_gradients` those at the first input of floats; a
    prediction without a time axis has one step.
    """

    def __init__(self, x: Any, y: Any, real: Any, sample_weight: Any = None):
        super().__init__()
        self.x, self.y, self.sample_weight = x, y, sample_weight
        self.real = np.asarray(real, bool)
        self.measured: list[tuple[np.ndarray, np.ndarray]] = []
        self.losses: list[float] = []

    @property
    def gradients(self) -> np.ndarray:
        """(epoch, batch, time) float."""
        return np.array([at_predictions for at_predictions, _ in self.measured], float)

    @property
    def input_gradients(self) -> np.ndarray:
        """(epoch, batch, time) float."""
        return np.array([at_inputs for _, at_inputs in self.measured], float)

    @property
    def leak(self) -> np.ndarray:
        """(epoch,) the share of the gradient that lies on padding; NaN where all of it is 0 or some is not finite.

        At the predictions; where these have no time axis, or the loss is not made of them, at the inputs.
        """
        there = self.gradients.shape[1:] == self.real.shape and self.gradients.any()
        gradients = self.gradients if there else self.input_gradients
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((gradients * ~self.real).sum(axis=(1, 2)) / gradients.sum(axis=(1, 2)))

    @property
    def starved(self) -> np.ndarray:
        """(batch, time) the real steps that no gradient ever reached at the inputs."""
        return self.real & (np.nan_to_num(self.input_gradients, nan=1.0).max(axis=0, initial=0.0) == 0)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        kept = [(variable, variable.numpy()) for variable in self.model.non_trainable_variables]
        loss, at_predictions, at_inputs = self._measure()
        for (
            variable,
            value,
        ) in kept:  # averages of BatchNormalization, seeds of Dropout: the training goes on as without
            variable.assign(value)
        self.losses.append(float(loss))
        self.measured.append((sizes(at_predictions), sizes(at_inputs)))

    @tf.function(autograph=False)
    def _measure(self) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """The loss on the batch, and its gradients; before the epoch's first update."""
        inputs = tf.nest.map_structure(tf.convert_to_tensor, self.x)
        watched = next(one for one in tf.nest.flatten(inputs) if one.dtype.is_floating)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(watched)
            made = self.model(inputs, training=True)
            # Of a copy, for Keras' cross-entropies look for the logits behind a sigmoid or a softmax, past the
            # predictions (keras/src/backend/tensorflow/nn.py: _get_logits).
            predictions = tf.identity(made)
            if (mask := getattr(made, "_keras_mask", None)) is not None:
                predictions._keras_mask = mask
            loss = self.model.compute_loss(inputs, self.y, predictions, sample_weight=self.sample_weight)
        zero = tf.UnconnectedGradients.ZERO
        return (
            loss,
            tape.gradient(loss, predictions, unconnected_gradients=zero),
            tape.gradient(loss, watched, unconnected_gradients=zero),
        )

    def __str__(self) -> str:
        return "\n".join(self.says)

    @property
    def says(self) -> list[str]:
        """What was found, in sentences."""
        if not self.measured:
            return ["Nothing is measured yet: give the meter to fit, in callbacks."]
        said = []
        odd = [epoch for epoch, loss in enumerate(self.losses) if not np.isfinite(loss)]
        if odd:
            said.append(f"The loss is not finite from epoch {odd[0] + 1} on.")
        broken = [epoch for epoch, both in enumerate(self.measured) if not all(np.isfinite(one).all() for one in both)]
        if broken and (not odd or broken[0] <= odd[0]):
            first, loss = broken[0] + 1, self.losses[broken[0]]
            said.append(f"The gradient is not finite from epoch {first} on, at a loss of {loss:.3g}.")
        leak = self.leak[np.isfinite(self.leak)]
        if leak.size and leak.max() > 0:
            said.append(
                f"Padding gets {leak[0]:.2%} of the gradient at first and {leak[-1]:.2%} at last: it is trained on."
            )
        if starved := int(self.starved.sum()):
            said.append(f"{starved} of {self.real.sum()} real steps never got any gradient: the mask leaves them out.")
        if not self.gradients.any():
            past = self.input_gradients.any()  # as where a layer adds the loss
            said.append(PAST if past else "The gradient is 0 everywhere: nothing is learned.")
        return said or ["All of the gradient lies on real steps, and every real step got some."]

    def figure(self, epoch: int = -1) -> Any:
        """The gradient of an epoch as a Plotly heatmap, sequence by step, padding in orange. Raises ImportError."""
        import plotly.graph_objects as go

        gradients = self.gradients if self.gradients.shape[1:] == self.real.shape else self.input_gradients
        with np.errstate(divide="ignore", invalid="ignore"):
            size = np.log10(gradients[epoch])
        size[~np.isfinite(size)] = np.nan  # exactly 0: drawn as paper
        high = np.nanmax(size) if np.isfinite(size).any() else 0.0
        parts = (("real steps", self.real, "Blues"), ("padding", ~self.real, "Oranges"))
        figure = go.Figure(layout={"title": "log10 of the gradient", "xaxis": {"title": "step"}})
        figure.update_yaxes(title="sequence", autorange="reversed")
        for name, where, colours in parts:
            z = np.where(where, size, np.nan)
            figure.add_heatmap(
                z=z, name=name, colorscale=colours, zmin=high - 6, zmax=high, showscale=name != "padding"
            )
        return figure


def sizes(gradient: Any) -> np.ndarray:
    """(batch, time) the norm of a gradient (batch, time, column) or (batch, column)."""
    values = np.asarray(gradient, float)
    values = values[:, None] if values.ndim == 2 else values
    return np.asarray(np.sqrt((values**2).sum(axis=tuple(range(2, values.ndim)))))
