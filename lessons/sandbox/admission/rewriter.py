"""The allow-list over the syntax tree. What is admitted is rewritten so that it never looks up an attribute.

`tf.math.log(x)` becomes a call of the one function bound to the name "tf.math.log", `x.shape` a call of "<read shape>",
and `self.gamma` the subscript `self["gamma"]` of a record. Such names no Python text can spell, so none can be forged.
"""

import ast
from collections.abc import Iterator
from typing import Any, NoReturn

from lessons.sandbox.admission import grammar, vocabulary
from lessons.sandbox.admission.expressions import Expressions
from lessons.sandbox.admission.intention import is_static
from lessons.sandbox.admission.refusal import Refused
from lessons.sandbox.admission.scope import package_path
from lessons.sandbox.admission.screening import MAX_NODES
from lessons.sandbox.admission.syntax import (
    all_parameters,
    at,
    call_at,
    listed,
    name_at,
    names_a_function,
    parameter_names,
    refuse,
    renamed,
    shown,
    stored_names,
)

# Nodes that are kept, with their parts rewritten.
_PLAIN = (
    *(ast.Module, ast.Expression, ast.Return, ast.For, ast.Pass, ast.Break, ast.Continue, ast.If, ast.IfExp),
    *(ast.BoolOp, ast.UnaryOp, ast.Compare, ast.Subscript, ast.Slice, ast.Starred, ast.Tuple, ast.List, ast.Dict),
    *(ast.Set, ast.keyword, ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop),
)

_ERRORS = ("ValueError", "TypeError", "NotImplementedError")
_WITHOUT_EFFECT = ("get_config", "from_config")  # Methods that only save a loss.
_NO_LOSSES = {  # part of a base class's name -> what such a class is
    "layers": " is a layer, which hands its loss to add_loss",
    "Layer": " is a layer, which hands its loss to add_loss",
    "Model": " is a model with its own training",
    "metrics": " is a metric, which is not trained on",
}
_DROPPED_IMPORTS = ("typing", "__future__", "collections.abc", "typing_extensions")

MAX_VISITS = 4 * MAX_NODES  # each node is visited once or twice: this ends what would do more, were there such a text


