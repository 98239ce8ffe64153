"""What walled processes are asked to do. TensorFlow is imported inside, so naming an order costs a page nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lessons.recipe import Recipe
from lessons.run import Closing, LayerMask, Opening, Snapshot

TOLD = {kind.__name__: kind for kind in (Opening, Snapshot, Closing)}


def examine(text: str, function: str | None, options: Mapping[str, Any]) -> dict:
    """What is wrong with a loss."""
    from lessons.doctor.loss.examination import examine

    return examine(text, function, options)


def mend(text: str, function: str | None, options: Mapping[str, Any]) -> list[dict]:
    """Mended versions of a loss, re-examined, the best first."""
    from lessons.doctor.loss.mending import mend

    return mend(text, function, options)


def refused(function: str | None, line: int | None, message: str) -> dict:
    """The answer to a text or an option that is not accepted, or whose examination was ended."""
    return {"function": function, "findings": [], "healthy": None, "refused": {"line": line, "message": message}}


def train(recipe: Recipe) -> Iterator[dict]:
    """A training with a pasted loss. `told` makes of the items what they were."""
    from lessons.doctor.loss.training import train

    for item in train(recipe):
        values = {"kind": type(item).__name__, **vars(item)}
        if isinstance(item, Opening):
            values["layers"] = [tuple(vars(row).values()) for row in item.layers]
        yield values


def told(item: Mapping[str, Any]) -> Opening | Snapshot | Closing:
    """The item of a training that a walled process told in plain values."""
    values = dict(item)
    if "layers" in values:
        values["layers"] = tuple(LayerMask(*row) for row in values["layers"])
    return TOLD[values.pop("kind")](**values)
