"""The encoder as a learner writes it with plain Keras, for oracle.py. Nothing of lessons/ but Settings."""

import keras
import tensorflow as tf
from keras import layers

from lessons.recipe.settings import Settings

MASKED = {"inf": float("-inf"), "zeroed": float("-inf"), "1e9": -1e9, "3e4": -3e4}
SIZE = 8


class HungOn(layers.Layer):
    """Hands on its first input with the second as its mask."""

    def call(self, both):
        return both[0]

    def compute_mask(self, both, mask=None):
        return both[1]


class ByHand(layers.Layer):
    """Attention as in a tutorial: scores, something added to masked ones, softmax, weighted values."""

    def __init__(self, masked_score: str, units: int, glorot, heads: int = 1, score_dtype: str = "float32"):
        super().__init__()
        self.masked_score, self.score_dtype = masked_score, score_dtype
        split = {"output_shape": (None, heads, SIZE), "bias_axes": "nh", "kernel_initializer": glorot}
        self.projections = [layers.EinsumDense("btf,fnh->btnh", **split) for _ in range(3)]
        self.join = layers.EinsumDense("btnh,nhf->btf", (None, units), bias_axes="f", kernel_initializer=glorot)

    def call(self, hidden, mask):
        q, k, v = (tf.transpose(project(hidden), (0, 2, 1, 3)) for project in self.projections)
        scores = tf.cast(tf.matmul(q, k, transpose_b=True) / SIZE**0.5, self.score_dtype)
        nothing, masked = tf.zeros((), scores.dtype), tf.cast(MASKED[self.masked_score], scores.dtype)
        weights = tf.cast(tf.nn.softmax(scores + tf.where(mask[:, None], nothing, masked)), v.dtype)
        if self.masked_score == "zeroed":
            weights = tf.where(mask[:, None], weights, tf.zeros_like(weights))
        return self.join(tf.transpose(tf.matmul(weights, v), (0, 2, 1, 3)))


def encoder(s: Settings, mask_route: str):
    """Inputs and output of the model."""
    glorot = keras.initializers.GlorotUniform(s.seed)
    x = keras.Input((s.timesteps, 2))
    if mask_route == "mask input":
        mask = keras.Input((s.timesteps,), dtype="bool")
        given = [x, mask]
    elif mask_route == "Masking layer":
        given, mask = x, layers.Masking(0.0)(x)._keras_mask
    else:
        given, mask = x, keras.ops.ones_like(x[:, :, 0], dtype="bool")
    hidden = layers.Dense(s.units, activation="tanh", kernel_initializer=glorot)(x)
    hidden = layers.Add()([hidden, attended(s, hidden, mask, glorot)])
    if s.pooling == "none" and mask_route != "no mask":
        hidden = HungOn()([hidden, mask])
    elif s.pooling == "average":
        hidden = layers.GlobalAveragePooling1D()(hidden, mask=mask)
    elif s.pooling == "average_all":
        hidden = keras.ops.mean(hidden, axis=1)
    elif s.pooling == "max":
        hidden = keras.ops.max(keras.ops.where(keras.ops.expand_dims(mask, -1), hidden, -1e9), axis=1)
    elif s.pooling == "max_all":
        hidden = layers.GlobalMaxPooling1D()(hidden)
    return given, layers.Dense(1, kernel_initializer=glorot)(hidden)


def attended(s: Settings, hidden, mask, glorot):
    """What the attention adds. The mask it is given is a whole one, (batch, query, key)."""
    keys = keras.ops.repeat(keras.ops.expand_dims(mask, 1), s.timesteps, axis=1)
    whole = {
        "aligned": keras.ops.logical_and(keys, keras.ops.transpose(keys, (0, 2, 1))),
        "keys": keys,
        "queries": keras.ops.transpose(keys, (0, 2, 1)),
        "inverted": keras.ops.logical_not(keys),
        "none": keras.ops.ones_like(keys),
    }[s.attention_mask]
    if s.masked_score in MASKED:
        return ByHand(s.masked_score, s.units, glorot, s.heads, s.score_dtype)(hidden, whole)
    attention = layers.MultiHeadAttention(s.heads, SIZE, kernel_initializer=glorot)
    mask = {} if s.attention_mask == "none" else {"attention_mask": whole}
    if s.masked_score == "returned":
        return attention(hidden, hidden, return_attention_scores=True, **mask)[0]
    return attention(hidden, hidden, **mask)
