"""Functions, statements and expressions, each cut down to what it does for known values."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, is_dataclass

from lessons.export.known import (
    ANYTHING,
    Frame,
    Named,
    Values,
    is_field,
    is_fixed,
    is_none,
    literal,
    possible,
    same,
    truth,
    union,
)
from lessons.export.syntax import (
    Module,
    arguments_of,
    dedented,
    else_line,
    first_line,
    header_end,
    header_remark,
    imported,
    indentation,
    is_atom,
    is_ours,
    module,
    only_expression,
    patterns,
    positioned,
    single_spaced,
    stored,
    substituted,
    with_owner,
    without_remark,
    without_unused,
    without_unused_default,
)

LONGEST_INLINE = 90  # characters; a longer expression is easier to read as a function
WIDTH = 110  # characters in the head of a function before each parameter gets a line
SIMPLE = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Return, ast.Raise, ast.Expr, ast.Import)
PARTING = (ast.Assign, ast.Return, ast.Expr, ast.keyword, ast.Tuple, ast.List, ast.Call)  # need no brackets inside


@dataclass
class Specialised:
    """A function as it is left: the parameters it still has, its text, what that needs, and the one expression that
    it returns where it does nothing else."""

    parameters: list[str]
    text: str
    references: set[tuple[str, str]]
    expression: str | None


class Cutter:
    """Cuts down what a program is made of, and notes what it needs: functions, imports, constants.

    `methods`: `table.sequences` -> the (module, function) that stands in for it.
    """

    def __init__(self, methods: Mapping[str, tuple[str, str]]):
        self.methods = methods
        self.arguments: dict[tuple[str, str], dict[str, Values | None]] = {}
        self.forget()

    def forget(self) -> None:
        self.functions: dict[tuple[str, str], Specialised] = {}
        self.imports: dict[str, str] = {}  # name -> the line that imports it
        self.constants: dict[str, str] = {}
        self.learned = False

    # --- functions

    def function(self, source: Module, name: str) -> Specialised:
        """A function of a module as the calls that we have seen need it."""
        key = source.name, name
        if key not in self.functions:
            self.functions[key] = self.specialised(source, source.definitions[name], self.arguments[key])
        return self.functions[key]

    def specialised(self, source: Module, node: ast.FunctionDef, arguments: Mapping[str, Values | None]) -> Specialised:
        """What is left of a function whose arguments can be these."""
        assigned = stored(node.body)
        known = {name: values for name, values in arguments.items() if values is not ANYTHING}
        frame = Frame(source, known, assigned | arguments.keys())
        body = without_unused(self.block(node.body, frame, header_end(source, node)))
        body = re.sub(r'^(""".*?""")\n\n', r"\1\n", body, flags=re.DOTALL)  # the imports that stood there are gone
        loaded = {inner.id for inner in ast.walk(ast.parse(body)) if isinstance(inner, ast.Name)}
        kept = [parameter for parameter in node.args.args if parameter.arg in loaded]
        taken = [self.text(parameter, frame) for parameter in kept]
        taken += [f"*{self.text(node.args.vararg, frame)}"] if node.args.vararg else []
        returns = f" -> {self.text(node.returns, frame)}" if node.returns else ""
        head = f"def {node.name}({', '.join(taken)}){returns}:"
        if len(head) > WIDTH:
            head = f"def {node.name}(\n" + "".join(f"    {one},\n" for one in taken) + f"){returns}:"
        text = f"{head}\n{textwrap.indent(body, '    ')}"
        return Specialised([one.arg for one in kept], text, frame.references, only_expression(body))

    def call(self, node: ast.Call, frame: Frame, wrap: bool) -> str:
        """A call. Ours loses the arguments that the function no longer takes, or becomes what the function returns."""
        source, name = self.callee(node.func, frame)
        if source is None:
            return self.other_call(node, frame)
        if source.definitions[name].args.vararg:  # comes along as it is
            self.learn((source.name, name), {})
            frame.references.add((source.name, name))
            return self.plain(node, frame)
        node = with_owner(node, source.definitions[name])
        given = arguments_of(node, source.definitions[name])
        self.learn((source.name, name), {one: possible(value, frame) for one, value in given.items()})
        specialised = self.function(source, name)
        texts = {one: self.text(given[one], frame) for one in specialised.parameters}
        if specialised.expression:
            whole = substituted(specialised.expression, texts)
            if whole and len(whole) <= LONGEST_INLINE:
                frame.references |= specialised.references
                return whole if is_atom(whole) or not wrap else f"({whole})"
        frame.references.add((source.name, name))
        by_name = {keyword.arg for keyword in node.keywords}
        shown = ", ".join(f"{one}={text}" if one in by_name else text for one, text in texts.items())
        return f"{name}({shown})"

    def other_call(self, node: ast.Call, frame: Frame) -> str:
        """A library's call, without the keywords that turn out to be None: they say what holds anyway."""
        left_out = {keyword for keyword in node.keywords if is_none(keyword.value, frame)}
        if not left_out:
            return self.plain(node, frame)
        function = self.text(node.func, frame)
        shown = [self.text(part, frame, wrap=False) for part in (*node.args, *node.keywords) if part not in left_out]
        short = f"{function}({', '.join(shown)})"
        on_one_line = (node.args or node.keywords)[0].lineno == node.func.end_lineno
        if on_one_line or (len(short) <= LONGEST_INLINE and "\n" not in short):
            return short
        outside = indentation(frame.module.lines[node.end_lineno - 1])
        return f"{function}(\n" + "".join(f"{outside}    {one},\n" for one in shown) + f"{outside})"

    def callee(self, node: ast.expr, frame: Frame) -> tuple[Module | None, str]:
        """The function of ours that an expression names."""
        if isinstance(node, ast.Attribute) and (stands_in := self.methods.get(ast.unparse(node))):
            return module(stands_in[0]), stands_in[1]
        if isinstance(node, ast.Name) and node.id not in frame.local:
            origin = frame.imports.get(node.id) or frame.module.imports.get(node.id)
            if origin and is_ours(origin):
                source, name = module(origin.module), origin.name
            else:
                source, name = frame.module, node.id
            if isinstance(source.definitions.get(name), ast.FunctionDef):
                return source, name
        return None, ""

    def learn(self, key: tuple[str, str], values: Mapping[str, Values | None]) -> None:
        """Remember what a function was called with. What is new needs another round."""
        seen = self.arguments.setdefault(key, {})
        for name, these in values.items():
            merged = these if name not in seen else union(seen[name], these)
            if name not in seen or not same(merged, seen[name]):
                seen[name] = merged
                self.learned = True

    # --- statements

    def block(self, body: list[ast.stmt], frame: Frame, after: int) -> str:
        """Statements that follow line `after`, without indentation; empty if none is left."""
        lines = []
        for gap, text in self.statements(body, frame, after):
            lines += [*gap, text]
        return "\n".join(lines).strip("\n")

    def statements(self, body: list[ast.stmt], frame: Frame, after: int) -> Iterator[tuple[list[str], str]]:
        """Each statement that is left, and the comments and blank lines that stand before it."""
        passed: list[str] = []  # what stood before statements that are gone
        for node in body:
            first = first_line(node)
            gap = [line.strip() for line in frame.module.lines[after : first - 1]]
            after = node.end_lineno
            text, ends = self.statement(node, frame)
            if text is None:
                passed += without_remark(gap)
                continue
            yield single_spaced(passed + gap), text
            passed = []
            if ends:
                return

    def statement(self, node: ast.stmt, frame: Frame) -> tuple[str | None, bool]:
        """What is left of a statement, without indentation, and whether nothing after it is reached."""
        if isinstance(node, ast.Import | ast.ImportFrom) and node.col_offset == 4:  # at the top of a function
            frame.imports |= imported(node)
            frame.local -= imported(node).keys()
            return None, False
        if isinstance(node, ast.If):
            return self.condition(node, frame)
        if isinstance(node, ast.Match):
            return self.matched(node, frame)
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.For | ast.With):
            return self.compound(node, frame), False
        if not isinstance(node, SIMPLE):
            raise NotImplementedError(f"{frame.module.name}, line {node.lineno}: {type(node).__name__}")
        if self.settles(node, frame):
            return None, False
        text = self.plain(node, frame)
        for name in stored([node]):
            frame.known.pop(name, None)
        remark = frame.module.remark(node)
        text = dedented(f"{text}  {remark}" if remark else text, node.col_offset)
        if re.fullmatch(r"(\w+) = \1", text):  # what is left of a step that does nothing here
            return None, False
        return text, isinstance(node, ast.Return | ast.Raise)

    def settles(self, node: ast.stmt, frame: Frame) -> bool:
        """Whether it only gives a name to a known value that is no number; then the name is known from here on."""
        if frame.branching or not (isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)):
            return False
        values = possible(node.value, frame)
        if values is ANYTHING or len(values) > 1 or not (is_fixed(values[0]) or is_dataclass(values[0])):
            return False
        frame.known[node.targets[0].id] = values
        return True

    def branch(self, body: list[ast.stmt], frame: Frame, after: int) -> str:
        """Statements that may be passed over: what they settle is not settled after them."""
        inner = Frame(frame.module, dict(frame.known), frame.local, True, frame.imports, frame.references)
        text = self.block(body, inner, after)
        for name in stored(body):
            frame.known.pop(name, None)
        return text

    def condition(self, node: ast.If, frame: Frame) -> tuple[str | None, bool]:
        holds = truth(node.test, frame)
        below = header_end(frame.module, node)
        if holds is not None:
            body = node.body if holds else node.orelse
            after = below if holds else else_line(frame.module, node)
            text = self.block(body, frame, after) if body else ""
            return text or None, bool(text) and isinstance(ast.parse(text).body[-1], ast.Return | ast.Raise)
        text = f"if {self.text(node.test, frame, wrap=False)}:{header_remark(frame.module, node)}\n"
        before = dict(frame.known)
        text += textwrap.indent(self.branch(node.body, frame, below) or "pass", "    ")
        if not node.orelse:
            return text, False
        after = frame.known
        frame.known = before
        rest = self.branch(node.orelse, frame, else_line(frame.module, node))
        frame.known = {name: values for name, values in before.items() if name in after}
        if rest.startswith("if ") and len(ast.parse(rest).body) == 1:
            text += f"\nel{rest}"
        elif rest:
            text += "\nelse:\n" + textwrap.indent(rest, "    ")
        return text, False

    def matched(self, node: ast.Match, frame: Frame) -> tuple[str | None, bool]:
        """The case of a known value."""
        values = possible(node.subject, frame)
        if values is ANYTHING or len(values) > 1:
            raise NotImplementedError(f"{frame.module.name}, line {node.lineno}: match of something unknown")
        for case in node.cases:
            if any(wanted == values[0] for wanted in patterns(case.pattern)):
                text = self.block(case.body, frame, case.pattern.end_lineno)
                return text, isinstance(case.body[-1], ast.Return | ast.Raise)
        return None, False

    def compound(self, node: ast.stmt, frame: Frame) -> str:
        source, below = frame.module, header_end(frame.module, node)
        start, end = source.offsets[first_line(node) - 1] + node.col_offset, source.offsets[below] - 1
        parts = [part for part in positioned(node) if source.end(part) <= end]
        if isinstance(node, ast.FunctionDef):
            body = self.block(node.body, frame.inside({one.arg for one in node.args.args}, node.body), below)
        elif isinstance(node, ast.ClassDef):
            body = self.block(node.body, frame, below)
        else:
            for name in stored([node]):
                frame.known.pop(name, None)
            body = self.branch(node.body, frame, below)
        head = dedented(self.stretch(start, end, parts, frame), node.col_offset)
        if isinstance(node, ast.FunctionDef):
            head = without_unused_default(head, body)
        return f"{head}\n{textwrap.indent(body or 'pass', '    ')}"

    # --- expressions

    def text(self, node: ast.AST, frame: Frame, wrap: bool = True) -> str:
        """What is left of an expression. `wrap`: in brackets where it has become looser than it was."""
        if isinstance(node, ast.Call):
            return self.call(node, frame, wrap)
        if isinstance(node, ast.IfExp):
            holds = truth(node.test, frame)
            if holds is not None:
                return self.text(node.body if holds else node.orelse, frame, wrap)
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Dict):
            values = possible(node.slice, frame)
            if values is not ANYTHING and len(values) == 1:
                keys = [ast.literal_eval(key) for key in node.value.keys]
                return self.text(node.value.values[keys.index(values[0])], frame, wrap)
        if isinstance(node, ast.BoolOp):
            return self.choice(node, frame, wrap)
        if isinstance(node, ast.Name | ast.Attribute | ast.Compare | ast.UnaryOp):
            spelled = self.spelled(node, frame)
            if spelled is not None:
                return spelled
        if isinstance(node, ast.Name):
            self.refer(node.id, frame)
        if isinstance(node, ast.JoinedStr):  # Python 3.11 does not know where its parts stand
            if any(isinstance(inner, ast.Name) and inner.id in frame.known for inner in ast.walk(node)):
                raise NotImplementedError(f"{frame.module.name}, line {node.lineno}: a known name in an f-string")
            return frame.module.cut(frame.module.start(node), frame.module.end(node))
        return self.plain(node, frame)

    def spelled(self, node: ast.expr, frame: Frame) -> str | None:
        """A known value as the script has it; None where the expression stays as it is."""
        if isinstance(getattr(node, "ctx", None), ast.Store):
            return None
        if isinstance(node, ast.Name) and node.id in frame.known and isinstance(frame.known[node.id][0], Named):
            return frame.known[node.id][0].text
        values = possible(node, frame)
        if values is ANYTHING or len(values) > 1:
            return None
        if is_fixed(values[0]):
            return literal(values[0])
        if isinstance(node, ast.Attribute) and is_field(node, frame):
            constant = node.attr.upper()
            self.constants[constant] = node.attr
            return constant
        return None

    def choice(self, node: ast.BoolOp, frame: Frame, wrap: bool) -> str:
        """`and` and `or` without the operands that cannot matter."""
        deciding = isinstance(node.op, ast.Or)  # the truth value that ends it
        left = []
        for operand in node.values:
            holds = truth(operand, frame)
            if holds is None or holds == deciding or (operand is node.values[-1] and not left):
                left.append(operand)
            if holds == deciding:
                break
        if len(left) == 1:
            return self.text(left[0], frame, wrap)
        return (" or " if deciding else " and ").join(self.text(operand, frame) for operand in left)

    def plain(self, node: ast.AST, frame: Frame) -> str:
        """The text as it stands, its parts specialised."""
        source = frame.module
        wrap = not isinstance(node, PARTING)
        return self.stretch(source.start(node), source.end(node), positioned(node), frame, wrap)

    def stretch(self, start: int, end: int, parts: Sequence[ast.AST], frame: Frame, wrap: bool = True) -> str:
        source, text = frame.module, ""
        for part in sorted(parts, key=source.start):
            before, inside = source.cut(start, source.start(part)), self.text(part, frame, wrap)
            start = source.end(part)
            opened = re.search(r"(?<![\w)\]])\(\s*$", text + before)
            if isinstance(part, ast.IfExp | ast.BoolOp) and opened and is_atom(inside):  # brackets it has no need of
                before = re.sub(r"\(\s*$", "", before)
                start += re.match(r"\s*\)", source.cut(start, end)).end()
            text += before + inside
        return text + source.cut(start, end)

    def refer(self, name: str, frame: Frame) -> None:
        """Note that the text needs a name of a module."""
        if name in frame.local:
            return
        origin = frame.imports.get(name) or frame.module.imports.get(name)
        if origin is None:
            if name in frame.module.definitions:
                frame.references.add((frame.module.name, name))
        elif is_ours(origin):
            frame.references.add((origin.module, origin.name))
        else:
            self.imports[name] = origin.text
