"""The family with a layer of one's own as a learner writes it with plain Keras, for oracle.py."""

import keras
import tensorflow as tf
from keras import layers

from lessons.recipe.settings import Settings
from tests.tools.oracle_encoder import HungOn


class WithoutMask(layers.Layer):
    """Knows of no mask."""

    def call(self, x):
        return x - tf.reduce_mean(x, axis=1, keepdims=True)


class WithMask(layers.Layer):
    """Takes it, and hands none on."""

    def call(self, x, mask=None):
        if mask is None:
            return x - tf.reduce_mean(x, axis=1, keepdims=True)
        inside = tf.cast(mask, x.dtype)[:, :, None]
        total = tf.reduce_sum(x * inside, axis=1, keepdims=True)
        return x - total / tf.maximum(tf.reduce_sum(inside, axis=1, keepdims=True), 1.0)


class Same(WithMask):
    """Says itself which mask comes out."""

    def compute_mask(self, x, mask=None):
        return mask


class Nothing(WithMask):
    """Says that none does."""

    def compute_mask(self, x, mask=None):
        return None


def own_layer(s: Settings, mask_route: str):
    """Inputs and output of the model."""
    glorot = keras.initializers.GlorotUniform(s.seed)
    given = x = keras.Input((s.timesteps, 2))
    if mask_route == "mask input":
        mask = keras.Input((s.timesteps,), dtype="bool")
        given, x = [x, mask], HungOn()([x, mask])
    elif mask_route == "Masking layer":
        x = layers.Masking(0.0)(x)
    hidden = layers.Dense(s.units, kernel_initializer=glorot)(x)
    kinds = {"plain": WithoutMask, "supports": WithoutMask, "computes": Same, "forgets": Nothing}
    centred = kinds.get(s.layer, WithMask)()
    if s.layer in ("supports", "both"):
        centred.supports_masking = True
    hidden = layers.Dense(s.units, activation="relu", kernel_initializer=glorot)(centred(hidden))
    return given, layers.Dense(1, kernel_initializer=glorot)(hidden)
