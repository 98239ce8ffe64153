"""Traced graphs that outlive their process: what grappler has made of them is kept, and called as it is.

Tracing a structure takes ten times as long as training it, and grappler nearly as long again. What is stored is the
graph as it was run, a function of its data and of the model's variables, and what else a Graph says of itself.
"""

import io
import itertools
import json
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow.core.framework import function_pb2, graph_pb2  # none of these has a public name
from tensorflow.python.eager import context, execute
from tensorflow.python.framework import op_def_registry

from lessons.engine import graph_files, grappler
from lessons.engine.graph import Graph
from lessons.engine.models import Draw
from lessons.recipe.recipe import Structure
from lessons.runs.run import LayerMask

OURS = "lessons."  # how the modules are called whose source the name of a stored graph covers
PYTHON = ("PyFunc", "PyFuncStateless", "EagerPyFunc")  # operations that call back into the process that traced them
numbers = itertools.count()  # a function's name must be new to its process


class NotStored(ValueError):
    """This graph cannot be kept: every process traces it."""


class Store:
    """The graphs of a folder."""

    def __init__(self, files: graph_files.GraphFiles):
        self.files = files

    def has(self, structure: Structure) -> bool:
        """Whether it can be taken from here."""
        return self.files.read(name_of(structure)) is not None

    def graph(self, structure: Structure) -> Graph:
        """The graph of a structure: the one that is kept, else a new one that will be."""
        if structure.own or not type(structure.settings).__module__.startswith(OURS):
            return Graph(structure)
        name = name_of(structure)
        if content := self.files.read(name):
            try:
                return StoredGraph(structure, content)
            except Exception:  # whatever is odd about it, tracing is the answer
                pass
        return NewGraph(structure, self.files, name)


def name_of(structure: Structure) -> str:
    """The name of its file, for the packages that trace it."""
    return graph_files.name_of(structure, keras.__version__, tf.__version__, np.__version__)


class NewGraph(Graph):
    """A graph that is kept once it has been traced."""

    def __init__(self, structure: Structure, files: graph_files.GraphFiles, name: str):
        super().__init__(structure)
        self.files, self.name = files, name
        self.collected: dict[str, list[graph_pb2.GraphDef]] = {}

    def advance(self, epochs: int) -> dict[str, np.ndarray]:
        """As of a Graph: arrays (epoch, batch, …)."""
        with self._collecting("advance"):
            return super().advance(epochs)

    def _put_out(self, part: dict[str, tf.Tensor]) -> list[tf.Tensor]:
        with self._collecting("predict"):
            return super()._put_out(part)

    @contextmanager
    def _collecting(self, which: str) -> Iterator[None]:
        """Take what grappler makes of a function when it is first called."""
        if which in self.collected:
            yield
            return
        with context.collect_graphs(optimized=True) as graphs:
            yield
        self.collected[which] = graphs

    def keep(self) -> None:
        """Write it, once."""
        if self.files is None:
            return
        try:
            content = stored(self, self.collected)
        except NotStored:
            pass
        else:
            self.files.write(self.name, content)
        self.files, self.collected = None, {which: [] for which in self.collected}


class StoredGraph(Graph):
    """A graph that some process has traced before. It builds its model only where somebody wants to look at that."""

    def __init__(self, structure: Structure, content: bytes):
        """Raises whatever reading it raises, for what is no stored graph of this version."""
        with np.load(io.BytesIO(content), allow_pickle=False) as kept:
            told = json.loads(kept["told"].tobytes())
            self._describe(structure)
            self.traces = 0
            self.source, self.warnings, self.output = told["source"], tuple(told["warnings"]), told["output"]
            self.layers = tuple(LayerMask(*row) for row in told["layers"])
            self.draws = [draw_from(one) for one in told["draws"]]
            self.initial = [kept[f"weight{place}"] for place in range(told["weights"])]
            self.weights = [tf.Variable(value) for value in self.initial]
            self.slots = [tf.Variable(np.zeros(shape, dtype)) for shape, dtype in told["slots"]]
            advance, self._predict = (
                Function(kept[name].tobytes(), self, told["captured"][name]) for name in FUNCTIONS
            )
        names = sorted(self.reported)
        # Without self: what goes in a circle waits for the garbage collector, 6 MB each, and that comes seldom.
        self._advance = lambda *arguments: dict(zip(names, advance(*arguments), strict=True))

    def _built(self, settings, features: int) -> tuple[keras.Model, keras.optimizers.Optimizer]:
        """The model and its optimizer as they are now; the loop goes on with them."""
        model, optimizer = super()._built(settings, features)
        weights, slots = [*model.weights], [*optimizer.variables]
        for mine, its in zip([*self.weights, *self.slots], [*weights, *slots], strict=True):
            its.assign(mine)
        self.weights, self.slots = weights, slots
        return model, optimizer


FUNCTIONS = ("advance", "predict")


class Function:
    """A stored function, called as it is: grappler has been over it."""

    def __init__(self, definition: bytes, graph: Graph, captured: list[int]):
        """`captured`: the places, among weights and slots, of the variables that follow the arguments."""
        function = function_pb2.FunctionDef.FromString(definition)
        function.signature.name = self.name = f"stored_{next(numbers)}"
        self.outputs, self.captured, self.graph = len(function.signature.output_arg), captured, weakref.ref(graph)
        context.context().add_function_def(function)
        weakref.finalize(self, context.remove_function, self.name).atexit = False

    def __call__(self, *arguments) -> list[tf.Tensor]:
        variables = [*self.graph().weights, *self.graph().slots]
        handles = [handle_of(variables[place]) for place in self.captured]
        attributes = ("executor_type", "", "config_proto", AS_IT_IS)
        given = [*tf.nest.flatten(arguments), *handles]
        return execute.execute(self.name, self.outputs, given, attributes, context.context())


