"""What walled processes are asked to do. TensorFlow is imported inside, so naming an order costs a page nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lessons.run import Closing, LayerMask, Opening, Snapshot
from lessons.settings import Settings
from lessons.table import Table

TOLD = {kind.__name__: kind for kind in (Opening, Snapshot, Closing)}


@dataclass(frozen=True)
class Pasted:
    """A loss as text, and which of the functions in it is meant; None: the one that examinations take."""

    text: str
    function: str | None = None


def warm_up() -> None:
    """Load what all these orders need, and do once what the first learner would have to wait for.

    Later a walled process may not be able to open the files.
    """
    from lessons.doctor.loss import examination, mending, training  # noqa: F401

    examination.warm_up()


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


def train(pasted: Pasted, settings: Settings, table: Table | None = None) -> Iterator[dict]:
    """A training with that loss in place of the settings' own. `told` makes of the items what they were."""
    from lessons.doctor.loss.training import train

    for item in train(pasted, settings, table):
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
