"""Settings: every field of a run.

Each field declares its default, what it takes, label and help once, here. Widgets, URL, JSON, command line and
validation are derived from the declarations. A field's URL and command-line name is its name.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from numbers import Real
from typing import Any

from lessons.recipe import losses, numeral
from lessons.recipe.data import GARBAGE


class BadInput(ValueError):
    """Something a person typed cannot be used. `str()` is one sentence: what was given, what is accepted."""


@dataclass(frozen=True)
class Spec:
    """What one field takes and how it is shown. `retraces`: another value needs another traced graph."""

    label: str
    help: str
    retraces: bool

    def parse(self, name: str, given: Any) -> Any:
        """The value meant by `given` (text or number). Raises BadInput."""
        raise NotImplementedError

    def refuse(self, name: str, given: Any) -> BadInput:
        shown = given if isinstance(given, str) else repr(given)
        shown = shown if len(shown) <= 40 else shown[:37] + "…"
        return BadInput(f"{name}: got “{shown}”; takes {self.takes}.")

    @property
    def takes(self) -> str:
        raise NotImplementedError


@dataclass(frozen=True)
class Number(Spec):
    """A number in [low, high]; `offered` are the stops of its widget, any other value in range is accepted too."""

    whole: bool
    low: float
    high: float
    offered: tuple[float, ...] = ()

    @property
    def takes(self) -> str:
        return f"a {'whole number' if self.whole else 'number'} from {self.low:g} to {self.high:g}"

    def parse(self, name: str, given: Any) -> int | float:
        if isinstance(given, bool) or not isinstance(given, str | Real):
            raise self.refuse(name, given)
        try:
            value = numeral.number(given) if isinstance(given, str) else float(given)
        except (ValueError, OverflowError):
            raise self.refuse(name, given) from None
        if not math.isfinite(value) or not self.low <= value <= self.high or (self.whole and value % 1):
            raise self.refuse(name, given)
        return int(value) if self.whole else value


@dataclass(frozen=True)
class Choice(Spec):
    """One of a few named values; `options` maps each to its label."""

    options: Mapping[str, str]

    @property
    def takes(self) -> str:
        return "one of " + ", ".join(self.options)

    def parse(self, name: str, given: Any) -> str:
        if not isinstance(given, str) or given not in self.options:
            raise self.refuse(name, given)
        return given


@dataclass(frozen=True)
class LossName(Choice):
    """A loss of lessons/recipe/losses.py, or `<slug>.<function>` of a lesson file."""

    def parse(self, name: str, given: Any) -> str:
        if not isinstance(given, str) or not losses.exists(given):
            raise self.refuse(name, given)
        return given


def _whole(default, low, high, label, help, retraces=False, offered=()):
    spec = Number(label, help, retraces, True, low, high, offered)
    return field(default=default, metadata={"spec": spec})


def _number(default, low, high, label, help, retraces=False, offered=()):
    spec = Number(label, help, retraces, False, low, high, offered)
    return field(default=default, metadata={"spec": spec})


def _choice(default, options, label, help, retraces=False, kind=Choice):
    return field(default=default, metadata={"spec": kind(label, help, retraces, options)})


EPSILONS = (0.0, 1e-12, 1e-8, 1e-7, 1e-6, 1e-4, 1e-2, 0.1, 1.0)
RATES = (1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.02, 0.03, 0.05, 0.1, 0.3, 1.0)


@dataclass(frozen=True)
class Settings:
    """What is set of a run, whatever its data. Hashable."""

    mask: str = _choice(
        "aligned",
        {
            "aligned": "aligned: the true lengths",
            "none": "none passed",
            "shifted": "shifted by k steps",
            "inverted": "inverted: True on padding",
            "inputs": "from the inputs: Masking(0)",
            "labels": "from the labels: y != 0",
            "not_nan": "from the labels: not NaN",
            "wrong_side": "made for the other padding side",
        },
        "Mask",
        "Which steps Keras is told are real. True means real step.",
    )
    mask_shift: int = _whole(
        1, -8, 8, "Shift by", "Steps a shifted mask is moved; +1 takes one padded step for real. Filled with False."
    )
    mask_route: str = _choice(
        "passed",
        {"passed": "passed to the layers", "multiplied": "multiplied into the input"},
        "Mask is",
        "Passed: the layers skip masked steps. Multiplied: inputs become 0 there and no layer knows of a mask.",
    )
    loss: str = _choice(
        "mse",
        losses.LABELS,
        "Loss",
        "The function that compile(loss=…) is given.",
        True,
        LossName,
    )
    epsilon: float = _number(
        1e-7, 0, 1, "Epsilon", "The small constant in the loss, as a Python number.", True, EPSILONS
    )
    reduction: str = _choice(
        "sum_over_batch_size",
        {
            "sum_over_batch_size": "sum_over_batch_size",
            "mean_with_sample_weight": "mean_with_sample_weight",
            "sum": "sum",
        },
        "Reduction",
        "How Keras turns one value per step into one number.",
        True,
    )
    loss_dtype: str = _choice(
        "float32",
        {name: name for name in ("float32", "float16", "bfloat16", "float64")},
        "Float type of the loss",
        "Keras casts labels and predictions to this type before it calls the loss.",
        True,
    )
    sample_weight: str = _choice(
        "none",
        {"none": "none", "instead": "the mask, instead of a mask", "besides": "the mask, besides the mask"},
        "Sample weight",
        "Hand the mask to fit as sample_weight.",
        True,
    )
    task: str = _choice(
        "regression",
        {"regression": "regression", "binary": "0/1 labels", "noise": "labels are noise"},
        "Task",
        "What the labels are.",
    )
    output: str = _choice(
        "every_step",
        {"every_step": "a label at every step", "last_step": "one label per sequence"},
        "Output",
        "return_sequences=True or False.",
        True,
    )
    activation: str = _choice(
        "linear",
        {name: name for name in ("linear", "sigmoid", "softplus", "tanh", "relu")},
        "Output activation",
        "Activation of the last Dense layer.",
        True,
    )
    padding: str = _choice(
        "post", {"post": "post: after the steps", "pre": "pre: before the steps"}, "Padding", "Side that is padded."
    )
    padding_share: float = _number(
        0.4,
        0,
        0.9,
        "Padding share",
        "Share of all steps that is padding.",
        offered=(0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 0.9),
    )
    padded_labels: str = _choice(
        "random",
        {"zero": "zeros", "random": "random values", "garbage": f"garbage: {GARBAGE:g}", "nan": "NaN"},
        "Padded labels hold",
        "What stands in the labels where there is no step.",
    )
    padded_inputs: str = _choice(
        "zero",
        {"zero": "zeros", "minus_one": "-1", "random": "random values", "nan": "NaN"},
        "Padded inputs hold",
        "What stands in the inputs where there is no step.",
    )
    nan_share: float = _number(
        0.0, 0, 0.9, "NaN labels", "Share of real steps whose label is NaN.", offered=(0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.9)
    )
    nan_fill: str = _choice(
        "keep",
        {"keep": "leave NaN", "zero": "fill with 0", "mean": "fill with the mean", "garbage": "fill with 1e6"},
        "Missing labels",
        "What replaces a NaN label before training.",
    )
    input_fill: str = _choice(
        "keep",
        {
            "keep": "leave NaN",
            "zero": "fill with 0",
            "mean": "fill with the column's mean",
            "last": "fill with the last value before",
        },
        "Missing inputs",
        "What replaces a NaN input before training. The mean is that of the training sequences; before the first value "
        "of a sequence there is none, and 0 stands there.",
    )
    gaps: str = _choice(
        "squeeze",
        {"squeeze": "squeezed together", "keep": "kept as missing steps"},
        "Gaps in time",
        "A time without a row: the rows beside it become neighbours, or a step without label and inputs stands there.",
    )
    scale: str = _choice(
        "none",
        {"none": "as they are", "standard": "mean 0, deviation 1"},
        "Scale of your data",
        "Standardise inputs, and labels other than 0/1, by the mean and deviation of the training sequences.",
    )
    cell: str = _choice(
        "lstm", {"lstm": "LSTM", "gru": "GRU", "simple_rnn": "SimpleRNN"}, "Cell", "The recurrent layer.", True
    )
    units: int = _whole(16, 1, 64, "Units", "Width of the recurrent layer.", True, (4, 8, 16, 32, 64))
    between: str = _choice(
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
    optimizer: str = _choice(
        "adam",
        {"adam": "Adam", "sgd": "SGD", "rmsprop": "RMSprop"},
        "Optimizer",
        "keras.optimizers, with its defaults.",
        True,
    )
    learning_rate: float = _number(0.02, 1e-6, 10, "Learning rate", "Step size of the optimizer.", offered=RATES)
    clipping: str = _choice(
        "none",
        {"none": "none", "clipvalue": "clipvalue", "clipnorm": "clipnorm", "global_clipnorm": "global_clipnorm"},
        "Gradient clipping",
        "As the optimizer's argument of that name.",
        True,
    )
    clip_at: float = _number(1.0, 1e-3, 100, "Clip at", "Threshold of the clipping.", True, (0.01, 0.1, 1.0, 10.0))
    batch_size: int = _whole(
        0,
        0,
        256,
        "Batch size",
        "Sequences per update; 0 means all. Batches are taken in order.",
        offered=(0, 1, 4, 8, 16, 32),
    )
    epochs: int = _whole(40, 1, 3000, "Epochs", "Passes over the data.", offered=(1, 5, 10, 20, 40, 60, 100, 200, 300))
    sequences: int = _whole(32, 2, 256, "Sequences", "Sequences in the data set.", True, (2, 4, 8, 16, 32, 64))
    timesteps: int = _whole(12, 2, 48, "Timesteps", "Length of the padded sequences.", True, (4, 8, 12, 16, 24, 48))
    validation_mask: str = _choice(
        "same",
        {"same": "as in training", "aligned": "aligned", "none": "none passed"},
        "Validation mask",
        "The mask that comes with the validation data.",
    )
    validation_labels: str = _choice(
        "same",
        {
            "same": "as in training",
            "zero": "zeros",
            "random": "random values",
            "garbage": f"garbage: {GARBAGE:g}",
            "nan": "NaN",
        },
        "Padded validation labels",
        "What stands in the padded labels of the validation data.",
    )
    seed: int = _whole(0, 0, 9999, "Seed", "Draws the data and the initial weights.", offered=(0, 1, 2, 3, 4))

    def __post_init__(self):
        for name, spec in SPECS.items():
            object.__setattr__(self, name, spec.parse(name, getattr(self, name)))

    @classmethod
    def read(cls, given: Mapping[str, Any], base: Settings | None = None) -> tuple[Settings, list[BadInput]]:
        """Settings from names and texts: what can be used is used over `base`, the rest comes back as problems."""
        base = base or cls()
        good, problems = {}, []
        for name, value in given.items():
            try:
                good[name] = spec_of(name).parse(name, value)
            except BadInput as problem:
                problems.append(problem)
        return dataclasses.replace(base, **good), problems

    def with_changes(self, given: Mapping[str, Any]) -> Settings:
        """A copy with the given fields changed. Raises BadInput on the first that cannot be used."""
        changed, problems = Settings.read(given, self)
        if problems:
            raise problems[0]
        return changed

    def to_query(self, base: Settings | None = None) -> dict[str, str]:
        """The fields that differ from `base`, as text. `read(to_query(base), base)` gives this back."""
        base = base or type(self)()
        return {name: _text(getattr(self, name)) for name in SPECS if getattr(self, name) != getattr(base, name)}

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @property
    def batched(self) -> bool:
        """Whether an epoch takes several updates."""
        return 0 < self.batch_size < self.sequences

    def structure(self) -> Settings:
        """These settings with everything reset that is an argument of the traced graph: equal structures share one."""
        kept = {name: getattr(self, name) for name, spec in SPECS.items() if spec.retraces}
        return type(self)(**kept, batch_size=int(self.batched))


def _text(value: Any) -> str:
    return f"{value:.12g}" if isinstance(value, float) and float(f"{value:.12g}") == value else str(value)


SPECS: dict[str, Spec] = {f.name: f.metadata["spec"] for f in fields(Settings)}


def spec_of(name: str) -> Spec:
    """The declaration of a field. Raises BadInput for a name that is no field."""
    if name not in SPECS:
        raise BadInput(f"unknown field “{name[:40]}”; the fields are {', '.join(SPECS)}.")
    return SPECS[name]


OWN_DATA = ("gaps", "input_fill", "scale")  # fields that matter to a learner's own data only
