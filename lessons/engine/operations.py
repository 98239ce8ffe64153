"""A loss and its gradient on one batch, operation by operation: which one made the first number that is not finite."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import config_pb2  # how a session is told to run a graph as it stands
from tensorflow.python.eager import context  # what the graph compiler made has no public way out
from tensorflow.python.framework.ops import get_gradient_function

from lessons.engine.cells import Cell, aligned, at, bad_cell, finite, first_bad, fits, is_float
from lessons.engine.notation import expression, name_of, number, spoken, word, written


@dataclass(frozen=True)
class Origin:
    """Where a number went bad: in which operation, at which cell of its output, and what it was made from."""

    tensor: str
    op: str
    inputs: str
    sequence: int | None = None
    timestep: int | None = None
    source: tf.Operation | None = None  # of the loss as written: has the lines that made it


class LossGraph:
    """The loss of one batch, as a graph. `given`: y_true, y_pred and, where they are passed, mask and weight.

    `dynamic`: traced for any number of sequences, as in the graph of a run in batches.
    """

    def __init__(self, loss: keras.losses.Loss, given: Mapping[str, np.ndarray], dynamic: bool):
        self.loss, self.given = loss, given
        self.specs = {
            name: tf.TensorSpec((None if dynamic else len(value), *value.shape[1:]), value.dtype, name)
            for name, value in given.items()
        }

    def _value(self, y_true, y_pred, mask=None, weight=None):
        if mask is not None:
            y_pred._keras_mask = mask
        return tf.cast(self.loss(y_true, y_pred, weight), tf.float32)

    def _value_and_gradient(self, **given):
        with tf.GradientTape() as tape:
            tape.watch(given["y_pred"])
            loss = self._value(**given)
        zero = tf.UnconnectedGradients.ZERO
        return loss, tape.gradient(loss, given["y_pred"], unconnected_gradients=zero)

    def traced(self):
        """(loss, gradient) in a graph, compiled when it first runs. () and (batch, …)."""
        return tf.function(self._value_and_gradient, autograph=False).get_concrete_function(**self.specs)

    @cached_property
    def plain(self) -> Plain:
        """Every operation as it is written: what running eagerly gives, without a compiler that rewrites any."""
        return Plain(self)

    @cached_property
    def compiled(self) -> Values:
        """The operations that the graph compiler has made of them, which are those that `fit` runs.

        Grappler's graph after its last pass: tensorflow/core/grappler, asked for by `enable_graph_collection`.
        """
        function = self.traced()
        context.context().enable_graph_collection()
        try:
            function(**{name: tf.constant(value) for name, value in self.given.items()})
            collected = context.export_run_metadata().function_graphs
        finally:
            context.context().disable_graph_collection()
        graph = tf.Graph()
        with graph.as_default():
            tf.graph_util.import_graph_def(collected[0].post_optimization_graph, name="")
        loss, gradient = (op.inputs[0] for op in graph.get_operations() if op.type == "_Retval")
        feeds = {f"{name}:0": value for name, value in self.given.items()}
        return Values(graph, feeds, loss, gradient, self.plain)


class Values:
    """What every tensor of a graph held."""

    def __init__(self, graph: tf.Graph, feeds: Mapping[str, np.ndarray], loss, gradient, written: Plain | None = None):
        self.graph, self.loss_tensor, self.gradient_tensor, self.written = graph, loss, gradient, written
        fed = [name for name in feeds if name.partition(":")[0] in {op.name for op in graph.get_operations()}]
        tensors = [tensor for op in graph.get_operations() for tensor in op.outputs if is_plain(tensor)]
        # As it stands: nothing folded, nothing rewritten.
        config = config_pb2.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
        config.graph_options.rewrite_options.disable_meta_optimizer = True
        config.graph_options.optimizer_options.opt_level = config_pb2.OptimizerOptions.L0
        with tf.compat.v1.Session(graph=graph, config=config) as session:
            values = session.run(tensors, {name: feeds[name] for name in fed})
        self.values = {tensor.name: np.asarray(value) for tensor, value in zip(tensors, values, strict=True)}

    def of(self, tensor) -> np.ndarray | None:
        """What a tensor held, (…) in its own shape; None for one that was not computed."""
        return self.values.get(tensor.name) if tensor is not None else None

    @property
    def loss(self) -> float:
        """The loss, as this graph computes it."""
        return float(self.of(self.loss_tensor))

    @property
    def gradient(self) -> np.ndarray:
        """(batch, …) d loss / d prediction, as this graph computes it."""
        return self.of(self.gradient_tensor)

    def reproduces(self, loss_bad: bool) -> bool:
        """Whether it is the failure that was seen: a bad loss, or a bad gradient of a finite one."""
        if loss_bad:
            return not np.isfinite(self.loss)
        return bool(np.isfinite(self.loss) and not finite(self.gradient))

    def forward(self) -> Origin:
        """What made the loss bad."""
        return self.origin(self.trail(self.loss_tensor, ()))

    def backward(self) -> Origin:
        """What made the gradient at the predictions bad."""
        return self.origin(self.trail(self.gradient_tensor, first_bad(self.gradient)))

    def trail(self, tensor, cell: Cell) -> list[tuple[object, Cell]]:
        """From a bad cell back through what it was made of, as long as that is bad too: the origin comes last."""
        path = [(tensor, cell)]
        while before := self._worse(*path[-1]):
            path.append(before)
        return path

    def _worse(self, tensor, cell: Cell):
        shape = self.of(tensor).shape
        inputs = list(tensor.op.inputs)
        if tensor.op.type == "SelectV2":
            inputs = [inputs[1 if at(self.of(inputs[0]), cell, shape) else 2]]
        for one in inputs:
            value = self.of(one)
            if value is not None and is_float(value) and (found := bad_cell(value, cell, shape)) is not None:
                return one, found
        return None

    def origin(self, path: list[tuple[Any, Cell]]) -> Origin:
        """What stands at the end of a trail, in words and with its place."""
        tensor, cell = path[-1]
        label = name_of(tensor)
        if label:  # nothing was computed: it was given
            consumer = path[-2][0].op
            text = f"the {'label' if label == 'y_true' else label} is {number(self.of(tensor)[cell])}"
            origin = {"tensor": label, "op": word(consumer), "source": self.as_written(consumer)}
        else:
            text = self.equation(tensor.op, cell) + self.rewritten(tensor)
            written = self.as_written(tensor.op)
            shown = expression(written.outputs[0]) if written else expression(tensor)
            origin = {"tensor": shown, "op": word(tensor.op), "source": written}
        sequence, timestep = self.place(tensor, cell)
        text += self.consequence(path) if sequence is not None else ""
        return Origin(inputs=text, sequence=sequence, timestep=timestep, **origin)

    def consequence(self, path: list[tuple[Any, Cell]]) -> str:
        """The multiplication by 0 that did not undo it: what most people do not expect."""
        for tensor, cell in reversed(path[:-1]):
            if tensor.op.type == "Mul" and np.isnan(self.of(tensor)[cell]):
                values = [at(self.of(one), cell, self.of(tensor).shape) for one in tensor.op.inputs]
                if 0 in values:
                    return f", then {self.equation(tensor.op, cell)}"
        return ""

    def rewritten(self, tensor) -> str:
        """What the compiler has made of the operands, where that is something else than what is written."""
        written = self.as_written(tensor.op)
        if self.written is None or written is None:
            return ""
        ours, theirs = expression(tensor), expression(written.outputs[0])
        return f": the compiler has made {ours} of {theirs}" if ours != theirs else ""

    def as_written(self, op: tf.Operation) -> tf.Operation | None:
        """The operation of the loss as written that has this name."""
        if self.written is None:
            return op
        names = {one.name: one for one in self.written.graph.get_operations()}
        return names.get(op.name)

    def place(self, tensor, cell: Cell) -> tuple[int | None, int | None]:
        """Sequence and step of a cell, where the tensor has them."""
        rows = next(self.values[name] for name in self.values if name.startswith("y_pred:")).shape
        if self.of(tensor).shape[: len(rows) - 1] != rows[:-1]:
            return None, None
        return cell[0], cell[1] if len(rows) == 3 else None

    def equation(self, op: tf.Operation, cell: Cell) -> str:
        """The operation with the numbers it had there."""
        output = self.of(op.outputs[0])
        values = [self.of(one) for one in op.inputs]
        result = number(output[cell])
        if any(value is None or not fits(value.shape, output.shape) for value in values):
            whole = next(value for value in values if value is not None and is_float(value))
            return f"{word(op)} of {whole.size} values up to {number(np.abs(whole).max())} = {result}"
        parts = [spoken(value[aligned(value.shape, cell, output.shape)]) for value in values]
        return f"{written(op, parts)} = {result}"


class Plain(Values):
    """The loss as written, with the gradient at every tensor and what each operation hands back to its inputs."""

    def __init__(self, loss_graph: LossGraph):
        self.gradients: dict[str, tf.Tensor] = {}
        self.handed: dict[tuple[str, int], tf.Tensor] = {}

        def everything(**given):
            loss = loss_graph._value(**given)
            self.forward_ops = tf.compat.v1.get_default_graph().get_operations()
            tensors = [given["y_pred"], *(t for op in self.forward_ops for t in op.outputs if is_float_tensor(t))]
            # Not a tape's: asked for the gradients at so many tensors it never lets go of its graph.
            for tensor, gradient in zip(tensors, tf.gradients(loss, tensors), strict=True):
                if isinstance(gradient, tf.Tensor):
                    self.gradients[tensor.name] = gradient
            self._hand_back()
            return loss

        function = tf.function(everything, autograph=False).get_concrete_function(**loss_graph.specs)
        captured = zip(function.graph.internal_captures, function.captured_inputs, strict=True)
        feeds = {f"{name}:0": value for name, value in loss_graph.given.items()}
        feeds |= {inside.name: outside.numpy() for inside, outside in captured}
        (loss,) = function.graph.outputs
        self.y_pred = function.graph.get_tensor_by_name("y_pred:0")
        gradient = self.gradients.get(self.y_pred.name)
        super().__init__(function.graph, feeds, loss, gradient)

    def _hand_back(self) -> None:
        """What each operation hands back of the gradient at its output, as TensorFlow's own rule for it says."""
        for op in self.forward_ops:
            above = [self.gradients.get(output.name) for output in op.outputs]
            if len(above) != 1 or above[0] is None:
                continue
            try:
                parts = get_gradient_function(op)(op, above[0])
            except (LookupError, TypeError, AttributeError, ValueError):  # control flow, and what has no such rule
                continue
            for index, part in enumerate(parts if isinstance(parts, (list, tuple)) else [parts]):
                if isinstance(part, tf.Tensor):
                    self.handed[op.name, index] = part

    @property
    def gradient(self) -> np.ndarray:
        """Zeros where the loss does not depend on the predictions. (batch, …)."""
        return np.zeros(self.of(self.y_pred).shape) if self.gradient_tensor is None else super().gradient

    def backward(self) -> Origin:
        """The operation that got a finite gradient and handed back a bad one."""
        tensor, cell = self.y_pred, first_bad(self.gradient)
        while True:
            above = [(op, index, self._cell_above(tensor, cell, op)) for op, index in self._uses(tensor)]
            bad = [(op, where) for op, _, where in above if where is not None]
            if not bad:
                break
            op, cell = bad[0]
            tensor = op.outputs[0]
        guilty = [(op, index) for op, index, _ in above if self._hands_back_bad(op, index, cell)]
        op, index = (guilty or [(op, index) for op, index, _ in above])[0]
        return self._origin_of_gradient(op, index, tensor, cell)

    def _uses(self, tensor) -> Iterator[tuple[tf.Operation, int]]:
        """The operations that the gradient at this tensor comes from."""
        for op in self.forward_ops:
            for index, one in enumerate(op.inputs):
                if one is tensor and any(output.name in self.gradients for output in op.outputs):
                    yield op, index

    def _cell_above(self, tensor, cell: Cell, op: tf.Operation) -> Cell | None:
        """The bad cell of the gradient at the operation's output that this cell of its input had a part in."""
        gradient = self.of(self.gradients[op.outputs[0].name])
        return bad_cell(gradient, cell, self.of(tensor).shape)

    def _hands_back_bad(self, op: tf.Operation, index: int, cell: Cell) -> bool:
        part = self.of(self.handed.get((op.name, index)))
        return part is not None and part.ndim == len(cell) and not np.isfinite(part[cell])

    def _origin_of_gradient(self, op: tf.Operation, index: int, tensor, cell: Cell) -> Origin:
        output = op.outputs[0]
        above, below = self.of(self.gradients[output.name]), self.of(self.gradients[tensor.name])
        came = above[aligned(above.shape, cell, below.shape)] if fits(above.shape, below.shape) else above.max()
        operands = [self.of(one) for one in op.inputs]
        if all(value is not None and fits(value.shape, below.shape) for value in operands):
            parts = [spoken(value[aligned(value.shape, cell, below.shape)]) for value in operands]
        else:
            parts = [number(self.of(tensor)[cell])]
        part = self.of(self.handed.get((op.name, index)))
        given = part[cell] if part is not None and part.ndim == len(cell) else below[cell]
        text = f"at {written(op, parts)} the gradient {number(came)} from above becomes {number(given)}"
        sequence, timestep = self.place(tensor, cell)
        return Origin(
            f"gradient of {expression(output)}", word(op), text + self.reason(op, cell, below.shape),
            sequence, timestep, op,
        )  # fmt: skip

    def reason(self, op: tf.Operation, cell: Cell, shape: Cell) -> str:
        """Where an operand was bad already: what it came from."""
        for one in op.inputs:
            value = self.of(one)
            if value is not None and is_float(value) and (found := bad_cell(value, cell, shape)) is not None:
                source, where = self.trail(one, found)[-1]
                label = {"y_true": "the label"}.get(name_of(source), expression(source))
                return f", for {label} is {number(self.of(source)[where])}"
        return ""


def source_line(origin: Origin, function: Callable) -> tuple[int | None, str]:
    """The line of the function that made the operation, counted in its own text, and that line."""
    code = getattr(getattr(function, "func", function), "__code__", None)
    if origin.source is None or code is None:
        return None, ""
    lines, first = inspect.getsourcelines(code)
    for frame in reversed(origin.source.traceback):
        if frame.filename == code.co_filename and frame.name == code.co_name:
            line = frame.lineno - first
            return line + 1, lines[line].strip()
    return None, ""


def is_plain(tensor) -> bool:
    """Whether a tensor holds numbers that a session can hand out: no resource, no list."""
    return tensor.dtype not in (tf.resource, tf.variant, tf.string) and tensor.op.type != "NoOp"


def is_float_tensor(tensor) -> bool:
    """Whether a tensor holds floating numbers that were computed: no constant, nothing fed."""
    return tensor.dtype.is_floating and tensor.op.type not in ("Const", "Placeholder")
