"""A run as one Python file in plain Keras, which gives the same numbers."""

from __future__ import annotations

import json
import re
import symtable
import textwrap
from dataclasses import dataclass, replace
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lessons.export import loss, model
from lessons.export.bundle import Bundle
from lessons.export.loss import Loss
from lessons.recipe.bad_input import BadInput
from lessons.recipe.recipe import Recipe
from lessons.recipe.settings import Settings
from lessons.recipe.spec import Number

if TYPE_CHECKING:
    from jinja2 import Template

OWN_MODEL = '{% extends "own_model.jinja" %}'
MARK = "# %%"  # begins a part of the script
PACKAGES = ("keras", "tensorflow", "tensorflow-cpu", "numpy")
IMPORTS = "import keras\nimport numpy as np\nimport tensorflow as tf\nfrom keras import layers"
WIDTH = 120
SHOWN_ROWS = 8  # of the learner's data, where the script is only looked at
TAKEN = "Your data as the app took them: split, scaled and filled as the settings say"
LARGE = 2_000  # numbers of the learner's data, some 40 kB, from which on they stand in a file beside the script


@dataclass(frozen=True)
class Part:
    """A cell of the notebook."""

    title: str
    code: str


def script(bundle: Bundle, shortened: bool = False) -> str:
    """Raises BadInput for a pasted loss that cannot be taken along. `shortened`: of a table only the first rows."""
    given = loss_of(bundle)
    top = "\n\n".join(filter(None, [f'"""{head(bundle)}\n"""', given.first]))
    first, *others = (f"{MARK} {part.title}\n{part.code}" for part in parts_of(bundle, given, False, shortened))
    return "\n\n\n".join([f"{top}\n\n{first}", *others]) + "\n"


def loss_of(bundle: Bundle) -> Loss:
    recipe = bundle.recipe
    return loss.pasted(recipe.pasted) if recipe.pasted else loss.offered(recipe.settings.loss)


def parts_of(bundle: Bundle, given: Loss, notebook: bool, shortened: bool = False) -> list[Part]:
    """The parts of the script, the imports and the settings first. Raises BadInput as `script` does."""
    texts = rendered(bundle, given, notebook, shortened).split(f"{MARK} ")[1:]
    parts = [Part(title, code.strip()) for title, _, code in (text.partition("\n") for text in texts)]
    constants = numbers(bundle.recipe.settings, "\n".join(part.code for part in parts))
    parts.insert(0, Part("Settings", f"{IMPORTS}\n\n{constants}"))
    refuse_clashes(given, "\n".join(part.code for part in parts))
    return [replace(part, code=part.code or given.text) for part in parts]


def rendered(bundle: Bundle, given: Loss, notebook: bool, shortened: bool) -> str:
    """All parts but the settings: script.jinja, which the template of the family extends."""
    recipe = bundle.recipe
    return template(OWN_MODEL if recipe.model else recipe.settings.template).render(
        s=recipe.settings,
        recipe=recipe,
        loss=given,
        says=bundle.says,
        notebook=notebook,
        page=bundle.file(".html"),
        own_model=model.function_of(recipe) if recipe.model else None,
        losses_beside=model.losses_beside(recipe) if recipe.model else "",
        loss_weights=model.loss_weights(recipe),
        weights_in_fit=model.weights_in_fit(recipe),
        own_data=own_data(bundle, notebook, shortened) if recipe.table else None,
    )


@cache
def template(text: str) -> Template:
    """The template of a family. Jinja is loaded for the first: a server's first page does not wait for it."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    folder = FileSystemLoader(Path(__file__).parent)
    rules = Environment(loader=folder, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return rules.from_string(text)


def numbers(settings: Settings, code: str) -> str:
    """The numbers that the code names, as constants."""
    named = set(re.findall(r"\b[A-Z_]+\b", code))
    return "\n".join(
        f"{name.upper()} = {getattr(settings, name)!r}  # {spec.help}"
        for name, spec in settings.specs().items()
        if isinstance(spec, Number) and name.upper() in named
    )


def own_data(bundle: Bundle, notebook: bool, shortened: bool) -> str:
    """The statements that make `rows` of the learner's data as a run takes them."""
    if beside(bundle.recipe):
        name = json.dumps(bundle.file("-data.csv"))
        at = name if notebook else f"Path(__file__).with_name({name})"
        first = "" if notebook else "from pathlib import Path\n\n"
        return f'{first}# {TAKEN}\nrows = np.loadtxt({at}, delimiter=",", skiprows=1)'
    lines = own_rows(bundle.recipe)
    if shortened and len(lines) > SHOWN_ROWS:
        lines[SHOWN_ROWS:] = [f"… and {len(lines) - SHOWN_ROWS} more rows in the file"]
    rows = "\n".join(lines)
    return f'# {TAKEN}\nOWN_DATA = """{rows}\n"""\nrows = np.loadtxt(OWN_DATA.splitlines()[1:], delimiter=",")'


def beside(recipe: Recipe) -> bool:
    """Whether a learner's data are so large that they lie in a file beside the script."""
    table = recipe.table
    return table is not None and table.lengths(recipe.settings).sum() * (table.features + 1) > LARGE


def own_rows(recipe: Recipe) -> list[str]:
    """The learner's data as lines: the names, then each step that a run takes, split, scaled and filled."""
    table = recipe.table
    names = [re.sub(r"[^\w ]", "", name) for name in (*table.names, table.columns.label)]
    lines = [",".join(["held out", "sequence", *names])]
    for stream in (0, 1):
        x, y, lengths = table.sequences(recipe.settings, stream)
        for row, length in enumerate(lengths):
            steps = np.concatenate([x[row, :length], y[row, :length]], axis=1).tolist()
            lines += [",".join(map(repr, (stream, row, *step))) for step in steps]
    return lines


def head(bundle: Bundle) -> str:
    """What the file is, in a few lines."""
    installed = {package: version for package in PACKAGES if (version := version_of(package))}
    sentences = (
        f"Preset “{bundle.lesson.preset(bundle.preset).label}” of a lesson of Unmasked, in plain Keras."
        f" Needs tensorflow and numpy; with plotly it draws. It prints the app's loss curve, to 1e-5, with"
        f" {', '.join(f'{package} {version}' for package, version in installed.items())} on a CPU."
    )
    link = f"The same in the app: /?{bundle.query}"
    for yours, name in ((bundle.recipe.pasted, "loss"), (bundle.recipe.table, "data"), (bundle.recipe.model, "model")):
        link += f"\nThe link does not carry your {name}." * bool(yours)
    return "\n\n".join([bundle.lesson.title, textwrap.fill(sentences, WIDTH), link])


def version_of(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def refuse_clashes(given: Loss, code: str) -> None:
    """A pasted text that gives another meaning to a name of the script cannot stand in one file with it."""
    ours = {symbol.get_name() for symbol in symbols(code) if symbol.is_assigned() or symbol.is_imported()}
    for symbol in symbols(given.text):
        name = symbol.get_name()
        if symbol.is_assigned() and name in ours:
            raise BadInput(f"your loss: it defines “{name}”, which the script uses for something else; rename it.")


def symbols(code: str) -> list[symtable.Symbol]:
    """The names of a text at its top level."""
    return symtable.symtable(code, "script", "exec").get_symbols()
