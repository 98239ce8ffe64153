"""Which of the names in a pasted text is meant as the loss."""

import ast
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lessons.sandbox.admission import vocabulary
from lessons.sandbox.admission.compiled import compiled, needed, replaced
from lessons.sandbox.admission.refusal import Refused
from lessons.sandbox.admission.scope import Scopes
from lessons.sandbox.admission.syntax import shown

FUNCTION, RESULT, CLASS, METHOD, FACTORY = "function", "result", "class", "method", "factory"
OPEN = "open"  # a function of more than two arguments
PARTIAL = "functools.partial"


@dataclass(frozen=True)
class Meaning:
    """What a name is. `lacks`: the arguments that only the choice can give it. `static`: a method without an object."""

    kind: str
    nodes: tuple[ast.AST, ...] = ()  # what defines it
    lacks: tuple[str, ...] = ()
    static: bool = False


class Intention:
    """`meanings`: what each name is that can be meant, in the order of the text. `tree`: the text without the model
    that is compiled around the loss; `told`: the losses that it is compiled with. Raises Refused."""

    def __init__(self, tree: ast.Module):
        self.compiled = compiled(tree)
        self.tree = replaced(tree, self.compiled)
        self.told = tuple(dict.fromkeys(name for one in self.compiled for name in one.told))
        self._scopes = Scopes()
        self._scopes.enter(set(), self.tree.body)
        self.meanings: dict[str, Meaning] = {}
        self._open: dict[str, Meaning] = {}  # functions of more than two arguments
        self._single: tuple[str, int] | None = None  # a function of one argument, and its line
        for statement in self.tree.body:
            self._look(statement)
        if self.compiled:
            self.tree = needed(self.tree, {name.partition(".")[0] for name in (*self.candidates, *self.told)})

    @property
    def kinds(self) -> dict[str, str]:
        """name -> kind, of all that can be chosen."""
        return {name: meaning.kind for name, meaning in (self.meanings or self._open).items()}

    @property
    def candidates(self) -> tuple[str, ...]:
        """What can be meant as the loss, in the order of the text: functions, classes, and methods as Name.method."""
        return tuple(self.meanings or self._open)

    @property
    def default(self) -> str | None:
        """What is meant when nothing is said: what a model is compiled with; else what no other loss of the text
        uses, a function before a result before a class, the last of them."""
        if self.told:
            return self.told[0] if len(self.told) == 1 else None
        ready = {name: meaning for name, meaning in self.meanings.items() if not meaning.lacks}
        parts = self._parts(ready)
        whole = [name for name in ready if name not in parts] or list(ready)
        for kind in (FUNCTION, RESULT, CLASS, METHOD, FACTORY):
            if names := [name for name in whole if ready[name].kind == kind]:
                return names[-1]
        return None

    def meaning(self, name: str) -> Meaning | None:
        """What a name is, also where it is not offered. None: it is no loss."""
        return self.meanings.get(name) or self._open.get(name)

    def check(self) -> None:
        """Raises Refused where nothing in the text can be a loss."""
        if self.candidates:
            return
        if self._single:
            name, line = self._single
            raise Refused(
                f"{name} takes one argument, and fit hands a loss two: Keras would say “{name}() takes 1 positional "
                "argument but 2 were given”; write it as a function of y_true and y_pred",
                line,
            )
        raise Refused("no loss in this text: paste a function of y_true and y_pred, or a subclass of keras.losses.Loss")

    def unclear(self) -> str:
        """Why nothing is meant when nothing is said, in one sentence."""
        if len(self.candidates) == 1:
            return self.incomplete(self.candidates[0])
        return f"it is not clear which loss is meant: {self.choices()}"

    def choices(self) -> str:
        """The candidates, in words."""
        return f"the choices are {', '.join(self.candidates)}"

    def incomplete(self, name: str) -> str:
        """What a choice without arguments lacks, in one sentence."""
        meaning = self.meaning(name)
        if meaning.kind == OPEN:
            lacks = [f"'{argument}'" for argument in meaning.lacks]
            listed = " and ".join(filter(None, [", ".join(lacks[:-1]), lacks[-1]]))
            said = f"{name}() missing {len(lacks)} required positional argument{'s' * (len(lacks) > 1)}: {listed}"
            given = ", ".join(f"{argument}=1.0" for argument in meaning.lacks)
            return (
                f"fit hands a loss y_true and y_pred only, and Keras would say “{said}”: name it with what is missing, "
                f"such as {name}({given})"
            )
        made, dot, method = name.partition(".")
        example = f"{made}({', '.join(['2.0'] * len(meaning.lacks))}){dot}{method}"
        return f"{made} makes a loss from arguments: name it with them, such as {example}"

    def expression(self, chosen: ast.expr) -> ast.expr:
        """The Python that gives the loss, for a choice: focal, focal(2.0), Losses(0.3).dice. Raises Refused."""
        method = chosen if isinstance(chosen, ast.Attribute) else None
        maker = method.value if method else chosen
        call = maker if isinstance(maker, ast.Call) else None
        root = call.func if call else maker
        name = root.id + (f".{method.attr}" if method else "") if isinstance(root, ast.Name) else ""
        meaning = self.meaning(name)
        if meaning is None:
            raise Refused(f"{shown(chosen)} is no loss in this text: {self.choices()}")
        if call and not all(map(_is_literal, (*call.args, *(keyword.value for keyword in call.keywords)))):
            raise Refused(f"{shown(call)}: the arguments may be plain numbers, strings and lists only")
        if call is None and meaning.lacks:
            raise Refused(self.incomplete(name))
        if call is None and meaning.kind == FACTORY and name in self.told:
            raise Refused(
                f"compile(loss={name}) hands Keras the function that makes the loss, which fails when it is called "
                f"with y_true and y_pred: write loss={name}()"
            )
        if call and meaning.kind == OPEN:
            return ast.Call(ast.parse(PARTIAL, mode="eval").body, [root, *call.args], call.keywords)
        if call is None and meaning.kind in (CLASS, FACTORY):
            return ast.Call(root, [], [])
        if method and call is None and not meaning.static:
            return ast.Attribute(ast.Call(root, [], []), method.attr, ast.Load())
        return chosen

    # --- what stands in the text

    def _look(self, node: ast.stmt) -> None:
        if isinstance(node, ast.FunctionDef):
            self._enter(node.name, self._function(node.args, _returned(node), _inner_functions(node), node))
            self._keep_open(node)
        elif isinstance(node, ast.ClassDef):
            self._look_at_class(node)
        elif isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            name, value = node.targets[0].id, node.value
            if isinstance(value, ast.Lambda):
                self._enter(name, self._function(value.args, [value.body], set(), value))
            else:
                self._enter(name, Meaning(RESULT, (value,)) if self._is_loss(value) or name in self.told else None)

    def _look_at_class(self, node: ast.ClassDef) -> None:
        methods = [method for method in node.body if isinstance(method, ast.FunctionDef)]
        lacks = next((_required(method.args)[1:] for method in methods if method.name == "__init__"), ())
        if any(vocabulary.is_loss_base(self._scopes.path(base)) for base in node.bases):
            self._enter(node.name, Meaning(CLASS, (node,), lacks))
            return
        callable_ = any(method.name == "__call__" for method in methods)
        self._enter(node.name, Meaning(CLASS, (node,), lacks) if callable_ else None)
        for method in methods:
            static = is_static(method)
            if method.name.startswith("_") or len(_required(method.args)) != 3 - static:
                continue
            self._enter(f"{node.name}.{method.name}", Meaning(METHOD, (method,), () if static else lacks, static))

    def _enter(self, name: str, meaning: Meaning | None) -> None:
        """A later definition replaces an earlier one of the same name, and stands where it stands."""
        self.meanings.pop(name, None)
        self._open.pop(name, None)
        if meaning:
            self.meanings[name] = meaning

    def _function(self, arguments: ast.arguments, returned: list, inner: set[str], node: ast.AST) -> Meaning | None:
        lacks = _required(arguments)
        if any(isinstance(value, ast.Lambda) or self._is_loss(value) for value in returned) or any(
            isinstance(value, ast.Name) and value.id in inner for value in returned
        ):
            return Meaning(FACTORY, (node,), lacks)
        return Meaning(FUNCTION, (node,)) if len(lacks) == 2 else None

    def _keep_open(self, node: ast.FunctionDef) -> None:
        """What would be a loss with more, or fewer, arguments than it lacks."""
        lacks = _required(node.args)
        if node.name not in self.meanings and len(lacks) > 2:
            self._open[node.name] = Meaning(OPEN, (node,), lacks[2:])
        if len(lacks) == 1:
            self._single = node.name, node.lineno

    def _is_loss(self, value: ast.expr) -> bool:
        """Whether an expression is a loss: a call of what makes one, another name of one, or one of Keras' own."""
        if isinstance(value, ast.Call):
            path = self._scopes.path(value.func)
            made_here = isinstance(value.func, ast.Name) and self._kind(value.func.id) in (FACTORY, CLASS)
            return made_here or vocabulary.is_loss_class(path) or path == PARTIAL
        if isinstance(value, ast.Name) and self._kind(value.id) in (FUNCTION, RESULT):
            return True
        if isinstance(value, ast.Attribute) and self._scopes.path(value) is None:
            return any(name.endswith(f".{value.attr}") for name in self.meanings)
        return vocabulary.is_loss_function(self._scopes.path(value))

    def _kind(self, name: str) -> str | None:
        meaning = self.meanings.get(name)
        return meaning.kind if meaning else None

    def _parts(self, names: Iterable[str]) -> set[str]:
        """Those of the candidates that another one of them uses."""
        uses = {name: set(_used(self.meanings[name].nodes)) for name in names}
        users = Counter(word for words in uses.values() for word in words)
        words = {name: name.rpartition(".")[2] for name in uses}
        return {name for name, word in words.items() if users[word] > (word in uses[name])}


def _used(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """The names and attributes that are read there."""
    for node in (inner for outer in nodes for inner in ast.walk(outer)):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr


def is_static(method: ast.FunctionDef) -> bool:
    """Whether it has @staticmethod."""
    return any(isinstance(one, ast.Name) and one.id == "staticmethod" for one in method.decorator_list)


def _required(arguments: ast.arguments) -> tuple[str, ...]:
    """The parameters without a default."""
    positional = [*arguments.posonlyargs, *arguments.args]
    needed = positional[: len(positional) - len(arguments.defaults)]
    pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return tuple(one.arg for one in [*needed, *(one for one, default in pairs if default is None)])


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


def _is_literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, RecursionError, MemoryError):
        return False
    return True
