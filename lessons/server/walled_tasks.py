"""What walled processes are asked to do. TensorFlow is imported inside, so naming an order costs a page nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from lessons import families
from lessons.doctor.rule import SEVERITIES
from lessons.own_data.sheet import is_sheet
from lessons.recipe import interface, metrics, modules
from lessons.recipe.bad_input import BadInput
from lessons.recipe.data import training_batch
from lessons.recipe.recipe import Recipe
from lessons.runs.metrics import MetricValues
from lessons.runs.run import (
    PICTURES,
    THRESHOLDS,
    WEIGHTS,
    Closing,
    LayerMask,
    Opening,
    Pictures,
    Snapshot,
    kept_epochs,
    pictured_epochs,
    written_epochs,
)
from lessons.sandbox.schema import answers, array, by_name, empty, fits, plain_by_name, texts_by_name

PARTS = {kind.__name__: kind for kind in (Opening, Snapshot, Closing)}


# The forms of what these tasks answer.
NUMBERS = [(int, float, None)]
REFUSAL = {"line": (int, None), "message": str}
FINDING = {
    **dict.fromkeys(("code", "title", "message", "why", "fix", "lesson"), str),
    "severity": frozenset(SEVERITIES),
    "line": (int, None),
    "evidence": plain_by_name,
    "curve": (None, {
        "x": NUMBERS, "value": NUMBERS, "gradient?": (None, NUMBERS),
        "label?": (int, float, None), "x_title?": (str, None), "title?": (str, None),
    }),
}  # fmt: skip
EXAMINATION = (
    {"function": (str, None), "findings": empty, "healthy": None, "refused": REFUSAL},
    {
        "function": (str, None), "findings": [FINDING],
        "elsewhere?": [{"usage": plain_by_name, "findings": [FINDING]}], "healthy": bool, "refused": None,
        "usage": plain_by_name, "inferred": [str], "tried": [str], "unprobed": [str], "limits?": [str],
        "seconds": float,
    },
)  # fmt: skip
MENDED = [{"title": str, "codes": [str], "text": str, "left": [str]}]
CALL = {
    **dict.fromkeys(("name", "layer", "verdict"), str), "depth": int, "line": (int, None), "shape": [int],
    **dict.fromkeys(("mask_in", "mask_out", "operation"), bool), "moved": float, "enters": (bool, None),
    "warnings": [str], "on_padding": str,
    "sample": lambda value: value is None or (
        isinstance(value, np.ndarray) and value.ndim == 2 and array(value, "f", *value.shape) and value.size <= 1000
    ),
}  # fmt: skip
INTERFACE = {
    "inputs": [{
        "name": str, "shape": [int], "kind": frozenset(interface.KINDS), "words": int, "mark": (float, None),
    }],
    "outputs": [{
        **dict.fromkeys(("name", "activation", "loss"), str), "shape": [int], "per_step": bool,
        "labels": frozenset((*interface.LABELS, "")), "weight": float,
    }],
    "place": int, "at": int, "hears_training": bool,
}  # fmt: skip
INSPECTION = (
    {"refused": REFUSAL},
    {
        "refused": None, "choice": str, "candidates": [str], "compiled": (None, by_name), "steps": texts_by_name,
        "weights": int, "steps_of_batch": [int], "calls": [CALL], "real": [bool], "says": [str],
        "findings": [{"code": str, "severity": frozenset(SEVERITIES), "message": str}],
        "interface": (None, INTERFACE), "untrained": str,
    },
)  # fmt: skip
OPENING = {
    "kind": frozenset({"Opening"}),
    "source": str,
    "warnings": lambda value: type(value) is tuple and fits([*value], [str]),
    "versions": plain_by_name,
    "output": frozenset(THRESHOLDS),
    "layers": [lambda row: type(row) is tuple and [*map(type, row)] == [str, str, bool, bool]],
}


METRIC = {"name": str, "output": str, "weighted": bool, "size": int}
METRIC |= dict.fromkeys(("whole", "batches", "real", "padded"), float)
MOST_METRICS = metrics.MOST + interface.MOST + 1

MOST_SHARES = 1100  # told of a file: one for each of its columns, and few more


def load() -> None:
    """Load what all these tasks need, and run nothing of TensorFlow."""
    from lessons.doctor.loss import examination, mending  # noqa: F401
    from lessons.engine import pasted_loss, pasted_model, pasted_training  # noqa: F401
    from lessons.own_data import reading

    modules.imported(families)  # a recipe comes pickled, and names the class of its settings
    reading.load()


def warm_up() -> None:
    """Load, and do once what the first learner would have to wait for.

    Later a walled process may not be able to open the files.
    """
    load()
    from lessons.doctor.loss import examination
    from lessons.own_data import reading

    examination.warm_up()
    reading.warm_up()


def may_follow(item: Any, before: Sequence[Mapping[str, Any]], recipe: Recipe) -> bool:
    """Whether this can be the next item of that training, after those `before`."""
    if not before:
        return fits(item, OPENING)
    if type(item) is not dict or type(item.get("kind")) is not str or before[-1]["kind"] == "Closing":
        return False
    settings, batch = recipe.settings, training_batch(recipe)
    shape, classes = batch.label_real.shape, settings.predicts.columns

    def scores(value: Any, *leading: int) -> bool:
        return array(value, "f", *leading, *shape, classes) if settings.predicts.ranked else value is None

    if item["kind"] == "Closing":
        values = {"predictions": lambda value: array(value, "f", *shape), "scores": scores, "seconds": float}
        values["measures"] = dict.fromkeys(settings.measured, float)
        values["metrics"] = lambda value: fits(value, [METRIC]) and len(value) <= MOST_METRICS
        values["pictures"] = (lambda value: pictured(value, recipe)) if settings.pictured else None
        return fits(item, {"kind": str, **values})
    epochs, kept = (np.size(item.get(name, ())) for name in ("epochs", "kept"))
    first = int(before[-1]["epochs"][-1]) + 1 if before[-1]["kind"] == "Snapshot" else 0
    form: dict[str, Any] = {"kind": frozenset({"Snapshot"})}
    form |= {"epochs": lambda value: array(value, "i", epochs), "kept": lambda value: array(value, "i", kept)}
    form |= dict.fromkeys(("loss", "real_loss", "val_loss", "error"), lambda value: array(value, "f", epochs))
    form |= dict.fromkeys(("gradient", "predictions"), lambda value: array(value, "f", kept, *shape))
    form |= {"input_gradient": lambda value: array(value, "f", kept, *batch.real.shape)}
    form |= {"scores": lambda value: scores(value, kept)}
    return (
        fits(item, form)
        and 0 < epochs <= settings.epochs - first
        and np.array_equal(item["epochs"], first + np.arange(epochs))
        and np.array_equal(item["kept"], np.intersect1d(item["epochs"], kept_epochs(settings.epochs)))
    )


def pictured(value: Any, recipe: Recipe) -> bool:
    """Whether these can be the Pictures of that training, in plain values."""
    settings, real = recipe.settings, training_batch(recipe).real
    taken, steps = [*pictured_epochs(settings.epochs), settings.epochs], settings.timesteps
    written = written_epochs(settings.epochs)

    def weights(told: Any) -> bool:
        heads, sequences = np.shape(told)[1:3] if np.ndim(told) == 5 else (0, 0)
        few = sequences == 1 or 0 < PICTURES * heads * sequences * steps**2 <= WEIGHTS
        return few and array(told, "f", len(taken), heads, sequences, steps, steps)

    form = {
        "epochs": lambda told: array(told, "i", len(taken)) and np.array_equal(told, taken),
        "attention": weights,
        "text_epochs": lambda told: array(told, "i", len(written)) and np.array_equal(told, written),
        "text": (None, lambda told: array(told, "i", len(written), *real.shape)),
        "reach": (None, lambda told: array(told, "f", steps, steps)),
    }
    return fits(value, form)


@answers(EXAMINATION)
def examine(text: str, function: str | None, options: Mapping[str, Any]) -> dict[str, Any]:
    """What is wrong with a loss."""
    from lessons.doctor.loss.examination import examine

    return examine(text, function, options)


@answers(INSPECTION, ends_process=True)
def inspect_model(text: str, choice: str | None = None, *batch: Any) -> dict[str, Any]:
    """The x-ray of a pasted model, and what a training needs to know of it.

    `batch`: x (batch, time, features), real (batch, time) and the number of classes; left out, a batch of ours.
    """
    from lessons.engine.pasted_model import inspect

    return inspect(text, choice, *batch)


@answers(MENDED)
def mend(text: str, function: str | None, options: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Mended versions of a loss, re-examined, the best first."""
    from lessons.doctor.loss.mending import mend

    return mend(text, function, options)


