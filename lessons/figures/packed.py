"""Content for a browser as one text: JSON with arrays of numbers in few bits, deflated, in base64.

A run of forty epochs is 46,000 numbers. As JSON they take 450 kB and most of a server's time; packed they take a fifth,
a worker packs them, and the server passes the text on. `unpack` of pages/parts/charts/packed.js is the way back.
"""

from __future__ import annotations

import json
import zlib
from base64 import b64encode
from dataclasses import dataclass
from typing import Any

import numpy as np

from lessons.recipe.data import Floats

LEVEL = 3  # of deflate; 6 takes twice as long and saves 7 %
PLANES = 3  # bytes of a code
EXPONENT, MANTISSA = 8, 23  # bits of a float32
THREE_DECIMALS, FOUR_DIGITS = 13, 15  # bits of the mantissa: for those of a logarithm, and for those of a number


@dataclass(frozen=True, eq=False)
class Numbers:
    """An array of any shape that travels as float32 of so many bits. `form` names what packed.js makes of each number.

    What is 0 stays 0 and nothing else becomes 0; what is not finite stays that.
    """

    values: Floats
    bits: int
    form: str


def packed(content: dict[str, Any]) -> str:
    """The text of plain values among which there may be Numbers."""
    parts: list[bytes] = []

    def placed(value: Any) -> dict[str, Any]:
        if not isinstance(value, Numbers):
            raise TypeError(f"{type(value).__name__} cannot be packed")
        at = sum(map(len, parts))
        parts.append(planes(codes(value.values, value.bits)))
        return {"at": at, "shape": value.values.shape, "bits": value.bits, "form": value.form}

    head = json.dumps(content, default=placed, separators=(",", ":")).encode()
    return b64encode(zlib.compress(b"".join([len(head).to_bytes(4, "little"), head, *parts]), LEVEL)).decode()


def codes(values: Floats, bits: int) -> np.ndarray:
    """Sign, exponent and the first `bits` of the mantissa, rounded, of each value as float32. Shape (…) stays."""
    with np.errstate(over="ignore"):
        whole = np.ascontiguousarray(values, "<f4").view("<u4")
    size, drop = whole & np.uint32(0x7FFFFFFF), MANTISSA - bits
    infinite = np.uint32(((1 << EXPONENT) - 1) << bits)
    rounded = np.clip((size + np.uint32(1 << (drop - 1))) >> np.uint32(drop), 1, infinite - 1)
    short = np.where(np.isfinite(values), np.where(size == 0, 0, rounded), infinite)
    return (((whole >> np.uint32(31)) << np.uint32(EXPONENT + bits)) | short).astype("<u4")


def planes(code: np.ndarray) -> bytes:
    """What each row of codes (row, …) adds to the one before, first all lowest bytes, last all highest.

    Epochs resemble each other, so the higher bytes are nearly all alike.
    """
    added = np.diff(code, axis=0, prepend=np.zeros_like(code[:1]))
    return added.reshape(-1).view(np.uint8).reshape(-1, 4)[:, :PLANES].T.tobytes()
