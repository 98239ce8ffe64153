"""What goes into a model and what comes out of it, measured on a batch; and what of it a run looks at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from math import prod
from typing import Any

from lessons.recipe.bad_input import BadInput
from lessons.recipe.output import Output

NUMBERS, IDS, MASK = "numbers", "ids", "mask"
KINDS = (NUMBERS, IDS, MASK)  # of an input
LABELS = ("number", "binary", "class")  # of an output; empty where it is not trained
MOST = 8  # inputs, and outputs
LARGEST = 16_384  # numbers of a sequence in one of them


@dataclass(frozen=True)
class Taken:
    """One input of a model."""

    name: str
    shape: tuple[int, ...]  # without the batch: (time, features), (time,) for ids and masks, (features,), …
    kind: str = NUMBERS
    words: int = 0  # ids that an Embedding behind it knows
    mark: float | None = None  # what stands in its padding for the model to make a mask of; None: it makes none of it

    @property
    def sequence(self) -> bool:
        """Whether it has steps that hold numbers or ids."""
        return self.kind == IDS or (self.kind == NUMBERS and len(self.shape) > 1)

    @property
    def features(self) -> int:
        """Numbers, or ids, of a step; of all of it where it has no steps."""
        return prod(self.shape[1:]) if self.sequence else prod(self.shape)


@dataclass(frozen=True)
class PutOut:
    """One output of a model, and how it is trained."""

    name: str  # of the layer that makes it, the key of a dictionary, or its place; empty: it is the only one
    shape: tuple[int, ...]  # without the batch
    per_step: bool  # whether there is a prediction for each step of a sequence that goes in
    activation: str  # of its last layer, by Keras' name
    labels: str  # one of LABELS; empty: it is not trained
    loss: str = ""  # the loss on offer that its training begins with
    weight: float = 1.0  # of its loss in the sum, as `loss_weights` says

    @property
    def columns(self) -> int:
        """Of a prediction. Steps that belong to no sequence that goes in, as of a forecast, are columns too."""
        return prod(self.shape[1:]) if self.per_step else prod(self.shape)

    @property
    def output(self) -> Output:
        """What a prediction is."""
        if self.labels == "class":
            return Output("class", self.per_step, self.columns)
        return Output(self.labels, self.per_step, width=self.columns, probability=self.activation == "sigmoid")


@dataclass(frozen=True)
class Interface:
    """All inputs and outputs of a model, in its order. A run looks at one of each: there it has the gradient."""

    inputs: tuple[Taken, ...]
    outputs: tuple[PutOut, ...]
    place: int = 0  # of the input that is looked at
    at: int = 0  # of the output that is looked at
    hears_training: bool = True  # whether `fit` tells it of training: its `call` takes that

    @property
    def taken(self) -> Taken:
        """The input that is looked at."""
        return self.inputs[self.place]

    @property
    def put_out(self) -> PutOut:
        """The output that is looked at."""
        return self.outputs[self.at]

    @property
    def timesteps(self) -> int:
        """Of the sequences that are looked at."""
        return self.taken.shape[0]

    @property
    def features(self) -> int:
        """Numbers, or ids, of a step of these."""
        return self.taken.features

    @property
    def words(self) -> int:
        """Ids that are known of these; 0 where they are numbers."""
        return self.taken.words

    @property
    def mark(self) -> float | None:
        """What stands in the padding of these; None where the model makes no mask of it."""
        return self.taken.mark

    @property
    def given(self) -> bool:
        """Whether another input takes the mask of these."""
        return any(self.is_mask(one) for one in self.inputs)

    @property
    def per_step(self) -> bool:
        """Whether there is a prediction for each of their steps."""
        return self.put_out.per_step

    @property
    def columns(self) -> int:
        """Of a prediction that is looked at."""
        return self.put_out.columns

    @property
    def activation(self) -> str:
        """Of the last layer before it."""
        return self.put_out.activation

    @property
    def several(self) -> bool:
        """Whether there are inputs besides a sequence and its mask, or other outputs that are trained with it."""
        return bool(self.others or self.trained[1:])

    @property
    def numbers(self) -> int:
        """That go in and are labels, of a sequence."""
        shapes = [*(one.shape for one in self.inputs), *(one.shape for one in self.outputs)]
        return sum(map(prod, shapes))

    @property
    def others(self) -> tuple[int, ...]:
        """The places of inputs that are neither looked at nor its mask."""
        return tuple(place for place, one in enumerate(self.inputs) if place != self.place and not self.is_mask(one))

    @property
    def trained(self) -> tuple[int, ...]:
        """The places of all outputs that are trained, the one that is looked at first."""
        rest = (place for place, one in enumerate(self.outputs) if one.labels and place != self.at)
        return (self.at, *rest)

    def is_mask(self, one: Taken) -> bool:
        """Whether this input takes the mask of what is looked at."""
        return one.kind == MASK and one.shape == self.taken.shape[:1]

    def choices(self) -> list[Interface]:
        """This one for each input and output that can be looked at together; none where nothing is trained here."""
        pairs = [
            replace(self, place=place, at=at)
            for at, out in enumerate(self.outputs)
            for place, one in enumerate(self.inputs)
            if out.labels and one.sequence and (not out.per_step or out.shape[0] == one.shape[0])
        ]
        return sorted(pairs, key=lambda one: (one.place, one.at))

    def said(self) -> str:
        """What is looked at, as a choice says it."""
        output = self.put_out.name or "the output"
        return output if len(self.inputs) == 1 else f"{output}, and the gradient at {self.taken.name}"

    def to_plain(self) -> dict[str, Any]:
        """Its parts by their names, in lists and dictionaries."""
        return asdict(self) | {
            name: [asdict(one) | {"shape": list(one.shape)} for one in getattr(self, name)]
            for name in ("inputs", "outputs")
        }

    @classmethod
    def read(cls, plain: Mapping[str, Any]) -> Interface:
        """What `to_plain` has made. Raises BadInput where a model is larger than what is trained here."""
        kinds: dict[str, Any] = {"inputs": Taken, "outputs": PutOut}
        parts = {
            name: tuple(kind(**one | {"shape": tuple(one["shape"])}) for one in plain[name])
            for name, kind in kinds.items()
        }
        for name, ones in parts.items():
            shapes = [one.shape for one in ones]
            if len(shapes) > MOST or any(min(shape, default=1) < 1 or prod(shape) > LARGEST for shape in shapes):
                raise BadInput(
                    f"own model: its {name} are {', '.join(map(str, shapes[: MOST + 1]))}; up to {MOST} of up to "
                    f"{LARGEST:,} numbers for a sequence are trained here."
                )
        return cls(**{**plain, **parts})
