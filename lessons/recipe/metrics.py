"""Metrics beside the loss: those that a text's `compile` names, and others of Keras that suit the labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lessons.recipe.compiled import plain_name
from lessons.recipe.interface import Interface

SUITED = {  # labels -> classes of keras.metrics
    "number": ("MeanAbsoluteError", "MeanSquaredError", "RootMeanSquaredError", "CosineSimilarity"),
    "binary": ("BinaryAccuracy", "AUC", "Precision", "Recall", "BinaryCrossentropy", "MeanAbsoluteError"),
    "class": ("SparseCategoricalAccuracy", "SparseTopKCategoricalAccuracy", "SparseCategoricalCrossentropy"),
}
SHORT = {  # as `compile` takes them, without underscores -> the class; accuracy depends on the labels
    "mae": "MeanAbsoluteError",
    "mse": "MeanSquaredError",
    "rmse": "RootMeanSquaredError",
    "categoricalaccuracy": "SparseCategoricalAccuracy",
    "categoricalcrossentropy": "SparseCategoricalCrossentropy",
}
ACCURACY = {"binary": "BinaryAccuracy", "class": "SparseCategoricalAccuracy"}
MOST = 12  # that are measured together


@dataclass(frozen=True)
class Metric:
    """One that is measured: of which output, by its place, a class of keras.metrics, and whether weights reach it."""

    at: int
    name: str
    weighted: bool = False


def metric_of(said: Any, labels: str) -> str | None:
    """The class of keras.metrics that `compile` names so, for such labels; None where it is not on offer."""
    name = plain_name(said)
    if name in ("acc", "accuracy"):
        return ACCURACY.get(labels)
    known = {one.lower(): one for one in SUITED.get(labels, ())}
    return known.get(SHORT.get(name, name).lower())


def compiled_metrics(interface: Interface, compiled: Mapping[str, Any] | None) -> tuple[Metric, ...]:
    """Those that a text's `compile` names, as far as they are on offer."""
    found = [
        Metric(at, name, weighted)
        for weighted, key in ((False, "metrics"), (True, "weighted_metrics"))
        for at, said in said_of_outputs((compiled or {}).get(key), interface)
        if (name := metric_of(said, interface.outputs[at].labels))
    ]
    return tuple(dict.fromkeys(found))[:MOST]


def said_of_outputs(said: Any, interface: Interface) -> Iterator[tuple[int, Any]]:
    """(place of an output, metric), from a list, one for each output, or a dictionary by the outputs' names."""
    for at, out in enumerate(interface.outputs):
        own = said
        if isinstance(said, dict):
            own = said.get(out.name)
        elif isinstance(said, list) and len(interface.outputs) > 1:
            own = said[at] if at < len(said) else None
        for one in own if isinstance(own, list) else [own] if own else []:
            yield at, one
