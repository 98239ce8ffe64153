"""Where a number that is not finite comes from: the first operation that makes one of finite numbers, in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lessons.doctor.loss.subject import Computed, Subject
from lessons.sandbox.admission import FILENAME

DIVISIONS = ("RealDiv", "Div", "Xdivy", "DivNoNan", "Reciprocal", "Inv")
LOGARITHMS = {"Log": "the logarithm", "Log1p": "log1p", "Lgamma": "lgamma", "Xlogy": "the logarithm"}
ROOTS = ("Sqrt", "Rsqrt", "Pow")
NEEDS_ZERO = (*DIVISIONS, *LOGARITHMS, *ROOTS)  # of a 0 these make what is not finite: nothing overflows


@dataclass(frozen=True)
class Origin:
    """The operation with which it begins, and the one that makes NaN of the infinity that the first has made."""

    first: Computed
    turned: Computed | None = None


def origin(subject: Subject, y, z, mask=None, dtype: str = "") -> Origin | None:
    """Where it begins; None where it cannot be told. y and z (batch, …), mask (batch, time)."""
    computed = [one for one in taken_apart(subject, y, z, mask, dtype) if one.operation.type != "Placeholder"]
    for one in computed:
        if fed(one, np.isfinite) and not np.isfinite(one.output).all():
            return Origin(one, None if np.isnan(one.output).any() else turning(computed))
    return None


def taken_apart(subject: Subject, y, z, mask=None, dtype: str = "") -> list[Computed]:
    """Every operation; none where a graph cannot be taken apart, such as one with loops."""
    try:
        return subject.tensors(y, z, mask, dtype)
    except Exception:
        return []


def fed(one: Computed, good: Callable[[np.ndarray], np.ndarray]) -> bool:
    """Whether only good numbers (…) went in."""
    return all(good(array).all() for array in one.inputs if array is not None)


def turning(computed: list[Computed]) -> Computed | None:
    """The first operation that makes NaN of numbers none of which is NaN: 0 times infinity, or infinity less itself."""
    fine = (one for one in computed if fed(one, lambda array: ~np.isnan(array)))
    return next((one for one in fine if np.isnan(one.output).any()), None)


def root_of_zero(subject: Subject, y, z, dtype: str = "") -> Computed | None:
    """The first root or power of a 0, the slope of which is infinite. y and z (batch, …)."""
    return next(
        (
            one
            for one in taken_apart(subject, y, z, dtype=dtype)
            if one.operation.type in ROOTS and one.inputs[0] is not None and (one.inputs[0] == 0).any()
        ),
        None,
    )


def in_words(found: Origin | None) -> str:
    """“ It begins where line 4 divides 0 by 0.”, with a space before it; “” where nothing is known."""
    if found is None:
        return ""
    began = f" It begins where {place_of(found.first)} {deed(found.first, ~np.isfinite(found.first.output))}"
    if found.turned is None:
        return f"{began}."
    return (
        f"{began}, and becomes nan where {place_of(found.turned)} {deed(found.turned, np.isnan(found.turned.output))}."
    )


def place_of(found: Computed) -> str:
    line = line_of(found)
    return f"line {line}" if line else "Keras, which the loss calls,"


def deed(found: Computed, bad: np.ndarray) -> str:
    """What an operation did, with the numbers that it did it with at the first of the bad places (…)."""
    kind = found.operation.type
    place = np.argwhere(bad)
    at = tuple(place[0]) if len(place) else ()
    numbers = [picked(array, found.output.shape, at) for array in found.inputs if array is not None]
    if kind in ("RealDiv", "Div", "Xdivy") and len(numbers) == 2:
        return f"divides {numbers[0]} by {numbers[1]}"
    if kind in ("Mul", "MulNoNan") and len(numbers) == 2:
        return f"multiplies {numbers[0]} by {numbers[1]}"
    if kind == "Sub" and len(numbers) == 2:
        return f"subtracts {numbers[1]} from {numbers[0]}"
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
    """The number of an operand (…), broadcast to the shape of the result, that stands at a place of it."""
    try:
        return f"{np.broadcast_to(array, shape)[at]:.4g}"
    except ValueError:  # a reduction: any of its numbers says little
        return f"{np.ravel(array)[0]:.4g}" if array.size == 1 else f"{array.size} numbers"


def begins_at(found: Origin | None) -> int | None:
    """The line of the pasted text with which it begins, if that is known."""
    return line_of(found.first) if found else None


def line_of(found: Computed) -> int | None:
    """The line of the pasted text that the operation is from."""
    lines = [frame.lineno for frame in found.operation.traceback if frame.filename == FILENAME]
    return lines[-1] if lines else None
