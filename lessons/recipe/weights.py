"""What `fit` is given as weights with a learner's own model, and what Keras makes of them without a word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lessons.recipe.bad_input import BadInput
from lessons.recipe.data import Floats
from lessons.recipe.interface import Interface
from lessons.recipe.words import shortened

NONE, ROWS, FLAT, STEPS, COLUMNS, LABELS = "none", "sequences", "flat", "steps", "columns", "labels"
KINDS = {  # of sample_weight -> its label
    NONE: "none",
    ROWS: "for each sequence, (batch, 1)",
    FLAT: "for each sequence, (batch,)",
    STEPS: "for each step, (batch, time)",
    COLUMNS: "for each column, (batch, …, columns)",
    LABELS: "by the label, one for each",
}
LAST, MOST = 3.0, 1000.0  # of what rises from 1 to the last


@dataclass(frozen=True)
class Weights:
    """`sample`: one of KINDS. It rises evenly from 1, of the first sequence, step, column or label, to `last`."""

    sample: str = NONE
    last: float = LAST
    classes: tuple[tuple[int, float], ...] = ()  # class_weight: (class, weight) each

    def __post_init__(self) -> None:
        if self.sample not in KINDS or not 0 <= self.last <= MOST:
            raise BadInput(
                f"sample_weight: got “{shortened(str(self.sample))}”, up to {self.last:g}; takes one of "
                f"{', '.join(KINDS)}, and a number from 0 to {MOST:g}."
            )
        if self.sample != NONE and self.classes:
            raise BadInput("class_weight: got one beside sample_weight; Keras takes one of the two.")

    def of(self, interface: Interface, timesteps: int, y: Floats) -> Floats | None:
        """sample_weight (batch, …) for the labels (batch, time, width) or (batch, width) of what is looked at."""
        rows = len(y)
        if self.sample in (ROWS, FLAT):
            rising = self._rising(rows)
            return rising if self.sample == FLAT else rising[:, None]
        if self.sample == STEPS:
            return np.tile(self._rising(timesteps), (rows, 1))
        if self.sample == COLUMNS:
            return np.broadcast_to(self._rising(interface.columns), (*y.shape[:-1], interface.columns)).copy()
        if self.sample == LABELS:
            labels = interface.put_out.output.labels
            place = np.nan_to_num(y[..., 0]).clip(0, len(labels) - 1).astype(int)
            return self._rising(len(labels))[place]
        return None

    def _rising(self, count: int) -> Floats:
        """(count,) from 1 to the last."""
        return np.linspace(1.0, self.last, count).astype("float32")

    def sentences(self, interface: Interface) -> Iterator[str]:
        """What a training is given, and what Keras makes of it without a word; nothing where it is given none."""
        if self.classes:
            pairs = ", ".join(f"{label}: {weight:g}" for label, weight in self.classes)
            yield f"Trained with class_weight {pairs}. As in fit, validation is without it."
        if self.sample != NONE:
            rises = f"{KINDS[self.sample]}, from 1 to {self.last:g}"
            yield f"Trained with sample_weight {rises}. As in fit, validation is without it."
            if said := said_of_sample(self.sample, interface):
                yield said


NOTHING = Weights()


def read(text: str, classes: tuple[tuple[int, float], ...] = ()) -> Weights:
    """Weights as they are typed: a kind, and behind a colon the last if it is another, such as steps:5.

    Raises BadInput.
    """
    kind, _, last = text.partition(":")
    try:
        return Weights(kind.strip(), float(last) if last.strip() else LAST, classes if kind.strip() == NONE else ())
    except ValueError:
        raise BadInput(f"weights: got “{shortened(text)}”; takes KIND or KIND:LAST, such as steps:5.") from None


def offered(interface: Interface) -> list[str]:
    """The kinds of sample_weight that there is a number for, in what is looked at."""
    out = interface.put_out.output
    return [kind for kind in KINDS if kind != LABELS or (out.labels and out.label_width == 1)]


def fits(kind: str, interface: Interface) -> bool:
    """Whether Keras weighs by it what it is for: its loss is (batch, time), or (batch,), columns are taken together."""
    if kind == COLUMNS:
        return interface.columns == 1
    return kind != (FLAT if interface.per_step else STEPS)


def said_of_sample(kind: str, interface: Interface) -> str:
    """What Keras does with a sample_weight that does not fit, which people are not told; empty where it fits.

    keras/src/losses/loss.py: reduce_weighted_values, squeeze_or_expand_to_same_rank.
    """
    if fits(kind, interface):
        return ""
    if kind == COLUMNS:
        loss, weighed = ("(batch, time)", "steps") if interface.per_step else ("(batch,)", "sequences")
        return (
            f"The loss is {loss}, one number for all {interface.columns} columns, and Keras refuses a "
            f"weight for each; where sizes happen to agree it weighs {weighed} by it, without a word. Weigh columns in "
            "a loss of your own, or make an output of each."
        )
    if kind == FLAT:
        return (
            "Beside a loss (batch, time) Keras refuses (batch,), and where a batch has as many "
            "sequences as steps it weighs steps by it, without a word. Give (batch, 1)."
        )
    return (
        "Beside a loss (batch,) Keras refuses (batch, time), and where a batch has as many sequences as "
        "steps it weighs sequences by it, without a word. Give (batch,)."
    )


def class_weight_of(interface: Interface, compiled: Mapping[str, Any] | None) -> tuple[tuple[int, float], ...]:
    """What the text's `fit` is given as class_weight, (class, weight) each, where Keras weighs these classes by it."""
    said = (compiled or {}).get("class_weight")
    if not isinstance(said, dict) or untakable(interface):
        return ()
    plain = all(name.isdecimal() and isinstance(weight, int | float) for name, weight in said.items())
    return tuple((int(name), float(weight)) for name, weight in said.items()) if plain else ()


def left_out(interface: Interface, compiled: Mapping[str, Any] | None) -> Iterator[str]:
    """What the text's `fit` is given as weights and this training does not take, and what Keras does with them."""
    said, out = compiled or {}, interface.put_out
    given, weights = said.get("class_weight"), class_weight_of(interface, said)
    if given and not weights:
        why = untakable(interface) or f"{given} is no dictionary of plain numbers"
        yield f"There is no class_weight here: {why}."
    elif weights and out.output.label_width > 1:
        yield f"class_weight: Keras takes the place of the largest of {out.columns} labels for the class, unsaid."
    elif weights and out.labels == "class" and (absent := sorted({*range(out.columns)} - {*dict(weights)})):
        yield f"class_weight: class {absent[0]} has none, and Keras gives it 1 without a word."
    if sample := said.get("sample_weight"):
        yield f"sample_weight={sample} of your fit belongs to your data and is not read: choose one of its shape."


def untakable(interface: Interface) -> str:
    """Why class_weight has no effect; empty where it has. keras/src/trainers/data_adapters/data_adapter_utils.py."""
    if len(interface.outputs) > 1:
        return "with several outputs Keras refuses it, and takes a sample_weight for each"
    if interface.put_out.per_step:
        return (
            "of labels (batch, time) Keras takes the step with the largest for the class of the sample, without a "
            "word, and (batch, time, 1) fails in fit; give a sample_weight (batch, time)"
        )
    if interface.put_out.labels == "number":
        return "the labels are numbers, which Keras would round and take for classes without a word"
    return ""
