"""Python text and its syntax tree: what specialisation asks of a module, and what it does to lines."""

from __future__ import annotations

import ast
import functools
import importlib.util
import itertools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

MARK = "# %%"  # begins a part of a program, as editors and notebooks have it
PURE = {function.__name__: function for function in (bool, int, len, max, min)}
OURS = "lessons"  # the package whose functions come along; all others are imported
DRAWS = {"normal", "uniform", "integers", "random", "permutation"}  # methods of a generator of random numbers


class Imported(NamedTuple):
    """Where a name comes from: `text` imports it."""

    module: str
    name: str | None
    text: str


class Module:
    """The text of a module and what it defines. It is read, not imported: some modules would load TensorFlow."""

    def __init__(self, name: str):
        self.name = name
        text = Path(importlib.util.find_spec(name).origin).read_text(encoding="utf-8")
        self.bytes = text.encode()  # columns of a syntax tree count bytes
        self.lines = text.split("\n")
        self.offsets = list(itertools.accumulate((len(line.encode()) + 1 for line in self.lines), initial=0))
        self.definitions: dict[str, ast.stmt] = {}
        self.imports: dict[str, Imported] = {}
        for node in ast.parse(self.bytes).body:
            self.imports |= imported(node)
            self.definitions |= dict.fromkeys(defined(node), node)

    def start(self, node: ast.AST) -> int:
        return self.offsets[node.lineno - 1] + node.col_offset

    def end(self, node: ast.AST) -> int:
        return self.offsets[node.end_lineno - 1] + node.end_col_offset

    def cut(self, start: int, end: int) -> str:
        return self.bytes[start:end].decode()

    def remark(self, node: ast.AST) -> str:
        """The comment behind a statement on its last line."""
        rest = self.cut(self.end(node), self.offsets[node.end_lineno] - 1).strip()
        return rest if rest.startswith("#") else ""


module = functools.cache(Module)


def imported(node: ast.AST) -> dict[str, Imported]:
    """What an import binds."""
    if isinstance(node, ast.Import):
        return {
            alias.asname or alias.name: Imported(alias.name, None, f"import {ast.unparse(alias)}")
            for alias in node.names
        }
    if isinstance(node, ast.ImportFrom):
        return {
            alias.asname or alias.name: Imported(
                node.module, alias.name, f"from {node.module} import {ast.unparse(alias)}"
            )
            for alias in node.names
        }
    return {}


def defined(node: ast.stmt) -> list[str]:
    """The names that a statement of a module defines."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    return sorted(stored([node])) if isinstance(node, ast.Assign) else []


def stored(nodes: Sequence[ast.AST]) -> set[str]:
    """The names that are assigned to somewhere in there."""
    walked = (inner for node in nodes for inner in ast.walk(node))
    return {node.id for node in walked if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


def positioned(node: ast.AST) -> list[ast.AST]:
    """The nearest nodes below that stand somewhere in the text."""
    found = []
    for child in ast.iter_child_nodes(node):
        found += [child] if hasattr(child, "lineno") else positioned(child)
    return found


def is_ours(origin: Imported) -> bool:
    return origin.module.partition(".")[0] == OURS and origin.name is not None


def first_line(node: ast.stmt) -> int:
    """Where a statement begins, its decorators included."""
    return min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", ()))])


def header_end(source: Module, node: ast.stmt) -> int:
    """The line with the colon of a compound statement."""
    below = [part.end_lineno for part in positioned(node) if part.end_lineno < node.body[0].lineno]
    line = max([node.lineno, *below])
    while not re.search(r":\s*(#.*)?$", source.lines[line - 1]):
        line += 1
    return line


def header_remark(source: Module, node: ast.If) -> str:
    rest = source.cut(source.end(node.test), source.offsets[header_end(source, node)] - 1).lstrip("): \n")
    return f"  {rest}" if rest.startswith("#") else ""


def else_line(source: Module, node: ast.If) -> int:
    """The line of `else:`; the line before an `elif`."""
    first = node.orelse[0].lineno if node.orelse else node.end_lineno
    for line in range(node.body[-1].end_lineno, first):
        if source.lines[line].lstrip().startswith("else:"):
            return line + 1
    return first - 1


def only_expression(body: str) -> str | None:
    """What a function returns, where it does nothing else."""
    statements = ast.parse(body).body
    if statements and isinstance(statements[0], ast.Expr) and isinstance(statements[0].value, ast.Constant):
        statements = statements[1:]
    if len(statements) != 1 or not isinstance(statements[0], ast.Return) or statements[0].value is None:
        return None
    value = statements[0].value
    if value.lineno != value.end_lineno or any(
        isinstance(one, ast.Lambda | ast.comprehension) for one in ast.walk(value)
    ):
        return None
    return ast.get_source_segment(body, value)


def substituted(expression: str, texts: Mapping[str, str]) -> str | None:
    """The expression with texts for its names; None where something longer than a name would stand in it twice."""
    names = [node for node in ast.walk(ast.parse(expression)) if isinstance(node, ast.Name) and node.id in texts]
    for name, text in texts.items():
        if sum(node.id == name for node in names) > 1 and not text.isidentifier():
            return None
    data = expression.encode()
    for node in sorted(names, key=lambda node: -node.col_offset):
        text = texts[node.id]
        put = text if is_atom(text) else f"({text})"
        data = data[: node.col_offset] + put.encode() + data[node.end_col_offset :]
    return data.decode()


def is_atom(text: str) -> bool:
    """Whether nothing beside it can tear it apart."""
    node = ast.parse(text, mode="eval").body
    if isinstance(node, ast.Tuple):
        indexed = ast.parse(f"{text}[0]", mode="eval").body  # of its last part, unless there are brackets around all
        return isinstance(indexed, ast.Subscript) and ast.dump(indexed.value) == ast.dump(node)
    return isinstance(node, ast.Name | ast.Attribute | ast.Call | ast.Subscript | ast.Constant | ast.List | ast.Dict)


def without_unused_default(head: str, body: str) -> str:
    """The head of a function without a last parameter that may be left out and that its body does not use."""
    found = re.search(r", (\w+)=None\)", head)
    return head.replace(found[0], ")") if found and not mentioned(found[1], body) else head


def without_unused(body: str) -> str:
    """A function's body without values that it gives a name to and never uses."""
    while True:
        tree = ast.parse(body)
        loaded = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Assign)
                and len(node.targets) == 1
                and isinstance(node.targets[0], ast.Name)
                and node.targets[0].id not in loaded
                and not any(has_effect(inner) for inner in ast.walk(node.value))
            ):
                lines = body.split("\n")
                body = "\n".join(lines[: node.lineno - 1] + lines[node.end_lineno :])
                break
        else:
            return body


