"""How a loss is used: what its labels, predictions and padding are. Declared by who asks, inferred where left out."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

from lessons.recipe import numeral
from lessons.recipe.bad_input import BadInput

RELATED = ("embedding", "ranking", "survival", "transcript")  # labels that are no values a prediction could take
TASKS = ("regression", "binary", "multiclass", "distance", *RELATED)
ACTIVATIONS = ("linear", "sigmoid", "softmax", "softplus")
LABELS = ("float", "nonnegative", "probabilities", "binary", "onehot", "ids", "angles", "boxes")
PADDINGS = ("none", "keras", "nan")
WEIGHTS = ("none", "sample", "step", "column")
TIMESTEPS = 7  # what T stands for; unlike the batch sizes, so that no two axes fit by chance
LARGEST = 200_000  # numbers in one sample


@dataclass(frozen=True)
class Usage:
    """The circumstances of a loss. None: not declared.

    `labels` is one kind, or with commas one for each column of the label.
    `shape` and `label_shape` are without the batch axis: () is one number per sample. `activation` has one entry, or
    one for each column of the prediction. `padding`: none, keras (behind a Masking layer), nan, or the label's mark.
    `sample_weight`: what one number of the weights is for that `fit` is given. `class_weight`: the classes' weights.
    """

    task: str | None = None
    activation: tuple[str, ...] | None = None
    shape: tuple[int, ...] | None = None
    label_shape: tuple[int, ...] | None = None
    labels: str | None = None
    padding: str | float | None = None
    sample_weight: str | None = None
    class_weight: tuple[tuple[int, float], ...] | None = None

    @classmethod
    def parse(cls, given: Mapping[str, Any]) -> Usage:
        """From texts as the command line takes them; None and "" mean not declared. Raises BadInput."""
        unknown = given.keys() - {field.name for field in dataclasses.fields(cls)}
        if unknown:
            accepted = ", ".join(field.name for field in dataclasses.fields(cls))
            raise BadInput(f"option: got “{sorted(unknown)[0][:40]}”; there are {accepted}.")
        return cls(**{name: READERS[name](name, value) for name, value in given.items() if value not in (None, "")})

    def declared(self) -> dict[str, Any]:
        """The options that are set, as `parse` takes them."""
        return {
            field.name: WRITERS.get(field.name, str)(value)
            for field in dataclasses.fields(self)
            if (value := getattr(self, field.name)) is not None
        }

    def check(self) -> None:
        """Raises BadInput where the options of a complete usage contradict each other."""
        shape, columns = shape_words(self.shape), self.shape[-1] if self.shape else 1
        if self.padding == "keras" and not self.timed:
            raise BadInput(f"padding: got “keras” with shape {shape}; a Keras mask takes a time axis, such as B,T,1.")
        if self.sample_weight == "step" and not self.timed:
            raise BadInput(f"sample_weight: got “step” with shape {shape}; takes a time axis, such as B,T,1.")
        if self.sample_weight not in (None, "none") and self.class_weight:
            raise BadInput("class_weight: got one beside sample_weight; Keras takes one of the two.")
        if len(self.activation) not in (1, columns):
            given = ",".join(self.activation)
            raise BadInput(
                f"activation: got “{given}” with shape {shape}; takes one, or one for each of {columns} columns."
            )
        if len(self.label_kinds) > 1 and self.label_shape[-1:] != (len(self.label_kinds),):
            raise BadInput(
                f"labels: got “{self.labels}” with label shape {shape_words(self.label_shape)}; takes one, or one for "
                "each of its columns."
            )
        if self.labels == "onehot" and columns < 2:
            raise BadInput(f"labels: got “onehot” with shape {shape}; takes two or more columns, such as B,4.")

    @property
    def label_kinds(self) -> tuple[str, ...]:
        """What the labels are: one entry, or one for each of their columns."""
        return tuple(self.labels.split(",")) if self.labels else ()

    @property
    def marked(self) -> bool:
        """Whether padding is told by the label itself."""
        return isinstance(self.padding, float)

    @property
    def timed(self) -> bool:
        """Whether axis 1 of the prediction can be time: there is more than one number along it, and it is not where an
        id finds its class."""
        classes = self.labels == "ids" and self.label_shape != self.shape
        return len(self.shape) > 1 or (len(self.shape) == 1 and self.shape[0] > 1 and not classes)


def choice(*taken: str):
    """A reader `(name, given)` of one of these words, which raises BadInput for any other."""

    def read(name: str, given: Any) -> str:
        if given not in taken:
            raise BadInput(f"{name}: got “{str(given)[:40]}”; takes {', '.join(taken)}.")
        return given

    return read


def read_activation(name: str, given: Any) -> tuple[str, ...]:
    """One activation, or one for each column, from a text or a list. Raises BadInput."""
    parts = given if isinstance(given, list | tuple) else str(given).split(",")
    return tuple(choice(*ACTIVATIONS)(name, str(part).strip()) for part in parts)


def read_labels(name: str, given: Any) -> str:
    """One kind of label, or one for each column with commas between them, from a text or a list. Raises BadInput."""
    parts = given if isinstance(given, list | tuple) else str(given).split(",")
    kinds = [choice(*LABELS)(name, str(part).strip()) for part in parts]
    whole = sorted({"onehot", "boxes"} & set(kinds))
    if len(kinds) > 1 and whole:
        raise BadInput(f"{name}: got “{','.join(kinds)[:40]}”; {whole[0]} says all columns at once and stands alone.")
    return ",".join(kinds) if len(set(kinds)) > 1 else kinds[0]


def read_shape(name: str, given: Any) -> tuple[int, ...]:
    """The axes behind B, T being TIMESTEPS long, from a text or a list. Raises BadInput."""
    parts = given if isinstance(given, list | tuple) else str(given).strip("()[] ").split(",")
    words = [str(part).strip() for part in parts if str(part).strip()]
    refusal = BadInput(f"{name}: got “{str(given)[:40]}”; takes B and then sizes, such as B,1 or B,T,4.")
    if not words or words[0] not in ("B", "None", "-1"):
        raise refusal
    sizes = [TIMESTEPS if word in ("T", "None") else word for word in words[1:]]
    if not all(isinstance(size, int) or numeral.is_whole(size, 1, LARGEST) for size in sizes):
        raise refusal
    shape = tuple(int(size) for size in sizes)
    if len(shape) > 5 or math.prod(shape) > LARGEST:
        raise BadInput(f"{name}: got “{str(given)[:40]}”; takes up to 5 axes and {LARGEST} numbers in a sample.")
    return shape


def read_padding(name: str, given: Any) -> str | float:
    """A word of PADDINGS, or the number that marks padding; “nan” for a NaN. Raises BadInput."""
    if given in PADDINGS:
        return given
    refusal = BadInput(f"{name}: got “{str(given)[:40]}”; takes none, keras, nan, or the number that marks padding.")
    if isinstance(given, bool) or not isinstance(given, str | Real):
        raise refusal
    try:
        value = numeral.number(given) if isinstance(given, str) else float(given)
    except (ValueError, OverflowError):
        raise refusal from None
    if math.isinf(value):
        raise refusal
    return "nan" if math.isnan(value) else value


def read_class_weight(name: str, given: Any) -> tuple[tuple[int, float], ...]:
    """((class, weight), …) from a text such as 0:1,1:5. Raises BadInput."""
    pairs = [part.partition(":") for part in str(given).strip("{} ").split(",")]
    try:
        read = {int(number): numeral.number(weight.strip()) for number, _, weight in pairs}
    except ValueError:
        read = {}
    if len(read) < 2 or min(read) < 0 or not all(0 <= weight < math.inf for weight in read.values()):
        raise BadInput(
            f"{name}: got “{str(given)[:40]}”; takes two or more classes with their weights, such as 0:1,1:5."
        )
    return tuple(sorted(read.items()))


READERS: dict[str, Callable[[str, str], Any]] = {
    "task": choice(*TASKS),
    "activation": read_activation,
    "shape": read_shape,
    "label_shape": read_shape,
    "labels": read_labels,
    "padding": read_padding,
    "sample_weight": choice(*WEIGHTS),
    "class_weight": read_class_weight,
}


def shape_words(shape: tuple[int, ...]) -> str:
    """A shape as `read_shape` takes it."""
    return ",".join(["B", *map(str, shape)])


WRITERS: dict[str, Callable[[Any], str]] = {
    "activation": ",".join,
    "shape": shape_words,
    "label_shape": shape_words,
    "padding": lambda value: value if isinstance(value, str) else f"{value:g}",
    "class_weight": lambda pairs: ",".join(f"{number}:{weight:g}" for number, weight in pairs),
}
