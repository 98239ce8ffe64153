"""Encoder: self-attention over padded sequences, and a prediction at each step or, after a pooling, per sequence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from lessons.recipe.data import Bools, Floats, Whole
from lessons.recipe.output import Output
from lessons.recipe.settings import Settings
from lessons.recipe.spec import choice, whole

if TYPE_CHECKING:
    import keras

FEATURES = 2  # of a step: a mark, and a value
MARKED = 0.3  # share of the steps that carry the mark, besides the first
NOISE = 0.05  # deviation of the mark
SIZE = 8  # of a key, a query and a value, per head
OWN = ("layer", "returned")  # what the layer itself does with a masked score
# What a hand-written attention adds to a masked score.
SCORES = {"inf": -np.inf, "zeroed": -np.inf, "1e9": -1e9, "3e4": -3e4}

# Of a script: an attention by hand, its layers and its weights. `attends`: the expression, or that of each way.
LAYERS_BY_HAND = """\
{% set heads = "HEADS" if s.heads is defined else "1" %}
split = {"bias_axes": "nh", "kernel_initializer": glorot}
query, key, value = (layers.EinsumDense("btf,fnh->btnh", (None, {{ heads }}, 8), **split) for _ in range(3))
join = layers.EinsumDense("btnh,nhf->btf", (None, UNITS), bias_axes="f", kernel_initializer=glorot)
"""
WEIGHTS_BY_HAND = """\
{% set score = {"1e9": "-1e9", "3e4": "-3e4"}.get(s.masked_score, 'float("-inf")') %}
{% set half = s.score_dtype is defined and s.score_dtype == "float16" %}
{% set masked = s.attention_mask is undefined or s.attention_mask != "none" %}
    scores = keras.ops.einsum("bqnh,bknh->bnqk", query(hidden), key(hidden)) / 8**0.5
{% if masked %}
{% set which = attends[s.attention_mask] if s.attention_mask is defined else attends %}
    attends = ({{ which }})[:, None]  # (batch, head, query, key)
{% endif %}
{% set added = "keras.ops.where(attends, 0.0, " + score + ")" %}
{% if half %}
    scores = keras.ops.cast(scores, "float16"){{ " + keras.ops.cast(" + added + ', "float16")' if masked }}
    weights = keras.ops.cast(keras.ops.softmax(scores), "float32")
{% else %}
    weights = keras.ops.softmax(scores{{ " + " + added if masked }})
{% endif %}
{% if masked and s.masked_score == "zeroed" %}
    weights = keras.ops.where(attends, weights, 0.0)
{% endif %}
{% set attended = 'join(keras.ops.einsum("bnqk,bknh->bqnh", weights, value(hidden)))' %}
"""


@dataclass(frozen=True)
class Encoder(Settings):
    """One self-attention with a residual. The marked steps of a sequence hold its value, and that is the label."""

    attention_mask: str = choice(
        "aligned",
        {
            "aligned": "aligned: real queries, real keys",
            "keys": "keys only: mask[:, None, :]",
            "queries": "queries only, the transposed: mask[:, :, None]",
            "inverted": "inverted: True means ignore",
            "none": "none passed",
        },
        "Attention mask",
        "Made of the mask, (batch, query, key). In Keras True means attend.",
        True,
    )
    pooling: str = choice(
        "none",
        {
            "none": "none: a label at every step",
            "average": "average over the steps of the mask",
            "max": "maximum over the steps of the mask",
            "average_all": "average over all steps",
            "max_all": "maximum over all steps",
        },
        "Pooling",
        "What makes one prediction of the steps. GlobalAveragePooling1D takes a mask, GlobalMaxPooling1D takes none.",
        True,
    )
    masked_score: str = choice(
        "layer",
        {
            "layer": "MultiHeadAttention’s own",
            "returned": "its own, return_attention_scores=True",
            "inf": "by hand: −inf added",
            "zeroed": "by hand: −inf added, masked weights set to 0",
            "1e9": "by hand: −1e9 added",
            "3e4": "by hand: −3e4 added",
        },
        "A masked score",
        "What happens to a score before the softmax, where the attention mask is False.",
        True,
    )
    score_dtype: str = choice(
        "float32",
        ("float32", "float16"),
        "Float type of the scores",
        "In which a hand-written attention masks its scores and takes the softmax.",
        True,
    )
    heads: int = whole(1, 1, 4, "Heads", "Attentions side by side.", True, (1, 2, 4))
    units: int = whole(16, 1, 64, "Units", "Width of what goes into the attention.", True, (4, 8, 16, 32))

    pictured: ClassVar[bool] = True
    template: ClassVar[str] = (
        """
{% extends "script.jinja" %}
{% block sequences %}
    truth = np.tile(rng.normal(size=(count, 1, 1)), (1, TIMESTEPS, 1))  # the value that the marked steps hold
    marked = (rng.random((count, TIMESTEPS)) < 0.3) | (np.arange(TIMESTEPS) == 0)
    values = np.where(marked, truth[..., 0], rng.normal(size=marked.shape))
    x = np.stack([marked + 0.05 * rng.normal(size=marked.shape), values], axis=-1)
{% endblock %}
{% set by_hand = s.masked_score not in ("layer", "returned") %}
{% set attends = {
    "aligned": "mask[:, None, :] & mask[:, :, None]",
    "keys": "mask[:, None, :]",
    "queries": "mask[:, :, None]",
    "inverted": "~mask[:, None, :]",
} %}
{% block layers %}
glorot = keras.initializers.GlorotUniform(SEED)
embed = layers.Dense(UNITS, "tanh", kernel_initializer=glorot)
{% if by_hand %}
"""
        + LAYERS_BY_HAND
        + """{% else %}
