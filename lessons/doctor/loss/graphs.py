"""Ways through a traced graph: which tensors hold an input's numbers, which are computed from it."""

from __future__ import annotations

import tensorflow as tf

PASSED = ("Identity", "Cast", "StopGradient", "EnsureShape", "PreventGradient", "CheckNumerics")
VIEWS = (*PASSED, "Transpose", "Reshape", "Squeeze", "ExpandDims")  # the same numbers


def viewed(tensor: tf.Tensor) -> tuple[tf.Tensor, tuple[str, ...]]:
    """(the tensor (batch, …) that another is the same numbers of, what has moved its axes on the way)"""
    whole, moved = unmoved(tensor)
    return column_source(whole), moved


def unmoved(tensor: tf.Tensor) -> tuple[tf.Tensor, tuple[str, ...]]:
    """The same of a tensor (batch, …) that is whole: a column is not followed to what it was taken of."""
    moved: tuple[str, ...] = ()
    while tensor.op.type in VIEWS or (tensor.op.type == "StridedSlice" and tensor.op.get_attr("new_axis_mask")):
        if tensor.op.type not in PASSED:
            moved = (tensor.op.name, *moved)
        tensor = tensor.op.inputs[0]
    return tensor, moved


def column_source(tensor: tf.Tensor) -> tf.Tensor:
    """What a column (batch,) was taken of: each time it is taken is an operation of its own."""
    return tensor.op.inputs[0] if tensor.op.type == "StridedSlice" else tensor


def carriers(graph: tf.Graph, tensor: tf.Tensor) -> set[str]:
    """The names of the tensors that hold the same numbers as an input (batch, …), or those that pass a type."""
    found = {tensor.name}
    for operation in graph.get_operations():
        if operation.type in PASSED and operation.inputs and operation.inputs[0].name in found:
            found.update(output.name for output in operation.outputs)
    return found


def dependents(graph: tf.Graph, tensor: tf.Tensor) -> set[str]:
    """The names of all tensors that are computed from an input (batch, …)."""
    found = {tensor.name}
    for operation in graph.get_operations():
        if any(one.name in found for one in operation.inputs):
            found.update(output.name for output in operation.outputs)
    return found


def ancestors(operation: tf.Operation) -> set:
    """The operations that a graph computes this one from, itself among them."""
    found, waiting = set(), [operation]
    while waiting:
        here = waiting.pop()
        if here not in found:
            found.add(here)
            waiting.extend(tensor.op for tensor in here.inputs)
    return found


def aligned(graph: tf.Graph, tensor: tf.Tensor) -> set[str]:
    """The names of the tensors whose last axis is that of an input (batch, …): its carriers, and those to which axes
    were added before the last."""
    found = carriers(graph, tensor)
    for operation in graph.get_operations():
        if operation.inputs and operation.inputs[0].name in found and operation.type in ("StridedSlice", "ExpandDims"):
            rank = operation.outputs[0].shape.rank
            if operation.type == "ExpandDims":
                axis = tf.get_static_value(operation.inputs[1])
                keeps = rank is not None and axis is not None and int(axis) not in (-1, rank - 1)
            else:
                keeps = only_adds_axes(operation)
            if keeps:
                found.update(output.name for output in operation.outputs)
    return found


def only_adds_axes(operation: tf.Operation) -> bool:
    """Whether a slice takes everything and adds axes, none of them the last: y[:, None, :]."""
    begin = tf.get_static_value(operation.inputs[1])
    if begin is None or not operation.get_attr("new_axis_mask") or operation.get_attr("shrink_axis_mask"):
        return False
    whole = operation.get_attr("new_axis_mask") | operation.get_attr("ellipsis_mask")
    taken = (operation.get_attr("begin_mask") & operation.get_attr("end_mask")) | whole
    count = len(begin)
    return taken == 2**count - 1 and not operation.get_attr("new_axis_mask") & (1 << (count - 1))
