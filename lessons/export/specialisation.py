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
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from lessons.export.cutting import Cutter
from lessons.export.known import Frame
from lessons.export.syntax import MARK, Module, laid_out, mentioned, module, stored


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


class Specialiser(Cutter):
    """Specialises one program. The first round finds out what its functions are called with, until nothing is new.

    `methods`: `table.sequences` -> the (module, function) that stands in for it. `texts`: (module, name) -> what stands
    in for the definition there.
    """

    def __init__(self, methods: Mapping[str, tuple[str, str]], texts: Mapping[tuple[str, str], str]):
        super().__init__(methods)
        self.texts = texts

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
                specialised = self.function(source, at[1])
                text, needed = specialised.text, specialised.references
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
