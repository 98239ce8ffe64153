"""All that is found of a model on one padded batch: its x-ray, samples of its layers, and whether it can be trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras

from lessons.engine.mask_xray import XRay, xray
from lessons.engine.model_interface import deaf, interfaces_of
from lessons.engine.model_samples import looked_into, said_of
from lessons.recipe.bad_input import BadInput
from lessons.recipe.data import Bools
from lessons.recipe.model import Interface


@dataclass(frozen=True)
class Examination:
    """What was found of a model."""

    seen: XRay
    samples: list[dict[str, Any]]  # of each call, see model_samples
    says: list[str]  # sentences
    interfaces: list[Interface]  # of the outputs that can be trained; empty where none can, and
    untrained: str  # why


def examined(
    build: Callable[[], keras.Model], batch: Any, real: Bools, line: Callable[[Any], str] | None = None
) -> Examination:
    """The model that `build` makes, on a batch of model_batch whose real steps are `real`, (batch, time).

    `line`: as for `xray`. Raises what the model raises.
    """
    keras.utils.clear_session()  # layers are numbered by how many there were
    seen = xray(build, batch, real, line)
    keras.utils.clear_session()
    model = build()
    try:
        interfaces, untrained = interfaces_of(model, batch, seen.calls[-1].name), ""
    except BadInput as problem:
        interfaces, untrained = [], str(problem)
    samples, further = looked_into(model, batch, real, seen)
    return Examination(seen, samples, [*said_of(seen, further), *deaf(model)], interfaces, untrained)
