"""What a layer, an initializer or `add_weight` may be given by pasted code: plain values, and names of our tables.

Where Keras takes an identifier it would build whatever a dictionary names, and look other texts up: neither gets there.
"""

import inspect
import re
from collections.abc import Iterator
from typing import Any

from lessons.sandbox.admission.loss_class import Record
from lessons.sandbox.admission.model import layers
from lessons.sandbox.admission.model.weights import refuse

_NAME = re.compile(r"[\w .:>()\-]{1,64}")
MOST_ITEMS = 10_000
DEEPEST = 4
MOST_TEXT = 200
_FUNCTIONS = ("function", "mask", "output_shape", "activation", "recurrent_activation")
# argument's last word -> the texts that it may be, and the class of the objects in keras.<…>
_IDENTIFIERS = {
    "initializer": (layers.INITIALIZERS, "initializers.Initializer"),
    "regularizer": (layers.REGULARIZERS, "regularizers.Regularizer"),
    "constraint": (layers.CONSTRAINTS, "constraints.Constraint"),
    "activation": (layers.ACTIVATIONS, "layers.Layer"),
}


def checked(what: str, function: Any, takes: frozenset[str], args: tuple, kwargs: dict[str, Any]) -> None:
    """Raises Refused unless `function` is given only what it `takes`, and each of that is harmless; TypeError as
    Python does where the arguments do not fit."""
    for argument, value in _named(function, args, kwargs):
        if argument not in takes:
            own = ", ".join(sorted(takes - layers.COMMON)[:8])
            refuse(f"{what} with `{argument}`", f"it takes {own} …" if own else "leave it out")
        check(f"{what}({argument}=…)", argument, value)


def _named(function: Any, args: tuple, kwargs: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """(argument, value) of a call. Raises TypeError."""
    made = isinstance(function, type)  # then `self` comes first
    parameters = list(inspect.signature(function.__init__ if made else function).parameters.values())[made:]
    names = [one.name for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    if len(args) > len(names):
        raise TypeError(f"got {len(args)} arguments by place, and takes {len(names)}")
    yield from zip(names, args, strict=False)
    yield from kwargs.items()


def check(where: str, argument: str, value: Any) -> None:
    """Raises Refused for a value that this argument may not have."""
    import keras

    kind = argument.rpartition("_")[2]
    if value is None:
        return
    if argument == "name":
        if not (isinstance(value, str) and _NAME.fullmatch(value)):
            refuse(where, "a name has up to 64 letters, digits and spaces")
    elif argument == "dtype":
        if not (is_dtype(value) or (isinstance(value, str) and value in layers.DTYPES)):
            refuse(where, f"the name of a type, such as float32; got {_said(value)}")
    elif kind in _IDENTIFIERS:
        names, path = _IDENTIFIERS[kind]
        module, name = path.split(".")
        if isinstance(value, str):
            if value not in names:
                refuse(where, f"got {_said(value)}, which is none of Keras' {kind}s on the list here")
        elif kind == "constraint" and callable(value) and not isinstance(value, type):
            return  # a function of the text
        elif not isinstance(value, getattr(getattr(keras, module), name)) and not is_function(argument, value):
            refuse(where, f"a name, or an object of keras.{module}; got {_said(value)}")
    elif argument == "arguments":
        if not (type(value) is dict and all(type(key) is str for key in value)):
            refuse(where, "a dictionary of plain values by their names")
        for one in value.values():
            check_value(where, one)
    elif not is_function(argument, value):
        check_value(where, value)


def is_function(argument: str, value: Any) -> bool:
    """Whether this is a function, where one may stand."""
    return argument in _FUNCTIONS and callable(value) and not isinstance(value, type | Record)


def is_dtype(value: Any) -> bool:
    """Whether this is a type of numbers: of TensorFlow, NumPy or Python."""
    import numpy as np
    import tensorflow as tf

    number = isinstance(value, type) and issubclass(value, np.generic | int | float)
    return number or isinstance(value, tf.DType | np.dtype)


def check_value(where: str, value: Any, depth: int = 0) -> None:
    """Raises Refused unless a value is plain: numbers, short texts, tensors, layers, and lists of them."""
    import keras
    import numpy as np
    import tensorflow as tf

    numbers = (type(None), bool, int, float, complex, np.ndarray, np.generic, tf.Tensor, tf.Variable, keras.Variable)
    made = (keras.KerasTensor, keras.layers.Layer, keras.initializers.Initializer)
    if isinstance(value, list | tuple | tf.TensorShape):
        if depth == DEEPEST or len(value) > MOST_ITEMS:
            refuse(where, f"a list of up to {MOST_ITEMS:,} items in up to {DEEPEST} levels")
        for item in value:
            check_value(where, item, depth + 1)
    elif isinstance(value, str):
        if len(value) > MOST_TEXT or "/" in value:
            refuse(where, f"a text of up to {MOST_TEXT} letters that is no path")
    elif not (isinstance(value, (*numbers, *made)) or is_dtype(value)):
        refuse(where, f"numbers, names, tensors, layers or lists of them; got {_said(value)}")


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return "a dictionary"
    return f"“{value[:40]}”" if isinstance(value, str) else f"an object of type {type(value).__name__}"[:80]
