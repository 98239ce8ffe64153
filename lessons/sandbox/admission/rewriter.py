"""The allow-list over the syntax tree. What is admitted is rewritten so that it never looks up an attribute.

`tf.math.log(x)` becomes a call of the one function bound to the name "tf.math.log", `x.shape` a call of "<read shape>",
and `self.gamma` the subscript `self["gamma"]` of a record. Such names no Python text can spell, so none can be forged.
"""

import ast
from typing import NoReturn

from lessons.sandbox.admission import grammar, guards, vocabulary
from lessons.sandbox.admission.refusal import Refused
from lessons.sandbox.admission.scope import Scopes, package_path
from lessons.sandbox.admission.screening import MAX_NODES
from lessons.sandbox.admission.syntax import (
    all_parameters,
    at,
    call_at,
    index_of,
    is_super_init,
    listed,
    name_at,
    names_a_function,
    parameter_names,
    refuse,
    renamed,
    shown,
    stored_names,
    text_leaves,
)

# Nodes that are kept, with their parts rewritten.
_PLAIN = (
    *(ast.Module, ast.Expression, ast.Return, ast.For, ast.Pass, ast.Break, ast.Continue, ast.If, ast.IfExp),
    *(ast.BoolOp, ast.UnaryOp, ast.Compare, ast.Subscript, ast.Slice, ast.Starred, ast.Tuple, ast.List, ast.Dict),
    *(ast.Set, ast.keyword, ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop),
)

_ERRORS = ("ValueError", "TypeError", "NotImplementedError")
_PRINT_KEYWORDS = ("sep", "end", "flush", "summarize", "name")
_WITHOUT_EFFECT = ("get_config", "from_config")  # Methods that only save a loss.
_DROPPED_IMPORTS = ("typing", "__future__", "collections.abc", "typing_extensions")

MAX_INTEGER = 2**63
MAX_TEXT = 200
MAX_VISITS = 4 * MAX_NODES  # each node is visited once or twice: this ends what would do more, were there such a text


