"""What of a pasted text is the model: the statements that it needs, the names that can be meant, and its `compile`."""

import ast
from dataclasses import dataclass, field
from typing import Any

from lessons.sandbox.admission.model.compiling import Compiled, compiled
from lessons.sandbox.admission.model.names import LAYER_BASES, MODEL, MODEL_BASES, is_layer, makes_model
from lessons.sandbox.admission.model.needed import Needed, needed
from lessons.sandbox.admission.refusal import Refused
from lessons.sandbox.admission.scope import Scopes

FUNCTION, VALUE, CLASS, LAYER = "function", "value", "class", "layer"

# Statements that only show, train, or store something.
_DROPPED_CALLS = frozenset(
    "summary compile fit fit_generator evaluate predict save save_weights to_json print plot_model train_on_batch "
    "clear_session set_seed".split()
)
_DROPPED_METHODS = frozenset(
    "get_config from_config train_step test_step predict_step metrics get_build_config build_from_config "
    "summary compile fit build_graph reset_states reset_state".split()
)
_STEPS = ("train_step", "test_step")


@dataclass
class ModelText:
    """`kinds`: what can be meant, in the order of the text. `steps`: own training steps, as text. `parameters`: what
    functions and classes have to be given."""

    needed: Needed
    kinds: dict[str, str]
    default: str
    compiled: Compiled | None
    steps: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, tuple[str, ...]] = field(default_factory=dict)


def read(tree: ast.Module, source: str) -> ModelText:
    """What the text says. Raises Refused where no model is in it."""
    calls = compiled(tree)
    steps = _steps(tree, source)
    tree = ast.fix_missing_locations(_Without().visit(tree))
    kinds, parameters = _candidates(tree)
    if not kinds:
        raise Refused(
            "no model in this text: paste `model = keras.Sequential([…])`, a functional model, `def build(timesteps, "
            "features)` that returns one, or a subclass of keras.Model"
        )
    told = next((call.model for call in reversed(calls) if kinds.get(call.model) == VALUE), None)
    default = told or _default(kinds)
    last = next((call for call in reversed(calls) if call.model == default), calls[-1] if calls else None)
    return ModelText(needed(tree.body, set(kinds)), kinds, default, last, steps, parameters)


class _Without(ast.NodeTransformer):
    """Drops what a model has no need of, unread: imports that bind nothing, programs, and calls that show or train."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        if isinstance(node, ast.FunctionDef | ast.If | ast.For | ast.With | ast.ClassDef) and not node.body:
            node.body = [ast.copy_location(ast.Pass(), node)]
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        call = node.value
        if isinstance(call, ast.Constant):
            return None
        return None if isinstance(call, ast.Call) and _called(call) in _DROPPED_CALLS else self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> ast.stmt | None:
        call = node.value
        dropped = _DROPPED_CALLS - {"compile"}
        return None if isinstance(call, ast.Call) and _called(call) in dropped else node

    def visit_If(self, node: ast.If) -> ast.AST | None:
        if any(isinstance(part, ast.Name) and part.id == "__name__" for part in ast.walk(node.test)):
            return None
        return self.generic_visit(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.stmt | None:
        return None if node.names[0].name == "*" else node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.body = [
            part for part in node.body if not (isinstance(part, ast.FunctionDef) and part.name in _DROPPED_METHODS)
        ]
        return self.generic_visit(node)


def _called(call: ast.Call) -> str | None:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", None)


def _steps(tree: ast.Module, source: str) -> dict[str, str]:
    """Class.train_step -> its text."""
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    return {
        f"{node.name}.{method.name}": ast.get_source_segment(source, method) or ""
        for node in classes
        for method in node.body
        if isinstance(method, ast.FunctionDef) and method.name in _STEPS
    }


def _candidates(tree: ast.Module) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
    """name -> kind of what can be meant as the model, and what functions and classes need to be given."""
    scopes = Scopes(MODEL)
    scopes.enter(set(), tree.body)
    kinds: dict[str, str] = {}
    needs: dict[str, tuple[str, ...]] = {}
    layers: dict[str, tuple[str, ...]] = {}

    def is_model(value: Any) -> bool:
        if not isinstance(value, ast.Call):
            return False
        made_here = isinstance(value.func, ast.Name) and kinds.get(value.func.id) in (FUNCTION, CLASS)
        return made_here or makes_model(scopes.path(value.func))

    for statement in tree.body:
        if isinstance(statement, ast.ClassDef):
            bases = {scopes.path(base) for base in statement.bases}
            init = next((part for part in statement.body if getattr(part, "name", "") == "__init__"), None)
            lacks = _required(init.args)[1:] if isinstance(init, ast.FunctionDef) else ()
            if bases & MODEL_BASES:
                kinds[statement.name], needs[statement.name] = CLASS, lacks
            elif bases & LAYER_BASES or any(map(is_layer, bases)):
                layers[statement.name] = lacks
        elif isinstance(statement, ast.FunctionDef):
            returns = any(isinstance(part, ast.Return) and part.value for part in ast.walk(statement))
            if returns and (any(map(is_model, ast.walk(statement))) or statement.name == "build"):
                kinds[statement.name], needs[statement.name] = FUNCTION, _required(statement.args)
        elif isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target = statement.targets[0]
            if isinstance(target, ast.Name) and is_model(statement.value):
                kinds.pop(target.id, None)
                kinds[target.id] = VALUE
    if not kinds:
        return dict.fromkeys(layers, LAYER), layers
    return kinds, needs


def _required(arguments: ast.arguments) -> tuple[str, ...]:
    """The parameters without a default."""
    positional = [*arguments.posonlyargs, *arguments.args]
    needed = positional[: len(positional) - len(arguments.defaults)]
    pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return tuple(one.arg for one in [*needed, *(one for one, default in pairs if default is None)])


def _default(kinds: dict[str, str]) -> str:
    """A function `build`, else the last model of the text, else the last function, else the last class."""
    if kinds.get("build") == FUNCTION:
        return "build"
    for kind in (VALUE, FUNCTION, CLASS, LAYER):
        if names := [name for name, is_kind in kinds.items() if is_kind == kind]:
            return names[-1]
    raise AssertionError
