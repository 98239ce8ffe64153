"""What is known of a program where it is cut down: the values that names, conditions and expressions can have."""

from __future__ import annotations

import ast
import itertools
import json
from dataclasses import dataclass, field, is_dataclass

from lessons.export.syntax import PURE, Imported, Module, stored

ANYTHING = None  # what is known of a parameter that takes values we cannot tell

Values = tuple[object, ...]  # the values that a name can have, over all calls


@dataclass(frozen=True)
class Named:
    """A value that the program only hands on; the script has it under this name."""

    text: str


@dataclass
class Frame:
    """Where we are: a module, what is known of its names, and which are local."""

    module: Module
    known: dict[str, Values]
    local: set[str] = field(default_factory=set)
    branching: bool = False  # whether what stands here may not be reached
    imports: dict[str, Imported] = field(default_factory=dict)
    references: set[tuple[str, str]] = field(default_factory=set)  # (module, name) that the text needs

    def inside(self, parameters: set[str], body: list[ast.stmt]) -> Frame:
        """The frame of a function in there: its own names hide ours."""
        own = parameters | stored(body)
        known = {name: values for name, values in self.known.items() if name not in own}
        return Frame(self.module, known, self.local | own, False, self.imports, self.references)


def truth(node: ast.expr, frame: Frame) -> bool | None:
    """Whether a condition holds; None where that is not known."""
    if isinstance(node, ast.BoolOp):
        truths = [truth(operand, frame) for operand in node.values]
        deciding = isinstance(node.op, ast.Or)
        if deciding in truths:
            return deciding
        return None if None in truths else not deciding
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        holds = truth(node.operand, frame)
        return None if holds is None else not holds
    values = possible(node, frame)
    truths = set() if values is ANYTHING else {bool(value) for value in values}
    return truths.pop() if len(truths) == 1 else None


def possible(node: ast.expr, frame: Frame) -> Values | None:
    """The values that an expression can have, if it is made of known ones."""
    names = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)} - PURE.keys()
    if not names <= frame.known.keys() or not all(map(is_evaluable, ast.walk(node))):
        return ANYTHING
    if isinstance(node, ast.Name):
        return frame.known.get(node.id, ANYTHING)
    if any(isinstance(value, Named) for name in names for value in frame.known[name]):
        return ANYTHING
    code = compile(ast.Expression(node), "<known>", "eval")
    found: Values = ()
    for values in itertools.product(*(frame.known[name] for name in sorted(names))):
        try:
            value = eval(code, {"__builtins__": PURE}, dict(zip(sorted(names), values, strict=True)))
        except (AttributeError, TypeError):  # of a value that another branch is for
            return ANYTHING
        found = union(found, (value,))
    return found


def is_none(node: ast.expr, frame: Frame) -> bool:
    """Whether it turns out to be None, and does not say so itself."""
    if isinstance(node, ast.IfExp) and (holds := truth(node.test, frame)) is not None:
        left = node.body if holds else node.orelse
        return (isinstance(left, ast.Constant) and left.value is None) or is_none(left, frame)
    return not isinstance(node, ast.Constant) and possible(node, frame) == (None,)


def is_field(node: ast.Attribute, frame: Frame) -> bool:
    """Whether it is a field of a known dataclass, as the settings are one."""
    owner = possible(node.value, frame)
    return owner is not ANYTHING and is_dataclass(owner[0]) and node.attr in owner[0].__dataclass_fields__


def is_evaluable(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Attribute) or (isinstance(node.func, ast.Name) and node.func.id in PURE)
    return not isinstance(node, ast.Lambda | ast.ListComp | ast.GeneratorExp | ast.DictComp | ast.JoinedStr | ast.Dict)


def is_fixed(value: object) -> bool:
    """Whether the script has the value written in, and no name for it."""
    return value is None or isinstance(value, str | bool)


def literal(value: object) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def union(one: Values | None, other: Values | None) -> Values | None:
    if one is ANYTHING or other is ANYTHING:
        return ANYTHING
    return (*one, *(value for value in other if not any(same((value,), (known,)) for known in one)))


def same(one: Values | None, other: Values | None) -> bool:
    """Equal, where 0, 0.0 and False are not."""
    if one is ANYTHING or other is ANYTHING:
        return one is other
    return len(one) == len(other) and all(type(a) is type(b) and a == b for a, b in zip(one, other, strict=True))
