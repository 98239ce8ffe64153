"""Which layer lost the mask? An x-ray of a Keras model, for anybody's own notebook.

    from mask_xray import xray

    print(xray(model, x))                    # x: a batch as fit is given it, or a list of several inputs
    print(xray(build, x))                    # a function that builds the model: lines of its text are named too
    print(xray(model, x, real=real))         # real: (batch, time), True for real steps, where no layer makes the mask

Every call of a layer is watched while the model runs on that batch, in subclassed models too. The batch runs twice: the
second time other numbers stand on the masked steps of all that a layer with a mask puts out: none should look at them.
What then differs on the real steps has been told of the padding. Needs Keras 3 and NumPy. MIT licence, Unmasked.
"""

from __future__ import annotations

import itertools
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

OTHER_NUMBERS = 3.0  # stand on masked steps in the second run: large beside what layers usually put out
GONE = ("lost", "lost before", "ended")
SAME = 1e-4  # relative difference that is rounding
ALL_RIGHT = "The mask goes through, and what stands on masked steps changes no real step."
FINDINGS = {  # verdict of a call: what it means, and what helps
    "lost": "a mask goes in and none comes out: give it supports_masking = True or compute_mask, or pass mask= on",
    "lost among others": "a mask goes in with one input and another brings none (MultiHeadAttention takes it off what "
    "it is given): pass mask= on",
    "lost before": "what is computed between two layers, such as a sum or a reshape in call(), carries no mask on: use "
    "layers for it (layers.Add), or pass mask=",
    "operation": "it is no layer and carries no mask on: put it into one that has supports_masking, or pass mask= on",
    "no mask": "no layer makes one over these steps: Masking, Embedding(mask_zero=True), or pass mask=",
}


@dataclass(eq=False)
class Call:
    """One call of a layer, or of an operation of a functional model."""

    name: str
    layer: str  # its class
    depth: int  # calls that it was made in
    line: str  # of the text that made it, as file:line; empty where only Keras did
    operation: bool = False  # it is no layer
    opened: bool = False  # it calls layers that are told too: a model, or a layer that somebody wrote
    shape: tuple[int, ...] = ()  # of what it puts out
    mask_in: bool = False
    partly: bool = False  # another input came without one
    mask_out: bool = False
    verdict: str = ""  # made, kept, lost, lost before, ended (no steps are left), or empty: no mask here
    moved: float = np.nan  # how far its real steps moved when the padding was changed, relative to their size
    warnings: list[str] = field(default_factory=list)  # what Keras said
    output: np.ndarray | None = None  # (batch, time, …) or (batch, …)
    mask: np.ndarray | None = None  # (batch, time), the last one that was seen when it ended

    @property
    def enters(self) -> bool | None:
        """Whether its real steps moved when the padding was changed; None where that was not tried."""
        return None if np.isnan(self.moved) else self.moved > SAME

    def makes(self, later: Call) -> bool:
        """Whether a later call, before the next one at its own depth, is made in it."""
        return later.depth > self.depth

    def to_plain(self) -> dict[str, Any]:
        """Its parts by their names, without arrays."""
        told = {name: part for name, part in vars(self).items() if name not in ("opened", "partly", "output", "mask")}
        return told | {"shape": [int(size) for size in self.shape], "moved": float(self.moved), "enters": self.enters}


