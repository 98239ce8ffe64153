"""How a walled process answers: plain values and arrays, never a pickle.

Whoever has taken the process over writes what they like, so that reading must be safe: a message is two lengths, a text
of JSON and the bytes of its arrays, and it can make nothing but plain values, of a bounded size.

JSON has lists and objects only. An object is always a mark here, {kind: content}: {"tuple": […]}, {"dict": [[key,
value], …]} or {"array": [dtype, shape]}, whose bytes follow in the order of the arrays.
"""

from __future__ import annotations

import json
import math
import struct
from typing import Any, BinaryIO

import numpy as np

LENGTHS = struct.Struct("!II")  # of the text and of the arrays, in bytes
MOST_BYTES = 64 * 2**20  # of one message, and of all messages of one job
MOST_TEXT = 4 * 2**20  # of one message: a short text can make many small values, each far larger than its letters
LEAST_COST = 1024  # bytes that a message counts for at least
DTYPES = {np.dtype(code).str: np.dtype(code) for code in "?bhilqBHILQefdFD"}


class Malformed(ValueError):
    """Bytes that `encode` cannot have written."""


class TooLong(ValueError):
    """More than a message, or a job, may answer."""


def encode(value: Any) -> bytes:
    """The message that says `value`. TypeError where it is not plain, TooLong where it is too long."""
    arrays: list[np.ndarray] = []
    text = json.dumps(marked(value, arrays)).encode()
    content = b"".join(array.tobytes() for array in arrays)
    if len(text) > MOST_TEXT or len(text) + len(content) > MOST_BYTES:
        raise TooLong("the answer is longer than 64 MB, or has more than 4 MB of text")
    return LENGTHS.pack(len(text), len(content)) + text + content


def marked(value: Any, arrays: list[np.ndarray]) -> Any:
    """`value` as JSON has it; its arrays are put into the list."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, list):
        return [marked(item, arrays) for item in value]
    if isinstance(value, tuple):
        return {"tuple": [marked(item, arrays) for item in value]}
    if isinstance(value, dict):
        return {"dict": [[marked(key, arrays), marked(item, arrays)] for key, item in value.items()]}
    if isinstance(value, np.ndarray) and value.dtype.str in DTYPES:
        arrays.append(value)
        return {"array": [value.dtype.str, list(value.shape)]}
    raise TypeError(
        f"a walled process answers with plain values and arrays of numbers only; got {type(value).__name__}"
    )


class Reader:
    """Reads messages from a stream that is not to be trusted, up to MOST_BYTES between two calls of `renew`."""

    def __init__(self, stream: BinaryIO):
        self.stream = stream
        self.renew()

    def renew(self) -> None:
        """Let it read MOST_BYTES again."""
        self.left = MOST_BYTES

    def read(self) -> Any:
        """The next value. EOFError at the end, Malformed or TooLong where the other side breaks the rules."""
        text, content = LENGTHS.unpack(self._exactly(LENGTHS.size))
        self.left -= max(text + content, LEAST_COST)
        if text > MOST_TEXT or self.left < 0:
            raise TooLong(f"it answered with more than {MOST_BYTES // 2**20} MB")
        return decode(self._exactly(text), self._exactly(content))

    def _exactly(self, count: int) -> bytes:
        got = self.stream.read(count)
        if len(got) < count:
            raise EOFError
        return got


def decode(text: bytes, content: bytes) -> Any:
    """The value of a message. Malformed for whatever `encode` does not write."""
    left = memoryview(content)

    def array(dtype: str, shape: list[int]) -> np.ndarray:
        nonlocal left
        if not all(type(length) is int and length >= 0 for length in shape):
            raise ValueError("a length is a whole number")
        kind = DTYPES[dtype]
        size = math.prod(shape) * kind.itemsize
        taken, left = left[:size], left[size:]
        return np.frombuffer(taken, kind).reshape(shape).copy()

    makers = {"tuple": tuple, "dict": dict, "array": lambda described: array(*described)}

    def unmarked(mark: dict) -> Any:
        ((kind, inside),) = mark.items()
        return makers[kind](inside)

    try:
        json.dumps(json.loads(text), ensure_ascii=False).encode()  # raises on half characters, which no page can show
        value = json.loads(text, object_hook=unmarked)
    except (ValueError, TypeError, LookupError, RecursionError, OverflowError, MemoryError) as failure:
        raise Malformed("its answer cannot be read") from failure
    if left:
        raise Malformed("its answer is longer than it says")
    return value
