"""Which of the names in a pasted text is meant as the loss."""

import ast
from collections.abc import Iterator

from lessons.sandbox.admission import vocabulary
from lessons.sandbox.admission.scope import Scopes

FUNCTION, RESULT, CLASS, FACTORY = "function", "result", "class", "factory"


class Intention:
    """`kinds`: what each top-level name is that can be meant, in the order of the text."""

    def __init__(self, tree: ast.Module):
        self._scopes = Scopes()
        self._scopes.enter(set(), tree.body)
        self.kinds: dict[str, str] = {}
        self._ready: set[str] = set()  # Factories that can be called without arguments.
        for statement in tree.body:
            self._look(statement)

    @property
    def candidates(self) -> tuple[str, ...]:
        """The names of the functions and classes that can be meant as the loss, in the order of the text."""
        return tuple(self.kinds)

    @property
    def default(self) -> str | None:
        """What is meant when nothing is said: a function before a result before a class before a factory, the last."""
        for kind in (FUNCTION, RESULT, CLASS):
            if names := [name for name in self.kinds if self.kinds[name] == kind]:
                return names[-1]
        return next((name for name in reversed(self.kinds) if name in self._ready), None)

    def needs_arguments(self, name: str) -> bool:
        """Whether this is a factory that only a call with arguments turns into a loss."""
        return self.kinds[name] == FACTORY and name not in self._ready

    def _look(self, node: ast.stmt) -> None:
        if isinstance(node, ast.FunctionDef):
            self._enter(node.name, self._kind(node.args, _returned(node), _inner_functions(node)), node.args)
        elif isinstance(node, ast.ClassDef) and any(
            self._scopes.path(base) in vocabulary.LOSS_BASES for base in node.bases
        ):
            self._enter(node.name, CLASS)
        elif isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            self._look_at_value(node.targets[0].id, node.value)

    def _look_at_value(self, name: str, value: ast.expr) -> None:
        if isinstance(value, ast.Lambda):
            self._enter(name, self._kind(value.args, [value.body], set()), value.args)
        elif self._is_loss(value) or (isinstance(value, ast.Name) and self.kinds.get(value.id) in (FUNCTION, RESULT)):
            self._enter(name, RESULT)
        else:
            self._enter(name, None)

    def _enter(self, name: str, kind: str | None, arguments: ast.arguments | None = None) -> None:
        """A later definition replaces an earlier one of the same name, and stands where it stands."""
        self.kinds.pop(name, None)
        self._ready.discard(name)
        if kind:
            self.kinds[name] = kind
        if kind == FACTORY and _required(arguments) == 0:
            self._ready.add(name)

    def _kind(self, arguments: ast.arguments, returned: list[ast.expr], inner: set[str]) -> str | None:
        if any(self._is_loss(value) or (isinstance(value, ast.Name) and value.id in inner) for value in returned):
            return FACTORY
        if any(isinstance(value, ast.Lambda) for value in returned):
            return FACTORY
        return FUNCTION if _required(arguments) == 2 else None

    def _is_loss(self, value: ast.expr) -> bool:
        """Whether an expression makes a loss: a call of a factory or a class, or one of Keras' own functions."""
        if isinstance(value, ast.Call):
            made_here = isinstance(value.func, ast.Name) and self.kinds.get(value.func.id) in (FACTORY, CLASS)
            return made_here or vocabulary.is_loss_class(self._scopes.path(value.func))
        return vocabulary.is_loss_function(self._scopes.path(value))


def _required(arguments: ast.arguments) -> int:
    positional = len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults)
    return positional + sum(default is None for default in arguments.kw_defaults)


def _own_parts(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """The nodes of a function's body without what is inside the functions in it."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))


def _returned(function: ast.FunctionDef) -> list[ast.expr]:
    return [node.value for node in _own_parts(function) if isinstance(node, ast.Return) and node.value]


def _inner_functions(function: ast.FunctionDef) -> set[str]:
    names = set()
    for node in _own_parts(function):
        if isinstance(node, ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
            names.update(target.id for target in node.targets if isinstance(target, ast.Name))
    return names
