"""Where a number that is not finite comes from: the first operation that makes one of finite numbers, in words."""

from __future__ import annotations

import numpy as np

from lessons.doctor.loss.subject import Computed, Subject
from lessons.sandbox.admission import FILENAME

DIVISIONS = ("RealDiv", "Div", "Xdivy", "DivNoNan", "Reciprocal", "Inv")
LOGARITHMS = {"Log": "the logarithm", "Log1p": "log1p", "Lgamma": "lgamma", "Xlogy": "the logarithm"}
ROOTS = ("Sqrt", "Rsqrt", "Pow")
NEEDS_ZERO = (*DIVISIONS, *LOGARITHMS, *ROOTS)  # of a 0 these make what is not finite: nothing overflows


def origin(subject: Subject, y, z, mask=None, dtype: str = "") -> Computed | None:
    """The operation with which it begins; None where it cannot be told. y and z (batch, …), mask (batch, time)."""
    try:
        computed = subject.tensors(y, z, mask, dtype)
    except Exception:  # a graph that cannot be taken apart, such as one with loops
        return None
    for one in computed:
        fed = all(np.isfinite(array).all() for array in one.inputs if array is not None)
        if fed and not np.isfinite(one.output).all():
            return one
    return None


def in_words(found: Computed | None) -> str:
    """“ Line 4 divides 0 by 0.”, with a space before it; “” where nothing is known."""
    if found is None:
        return ""
    line = line_of(found)
    where = f"line {line}" if line else "Keras, which the loss calls,"
    return f" It begins where {where} {deed(found)}."


def deed(found: Computed) -> str:
    """What an operation did, with the numbers that it did it with."""
    kind = found.operation.type
    place = np.argwhere(~np.isfinite(found.output))
    at = tuple(place[0]) if len(place) else ()
    numbers = [picked(array, found.output.shape, at) for array in found.inputs if array is not None]
    if kind in ("RealDiv", "Div", "Xdivy") and len(numbers) == 2:
        return f"divides {numbers[0]} by {numbers[1]}"
    if kind in ("Reciprocal", "Inv"):
        return f"divides 1 by {numbers[0]}"
    if kind in LOGARITHMS and numbers:
        return f"takes {LOGARITHMS[kind]} of {numbers[-1]}"
    if kind in ("Sqrt", "Rsqrt") and numbers:
        return f"takes the {'root' if kind == 'Sqrt' else 'inverse root'} of {numbers[0]}"
    if kind == "Pow" and len(numbers) == 2:
        return f"raises {numbers[0]} to the power {numbers[1]}"
    if kind == "Mean":
        return (
            "takes the mean over no numbers at all"
            if found.inputs[0] is not None and not found.inputs[0].size
            else ("takes a mean that overflows")
        )
    if kind == "Exp" and numbers:
        return f"takes the exponential of {numbers[0]}"
    if kind == "Const":
        return "has a constant that this type of number cannot hold"
    if kind == "Cast":
        return f"turns {numbers[0]} into a type of number that cannot hold it" if numbers else "changes the type"
    return f"computes {kind}" + (f" of {' and '.join(numbers[:2])}" if numbers else "")


def picked(array: np.ndarray, shape: tuple[int, ...], at: tuple[int, ...]) -> str:
    """The number of an operand that stands at a place of the result."""
    try:
        return f"{np.broadcast_to(array, shape)[at]:.4g}"
    except ValueError:  # a reduction: any of its numbers says little
        return f"{np.ravel(array)[0]:.4g}" if array.size == 1 else f"{array.size} numbers"


def line_of(found: Computed) -> int | None:
    """The line of the pasted text that the operation is from."""
    lines = [frame.lineno for frame in found.operation.traceback if frame.filename == FILENAME]
    return lines[-1] if lines else None
