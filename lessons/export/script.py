"""A run as one Python file in plain Keras, which gives the same numbers."""

from __future__ import annotations

import ast
import re
import sys
import textwrap
from collections.abc import Sequence
from importlib import metadata

import numpy as np

from lessons.export import loss
from lessons.export.bundle import Bundle
from lessons.export.known import Named
from lessons.export.loss import Loss
from lessons.export.specialisation import Part, Program, Specialiser
from lessons.export.syntax import MARK
from lessons.recipe.bad_input import BadInput
from lessons.recipe.recipe import Recipe
from lessons.recipe.spec import Choice

PROGRAM = "lessons.export.program"
DATA = "lessons.export.data_part"
PACKAGES = ("keras", "tensorflow", "tensorflow-cpu", "numpy")
WIDTH = 120
OUTPUT = {"classes": "How many there are."}  # numbers of what a model puts out, beside those of the settings
SHOWN_ROWS = 8  # of the learner's data, where the script is only looked at


def script(bundle: Bundle, shortened: bool = False) -> str:
    """Raises BadInput for a pasted loss that cannot be taken along. `shortened`: of a table only the first rows."""
    given = loss_of(bundle)
    parts = parts_of(bundle, given, False, shortened)
    top = "\n\n".join(filter(None, [f'"""{head(bundle)}\n"""', given.first]))
    first, *others = (f"{MARK} {part.title}\n{part.code}" for part in parts)
    return "\n\n\n".join([f"{top}\n\n{first}", *others]) + "\n"


def loss_of(bundle: Bundle) -> Loss:
    recipe = bundle.recipe
    return loss.pasted(recipe.pasted) if recipe.pasted else loss.offered(recipe.settings.loss)


def parts_of(bundle: Bundle, given: Loss, notebook: bool, shortened: bool = False) -> list[Part]:
    """The parts of the program, with the imports, the settings, the loss and the learner's data in their places."""
    if bundle.recipe.settings.template:
        return parts_of_template(bundle, given, shortened)
    known = {
        "recipe": bundle.recipe,
        "loss": Named(given.name),
        "takes_epsilon": given.takes_epsilon,
        "may_be_object": given.may_be_object,
        "output": bundle.says,
        "notebook": notebook,
        "page": bundle.file(".html"),
    }
    program = specialiser(bundle, shortened).program(PROGRAM, "program", known)
    refuse_clashes(given, program.parts, program)
    parts = [settings_part(bundle, program)]
    for part in program.parts:
        parts.append(loss_part(given) if part.title == "Loss" else part)
    return parts


def parts_of_template(bundle: Bundle, given: Loss, shortened: bool) -> list[Part]:
    """The same from the family's template, which is rendered with `s`, the settings, `recipe`, and `loss`, a Loss."""
    from jinja2 import Environment, StrictUndefined

    recipe = bundle.recipe
    program = specialiser(bundle, shortened).program(DATA, "program", {"recipe": recipe})
    template = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True).from_string
    text = template(recipe.settings.template).render(s=recipe.settings, recipe=recipe, loss=given)
    own = [Part(*map(str.strip, part.split("\n", 1))) for part in text.split(MARK)[1:]]
    refuse_clashes(given, [*program.parts, *own], program)
    return [settings_part(bundle, program), *program.parts, loss_part(given), *own]


def specialiser(bundle: Bundle, shortened: bool) -> Specialiser:
    recipe = bundle.recipe
    generated = type(recipe.settings).__module__, "sequences"
    methods = {"table.sequences": (PROGRAM, "own_sequences"), "settings.generated": generated}
    texts = {(PROGRAM, "OWN_DATA"): own_data(recipe, shortened)} if recipe.table else {}
    return Specialiser(methods, texts)


def settings_part(bundle: Bundle, program: Program) -> Part:
    return Part("Settings", "\n".join([*imports(program), "", *settings(bundle, program)]))


def loss_part(given: Loss) -> Part:
    return Part(f"Loss: {given.title}", given.text)


