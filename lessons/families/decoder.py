"""Decoder: tokens, one causal self-attention, the next token; and what it writes when it is left alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from lessons.families.encoder import LAYERS_BY_HAND, SIZE, WEIGHTS_BY_HAND, by_hand, fused
from lessons.recipe import losses
from lessons.recipe.data import Bools, Floats, PaddedBatch, Whole
from lessons.recipe.output import Output
from lessons.recipe.recipe import mask_path
from lessons.recipe.settings import Ask, Settings
from lessons.recipe.spec import LossName, choice, whole

if TYPE_CHECKING:
    import keras

VOCABULARY = 12  # padding, end, separator and the letters, in this order
SEPARATOR = 2
LETTERS = VOCABULARY - 3
ROOM = LETTERS + 3  # tokens that a model may write alone: an answer has as many letters as there are, and an end
PROBED = 16  # steps whose token is exchanged, to see who looks at it


@dataclass(frozen=True)
class Decoder(Settings):
    """A text is a prompt of letters, a separator, the letters of the prompt in their order, each once, and an end.

    A token is a row of x with a single 1; padding is no token, a row of zeros.
    """

    loss: str = choice(
        "cross_entropy", losses.LABELS, "Loss", "The function that compile(loss=…) is given.", True, LossName
    )
    causal_mask: str = choice(
        "causal",
        {"causal": "causal: use_causal_mask=True", "none": "none: every step sees the whole text"},
        "Causal mask",
        "Whether a step is kept from looking at the tokens after it.",
        True,
    )
    shift: str = choice(
        "next",
        {"next": "the next token: shifted by one", "same": "the token itself: not shifted"},
        "Labels are",
        "What fit is given as the label of a step. True is the next token, whatever is chosen here.",
    )
    pad_token: str = choice(
        "own",
        {"own": "an id of its own: padding 0, end 1", "end": "the end token: pad = eos, both 0"},
        "Padding token is",
        "Which id the end of a text has. Whoever ignores id 0 ignores the end too where both are 0.",
    )
    counted: str = choice(
        "all",
        {"all": "every token", "answer": "the answer only"},
        "Loss counts",
        "Whether the tokens of the prompt have labels, or those after the separator only.",
        True,
    )
    masked_score: str = choice(
        "layer",
        {"layer": "MultiHeadAttention’s own", "inf": "by hand: −inf added", "1e9": "by hand: −1e9 added"},
        "A masked score",
        "What happens to a score before the softmax, where a step may not look.",
        True,
    )
    units: int = whole(32, 1, 64, "Units", "Width of the embedding.", True, (4, 8, 16, 32))

    features: ClassVar[int] = VOCABULARY
    measured: ClassVar[dict[str, str]] = {
        "wrong_alone": "of the answers wrong, writing alone",
        "endless": "of them without an end",
        "looks_ahead": "of what moves the loss of a step stands after it",
    }
    pictured: ClassVar[bool] = True
    template: ClassVar[str] = (
        """
{% extends "script.jinja" %}
{% set end = 0 if s.pad_token == "end" else 1 %}
{% block sequences %}
    x, truth = np.zeros((count, TIMESTEPS, 12)), np.zeros((count, TIMESTEPS, 1))
    for row, length in enumerate(lengths):  # prompt, separator 2, its letters in their order, end {{ end }}
        letters = rng.permutation(np.arange(3, 12))[: (length - 1) // 2]
        again = rng.choice(letters, length - 1 - 2 * len(letters)) if len(letters) else np.full(length - 1, 2)
        text = [*rng.permutation(np.concatenate([letters, again])), 2, *np.sort(letters), {{ end }}]
        x[row, :length], truth[row, :length, 0] = np.eye(12)[text[:-1]], text[1:]
{% endblock %}
{% block given_labels %}
{% if s.shift == "same" %}
    y = truth.copy()  # y is what fit is given: at padding, too, something stands in it
    y[real, 0] = x[real].argmax(axis=-1)  # not shifted: each token is its own label
{% else %}
{{ super() -}}
{% endif %}
{% endblock %}
{% set by_hand = s.masked_score != "layer" %}
{% block layers %}
glorot, uniform = keras.initializers.GlorotUniform(SEED), keras.initializers.RandomUniform(seed=SEED)
embed = layers.Dense(UNITS, use_bias=False, kernel_initializer=glorot)  # picks the row of a token
place = layers.Embedding(TIMESTEPS, UNITS, embeddings_initializer=uniform)
{% if by_hand %}
"""
        + LAYERS_BY_HAND
        + """
{% else %}
attention = layers.MultiHeadAttention(1, 8, kernel_initializer=glorot)
{% endif %}
widen, dense = layers.Dense(UNITS, "relu", kernel_initializer=glorot), layers.Dense(12, kernel_initializer=glorot)
{% if recipe.mask_path.passed %}
with_mask = layers.Lambda(lambda both: both[0], mask=lambda both, _: both[1])  # for the loss
{% endif %}
{% if recipe.mask_path.passed and s.counted == "answer" %}
answer = layers.Lambda(lambda x: keras.ops.cumsum(keras.ops.cast(x[..., 2] == 1, "int32"), axis=1) > 0)
{% endif %}


def decoded(x, mask):  # x (batch, time, 12), mask (batch, time)
    hidden = embed(x) + place(keras.ops.cumsum(keras.ops.ones_like(x[:1, :, 0], dtype="int32"), axis=1) - 1)
{% if not by_hand %}
{% set causal = ", use_causal_mask=True" if s.causal_mask == "causal" else "" %}
{% set attended = "attention(hidden, hidden, attention_mask=mask[:, None, :]" + causal + ")" %}
{% else %}
{% set causal = " & np.tri(TIMESTEPS, dtype=bool)" if s.causal_mask == "causal" else "" %}
{% set attends = "mask[:, None, :]" + causal %}
"""
        + WEIGHTS_BY_HAND
        + """
{% endif %}
    hidden = hidden + {{ attended }}
    return hidden + widen(hidden)

{% endblock %}
{% macro predictions(x, mask) %}
{% set steps = mask or 'keras.ops.ones_like(' + x + '[..., 0], dtype="bool")' %}
{% set counted = mask + " & answer(" + x + ")" if mask and s.counted == "answer" else mask %}
{% set hidden = "decoded(" + x + ", " + steps + ")" %}
dense({{ "with_mask([" + hidden + ", " + counted + "])" if mask else hidden }})
{%- endmacro %}
"""
    )

    @property
    def predicts(self) -> Output:
        """x (batch, time, token) gives the scores of the next token, (batch, time, token)."""
        return Output("token", True, VOCABULARY)

    @property
    def causal(self) -> bool:
        """Without the causal mask a step looks at later ones."""
        return self.causal_mask == "causal"

    @property
    def keeps_mask(self) -> bool:
        """It is hung on what goes into the last layer, which hands it on."""
        return True

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """Of the ids: padding, end, separator, letters."""
        return ("pad" if self.end else "end", "end", "|", *"abcdefghi")

    @property
    def end(self) -> int:
        """The id of the token that ends a text."""
        return 0 if self.pad_token == "end" else 1

    def generated(self, lengths: Whole, rng: np.random.Generator, noise: np.random.Generator) -> tuple[Floats, Floats]:
        """Inputs (count, timesteps, token), a single 1 in each row, and labels (count, timesteps, 1): the next token.

        Where a length is no separator and twice the letters, some letters stand in the prompt more than once.
        """
        x, truth = (np.zeros((len(lengths), self.timesteps, width)) for width in (VOCABULARY, 1))
        for row, length in enumerate(lengths):
            letters = rng.permutation(np.arange(SEPARATOR + 1, VOCABULARY))[: (length - 1) // 2]
            repeats = length - 1 - 2 * len(letters)
            again = rng.choice(letters, repeats) if len(letters) else np.full(repeats, SEPARATOR)
            text = [*rng.permutation(np.concatenate([letters, again])), SEPARATOR, *np.sort(letters), self.end]
            x[row, :length], truth[row, :length, 0] = np.eye(VOCABULARY)[text[:-1]], text[1:]
        return x, truth

    def labels_given(self, x: Floats, truth: Floats) -> Floats:
        """The next tokens (steps, 1), or those of the inputs themselves."""
        return truth if self.shift == "next" else x.argmax(axis=-1)[:, None].astype(truth.dtype)

    def taught(self, x: Floats, real: Bools) -> Bools:
        """(batch, time) bool: where the answer alone counts, not the prompt."""
        if self.counted == "all" or not mask_path(self, self.mask).passed:
            return real
        return real & ((x[..., SEPARATOR] == 1).cumsum(axis=1) > 0)

    def attends(self, mask: Bools) -> Bools:
        """Who may look at whom, (batch, query, key) bool, of a mask (batch, time)."""
        both = np.repeat(mask[:, None, :], mask.shape[1], axis=1)
        return both & np.tri(mask.shape[1], dtype=bool) if self.causal else both

    def build(self, features: int = VOCABULARY, dtype: str = "float32") -> keras.Model:
        """The keys are masked by the mask (batch, time), which is hung on the scores (batch, time, token) for the loss.

        The embedding is a Dense layer without bias: a row with a single 1 picks the row of its kernel that an Embedding
        would, and a gradient arrives at the inputs.
        """
        import keras
        from keras import layers, ops

        drawn = {"kernel_initializer": keras.initializers.GlorotUniform(self.seed), "dtype": dtype}
        uniform = keras.initializers.RandomUniform(seed=self.seed)
        x = keras.Input((self.timesteps, features), dtype=dtype, name="x")
        mask = keras.Input((self.timesteps,), dtype="bool", name="mask")
        place = layers.Embedding(self.timesteps, self.units, embeddings_initializer=uniform, dtype=dtype)
        steps = ops.cumsum(ops.ones_like(x[:1, :, 0], dtype="int32"), axis=1) - 1  # (1, time)
        hidden = layers.Dense(self.units, use_bias=False, **drawn)(x) + place(steps)
        if self.masked_score == "layer":
            attended, weights = fused(
                layers.MultiHeadAttention(1, SIZE, **drawn), hidden, mask[:, None, :], self.causal
            )
        else:
            attends = mask[:, None, :] & np.tri(self.timesteps, dtype=bool) if self.causal else mask[:, None, :]
            attended, weights = by_hand(hidden, attends, drawn, self.masked_score, self.units)
        hidden = hidden + attended
        hidden = hidden + layers.Dense(self.units, "relu", **drawn)(hidden)
        counted = mask
        if self.counted == "answer":
            counted = mask & (ops.cumsum(ops.cast(ops.equal(x[..., SEPARATOR], 1.0), "int32"), axis=1) > 0)
        with_mask = layers.Lambda(lambda both: both[0], mask=lambda both, _: both[1], dtype=dtype)
        model = keras.Model([x, mask], layers.Dense(VOCABULARY, **drawn)(with_mask([hidden, counted])))
        model.attention = weights
        return model

    def idle_fields(self) -> Iterator[tuple[str, str]]:
        """Which tokens count, where no mask comes to the loss; a masked score, where no row consists of them."""
        if not mask_path(self, self.mask).passed:
            yield "counted", "No mask is passed, and a mask is how the loss is told."
        first_is_padding = self.causal and self.padding == "pre" and self.mask != "none"
        if self.mask in ("aligned", "none") and not first_is_padding:
            yield (
                "masked_score",
                "Every step has a key: whatever a masked score is, it weighs 0, but for rounding.",
            )

    # --- what it does when it is left alone

    def measures(self, batch: PaddedBatch, ask: Ask) -> dict[str, float]:
        """What it makes of the prompts that it was trained on, and whether it looks ahead; NaN where it is broken."""
        if not np.isfinite(ask(batch.x, batch.real)[batch.real]).all():
            return dict.fromkeys(self.measured, np.nan)
        written, began = self.written(batch, ask)
        wanted, real = batch.truth[..., 0].astype(int), batch.real
        answers = [text[start:][there[start:]] for text, there, start in zip(wanted, real, began, strict=True)]
        right = [np.array_equal(one[one >= 0], answer) for one, answer in zip(written, answers, strict=True)]
        return {
            "wrong_alone": 1 - float(np.mean(right)),
            "endless": 1 - float((written == self.end).any(axis=1).mean()),
            "looks_ahead": looks_ahead(self.reach(batch, ask)),
        }

    def text(self, batch: PaddedBatch, ask: Ask) -> Whole:
        """What it writes after the prompts that it was trained on, token ids (batch, time), -1 where it writes none."""
        return self.written(batch, ask)[0]

    def reach(self, batch: PaddedBatch, ask: Ask) -> Floats:
        """How much the loss of each step moves when a token is exchanged, (step, exchanged), NaN where none was.

        Its cross-entropy against the next token. Up to PROBED steps, one after the other, hold the next id of the
        vocabulary in all texts at once.
        """
        at, told = np.arange(self.timesteps), np.full((self.timesteps, self.timesteps), np.nan)
        before = unlikeliness(batch, ask(batch.x, batch.real))
        for step in np.unique(np.linspace(0, at[-1], PROBED).round().astype(int)):
            x = batch.x.copy()
            x[:, step] = np.roll(x[:, step], 1, axis=-1)
            moved = np.abs(unlikeliness(batch, ask(x, batch.real)) - before)
            told[:, step] = np.where(batch.real, moved, 0).mean(axis=0)
        return told

    def written(self, batch: PaddedBatch, ask: Ask) -> tuple[Whole, Whole]:
        """Token by token, always the likeliest, from the prompt and its separator on.

        Tokens (batch, time), each at the step that predicts it, -1 where nothing is written; and the step (batch,) of
        the separator. It writes until the end, the last step, or ROOM tokens.
        """
        rows, at = np.arange(len(batch.x)), np.arange(batch.x.shape[1])
        began = at[-1] - (batch.real & (batch.x[..., SEPARATOR] == 1))[:, ::-1].argmax(axis=1)
        there = batch.real & (at <= began[:, None])
        x = np.where((at <= began[:, None])[..., None], batch.x, 0).astype("float32")
        written, now = np.full(there.shape, -1), began.copy()
        writing = np.ones(len(rows), bool)
        for _ in range(ROOM):
            token = ask(x, there)[rows, now].argmax(axis=-1)
            written[rows[writing], now[writing]] = token[writing]
            writing &= (token != self.end) & (now < at[-1])
            if not writing.any():
                break
            now[writing] += 1
            x[rows[writing], now[writing]] = np.eye(VOCABULARY)[token[writing]]
            there[rows[writing], now[writing]] = True
        return written, began


def unlikeliness(batch: PaddedBatch, scores: Floats) -> Floats:
    """The cross-entropy (batch, time) of the true next tokens under scores (batch, time, token)."""
    highest = scores.max(axis=-1, keepdims=True)
    whole = np.log(np.exp(scores - highest).sum(axis=-1)) + highest[..., 0]
    return whole - np.take_along_axis(scores, batch.truth.astype(int), axis=-1)[..., 0]


def looks_ahead(reach: Floats) -> float:
    """Of a reach (step, exchanged), the share of tokens after the step; 0 where nothing moves."""
    known = np.nan_to_num(reach)
    return float(np.triu(known, 1).sum() / known.sum()) if known.any() else 0.0
