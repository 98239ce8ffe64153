"""What each layer of a model puts out for one padded sequence, and for one of which no step is left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lessons.engine.mask_xray import Call, Recorder, XRay, told, watched
from lessons.recipe.data import Bools, Floats

if TYPE_CHECKING:
    import keras

Found = list[tuple[str, str]]  # (code, sentence) each, as XRay.findings
MOST_STEPS, MOST_COLUMNS = 48, 16  # of a sample


def looked_into(model: keras.Model, batch: Any, real: Bools, seen: XRay) -> tuple[list[dict[str, Any]], Found]:
    """Of each call of an x-ray its sample, and what is found beside the mask. `real`: (batch, time)."""
    lines = [call.line for call in seen.calls]
    calls = calls_of(model, batch, lines)
    return samples(calls, real), [*odd_numbers(calls, real), *nothing_left(model, batch, real, lines)]


def calls_of(model: keras.Model, batch: Any, lines: Sequence[str]) -> list[Call]:
    """The calls of a model on a batch, with what each puts out. `lines`: of the text that makes each of them."""
    recorder = Recorder()
    with watched(recorder):
        model(batch, training=False)
    for call, line in zip(recorder.calls, lines, strict=False):
        call.line = line
    return recorder.calls


def samples(calls: list[Call], real: Bools) -> list[dict[str, Any]]:
    """Of each call the sample (time, columns) of one sequence, and what it puts out on padded steps, in words.

    `real`: (batch, time). The sequence has padding where one has. None, and no words, where a call has no steps.
    """
    return [sample(call, shown_row(real), real) for call in calls]


def shown_row(real: Bools) -> int:
    """The sequence of a batch (batch, time) that samples are of: one with padding, if there is one."""
    return int(np.abs(real.sum(axis=1) - 0.6 * real.shape[1]).argmin())


def sample(call: Call, row: int, real: Bools) -> dict[str, Any]:
    """The entries `sample` (time, columns) and `on_padding` of one call. `real`: (batch, time)."""
    output = call.output
    if output is None or output.dtype.kind != "f" or output.ndim < 3 or output.shape[:2] != real.shape:
        return {"sample": None, "on_padding": ""}
    steps = output.reshape(*output.shape[:2], -1)
    part = steps[row, :MOST_STEPS, :MOST_COLUMNS].astype("float32")
    return {"sample": part, "on_padding": on_padding(steps, real)}


def on_padding(steps: Floats, real: Bools) -> str:
    """What stands on the padded steps of (batch, time, columns), in words."""
    padded = steps[~real]
    if not padded.size:
        return ""
    if np.isnan(padded).any():
        return "NaN"
    if not padded.any():
        return "zeros"
    before = np.roll(steps, 1, axis=1)
    inner = ~real & (np.arange(real.shape[1]) > 0)
    if inner.any() and np.array_equal(steps[inner], before[inner]):
        return "the step before, again"
    if np.ptp(padded, axis=0).max() == 0:
        return "the same everywhere"
    return "numbers of its own"


def odd_numbers(calls: list[Call], real: Bools) -> Found:
    """What else is wrong with a mask and with numbers on real steps. `real`: (batch, time)."""
    found = []
    maker = next((call for call in calls if call.mask_out and not call.mask_in and not call.opened), None)
    if maker is not None and not real.all() and maker.mask is not None and maker.mask.all():
        said = (
            f"The mask that {told(maker)} makes leaves no step out: none of the padded ones holds the value that it "
            "looks for. NaN is equal to nothing, not even to NaN."
        )
        found.append(("mask_leaves_nothing_out", said))
    for call in calls:
        output = call.output
        if output is None or call.opened or output.dtype.kind != "f":
            continue
        steps = output[real] if output.ndim > 2 and output.shape[:2] == real.shape else output
        if not np.isfinite(steps).all():
            said = f"The first number on a real step that is not finite comes out of {told(call)}."
            found.append(("not_finite", said))
            break
    return found


def nothing_left(model: keras.Model, batch: Any, real: Bools, lines: Sequence[str]) -> Found:
    """Where a sequence of padding alone makes a number that is not finite, if it does.

    `real`: (batch, time).
    """
    padded = np.argwhere(~real)
    if not len(padded):
        return []
    row, step = padded[-1]
    several = isinstance(batch, list)
    emptied = [np.array(one) for one in (batch if several else [batch])]
    for one in emptied:
        if one.ndim > 1 and one.shape[:2] == real.shape:
            one[0] = one[row, step]
    for call in calls_of(model, emptied if several else emptied[0], lines):
        output = call.output
        if output is not None and not call.opened and output.dtype.kind == "f" and not np.isfinite(output[:1]).all():
            said = f"A sequence of which no step is left becomes NaN at {told(call)}: leave such sequences out."
            return [("nothing_left", said)]
    return []
