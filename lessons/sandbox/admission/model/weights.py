"""How many weights a pasted model may have: counted in `add_weight` of every layer, before anything is allocated."""

import contextlib
import math
import operator
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any, NoReturn

from lessons.sandbox.admission.refusal import Refused

MODEL_FILENAME = "<pasted model>"
MOST_WEIGHTS = 200_000
MOST_VARIABLES = 500  # each takes some milliseconds to make


class Count:
    """The weights of one model so far. `ended`: what ended it, which Keras puts into a message of its own."""

    def __init__(self):
        self.renew()

    def renew(self) -> None:
        """Begin a model."""
        self.weights = self.variables = 0
        self.ended: Refused | None = None

    def add(self, shape: object) -> None:
        """One more variable of this shape. Raises Refused."""
        sizes = list(shape) if isinstance(shape, list | tuple) else [shape]
        self.weights += math.prod(operator.index(size) for size in sizes if hasattr(size, "__index__"))
        self.variables += 1
        if self.weights > MOST_WEIGHTS or self.variables > MOST_VARIABLES:
            many = self.variables > MOST_VARIABLES
            said = f"{self.variables:,} variables" if many else f"{min(self.weights, 10**18):,} weights"
            most = f"{MOST_VARIABLES:,} variables" if many else f"{MOST_WEIGHTS:,}"
            refuse(f"the model gets {said}", f"at most {most} are built here, use fewer units or words")


_active: list[Count] = []


@contextlib.contextmanager
def counted() -> Iterator[Count]:
    """A block in which every layer's weights are counted, from 0. For one thread of a process at a time.

    A block inside it begins its count anew. Raises Refused for too many, and where else the text was refused as it
    ran, whatever Keras made of it.
    """
    import keras

    if _active:
        _active[0].renew()
        yield _active[0]
        return
    count, plain = Count(), keras.layers.Layer.add_weight

    def add_weight(self: Any, shape: Any = None, *args: Any, **kwargs: Any) -> Any:
        count.add(shape)
        return plain(self, shape, *args, **kwargs)

    _active.append(count)
    keras.layers.Layer.add_weight = add_weight
    try:
        yield count
    except Exception:
        if count.ended:
            raise count.ended from None
        raise
    finally:
        keras.layers.Layer.add_weight = plain
        _active.clear()


def refuse(found: str, instead: str) -> NoReturn:
    """Ends the run of the text at the line that it is at. Raises Refused."""
    error = Refused(f"{found}: {instead}", running_line())
    for count in _active:
        count.ended = count.ended or error
    raise error


def running_line() -> int | None:
    """The line of the pasted text that is being run."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename == MODEL_FILENAME:
            return frame.f_lineno
        frame = frame.f_back
    return None
