"""A family from outside, for tests: a Conv1D classifier of three classes, with one field of its own."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lessons.recipe.output import Output
from lessons.recipe.settings import Settings
from lessons.recipe.spec import whole

CLASSES = 3


@dataclass(frozen=True)
class Conv(Settings):
    width: int = whole(3, 1, 9, "Kernel width", "Steps that a filter sees, this one the last.", True, (1, 3, 5))

    template: ClassVar[str] = """
{% extends "script.jinja" %}
{% block sequences %}
    x = rng.normal(size=(count, TIMESTEPS, 2))
    signal = x[:, :, 0] + np.pad(x[:, :-1, 1], ((0, 0), (1, 0)))
    truth = np.digitize(signal, [-0.6, 0.6]).astype(float)[..., None]
{% endblock %}
{% block layers %}
glorot = keras.initializers.GlorotUniform(SEED)
conv = layers.Conv1D(8, WIDTH, padding="causal", activation="relu", kernel_initializer=glorot)
{% if recipe.mask_path.passed %}
with_mask = layers.Lambda(lambda both: both[0], mask=lambda both, _: both[1])  # Conv1D drops it
{% endif %}
dense = layers.Dense(3, kernel_initializer=glorot)
{% endblock %}
{% macro predictions(x, mask) %}
{% if mask %}
dense(with_mask([conv({{ x }} * keras.ops.cast({{ mask }}, "float32")[..., None]), {{ mask }}]))
{%- else %}
dense(conv({{ x }}))
{%- endif %}
{% endmacro %}
"""

    @property
    def predicts(self):
        return Output("class", per_step=True, classes=CLASSES)

    @property
    def keeps_mask(self):
        return True

    def generated(self, lengths, rng, noise):
        x = rng.normal(size=(len(lengths), self.timesteps, 2))
        signal = x[:, :, 0] + np.pad(x[:, :-1, 1], ((0, 0), (1, 0)))
        return x, np.digitize(signal, [-0.6, 0.6]).astype(float)[..., None]

    def build(self, features=2, dtype="float32"):
        import keras
        from keras import layers

        more = {"kernel_initializer": keras.initializers.GlorotUniform(self.seed), "dtype": dtype}
        x, mask = keras.Input((self.timesteps, features), dtype=dtype), keras.Input((self.timesteps,), dtype="bool")
        hidden = x * keras.ops.cast(mask, dtype)[..., None]
        hidden = layers.Conv1D(8, self.width, padding="causal", activation="relu", **more)(hidden)
        with_mask = layers.Lambda(lambda both: both[0], mask=lambda both, _: both[1], dtype=dtype)  # Conv1D drops it
        return keras.Model([x, mask], layers.Dense(CLASSES, **more)(with_mask([hidden, mask])))