def own_data(recipe: Recipe, shortened: bool) -> str:
    """The learner's data as a run takes them: split, scaled and filled as the settings say."""
    table = recipe.table
    names = [re.sub(r"[^\w ]", "", name) for name in (*table.columns.features, table.columns.label)]
    lines = [",".join(["held out", "sequence", *names])]
    for stream in (0, 1):
        x, y, lengths = table.sequences(recipe.settings, stream)
        for row, length in enumerate(lengths):
            steps = np.concatenate([x[row, :length], y[row, :length]], axis=1).tolist()
            lines += [",".join(map(repr, (stream, row, *step))) for step in steps]
    if shortened and len(lines) > SHOWN_ROWS:
        lines[SHOWN_ROWS:] = [f"… and {len(lines) - SHOWN_ROWS} more rows in the file"]
    rows = "\n".join(lines)
    return f'# Your data as the app took them: split, scaled and filled as the settings say\nOWN_DATA = """{rows}\n"""'


def head(bundle: Bundle) -> str:
    """What the file is, in a few lines."""
    installed = {package: version for package in PACKAGES if (version := version_of(package))}
    sentences = (
        f"Preset “{bundle.lesson.preset(bundle.preset).label}” of a lesson of Unmasked, in plain Keras."
        f" Needs tensorflow and numpy; with plotly it draws. It prints the loss curve that the app shows, to 1e-5, with"
        f" {', '.join(f'{package} {version}' for package, version in installed.items())} on a CPU."
    )
    link = f"The same in the app: /?{bundle.query}"
    for yours, name in ((bundle.recipe.pasted, "loss"), (bundle.recipe.table, "data")):
        link += f"\nThe link does not carry your {name}." * bool(yours)
    return "\n\n".join([bundle.lesson.title, textwrap.fill(sentences, WIDTH), link])


def version_of(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def imports(program: Program) -> list[str]:
    """Sorted as formatters sort them: the standard library first, modules before names."""
    names: dict[str, list[str]] = {}
    for line in program.imports:
        if line.startswith("from "):
            module, _, name = line.removeprefix("from ").partition(" import ")
            names.setdefault(module, []).append(name)
    lines = [line for line in program.imports if line.startswith("import ")]
    lines += [f"from {module} import {', '.join(sorted(these))}" for module, these in names.items()]
    lines.sort(key=lambda line: (line.startswith("from "), line.split()[1]))
    ours = [line for line in lines if line.split()[1].partition(".")[0] in sys.stdlib_module_names]
    return [*ours, "", *(line for line in lines if line not in ours)]


def settings(bundle: Bundle, program: Program) -> list[str]:
    """The numbers as constants, the other settings that matter as a comment: the program is made for them."""
    trained, unused = bundle.recipe.settings, bundle.recipe.idle()
    chosen = [
        f"{name}={getattr(trained, name)}"
        for name, spec in trained.specs().items()
        if isinstance(spec, Choice) and name not in unused and not (name == "loss" and bundle.recipe.pasted)
    ]
    comment = textwrap.wrap(", ".join(chosen), WIDTH, initial_indent="# ", subsequent_indent="# ")
    numbers = {field: constant for constant, field in program.constants.items()}
    lines = [f"{numbers[field]} = {getattr(trained, field)!r}" for field in trained.specs() if field in numbers]
    lines += [f"{numbers[field]} = {getattr(trained.predicts, field)!r}" for field in numbers if field in OUTPUT]
    helps = [trained.specs()[field].help.replace("\n", " ") for field in trained.specs() if field in numbers]
    helps += [OUTPUT[field] for field in numbers if field in OUTPUT]
    return [*comment, *(f"{line}  # {help_}" for line, help_ in zip(lines, helps, strict=True))]


def refuse_clashes(given: Loss, parts: Sequence[Part], program: Program) -> None:
    """A pasted text that gives another meaning to a name of the program cannot stand in one file with it."""
    ours = {name for part in parts for name in bound(part.code)} | program.constants.keys()
    for name in bound(given.text):
        if name in ours:
            raise BadInput(f"your loss: it defines “{name}”, which the script uses for something else; rename it.")


def bound(code: str) -> list[str]:
    """The names that a text gives a meaning to at its top level, imports left out."""
    names = []
    for node in ast.parse(code).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.Assign | ast.For | ast.If):
            stored = (inner for inner in ast.walk(node) if isinstance(inner, ast.Name))
            names += [inner.id for inner in stored if isinstance(inner.ctx, ast.Store)]
    return names