@answers(None, item=may_follow)
def train(recipe: Recipe) -> Iterator[dict[str, Any]]:
    """A training with a pasted loss. `run_part` makes of the items what they were."""
    from lessons.engine.pasted_loss import train

    yield from map(told, train(recipe))


@answers(None, item=may_follow, ends_process=True)
def train_model(recipe: Recipe) -> Iterator[dict[str, Any]]:
    """A training with a pasted model, and a pasted loss if there is one."""
    from lessons.engine.pasted_training import train

    yield from map(told, train(recipe))


def told(item: Opening | Snapshot | Closing) -> dict[str, Any]:
    """What a training tells, in plain values."""
    values = {"kind": type(item).__name__, **vars(item)}
    if isinstance(item, Opening):
        values["layers"] = [tuple(vars(row).values()) for row in item.layers]
    if isinstance(item, Closing):
        values["metrics"] = [{**vars(one)} for one in item.metrics]
        values["pictures"] = item.pictures and {**vars(item.pictures)}
    return values


def may_be_read(item: Any, before: Sequence[Any], data: bytes) -> bool:
    """Whether this can be told next of a file: shares of the work, and last a sheet or why there is none."""
    if len(before) > MOST_SHARES or any(type(one) is not float for one in before):
        return False
    return (type(item) is float and 0 <= item <= 1) or fits(item, {"refused": str}) or is_sheet(item)


@answers(None, item=may_be_read)
def read_file(data: bytes) -> Iterator[float | dict[str, Any]]:
    """How much of a file is read, and last its sheet, as `Sheet.from_plain` takes it, or why there is none."""
    from lessons.own_data import reading

    try:
        for part in reading.parts(data):
            yield part if isinstance(part, float) else part.to_plain()
    except BadInput as problem:
        yield {"refused": str(problem)}


def run_part(item: Mapping[str, Any]) -> Opening | Snapshot | Closing:
    """The item of a training that a walled process told in plain values."""
    values = dict(item)
    if "layers" in values:
        values["layers"] = tuple(LayerMask(*row) for row in values["layers"])
    if "metrics" in values:
        values["metrics"] = tuple(MetricValues(**one) for one in values["metrics"])
    if values.get("pictures"):
        values["pictures"] = Pictures(**values["pictures"])
    return PARTS[values.pop("kind")](**values)
