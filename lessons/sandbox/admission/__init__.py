"""The first wall before code from strangers: the text is parsed, checked against an allow-list and rewritten.

`admit` loads no library. `Admitted.build` does, and runs the code: call it in a walled process only.
"""

import ast
import warnings
from functools import partial
from types import TracebackType
from typing import Any

from lessons.sandbox.admission import grammar, guards, loss_class, screening, vocabulary, written
from lessons.sandbox.admission.guards import NeverRun
from lessons.sandbox.admission.intention import Intention
from lessons.sandbox.admission.refusal import Refused
from lessons.sandbox.admission.rewriter import Rewriter
from lessons.sandbox.admission.syntax import shown

__all__ = ["FILENAME", "Admitted", "NeverRun", "Refused", "admit", "line_of"]

FILENAME = "<pasted loss>"
FILENAMES = (FILENAME, "<pasted model>")
CALL_FILENAME = "<function>"


def admit(text: str) -> "Admitted":
    """The text, ready to be built; Refused if it holds anything that a loss has no need of."""
    tree = screening.parse(text)
    grammar.check(tree)  # what stands in a `compile(…)` beside the loss goes, and is not looked at again
    intention = Intention(tree)
    rewriter = Rewriter()
    tree = rewriter.module(intention.tree)
    _check_compiles(tree)
    intention.check()
    return Admitted(text, tree, rewriter, intention)


class Admitted:
    """Code that passed the wall. `candidates` can be meant as the loss, `default` is meant when nothing is said."""

    def __init__(self, source: str, tree: ast.Module, rewriter: Rewriter, intention: Intention):
        self.source = source
        self.candidates: tuple[str, ...] = intention.candidates
        self.default: str | None = intention.default
        self._tree, self._rewriter, self._intention = tree, rewriter, intention

    def check(self, function: str | None = None) -> None:
        """Raises Refused where it is not clear what is meant by that."""
        self._chosen(function)

    def build(self, function: str | None = None) -> Any:
        """Runs the module and returns a function of (y_true, y_pred) or a real `keras.losses.Loss`.

        `function` is a name or a call with literals, `focal(2.0)`. What the code itself raises is not caught. Raises
        Refused where that gives nothing that can be called.
        """
        chosen = self._chosen(function)
        namespace = self._names()
        absent = _Absent(namespace, self._rewriter.uses)
        exec(compile(absent.visit(self._tree), FILENAME, "exec", dont_inherit=True), namespace)
        loss = eval(compile(chosen, CALL_FILENAME, "eval", dont_inherit=True), namespace)
        if not callable(loss):
            raise Refused(f"{shown(chosen.body)} gives no loss: {self._intention.choices()}")
        return loss

    def _chosen(self, function: str | None) -> ast.Expression:
        """The expression whose value is the loss."""
        if function is None and self.default is None:
            raise Refused(self._intention.unclear())
        chosen = screening.parse_expression(function or self.default)
        chosen.body = self._intention.expression(chosen.body)
        return self._rewriter.expression(ast.fix_missing_locations(chosen))

    def _names(self) -> dict[str, Any]:
        """The namespace of the code: our guards, the built-ins, and the one function behind each dotted name it has."""
        names = {"__builtins__": {}, **vocabulary.BUILTINS, **guards.NAMESPACE, **loss_class.NAMESPACE}
        for path, line in self._rewriter.uses.items():
            try:
                value = written.guarded(path, vocabulary.resolve(written.INSTEAD.get(path, path)), line)
            except AttributeError:
                continue
            if not vocabulary.is_allowed(path):
                raise Refused(f"{path}: it is not among the functions that a loss may call", line)
            names[path] = partial(loss_class.plain_arguments, value) if vocabulary.is_loss_class(path) else value
        return names


class _Absent(ast.NodeTransformer):
    """Replaces the dotted names that the installed libraries lack by a call that fails as they do."""

    def __init__(self, names: dict[str, object], uses: dict[str, int]):
        self._absent = uses.keys() - names.keys()

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id not in self._absent:
            return node
        call = ast.Call(ast.Name("<missing>", ast.Load()), [ast.Constant(node.id)], [])
        return ast.fix_missing_locations(ast.copy_location(call, node))


def _check_compiles(tree: ast.Module) -> None:
    """What only the compiler finds: `return` outside a function, `break` outside a loop."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # About code such as `1 is 1`, which nobody would read.
            compile(tree, FILENAME, "exec", dont_inherit=True)
    except SyntaxError as error:
        raise Refused(f"not Python: {error.msg}; paste the loss as it stands in the file", error.lineno) from None
    except (RecursionError, MemoryError, ValueError):
        raise Refused("nested too deeply: name the parts") from None


def line_of(error: BaseException) -> int | None:
    """The line of the pasted text that an exception passed through last."""
    line = _last_line(error.__traceback__)
    cause = error.__cause__ or error.__context__
    return line_of(cause) if line is None and cause is not None else line


def _last_line(trace: TracebackType | None) -> int | None:
    line = None
    while trace is not None:
        if trace.tb_frame.f_code.co_filename in FILENAMES:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
