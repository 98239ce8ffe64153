"""A Keras model as text, read and never run: the statements that build one, carried out by us.

Each statement is looked at by its form. A layer is made of a name of LAYERS, with the arguments named there, and with
numbers, texts of WORDS, lists of these, or what the text has made before. Nothing else of Python is carried out:
no attribute, no import, no function of the text but `build`. What a model does not need, such as `model.fit(…)`, is
passed over. Keras is loaded when a model is built: in a walled process, for a layer may still be too large.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lessons.sandbox.admission import screening
from lessons.sandbox.admission.refusal import Refused
from lessons.sandbox.model_words import CALLED, LAYERS, NAMED, OF_OPS, OPS, PASSED_OVER, WORDS

if TYPE_CHECKING:
    import keras

WRAPPED = re.compile(r"\x1b\[1m(?:line (\d+): )?(.*?)\x1b\[0m", re.DOTALL)
MOST_WEIGHTS = 200_000
MOST = 4096  # any whole number in the text, but the words of an Embedding
MOST_WORDS = 50_000
MOST_STEPS = 4_000  # statements and expressions that are carried out
OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Pow: operator.pow,
}  # fmt: skip
SAY = (
    "here a model is made of Keras layers with numbers, one after the other or by calls; "
    "`python -m lessons examine` takes any"
)


@dataclass
class Model:
    """What a text has built, and the lines at which its layers were called, by their id."""

    model: keras.Model
    lines: dict[int, str] = field(default_factory=dict)


def built(text: str, timesteps: int, features: int) -> Model:
    """The model of a text. Raises Refused, with the line."""
    reader = Reader({"timesteps": timesteps, "features": features, "classes": 4})
    with bounded():
        for statement in screening.parse(text).body:
            reader.statement(statement)
    return reader.result()


def as_said(refusal: Refused) -> Refused:
    """The refusal itself where Keras has written around it: what a lambda raises comes out so."""
    inner = WRAPPED.search(refusal.message)
    return Refused(inner[2], int(inner[1]) if inner[1] else None) if inner else refusal


@contextmanager
def bounded() -> Iterator[None]:
    """While this lasts weights are counted before they are made. Raises Refused beyond MOST_WEIGHTS."""
    import keras

    original, total = keras.Layer.add_weight, 0

    def add_weight(layer: keras.Layer, shape: Any = None, *given: Any, **how: Any) -> Any:
        nonlocal total
        total += math.prod(int(axis) for axis in shape or ())
        if total > MOST_WEIGHTS:
            raise Refused(f"the model has more than {MOST_WEIGHTS:,} weights: make its layers smaller")
        return original(layer, shape, *given, **how)

    keras.Layer.add_weight = add_weight
    try:
        yield
    finally:
        keras.Layer.add_weight = original


class Reader:
    """Carries out the statements of a text that build a model."""

    def __init__(self, sizes: dict[str, int]):
        self.names: dict[str, Any] = {}
        self.sizes = sizes
        self.lines: dict[int, str] = {}
        self.steps = 0
        self.last: Any = None  # the model that was made last

    def result(self) -> Model:
        """Raises Refused where there is none."""
        import keras

        if not isinstance(self.last, keras.Model):
            raise Refused(f"there is no model in it: {SAY}")
        return Model(self.last, self.lines)

    # --- statements

    def statement(self, node: ast.stmt) -> Any:
        """Carry it out; what a `return` gives. Raises Refused."""
        self.count(node)
        match node:
            case ast.Import() | ast.ImportFrom() | ast.Pass():
                return None
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self.names[name] = self.value(value)
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)) if len(targets) == len(
                values
            ):
                for target, value in zip(targets, [self.value(value) for value in values], strict=True):
                    if not isinstance(target, ast.Name):
                        raise self.refused(node)
                    self.names[target.id] = value
            case ast.Expr(value=ast.Constant()):
                return None
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="add"), args=[layer])):
                self.sequential(name, node).add(self.value(layer))
            case ast.Expr(value=ast.Call() as call) if called(call) in PASSED_OVER:
                return None
            case ast.FunctionDef(name="build", args=arguments, body=body):
                return self.function([one.arg for one in arguments.args], body)
            case ast.Return(value=value) if value is not None:
                return self.value(value)
            case _:
                raise self.refused(node)
        return None

    def function(self, parameters: list[str], body: list[ast.stmt]) -> None:
        """`build`: its parameters are the sizes of the batch, in their order where they have other names.

        Raises Refused.
        """
        sizes = list(self.sizes.values())
        if len(parameters) > len(sizes):
            raise Refused(f"build takes {len(parameters)} arguments: timesteps, features and classes are given")
        for place, name in enumerate(parameters):
            self.names[name] = self.sizes.get(name, sizes[place])
        for statement in body:
            given = self.statement(statement)
            if isinstance(statement, ast.Return):
                self.last = given
                return

    def sequential(self, name: str, node: ast.AST) -> Any:
        import keras

        model = self.names.get(name)
        if not isinstance(model, keras.Sequential):
            raise self.refused(node)
        return model

    # --- values

    def value(self, node: ast.expr) -> Any:
        """What an expression gives. Raises Refused."""
        self.count(node)
        match node:
            case ast.Constant(value=bool() | None):
                return node.value
            case ast.Constant(value=int() | float() as number):
                return self.number(number, node)
            case ast.Constant(value=str() as word):
                if word not in WORDS:
                    raise Refused(f"“{word[:30]}” is no text that a layer takes here", node.lineno)
                return word
            case ast.Name(id=name):
                if name not in self.names and name not in self.sizes:
                    raise Refused(f"“{name}” is not defined: {SAY}", node.lineno)
                return self.names[name] if name in self.names else self.sizes[name]
            case ast.List(elts=parts) | ast.Tuple(elts=parts):
                values = [self.value(part) for part in parts]
                return tuple(values) if isinstance(node, ast.Tuple) else values
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self.value(operand)
            case ast.BinOp(left=left, op=how, right=right) if type(how) in OPERATORS:
                return self.operated(node, OPERATORS[type(how)], self.value(left), self.value(right))
            case ast.Call():
                return self.call(node)
            case ast.Lambda(args=arguments, body=body) if len(arguments.args) == 1:
                return self.expression_of(arguments.args[0].arg, body)
        raise self.refused(node)

    def number(self, number: float, node: ast.expr) -> float:
        """Raises Refused for one that is too large to be a size."""
        if abs(number) > MOST_WORDS and float(number).is_integer() and abs(number) < 1e19:
            raise Refused(f"{number:,} is too large: a size is at most {MOST_WORDS:,}", node.lineno)
        return number

    def operated(self, node: ast.expr, how: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
        """An operator between numbers or tensors. Raises Refused."""
        if any(isinstance(one, str | list | tuple) for one in (left, right)):
            raise self.refused(node)
        if how is operator.pow and isinstance(left, int) and isinstance(right, int) and right > 64:
            raise Refused("a power that large is not computed here", node.lineno)
        try:
            return self.at(node, how(left, right))
        except (ArithmeticError, TypeError, ValueError) as failure:
            raise Refused(str(failure).splitlines()[0][:200], node.lineno) from None

    def expression_of(self, name: str, body: ast.expr) -> Callable[[Any], Any]:
        """The function of a lambda: an expression of one tensor."""

        def function(tensor: Any) -> Any:
            inner = Reader(self.sizes)
            inner.names, inner.steps = {name: tensor}, self.steps
            return inner.value(body)

        return function

    # --- calls

    def call(self, node: ast.Call) -> Any:
        """A layer or a model that is made, a layer that is called, or an operation. Raises Refused."""
        import keras

        if isinstance(node.func, ast.Call | ast.Name) and (layer := self.layer_of(node.func)) is not None:
            return self.applied(node, layer)
        name = called(node)
        if name == "Sequential":
            given = [self.value(argument) for argument in node.args]
            model = self.made(node, keras.Sequential)
            for layer in given[0] if given else []:
                self.tried(node, model.add, layer)
            self.last = model
            return model
        if name == "Model":
            named = {one.arg: self.value(one.value) for one in node.keywords if one.arg in ("inputs", "outputs")}
            given = [self.value(argument) for argument in node.args]
            self.last = self.tried(node, keras.Model, *given, **named)
            return self.last
        if name in LAYERS:
            return self.layer(node, name)
        if name in OPS:
            how = {one.arg: self.value(one.value) for one in node.keywords if one.arg in OF_OPS}
            given = [self.value(argument) for argument in node.args]
            if root(node.func) in ("tf", "tensorflow") and any(isinstance(one, keras.KerasTensor) for one in given):
                raise Refused(f"Keras 3 takes no function of tf here: write keras.ops.{OPS[name]}", node.lineno)
            return self.at(node, self.tried(node, getattr(keras.ops, OPS[name]), *given, **how))
        raise Refused(f"{(name or 'this call')[:40]}: {SAY}", node.lineno)

    def layer_of(self, func: ast.expr) -> Any:
        """The layer that a call is of, `layers.LSTM(8)` or a name of one; None where it is none."""
        import keras

        if isinstance(func, ast.Call):
            made = self.value(func)
            if not isinstance(made, keras.Layer):
                raise self.refused(func)
            return made
        found = self.names.get(func.id) if isinstance(func, ast.Name) else None
        return found if isinstance(found, keras.Layer) else None

    def applied(self, node: ast.Call, layer: Any) -> Any:
        """What a layer puts out. Raises Refused."""
        given = [self.value(argument) for argument in node.args]
        named = {}
        for one in node.keywords:
            if one.arg not in CALLED:
                raise Refused(f"{str(one.arg)[:30]}: a call of a layer takes {', '.join(CALLED)}", node.lineno)
            named[one.arg] = self.value(one.value)
        self.lines.setdefault(id(layer), f"line {node.lineno}")
        return self.tried(node, layer, *given, **named)

    def layer(self, node: ast.Call, name: str) -> Any:
        """Made with the arguments that LAYERS names. Raises Refused for others."""
        import keras

        takes = LAYERS[name].split()
        if len(node.args) > len(takes):
            raise Refused(f"{name}: takes {', '.join(takes) or 'no arguments'} here", node.lineno)
        given = dict(zip(takes, map(self.value, node.args), strict=False))
        shape = None
        for one in node.keywords:
            if one.arg in ("input_shape", "batch_input_shape"):
                shape = self.value(one.value)[one.arg == "batch_input_shape" :]
            elif one.arg not in takes and one.arg not in NAMED:
                raise Refused(
                    f"{name}: “{str(one.arg)[:30]}” is not taken here; it takes {', '.join(takes)}", node.lineno
                )
            elif one.arg in takes:
                given[str(one.arg)] = self.value(one.value)
        given.pop("input_length", None)
        self.check_sizes(name, given, node)
        if name in ("Input", "InputLayer"):
            return self.tried(node, keras.Input if name == "Input" else keras.layers.InputLayer, **given)
        if shape is not None:
            given["input_shape"] = shape
        layer = self.tried(node, getattr(keras.layers, name), **given)
        self.lines.setdefault(id(layer), f"line {node.lineno}")
        return layer

    def check_sizes(self, name: str, given: dict[str, Any], node: ast.Call) -> None:
        """Raises Refused for a size beyond MOST; the words of an Embedding may be more."""
        for argument, value in given.items():
            for size in value if isinstance(value, tuple | list) else [value]:
                most = MOST_WORDS if (name, argument) == ("Embedding", "input_dim") else MOST
                if isinstance(size, int) and size > most:
                    raise Refused(f"{name}: {argument} is {size:,}; here at most {most:,}", node.lineno)

    def made(self, node: ast.Call, kind: Callable[..., Any], *given: Any) -> Any:
        return self.tried(node, kind, *given)

    def tried(self, node: ast.expr, make: Callable[..., Any], *given: Any, **named: Any) -> Any:
        """What Keras makes of it. Raises Refused with what Keras says."""
        try:
            return make(*given, **named)
        except Refused as refusal:
            raise Refused(refusal.message, refusal.line or node.lineno) from None
        except Exception as failure:
            said = " ".join(str(failure).split())
            raise Refused(f"Keras says: {said[:200] or type(failure).__name__}", node.lineno) from None

    # --- what all need

    def at(self, node: ast.expr, value: Any) -> Any:
        """The value; where it is a tensor of a model, with the line of the operation that gave it."""
        made = getattr(value, "_keras_history", None)
        if made is not None:
            self.lines.setdefault(id(made.operation), f"line {node.lineno}")
        return value

    def count(self, node: ast.AST) -> None:
        """Raises Refused where a text does too much."""
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise Refused("the text does too much: paste the model only", getattr(node, "lineno", None))

    def refused(self, node: ast.AST) -> Refused:
        """The refusal of a form that is none of a model; it is returned, not raised."""
        what = {
            "ClassDef": "a class",
            "For": "a loop",
            "If": "a condition",
            "With": "a with",
            "FunctionDef": "a function",
        }
        kind = what.get(type(node).__name__, f"{type(node).__name__.lower()} in this form")
        return Refused(f"{kind} is not read: {SAY}", getattr(node, "lineno", None))


def root(func: ast.expr) -> str:
    """The first name of a dotted one: keras of keras.layers.LSTM."""
    while isinstance(func, ast.Attribute):
        func = func.value
    return func.id if isinstance(func, ast.Name) else ""


def called(node: ast.Call) -> str:
    """The last name of what is called: LSTM of keras.layers.LSTM(…)."""
    func = node.func
    return func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""