def has_effect(node: ast.AST) -> bool:
    """Whether it draws random numbers, or calls a function that might."""
    if not isinstance(node, ast.Call):
        return False
    return node.func.attr in DRAWS if isinstance(node.func, ast.Attribute) else node.func.id not in PURE


# --- lines


def mentioned(name: str, text: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", text) is not None


def indentation(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def dedented(text: str, columns: int) -> str:
    """Lines after the first moved to the left."""
    first, *rest = text.split("\n")
    return "\n".join([first, *(line[columns:] if line[:columns].isspace() else line.lstrip() for line in rest)])


def without_remark(gap: list[str]) -> list[str]:
    """Lines before a statement without the comment on it; a mark stays."""
    kept = list(gap)
    while kept and kept[-1].startswith("#") and not kept[-1].startswith(MARK):
        kept.pop()
    return kept


def single_spaced(lines: list[str]) -> list[str]:
    return [line for line, before in zip(lines, [None, *lines], strict=False) if line or before != ""]


def laid_out(texts: Sequence[str]) -> str:
    """Texts of a module one after the other: two blank lines around functions and classes, constants together."""
    text = "\n".join(text for text in texts if text)
    tree = ast.parse(text)
    lines, out, at = text.split("\n"), [], 0
    big = (ast.FunctionDef, ast.ClassDef)
    for before, node in zip([None, *tree.body], tree.body, strict=False):
        first = first_line(node)
        gap = [line for line in lines[at : first - 1] if line]
        if before is not None:
            blank = 2 if isinstance(node, big) or isinstance(before, big) else int("" in lines[at : first - 1])
            out += [""] * blank
        out += gap + lines[first - 1 : node.end_lineno]
        at = node.end_lineno
    return "\n".join(out)


def with_owner(node: ast.Call, function: ast.FunctionDef) -> ast.Call:
    """`settings.generated(…)` as a call of the function that stands in for the method and takes `settings` first."""
    owner = node.func.value if isinstance(node.func, ast.Attribute) else None
    if not isinstance(owner, ast.Name) or owner.id != function.args.args[0].arg:
        return node
    return ast.copy_location(ast.Call(node.func, [owner, *node.args], node.keywords), node)


def arguments_of(node: ast.Call, function: ast.FunctionDef) -> dict[str, ast.expr]:
    """Parameter -> the expression it gets, the default where the call gives none."""
    names = [one.arg for one in function.args.args]
    if function.args.kwarg or function.args.kwonlyargs:
        raise NotImplementedError(f"{function.name}: keyword-only parameters")
    given = dict(zip(reversed(names), reversed(function.args.defaults), strict=False))
    given |= dict(zip(names, node.args, strict=False)) | {keyword.arg: keyword.value for keyword in node.keywords}
    return {name: given[name] for name in names}


def patterns(pattern: ast.pattern) -> list[object]:
    """The constants that a case stands for."""
    if isinstance(pattern, ast.MatchOr):
        return [value for one in pattern.patterns for value in patterns(one)]
    if isinstance(pattern, ast.MatchValue):
        return [ast.literal_eval(pattern.value)]
    raise NotImplementedError(f"case {ast.unparse(pattern)}")