AS_IT_IS = grappler.not_at_all()


def handle_of(variable: Any) -> tf.Tensor:
    """The resource () of a variable of TensorFlow or Keras."""
    return (variable.value if isinstance(variable, keras.Variable) else variable).handle


# --- writing


def stored(graph: Graph, collected: dict[str, list[graph_pb2.GraphDef]]) -> bytes:
    """The content of a StoredGraph. Raises NotStored."""
    places = {id(handle_of(variable)): place for place, variable in enumerate([*graph.weights, *graph.slots])}
    captured = dict[str, list[int]]()
    told = {
        "source": graph.source,
        "warnings": graph.warnings,
        "output": graph.output,
        "layers": [astuple(row) for row in graph.layers],
        "draws": [told_of(draw) for draw in graph.draws],
        "weights": len(graph.weights),
        "slots": [(list(variable.shape), np.dtype(variable.dtype).name) for variable in graph.slots],
        "captured": captured,
    }
    parts = {f"weight{place}": value for place, value in enumerate(graph.initial)}
    train_part, val_part, *numbers = graph.arguments
    for name, traced, given in (
        ("advance", graph._advance, (train_part, val_part, *numbers)),
        ("predict", graph._predict, (train_part,)),
    ):
        concrete = traced.get_concrete_function(*given)
        if any(id(one) not in places for one in concrete.captured_inputs):
            raise NotStored("it holds more than the variables of its model")
        captured[name] = [places[id(one)] for one in concrete.captured_inputs]
        function = function_of([*collected.get(name, ())], concrete)
        parts[name] = np.frombuffer(function.SerializeToString(), np.uint8)
    parts["told"] = np.frombuffer(json.dumps(told).encode(), np.uint8)
    into = io.BytesIO()
    np.savez_compressed(into, **parts)
    return into.getvalue()


def function_of(graphs: list[graph_pb2.GraphDef], concrete) -> function_pb2.FunctionDef:
    """The function whose body is the one graph with an argument or result. Raises NotStored."""
    graphs = [graph for graph in graphs if any(node.op == "_Retval" for node in graph.node)]
    wanted = len(concrete.outputs)
    found = [graph for graph in graphs if sum(node.op == "_Retval" for node in graph.node) == wanted]
    if len(found) != 1 or found[0].library.function:
        raise NotStored("it was not run as one graph")
    function = function_pb2.FunctionDef()
    outputs = dict[str, str]()  # by the tensor's name in a graph: its name in a function
    for index, argument in enumerate(concrete.inputs):
        function.signature.input_arg.add(name=f"a{index}", type=argument.dtype.as_datatype_enum)
    for node in found[0].node:
        if node.op == "_Arg":
            outputs[node.name] = f"a{node.attr['index'].i}"
        elif node.op != "_Retval":
            outputs.update(tensors_of(node))
    arguments = {node.name for node in found[0].node if node.op == "_Arg"}
    results = dict[int, str]()
    for node in found[0].node:
        if node.op == "_Retval":
            results[node.attr["index"].i] = outputs[tensor(node.input[0])]
        elif node.op != "_Arg":
            copy = function.node_def.add()
            copy.CopyFrom(node)
            copy.device = ""
            # To wait for an argument is to wait for nothing.
            waits = [one for one in node.input if one.startswith("^") and one[1:] not in arguments]
            copy.input[:] = [*(outputs[tensor(one)] for one in node.input if not one.startswith("^")), *waits]
    for index, result in enumerate(concrete.outputs):
        function.signature.output_arg.add(name=f"r{index}", type=result.dtype.as_datatype_enum)
        function.ret[f"r{index}"] = results[index]
    function.signature.is_stateful = True
    return function


def tensor(name: str) -> str:
    """A node's first output has no number."""
    return name.removesuffix(":0")


def tensors_of(node) -> Iterator[tuple[str, str]]:
    """The outputs of a node: as a graph names them, and as a function does. Raises NotStored."""
    operation = op_def_registry.get(node.op)
    if operation is None or node.op in PYTHON:
        raise NotStored(f"{node.op} is an operation of one process")
    index = 0
    for output in operation.output_arg:
        count = 1
        if output.number_attr:
            count = node.attr[output.number_attr].i
        elif output.type_list_attr:
            count = len(node.attr[output.type_list_attr].list.type)
        for number in range(count):
            yield f"{node.name}:{index}" if index else node.name, f"{node.name}:{output.name}:{number}"
            index += 1


def told_of(draw: Draw) -> dict[str, Any]:
    """A Draw as JSON. Raises NotStored for an initializer that is not Keras' own."""
    name = draw.initializer.__name__
    if getattr(keras.initializers, name, None) is not draw.initializer:
        raise NotStored(f"{name} is no initializer of Keras")
    return {
        "place": draw.place,
        "shape": draw.shape,
        "dtype": draw.dtype,
        "initializer": name,
        "config": draw.config,
        "kernel_of": draw.kernel_of,
    }


def draw_from(told: dict[str, Any]) -> Draw:
    initializer = getattr(keras.initializers, told["initializer"])
    kernel_of = told["kernel_of"] and (told["kernel_of"][0], tuple(told["kernel_of"][1]))
    return Draw(told["place"], tuple(told["shape"]), told["dtype"], initializer, told["config"], kernel_of)
