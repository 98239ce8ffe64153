"""Shapes of the syntax tree that the rewriter knows, and the nodes that it puts in their place."""

import ast
from typing import NoReturn

from lessons.doctor.admission.refusal import Refused


def refuse(node: ast.AST, found: str, instead: str) -> NoReturn:
    """Ends the admission at a node of the text."""
    raise Refused(f"{found}: {instead}", getattr(node, "lineno", None))


def at(node: ast.AST, new: ast.AST) -> ast.AST:
    """The new node, with the place in the text of the one that it replaces."""
    return ast.copy_location(new, node)


def name_at(node: ast.AST, name: str) -> ast.expr:
    """Reads a name, which may be one that no text can spell."""
    return at(node, ast.Name(name, ast.Load()))


def call_at(node: ast.AST, name: str, *arguments: ast.expr) -> ast.expr:
    """Calls what is bound to a name."""
    return at(node, ast.Call(name_at(node, name), list(arguments), []))


def listed(statements: ast.stmt | list[ast.stmt]) -> list[ast.stmt]:
    """What one statement became, which may be several."""
    return statements if isinstance(statements, list) else [statements]


def is_super_init(function: ast.expr) -> bool:
    """`super().__init__` or `super(Focal, self).__init__`."""
    return (
        isinstance(function, ast.Attribute)
        and function.attr == "__init__"
        and isinstance(function.value, ast.Call)
        and isinstance(function.value.func, ast.Name)
        and function.value.func.id == "super"
    )


def names_a_function(node: ast.Assign) -> bool:
    """`loss.__name__ = "focal"`, which factories do for the log."""
    target = node.targets[0]
    return isinstance(target, ast.Attribute) and target.attr == "__name__" and isinstance(target.value, ast.Name)


def is_text(node: ast.expr) -> bool:
    """Whether this puts text together: an f-string, `"…" + x`, `"…" % x` or `"…".format(x)`."""
    if isinstance(node, ast.BinOp):
        return is_text(node.left) or is_text(node.right)
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Attribute) and node.func.attr == "format" and is_text(node.func.value)
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def text_parts(node: ast.expr) -> list[ast.expr]:
    """The values that text is put together from."""
    if isinstance(node, ast.BinOp):
        return [node.left, node.right]
    if isinstance(node, ast.Call):
        return [node.func.value, *node.args, *(keyword.value for keyword in node.keywords)]
    return [part.value for part in ast.walk(node) if isinstance(part, ast.FormattedValue)]


def renamed(member: ast.stmt, name: str) -> ast.stmt:
    """A function or an assignment under another name."""
    if isinstance(member, ast.FunctionDef):
        member.name = name
    else:
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
