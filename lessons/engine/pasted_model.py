"""The x-ray of a pasted model, as plain values. For walled processes only."""

from __future__ import annotations

import re
import sys
from dataclasses import asdict
from traceback import extract_tb
from types import FrameType
from typing import Any

from lessons.engine.model_batch import CLASSES, FEATURES, TIMESTEPS
from lessons.engine.model_samples import MOST_STEPS, shown_row
from lessons.recipe.data import Bools, Floats
from lessons.recipe.words import first_line
from lessons.sandbox.admission import line_of
from lessons.sandbox.admission.model import MODEL_FILENAME, Refused, admit_model, counted
from lessons.sandbox.admission.model.objects import line_made, make

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")  # which Keras puts around what went wrong
_WRAPPED = re.compile(r"^Exception encountered when calling [^\n]*\n+", re.M)
LINE = "line "
MOST_CALLS = 400
MOST_WARNINGS = 5  # of one call
LONGEST = 400  # letters of what Keras says


def inspect(
    text: str,
    choice: str | None = None,
    x: Floats | None = None,
    real: Bools | None = None,
    classes: int = CLASSES,
) -> dict[str, Any]:
    """What the x-ray says of a model in the text, or why there is none: {"refused": {"line", "message"}}.

    `x`: (batch, time, features), with the steps that are real (batch, time); without them a batch of ours. `classes`:
    what `build` is told of them, where it asks.
    """
    try:
        return _inspected(text, choice, x, real, classes)
    except Refused as refusal:
        return {"refused": {"line": refusal.line, "message": refusal.message}}
    except Exception as failure:  # what Keras, or the text, raises
        return {"refused": {"line": line_of(failure), "message": said(failure)}}


def _inspected(text: str, choice: str | None, x: Floats | None, real: Bools | None, classes: int) -> dict[str, Any]:
    from lessons.engine.labels_of_loss import of_ids
    from lessons.engine.model_examination import examined

    admitted = admit_model(text)
    timesteps, features = (TIMESTEPS, FEATURES) if x is None else x.shape[1:]

    def build() -> Any:
        return admitted.build(timesteps, features, classes, choice)

    told = asdict(admitted.compiled) if admitted.compiled else None
    if told:
        told["of_ids"], told["of_flat_ids"] = of_ids(text, told)
        spoken = told["of_classes"] or ()
        told["of_classes"] = list(dict.fromkeys([*spoken, *told["of_ids"], *told["of_flat_ids"]]))
    with counted() as count:
        found = examined(build, x, real, line_of_call, told)
    calls = [
        call.to_plain()
        | sample
        | {
            "line": int(call.line.removeprefix(LINE)) if call.line else None,
            "warnings": [_short(one) for one in call.warnings[:MOST_WARNINGS]],
        }
        for call, sample in zip(found.seen.calls[:MOST_CALLS], found.samples, strict=False)
    ]
    return {
        "refused": None,
        "choice": choice or admitted.default,
        "candidates": list(admitted.candidates),
        "compiled": told,
        "steps": admitted.steps,
        "weights": count.weights,
        "steps_of_batch": [int(size) for size in found.seen.steps],
        "calls": calls,
        "real": found.real[shown_row(found.real)][:MOST_STEPS].tolist(),
        "interface": found.interface.to_plain() if found.interface else None,
        "untrained": found.untrained,
        "says": list(map(_short, found.says)),
        "findings": [one | {"message": _short(one["message"])} for one in found.to_plain()],
    }


def line_of_call(operation: Any) -> str:
    """The line of the text that calls a layer; that where it is made, where Keras calls it, as in a Sequential."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code is make.__code__ and (made := line_made(operation)):
            return f"{LINE}{made}"
        if frame.f_code.co_filename == MODEL_FILENAME:
            return f"{LINE}{frame.f_lineno}"
        frame = frame.f_back
    made = line_made(operation)
    return f"{LINE}{made}" if made else ""


def said(failure: Exception) -> str:
    """What Keras raised, in a line."""
    if isinstance(failure, NotImplementedError) and extract_tb(failure.__traceback__)[-1].name == "add_loss":
        return "a functional model has no add_loss in Keras 3: call self.add_loss(…) in call() of a layer"
    text = _WRAPPED.sub("", _COLOUR.sub("", str(failure))).strip()
    line = text.splitlines()[0] if text else first_line(failure) or type(failure).__name__
    return f"Keras says: {_short(line)}"


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
