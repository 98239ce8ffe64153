"""The Python of a loss: the nodes that may stand in its tree, and the fields of each that the rewriter looks at.

Whatever else the running Python can parse, today or in a version to come, is refused: a node that is not named here,
and a field that is not named here unless it is empty.
"""

import ast
from collections.abc import Iterator

from lessons.sandbox.admission.syntax import refuse

# node -> its fields
_FIELDS = {
    name: frozenset(fields)
    for name, *fields in map(
        str.split,
        """
        Module body
        Expression body
        FunctionDef name args body decorator_list returns
        ClassDef name bases keywords body decorator_list
        Return value
        Assign targets value
        AugAssign target op value
        AnnAssign target annotation value simple
        For target iter body orelse
        If test body orelse
        With items body
        Raise exc cause
        Assert test msg
        Import names
        ImportFrom module names level
        Expr value
        Pass
        Break
        Continue
        BoolOp op values
        BinOp left op right
        UnaryOp op operand
        Lambda args body
        IfExp test body orelse
        Dict keys values
        Set elts
        ListComp elt generators
        SetComp elt generators
        DictComp key value generators
        GeneratorExp elt generators
        Compare left ops comparators
        Call func args keywords
        FormattedValue value conversion format_spec
        JoinedStr values
        Constant value kind
        Attribute value attr ctx
        Subscript value slice ctx
        Starred value ctx
        Name id ctx
        List elts ctx
        Tuple elts ctx
        Slice lower upper step
        comprehension target iter ifs
        arguments posonlyargs args vararg kwonlyargs kw_defaults kwarg defaults
        arg arg annotation
        keyword arg value
        alias name asname
        withitem context_expr optional_vars
        """.strip().splitlines(),
    )
} | dict.fromkeys(
    "Load Store And Or Add Sub Mult MatMult Div Mod Pow LShift RShift BitOr BitXor BitAnd FloorDiv Invert Not UAdd "
    "USub Eq NotEq Lt LtE Gt GtE Is IsNot In NotIn".split(),
    frozenset(),
)

# What is gone when the rewriter is done: what reaches attributes or modules, or does unbounded work, by itself.
_REWRITTEN = frozenset(
    "Attribute Import ImportFrom ClassDef AnnAssign JoinedStr FormattedValue Mult Mod Pow LShift".split()
)

# What people write that is not kept, and what to write instead. An f-string is kept where it is for people to read.
INSTEAD = {
    "While": ("`while`", "loop over a fixed range, `for i in range(n)`"),
    "Try": ("`try`", "leave it out, the clinic tells what fails"),
    "TryStar": ("`try`", "leave it out, the clinic tells what fails"),
    "Global": ("`global`", "pass the value as an argument or use a constant"),
    "Nonlocal": ("`nonlocal`", "return the value instead"),
    "Delete": ("`del`", "leave it out"),
    "JoinedStr": ("an f-string", "it is allowed only in `print`, `assert` and `raise`"),
    "NamedExpr": ("`:=`", "assign on a line of its own"),
    "Yield": ("`yield`", "return the loss"),
    "YieldFrom": ("`yield from`", "return the loss"),
    "Await": ("`await`", "a loss is a plain function"),
    "AsyncFunctionDef": ("`async def`", "a loss is a plain function"),
    "AsyncFor": ("`async for`", "a loss is a plain function"),
    "AsyncWith": ("`async with`", "a loss is a plain function"),
    "is_async": ("`async for`", "a loss is a plain function"),
    "Match": ("`match`", "use `if` and `elif`"),
    "type_params": ("type parameters in square brackets", "leave them out, annotations change nothing"),
    "TypeAlias": ("`type`", "leave it out, annotations change nothing"),
    "TemplateStr": ("a t-string", "use an f-string, in `print`, `assert` and `raise`"),
}
LEFT_OVER = "something in it was not understood: write it in a simpler way"


def check(tree: ast.AST) -> None:
    """Raises Refused unless the whole tree is made of what stands in the table."""
    for node in _nodes(tree):
        known = _FIELDS.get(type(node).__name__)
        if known is None:
            refuse_node(node)
        for name, value in ast.iter_fields(node):
            if name not in known and value not in (None, [], 0):
                refuse(node, *INSTEAD.get(name, (f"`{name}` of a `{type(node).__name__}`", "leave it out")))


def check_rewritten(tree: ast.AST) -> None:
    """Raises Refused if the rewriter has left something in the tree that it should have replaced."""
    check(tree)
    for node in _nodes(tree):
        if type(node).__name__ in _REWRITTEN:
            refuse(node, *LEFT_OVER.split(": "))


def refuse_node(node: ast.AST) -> None:
    """Raises Refused, and says what to write instead of such a node."""
    name = type(node).__name__
    refuse(node, *INSTEAD.get(name, (f"`{name}`", "use plain functions and expressions")))


def _nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes, in the order of the text."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(list(ast.iter_child_nodes(node))))
