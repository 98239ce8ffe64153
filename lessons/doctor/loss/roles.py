"""What a traced graph does with its whole labels and predictions: makes shares of them, weaves or folds their rows."""

from __future__ import annotations

import tensorflow as tf

from lessons.doctor.loss.graphs import dependents, unmoved

SOFTMAXES = ("Softmax", "LogSoftmax")
POOLS = ("Mean", "Sum", "Max", "Min", "Prod")


def sharing(graph: tf.Graph) -> bool:
    """Whether the whole prediction says how a one is shared among its columns: a softmax is taken of it, or it is
    divided by its own sum, while labels are taken as they are."""
    if lists(graph):
        return False
    labels, predictions = graph.inputs[:2]
    of_labels = dependents(graph, labels) - dependents(graph, predictions)
    found = False
    for operation in graph.get_operations():
        if operation.type in SOFTMAXES:
            found |= unmoved(operation.inputs[0])[0] is predictions
        elif operation.type == "SoftmaxCrossEntropyWithLogits":
            found |= operation.inputs[1].name in of_labels
        elif operation.type == "RealDiv":
            found |= unmoved(operation.inputs[0])[0] is predictions and is_own_sum(*operation.inputs)
    return found


def lists(graph: tf.Graph) -> bool:
    """Whether a softmax is taken of labels: they are scores too, of a list that is put into order."""
    labels, predictions = graph.inputs[:2]
    of_labels = dependents(graph, labels) - dependents(graph, predictions)
    return any(op.type in SOFTMAXES and op.inputs[0].name in of_labels for op in graph.get_operations())


def is_own_sum(part: tf.Tensor, total: tf.Tensor) -> bool:
    """Whether a total is the sum of a tensor (batch, …) along its last axis."""
    if total.op.type != "Sum" or total.op.inputs[0] is not part or part.shape.rank is None:
        return False
    axis = tf.get_static_value(total.op.inputs[1])
    return axis is not None and axis.size == 1 and int(axis.reshape(-1)[0]) in (-1, part.shape.rank - 1)


def weaves(graph: tf.Graph, tensor: tf.Tensor) -> int | None:
    """Every how many rows of labels or predictions (batch, …) one is taken, as y_true[::3] does; None: of all rows."""
    for operation in graph.get_operations():
        if operation.type == "StridedSlice" and operation.inputs[0] is tensor:
            strides = tf.get_static_value(operation.inputs[3])
            if strides is not None and strides[0] > 1 and not operation.get_attr("shrink_axis_mask") & 1:
                return int(strides[0])
    return None


def folds(graph: tf.Graph) -> int | None:
    """How many numbers a row has in which both labels and predictions are laid out anew, (-1, n); None: they stay."""
    widths = []
    for tensor in graph.inputs[:2]:
        found = {laid_out(operation, tensor) for operation in graph.get_operations()}
        widths.append(found - {None, 1})
    both = widths[0] & widths[1]
    return min(both) if both else None


def laid_out(operation: tf.Operation, tensor: tf.Tensor) -> int | None:
    """The numbers in a row of what a Reshape makes of a whole tensor (batch, …), where they are written down."""
    if operation.type != "Reshape" or unmoved(operation.inputs[0])[0] is not tensor:
        return None
    sizes = operation.outputs[0].shape.as_list() if operation.outputs[0].shape.rank else []
    if len(sizes) < 2 or sizes[0] is not None or None in sizes[1:]:
        return None
    width = 1
    for size in sizes[1:]:
        width *= size
    return width


def fixed(graph: tf.Graph) -> tuple[int, ...] | None:
    """The shape that a batch must have to meet a constant of at least two axes, or that labels or predictions are laid
    out in with all sizes written down; its first axis may be a batch."""
    made = dependents(graph, graph.inputs[0]) | dependents(graph, graph.inputs[1])
    for operation in graph.get_operations():
        if operation.type == "Reshape" and any(unmoved(operation.inputs[0])[0] is whole for whole in graph.inputs[:2]):
            laid = operation.outputs[0].shape
            if laid.is_fully_defined() and laid.rank and laid[0] > 1:
                return tuple(laid) if laid.rank > 1 else (laid[0], 1)
        if operation.type not in ("Mul", "AddV2", "Sub", "RealDiv") or len(operation.inputs) != 2:
            continue
        for one, other in (operation.inputs, operation.inputs[::-1]):
            known = one.shape.rank is not None and one.shape.is_fully_defined() and one.name not in made
            if known and other.name in made and one.shape.rank >= 2 and one.shape[0] > 1:
                return tuple(one.shape)
    return None


def pools(graph: tf.Graph) -> bool:
    """Whether predictions are taken together along an axis counted from the front, 1, and labels are not: a whole
    sequence may have one label. Whoever means the columns may write 1 as well, but mostly writes -1."""
    labels, predictions = graph.inputs[:2]
    pooled = set()
    for operation in graph.get_operations():
        if operation.type not in POOLS or operation.get_attr("keep_dims"):
            continue
        axis = tf.get_static_value(operation.inputs[1])
        if axis is not None and axis.size == 1 and int(axis.reshape(-1)[0]) == 1:
            pooled.add(unmoved(operation.inputs[0])[0].name)
    return predictions.name in pooled and labels.name not in pooled