class Rewriter(ast.NodeTransformer):
    """Rewrites one module in place. `uses`: each dotted name that it needs, with the line that has it first."""

    def __init__(self):
        self.uses: dict[str, int] = {}
        self.scopes = Scopes()
        self._graph_depth = 0  # Functions around this place that have @tf.function.
        self._visits = 0

    def module(self, tree: ast.Module) -> ast.Module:
        """The whole text. Its names stay known to `expression`. Raises Refused."""
        grammar.check(tree)
        self.scopes.enter(set(), tree.body)
        return self._rewritten(tree)

    def expression(self, tree: ast.Expression) -> ast.Expression:
        """One more expression, to be evaluated after the module has run. Raises Refused."""
        grammar.check(tree)
        return self._rewritten(tree)

    def _rewritten(self, tree: ast.Module | ast.Expression) -> ast.AST:
        self._visits = 0
        tree = self.visit(tree)
        grammar.check_rewritten(tree)
        return ast.fix_missing_locations(tree)

    def visit(self, node: ast.AST) -> ast.AST:
        self._visits += 1
        if self._visits > MAX_VISITS:
            raise Refused("the text takes too long to check: paste the loss only")
        return super().visit(node)

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, _PLAIN):
            return super().generic_visit(node)
        grammar.refuse_node(node)

    # Names and attributes

    def visit_Name(self, node: ast.Name) -> ast.expr:
        path = self.scopes.path(node)
        if path is not None:
            return self._library(node, path)
        if node.id == "__name__":
            refuse(node, "`__name__`", "paste the loss only, without the program around it")
        if node.id == "super":
            refuse(node, "`super`", "only `super().__init__(…)` inside a class is allowed")
        if self.scopes.is_builtin(node.id) and node.id not in vocabulary.BUILTINS and isinstance(node.ctx, ast.Load):
            refuse(
                node, f"`{node.id}`", "only built-ins that compute are allowed, such as range, len, zip, sum and max"
            )
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if isinstance(node.value, ast.Name) and self.scopes.is_record(node.value.id):
            return at(node, ast.Subscript(node.value, ast.Constant(node.attr), node.ctx))
        path = self.scopes.path(node)
        if path is not None and not vocabulary.is_allowed(path.rpartition(".")[0]):
            return self._library(node, path)
        if not isinstance(node.ctx, ast.Load):
            refuse(node, f"`{shown(node)} = …`", "only `self.name = …` inside a class sets an attribute")
        if node.attr not in guards.READABLE:
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
        if path in vocabulary.MODULES:
            refuse(node, f"the module {path} as a value", "name the function in it")
        if any(part.startswith("_") for part in path.split(".")):
            refuse(node, path, "only public names are allowed")
        if not vocabulary.is_allowed(path) and (reason := vocabulary.denial(path)):
            refuse(node, path, reason)
        self.uses.setdefault(path, node.lineno)
        return at(node, ast.Name(path, ast.Load()))

    # Calls and operators

    def visit_Call(self, node: ast.Call) -> ast.expr:
        callee = self._callee(node.func)
        if callee in vocabulary.SILENT:
            return self._silent(node, callee)
        if callee in ("getattr", "hasattr"):
            return self._mask(node, callee)
        if is_super_init(node.func):
            return self._super_init(node)
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

    def _super_init(self, node: ast.Call) -> ast.expr:
        record = self.scopes.record()
        if record is None:
            refuse(node, "`super().__init__`", "it is allowed inside a method of a Loss")
        node.func = name_at(node, "<super>")
        node.args = [name_at(node, record), *map(self.visit, node.args)]
        node.keywords = [self.visit(keyword) for keyword in node.keywords]
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        for side in (node.left, node.right):
            if isinstance(side, ast.JoinedStr) or (isinstance(side, ast.Constant) and isinstance(side.value, str)):
                refuse(node, "text put together", "it is allowed only in `print`, `assert` and `raise`")
        left, right = self.visit(node.left), self.visit(node.right)
        guard = guards.OPERATORS.get(type(node.op).__name__)
        return call_at(node, guard, left, right) if guard else at(node, ast.BinOp(left, node.op, right))

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.stmt:
        guard = guards.OPERATORS.get(type(node.op).__name__)
        target, value = self.visit(node.target), self.visit(node.value)
        if guard is None:
            return at(node, ast.AugAssign(target, node.op, value))
        if isinstance(target, ast.Name):
            return at(node, ast.Assign([target], call_at(node, f"{guard}=", name_at(node, target.id), value)))
        # `f()[g()] **= x` calls f and g once: the guard is given what they return.
        return at(node, ast.Expr(call_at(node, f"{guard}= in", target.value, index_of(target.slice), value)))

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        value = node.value
        if isinstance(value, int) and abs(value) > MAX_INTEGER:
            refuse(node, "a number of this size", "integers go to 2**63")
        if isinstance(value, bytes):
            refuse(node, "bytes", "use numbers")
        if isinstance(value, str) and (len(value) > MAX_TEXT or "__" in value):
            refuse(node, "this string", f"strings go to {MAX_TEXT} characters and have no double underscore")
        return node

    # Functions and comprehensions: each opens a scope

    def visit_FunctionDef(self, node: ast.FunctionDef, record: str | None = None) -> ast.stmt:
        in_graph = any(self._decorator(decorator) == "tf.function" for decorator in node.decorator_list)
        node.decorator_list = self._decorators(node)
        node.returns = self._strip(node.returns)
        self._signature(node.args)
        self.scopes.enter(parameter_names(node.args), node.body, record)
        self._graph_depth += in_graph
        node.body = [statement for part in node.body for statement in listed(self.visit(part))]
        self._graph_depth -= in_graph
        self.scopes.leave()
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.expr:
        self._signature(node.args)
        self.scopes.enter(parameter_names(node.args))
        node.body = self.visit(node.body)
        self.scopes.leave()
        return node

    def _signature(self, arguments: ast.arguments) -> None:
        arguments.defaults = list(map(self.visit, arguments.defaults))
        arguments.kw_defaults = [default and self.visit(default) for default in arguments.kw_defaults]
        for parameter in all_parameters(arguments):
            parameter.annotation = self._strip(parameter.annotation)

    def _strip(self, annotation: ast.expr | None) -> None:
        """Annotations are dropped, unless they hold more than names: nobody annotates a loss with a call."""
        for node in ast.walk(annotation) if annotation else ():
            if isinstance(node, ast.Call | ast.Lambda | ast.JoinedStr | ast.NamedExpr | ast.Yield | ast.Await):
                refuse(node, f"`{shown(annotation)}` as an annotation", "name a type or leave it out")

    def _decorator(self, decorator: ast.expr) -> str | None:
        return self.scopes.path(decorator.func if isinstance(decorator, ast.Call) else decorator)

    def _decorators(self, node: ast.FunctionDef | ast.ClassDef) -> list[ast.expr]:
        kept = []
        for decorator in node.decorator_list:
            path = self._decorator(decorator)
            if path in vocabulary.GRADIENT_DECORATORS and not isinstance(decorator, ast.Call):
                kept.append(self.visit(decorator))
            elif path not in vocabulary.IDLE_DECORATORS:
                refuse(decorator, f"@{shown(decorator)}", "allowed is @tf.function, or leave it out")
            elif isinstance(decorator, ast.Call):
                list(map(self.visit, (*decorator.args, *(keyword.value for keyword in decorator.keywords))))
        return kept

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> ast.expr:
        first = node.generators[0]
        first.iter = self.visit(first.iter)  # Python evaluates it outside.
        self.scopes.enter({name for part in node.generators for name in stored_names(part.target)})
        for part in node.generators:
            part.target = self.visit(part.target)
            part.iter = part.iter if part is first else self.visit(part.iter)
            part.ifs = list(map(self.visit, part.ifs))
        for name in ("elt", "key", "value"):
            if hasattr(node, name):
                setattr(node, name, self.visit(getattr(node, name)))
        self.scopes.leave()
        return node

    visit_ListComp = visit_SetComp = visit_GeneratorExp = visit_DictComp = _comprehension

    # Statements

    def visit_Expr(self, node: ast.Expr) -> ast.stmt:
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            return at(node, ast.Pass())  # A docstring.
        node.value = self.visit(node.value)
        return node

    def visit_If(self, node: ast.If) -> ast.stmt:
        if any(isinstance(part, ast.Name) and part.id == "__name__" for part in ast.walk(node.test)):
            refuse(node, '`if __name__ == "__main__"`', "paste the loss only, without the program around it")
        return self._branch(node)

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        return self._branch(node)

    def _branch(self, node: ast.If | ast.IfExp) -> ast.AST:
        node = super().generic_visit(node)
        if self._graph_depth:
            node.test = call_at(node.test, "<decide>", ast.Constant(node.lineno), node.test)
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.stmt:
        if self.scopes.renamed(node) is not None:
            return at(node, ast.Pass())
        if names_a_function(node):
            self._message(node.value)
            return at(node, ast.Pass())
        return super().generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt:
        self._strip(node.annotation)
        if node.value is None:
            return at(node, ast.Pass())
        return self.visit(at(node, ast.Assign([node.target], node.value)))

    def visit_Assert(self, node: ast.Assert) -> ast.stmt:
        node.test, node.msg = self.visit(node.test), node.msg and self._message(node.msg)
        return node

    def visit_Raise(self, node: ast.Raise) -> ast.stmt:
        error = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        if not (isinstance(error, ast.Name) and error.id in _ERRORS) or node.cause or self.scopes.is_bound(error.id):
            refuse(node, "`raise`", f"only {', '.join(_ERRORS)} are raised by a loss")
        if isinstance(node.exc, ast.Call):
            node.exc = call_at(node, error.id, *map(self._message, node.exc.args))
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

    def visit_With(self, node: ast.With) -> ast.stmt:
        for item in node.items:
            scope = item.context_expr
            path = self.scopes.path(scope.func) if isinstance(scope, ast.Call) else None
            item.context_expr = self.visit(scope)
            if path not in vocabulary.SCOPES or item.optional_vars:
                refuse(node, "`with`", "only `with tf.name_scope(…):` and `tf.control_dependencies(…)` are allowed")
        node.body = [statement for part in node.body for statement in listed(self.visit(part))]
        return node

    def visit_Import(self, node: ast.Import) -> ast.stmt:
        for alias in node.names:
            if package_path(alias.name) is None and alias.name not in _DROPPED_IMPORTS:
                _refuse_import(node, f"import {alias.name}")
        return at(node, ast.Pass())

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.stmt | list[ast.stmt]:
        if node.module in _DROPPED_IMPORTS:
            return at(node, ast.Pass())
        module = package_path(node.module or "")
        if module is None or node.level or node.names[0].name == "*":
            _refuse_import(node, shown(node))
        # A name that is denied harms only where it is used; one that is missing fails here, as it does in Python.
        paths = [path for alias in node.names if not vocabulary.denial(path := f"{module}.{alias.name}")]
        imports = [at(node, ast.Expr(call_at(node, "<missing import>", ast.Constant(path)))) for path in paths]
        return imports or at(node, ast.Pass())

    # Classes

    def visit_ClassDef(self, node: ast.ClassDef) -> list[ast.stmt]:
        """`class Focal(Loss)` becomes its methods, as functions, and `Focal = <loss class>("Focal", {…})`."""
        base = self.scopes.path(node.bases[0]) if len(node.bases) == 1 else None
        if base not in vocabulary.LOSS_BASES or node.keywords or len(self.scopes.stack) > 1:
            refuse(node, f"class {node.name}", "only subclasses of keras.losses.Loss at the top level are allowed")
        self._decorators(node)
        members: dict[str, ast.stmt] = {}
        for statement in node.body:
            for name, member in self._member(statement):
                members[name] = renamed(member, f"{node.name}: {name}")
        table = ast.Dict(
            [ast.Constant(name) for name in members], [name_at(node, f"{node.name}: {name}") for name in members]
        )
        made = call_at(node, "<loss class>", ast.Constant(node.name), table)
        return [*members.values(), at(node, ast.Assign([ast.Name(node.name, ast.Store())], made))]

    def _member(self, node: ast.stmt) -> list[tuple[str, ast.stmt]]:
        if isinstance(node, ast.FunctionDef):
            return [] if node.name in _WITHOUT_EFFECT else [(node.name, self._method(node))]
        if isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            return []
        if isinstance(node, ast.AnnAssign | ast.Assign):
            kept = self.visit(node)
            if isinstance(kept, ast.Pass):
                return []
            if len(kept.targets) == 1 and isinstance(kept.targets[0], ast.Name):
                return [(kept.targets[0].id, kept)]
        refuse(node, "this statement in a class", "only methods and constants are allowed there")

    def _method(self, node: ast.FunctionDef) -> ast.stmt:
        parameters = [*node.args.posonlyargs, *node.args.args]
        if not parameters:
            refuse(node, f"the method {node.name} without `self`", "give it `self` as its first parameter")
        return self.visit_FunctionDef(node, record=parameters[0].arg)


def _refuse_import(node: ast.stmt, found: str) -> NoReturn:
    refuse(node, found, "a loss may import tensorflow, keras, numpy and math")
