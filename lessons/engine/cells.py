"""Cells of tensors: which is not finite, and which belong together where shapes are broadcast."""

import numpy as np
import tensorflow as tf

Cell = tuple[int, ...]


def first_bad(values: np.ndarray) -> Cell:
    """The first cell of values (…) that is not finite. Raises IndexError where all are."""
    return tuple(int(index) for index in np.argwhere(~np.isfinite(values))[0])


def bad_cell(values: np.ndarray, cell: Cell, shape: Cell) -> Cell | None:
    """The first bad cell of `values` that belongs to a cell of a tensor of that shape.

    values (…) of any shape; None where no such cell is bad.
    """
    if fits(values.shape, shape):
        found = aligned(values.shape, cell, shape)
        return found if not np.isfinite(values[found]) else None
    if values.ndim > len(shape) and values.shape[: len(shape)] == shape:  # the cell was made of these
        inside = values[cell]
        return None if finite(inside) else cell + first_bad(inside)
    if shape[: values.ndim] == values.shape:  # the other way round
        return cell[: values.ndim] if not np.isfinite(values[cell[: values.ndim]]) else None
    if values.size == np.prod(shape):
        found = tuple(map(int, np.unravel_index(np.ravel_multi_index(cell, shape), values.shape)))
        return None if np.isfinite(values[found]) else found
    return None if finite(values) else first_bad(values)


def fits(shape: Cell, into: Cell) -> bool:
    """Whether a tensor of that shape is broadcast to the other."""
    return len(shape) <= len(into) and all(a in (1, b) for a, b in zip(shape[::-1], into[::-1], strict=False))


def aligned(shape: Cell, cell: Cell, into: Cell) -> Cell:
    """The cell of a tensor that is broadcast to `cell`."""
    last = cell[len(into) - len(shape) :]
    return tuple(0 if length == 1 else index for length, index in zip(shape, last, strict=True))


def at(value: np.ndarray, cell: Cell, shape: Cell):
    """The number of value (…) that belongs to a cell of a tensor of `shape`; the first where shapes do not fit."""
    return value[aligned(value.shape, cell, shape)] if fits(value.shape, shape) else value.flat[0]


def is_float(value: np.ndarray) -> bool:
    """Whether values (…) are floating numbers; NumPy has no kind of its own for bfloat16."""
    return value.dtype.kind == "f" or value.dtype == tf.bfloat16.as_numpy_dtype


def finite(values: np.ndarray) -> bool:
    """Whether all of values (…) are finite."""
    return bool(np.isfinite(values).all())
