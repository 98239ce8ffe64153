"""Which thing a name means at a place in pasted code: a module, a value of the code's own, or `self`."""

import ast
import builtins
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from lessons.sandbox.admission import vocabulary

_INNER = (ast.FunctionDef, ast.Lambda, ast.ClassDef, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass
class Scope:
    """The names that one function, comprehension or the module binds. `record` is a method's name for its object."""

    values: set[str] = field(default_factory=set)
    paths: dict[str, str] = field(default_factory=dict)
    record: str | None = None


class Scopes:
    """The scopes around the place that is being rewritten, outermost first."""

    def __init__(self, words: vocabulary.Vocabulary = vocabulary.LOSS):
        self.stack: list[Scope] = []
        self.words = words

    def enter(self, names: set[str], body: Sequence[ast.stmt] = (), record: str | None = None) -> None:
        """Opens the scope of `body`, in which `names` are bound already: parameters, or a comprehension's targets."""
        scope = Scope(set(names), record=record)
        self.stack.append(scope)
        for node in _own_nodes(body):
            self._bind(node, scope)

    def leave(self) -> None:
        """Closes the innermost scope."""
        self.stack.pop()

    def _bind(self, node: ast.AST, scope: Scope) -> None:
        if isinstance(node, ast.Import | ast.ImportFrom):
            scope.paths.update(imported(node))
        elif (path := self.renamed(node)) is not None:
            scope.paths[node.targets[0].id] = path
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            scope.values.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id not in scope.paths:
            scope.values.add(node.id)

    def renamed(self, node: ast.AST) -> str | None:
        """The module to which `K = tf.keras.backend` gives another name."""
        if not (isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)):
            return None
        path = self.path(node.value)
        return path if path in self.words.modules else None

    def _find(self, name: str) -> Scope | None:
        return next((scope for scope in reversed(self.stack) if name in scope.values or name in scope.paths), None)

    def is_bound(self, name: str) -> bool:
        """Whether the text binds the name, in any scope around this place."""
        return self._find(name) is not None

    def is_record(self, name: str) -> bool:
        """Whether the name is `self` of a method around this place."""
        scope = self._find(name)
        return scope is not None and scope.record == name

    def record(self) -> str | None:
        """The name of the object of the method around this place, unless something else has taken that name."""
        name = next((scope.record for scope in reversed(self.stack) if scope.record), None)
        return name if name and self.is_record(name) else None

    def is_builtin(self, name: str) -> bool:
        """Whether the name is Python's own here."""
        return hasattr(builtins, name) and not self.is_bound(name)

    def path(self, node: ast.expr) -> str | None:
        """`tf.math.log` for the expression `t.math.log` after `import tensorflow as t`; None if it is none."""
        names = []
        while isinstance(node, ast.Attribute):
            names.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return None
        scope = self._find(node.id)
        if scope is None:
            root = self.words.known.get(node.id)
        else:
            root = None if node.id in scope.values else scope.paths[node.id]
        return root and self.words.canonical(".".join([root, *reversed(names)]))


def imported(node: ast.Import | ast.ImportFrom) -> dict[str, str]:
    """name -> path, for what an import binds; without what is not one of the packages."""
    if isinstance(node, ast.ImportFrom):
        module = package_path(node.module or "")
        return {alias.asname or alias.name: f"{module}.{alias.name}" for alias in node.names} if module else {}
    bound = {}
    for alias in node.names:
        name, whole = alias.asname or alias.name.partition(".")[0], alias.asname is not None
        path = package_path(alias.name if whole else name)
        if path:
            bound[name] = path
    return bound


def package_path(module: str) -> str | None:
    """`tf.keras` for the module `tensorflow.keras`."""
    package, dot, rest = module.partition(".")
    root = vocabulary.ROOTS.get(package)
    return root and root + dot + rest


def _own_nodes(body: Sequence[ast.stmt]) -> Iterator[ast.AST]:
    """The nodes of a body in the order of the text, without the bodies of functions and comprehensions in it."""
    waiting: list[ast.AST] = list(reversed(body))
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, _INNER):
            waiting.extend(reversed(list(ast.iter_child_nodes(node))))
