"""What `model.compile(…)` in a pasted text says, and `fit` of weights, as plain values. It is read, not run."""

import ast
from dataclasses import dataclass, replace
from typing import Any, TypeGuard

from lessons.recipe.compiled import FUNCTION
from lessons.sandbox.admission.model.free_names import root_name
from lessons.sandbox.admission.syntax import shown

_ORDER = ("optimizer", "loss", "metrics", "loss_weights", "weighted_metrics")  # by place in Keras
_OF_FIT = ("class_weight", "sample_weight", "callbacks")
_DEFINITIONS = (ast.FunctionDef, ast.ClassDef)
_OF_CLASSES = "sparse", "one_hot", "categorical", "softmax"  # words
_RATES = {"lr": "learning_rate"}  # names of older Keras
_MOST = 50  # names in one of them


@dataclass(frozen=True)
class Compiled:
    """`model`: the name that is compiled. Of `loss`, `metrics`, `weighted_metrics` and `loss_weights` texts, numbers,
    lists of these, or dicts of them by the outputs' names; what is no plain value is its text. `line`: where it is."""

    model: str
    line: int
    loss: Any = None
    metrics: Any = None
    weighted_metrics: Any = None
    loss_weights: Any = None
    optimizer: str | None = None
    learning_rate: float | None = None
    arguments: Any = None  # of the optimizer, by name
    class_weight: Any = None  # of the model's `fit`, as the rest
    sample_weight: Any = None
    callbacks: Any = None
    of_classes: Any = None  # functions and classes of the text that speak of classes


def compiled(tree: ast.Module) -> list[Compiled]:
    """Each call of `….compile(…)`, in the order of the text."""
    assigned = {
        node.targets[0].id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    calls = [node.value for node in ast.walk(tree) if isinstance(node, ast.Expr) and _calls(node.value, "compile")]
    fits = [node for node in ast.walk(tree) if _calls(node, "fit")]
    functions = {node.name for node in ast.walk(tree) if isinstance(node, _DEFINITIONS)}
    named = Named(assigned, functions)
    weights: dict[str, Any] = {}
    for one in (one for call in fits for one in call.keywords if one.arg in _OF_FIT):
        weights[one.arg] = _value(one.value, named)
    defined = {node.name: ast.unparse(node).lower() for node in ast.walk(tree) if isinstance(node, _DEFINITIONS)}
    speak = [name for name, text in defined.items() if any(word in text for word in _OF_CLASSES)][:_MOST]
    return [
        replace(_read(call, named), **weights, of_classes=speak) for call in sorted(calls, key=lambda call: call.lineno)
    ]


def _calls(node: ast.AST, method: str) -> TypeGuard[ast.Call]:
    """Whether it is `….method(…)`."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == method


@dataclass(frozen=True)
class Named:
    """What the names of a text stand for."""

    values: dict[str, ast.expr]
    functions: set[str]  # and classes


def _read(call: ast.Call, named: Named) -> Compiled:
    given = dict(zip(_ORDER, call.args, strict=False)) | {one.arg: one.value for one in call.keywords if one.arg}
    values = {name: _value(given[name], named) for name in _ORDER[1:] if name in given}
    optimizer = given.get("optimizer")
    if isinstance(optimizer, ast.Name):
        optimizer = named.values.get(optimizer.id, optimizer)
    name, arguments = _optimizer(optimizer, named)
    rate = arguments.get("learning_rate")
    rate = float(rate) if isinstance(rate, int | float) and not isinstance(rate, bool) else None
    root = root_name(call.func) or ""
    return Compiled(root, call.lineno, **values, optimizer=name, learning_rate=rate, arguments=arguments)


def _value(node: ast.expr | None, named: Named) -> Any:
    """As a plain value; a name as what was assigned to it, and a function or class of the text marked as one."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str | int | float | None):
        return node.value[:100] if isinstance(node.value, str) else node.value
    if isinstance(node, ast.List | ast.Tuple):
        return [_value(one, named) for one in node.elts[:_MOST]]
    if isinstance(node, ast.Dict):
        pairs = list(zip(node.keys, node.values, strict=True))[:_MOST]
        return {str(_value(key, named)): _value(value, named) for key, value in pairs}
    if isinstance(node, ast.Name) and node.id in named.values:
        return _value(named.values[node.id], Named({}, named.functions))  # once: names may stand for each other
    made = node.func if isinstance(node, ast.Call) else node
    own = isinstance(made, ast.Name) and made.id in named.functions
    return f"{FUNCTION if own else ''}{shown(node, 100)}" if node else None


def _optimizer(node: ast.expr | None, named: Named) -> tuple[str | None, dict[str, Any]]:
    """Its name, and its arguments."""
    if isinstance(node, ast.Constant):
        return (node.value[:100] if isinstance(node.value, str) else None), {}
    if not isinstance(node, ast.Call):
        return (shown(node, 100) if node else None), {}
    given = [("learning_rate", one) for one in node.args[:1]] + [(one.arg, one.value) for one in node.keywords]
    arguments = {_RATES.get(name, name): _value(value, named) for name, value in given[:_MOST] if name}
    return shown(node.func, 100).rpartition(".")[2], arguments
