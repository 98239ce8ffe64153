"""What a traced graph tells of the labels and predictions that a loss is written for: columns, ids, kinds of labels.

Only operations and the constants they are given are looked at: no names, no text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import keras
import numpy as np
import tensorflow as tf

from lessons.doctor.loss.graphs import aligned, carriers, dependents, viewed
from lessons.doctor.loss.roles import SOFTMAXES, fixed, folds, laid_out, lists, pools, sharing, weaves

WIDEST = 64  # columns that a constant or a slice may speak of
MOST_UNPACKED = 8  # numbers that a prediction is unpacked into by hand
ELEMENTWISE = ("Mul", "AddV2", "Sub", "RealDiv", "SquaredDifference", "Pow", "Maximum", "Minimum", "Equal", "NotEqual")
ORDERS = ("Greater", "GreaterEqual", "Less", "LessEqual")
COMPARED = ("Equal", "NotEqual", "Greater", "GreaterEqual", "Less", "LessEqual")


@dataclass(frozen=True)
class Hints:
    """`columns` and `label_columns`: how many the last axes have; None: nothing tells. `ids`: labels pick a class, of
    `classes`, where that is known. `flags`: labels are compared with 1, or with a half. `alike`: it asks which
    labels are equal to those of other samples; `ordered`: which are above them, or by how much. `first`: of the
    prediction it takes the first column alone. `sharing`: its columns share a one. `apart`: labels and predictions are
    both taken apart into columns. `woven`: every how many rows one is taken; `folded`: so many numbers make a row.
    `pooled`: predictions are taken together along axis 1, labels are not. `listed`: a softmax is taken of labels.
    `label_rank`: axes of the labels, as `rank` of the predictions. `fixed`: the shape of a constant with a batch axis
    of its own that meets labels or predictions, or that they are laid out in. `views`: predictions are taken in turns,
    labels not at all. `partners`: labels are multiplied with the predictions of all samples, as vectors."""

    traced: bool = False
    columns: int | None = None
    several: bool = False
    label_columns: int | None = None
    ids: bool = False
    classes: int | None = None
    flags: bool = False
    vector: bool = False
    shares: bool = False
    boxes: bool = False
    rank: int | None = None
    alike: bool = False
    ordered: bool = False
    first: bool = False
    sharing: bool = False
    apart: bool = False
    woven: int | None = None
    folded: int | None = None
    pooled: bool = False
    label_rank: int | None = None
    fixed: tuple[int, ...] | None = None
    listed: bool = False
    views: bool = False
    partners: bool = False


NOTHING = Hints()


def hints(loss: Callable | keras.losses.Loss) -> Hints:
    """What the graph of the bare function tells; NOTHING where it cannot be traced."""
    bare = loss.call if isinstance(loss, keras.losses.Loss) else loss
    first = None
    for axes in ((2, 2), (3, 3), (1, 2), (4, 4), (2, 3)):
        if (graph := graph_of(bare, *([None] * count for count in axes))) is not None:
            if not raised(graph, max(axes)):
                return told(graph, *axes)
            first = first or (graph, *axes)
    return told(*first) if first else with_columns(bare)


def with_columns(bare: Callable) -> Hints:
    """The same of a loss that asks how many columns there are before anything runs, as unpacking and `range` do."""
    for alike, label_columns in ((False, None), (False, 2), (True, None)):  # labels: not asked, two, as predictions
        fitting = {}
        for columns in range(2, MOST_UNPACKED + 1):
            shapes = [None, columns if alike else label_columns], [None, columns]
            if (graph := graph_of(bare, *shapes)) is not None:
                fitting[columns] = graph
            if len(fitting) > 1:  # any number goes
                break
        for graph in fitting.values():
            found = told(graph, 2, 2)
            return found if len(fitting) == 1 else replace(found, columns=None, label_columns=label_columns)
    return NOTHING


def graph_of(bare: Callable, *shapes: Sequence[int | None]) -> tf.Graph | None:
    """The graph of labels and predictions of these shapes; None where it cannot be traced so."""
    specs = [tf.TensorSpec(shape, tf.float32) for shape in shapes]
    try:
        return tf.function(bare, autograph=False).get_concrete_function(*specs).graph
    except Exception:
        return None


def told(graph: tf.Graph, label_rank: int, rank: int) -> Hints:
    """The hints of a graph of labels and predictions, each with all sizes unknown."""
    labels, predictions = (carriers(graph, tensor) for tensor in graph.inputs[:2])
    of_labels, of_predictions = (dependents(graph, tensor) for tensor in graph.inputs[:2])
    ids, classes = picked(graph, of_labels - of_predictions, of_predictions)
    columns, several = width(graph, graph.inputs[1])
    label_columns = None if ids else width(graph, graph.inputs[0])[0]
    types = {operation.type for operation in graph.get_operations()}
    logs = [op.inputs[0] for op in graph.get_operations() if op.type == "Log"]
    return Hints(
        True,
        columns if columns != 1 else None,
        several,
        label_columns,
        ids,
        classes,
        any(value in (1.0, 0.5) for value in compared(graph, labels)),
        vectors(graph, of_predictions) or not types.isdisjoint(SOFTMAXES),
        label_columns is None and any(is_share(one, of_labels - of_predictions) for one in logs),
        columns == label_columns == 4 and {"Maximum", "Minimum"} <= types,
        rank,
        crossed(graph, of_labels - of_predictions, ("Equal", "NotEqual")),
        crossed(graph, of_labels - of_predictions, (*ORDERS, "Sub")) or sorts(graph, of_labels - of_predictions),
        columns == 1,
        sharing(graph),
        len(taken(graph, labels)) > 1 and len(taken(graph, predictions)) > 1,
        weaves(graph, graph.inputs[0]),
        folds(graph),
        pools(graph),
        label_rank,
        fixed(graph),
        lists(graph),
        weaves(graph, graph.inputs[1]) is not None and not (of_labels - {graph.inputs[0].name}),
        multiplies(graph, of_labels - of_predictions, of_predictions - of_labels),
    )


def raised(graph: tf.Graph, axes: int) -> bool:
    """Whether what is computed from labels and predictions of so many axes meets what has more and is computed from
    neither, such as a weight for each step: they have as many axes where it is meant."""
    for operation in graph.get_operations():
        inputs = list(operation.inputs)
        if operation.type in ELEMENTWISE and len(inputs) == 2:
            for one, other in (inputs, inputs[::-1]):
                if one.shape.rank == axes < (other.shape.rank or 0) and reads(graph, one) and not reads(graph, other):
                    return True
    return False


def reads(graph: tf.Graph, tensor: tf.Tensor) -> bool:
    """Whether a tensor (…) is computed from the numbers of labels or predictions, and not from their shape alone."""
    given = [one.op for one in graph.inputs[:2]]
    seen, waiting = set(), [tensor.op]
    while waiting:
        here = waiting.pop()
        if here in given:
            return True
        if here not in seen and here.type != "Shape":
            seen.add(here)
            waiting += [one.op for one in here.inputs]
    return False


def crossed(graph: tf.Graph, of_labels: set[str], types: tuple[str, ...]) -> bool:
    """Whether labels (batch, …) meet those of other samples in an operation of these types: the same labels twice,
    their axes in another place."""
    for operation in graph.get_operations():
        if operation.type in types and all(tensor.name in of_labels for tensor in operation.inputs):
            (one, turned), (other, again) = (viewed(tensor) for tensor in operation.inputs)
            if one is other and turned != again:
                return True
    return False


def sorts(graph: tf.Graph, of_labels: set[str]) -> bool:
    """Whether samples are brought into the order of labels (batch, …)."""
    return any(op.type == "TopKV2" and op.inputs[0].name in of_labels for op in graph.get_operations())


def multiplies(graph: tf.Graph, of_labels: set[str], of_predictions: set[str]) -> bool:
    """Whether a matrix of labels (batch, columns) is multiplied with one of predictions: all samples with all."""
    for operation in graph.get_operations():
        if operation.type == "MatMul":
            names = [tensor.name for tensor in operation.inputs]
            if any(one in of_labels and other in of_predictions for one, other in (names, names[::-1])):
                return True
    return False


def is_share(tensor: tf.Tensor, of_labels: set[str]) -> bool:
    """Whether a logarithm, of a tensor (batch, …), is taken of labels, or of labels over something."""
    over = tensor.op.inputs[0].name if tensor.op.type == "RealDiv" else ""
    return tensor.name in of_labels or over in of_labels


def vectors(graph: tf.Graph, of_predictions: set[str]) -> bool:
    """Whether predictions have columns of their own: they are summed along their last axis, and not averaged, or added
    up over the batch column by column."""
    for operation in graph.get_operations():
        if operation.type not in ("Sum", "Max", "ArgMax", "L2Loss") or operation.inputs[0].name not in of_predictions:
            continue
        rank, axes = operation.inputs[0].shape.rank, tf.get_static_value(operation.inputs[1])
        if rank is None or axes is None or np.size(axes) >= rank:
            continue
        by_column = operation.type == "Sum" and np.ravel(axes).tolist() == [0]
        if by_column or set(np.ravel(axes).tolist()) <= {-1, rank - 1}:
            return True
    return False


def width(graph: tf.Graph, tensor: tf.Tensor) -> tuple[int | None, bool]:
    """(columns that slices, splits, rows laid out anew and what it meets leave for an input, whether by a split)"""
    whole, meets = carriers(graph, tensor), aligned(graph, tensor)
    split: set[int] = set()
    exact: set[int] = set()
    rows: set[int] = set()
    for operation in graph.get_operations():
        inputs = list(operation.inputs)
        if operation.type in ("Split", "SplitV", "Unpack"):
            split.update(parts(operation, whole))
        elif operation.type == "Reshape" and (laid := laid_out(operation, tensor)):
            rows.add(laid)
        elif operation.type in ELEMENTWISE and len(inputs) == 2:
            exact.update(beside(inputs, meets))
    if ranges := taken(graph, whole):
        return spanned([*ranges, *met(graph, whole)]), False
    if split:
        return max(split), True
    found = {laid for laid in rows if 1 < laid <= WIDEST} or exact
    return (max(found) if found else None), False


def taken(graph: tf.Graph, whole: set[str]) -> list[tuple[int, int | None]]:
    """The different ranges (first, end) of columns that slices take of a whole tensor."""
    found: dict[tuple[int, int | None], None] = {}
    for operation in graph.get_operations():
        if operation.type == "StridedSlice" and operation.inputs[0].name in whole:
            found.update(dict.fromkeys(columns_of(operation)))
    return list(found)


def met(graph: tf.Graph, whole: set[str]) -> Iterator[tuple[int, int]]:
    """Ranges (first, end) of a part that slices leave open at the end, and that meets the part before it, number by
    number: corners of a box, real and imaginary parts. It is as wide as that."""
    for operation in graph.get_operations():
        slices = [tensor.op for tensor in operation.inputs]
        if operation.type not in ELEMENTWISE or {one.type for one in slices} != {"StridedSlice"}:
            continue
        ranges = [columns_of(one) if one.inputs[0].name in whole else [] for one in slices]
        for before, after in (ranges, ranges[::-1]):
            if [end for _, end in before] == [first for first, _ in after] and [end for _, end in after] == [None]:
                (start, middle), *_ = before
                yield middle, 2 * middle - start


def parts(operation: tf.Operation, whole: set[str]) -> Iterator[int]:
    """Columns of a split of the whole tensor along its last axis."""
    value = operation.inputs[1 if operation.type == "Split" else 0]
    if value.name not in whole or value.shape.rank is None:
        return
    if operation.type == "Unpack":
        if operation.get_attr("axis") in (-1, value.shape.rank - 1):
            yield operation.get_attr("num")
        return
    axis = tf.get_static_value(operation.inputs[0 if operation.type == "Split" else 2])
    if axis is None or int(axis) not in (-1, value.shape.rank - 1):
        return
    sizes = tf.get_static_value(operation.inputs[1]) if operation.type == "SplitV" else None
    if sizes is not None and (np.asarray(sizes) > 0).all():
        yield int(np.sum(sizes))
    elif sizes is None:
        yield int(operation.get_attr("num_split"))


def beside(inputs: list[tf.Tensor], whole: set[str]) -> Iterator[int]:
    """Columns of what meets the whole tensor (batch, …), where they are known: constants, parts of another."""
    for one, other in (inputs, inputs[::-1]):
        columns = other.shape[-1] if other.shape.rank else None
        if one.name in whole and columns is not None and 1 < columns <= WIDEST:
            yield int(columns)


def columns_of(operation: tf.Operation) -> list[tuple[int, int | None]]:
    """(first, end) of a slice along the last axis; end None: to the last column, or from the end."""
    rank = operation.inputs[0].shape.rank
    begin, end, strides = (tf.get_static_value(tensor) for tensor in operation.inputs[1:4])
    if rank is None or begin is None or end is None or strides is None:
        return []
    masks = {
        name: operation.get_attr(f"{name}_mask") for name in ("begin", "end", "ellipsis", "new_axis", "shrink_axis")
    }
    last, counted, after = len(begin) - 1, 0, False
    for place in range(len(begin)):  # which entry speaks of the last axis
        bit = 1 << place
        if masks["ellipsis"] & bit:
            after = True
        elif not masks["new_axis"] & bit:
            counted += 1
    bit = 1 << last
    if masks["ellipsis"] & bit or masks["new_axis"] & bit or not (after or counted == rank) or rank < 2:
        return []
    if masks["shrink_axis"] & bit:
        index = int(begin[last])
        return [(index, index + 1)] if index >= 0 else [(-index - 1, None)]
    if strides[last] != 1:
        return []
    first = 0 if masks["begin"] & bit else int(begin[last])
    stop = None if masks["end"] & bit else int(end[last])
    if first < 0 or (stop is not None and stop < 0):
        return [(max(0, -first - 1), None)] if first < 0 else [(first, stop)]
    return [(first, stop)] if first or stop is not None else []


def spanned(ranges: list[tuple[int, int | None]]) -> int | None:
    """The columns that ranges cover. What is open at the end is as wide as equal parts before it, else one column."""
    if any(stop is not None and stop <= 0 for _, stop in ranges):  # up to the last but one: neighbours are compared
        return None
    closed = {(first, stop) for first, stop in ranges if stop is not None}
    reach = max((stop for _, stop in closed), default=0)
    for first, stop in ranges:
        if stop is None:
            before = next((first - start for start, end in closed if end == first), 1)
            alike = sum(end - start == before for start, end in closed) > 1
            reach = max(reach, first + (before if alike else 1))
    return reach if 0 < reach <= WIDEST else None


def picked(graph: tf.Graph, of_labels: set[str], of_predictions: set[str]) -> tuple[bool, int | None]:
    """(whether labels pick a class by its number, how many classes there are)"""
    for operation in graph.get_operations():
        inputs = list(operation.inputs)
        if operation.type == "OneHot" and inputs[0].name in of_labels:
            depth = tf.get_static_value(inputs[1])
            return True, None if depth is None else int(depth)
        if operation.type == "SparseSoftmaxCrossEntropyWithLogits" and inputs[1].name in of_labels:
            return True, None
        if operation.type == "GatherV2" and inputs[1].name in of_labels and not places(inputs[1].op):
            table = tf.get_static_value(inputs[0])
            if inputs[0].name in of_predictions or table is not None:
                return True, None if table is None else len(table)
    return False, None


def places(operation: tf.Operation) -> bool:
    """Whether numbers are places that were looked for, as boolean_mask and argsort give them, and no labels."""
    seen, waiting = set(), [operation]
    while waiting:
        here = waiting.pop()
        if here.type in ("Where", "TopKV2", "ArgMax", "ArgMin", "Range"):
            return True
        if here not in seen:
            seen.add(here)
            waiting += [tensor.op for tensor in here.inputs]
    return False


def compared(graph: tf.Graph, labels: set[str]) -> Iterator[float]:
    """The numbers that labels are compared with, or taken from."""
    for operation in graph.get_operations():
        if operation.type == "Sub" and operation.inputs[1].name in labels:
            value = tf.get_static_value(operation.inputs[0])
            if value is not None and np.ndim(value) == 0:
                yield float(value)
        if operation.type in COMPARED:
            for one, other in (operation.inputs, operation.inputs[::-1]):
                value = tf.get_static_value(other)
                if one.name in labels and value is not None and np.ndim(value) == 0:
                    yield float(value)