attention = layers.MultiHeadAttention(HEADS, 8, kernel_initializer=glorot)
{% endif %}
dense = layers.Dense(1, kernel_initializer=glorot)
{% if s.pooling == "none" and recipe.mask_path.passed %}
with_mask = layers.Lambda(lambda both: both[0], mask=lambda both, _: both[1])  # for the loss
{% endif %}


def encoded(x, mask):  # x (batch, time, 2), mask (batch, time)
    hidden = embed(x)
{% if not by_hand %}
{% set given = "" if s.attention_mask == "none" else ", attention_mask=" + attends[s.attention_mask] %}
{% set returned = s.masked_score == "returned" %}
{% set attended = "attention(hidden, hidden" + given + (", return_attention_scores=True)[0]" if returned else ")") %}
{% else %}
"""
        + WEIGHTS_BY_HAND
        + """{% endif %}
{% if s.pooling == "max" %}
{% if attended | length > 65 %}
    hidden = hidden + {{ attended }}
    return keras.ops.where(mask[..., None], hidden, -1e9)
{% else %}
    return keras.ops.where(mask[..., None], hidden + {{ attended }}, -1e9)
{% endif %}
{% else %}
    return hidden + {{ attended }}
{% endif %}

{% endblock %}
{% macro predictions(x, mask) %}
{% set steps = mask or 'keras.ops.ones_like(' + x + '[..., 0], dtype="bool")' %}
{% set hidden = "encoded(" + x + ", " + steps + ")" %}
{% if s.pooling == "none" %}
dense({{ "with_mask([" + hidden + ", " + mask + "])" if mask else hidden }})
{%- elif s.pooling == "average" %}
dense(layers.GlobalAveragePooling1D()({{ hidden }}, mask={{ steps }}))
{%- else %}
dense(layers.Global{{ "Average" if s.pooling == "average_all" else "Max" }}Pooling1D()({{ hidden }}))
{%- endif %}
{% endmacro %}
"""
    )

    @property
    def predicts(self) -> Output:
        """One number: x (batch, time, features) gives (batch, time, 1), or (batch, 1) after a pooling."""
        return Output("number", self.pooling == "none")

    @property
    def keeps_mask(self) -> bool:
        """A pooling leaves no time axis."""
        return self.pooling == "none"

    def generated(self, lengths: Whole, rng: np.random.Generator, noise: np.random.Generator) -> tuple[Floats, Floats]:
        """Inputs (count, timesteps, 2), a mark and a value, and labels (count, timesteps, 1): the value at the marks.

        The first step is marked, so that every sequence has one, and all marked steps hold the same value.
        """
        count = len(lengths)
        value = rng.normal(size=(count, 1))
        marked = rng.random((count, self.timesteps)) < MARKED
        marked[:, 0] = True
        values = np.where(marked, value, rng.normal(size=marked.shape))
        x = np.stack([marked + NOISE * rng.normal(size=marked.shape), values], axis=-1)
        return x, np.broadcast_to(value, marked.shape)[..., None].copy()

    def attends(self, mask: Bools) -> Bools:
        """The attention mask (batch, query, key) that is made of a mask (batch, time): True where a query may look."""
        both = np.ones((*mask.shape, mask.shape[1]), bool)
        return both if self.attention_mask == "none" else both & ATTENDS[self.attention_mask](mask)

    def build(self, features: int = FEATURES, dtype: str = "float32") -> keras.Model:
        """The attention mask is made of the mask (batch, time), and the mask is hung on the predictions for the loss.

        No tensor has a mask before: Keras would join it to the attention mask. The predictions are (batch, time, 1),
        or (batch, 1) after a pooling.
        """
        import keras
        from keras import layers, ops

        drawn = {"kernel_initializer": keras.initializers.GlorotUniform(self.seed), "dtype": dtype}
        x = keras.Input((self.timesteps, features), dtype=dtype, name="x")
        mask = keras.Input((self.timesteps,), dtype="bool", name="mask")
        hidden = layers.Dense(self.units, "tanh", **drawn)(x)
        attends = None if self.attention_mask == "none" else ATTENDS[self.attention_mask](mask)
        if self.masked_score in OWN:
            attention = layers.MultiHeadAttention(self.heads, SIZE, **drawn)
            if self.masked_score == "returned":
                attended, weights = attention(hidden, hidden, attention_mask=attends, return_attention_scores=True)
            else:
                attended, weights = fused(attention, hidden, attends)
        else:
            attended, weights = by_hand(
                hidden, attends, drawn, self.masked_score, self.units, self.heads, score_dtype=self.score_dtype
            )
        hidden = hidden + attended
        if self.pooling == "none":
            # what a mask is hung on a tensor with
            hidden = layers.Lambda(lambda both: both[0], mask=lambda both, _: both[1], dtype=dtype)([hidden, mask])
        elif self.pooling == "average":
            hidden = layers.GlobalAveragePooling1D(dtype=dtype)(hidden, mask=mask)
        elif self.pooling == "max":
            hidden = ops.max(ops.where(mask[..., None], hidden, -1e9), axis=1)
        else:
            pool = {"average_all": layers.GlobalAveragePooling1D, "max_all": layers.GlobalMaxPooling1D}[self.pooling]
            hidden = pool(dtype=dtype)(hidden)
        model = keras.Model([x, mask], layers.Dense(1, **drawn)(hidden))
        model.attention = weights
        return model

    def idle_fields(self) -> Iterator[tuple[str, str]]:
        """What a masked score is where none is masked, and its float type where the layer is Keras' own."""
        if self.attention_mask == "none" and self.masked_score in OWN:
            yield "masked_score", "No score is masked: no attention mask is passed."
        if self.masked_score in OWN:
            yield "score_dtype", "It is for an attention by hand; the layer has its own float type."


