"""Recurrent: a recurrent layer, perhaps a layer in between, and a Dense output."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from lessons.recipe.data import Floats, Whole
from lessons.recipe.output import Output
from lessons.recipe.settings import Settings
from lessons.recipe.spec import choice, whole

if TYPE_CHECKING:
    import keras

FEATURES = 2  # of the sequences that are generated
KEEP_THE_MASK = ("none", "dense", "time_distributed", "layer_normalization", "attention")  # of the layers in between
MIX_STEPS = ("attention", "conv1d")  # layers in between whose output at a step depends on later ones


@dataclass(frozen=True)
class Recurrent(Settings):
    """LSTM, GRU or SimpleRNN that predicts a number, a probability or a class, per step or per sequence."""

    task: str = choice(
        "regression",
        {"regression": "regression", "binary": "0/1 labels", "noise": "labels are noise"},
        "Task",
        "What the labels are.",
    )
    output: str = choice(
        "every_step",
        {"every_step": "a label at every step", "last_step": "one label per sequence"},
        "Output",
        "return_sequences=True or False.",
        True,
    )
    activation: str = choice(
        "linear",
        ("linear", "sigmoid", "softplus", "tanh", "relu"),
        "Output activation",
        "Activation of the last Dense layer.",
        True,
    )
    cell: str = choice(
        "lstm", {"lstm": "LSTM", "gru": "GRU", "simple_rnn": "SimpleRNN"}, "Cell", "The recurrent layer.", True
    )
    units: int = whole(16, 1, 64, "Units", "Width of the recurrent layer.", True, (4, 8, 16, 32, 64))
    between: str = choice(
        "none",
        {
            "none": "none",
            "dense": "Dense",
            "time_distributed": "TimeDistributed(Dense)",
            "layer_normalization": "LayerNormalization",
            "attention": "MultiHeadAttention",
            "conv1d": "Conv1D",
            "lambda": "Lambda",
            "reshape": "Reshape",
            "permute": "Permute",
            "flatten": "Flatten + Reshape",
            "max_pooling": "MaxPooling1D(1)",
            "times_one": "t * 1.0",
        },
        "Layer in between",
        "A layer between the recurrent layer and the output. Some drop the mask.",
        True,
    )

    takes_table: ClassVar[bool] = True
    template: ClassVar[str] = """
{% extends "script.jinja" %}
{% set masking = true %}
{% block sequences %}
    x = rng.normal(size=(count, TIMESTEPS, 2))
{% if s.task == "noise" %}
    truth = np.random.default_rng([SEED, stream, 1]).normal(size=(count, TIMESTEPS, 1))
{% else %}
    before = np.pad(x[:, :-1, 1], ((0, 0), (1, 0)))
{% set signal = "(0.8 * x[:, :, 0] + 0.6 * before" + (" > 0).astype(float)" if s.task == "binary" else ")") %}
    truth = {{ signal }}[..., None]  # depends on this step and the one before
{% endif %}
{% endblock %}
{% block layers %}
{% set cell = {"lstm": "LSTM", "gru": "GRU", "simple_rnn": "SimpleRNN"}[s.cell] %}
glorot = keras.initializers.GlorotUniform(SEED)
orthogonal = keras.initializers.Orthogonal(seed=SEED)
recurrent = layers.{{ cell }}(UNITS, {{ "return_sequences=True, " if s.output == "every_step" -}}
    kernel_initializer=glorot, recurrent_initializer=orthogonal)
{% set layer = {
    "dense": "layers.Dense(UNITS, kernel_initializer=glorot)",
    "time_distributed": "layers.TimeDistributed(layers.Dense(UNITS, kernel_initializer=glorot))",
    "layer_normalization": "layers.LayerNormalization()",
    "attention": "layers.MultiHeadAttention(1, UNITS, kernel_initializer=glorot)",
    "conv1d": 'layers.Conv1D(UNITS, 3, padding="same", kernel_initializer=glorot)',
    "lambda": "layers.Lambda(lambda t: t * 1.0)",
    "reshape": "layers.Reshape((TIMESTEPS, UNITS))",
    "permute": "layers.Permute((1, 2))",
    "flatten": "layers.Reshape((TIMESTEPS, UNITS))",
    "max_pooling": "layers.MaxPooling1D(1)",
} %}
{% if s.output == "every_step" and s.between in layer %}
between = {{ layer[s.between] }}
{% endif %}
{% set columns = s.predicts.columns %}
{% set activation = ', "' + s.activation + '"' if s.activation != "linear" %}
dense = layers.Dense({{ columns }}{{ activation }}, kernel_initializer=glorot)
{% endblock %}
{% macro predictions(x, mask) %}
{% set hidden = "recurrent(" + x + (", mask=" + mask if mask else "") + ")" %}
{% if s.output == "every_step" and s.between != "none" %}
{% set hidden = {
    "times_one": hidden + " * 1.0",
    "flatten": "between(layers.Flatten()(" + hidden + "))",
    "attention": "between(hidden := " + hidden + ", hidden)",
}.get(s.between, "between(" + hidden + ")") %}
{% endif %}
dense({{ hidden }})
{%- endmacro %}
"""

    @property
    def predicts(self) -> Output:
        """x (batch, time, features) gives (batch, time, 1), or (batch, 1) for one label per sequence.

        Of the classes of a learner's own data there is a column for each.
        """
        if self.classes > 2:  # two of them are 0 and 1
            return Output("class", self.output == "every_step", self.classes)
        kind = "binary" if self.task == "binary" else "number"
        return Output(kind, self.output == "every_step", probability=self.activation == "sigmoid")

    @property
    def causal(self) -> bool:
        """A layer in between that mixes steps looks at later ones too."""
        return self.between not in MIX_STEPS

    @property
    def keeps_mask(self) -> bool:
        """A layer in between may drop it, and the last step's output has no time axis left."""
        return self.output == "every_step" and self.between in KEEP_THE_MASK

    def generated(self, lengths: Whole, rng: np.random.Generator, noise: np.random.Generator) -> tuple[Floats, Floats]:
        """Inputs (count, timesteps, 2) and labels (count, timesteps, 1) of this step and the one before."""
        x = rng.normal(size=(len(lengths), self.timesteps, FEATURES))
        before = np.pad(x[:, :-1, 1], ((0, 0), (1, 0)))
        signal = (0.8 * x[:, :, 0] + 0.6 * before)[..., None]
        if self.task == "noise":
            return x, noise.normal(size=signal.shape)
        return x, (signal > 0).astype(float) if self.task == "binary" else signal

    def build(self, features: int = FEATURES, dtype: str = "float32") -> keras.Model:
        """The mask (batch, time) is passed to the recurrent layer.

        The predictions are as `predicts` says.
        """
        import keras
        from keras import layers

        x = keras.Input((self.timesteps, features), dtype=dtype, name="x")
        mask = keras.Input((self.timesteps,), dtype="bool", name="mask")
        every_step = self.output == "every_step"
        cell = {"lstm": layers.LSTM, "gru": layers.GRU, "simple_rnn": layers.SimpleRNN}[self.cell]
        hidden = cell(
            self.units,
            return_sequences=every_step,
            kernel_initializer=keras.initializers.GlorotUniform(self.seed),
            recurrent_initializer=keras.initializers.Orthogonal(seed=self.seed),
            dtype=dtype,
        )(x, mask=mask)
        if every_step:
            hidden = between(self, hidden, dtype)
        glorot = keras.initializers.GlorotUniform(self.seed)
        y = layers.Dense(self.predicts.columns, self.activation, kernel_initializer=glorot, dtype=dtype)(hidden)
        return keras.Model([x, mask], y)

    def idle_fields(self) -> Iterator[tuple[str, str]]:
        """The layer in between, where there is one output per sequence."""
        if self.output == "last_step":
            yield "between", "There is one output per sequence: no step is left for a layer in between."


