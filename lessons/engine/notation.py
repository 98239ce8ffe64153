"""Operations and numbers of a graph, in the notation that a learner writes them in."""

import numpy as np
import tensorflow as tf

INFIX = {"AddV2": "+", "Add": "+", "Sub": "-", "Mul": "*", "RealDiv": "/", "Pow": "**"}
WORDS = {"SelectV2": "where", "Neg": "-", "Log1p": "log1p", "Rsqrt": "1 / sqrt", "Reciprocal": "1 /", "Inv": "1 /"}
SAME = ("Identity", "StopGradient", "Reshape", "ExpandDims", "Squeeze", "BroadcastTo", "PreventGradient")
DEEP = 4  # nested operations that an expression writes out
LONG = 70  # letters of an expression


def name_of(tensor) -> str:
    """The name of what is given to the loss; nothing for what is computed."""
    return tensor.op.name if tensor.op.type in ("Placeholder", "_Arg") else ""


def word(op: tf.Operation) -> str:
    """An operation as a learner writes it."""
    if op.type == "Cast":
        return f"cast to {op.outputs[0].dtype.name}"
    return INFIX.get(op.type) or WORDS.get(op.type) or op.type.lower()


def written(op: tf.Operation, parts: list[str]) -> str:
    """An operation of a graph with its operands put in, as a person writes it."""
    if op.type in INFIX and len(parts) == 2:
        return f" {INFIX[op.type]} ".join(parts)
    return f"{word(op)}({', '.join(parts)})"


def expression(tensor, deep: int = DEEP) -> str:
    """What a tensor is, as code: log(1 - y_pred + 1e-08). Shortened where it grows long."""
    for depth in range(deep, 0, -1):
        text = _expression(tensor, depth)
        if len(text) <= LONG:
            return text
    return word(tensor.op)


def _expression(tensor, deep: int) -> str:
    op = tensor.op
    if name := name_of(tensor):
        return name
    if op.type == "Const":
        value = tf.make_ndarray(op.get_attr("value"))
        return number(value.flat[0]) if value.size and (value == value.flat[0]).all() else "…"
    if op.type in SAME or (op.type == "Cast" and op.inputs[0].dtype.is_floating):
        return _expression(op.inputs[0], deep)
    if deep == 0:
        return "…"
    if op.type in ("Mean", "Sum", "Prod", "Max", "Min"):  # the second input is the axis
        return f"{word(op)}({_expression(op.inputs[0], deep - 1)})"
    parts = [_expression(one, deep - 1) for one in op.inputs]
    if op.type in INFIX:
        parts = [f"({part})" if one.op.type in INFIX else part for part, one in zip(parts, op.inputs, strict=True)]
    return written(op, parts)


def spoken(value) -> str:
    """A truth value or a number, at three digits."""
    return str(bool(value)) if isinstance(value, (bool, np.bool_)) else number(value)


def number(value) -> str:
    """Three digits; nan and inf as they are read elsewhere."""
    value = float(value)
    return "NaN" if np.isnan(value) else f"{value + 0.0:.3g}"
