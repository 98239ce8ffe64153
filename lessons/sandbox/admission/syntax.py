"""Shapes of the syntax tree that the rewriter knows, and the nodes that it puts in their place."""

import ast
from typing import NoReturn, TypeVar

from lessons.sandbox.admission.refusal import Refused

Node = TypeVar("Node", bound=ast.AST)


def refuse(node: ast.AST, found: str, instead: str) -> NoReturn:
    """Ends the admission at a node of the text. Raises Refused."""
    raise Refused(f"{found}: {instead}", getattr(node, "lineno", None))


def at(node: ast.AST, new: Node) -> Node:
    """The new node, with the place in the text of the one that it replaces."""
    return ast.copy_location(new, node)


def name_at(node: ast.AST, name: str) -> ast.expr:
    """Reads a name, which may be one that no text can spell."""
    return at(node, ast.Name(name, ast.Load()))


def call_at(node: ast.AST, name: str, *arguments: ast.expr) -> ast.expr:
    """Calls what is bound to a name."""
    return at(node, ast.Call(name_at(node, name), list(arguments), []))


def index_of(node: ast.expr) -> ast.expr:
    """What is between the brackets of a subscript, as an expression: `slice(a, b, c)` for `a:b:c`."""
    if isinstance(node, ast.Slice):
        parts = (part or at(node, ast.Constant(None)) for part in (node.lower, node.upper, node.step))
        return call_at(node, "<slice>", *parts)
    if isinstance(node, ast.Tuple):
        return at(node, ast.Tuple(list(map(index_of, node.elts)), node.ctx))
    return node


def listed(statements: ast.stmt | list[ast.stmt]) -> list[ast.stmt]:
    """What one statement became, which may be several."""
    return statements if isinstance(statements, list) else [statements]


def is_super_init(function: ast.expr) -> bool:
    """`super().__init__` or `super(Focal, self).__init__`."""
    return isinstance(function, ast.Attribute) and function.attr == "__init__" and _of_super(function)


def is_super_call(function: ast.expr, methods: tuple[str, ...] = ("call", "__call__")) -> bool:
    """`super().call` or `super().__call__`, or another of `methods`."""
    return isinstance(function, ast.Attribute) and function.attr in methods and _of_super(function)


def _of_super(node: ast.Attribute) -> bool:
    value = node.value
    return isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "super"


def names_a_function(node: ast.Assign) -> bool:
    """`loss.__name__ = "focal"`, which factories do for the log."""
    target = node.targets[0]
    return isinstance(target, ast.Attribute) and target.attr == "__name__" and isinstance(target.value, ast.Name)


def text_leaves(node: ast.expr) -> list[ast.expr] | None:
    """The values that text is put together from: by an f-string, `"…" + x`, `"…" % x` or `"…".format(x)`.

    None for what is no text. Each node is looked at once, however deep they are in each other.
    """
    leaves, waiting, is_text = [], [node], False
    while waiting:
        part = waiting.pop()
        if isinstance(part, ast.BinOp):
            waiting += [part.left, part.right]
        elif isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute) and part.func.attr == "format":
            waiting += [part.func.value, *part.args, *(keyword.value for keyword in part.keywords)]
        elif isinstance(part, ast.JoinedStr):
            waiting += part.values
            is_text = True
        elif isinstance(part, ast.FormattedValue):
            waiting += [part.value, *([part.format_spec] if part.format_spec else [])]
        elif isinstance(part, ast.Constant) and isinstance(part.value, str):
            is_text = True
        else:
            leaves.append(part)
    return leaves if is_text else None


def shown(node: ast.AST, most: int | None = 60) -> str:
    """Its text, for people to read; an ellipsis for what Python can read and not write."""
    try:
        return ast.unparse(node)[:most]
    except (ValueError, RecursionError):
        return "…"


def renamed(member: ast.stmt, name: str) -> ast.stmt:
    """A function or an assignment under another name."""
    if isinstance(member, ast.FunctionDef):
        member.name = name
    elif isinstance(member, ast.Assign):
        member.targets = [at(member, ast.Name(name, ast.Store()))]
    return member


def all_parameters(arguments: ast.arguments) -> list[ast.arg]:
    """Of every kind, with `*args` and `**kwargs`."""
    stars = [star for star in (arguments.vararg, arguments.kwarg) if star]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *stars]


def parameter_names(arguments: ast.arguments) -> set[str]:
    """What a function binds before its first statement."""
    return {parameter.arg for parameter in all_parameters(arguments)}


def stored_names(target: ast.expr) -> set[str]:
    """What a target such as `i, (a, b)` binds."""
    return {node.id for node in ast.walk(target) if isinstance(node, ast.Name)}
