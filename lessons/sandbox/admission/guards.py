"""What stands between pasted code and the objects it holds: an attribute is read, and a product taken, through these.

The rewritten code calls them by names such as `<read shape>`, which no Python text can spell.
"""

import operator
from collections.abc import Callable
from functools import cache, partial
from typing import Any

from lessons.sandbox.admission import vocabulary, written
from lessons.sandbox.admission.refusal import Refused

# What computes and nothing else. Most of it a tensor does not have: then the code fails as it does in fit.
_COMPUTE = """
    all any argmax argmin argsort astype clip cumsum flatten max mean min prod ravel repeat reshape round size squeeze
    std sum swapaxes transpose var T _keras_mask dtype get_shape imag ndim real set_shape shape
"""

# kind of value -> the attributes that may be read from it
_READABLE = {
    "tensor": _COMPUTE,
    "shape": "as_list dims ndims num_elements rank",
    "dtype": "as_numpy_dtype base_dtype is_floating is_integer max min name",
    "limits": "eps max min tiny",
    "list": "append extend index",
    "dict": "get items keys pop update values",
    "named": "indices values",  # what tf.math.top_k returns
}
READABLE = frozenset(" ".join(_READABLE.values()).split())

# Work that no limit of the sandbox could interrupt in time, or that eats its memory in one step.
MAX_BITS = 4096
MAX_ITEMS = 1_000_000


class NeverRun(Exception):
    """The code got to something that is admitted but not run. `what` is its name, `line` where it is in the text."""

    def __init__(self, what: str, line: int):
        super().__init__(f"{what} takes the values out of the graph, and the gradient is lost there: it was not run")
        self.what, self.line = what, line


def never_run(what: str, line: int, *values: object) -> object:
    """Stands where the code has `tf.py_function` or `.numpy()`. Raises NeverRun."""
    raise NeverRun(what, line)


@cache
def _kinds() -> dict[str, tuple[type, ...]]:
    import keras
    import numpy as np
    import tensorflow as tf

    return {
        "tensor": (tf.Tensor, tf.Variable, keras.Variable, keras.KerasTensor, np.ndarray, np.generic),
        "shape": (tf.TensorShape,),
        "dtype": (tf.DType, np.dtype),
        "limits": (np.finfo, np.iinfo),
        "list": (list,),
        "dict": (dict,),
    }


def read(name: str, value: object) -> object:
    """`value.name`, for a name from the table and a value of the kind that the table gives it to.

    Raises AttributeError for any other.
    """
    for kind, names in _READABLE.items():
        if name in names.split() and isinstance(value, _kinds().get(kind, ())):
            return written.method(value, name, getattr(value, name))
    fields = getattr(type(value), "_fields", ())
    if name in _READABLE["named"].split() and isinstance(value, tuple) and name in fields:
        return value[fields.index(name)]
    raise AttributeError(f"'{type(value).__name__}' object has no attribute '{name}'")


def mask_of(value: object, *default: object) -> object:
    """`getattr(value, "_keras_mask", default)`."""
    try:
        return read("_keras_mask", value)
    except AttributeError:
        if default:
            return default[0]
        raise


def has_mask(value: object) -> bool:
    """`hasattr(value, "_keras_mask")`."""
    return mask_of(value, has_mask) is not has_mask


def decide(line: int, value: object) -> object:
    """The condition of an `if` below @tf.function, where TensorFlow would rewrite the code; we do not.

    Raises Refused for a tensor of a graph.
    """
    import tensorflow as tf

    if tf.is_tensor(value) and not hasattr(value, "numpy"):
        raise Refused("`if` on a tensor below @tf.function: use tf.where or tf.cond", line)
    return value


def missing(path: str) -> None:
    """Stands where the code has a name that the installed library lacks: fails in the library's own words.

    Raises AttributeError.
    """
    vocabulary.resolve(path)


def missing_import(path: str) -> None:
    """The same for `from … import …`, where Python raises another error. Raises ImportError."""
    try:
        vocabulary.resolve(path)
    except AttributeError:
        module, _, name = path.rpartition(".")
        raise ImportError(f"cannot import name '{name}' from '{module}'") from None


def _guarded(apply: Callable, too_large: Callable[[object, object], bool], left: object, right: object) -> object:
    if too_large(left, right):
        raise OverflowError("a loss needs no number, list or text of this size")
    return apply(left, right)


def _long_product(left: object, right: object) -> bool:
    if isinstance(left, int) and isinstance(right, int):
        return left.bit_length() + right.bit_length() > MAX_BITS
    if isinstance(right, list | tuple | str):
        left, right = right, left
    return isinstance(left, list | tuple | str) and isinstance(right, int) and len(left) * right > MAX_ITEMS


def _long_power(left: object, right: object) -> bool:
    return isinstance(left, int) and isinstance(right, int) and left.bit_length() * right > MAX_BITS


def _long_shift(left: object, right: object) -> bool:
    return isinstance(left, int) and isinstance(right, int) and left.bit_length() + right > MAX_BITS


def _long_text(left: object, right: object) -> bool:
    return isinstance(left, str | bytes)


def _replace(apply: Callable, container: Any, index: object, value: object) -> None:
    """`container[index] = apply(container[index], value)`"""
    container[index] = apply(container[index], value)


# operator in the syntax tree -> the name that replaces it. Names with "=" work in place, "= in" inside a container.
OPERATORS = {"Mult": "<times>", "Pow": "<power>", "LShift": "<shift>", "Mod": "<modulo>"}


def _operators() -> dict[str, Callable]:
    table = {
        "<times>": (operator.mul, operator.imul, _long_product),
        "<power>": (operator.pow, operator.ipow, _long_power),
        "<shift>": (operator.lshift, operator.ilshift, _long_shift),
        "<modulo>": (operator.mod, operator.imod, _long_text),
    }
    plain: dict[str, Callable] = {name: partial(_guarded, apply, check) for name, (apply, _, check) in table.items()}
    in_place = {f"{name}=": partial(_guarded, apply, check) for name, (_, apply, check) in table.items()}
    inside = {f"{name} in": partial(_replace, apply) for name, apply in in_place.items()}
    return plain | in_place | inside


def power(base: Any, exponent: Any, modulus: Any = None) -> object:
    """The built-in `pow`."""
    return _guarded(operator.pow, _long_power, base, exponent) if modulus is None else pow(base, exponent, modulus)


NAMESPACE: dict[str, object] = {
    **{f"<read {name}>": partial(read, name) for name in READABLE},
    **_operators(),
    "<mask of>": mask_of,
    "<has mask>": has_mask,
    "<decide>": decide,
    "<missing>": missing,
    "<missing import>": missing_import,
    "<never run>": never_run,
    "<slice>": slice,
    "pow": power,
}
