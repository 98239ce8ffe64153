"""The x-ray of a pasted model, as plain values. For walled processes only."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any

from lessons.engine.model_batch import batch_for
from lessons.recipe.data import Bools, Floats
from lessons.recipe.words import first_line
from lessons.runs.model_batch import FEATURES, TIMESTEPS
from lessons.sandbox.admission import line_of
from lessons.sandbox.admission.model import MODEL_FILENAME, Refused, admit_model, counted
from lessons.sandbox.admission.model.objects import line_made

_CALL = ("name", "layer", "depth", "mask_in", "mask_out", "verdict", "moved", "operation")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")  # which Keras puts around what went wrong
_WRAPPED = re.compile(r"^Exception encountered when calling [^\n]*\n+", re.M)
PLACE = f"{MODEL_FILENAME}:"
CLASSES = 4  # that a function `build` is told of
_OURS = re.compile(r", \w+\.py:\d+")  # a line of what stands between the text and Keras
MOST_CALLS = 400
MOST_WARNINGS = 5  # of one call
LONGEST = 400  # letters of what Keras says


def inspect(text: str, choice: str | None = None, x: Floats | None = None, real: Bools | None = None) -> dict[str, Any]:
    """What the x-ray says of a model in the text, or why there is none: {"refused": {"line", "message"}}.

    `x`: (batch, time, features), with the steps that are real (batch, time); without them a batch of ours.
    """
    try:
        return _inspected(text, choice, x, real)
    except Refused as refusal:
        return {"refused": {"line": refusal.line, "message": refusal.message}}
    except Exception as failure:  # what Keras, or the text, raises
        said = _said(failure)
        return {"refused": {"line": line_of(failure), "message": f"Keras says: {said}"}}


def _inspected(text: str, choice: str | None, x: Floats | None, real: Bools | None) -> dict[str, Any]:
    import keras

    from lessons.engine.mask_xray import xray

    admitted = admit_model(text)
    timesteps, features = (TIMESTEPS, FEATURES) if x is None else x.shape[1:]

    lines: dict[int, str] = {}

    def build() -> Any:
        model = admitted.build(timesteps, features, CLASSES, choice)
        _placed(model, lines)
        return model

    with counted() as count:
        batch, steps = batch_for(build(), x, real)
        keras.utils.clear_session()  # layers are numbered by how many there were
        lines.clear()
        seen = xray(build, batch, steps, lines)
    calls = [
        {name: getattr(call, name) for name in _CALL}
        | {"shape": [int(size) for size in call.shape], "moved": float(call.moved)}
        | {
            "line": _line(call.line),
            "warnings": [_short(one) for one in call.warnings[:5]],
        }
        for call in seen.calls[:MOST_CALLS]
    ]
    told = admitted.compiled
    return {
        "refused": None,
        "choice": choice or admitted.default,
        "candidates": list(admitted.candidates),
        "compiled": asdict(told) if told else None,
        "steps": admitted.steps,
        "weights": count.weights,
        "steps_of_batch": [int(size) for size in seen.steps],
        "calls": calls,
        "says": [_short(_OURS.sub("", said).replace(PLACE, "line ")) for said in seen.says],
    }


def _placed(model: Any, lines: dict[int, str]) -> None:
    """Have `lines` say where a layer was made, where Keras called it, as in a Sequential."""
    for layer in model._flatten_layers():
        made = line_made(layer)
        if made and not lines.get(id(layer), "").startswith(PLACE):
            lines[id(layer)] = f"{PLACE}{made}"


def _line(place: str) -> int | None:
    return int(place.removeprefix(PLACE)) if place.startswith(PLACE) else None


def _said(failure: Exception) -> str:
    text = _WRAPPED.sub("", _COLOUR.sub("", str(failure))).strip()
    return _short(text.splitlines()[0] if text else first_line(failure) or type(failure).__name__)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