@dataclass
class XRay:
    """The calls of a model on one batch, in the order in which they began: the first is the model's own."""

    calls: list[Call]
    steps: tuple[int, ...] = ()  # (batch, time) of the mask, where there was one

    @property
    def lost(self) -> Call | None:
        """The first call at which the mask is lost."""
        return self.innermost(lambda call: call.verdict.startswith("lost") and not self.told_again(call))

    def told_again(self, call: Call) -> bool:
        """Whether the mask is there all the same: with the next call, for a functional model hands on what it was built
        with; or with the layer around it, which hands it on and lets no padding in, by a way of its own."""
        place = self.calls.index(call)
        later = (other.mask_in for other in self.calls[place + 1 :] if other.depth <= call.depth)
        around = next((other for other in self.calls[place::-1] if other.depth < call.depth), call)
        return next(later, False) or (around.verdict == "kept" and not around.enters)

    @property
    def enters(self) -> Call | None:
        """The first call whose real steps differ when the padding is changed."""
        return self.innermost(lambda call: bool(call.enters))

    def innermost(self, holds: Callable[[Call], bool]) -> Call | None:
        """The first call of which something holds, and of none that it has made."""
        for place, call in enumerate(self.calls):
            made = itertools.takewhile(call.makes, self.calls[place + 1 :])
            if holds(call) and not any(map(holds, made)):
                return call
        return None

    @property
    def uncounted(self) -> bool:
        """Whether predictions per step come without the mask that there was."""
        root = self.calls[0]
        return bool(self.steps) and not root.mask_out and len(root.shape) > 2 and root.shape[:2] == self.steps

    @property
    def findings(self) -> list[tuple[str, str]]:
        """What was found, (code, sentence) each; a code means the same for good."""
        found = []
        if not any(call.mask_out or call.mask_in for call in self.calls):
            found.append(("no_mask", f"No mask goes from layer to layer: {FINDINGS['no mask']}."))
        if call := self.lost:
            silence, where = "" if call.warnings else " Keras said nothing.", call.verdict.partition(" ")[2] or "in"
            lost = "operation" if call.operation else "lost among others" if call.partly else "lost"
            advice = FINDINGS[lost if call.verdict == "lost" else call.verdict]
            found.append(("mask_lost", f"The mask is lost {where} {told(call)}: {advice}.{silence}"))
        if self.uncounted:
            said = "No mask comes with the predictions: a loss per step counts the masked steps too."
            found.append(("padding_counted", said))
        if call := self.enters:
            moved = f"other numbers on masked steps move its real steps by {call.moved:.2g} times their size"
            found.append(("padding_enters", f"Padding enters at {told(call)}: {moved}."))
        return found

    @property
    def says(self) -> list[str]:
        """The same in sentences alone."""
        return [sentence for _, sentence in self.findings] or [ALL_RIGHT]

    def __str__(self) -> str:
        return "\n".join([*self.table(), "", *self.says])

    def table(self) -> list[str]:
        """The calls, a line each."""
        head = ("layer", "class", "shape", "mask in", "out", "verdict", "moved by padding", "line")
        rows: list[tuple[str, ...]] = [head]
        for call in self.calls:
            marks = ["yes" if there else "-" for there in (call.mask_in, call.mask_out)]
            moved = "" if call.enters is None else f"{call.moved:.2g}" if call.enters else "0"
            name = "  " * call.depth + call.name
            rows.append((name, call.layer, str(call.shape), *marks, call.verdict, moved, call.line))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def told(call: Call) -> str:
    return f"{call.name} ({call.layer}{', ' + call.line if call.line else ''})"


def xray(
    model: keras.Model | Callable[[], keras.Model],
    x: Any,
    real: np.ndarray | None = None,
    line: Callable[[Any], str] | None = None,
) -> XRay:
    """The calls of `model` on the batch x: (batch, time, …), or several in a list or a dictionary.

    `model` may be a function that builds it. `real`: (batch, time), True for real steps; where no layer makes a mask
    the padding is changed in the inputs themselves then. `line`: of the text that calls a layer, where it is not the
    innermost outside of packages. Raises what the model raises.
    """
    line = line or line_of_caller
    built = Recorder(building=True, line=line)
    with watched(built):
        model = model if isinstance(model, keras.Layer) else model()
        model(x, training=False)  # a subclassed model is built by its first call
    state = [(variable, array(variable)) for variable in model.variables if not variable.trainable]

    def run(recorder: Recorder, x: Any) -> list[Call]:
        for variable, value in state:  # an RNN's that keeps it, a SeedGenerator's: none is told as padding
            variable.assign(value)
        with watched(recorder):
            model(x, training=False)
        return recorder.calls

    first = run(Recorder(built.lines, built.said, line=line), x)
    born = any(call.verdict == "made" for call in first)
    if born or real is not None:
        other = x if born or real is None else changed_inputs(x, np.asarray(real, bool))
        for call, again in zip(first, run(Recorder(before=first, line=line), other), strict=False):
            call.moved = moves(call, again, real)
    if any(call.enters for call in first):  # or does it draw other numbers in each run?
        for call, again in zip(first, run(Recorder(line=line), x), strict=False):
            call.moved = np.nan if moves(call, again, real) > SAME else call.moved
    steps = next((call.mask.shape for call in first if call.mask is not None), ())
    for call in first:
        call.output = call.mask = None
    return XRay(first, steps)