def between(settings: Recurrent, hidden: keras.KerasTensor, dtype: str) -> keras.KerasTensor:
    """The layer between the recurrent layer and the output, applied to hidden (batch, time, units).

    Returns (batch, time, units). Which of them drop the mask: keras/src/layers, `supports_masking`.
    """
    import keras
    from keras import layers

    units, shape = settings.units, (settings.timesteps, settings.units)
    drawn = {"kernel_initializer": keras.initializers.GlorotUniform(settings.seed), "dtype": dtype}
    applied = {
        "none": lambda: hidden,
        "dense": lambda: layers.Dense(units, **drawn)(hidden),
        "time_distributed": lambda: layers.TimeDistributed(layers.Dense(units, **drawn), dtype=dtype)(hidden),
        "layer_normalization": lambda: layers.LayerNormalization(dtype=dtype)(hidden),
        "attention": lambda: layers.MultiHeadAttention(1, units, **drawn)(hidden, hidden),
        "conv1d": lambda: layers.Conv1D(units, 3, padding="same", **drawn)(hidden),
        "lambda": lambda: layers.Lambda(lambda t: t * 1.0, dtype=dtype)(hidden),
        "reshape": lambda: layers.Reshape(shape, dtype=dtype)(hidden),
        "permute": lambda: layers.Permute((1, 2), dtype=dtype)(hidden),
        "flatten": lambda: layers.Reshape(shape, dtype=dtype)(layers.Flatten(dtype=dtype)(hidden)),
        "max_pooling": lambda: layers.MaxPooling1D(1, dtype=dtype)(hidden),
        "times_one": lambda: hidden * 1.0,
    }
    return applied[settings.between]()
