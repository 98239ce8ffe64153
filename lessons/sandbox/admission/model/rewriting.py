"""The allow-list over the syntax tree of a model: that of a loss, with classes of layers and models."""

import ast
from typing import NoReturn

from lessons.sandbox.admission import guards, vocabulary
from lessons.sandbox.admission.model import objects
from lessons.sandbox.admission.model.names import LAYER_BASES, MODEL, MODEL_BASES, is_layer
from lessons.sandbox.admission.rewriter import Rewriter
from lessons.sandbox.admission.scope import package_path
from lessons.sandbox.admission.syntax import at, call_at, refuse, shown

_NO_BASES = frozenset({"Bidirectional", "TimeDistributed", "Lambda", "RNN", "SpectralNormalization"})


class ModelRewriter(Rewriter):
    """Rewrites the text of a model in place."""

    words = MODEL
    readable = guards.READABLE | objects.READABLE
    inherited = objects.HOOKS

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.stmt:
        """Nothing: what is imported has a flat name, and one that is missing fails where it is used."""
        if node.level or package_path(node.module or "") is None:
            self._refuse_import(node, shown(node))
        return at(node, ast.Pass())

    def visit_Assign(self, node: ast.Assign) -> ast.stmt:
        """An assignment; `layer.trainable = …` is put by a function of ours."""
        target = node.targets[0]
        if isinstance(target, ast.Attribute) and target.attr in objects.SETTABLE and not self._is_own(target.value):
            parts = (ast.Constant(target.attr), self.visit(target.value), self.visit(node.value))
            return at(node, ast.Expr(call_at(node, "<put>", *parts)))
        return super().visit_Assign(node)

    def _is_own(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Name) and self.scopes.is_record(node.id)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.expr:
        """An f-string without formats: of texts and numbers, as names of layers are put together.

        Raises Refused for formats.
        """
        parts = [part.value if isinstance(part, ast.FormattedValue) else part for part in node.values]
        formats = [part for part in node.values if isinstance(part, ast.FormattedValue)]
        if any(part.format_spec or part.conversion != -1 for part in formats):
            refuse(node, "an f-string with a format", "write the value alone, such as {i}")
        return call_at(node, "<text>", *map(self.visit, parts))

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """A call; `"{}_W".format(self.name)` is put together by a function of ours.

        Raises Refused for formats.
        """
        function = node.func
        if isinstance(function, ast.Attribute) and function.attr == "format" and _is_text(function.value):
            words = getattr(function.value, "value", "").split("{}")
            if "{" in "".join(words) or len(words) != len(node.args) + 1 or node.keywords:
                refuse(node, "a text with formats", "write {} for each value")
            parts: list[ast.expr] = [at(node, ast.Constant(words[0]))]
            for value, word in zip(node.args, words[1:], strict=True):
                parts += [value, at(node, ast.Constant(word))]
            return call_at(node, "<text>", *map(self.visit, parts))
        return super().visit_Call(node)

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        """An operator; `name + "_1"` is put together by a function of ours."""
        if isinstance(node.op, ast.Add) and any(map(_is_text, (node.left, node.right))):
            return call_at(node, "<text>", self.visit(node.left), self.visit(node.right))
        return super().visit_BinOp(node)

    def _base(self, node: ast.ClassDef) -> str | None:
        base = self.scopes.path(node.bases[0]) if len(node.bases) == 1 else None
        name = (base or "").rpartition(".")[2]
        if base and vocabulary.is_loss_base(base):
            return super()._base(node)
        if base in LAYER_BASES | MODEL_BASES or (is_layer(base) and name not in _NO_BASES):
            if node.keywords or len(self.scopes.stack) > 1:
                refuse(node, f"class {node.name}", "a class at the top level with one base is allowed")
            for method in node.body:
                if isinstance(method, ast.FunctionDef) and method.name == "__call__":
                    refuse(method, f"a call of {node.name} of its own", "write `call`, which Keras calls")
            return base
        if node.bases and not self._is_plain(node):
            refuse(
                node,
                f"class {node.name} of {shown(node.bases[0])}",
                "allowed are subclasses of keras.layers.Layer, keras.Model or one of Keras' layers, and classes "
                "without a base",
            )
        return super()._base(node)

    def _is_plain(self, node: ast.ClassDef) -> bool:
        return isinstance(node.bases[0], ast.Name) and self._is_object(node.bases[0])

    def _refuse_attribute(self, node: ast.Attribute) -> NoReturn:
        refuse(
            node,
            f"`.{node.attr}`",
            f"of a tensor only .shape, .dtype, .ndim and ._keras_mask are read, and {objects.OF_A_LAYER}",
        )

    def _maker(self, base: str | None) -> str:
        return super()._maker(base) if base is None or vocabulary.is_loss_base(base) else "<layer class>"


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))
