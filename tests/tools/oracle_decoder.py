"""The decoder as a learner writes it with plain Keras, for oracle.py. Nothing of lessons/ but Settings."""

import keras
import tensorflow as tf
from keras import layers

from lessons.recipe.settings import Settings
from tests.tools.oracle_encoder import ByHand, HungOn

TOKENS, SEPARATOR = 12, 2


class Embedded(layers.Layer):
    """Of rows with a single 1: the embedding of a token, and that of its place in the text, added."""

    def __init__(self, s: Settings, glorot):
        super().__init__()
        self.table = self.add_weight(shape=(TOKENS, s.units), initializer=glorot)
        places = keras.initializers.RandomUniform(seed=s.seed)
        self.places = self.add_weight(shape=(s.timesteps, s.units), initializer=places)

    def call(self, x):
        return tf.tensordot(x, self.table, 1) + self.places


def decoder(s: Settings, mask_route: str):
    """Inputs and output of the model."""
    glorot = keras.initializers.GlorotUniform(s.seed)
    x = keras.Input((s.timesteps, TOKENS))
    if mask_route == "mask input":
        mask = keras.Input((s.timesteps,), dtype="bool")
        given = [x, mask]
    elif mask_route == "Masking layer":
        given, mask = x, layers.Masking(0.0)(x)._keras_mask
    else:
        given, mask = x, keras.ops.ones_like(x[:, :, 0], dtype="bool")
    hidden = Embedded(s, glorot)(x)
    whole = keras.ops.repeat(keras.ops.expand_dims(mask, 1), s.timesteps, axis=1)
    if s.causal_mask == "causal":
        place = keras.ops.arange(s.timesteps)
        whole = keras.ops.logical_and(whole, place[None, :, None] >= place[None, None, :])
    if s.masked_score == "layer":
        attended = layers.MultiHeadAttention(1, 8, kernel_initializer=glorot)(hidden, hidden, attention_mask=whole)
    else:
        attended = ByHand(s.masked_score, s.units, glorot)(hidden, whole)
    hidden = layers.Add()([hidden, attended])
    hidden = layers.Add()([hidden, layers.Dense(s.units, activation="relu", kernel_initializer=glorot)(hidden)])
    if mask_route != "no mask":
        if s.counted == "answer":
            begun = keras.ops.cumsum(keras.ops.cast(keras.ops.equal(x[:, :, SEPARATOR], 1.0), "float32"), axis=1)
            mask = keras.ops.logical_and(mask, begun >= 1.0)
        hidden = HungOn()([hidden, mask])
    return given, layers.Dense(TOKENS, kernel_initializer=glorot)(hidden)