class Recorder:
    """Keeps the calls of one run; the second one is told what there was `before`, and changes the masked steps."""

    def __init__(
        self,
        lines: dict[int, str] | None = None,
        said: dict[int, list[str]] | None = None,
        before: Sequence[Call] = (),
        building: bool = False,
        line: Callable[[Any], str] | None = None,
    ):
        self.line = line or line_of_caller
        self.lines, self.said = {} if lines is None else lines, {} if said is None else said
        self.before, self.building = before, building
        self.calls: list[Call] = []
        self.within: list[bool] = []  # of each call under way: whether what it calls is told too
        self.mask: np.ndarray | None = None  # (batch, time), the last that was seen
        self.called_from = ""  # the line that called the model
        self.gone = False  # it has been lost, or no steps are left, and no other has been made

    def call(self, original: Callable[..., Any], operation: Any, args: Any, kwargs: Any) -> Any:
        """Call it and keep what went in and came out."""
        if self.within and not self.within[-1]:  # what a layer of Keras does inside is its own
            return original(operation, *args, **kwargs)
        line = self.line(operation)
        inputs = tensors([args, kwargs])
        if self.building:
            self.lines.setdefault(id(operation), line)
            return self.heard(original, operation, args, kwargs, self.said.setdefault(id(operation), []))
        if not self.within:
            self.called_from = line
        place = (self.lines.get(id(operation)) or (line if line != self.called_from else "")) if self.within else ""
        kept = Call(operation.name, type(operation).__name__, len(self.within), place, opened=opens(operation))
        kept.operation, kept.warnings = not isinstance(operation, keras.Layer), [*self.said.get(id(operation), [])]
        self.calls.append(kept)
        was = self.before[len(self.calls) - 1] if len(self.calls) <= len(self.before) else None
        if was is not None and was.verdict == "lost before":
            args = [changed_steps(one, self.mask, zeros=False) for one in args]
        brought = [mask_of(one) is not None for one in inputs]
        kept.mask_in, kept.partly = kwargs.get("mask") is not None or any(brought), any(brought) and not all(brought)
        seen = self.mask
        self.within.append(kept.opened)
        try:
            result = self.heard(original, operation, args, kwargs, kept.warnings)
        finally:
            self.within.pop()
        outputs = tensors(result)
        if kept.operation and outputs and array(outputs[0]).dtype == bool:
            self.calls.pop()  # what a layer computes a mask with
            return result
        out = next((mask_of(one) for one in outputs if mask_of(one) is not None), None)
        kept.mask_out = out is not None
        if outputs:
            kept.shape, kept.output = tuple(outputs[0].shape), array(outputs[0])
        kept.verdict = verdict(kept, operation, inputs, None if kept.opened or self.gone else seen)
        self.gone = kept.verdict in GONE or (self.gone and kept.verdict not in ("made", "kept"))
        if out is not None and array(out).ndim == 2:
            self.mask = array(out).astype(bool)
        kept.mask = self.mask
        if was is not None and was.verdict in ("made", "kept", "lost") and len(outputs) == 1:
            return changed_steps(outputs[0], self.mask)
        return result

    def heard(self, original: Callable[..., Any], operation: Any, args: Any, kwargs: Any, said: list[str]) -> Any:
        """Call it, and keep what Keras says of masks."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            result = original(operation, *args, **kwargs)
        said += [str(one.message).splitlines()[0] for one in caught if "mask" in str(one.message)]
        return result


def opens(operation: Any) -> bool:
    """Whether the calls inside are told too: those of a model, and of layers that somebody wrote."""
    return isinstance(operation, keras.Model) or not type(operation).__module__.startswith("keras.")


def verdict(call: Call, operation: Any, inputs: Sequence[Any], seen: np.ndarray | None) -> str:
    """What became of the mask in a call. `seen`: the last mask (batch, time) before it, if that says anything."""
    pools = not getattr(operation, "return_sequences", True) or call.layer.startswith("Global")  # whatever its width
    steps = [tuple(one.shape[:2]) for one in inputs if len(one.shape) > 1]
    if call.mask_out:
        return "kept" if call.mask_in else "made"
    if call.mask_in:
        return "lost" if tuple(call.shape[:2]) in steps and not pools else "ended"
    return "lost before" if seen is not None and seen.shape in steps else ""


@contextmanager
def watched(recorder: Recorder) -> Iterator[None]:
    """While this lasts the recorder sees every call of a layer and of a functional model's operations."""
    kinds = (keras.Layer, keras.Operation)
    originals = [vars(kind)["__call__"] for kind in kinds]
    symbolic = keras.Operation.symbolic_call

    def layer_call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        return recorder.call(originals[0], layer, args, kwargs)

    def operation_call(operation: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(operation, keras.Layer):  # a layer's call goes through here too
            return originals[1](operation, *args, **kwargs)
        return recorder.call(originals[1], operation, args, kwargs)

    def symbolic_call(operation: Any, *args: Any, **kwargs: Any) -> Any:
        """An operator between tensors of a model that is built, such as t * 2, comes here and not to __call__."""
        if recorder.building:
            recorder.lines.setdefault(id(operation), recorder.line(operation))
        return symbolic(operation, *args, **kwargs)

    for kind, replacement in zip(kinds, (layer_call, operation_call), strict=True):
        kind.__call__ = replacement
    keras.Operation.symbolic_call = symbolic_call
    try:
        yield
    finally:
        for kind, original in zip(kinds, originals, strict=True):
            kind.__call__ = original
        keras.Operation.symbolic_call = symbolic


def line_of_caller(operation: Any = None) -> str:
    """The innermost line on the way here that stands neither in Keras, nor in a package, nor in this file."""
    frame = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        packaged = "site-packages" in file or file.startswith("<frozen") or os.sep + "lib" + os.sep in file
        if not packaged and file != __file__:
            return f"{os.path.basename(file)}:{frame.f_lineno}"
        frame = frame.f_back
    return ""


def tensors(nested: Any) -> list[Any]:
    """The tensors and arrays in lists, tuples and dictionaries."""
    if isinstance(nested, list | tuple):
        return [one for part in nested for one in tensors(part)]
    if isinstance(nested, dict):
        return [one for part in nested.values() for one in tensors(part)]
    return [nested] if hasattr(nested, "shape") and hasattr(nested, "dtype") else []


def mask_of(tensor: Any) -> Any:
    """What Keras carries with it."""
    return getattr(tensor, "_keras_mask", None)


def array(tensor: Any) -> np.ndarray:
    """The same numbers, (…)."""
    return np.asarray(keras.ops.convert_to_numpy(tensor))


def changed_steps(tensor: Any, mask: np.ndarray | None, zeros: bool = True) -> Any:
    """The tensor (batch, time, …) with other numbers where the mask (batch, time) is False; it keeps its own mask.

    What is none, or has no such steps, stays as it is. Not `zeros`: so does what is 0 there, as one that heeds sets it.
    """
    if mask is None or not tensors(tensor) or tuple(tensor.shape[:2]) != mask.shape or len(tensor.shape) < 3:
        return tensor
    values = array(tensor)
    if values.dtype.kind != "f" or not (zeros or values[~mask].any()):
        return tensor
    other = np.random.default_rng(0).normal(scale=OTHER_NUMBERS, size=values.shape)
    changed = keras.ops.convert_to_tensor(np.where(spread(mask, values), values, other).astype(values.dtype))
    if mask_of(tensor) is not None:
        changed._keras_mask = mask_of(tensor)
    return changed


def changed_inputs(x: Any, real: np.ndarray) -> Any:
    """The inputs with other numbers where `real` (batch, time) is False, in all that have numbers there."""
    if isinstance(x, list | tuple):
        return type(x)(changed_inputs(one, real) for one in x)
    if isinstance(x, dict):
        return {name: changed_inputs(one, real) for name, one in x.items()}
    values = np.asarray(x)
    if values.dtype.kind != "f" or values.shape[:2] != real.shape:
        return x
    other = np.random.default_rng(0).normal(scale=OTHER_NUMBERS, size=values.shape)
    return np.where(spread(real, values), values, other).astype(values.dtype)


def spread(mask: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(batch, time) for the axes of values (batch, time, …)."""
    return mask.reshape(*mask.shape, *[1] * (values.ndim - 2))


def moves(call: Call, other: Call, real: np.ndarray | None) -> float:
    """How far the real steps of a call moved in another run, relative to their size; NaN where that says nothing.

    Those of the last mask that was seen, else of `real` (batch, time).
    """
    mask = call.mask if call.mask is not None or real is None else np.asarray(real, bool)
    before, after = call.output, other.output
    if mask is None or before is None or after is None or before.dtype.kind != "f" or before.shape != after.shape:
        return np.nan
    if before.ndim > 1 and before.shape[:2] == mask.shape:
        before, after = before[mask], after[mask]
    with np.errstate(invalid="ignore"):
        return float(np.nanmax(np.abs(after - before), initial=0.0) / np.abs(before).max(initial=1e-6))
