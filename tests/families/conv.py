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
# %% Model
import keras
from keras import layers


class WithMask(layers.Layer):
    def call(self, given):
        return given[0]

    def compute_mask(self, given, previous=None):
        return given[1]


glorot = keras.initializers.GlorotUniform({{ s.seed }})
x = keras.Input(train.x.shape[1:])
mask = keras.Input(train.mask.shape[1:], dtype="bool")
real = keras.ops.expand_dims(keras.ops.cast(mask, "float32"), -1)
conv = layers.Conv1D(8, {{ s.width }}, padding="causal", activation="relu", kernel_initializer=glorot)
hidden = conv(x * real)
{% if recipe.mask_path.passed %}
hidden = WithMask()([hidden, mask])
{% endif %}
y = layers.Dense(3, kernel_initializer=glorot)(hidden)
model = keras.Model([x, mask], y)
{% set kind = {"adam": "Adam", "sgd": "SGD", "rmsprop": "RMSprop"}[s.optimizer] %}
model.compile(keras.optimizers.{{ kind }}({{ s.learning_rate }}), loss={{ loss.name }}, jit_compile=False)

# %% Training
history = model.fit(
    [train.x, train.mask],
    train.y,
    validation_data=([held_out.x, held_out.mask], held_out.y),
    epochs={{ s.epochs }},
    batch_size={{ recipe.update_size }},
    shuffle=False,
    verbose=0,
).history
print("epoch loss val_loss")
for epoch, losses in enumerate(zip(history["loss"], history["val_loss"]), 1):
    print(epoch, *(f"{value:.9g}" for value in losses))
"""

    @property
    def predicts(self):
        return Output("class", per_step=True, classes=CLASSES)

    @property
    def keeps_mask(self):
        return True

    def generated(self, count, rng, noise):
        return sequences(self, count, rng, noise)

    def build(self, features=2, dtype="float32"):
        import keras
        from keras import layers

        class WithMask(layers.Layer):
            def call(self, given):
                return given[0]

            def compute_mask(self, given, previous=None):
                return given[1]

        def glorot():
            return keras.initializers.GlorotUniform(self.seed)

        x = keras.Input((self.timesteps, features), dtype=dtype)
        mask = keras.Input((self.timesteps,), dtype="bool")
        real = keras.ops.expand_dims(keras.ops.cast(mask, dtype), -1)
        conv = layers.Conv1D(
            8, self.width, padding="causal", activation="relu", kernel_initializer=glorot(), dtype=dtype
        )
        hidden = WithMask(dtype=dtype)([conv(x * real), mask])
        y = layers.Dense(CLASSES, kernel_initializer=glorot(), dtype=dtype)(hidden)
        return keras.Model([x, mask], y)


def sequences(settings, count, rng, noise):
    """Inputs (count, time, 2) and class ids (count, time, 1) that depend on this step and the one before."""
    x = rng.normal(size=(count, settings.timesteps, 2))
    signal = x[:, :, 0] + np.pad(x[:, :-1, 1], ((0, 0), (1, 0)))
    return x, np.digitize(signal, [-0.6, 0.6]).astype(float)[..., None]
