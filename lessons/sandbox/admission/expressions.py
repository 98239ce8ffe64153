"""Names, attributes, calls and operators of a loss, rewritten: each is replaced by what can do no harm, or refused."""

import ast
from typing import NoReturn

from lessons.sandbox.admission import guards, vocabulary
from lessons.sandbox.admission.scope import Scopes
from lessons.sandbox.admission.syntax import (
    at,
    call_at,
    index_of,
    is_super_call,
    is_super_init,
    name_at,
    refuse,
    shown,
    text_leaves,
)

_PRINT_KEYWORDS = ("sep", "end", "flush", "summarize", "name")

MAX_INTEGER = 2**63
MAX_TEXT = 200


class Expressions(ast.NodeTransformer):
    """Rewrites expressions in place. `uses`: each dotted name that they need, with the line that has it first."""

    words = vocabulary.LOSS
    readable = guards.READABLE  # the attributes that may be read of a value
    inherited: tuple[str, ...] = ("call", "__call__")  # the methods that may be called of `super()`

    def __init__(self):
        self.uses: dict[str, int] = {}
        self.scopes = Scopes(self.words)
        self.fields: frozenset[str] = frozenset()  # what the classes of the text define

    # Names and attributes

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """A name of the text, a built-in that computes, or the flat name of a library. Raises Refused for any other."""
        path = self.scopes.path(node)
        if path is not None:
            return self._library(node, path)
        if node.id == "__name__":
            refuse(node, "`__name__`", f"paste the {self.words.what} only, without the program around it")
        if node.id == "super":
            refuse(node, "`super`", "only `super().__init__(…)` and `super().call(…)` inside a class are allowed")
        if self.scopes.is_builtin(node.id) and node.id not in vocabulary.BUILTINS and isinstance(node.ctx, ast.Load):
            refuse(
                node, f"`{node.id}`", "only built-ins that compute are allowed, such as range, len, zip, sum and max"
            )
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """A dotted name, a field of a record, or a read of what may be read. Raises Refused for any other."""
        if isinstance(node.value, ast.Name) and self.scopes.is_record(node.value.id):
            return at(node, ast.Subscript(node.value, ast.Constant(node.attr), node.ctx))
        path = self.scopes.path(node)
        if path is not None and not self.words.is_allowed(path.rpartition(".")[0]):
            return self._library(node, path)
        if not isinstance(node.ctx, ast.Load):
            refuse(node, f"`{shown(node)} = …`", "only `self.name = …` inside a class sets an attribute")
        if node.attr in self.fields and "__" not in node.attr:
            return call_at(node, "<field>", ast.Constant(node.attr), self.visit(node.value))
        if node.attr not in self.readable:
            self._refuse_attribute(node)
        return call_at(node, f"<read {node.attr}>", self.visit(node.value))

    def _refuse_attribute(self, node: ast.Attribute) -> NoReturn:
        root = node.value
        while isinstance(root, ast.Attribute):
            root = root.value
        self.visit(root)
        if isinstance(root, ast.Name) and not self.scopes.is_bound(root.id):
            refuse(node, f"`{shown(node)}`", "paste the loss only, without the model around it")
        refuse(
            node, f"`.{node.attr}`", "of a tensor only .shape, .dtype, .ndim, .get_shape() and ._keras_mask are read"
        )

    def _library(self, node: ast.expr, path: str) -> ast.expr:
        """A dotted name of a library, as the flat name to which that one function is bound."""
        if not isinstance(node.ctx, ast.Load):
            refuse(node, f"`{shown(node)} = …`", "give the variable a name that is not imported")
        if path in vocabulary.NEVER_RUN:
            return call_at(node, "<never run>", ast.Constant(path), ast.Constant(node.lineno))
        if path in self.words.modules:
            refuse(node, f"the module {path} as a value", "name the function in it")
        if any(part.startswith("_") for part in path.split(".")):
            refuse(node, path, "only public names are allowed")
        if not self.words.is_allowed(path) and (reason := self.words.denial(path)):
            refuse(node, path, reason)
        self.uses.setdefault(path, node.lineno)
        return at(node, ast.Name(path, ast.Load()))

    # Calls and operators

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """A call; of what would leave the graph none is left. Raises Refused."""
        callee = self._callee(node.func)
        if callee in vocabulary.SILENT:
            return self._silent(node, callee)
        if callee in ("getattr", "hasattr"):
            return self._mask(node, callee)
        if is_super_init(node.func):
            return self._of_super(node, "<super>")
        if is_super_call(node.func, self.inherited):
            return self._of_super(node, "<inherited>", ast.Constant(node.func.attr))
        if self._takes_out(node.func):
            what = f".{node.func.attr}()"
            return call_at(
                node, "<never run>", ast.Constant(what), ast.Constant(node.lineno), self.visit(node.func.value)
            )
        return super().generic_visit(node)

    def _callee(self, function: ast.expr) -> str | None:
        """The dotted name, or the built-in's, that is called; None for anything of the text's own."""
        if isinstance(function, ast.Name) and self.scopes.is_builtin(function.id):
            return function.id
        return self.scopes.path(function)

    def _takes_out(self, function: ast.expr) -> bool:
        """Whether this is `x.numpy` or `x.eval` of a value."""
        return (
            isinstance(function, ast.Attribute)
            and function.attr in ("numpy", "eval")
            and self.scopes.path(function) is None
            and not (isinstance(function.value, ast.Name) and self.scopes.is_record(function.value.id))
        )

    def _silent(self, node: ast.Call, callee: str) -> ast.expr:
        """`print(…)`: its arguments are checked like all others, and nothing is done with them."""
        for keyword in node.keywords:
            if keyword.arg not in _PRINT_KEYWORDS:
                refuse(node, f"`{callee}` with `{keyword.arg}`", f"it takes {', '.join(_PRINT_KEYWORDS)}")
        for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
            self._message(argument)
        if callee == "print":
            return at(node, ast.Constant(None))
        self.uses.setdefault("tf.no_op", node.lineno)
        return call_at(node, "tf.no_op")

    def _mask(self, node: ast.Call, callee: str) -> ast.expr:
        value, name, *default = (*node.args, None, None)[: max(2, len(node.args))]
        if not (isinstance(name, ast.Constant) and name.value == "_keras_mask") or node.keywords or len(default) > 1:
            refuse(
                node,
                f"`{callee}`",
                f'only `{callee}(y_pred, "_keras_mask"{", None" * (callee == "getattr")})` is allowed',
            )
        guard = "<mask of>" if callee == "getattr" else "<has mask>"
        return call_at(node, guard, *map(self.visit, (value, *default)))

    def _of_super(self, node: ast.Call, name: str, *first: ast.expr) -> ast.expr:
        """`super().__init__(…)` or `super().call(…)`: a call of ours with the record and `first` before what it has."""
        record = self.scopes.record()
        if record is None:
            refuse(node, f"`super().{node.func.attr}`", "it is allowed inside a method of a Loss")
        node.args = [name_at(node, record), *first, *map(self.visit, node.args)]
        node.func = name_at(node, name)
        node.keywords = [self.visit(keyword) for keyword in node.keywords]
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        """An operator, guarded where its result can be huge. Raises Refused for texts put together."""
        for side in (node.left, node.right):
            if isinstance(side, ast.JoinedStr) or (isinstance(side, ast.Constant) and isinstance(side.value, str)):
                refuse(node, "text put together", "it is allowed only in `print`, `assert` and `raise`")
        left, right = self.visit(node.left), self.visit(node.right)
        guard = guards.OPERATORS.get(type(node.op).__name__)
        return call_at(node, guard, left, right) if guard else at(node, ast.BinOp(left, node.op, right))

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.stmt:
        """The same in place: what holds the target is called once."""
        guard = guards.OPERATORS.get(type(node.op).__name__)
        target, value = self.visit(node.target), self.visit(node.value)
        if guard is None:
            return at(node, ast.AugAssign(target, node.op, value))
        if isinstance(target, ast.Name):
            return at(node, ast.Assign([target], call_at(node, f"{guard}=", name_at(node, target.id), value)))
        # `f()[g()] **= x` calls f and g once: the guard is given what they return.
        return at(node, ast.Expr(call_at(node, f"{guard}= in", target.value, index_of(target.slice), value)))

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        """A constant as it stands. Raises Refused for huge integers, bytes, and strings that are long or hold `__`."""
        value = node.value
        if isinstance(value, int) and abs(value) > MAX_INTEGER:
            refuse(node, "a number of this size", "integers go to 2**63")
        if isinstance(value, bytes):
            refuse(node, "bytes", "use numbers")
        if isinstance(value, str) and (len(value) > MAX_TEXT or "__" in value):
            refuse(node, "this string", f"strings go to {MAX_TEXT} characters and have no double underscore")
        return node

    def _message(self, node: ast.expr) -> ast.expr:
        """Text for people, put together in any way. It changes nothing in the loss: it is checked, and kept unread."""
        leaves = text_leaves(node)
        if leaves is None:
            return self.visit(node)
        text = shown(node, None)
        for leaf in leaves:
            self.visit(leaf)
        return at(node, ast.Constant(text))
