"""Which labels a loss of a pasted text takes, found out by calling it. For walled processes only."""

from collections.abc import Callable, Iterator, Mapping
from itertools import permutations, product
from typing import Any

import keras
import numpy as np

from lessons.recipe.compiled import FUNCTION, own_name
from lessons.sandbox.admission import admit
from lessons.sandbox.admission.model.compiled_loss import own_loss

CLASSES = 3
LIKELY = 0.9  # what is predicted for one class; the others share the rest
STEPS, SEQUENCES = (2, 4), (4,)  # shapes before the columns: of a label per step, and of one per sequence


def of_ids(text: str, compiled: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """The names of the functions and classes of the text that `compile` names and that take ids of classes.

    As (batch, time, 1), or (batch, 1); and those that take them only without that axis, as (batch, time). Of 8 losses
    as people write them, `LABELS_OF` of tests/tools/strangers_losses.py, words such as “sparse” tell 3.
    """
    asked = sorted({meant for meant in leaves(compiled.get("loss")) if own_name(FUNCTION + meant)})
    with_axis = {one for one in asked if takes_ids(text, one, STEPS)}
    flat = [one for one in asked if one not in with_axis and takes_ids(text, one, STEPS, True)]
    others = [one for one in asked if one in with_axis or (one not in flat and takes_ids(text, one, SEQUENCES))]
    names = [[own_name(FUNCTION + one) for one in found] for found in (others, flat)]
    return names[0], names[1]


def leaves(asked: Any) -> Iterator[str]:
    """What stands for losses of the text in what `compile` says: functions and calls, as they are written there."""
    if isinstance(asked, Mapping):
        asked = list(asked.values())
    for one in asked if isinstance(asked, list) else [asked]:
        if own_name(one):
            yield str(one).removeprefix(FUNCTION)


def takes_ids(text: str, meant: str, frame: tuple[int, ...], flat: bool = False) -> bool:
    """Whether for each id it costs least to predict just that class; an id may be a mark that costs nothing.

    Labels (…, 1), `flat` (…), and predictions (…, class), with `frame` before them. A loss of one-hot labels
    multiplies the id with all columns alike: it prefers none.
    """
    pasted = own_loss(text, meant)
    if pasted is None:
        return False
    try:
        loss = admit(pasted.text).build(pasted.function)
        cost = {(i, j): mean_of(loss, i, j, frame, flat) for i, j in product(range(CLASSES), repeat=2)}
    except Exception:  # the text raises what it likes: these labels are none for it
        return False
    prefers: dict[int, set[str]] = {i: set() for i in range(CLASSES)}
    for i, j in permutations(range(CLASSES), 2):
        prefers[i].add("own" if cost[i, i] < cost[i, j] else "none" if cost[i, i] == cost[i, j] else "other")
    marks = [i for i, which in prefers.items() if which == {"none"} or not np.isfinite(cost[i, i])]
    return len(marks) <= 1 and all(which == {"own"} for i, which in prefers.items() if i not in marks)


def mean_of(loss: Callable, label: int, predicted: int, frame: tuple[int, ...], flat: bool) -> float:
    """The loss where all labels are this id and all predictions that class."""
    row = np.full(CLASSES, (1 - LIKELY) / (CLASSES - 1), "float32")
    row[predicted] = LIKELY
    labels = keras.ops.convert_to_tensor(np.full(frame if flat else (*frame, 1), label, "float32"))
    return float(keras.ops.mean(loss(labels, keras.ops.convert_to_tensor(np.broadcast_to(row, (*frame, CLASSES))))))
