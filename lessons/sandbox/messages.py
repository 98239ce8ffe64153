"""How a walled process answers: plain values and arrays, never a pickle.

Whoever has taken the process over writes what they like, so that reading must be safe: a message is two lengths, a
text of JSON and the bytes of its arrays, and it can make nothing but plain values, of a bounded size, in bounded time.
What a text can make is bounded before it is parsed, for the parser holds the interpreter until it is through.

JSON has lists and objects only. An object is always a mark here, {kind: content}: {"tuple": […]}, {"dict": [[key,
value], …]} or {"array": [dtype, shape]}, whose bytes follow in the order of the arrays. Keys are texts, which Python
hashes with a secret, or small integers: numbers can be chosen so that all of them collide.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np

LENGTHS = struct.Struct("!II")  # of the text and of the arrays, in bytes
# What the messages of one job may have together, and how that is said. The longest training of a lesson takes 100
# messages, 40 kB of text, 7,000 values and 1 MB of arrays.
MOST = {
    "bytes": (64 * 2**20, "64 MB"),
    "text": (2**20, "1 MB of text"),
    "values": (100_000, "100,000 values"),
    "messages": (4096, "4,096 messages"),
}
DEEPEST = 32  # lists in lists
MOST_AXES = 8
SMALL = 2**31  # beyond which an integer is no key
LARGEST = 10**100  # beyond which an integer is no answer: the page makes floats of them
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
    for kind, amount in {**lengths(len(text), len(content)), "values": values_in(text)}.items():
        most, words = MOST[kind]
        if amount > most:
            raise TooLong(f"the answer has more than {words}")
    return LENGTHS.pack(len(text), len(content)) + text + content


def lengths(text: int, content: int) -> dict[str, int]:
    """What a message of these lengths takes of MOST."""
    return {"messages": 1, "text": text, "bytes": text + content}


def values_in(text: bytes) -> int:
    """At least as many values as this text can make. It is not parsed for that."""
    return 1 + sum(text.count(mark) for mark in (b",", b"[", b"{", b":"))


def marked(value: Any, arrays: list[np.ndarray], depth: int = 0) -> Any:
    """`value` as JSON has it; its arrays (…) are put into the list. Raises TooLong, and TypeError for what is no plain
    value.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if depth > DEEPEST or (isinstance(value, int) and abs(value) > LARGEST):
        raise TooLong("the answer has a number of more than 100 digits, or lists too deep in lists")
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, (list, tuple)):
        items = [marked(item, arrays, depth + 1) for item in value]
        return items if isinstance(value, list) else {"tuple": items}
    if isinstance(value, dict) and all(map(is_key, value)):
        return {"dict": [[marked(key, arrays), marked(item, arrays, depth + 1)] for key, item in value.items()]}
    if isinstance(value, np.ndarray) and value.dtype.str in DTYPES and value.ndim <= MOST_AXES:
        arrays.append(value)
        return {"array": [value.dtype.str, list(value.shape)]}
    kind = f"a dict with the key {next(key for key in value if not is_key(key))!r}" if isinstance(value, dict) else ""
    raise TypeError(
        "a walled process answers with plain values and arrays of numbers only, and with texts and small integers as "
        f"keys; got {kind[:80] or type(value).__name__}"
    )


def is_key(key: Any) -> bool:
    """Whether something can name a value in an answer: a text, or a small integer."""
    return type(key) is str or (type(key) is int and abs(key) < SMALL)


class Reader:
    """Reads messages from a stream that is not to be trusted: between two calls of `renew` what MOST says."""

    def __init__(self, stream: BinaryIO):
        self.stream = stream
        self.renew()

    def renew(self) -> None:
        """Let it read as much again."""
        self.left = {kind: most for kind, (most, _) in MOST.items()}

    def read(self) -> Any:
        """The next value. EOFError at the end, Malformed or TooLong where the other side breaks the rules."""
        text, content = LENGTHS.unpack(self._exactly(LENGTHS.size))
        self._spend(lengths(text, content))
        letters = self._exactly(text)
        self._spend({"values": values_in(letters)})
        return decode(letters, self._exactly(content))

    def _spend(self, amounts: dict[str, int]) -> None:
        for kind, amount in amounts.items():
            self.left[kind] -= amount
            if self.left[kind] < 0:
                raise TooLong(f"it answered with more than {MOST[kind][1]}")

    def _exactly(self, count: int) -> bytes:
        got = self.stream.read(count)
        if len(got) < count:
            raise EOFError
        return got


def decode(text: bytes, content: bytes) -> Any:
    """The value of a message. Malformed for whatever `encode` does not write."""
    arrays = Arrays(content)
    try:
        value = unmarked(json.loads(text), arrays.take)
    except (ValueError, TypeError, LookupError, RecursionError, OverflowError, MemoryError) as failure:
        raise Malformed("its answer cannot be read") from failure
    if arrays.left:
        raise Malformed("its answer is longer than it says")
    return value


def unmarked(value: Any, array: Callable[[Any, Any], np.ndarray], depth: int = 0) -> Any:
    """What `marked` made this JSON of. Raises ValueError, TypeError or LookupError where it did not.

    Arrays as `array` makes them of dtype and shape, (…).
    """
    if depth > DEEPEST:
        raise ValueError("too deep")
    if isinstance(value, str):
        value.encode()  # raises on half characters, which no page can show
    elif isinstance(value, int) and abs(value) > LARGEST:
        raise ValueError("too large")
    elif isinstance(value, list):
        return [unmarked(item, array, depth + 1) for item in value]
    elif isinstance(value, dict):
        ((kind, inside),) = value.items()
        if not isinstance(inside, list):
            raise TypeError("a mark has a list")
        if kind == "array":
            return array(*inside)
        if kind == "tuple":
            return tuple(unmarked(item, array, depth + 1) for item in inside)
        if kind != "dict" or not all(is_key(key) for key, _ in inside):
            raise TypeError("no such mark, or no such key")
        return {unmarked(key, array): unmarked(item, array, depth + 1) for key, item in inside}
    return value


class Arrays:
    """The bytes behind a text, taken array by array."""

    def __init__(self, content: bytes):
        self.left = memoryview(content)

    def take(self, dtype: str, shape: list[int]) -> np.ndarray:
        """The next array (…) of that shape. Raises ValueError where it cannot be, KeyError for another dtype."""
        if len(shape) > MOST_AXES or not all(type(length) is int and 0 <= length < SMALL for length in shape):
            raise ValueError("no such shape")
        kind = DTYPES[dtype]
        size = math.prod(shape) * kind.itemsize
        taken, self.left = self.left[:size], self.left[size:]
        return np.frombuffer(taken, kind).reshape(shape).copy()
