"""A pasted text that is being mended: its syntax tree, what its names mean, and the edits that can be made in it."""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Iterable, Iterator

from lessons.doctor.loss.mending.edit import Edit, Impossible, apply
from lessons.doctor.usage import Usage
from lessons.sandbox.admission import vocabulary
from lessons.sandbox.admission.scope import Scopes
from lessons.sandbox.admission.syntax import parameter_names

IMPORTS = {"tf": "import tensorflow as tf", "ops": "from keras import ops"}
BACKENDS = ("tf.keras.backend.", "keras.backend.")
OPERATIONS = ("keras.ops.", "tf.keras.ops.")
# What the dialects call the same thing; what is not here is called the same everywhere.
IN_TF = {
    **{name: f"reduce_{name}" for name in ("sum", "mean", "max", "min", "prod", "any", "all")},
    **{name: f"math.{name}" for name in "is_nan is_finite divide_no_nan softplus log_sigmoid log reduce_std".split()},
    **{"log_softmax": "nn.log_softmax", "softmax": "nn.softmax", "clip": "clip_by_value"},
}
IN_OPS = {"is_nan": "isnan", "is_finite": "isfinite"}
IN_BACKEND = frozenset(
    "maximum minimum sum mean cast square sqrt abs not_equal zeros_like ones_like clip shape".split()
)
REDUCTIONS = {"reduce_sum": "sum", "sum": "sum", "reduce_mean": "mean", "mean": "mean"}


