"""Generated data for a model with several inputs or outputs: all of them, whichever of them a run looks at."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from lessons.recipe import data
from lessons.recipe.data import Bools, Floats, Whole
from lessons.recipe.interface import IDS, MASK, Interface, PutOut, Taken
from lessons.recipe.output import Output

if TYPE_CHECKING:
    from lessons.recipe.recipe import Recipe

DRAWN = 10  # generators of inputs begin here, see data.py; those of padded labels LABELS later
LABELS = 10


@dataclass(frozen=True)
class Several:
    """All inputs and true labels of a model, the sequences at their beginning; a mask is None."""

    inputs: list[Floats | None]  # (batch, time, features) or (batch, features) each, in the model's order
    truths: list[Floats | None]  # (batch, time, columns) or (batch, columns) each; None: it is not trained
    lengths: Whole  # (batch,) of the sequences that are looked at

    def looked_at(self, interface: Interface) -> tuple[Floats, Floats]:
        """Inputs (batch, time, features) and labels (batch, time, columns), as `Settings.generated` gives them."""
        x, truth = self.inputs[interface.place], self.truths[interface.at]
        assert x is not None and truth is not None
        if truth.ndim == 2:
            truth = np.broadcast_to(truth[:, None], (*x.shape[:2], truth.shape[-1]))
        return x, truth


def generated(recipe: Recipe, lengths: Whole, stream: int) -> Several:
    """lengths (count,): of the sequences that are looked at; those of others are longer or shorter as their time is."""
    assert recipe.model
    interface, seed = recipe.model.interface, recipe.settings.seed
    inputs = [
        None if one.kind == MASK else drawn(one, len(lengths), np.random.default_rng([seed, stream, DRAWN + place]))
        for place, one in enumerate(interface.inputs)
    ]
    truths = [
        truth_of(one, signal_for(one, interface, inputs, lengths)) if one.labels else None for one in interface.outputs
    ]
    return Several(inputs, truths, lengths)


def drawn(one: Taken, count: int, rng: np.random.Generator) -> Floats:
    """(count, time, features) or (count, features). Ids are drawn from 1 on: 0 is padding."""
    shape = (count, one.shape[0], one.features) if one.sequence else (count, one.features)
    return rng.integers(1, max(2, one.words), shape).astype(float) if one.kind == IDS else rng.normal(size=shape)


def signal_for(out: PutOut, interface: Interface, inputs: list[Floats | None], lengths: Whole) -> Floats:
    """What labels are made of, (batch, time), or (batch, 1) at the last real step; one number for each step.

    The mean of what all inputs tell: sequences this step and the one before, other inputs the same at each step.
    """
    steps = [one.shape[0] for one in interface.inputs if one.sequence]
    timesteps = out.shape[0] if out.per_step else steps[0]
    told = []
    for one, values in zip(interface.inputs, inputs, strict=True):
        if values is None:
            continue
        centred = values / max(1.0, one.words / np.sqrt(12)) - np.sqrt(3) * (one.kind == IDS)
        if not one.sequence:
            told.append(np.broadcast_to(centred.mean(axis=1)[:, None], (len(lengths), timesteps)))
        elif one.shape[0] == timesteps:
            told.append(step_and_before(centred[..., 0], centred[..., 1 % one.features]))
    signal = np.mean(told, axis=0)
    if out.per_step:
        return signal
    last = scaled(lengths, interface.timesteps, timesteps)[:, None] - 1
    return np.take_along_axis(signal, last, axis=1)


def step_and_before(value: Floats, other: Floats) -> Floats:
    """(batch, time): 0.8 of this step's value, and 0.6 of the step before's other."""
    before = np.pad(other[:, :-1], ((0, 0), (1, 0)))
    return 0.8 * value + 0.6 * before


def truth_of(out: PutOut, signal: Floats) -> Floats:
    """Labels (…, columns) of a signal (batch, time), or (batch, 1): (batch, columns) then."""
    labels = labels_of(out.output, signal[..., None])
    return labels if out.per_step else labels[:, 0]


def labels_of(output: Output, signal: Floats) -> Floats:
    """Labels (…, columns) made of a signal (…, 1) of mean 0 and deviation 1. Classes are of about the same size.

    Several numbers of a prediction are that of the signal, and smaller ones.
    """
    if output.ranked:
        edges = [NormalDist().inv_cdf(place / output.classes) for place in range(1, output.classes)]
        return np.searchsorted(edges, signal).astype(float)
    share = 1 / np.arange(1, output.width + 1)
    if output.kind == "binary":
        return (signal > share - 1).astype(float)
    return signal * share


def scaled(lengths: Whole, timesteps: int, others: int) -> Whole:
    """(count,) the same shares of sequences of so many other steps."""
    return np.clip(-(-lengths * others // timesteps), 1, others)


def padded(recipe: Recipe, several: Several, padded_labels: str, stream: int) -> dict[str, Any]:
    """The fields of a PaddedBatch that hold what is not looked at."""
    assert recipe.model
    interface, settings = recipe.model.interface, recipe.settings
    inputs: list[Floats] = []
    labels: list[Floats] = []
    truths: list[Floats] = []
    steps: list[Bools] = []

    def real_of(timesteps: int) -> Bools:
        lengths = scaled(several.lengths, interface.timesteps, timesteps)
        return data.real_steps(lengths, timesteps, settings.padding)

    for place in interface.others:
        one, values = interface.inputs[place], several.inputs[place]
        if one.kind == MASK:
            inputs.append(real_of(one.shape[0]).astype("float32"))
        elif one.sequence and values is not None:
            inputs.append(data.placed(values, real_of(one.shape[0]), one.mark or 0.0).astype("float32"))
        elif values is not None:
            inputs.append(values.astype("float32"))
    for place in interface.trained[1:]:
        out, truth = interface.outputs[place], several.truths[place]
        assert truth is not None
        if not out.per_step:
            labels.append(truth.astype("float32"))
            truths.append(truth.astype("float32"))
            steps.append(np.ones((len(truth), 1), bool))
            continue
        real = real_of(out.shape[0])
        rng = np.random.default_rng([settings.seed, stream, DRAWN + LABELS + place])
        held = data.padded_values(padded_labels, (~real).sum(), out.output, rng)[:, None]
        truths.append(data.placed(truth, real).astype("float32"))
        given = truths[-1].copy()
        given[~real] = held
        labels.append(given)
        steps.append(real)
    return {"inputs": inputs, "labels": labels, "truths": truths, "label_steps": steps}
