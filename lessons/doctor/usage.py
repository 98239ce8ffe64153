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
TIMESTEPS = 7  # what T stands for; unlike the batch sizes, so that no two axes fit by chance
LARGEST = 200_000  # numbers in one sample


@dataclass(frozen=True)
class Usage:
    """The circumstances of a loss. None: not declared.

    `shape` and `label_shape` are without the batch axis: () is one number per sample. `activation` has one entry, or
    one for each column of the prediction. `padding`: none, keras (behind a Masking layer), nan, or the label's mark.
    """

    task: str | None = None
    activation: tuple[str, ...] | None = None
    shape: tuple[int, ...] | None = None
    label_shape: tuple[int, ...] | None = None
    labels: str | None = None
    padding: str | float | None = None

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
        if len(self.activation) not in (1, columns):
            given = ",".join(self.activation)
            raise BadInput(
                f"activation: got “{given}” with shape {shape}; takes one, or one for each of {columns} columns."
            )
        if self.labels == "onehot" and columns < 2:
            raise BadInput(f"labels: got “onehot” with shape {shape}; takes two or more columns, such as B,4.")

    @property
    def marked(self) -> bool:
        """Whether padding is told by the label itself."""
        return isinstance(self.padding, float)

    @property
    def timed(self) -> bool:
        """Whether axis 1 of the prediction can be time: there is more than one number along it."""
        return len(self.shape) > 1 or (len(self.shape) == 1 and self.shape[0] > 1)


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


READERS: dict[str, Callable[[str, str], Any]] = {
    "task": choice(*TASKS),
    "activation": read_activation,
    "shape": read_shape,
    "label_shape": read_shape,
    "labels": choice(*LABELS),
    "padding": read_padding,
}


def shape_words(shape: tuple[int, ...]) -> str:
    """A shape as `read_shape` takes it."""
    return ",".join(["B", *map(str, shape)])


WRITERS: dict[str, Callable[[Any], str]] = {
    "activation": ",".join,
    "shape": shape_words,
    "label_shape": shape_words,
    "padding": lambda value: value if isinstance(value, str) else f"{value:g}",
}
