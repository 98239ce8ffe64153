"""Cut a program down to what it does for known values, in its own words.

A partial evaluator that keeps the text: a branch that is not taken goes, `{…}[known]` becomes the value it takes, a
parameter that is known goes with its arguments, and what is called in other modules of lessons/ comes along, cut
likewise. So the script that a learner takes home is made of the functions that the app itself runs.

Numbers are not written in: a number field of the settings becomes a constant, `settings.seed` → `SEED`, and a number
that a function takes stays its parameter. They decide branches all the same.

It knows the Python that the programs here are written in, and raises NotImplementedError at anything else.
"""

from __future__ import annotations

import ast
import itertools
import json
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass
from typing import NamedTuple

from lessons.export.syntax import (
    MARK,
    PURE,
    Imported,
    Module,
    dedented,
    else_line,
    first_line,
    header_end,
    header_remark,
    imported,
    indentation,
    is_atom,
    is_ours,
    laid_out,
    mentioned,
    module,
    only_expression,
    positioned,
    single_spaced,
    stored,
    substituted,
    without_remark,
    without_unused,
    without_unused_default,
)

LONGEST_INLINE = 90  # characters; a longer expression is easier to read as a function
WIDTH = 110  # characters in the head of a function before each parameter gets a line
ANYTHING = None  # what is known of a parameter that takes values we cannot tell
SIMPLE = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Return, ast.Raise, ast.Expr, ast.Import)
PARTING = (ast.Assign, ast.Return, ast.Expr, ast.keyword, ast.Tuple, ast.List, ast.Call)  # need no brackets inside

Values = tuple[object, ...]  # the values that a name can have, over all calls


@dataclass(frozen=True)
class Named:
    """A value that the program only hands on; the script has it under this name."""

    text: str


class Part(NamedTuple):
    """A part of a program: what stands after its MARK, and its code."""

    title: str
    code: str


@dataclass(frozen=True)
class Program:
    """`constants`: name of a constant -> the field of the settings that it holds."""

    parts: tuple[Part, ...]
    imports: tuple[str, ...]
    constants: Mapping[str, str]


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


@dataclass
class Carved:
    """A function as it is left: the parameters it still has, its text, what that needs, and the one expression that
    it returns where it does nothing else."""

    parameters: list[str]
    text: str
    references: set[tuple[str, str]]
    expression: str | None