class Page:
    """`loss` is the function that is examined, a FunctionDef or a Lambda. Only what it uses is looked at."""

    def __init__(self, text: str, chosen: str | None, usage: Usage, values: Callable[[], Iterable[float]] = list):
        self.text, self.usage, self.values = text, usage, values
        self.tree = ast.parse(text)
        self.lines = text.splitlines(keepends=True)
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line))
        reader = Reader()
        reader.visit(self.tree)
        self.paths = reader.paths
        self.parents = {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}
        self.bound = {name: node for node in self.tree.body for name in bound_by(node)}
        self.loss = self._meant(chosen)
        self.used = list(self._used(chosen))

    # Looking

    @functools.cached_property
    def label(self) -> str:
        return self._parameter(0)

    @functools.cached_property
    def prediction(self) -> str:
        return self._parameter(1)

    def _parameter(self, position: int) -> str:
        if self.loss is None:
            raise Impossible
        names = [argument.arg for argument in (*self.loss.args.posonlyargs, *self.loss.args.args)]
        names = names[1:] if isinstance(self.parents.get(self.loss), ast.ClassDef) else names
        if len(names) < 2:
            raise Impossible
        return names[position]

    def _meant(self, name: str | None, depth: int = 0) -> ast.FunctionDef | ast.Lambda | None:
        """The function behind a name of the text: of a factory the inner one, of a class its `call`."""
        node = self.bound.get(name)
        if isinstance(node, ast.ClassDef):
            return next((part for part in node.body if isinstance(part, ast.FunctionDef) and part.name == "call"), None)
        if isinstance(node, ast.FunctionDef):
            inner = {part.name: part for part in ast.walk(node) if isinstance(part, ast.FunctionDef) and part != node}
            for value in (part.value for part in ast.walk(node) if isinstance(part, ast.Return)):
                if isinstance(value, ast.Lambda):
                    return value
                if isinstance(value, ast.Name) and value.id in inner:
                    return inner[value.id]
            return node
        if isinstance(node, ast.Assign) and depth < 4:
            value = node.value.func if isinstance(node.value, ast.Call) else node.value
            if isinstance(value, ast.Lambda):
                return value
            return self._meant(value.id, depth + 1) if isinstance(value, ast.Name) else None
        return None

    def _used(self, name: str | None) -> Iterator[ast.stmt]:
        """The statements of the module that the loss is made of."""
        waiting, seen = [self.bound.get(name)], set()
        while waiting:
            node = waiting.pop()
            if node is None or node in seen:
                continue
            seen.add(node)
            yield node
            waiting.extend(self.bound.get(part.id) for part in ast.walk(node) if isinstance(part, ast.Name))

    def nodes(self, *kinds: type) -> list:
        """The nodes of these kinds in what the loss uses, in the order of the text."""
        found = [node for part in self.used for node in ast.walk(part) if isinstance(node, kinds)]
        return sorted(found, key=lambda node: (node.lineno, node.col_offset))

    def path(self, node: ast.AST) -> str:
        """`tf.math.log` for `tf.math.log` and for `log` after `from tensorflow.math import log`; "" for others."""
        return self.paths.get(node, "")

    def calls(self, *names: str) -> list[ast.Call]:
        """Calls of library functions whose last name is one of these, with something to work on."""
        return [
            node
            for node in self.nodes(ast.Call)
            if node.args and self.path(node.func).rpartition(".")[2] in names
            if not isinstance(node.args[0], ast.Starred) and not self.path(node.func).startswith("math.")
        ]

    def kind(self, node: ast.AST) -> str | None:
        """`sum` or `mean` for a call that reduces."""
        if not (isinstance(node, ast.Call) and node.args and self.path(node.func)):
            return None
        return REDUCTIONS.get(self.path(node.func).rpartition(".")[2])

    def axis(self, call: ast.Call) -> ast.expr | None:
        given = next((keyword.value for keyword in call.keywords if keyword.arg == "axis"), None)
        given = call.args[1] if given is None and len(call.args) > 1 else given
        return None if isinstance(given, ast.Constant) and given.value is None else given

    def number(self, node: ast.AST | None) -> float | None:
        """What an expression of plain numbers is worth."""
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
            return float(node.value)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            value = self.number(node.operand)
            return None if value is None else -value
        if isinstance(node, ast.Call) and self.path(node.func).endswith(".epsilon"):
            return 1e-7
        if isinstance(node, ast.Name) and isinstance(assigned := self.bound.get(node.id), ast.Assign):
            return self.number(assigned.value)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div | ast.Sub):
            left, right = self.number(node.left), self.number(node.right)
            if left is not None and right:
                return left / right if isinstance(node.op, ast.Div) else left - right
        return None

    def fixed(self, node: ast.AST) -> bool:
        """Whether it is made of constants of the module alone."""
        names = [part for part in ast.walk(node) if isinstance(part, ast.Name)]
        return all(self.path(name) or isinstance(self.bound.get(name.id), ast.Assign) for name in names)

    def returns(self) -> list[ast.expr]:
        """What the loss returns."""
        if isinstance(self.loss, ast.Lambda):
            return [self.loss.body]
        if self.loss is None:
            return []
        inner = {
            id(part)
            for node in ast.walk(self.loss)
            if node is not self.loss and is_function(node)
            for part in ast.walk(node)
        }
        found = [part for part in ast.walk(self.loss) if isinstance(part, ast.Return) and id(part) not in inner]
        return [part.value for part in sorted(found, key=lambda part: part.lineno) if part.value]

    def assigned(self, name: str) -> ast.expr | None:
        """What the loss assigned to a name of its own last."""
        found = [
            part
            for part in (ast.walk(self.loss) if self.loss else ())
            if isinstance(part, ast.Assign) and len(part.targets) == 1
            if isinstance(part.targets[0], ast.Name) and part.targets[0].id == name
        ]
        return max(found, key=lambda part: part.lineno).value if found else None

    def outer(self) -> list[ast.expr]:
        """The sums and means whose values are returned, also with a sign, a factor or others beside them."""
        found, waiting, seen = [], self.returns(), set()
        while waiting:
            node = waiting.pop(0)
            if node in seen:
                continue
            seen.add(node)
            if self.kind(node):
                found.append(node)
            elif isinstance(node, ast.UnaryOp):
                waiting.append(node.operand)
            elif isinstance(node, ast.BinOp):
                waiting += [node.left, node.right]
            elif isinstance(node, ast.Name) and (value := self.assigned(node.id)) is not None:
                waiting.append(value)
        return found

    # Places

    def start(self, node: ast.AST) -> int:
        return self._offset(node.lineno, node.col_offset)

    def end(self, node: ast.AST) -> int:
        return self._offset(node.end_lineno, node.end_col_offset)

    def _offset(self, line: int, column: int) -> int:
        return self.starts[line - 1] + len(self.lines[line - 1].encode()[:column].decode())

    def source(self, node: ast.AST) -> str:
        return self.text[self.start(node) : self.end(node)]

    def operand(self, node: ast.expr) -> str:
        """Its text, in brackets where it has to be when something is multiplied with it."""
        text = self.source(node)
        return text if isinstance(node, ATOMS) and "\n" not in text else f"({text})"

    # Edits

    def wrap(self, node: ast.AST, before: str, after: str) -> Edit:
        return Edit(self.start(node), self.end(node), before, after)

    def put(self, node: ast.AST, text: str) -> Edit:
        return Edit(self.start(node), self.end(node), put=text)

    def put_between(self, start: int, end: int, text: str) -> Edit:
        return Edit(start, end, put=text)

    def last(self, call: ast.Call, text: str) -> Edit:
        """One argument more."""
        tail = self.text[self.start(call) : self.end(call) - 1].rstrip()
        place = self.start(call) + len(tail)
        return Edit(place, place, before=f" {text}" if tail.endswith(",") else f", {text}")

    def plus(self, node: ast.expr, text: str) -> Edit:
        """`node + text`, with the brackets that it needs."""
        inner = () if isinstance(node, (*ATOMS, ast.BinOp, ast.UnaryOp)) else ("(", ")")
        head, tail = self.text[: self.start(node)].rstrip(), self.text[self.end(node) :].lstrip()
        around = () if head.endswith("(") and tail[:1] in (")", ",") else ("(", ")")
        before, after = "".join([*around[:1], *inner[:1]]), "".join([*inner[1:], f" + {text}", *around[1:]])
        return self.wrap(node, before, after)

    def line_before(self, statement: ast.stmt, *lines: str) -> Edit:
        """Statements on lines of their own before this one.

        Raises Impossible where it does not stand at the start of its line.
        """
        place = self.starts[statement.lineno - 1]
        indent = self.text[place : self.start(statement)]
        if indent.strip():
            raise Impossible
        return Edit(place, place, before="".join(f"{indent}{line}\n" for line in lines))

    def at_start(self, *lines: str) -> Edit:
        """Statements at the start of the loss.

        Raises Impossible for a loss that is no function, and for one whose body stands on its first line.
        """
        if not isinstance(self.loss, ast.FunctionDef):
            raise Impossible
        body = self.loss.body
        is_doc = isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant) and len(body) > 1
        return self.line_before(body[1] if is_doc else body[0], *lines)

    def statement(self, node: ast.AST) -> ast.stmt:
        while not isinstance(node, ast.stmt):
            node = self.parents[node]
        return node

    def fresh(self, *names: str) -> str:
        """The first of these names that the text does not have."""
        taken = {part.id for part in ast.walk(self.tree) if isinstance(part, ast.Name)}
        taken |= {part.arg for part in ast.walk(self.tree) if isinstance(part, ast.arg)}
        return next((name for name in names if name not in taken), f"{names[-1]}_")

    def say(self, concept: str, near: ast.Call | None = None) -> str:
        """`tf.reduce_sum`, `ops.sum` or `K.sum` for "sum": as the text says it near there."""
        path, spelled = ("", "") if near is None else (self.path(near.func), self.source(near.func))
        prefix = spelled.rpartition(".")[0]
        if path.startswith("tf.keras.backend.") and prefix and concept in IN_BACKEND:
            return f"{prefix}.{concept}"
        if path.startswith(OPERATIONS) and prefix:
            return f"{prefix}.{IN_OPS.get(concept, concept)}"
        if not path.startswith("tf.") and self.dialect == "keras.ops":
            return f"{self.alias('keras.ops')}.{IN_OPS.get(concept, concept)}"
        return f"{self.alias('tf')}.{IN_TF.get(concept, concept)}"

    @functools.cached_property
    def dialect(self) -> str:
        """What new code is written in: TensorFlow, unless the text does without it."""
        inside = [self.path(node) for node in self.nodes(ast.Attribute, ast.Name)]
        has_tf = any(path.startswith("tf") for path in (*self.modules, *inside))
        return "keras.ops" if not has_tf and any(path.startswith(OPERATIONS) for path in inside) else "tf"

    @functools.cached_property
    def modules(self) -> dict[str, str]:
        """path -> the name that the text imports it under"""
        scopes = Scopes()
        scopes.enter(set(), self.tree.body)
        return {path: name for name, path in scopes.stack[0].paths.items()}

    def alias(self, module: str) -> str:
        if module in self.modules:
            return self.modules[module]
        if module == "keras.ops" and "keras" in self.modules:
            return f"{self.modules['keras']}.ops"
        return module.rpartition(".")[2]

    def applied(self, edits: list[Edit]) -> str:
        """The text with these edits, and with the imports that they need. Raises Impossible where two collide."""
        return with_imports(apply(self.text, edits))


