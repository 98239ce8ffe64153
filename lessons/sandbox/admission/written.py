"""Functions that may hand out memory as they find it, or write beside their result, held to what is theirs.

What was freed still holds what was in it: pieces of the text that another learner pasted. These were found by calling
functions of the vocabulary below a C library that fills what it hands out (`MALLOC_PERTURB_`).
"""

import contextlib
import ctypes
from collections.abc import Callable
from functools import partial
from typing import Any

from lessons.sandbox.admission.refusal import Refused

INSTEAD = {"np.empty": "np.zeros", "np.empty_like": "np.zeros_like"}

# They take `where=` as well, and begin with a value of their own: nothing is left out.
_REDUCTIONS = frozenset(
    "all any amax amin max mean min nanmax nanmean nanmin nanprod nanstd nansum nanvar prod std sum var".split()
)
M_PERTURB, FILLING = -6, 85  # of glibc's mallopt
_MODE = 2  # the place of `mode` among the arguments of np.pad


def guarded(path: str, function: Any, line: int | None = None) -> Any:
    """What stands behind a dotted name in pasted code: the function itself, or one that refuses to run (Refused)."""
    if path == "tf.linalg.cholesky":
        return partial(_lower, function)
    if path.startswith("np.") and callable(function) and not isinstance(function, type):
        return partial(_checked, function, path.rpartition(".")[2], line)
    return function


def wipe_what_is_freed() -> None:
    """Have this process overwrite memory when it is freed, for the functions that nobody has found yet. glibc only.

    An examination takes as long as before, within what can be measured (0.9 s of the processor).
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):  # another C library, or Windows
        ctypes.CDLL(None).mallopt(M_PERTURB, FILLING)


def method(array: object, name: str, value: object) -> object:
    """The same for what is read from an array: `x.clip`, `x.astype`."""
    import numpy as np

    if callable(value) and isinstance(array, np.ndarray | np.generic):
        return partial(_checked, value, name, None)
    return value


def _checked(function: Callable, name: str, line: int | None, /, *args: object, **kwargs: object) -> object:
    import numpy as np

    if kwargs.get("where", True) is not True and name not in _REDUCTIONS and not _has_outputs(function, args, kwargs):
        raise Refused("`where=` without `out=`: give it an array to write to, or use np.where", line)
    if name == "pad" and "empty" in (kwargs.get("mode"), *args[_MODE : _MODE + 1]):
        raise Refused('np.pad with mode="empty": use "constant"', line)
    for array in _all(kwargs.get("out")):
        if isinstance(array, np.ndarray) and not array.flags.c_contiguous:  # some functions write past its end
            raise Refused("`out=` with a part of an array: give it an array of its own, such as np.zeros_like(x)", line)
    result = function(*args, **kwargs)
    if isinstance(result, np.ndarray | np.generic) and issubclass(result.dtype.type, np.void):
        raise Refused("an array of records: use one of numbers", line)  # there is room between their fields
    return result


def _has_outputs(function: Callable, args: tuple, kwargs: dict[str, object]) -> bool:
    """Whether a function over elements is given an array for each of its results."""
    import numpy as np

    given = _all(kwargs["out"]) if "out" in kwargs else args[getattr(function, "nin", len(args)) :]
    return len(given) == getattr(function, "nout", 1) and all(isinstance(array, np.ndarray) for array in given)


def _all(out: object) -> tuple:
    return out if isinstance(out, tuple) else (out,)


def _lower(function: Callable, /, *args: object, **kwargs: object) -> object:
    """A Cholesky factor without what stands above its diagonal: nobody writes there where there is no factor."""
    import tensorflow as tf

    return tf.linalg.band_part(function(*args, **kwargs), -1, 0)