class Carver:
    """Carves one program. The first round finds out what its functions are called with; it ends when nothing is new.

    `methods`: `table.sequences` -> the (module, function) that stands in for it. `texts`: (module, name) -> what stands
    in for the definition there.
    """

    def __init__(self, methods: Mapping[str, tuple[str, str]], texts: Mapping[tuple[str, str], str]):
        self.methods, self.texts = methods, texts
        self.arguments: dict[tuple[str, str], dict[str, Values | None]] = {}
        self.forget()

    def forget(self) -> None:
        self.functions: dict[tuple[str, str], Carved] = {}
        self.imports: dict[str, str] = {}  # name -> the line that imports it
        self.constants: dict[str, str] = {}
        self.learned = False

    def program(self, name: str, function: str, values: Mapping[str, object]) -> Program:
        """The body of a function, with its parameters known to be `values`."""
        while True:
            self.forget()
            parts = self.parts(module(name), function, values)
            if not self.learned:
                break
        text = "\n".join(part.code for part in parts)
        lines = [line for bound, line in self.imports.items() if mentioned(bound, text)]
        constants = {constant: of for constant, of in self.constants.items() if mentioned(constant, text)}
        return Program(tuple(parts[1:]), tuple(dict.fromkeys(lines)), constants)

    def parts(self, source: Module, function: str, values: Mapping[str, object]) -> list[Part]:
        """Each with the definitions that it is the first to need."""
        node = source.definitions[function]
        frame = Frame(source, {name: (value,) for name, value in values.items()}, stored(node.body))
        titles, codes, needed = [""], [[]], [set()]  # of each part, the first of which is what stands before a mark
        for gap, text in self.statements(node.body[1:], frame, node.body[0].end_lineno):
            for line in gap:
                if line.startswith(MARK):
                    titles.append(line.removeprefix(MARK).strip())
                    codes.append([])
                    needed.append(set())
                else:
                    codes[-1].append(line)
            codes[-1].append(text)
            needed[-1] |= frame.references
            frame.references.clear()
        given: set[tuple[str, str]] = set()
        return [
            Part(title, laid_out([*self.definitions(needs, given), "\n".join(code).strip("\n")]))
            for title, code, needs in zip(titles, codes, needed, strict=True)
        ]

    def definitions(self, needs: set[tuple[str, str]], given: set[tuple[str, str]]) -> list[str]:
        """The texts of what is needed and not yet given, and of all that they need: each module's in its own order."""
        texts, waiting = {}, sorted(needs)
        while waiting:
            at = waiting.pop(0)
            if at in given:
                continue
            given.add(at)
            source, node = module(at[0]), module(at[0]).definitions[at[1]]
            if isinstance(node, ast.FunctionDef):
                carved = self.function(source, at[1])
                text, needed = carved.text, carved.references
            else:
                frame = Frame(source, {})
                text, needed = self.definition(node, at[1], frame), frame.references
            texts[at[0], node.lineno, at[1]] = text
            waiting += sorted(needed)
        order = list(dict.fromkeys(name for name, _, _ in texts))
        return [texts[at] for at in sorted(texts, key=lambda at: (order.index(at[0]), *at[1:]))]

    def definition(self, node: ast.stmt, name: str, frame: Frame) -> str:
        """A class or a constant of a module; of several that one line defines, the one that is wanted."""
        if (frame.module.name, name) in self.texts:
            return self.texts[frame.module.name, name]
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple):
            place = [target.id for target in node.targets[0].elts].index(name)
            return f"{name} = {self.text(node.value.elts[place], frame)}"
        return self.statement(node, frame)[0]

    # --- functions

    def function(self, source: Module, name: str) -> Carved:
        """A function of a module as the calls that we have seen need it."""
        key = source.name, name
        if key not in self.functions:
            self.functions[key] = self.carved(source, source.definitions[name], self.arguments[key])
        return self.functions[key]

    def carved(self, source: Module, node: ast.FunctionDef, arguments: Mapping[str, Values | None]) -> Carved:
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
        return Carved([one.arg for one in kept], text, frame.references, only_expression(body))

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
        self.learn((source.name, name), {one: self.possible(value, frame) for one, value in given.items()})
        carved = self.function(source, name)
        texts = {one: self.text(given[one], frame) for one in carved.parameters}
        if carved.expression:
            whole = substituted(carved.expression, texts)
            if whole and len(whole) <= LONGEST_INLINE:
                frame.references |= carved.references
                return whole if is_atom(whole) or not wrap else f"({whole})"
        frame.references.add((source.name, name))
        by_name = {keyword.arg for keyword in node.keywords}
        shown = ", ".join(f"{one}={text}" if one in by_name else text for one, text in texts.items())
        return f"{name}({shown})"

    def other_call(self, node: ast.Call, frame: Frame) -> str:
        """A library's call, without the keywords that turn out to be None: they say what holds anyway."""
        left_out = {keyword for keyword in node.keywords if self.is_none(keyword.value, frame)}
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

    def is_none(self, node: ast.expr, frame: Frame) -> bool:
        """Whether it turns out to be None, and does not say so itself."""
        if isinstance(node, ast.IfExp) and (holds := self.truth(node.test, frame)) is not None:
            left = node.body if holds else node.orelse
            return (isinstance(left, ast.Constant) and left.value is None) or self.is_none(left, frame)
        return not isinstance(node, ast.Constant) and self.possible(node, frame) == (None,)

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
        values = self.possible(node.value, frame)
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
        holds = self.truth(node.test, frame)
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
        values = self.possible(node.subject, frame)
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
            holds = self.truth(node.test, frame)
            if holds is not None:
                return self.text(node.body if holds else node.orelse, frame, wrap)
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Dict):
            values = self.possible(node.slice, frame)
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
        values = self.possible(node, frame)
        if values is ANYTHING or len(values) > 1:
            return None
        if is_fixed(values[0]):
            return literal(values[0])
        if isinstance(node, ast.Attribute) and self.is_field(node, frame):
            constant = node.attr.upper()
            self.constants[constant] = node.attr
            return constant
        return None

    def is_field(self, node: ast.Attribute, frame: Frame) -> bool:
        """Whether it is a field of a known dataclass, as the settings are one."""
        owner = self.possible(node.value, frame)
        return owner is not ANYTHING and is_dataclass(owner[0]) and node.attr in owner[0].__dataclass_fields__

    def choice(self, node: ast.BoolOp, frame: Frame, wrap: bool) -> str:
        """`and` and `or` without the operands that cannot matter."""
        deciding = isinstance(node.op, ast.Or)  # the truth value that ends it
        left = []
        for operand in node.values:
            truth = self.truth(operand, frame)
            if truth is None or truth == deciding or (operand is node.values[-1] and not left):
                left.append(operand)
            if truth == deciding:
                break
        if len(left) == 1:
            return self.text(left[0], frame, wrap)
        return (" or " if deciding else " and ").join(self.text(operand, frame) for operand in left)

    def plain(self, node: ast.AST, frame: Frame) -> str:
        """The text as it stands, its parts carved."""
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

    # --- what is known

    def truth(self, node: ast.expr, frame: Frame) -> bool | None:
        """Whether a condition holds; None where that is not known."""
        if isinstance(node, ast.BoolOp):
            truths = [self.truth(operand, frame) for operand in node.values]
            deciding = isinstance(node.op, ast.Or)
            if deciding in truths:
                return deciding
            return None if None in truths else not deciding
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            truth = self.truth(node.operand, frame)
            return None if truth is None else not truth
        values = self.possible(node, frame)
        truths = set() if values is ANYTHING else {bool(value) for value in values}
        return truths.pop() if len(truths) == 1 else None

    def possible(self, node: ast.expr, frame: Frame) -> Values | None:
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


def arguments_of(node: ast.Call, function: ast.FunctionDef) -> dict[str, ast.expr]:
    """Parameter -> the expression it gets, the default where the call gives none."""
    names = [one.arg for one in function.args.args]
    if function.args.kwarg or function.args.kwonlyargs:
        raise NotImplementedError(f"{function.name}: keyword-only parameters")
    given = dict(zip(reversed(names), reversed(function.args.defaults), strict=False))
    given |= dict(zip(names, node.args, strict=False)) | {keyword.arg: keyword.value for keyword in node.keywords}
    return {name: given[name] for name in names}


def with_owner(node: ast.Call, function: ast.FunctionDef) -> ast.Call:
    """`settings.generated(…)` as a call of the function that stands in for the method and takes `settings` first."""
    owner = node.func.value if isinstance(node.func, ast.Attribute) else None
    if not isinstance(owner, ast.Name) or owner.id != function.args.args[0].arg:
        return node
    return ast.copy_location(ast.Call(node.func, [owner, *node.args], node.keywords), node)


def patterns(pattern: ast.pattern) -> list[object]:
    """The constants that a case stands for."""
    if isinstance(pattern, ast.MatchOr):
        return [value for one in pattern.patterns for value in patterns(one)]
    if isinstance(pattern, ast.MatchValue):
        return [ast.literal_eval(pattern.value)]
    raise NotImplementedError(f"case {ast.unparse(pattern)}")
