"""All that is found of a model on one padded batch: its x-ray, samples of its layers, and whether it can be trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import keras

from lessons.engine.mask_xray import ALL_RIGHT, XRay, xray
from lessons.engine.model_batch import batch_for, inputs_of
from lessons.engine.model_interface import deaf, interface_of
from lessons.engine.model_samples import looked_into
from lessons.recipe.bad_input import BadInput
from lessons.recipe.data import Bools, Floats
from lessons.recipe.interface import Interface, Taken

SEED = 0
SEVERITIES = {  # of what is found of a model, by its code
    **dict.fromkeys(("mask_lost", "padding_enters", "mask_leaves_nothing_out", "not_finite"), "error"),
    **dict.fromkeys(("padding_counted", "nothing_left", "not_told_of_training"), "warning"),
    "no_mask": "note",
}


@dataclass(frozen=True)
class Examination:
    """What was found of a model."""

    seen: XRay
    samples: list[dict[str, Any]]  # of each call, see model_samples
    findings: list[tuple[str, str]]  # (code, sentence) each
    real: Bools  # (batch, time), the steps of the batch
    interface: Interface | None  # None where it cannot be trained, and
    untrained: str  # why

    @property
    def says(self) -> list[str]:
        """What was found, in sentences; that all is right where nothing was."""
        return [sentence for _, sentence in self.findings] or [ALL_RIGHT]

    def to_plain(self) -> list[dict[str, str]]:
        """What was found: code, severity and message each."""
        return [{"code": code, "severity": SEVERITIES[code], "message": said} for code, said in self.findings]


def examined(
    build: Callable[[], keras.Model],
    x: Floats | None = None,
    real: Bools | None = None,
    line: Callable[[Any], str] | None = None,
    compiled: Mapping[str, Any] | None = None,
) -> Examination:
    """The model that `build` makes, on a padded batch.

    `x` (batch, time, features), `real` (batch, time): its own data; without them a batch of ours. `line`: as for
    `xray`. `compiled`: what its `compile` says. Raises what the model raises.
    """
    inputs = inputs_of(build(), x)
    batch, real = batch_for(inputs, x, real)
    keras.utils.clear_session()  # layers are numbered by how many there were
    keras.utils.set_random_seed(SEED)  # how far padding moves a layer depends on its weights: the same each time
    seen = xray(build, batch, real, line)
    keras.utils.clear_session()
    model = build()
    try:
        inputs = marked(inputs, model, seen)
        interface, untrained = interface_of(model, inputs, batch, seen.calls[-1].name, compiled), ""
    except BadInput as problem:
        interface, untrained = None, str(problem)
    samples, further = looked_into(model, batch, real, seen)
    return Examination(seen, samples, [*seen.findings, *further, *deaf(model)], real, interface, untrained)


def marked(inputs: list[Taken], model: keras.Model, seen: XRay) -> list[Taken]:
    """The inputs; an only one of which something else than a layer of Keras makes a mask is padded with 0."""
    makers = [one for one in model._flatten_layers() if isinstance(one, keras.layers.Masking)]
    masked = any(call.mask_in or call.mask_out for call in seen.calls)
    if len(inputs) > 1 or inputs[0].mark is not None or makers or not masked:
        return inputs
    return [replace(inputs[0], mark=0.0)]
