"""Settings: the fields of a run that every family has. A family (lessons/families) is a class that adds its own.

Each field declares its default, what it takes, label and help once, here. Widgets, URL, JSON, command line and
validation are derived from the declarations. A field's URL and command-line name is its name.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from lessons.recipe import losses
from lessons.recipe.bad_input import BadInput
from lessons.recipe.data import GARBAGE, Bools, Floats, PaddedBatch, Whole
from lessons.recipe.output import Output
from lessons.recipe.spec import LossName, Number, Spec, choice, number, whole

if TYPE_CHECKING:
    import keras


EPSILONS = (0.0, 1e-12, 1e-8, 1e-7, 1e-6, 1e-4, 1e-2, 0.1, 1.0)
HELD = {"zero": "zeros", "random": "random values", "garbage": f"garbage: {GARBAGE:g}", "nan": "NaN"}  # by labels
CELLS = 12_288  # sequences × timesteps: some two seconds of training, and 3 MB that a browser is sent
# Of a trained model: x (batch, time, features) and mask (batch, time) bool -> what it puts out, (batch, time, columns).
Ask = Callable[[Floats, Bools], Floats]
RATES = (1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.02, 0.03, 0.05, 0.1, 0.3, 1.0)


@dataclass(frozen=True)
class Settings:
    """What is set of a run, whatever its data. Hashable."""

    mask: str = choice(
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
    mask_shift: int = whole(
        1, -8, 8, "Shift by", "Steps a shifted mask is moved; +1 takes one padded step for real. Filled with False."
    )
    mask_route: str = choice(
        "passed",
        {"passed": "passed to the layers", "multiplied": "multiplied into the input"},
        "Mask is",
        "Passed: the layers skip masked steps. Multiplied: inputs become 0 there and no layer knows of a mask.",
    )
    loss: str = choice("mse", losses.LABELS, "Loss", "The function that compile(loss=…) is given.", True, LossName)
    epsilon: float = number(
        1e-7, 0, 1, "Epsilon", "The small constant in the loss, as a Python number.", True, EPSILONS
    )
    reduction: str = choice(
        "sum_over_batch_size",
        ("sum_over_batch_size", "mean_with_sample_weight", "sum"),
        "Reduction",
        "How Keras turns one value per step into one number.",
        True,
    )
    loss_dtype: str = choice(
        "float32",
        ("float32", "float16", "bfloat16", "float64"),
        "Float type of the loss",
        "Keras casts labels and predictions to this type before it calls the loss.",
        True,
    )
    sample_weight: str = choice(
        "none",
        {"none": "none", "instead": "the mask, instead of a mask", "besides": "the mask, besides the mask"},
        "Sample weight",
        "Hand the mask to fit as sample_weight.",
        True,
    )
    padding: str = choice(
        "post", {"post": "post: after the steps", "pre": "pre: before the steps"}, "Padding", "Side that is padded."
    )
    padding_share: float = number(
        0.4,
        0,
        0.9,
        "Padding share",
        "Share of all steps that is padding.",
        offered=(0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 0.9),
    )
    padded_labels: str = choice(
        "random",
        HELD,
        "Padded labels hold",
        "What stands in the labels where there is no step.",
    )
    padded_inputs: str = choice(
        "zero",
        {"zero": "zeros", "minus_one": "-1", "random": "random values", "nan": "NaN"},
        "Padded inputs hold",
        "What stands in the inputs where there is no step.",
    )
    nan_share: float = number(
        0.0, 0, 0.9, "NaN labels", "Share of real steps whose label is NaN.", offered=(0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.9)
    )
    nan_fill: str = choice(
        "keep",
        {"keep": "leave NaN", "zero": "fill with 0", "mean": "fill with the mean", "garbage": "fill with 1e6"},
        "Missing labels",
        "What replaces a NaN label before training.",
    )
    input_fill: str = choice(
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
    gaps: str = choice(
        "squeeze",
        {"squeeze": "squeezed together", "keep": "kept as missing steps"},
        "Gaps in time",
        "A time without a row: the rows beside it become neighbours, or a step without label and inputs stands there.",
    )
    scale: str = choice(
        "none",
        {"none": "as they are", "standard": "mean 0, deviation 1"},
        "Scale of your data",
        "Standardise inputs, and labels other than 0/1, by the mean and deviation of the training sequences.",
    )
    optimizer: str = choice(
        "adam",
        {"adam": "Adam", "sgd": "SGD", "rmsprop": "RMSprop"},
        "Optimizer",
        "keras.optimizers, with its defaults.",
        True,
    )
    learning_rate: float = number(0.02, 1e-6, 10, "Learning rate", "Step size of the optimizer.", offered=RATES)
    clipping: str = choice(
        "none",
        ("none", "clipvalue", "clipnorm", "global_clipnorm"),
        "Gradient clipping",
        "As the optimizer's argument of that name.",
        True,
    )
    clip_at: float = number(1.0, 1e-3, 100, "Clip at", "Threshold of the clipping.", True, (0.01, 0.1, 1.0, 10.0))
    batch_size: int = whole(
        0,
        0,
        256,
        "Batch size",
        "Sequences per update; 0 means all. Batches are taken in order.",
        offered=(0, 1, 4, 8, 16, 32),
    )
    epochs: int = whole(40, 1, 3000, "Epochs", "Passes over the data.", offered=(1, 5, 10, 20, 40, 60, 100, 200, 300))
    classes: int = whole(
        0, 0, 50, "Classes", "How many classes the labels of your own data have; 0 where they are numbers.", True
    )
    sequences: int = whole(32, 2, 512, "Sequences", "Sequences in the data set.", True, (2, 4, 8, 16, 32, 64))
    timesteps: int = whole(12, 2, 256, "Timesteps", "Length of the padded sequences.", True, (4, 8, 12, 16, 24, 48))
    validation_mask: str = choice(
        "same",
        {"same": "as in training", "aligned": "aligned", "none": "none passed"},
        "Validation mask",
        "The mask that comes with the validation data.",
    )
    validation_labels: str = choice(
        "same",
        {"same": "as in training", **HELD},
        "Padded validation labels",
        "What stands in the padded labels of the validation data.",
    )
    seed: int = whole(0, 0, 9999, "Seed", "Draws the data and the initial weights.", offered=(0, 1, 2, 3, 4))

    # --- what a family says of itself (lessons/families)

    takes_table: ClassVar[bool] = False  # whether it can be trained on a learner's own data
    takes_model: ClassVar[bool] = False  # whether a model of the learner's own can stand in place of the family's
    measured: ClassVar[Mapping[str, str]] = {}  # shares that it measures besides: name, and what of
    pictured: ClassVar[bool] = False  # whether Pictures (lessons/runs/run.py) are taken while it trains
    template: ClassVar[str] = ""  # of the script to take home: Jinja2 that extends lessons/export/script.jinja

    @property
    def features(self) -> int:
        """Of a step, in the data that it generates."""
        return 2

    @property
    def predicts(self) -> Output:
        """What the model puts out."""
        raise NotImplementedError(f"{type(self).__name__} is no family")

    @property
    def causal(self) -> bool:
        """Whether what the model puts out at a step depends on this step and those before it only."""
        return False

    @property
    def keeps_mask(self) -> bool:
        """Whether a mask that is passed to the model comes out with its predictions."""
        raise NotImplementedError(f"{type(self).__name__} is no family")

    def generated(self, lengths: Whole, rng: np.random.Generator, noise: np.random.Generator) -> tuple[Floats, Floats]:
        """Inputs (count, timesteps, features) and true labels (count, timesteps, 1), the sequences at their beginning.

        lengths (count,): what stands behind a sequence's length is not looked at. Where there is one label per sequence
        it is that of its last real step. `noise`: a generator of its own for labels that do not depend on the inputs.
        """
        raise NotImplementedError(f"{type(self).__name__} is no family")

    def labels_given(self, x: Floats, truth: Floats) -> Floats:
        """The labels (steps, 1) that `fit` is given for real steps: inputs x (steps, features), true labels (steps, 1).

        Those of a family that makes a mistake on purpose differ from the truth.
        """
        return truth

    def taught(self, x: Floats, real: Bools) -> Bools:
        """The real steps whose labels are meant to count, (batch, time) bool as `real`. x (batch, time, features)."""
        return real

    def measures(self, batch: PaddedBatch, ask: Ask) -> dict[str, float]:
        """What else is measured of the trained model, by the names in `measured`. `ask`: see Ask."""
        return {}

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """How a token is called, by its id; none where predictions are no tokens."""
        return ()

    def attends(self, mask: Bools) -> Bools | None:
        """Who may look at whom, (batch, query, key) bool, of a mask (batch, time); None where there is no attention."""
        return None

    def text(self, batch: PaddedBatch, ask: Ask) -> Whole | None:
        """What the model writes alone, token ids (batch, time), -1 where it writes none; None where it never writes."""
        return None

    def reach(self, batch: PaddedBatch, ask: Ask) -> Floats | None:
        """How much the loss of each step moves when the token of another is exchanged, (step, exchanged).

        NaN where none was exchanged; None where there are no tokens.
        """
        return None

    def build(self, features: int, dtype: str = "float32") -> keras.Model:
        """The keras.Model of x (batch, timesteps, features) and mask (batch, timesteps) bool, True for real.

        It returns what `predicts` says. Initial weights are drawn by seeded initializers; the mask reaches layers by
        `mask=` or with the tensors, as Keras passes it. Where it has an attribute `attention`, those are the weights
        (batch, head, query, key) of its attention, made by the same layers.
        """
        raise NotImplementedError(f"{type(self).__name__} is no family")

    def idle_fields(self) -> Iterator[tuple[str, str]]:
        """Fields of the family that cannot change the run, each with the reason why."""
        return iter(())

    # --- what is common

    def __post_init__(self) -> None:
        for name, spec in self.specs().items():
            object.__setattr__(self, name, spec.parse(name, getattr(self, name)))
        if self.sequences * self.timesteps > CELLS:
            raise BadInput(
                f"sequences × timesteps: got {self.sequences} × {self.timesteps}; takes up to {CELLS:,} together."
            )

    @classmethod
    @cache
    def specs(cls) -> Mapping[str, Spec]:
        """The declarations of its fields by name: those that all families have, then its own."""
        return MappingProxyType({one.name: one.metadata["spec"] for one in fields(cls)})

    @classmethod
    def spec_of(cls, name: str) -> Spec:
        """The declaration of a field. Raises BadInput for a name that is no field of this family."""
        if name not in cls.specs():
            raise BadInput(f"unknown field “{name[:40]}”; the fields are {', '.join(cls.specs())}.")
        return cls.specs()[name]

    @classmethod
    def number(cls, name: str) -> Number:
        """The declaration of a field that takes a number. Raises KeyError for a name that is no field."""
        spec = cls.specs()[name]
        assert isinstance(spec, Number), name
        return spec

    def said(self, name: str) -> str:
        """The value of a field as its control says it. Raises KeyError for a name that is no field."""
        return self.specs()[name].said(getattr(self, name))

    @classmethod
    def read(cls, given: Mapping[str, Any], base: Settings | None = None) -> tuple[Settings, list[BadInput]]:
        """Settings from names and texts: what can be used is used over `base`, the rest comes back as problems."""
        base = base or cls()
        good, problems = {}, []
        for name, value in given.items():
            try:
                good[name] = base.spec_of(name).parse(name, value)
            except BadInput as problem:
                problems.append(problem)
        try:
            return dataclasses.replace(base, **good), problems
        except BadInput as problem:  # each can be used, and not all of them together
            return base, [*problems, problem]

    def with_changes(self, given: Mapping[str, Any]) -> Settings:
        """A copy with the given fields changed. Raises BadInput on the first that cannot be used."""
        changed, problems = Settings.read(given, self)
        if problems:
            raise problems[0]
        return changed

    def to_query(self, base: Settings | None = None) -> dict[str, str]:
        """The fields that differ from `base`, as text. `read(to_query(base), base)` gives this back."""
        base = base or type(self)()
        return {name: _text(getattr(self, name)) for name in self.specs() if getattr(self, name) != getattr(base, name)}

    def to_json(self) -> dict[str, Any]:
        """The value of every field by its name."""
        return dataclasses.asdict(self)

    @property
    def batched(self) -> bool:
        """Whether an epoch takes several updates."""
        return 0 < self.batch_size < self.sequences

    def structure(self) -> Settings:
        """These settings with everything reset that is an argument of the traced graph: equal structures share one."""
        kept = {name: getattr(self, name) for name, spec in self.specs().items() if spec.retraces}
        return type(self)(**kept, batch_size=int(self.batched))


def _text(value: Any) -> str:
    return f"{value:.12g}" if isinstance(value, float) and float(f"{value:.12g}") == value else str(value)


OWN_DATA = ("gaps", "input_fill", "scale")  # fields that matter to a learner's own data only