class Rewriter(Expressions):
    """Rewrites one module in place: statements, functions and classes here, what they are made of in Expressions."""

    def __init__(self):
        super().__init__()
        self._graph_depth = 0  # Functions around this place that have @tf.function.
        self._visits = 0

    def module(self, tree: ast.Module) -> ast.Module:
        """The whole text. Its names stay known to `expression`. Raises Refused."""
        grammar.check(tree)
        self.scopes.enter(set(), tree.body)
        self.fields = frozenset(_fields(tree))
        return self._rewritten(tree)

    def expression(self, tree: ast.Expression) -> ast.Expression:
        """One more expression, to be evaluated after the module has run. Raises Refused."""
        grammar.check(tree)
        return self._rewritten(tree)

    def _rewritten(self, tree: ast.Module | ast.Expression) -> Any:
        self._visits = 0
        tree = self.visit(tree)
        grammar.check_rewritten(tree)
        return ast.fix_missing_locations(tree)

    def visit(self, node: ast.AST) -> Any:
        """What a node becomes. Raises Refused after MAX_VISITS of them."""
        self._visits += 1
        if self._visits > MAX_VISITS:
            raise Refused(f"the text takes too long to check: paste the {self.words.what} only")
        return super().visit(node)

    def generic_visit(self, node: ast.AST) -> Any:
        """A node that is kept, with its parts rewritten. Raises Refused for any other."""
        if isinstance(node, _PLAIN):
            return super().generic_visit(node)
        grammar.refuse_node(node)

    # Functions and comprehensions: each opens a scope

    def visit_FunctionDef(self, node: ast.FunctionDef, record: str | None = None) -> ast.stmt:
        """A function without annotations, its body in a scope of its own. Raises Refused for other decorators."""
        if node.name == "__call__" and record is None:
            refuse(node, "the name __call__", "it is allowed for a method with `self`")
        in_graph = any(self._decorator(decorator) == "tf.function" for decorator in node.decorator_list)
        node.decorator_list = self._decorators(node)
        self._strip(node.returns)
        node.returns = None
        self._signature(node.args)
        self.scopes.enter(parameter_names(node.args), node.body, record)
        self._graph_depth += in_graph
        node.body = [statement for part in node.body for statement in listed(self.visit(part))]
        self._graph_depth -= in_graph
        self.scopes.leave()
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.expr:
        """A lambda, its body in a scope of its own."""
        self._signature(node.args)
        self.scopes.enter(parameter_names(node.args))
        node.body = self.visit(node.body)
        self.scopes.leave()
        return node

    def _signature(self, arguments: ast.arguments) -> None:
        arguments.defaults = list(map(self.visit, arguments.defaults))
        arguments.kw_defaults = [default and self.visit(default) for default in arguments.kw_defaults]
        for parameter in all_parameters(arguments):
            self._strip(parameter.annotation)
            parameter.annotation = None

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
        """An expression as a statement; a docstring goes."""
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            return at(node, ast.Pass())  # A docstring.
        node.value = self.visit(node.value)
        return node

    def visit_If(self, node: ast.If) -> ast.stmt:
        """An `if`. Raises Refused for the one around a program."""
        if any(isinstance(part, ast.Name) and part.id == "__name__" for part in ast.walk(node.test)):
            refuse(
                node, '`if __name__ == "__main__"`', f"paste the {self.words.what} only, without the program around it"
            )
        return self._branch(node)

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        """`a if c else b`."""
        return self._branch(node)

    def _branch(self, node: ast.If | ast.IfExp) -> Any:
        super().generic_visit(node)
        if self._graph_depth:
            node.test = call_at(node.test, "<decide>", ast.Constant(node.lineno), node.test)
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.stmt:
        """An assignment; goes where it only gives a library, or the loss, another name."""
        if self.scopes.renamed(node) is not None:
            return at(node, ast.Pass())
        if names_a_function(node):
            self._message(node.value)
            return at(node, ast.Pass())
        super().generic_visit(node)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt:
        """An assignment without its annotation."""
        self._strip(node.annotation)
        if node.value is None:
            return at(node, ast.Pass())
        return self.visit(at(node, ast.Assign([node.target], node.value)))

    def visit_Assert(self, node: ast.Assert) -> ast.stmt:
        """An `assert`, with a message that may be put together."""
        node.test, node.msg = self.visit(node.test), node.msg and self._message(node.msg)
        return node

    def visit_Raise(self, node: ast.Raise) -> ast.stmt:
        """A `raise` of one of _ERRORS. Raises Refused for any other."""
        error = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        if not (isinstance(error, ast.Name) and error.id in _ERRORS) or node.cause or self.scopes.is_bound(error.id):
            refuse(node, "`raise`", f"only {', '.join(_ERRORS)} are raised by a {self.words.what}")
        if isinstance(node.exc, ast.Call):
            node.exc = call_at(node, error.id, *map(self._message, node.exc.args))
        return node

    def visit_With(self, node: ast.With) -> ast.stmt:
        """A `with` of a scope of TensorFlow. Raises Refused for any other."""
        for item in node.items:
            scope = item.context_expr
            path = self.scopes.path(scope.func) if isinstance(scope, ast.Call) else None
            item.context_expr = self.visit(scope)
            if path not in vocabulary.SCOPES or item.optional_vars:
                refuse(node, "`with`", "only `with tf.name_scope(…):` and `tf.control_dependencies(…)` are allowed")
        node.body = [statement for part in node.body for statement in listed(self.visit(part))]
        return node

    def visit_Import(self, node: ast.Import) -> ast.stmt:
        """Nothing: what is imported has a flat name. Raises Refused for what no loss may import."""
        for alias in node.names:
            if package_path(alias.name) is None and alias.name not in _DROPPED_IMPORTS:
                self._refuse_import(node, f"import {alias.name}")
        return at(node, ast.Pass())

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.stmt | list[ast.stmt]:
        """What fails where an import would. Raises Refused for what no loss may import."""
        if node.module in _DROPPED_IMPORTS:
            return at(node, ast.Pass())
        module = package_path(node.module or "")
        if module is None or node.level or node.names[0].name == "*":
            self._refuse_import(node, shown(node))
        # A name that is denied harms only where it is used; one that is missing fails here, as it does in Python.
        paths = [path for alias in node.names if not self.words.denial(path := f"{module}.{alias.name}")]
        imports = [at(node, ast.Expr(call_at(node, "<missing import>", ast.Constant(path)))) for path in paths]
        return [*imports] or at(node, ast.Pass())

    def _refuse_import(self, node: ast.stmt, found: str) -> NoReturn:
        refuse(node, found, f"a {self.words.what} may import tensorflow, keras, numpy, math and functools")

    # Classes

    def visit_ClassDef(self, node: ast.ClassDef) -> list[ast.stmt]:
        """`class Focal(Loss)` becomes its methods, as functions, and `Focal = <loss class>("Focal", {…}, base)`.

        Raises Refused for a class that inherits from anything but a loss.
        """
        base = self._base(node)
        self._decorators(node)
        members: dict[str, ast.stmt] = {}
        static = set()
        for statement in node.body:
            for name, member in self._member(statement):
                static.discard(name)
                if isinstance(statement, ast.FunctionDef) and is_static(statement):
                    static.add(name)
                members[name] = renamed(member, f"{node.name}: {name}")
        values = [name_at(node, f"{node.name}: {name}") for name in members]
        values = [
            call_at(node, "<static>", value) if name in static else value
            for name, value in zip(members, values, strict=True)
        ]
        table = ast.Dict([ast.Constant(name) for name in members], values)
        parts = [ast.Constant(node.name), table, *([ast.Constant(base)] if base else [])]
        made = call_at(node, self._maker(base), *parts)
        return [*members.values(), at(node, ast.Assign([ast.Name(node.name, ast.Store())], made))]

    def _maker(self, base: str | None) -> str:
        """The name of what makes a class of its members."""
        return "<loss class>" if base else "<plain class>"

    def _base(self, node: ast.ClassDef) -> str | None:
        """The Keras class that a class inherits from; None for a plain class. Raises Refused for any other."""
        if node.keywords or len(node.bases) > 1 or len(self.scopes.stack) > 1:
            refuse(node, f"class {node.name}", "a class at the top level with one base, keras.losses.Loss, is allowed")
        if not node.bases or (isinstance(node.bases[0], ast.Name) and self._is_object(node.bases[0])):
            return None
        base = self.scopes.path(node.bases[0])
        if not vocabulary.is_loss_base(base):
            what = next((words for word, words in _NO_LOSSES.items() if word in (base or "")), "")
            refuse(
                node,
                f"class {node.name}{what}",
                "allowed are subclasses of keras.losses.Loss and classes without a base; or paste a function of "
                "y_true and y_pred",
            )
        return base

    def _is_object(self, base: ast.Name) -> bool:
        return base.id == "object" and not self.scopes.is_bound("object")

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
        if is_static(node):
            kept = [one for one in node.decorator_list if not (isinstance(one, ast.Name) and one.id == "staticmethod")]
            node = at(node, ast.FunctionDef(node.name, node.args, node.body, kept, node.returns))
            return self.visit_FunctionDef(node)
        parameters = [*node.args.posonlyargs, *node.args.args]
        if not parameters:
            refuse(node, f"the method {node.name} without `self`", "give it `self` as its first parameter")
        return self.visit_FunctionDef(node, record=parameters[0].arg)


def _fields(tree: ast.Module) -> Iterator[str]:
    """What the classes of a text define, and what they give their objects: `self.gamma = …`."""
    for outer in tree.body:
        for node in ast.walk(outer) if isinstance(outer, ast.ClassDef) else ():
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                yield node.attr
        for node in outer.body if isinstance(outer, ast.ClassDef) else ():
            if isinstance(node, ast.FunctionDef):
                yield node.name
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                yield from (name for target in _targets(node) for name in stored_names(target))


def _targets(node: ast.Assign | ast.AnnAssign) -> list[ast.expr]:
    return node.targets if isinstance(node, ast.Assign) else [node.target]