# (batch, query, key) or what can be broadcast to it, of a mask (batch, time): NumPy's arrays and Keras' tensors alike
ATTENDS: dict[str, Callable[[Any], Any]] = {
    "aligned": lambda mask: mask[:, None, :] & mask[:, :, None],
    "keys": lambda mask: mask[:, None, :],
    "queries": lambda mask: mask[:, :, None],
    "inverted": lambda mask: ~mask[:, None, :],
}


def fused(
    attention: keras.layers.MultiHeadAttention,
    hidden: keras.KerasTensor,
    attends: keras.KerasTensor | None,
    causal: bool = False,
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """What the layer makes of hidden (batch, time, units), and its weights (batch, head, query, key).

    Asked for its weights Keras 3.15 takes another way, on which a row without a key has none; on this one it looks
    everywhere alike (keras/src/backend/tensorflow/nn.py: dot_product_attention). `attends`: (batch, query, key) bool.
    """
    from keras import ops

    given = {"attention_mask": attends, "use_causal_mask": causal}
    # first the weights: of a layer that is called the other way round Keras 3.15 cannot make a model of both
    _, weights = attention(hidden, hidden, **given, return_attention_scores=True)
    attended = attention(hidden, hidden, **given)
    if causal:
        attends = attends & np.tri(hidden.shape[1], dtype=bool)
    if attends is not None:
        having = ops.any(attends, axis=-1)[:, None, :, None]  # (batch, 1, query, 1)
        weights = ops.where(having, weights, 1 / hidden.shape[1])
    return attended, weights


def by_hand(
    hidden: keras.KerasTensor,
    attends: keras.KerasTensor | None,
    drawn: dict[str, Any],
    masked_score: str,
    units: int,
    heads: int = 1,
    score_dtype: str = "float32",
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """The attention of MultiHeadAttention in the open, the same first weights: (batch, time, units) as hidden is.

    And how it looks, (batch, head, query, key).

    After keras/src/layers/attention/multi_head_attention.py. `attends`: (batch, query, key) bool. `drawn`: initializer
    and float type of its layers. `masked_score`: one of SCORES.
    """
    from keras import layers, ops

    shape = {"output_shape": (None, heads, SIZE), "bias_axes": "nh", **drawn}
    query, key, value = (layers.EinsumDense("btf,fnh->btnh", **shape)(hidden) for _ in range(3))
    scores = ops.cast(ops.einsum("bqnh,bknh->bnqk", query, key) / SIZE**0.5, score_dtype)
    if attends is not None:
        added = ops.where(attends[:, None], 0.0, SCORES[masked_score])
        scores = scores + ops.cast(added, score_dtype)
    weights = ops.cast(ops.softmax(scores), drawn["dtype"])
    if attends is not None and masked_score == "zeroed":
        weights = ops.where(attends[:, None], weights, 0.0)
    attended = ops.einsum("bnqk,bknh->bqnh", weights, value)
    return layers.EinsumDense("btnh,nhf->btf", (None, units), bias_axes="f", **drawn)(attended), weights
