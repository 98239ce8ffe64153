"""Arrays of NumPy as a sheet: x (sequence, step, feature), y, and a mask or lengths. Nothing pickled is read."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import IO

import numpy as np

from lessons.own_data.sheet import Column, Sheet, frozen
from lessons.recipe.bad_input import BadInput
from lessons.recipe.words import plural, shortened

NAMES = {  # how an array is recognised, whatever its case; the rest goes by the number of axes
    "x": ("x", "xtrain", "data", "inputs", "features", "sequences", "series", "arr0", "values"),
    "y": ("y", "ytrain", "labels", "label", "targets", "target", "arr1"),
    "mask": ("mask", "masktrain", "xmask", "real", "valid"),
    "lengths": ("lengths", "length", "lens", "seqlengths", "seqlen", "sequencelengths"),
}


def arrays_of(data: bytes, most: int) -> dict[str, np.ndarray]:
    """The arrays of an .npz or .npy file, (…). Raises BadInput for pickled ones, and beyond `most` bytes."""
    try:
        if data[:6] == b"\x93NUMPY":
            declared = size_of(io.BytesIO(data))
            if declared > most:
                raise too_large(declared, most)
            return {"x": np.load(io.BytesIO(data), allow_pickle=False)}
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            members = [member for member in packed.infolist() if member.filename.endswith(".npy")]
            unpacked = sum(max(member.file_size, size_of(packed.open(member))) for member in members)
            if unpacked > most:
                raise too_large(unpacked, most)
            return {
                member.filename.removesuffix(".npy"): np.load(io.BytesIO(packed.read(member)), allow_pickle=False)
                for member in members
            }
    except BadInput:
        raise
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, KeyError, SyntaxError) as failure:
        if "pickle" in str(failure).lower() or "object" in str(failure).lower():
            raise BadInput(
                "The file holds Python objects (pickled), which are not read: save arrays of numbers."
            ) from None
        raise BadInput(f"The file is no .npz or .npy of NumPy: {shortened(str(failure), 100)}") from None


def too_large(size: int, most: int) -> BadInput:
    """The BadInput for a file that grows beyond bounds; it is returned, not raised."""
    return BadInput(
        f"Unpacked the file has {size / 2**20:,.0f} MB; up to {most / 2**20:,.0f} MB are read: save fewer rows."
    )


def size_of(stream: IO[bytes]) -> int:
    """Bytes that an array will have, from its head. Raises ValueError where it holds Python objects."""
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version[0] == 1 else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(stream)
    if dtype.hasobject:
        raise ValueError("objects")
    return int(np.prod(shape, dtype=object)) * dtype.itemsize


def sheet_of(arrays: Mapping[str, np.ndarray]) -> Sheet:
    """Arrays as a sheet: a row for each step of each sequence, padding left out. Raises BadInput."""
    arrays = {name: array for name, array in arrays.items() if array.dtype.kind in "biuf" and array.size}
    roles = recognised(arrays)
    if "x" not in roles:
        raise BadInput(f"The file has no array of inputs; takes x (sequence, step, feature), y, mask or lengths; got "
                       f"{shortened(', '.join(arrays) or 'none of numbers', 80)}.")  # fmt: skip
    x = arrays[roles["x"]].astype("float64")
    if x.ndim > 3:
        x = x.reshape(*x.shape[:2], -1)
    y = arrays[roles["y"]] if "y" in roles else None
    if x.ndim < 3 and not alike(x, y):
        return as_table(x, y)
    x = x[..., None] if x.ndim < 3 else x
    real = real_steps(x, arrays, roles)
    sequence, step = np.nonzero(real)
    named = [("sequence", sequence.astype(float)), ("step", step.astype(float))]
    named += [(f"x{place + 1}", x[..., place][real]) for place in range(x.shape[2])]
    if y is not None:
        named.append(("label", labels_of(y, real)))
    notes = [f"{plural(len(x), 'sequence')} of {plural(x.shape[1], 'step')}, {plural(x.shape[2], 'feature')}."]
    return Sheet(tuple(Column(name, "number", frozen(clean(values))) for name, values in named), tuple(notes))


def recognised(arrays: Mapping[str, np.ndarray]) -> dict[str, str]:
    """The name of the array for each role, by its name or else its shape."""
    plain = {name: "".join(sign for sign in name.lower() if sign.isalnum()) for name in arrays}
    roles = {}
    for role, names in NAMES.items():
        found = [name for name in arrays if plain[name] in names]
        if found:
            roles[role] = min(found, key=lambda name: names.index(plain[name]))
    left = [name for name in arrays if name not in roles.values()]
    if "x" not in roles and left:
        roles["x"] = max(left, key=lambda name: (arrays[name].ndim, arrays[name].size))
        left.remove(roles["x"])
    if "y" not in roles and "x" in roles:
        fitting = [name for name in left if len(arrays[name]) == len(arrays[roles["x"]])]
        roles |= {"y": fitting[0]} if fitting else {}
    return roles


def alike(x: np.ndarray, y: np.ndarray | None) -> bool:
    """Whether x (sequence, step) is one number at each step: a matrix with a label for each row or cell is."""
    return x.ndim == 2 and y is not None and (y.shape[:2] == x.shape or (y.ndim == 1 and x.shape[1] > 16))


def as_table(x: np.ndarray, y: np.ndarray | None) -> Sheet:
    """x (rows,) or (rows, columns) as it is, y (rows,) beside it."""
    x = x[:, None] if x.ndim == 1 else x
    named = [(f"x{place + 1}", x[:, place]) for place in range(x.shape[1])]
    if y is not None and len(y) == len(x):
        named.append(("label", y.reshape(len(x), -1)[:, 0].astype("float64")))
    return Sheet(tuple(Column(name, "number", frozen(clean(values))) for name, values in named))


def real_steps(x: np.ndarray, arrays: Mapping[str, np.ndarray], roles: Mapping[str, str]) -> np.ndarray:
    """(sequence, step) bool: by the mask, the lengths, or else without what is NaN in all features."""
    if "mask" in roles and (mask := arrays[roles["mask"]]).shape[:2] == x.shape[:2]:
        return np.asarray(mask.reshape(*x.shape[:2], -1).any(axis=-1))
    if "lengths" in roles and arrays[roles["lengths"]].size == len(x):
        return np.asarray(np.arange(x.shape[1]) < arrays[roles["lengths"]].reshape(-1, 1))
    return np.asarray(~np.isnan(x).all(axis=-1))


def labels_of(y: np.ndarray, real: np.ndarray) -> np.ndarray:
    """(steps,) of the real ones: a label per step or per sequence; of one-hot labels the class. Raises BadInput."""
    y = y.astype("float64")
    if y.shape[:1] != real.shape[:1]:
        raise BadInput(f"y has {plural(len(y), 'sequence')} and x has {len(real)}; takes as many.")
    per_step = y.ndim > 1 and y.shape[1] == real.shape[1]
    y = y if per_step else y[:, None]
    y = y.reshape(len(y), y.shape[1], -1)
    if y.shape[2] > 1:
        y = y.argmax(axis=-1)[..., None]
    return np.broadcast_to(y[..., 0], real.shape)[real]


def clean(values: np.ndarray) -> np.ndarray:
    """(rows,) with NaN for what no model can compute with."""
    values = np.array(values, "float64")
    values[~(np.abs(values) <= np.finfo("float32").max)] = np.nan
    return values