ATOMS = (ast.Name, ast.Call, ast.Attribute, ast.Subscript, ast.Constant)


def is_function(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.Lambda)


def bound_by(node: ast.stmt) -> list[str]:
    """The names that a statement of the module gives a value to, other than imports."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [part.id for target in targets if target for part in ast.walk(target) if isinstance(part, ast.Name)]


class Reader(ast.NodeVisitor):
    """Finds the library functions that a text names, with their scopes."""

    def __init__(self):
        self.scopes, self.paths = Scopes(), {}

    def visit_Module(self, node: ast.Module) -> None:
        self.scopes.enter(set(), node.body)
        self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.Lambda) -> None:
        self.scopes.enter(parameter_names(node.args), node.body if isinstance(node.body, list) else [])
        self.generic_visit(node)
        self.scopes.leave()

    visit_Lambda = visit_FunctionDef

    def visit_Name(self, node: ast.Name | ast.Attribute) -> None:
        path = self.scopes.path(node)
        if path is not None:
            self.paths[node] = path
        else:
            self.generic_visit(node)

    visit_Attribute = visit_Name


def with_imports(text: str) -> str:
    """The text with an import line for what the edits use; none where only the function was pasted."""
    tree = ast.parse(text)
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    if not imports:
        return text
    scopes = Scopes()
    scopes.enter(set(), tree.body)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    missing = [line for name, line in IMPORTS.items() if name in used and not scopes.is_bound(name)]
    lines = text.splitlines(keepends=True)
    place = imports[-1].end_lineno
    return "".join([*lines[:place], *(f"{line}\n" for line in missing), *lines[place:]])


def exists(path: str) -> bool:
    """Whether the installed libraries have it, and a loss may call it."""
    try:
        vocabulary.resolve(path)
    except (AttributeError, KeyError, ImportError):
        return False
    return vocabulary.is_allowed(path)
