"""`python -m lessons examine`: what becomes of a file of the owner's, trained with sensible defaults."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lessons import families
from lessons.course.own_case import START
from lessons.own_data.brought import Brought
from lessons.recipe import modules
from lessons.recipe.bad_input import BadInput
from lessons.recipe.recipe import Recipe
from lessons.recipe.settings import Settings
from lessons.recipe.words import plural

ROLES = {"label": str, "sequence": str, "time": str, "ahead": int, "length": int, "stride": int}


def brought(given: argparse.Namespace) -> Brought:
    """The file with the roles that were said. Raises BadInput."""
    path = Path(given.data)
    try:
        data = path.read_bytes()
    except OSError as failure:
        raise BadInput(f"--data: got “{given.data}”; takes a file that can be read ({failure.strerror}).") from None
    said: dict[str, Any] = {role: value for role in ROLES if (value := getattr(given, role)) is not None}
    if given.classes:
        said["classes"] = True
    return Brought.parse(data, path.name, said)


def recipe_of(mine: Brought, family: str | None, changes: Sequence[str]) -> Recipe:
    """What is trained: what suits the data, and over that what was set. Raises BadInput."""
    table = mine.table
    settings = family_of(family)
    if not settings.takes_table:
        raise BadInput(f"--family: “{family}” trains on what it generates; takes one that can be given data.")
    settings = settings.with_changes({**table.care(settings), **table.outset})
    return Recipe(settings, table).with_changes(dict(map(change_of, changes)))


def change_of(text: str) -> tuple[str, str]:
    """Name and value of a field. Raises BadInput."""
    name, equals, value = text.partition("=")
    if not equals:
        raise BadInput(f"--set: got “{text[:40]}”; takes FIELD=VALUE, such as epochs=20.")
    return name.strip(), value.strip()


def family_of(name: str | None) -> Settings:
    """The settings that a family begins with. Raises BadInput for a name that none has."""
    if name in (None, "recurrent"):
        return START
    for module in modules.imported(families):
        found = [kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, Settings)]
        if module.__name__.rpartition(".")[2] == name:
            return next(kind for kind in found if kind.__module__ == module.__name__)()
    raise BadInput(f"--family: got “{str(name)[:40]}”; there are {', '.join(modules.names(families))}.")


def report(mine: Brought, recipe: Recipe) -> dict[str, Any]:
    """Roles, and what became of the data."""
    table, settings = mine.table, recipe.settings
    training, held_out = table.sizes(settings)
    labels, inputs = table.missing(settings)
    return {
        "file": mine.name,
        "rows": mine.sheet.rows,
        "roles": asdict(mine.roles),
        "data": {
            "training": training,
            "held_out": held_out,
            "left_out": table.left_out(settings),
            "timesteps": settings.timesteps,
            "features": list(table.names),
            "classes": list(table.classes),
            "padding": table.shares(settings)[0],
            "missing_labels": labels,
            "missing_inputs": inputs,
            "gaps": table.gaps,
            "split_by": "time" if table.held else "seed",
        },
        "notes": list(mine.notes),
    }


def told(report: Mapping[str, Any]) -> list[str]:
    """The report in lines."""
    roles, data = report["roles"], report["data"]
    label = roles["label"] + f", {plural(roles['ahead'], 'step')} ahead" * bool(roles["ahead"])
    kinds = f"{len(data['classes'])} classes" if data["classes"] else "numbers"
    windows = f", windows of {roles['length']} steps every {roles['stride']}" * bool(roles["length"])
    return [
        f"{report['file']}: {plural(report['rows'], 'row')}",
        f"sequence  {roles['sequence'] or 'none: one long series'}{windows}",
        f"time      {roles['time'] or 'none: the order of the rows'}",
        f"label     {label} ({kinds})",
        f"features  {', '.join(roles['features'])}",
        f"data      {data['training']} sequences to train on, {data['held_out']} held out by the {data['split_by']}, "
        f"{data['timesteps']} steps, {data['padding']:.0%} padding, {data['missing_labels']} labels and "
        f"{data['missing_inputs']} inputs missing, {data['gaps']} gaps",
        *report["notes"],
        "",
    ]
