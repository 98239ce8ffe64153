"""A table with a column for each time becomes one with a row for each. NumPy only."""

from __future__ import annotations

import re

import numpy as np

from lessons.own_data import roles
from lessons.own_data.sheet import Column, Sheet

FEWEST_COUNTED, FEWEST_EARLY = 24, 6  # columns that are counted and so may be steps; where sequences end early
MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec"


def turned(sheet: Sheet) -> Sheet:
    """A table with a column per time as one with a row per time: what tells its rows apart, time, value.

    Arrays of Column: (rows,).
    """
    wide = times_across(sheet)
    if not wide:
        return sheet
    kept = [column for column in sheet.columns if column.name not in wide]
    values = np.column_stack([sheet.column(name).values for name in wide]).astype("float64")
    rows, steps = values.shape
    told = [Column(one.name, one.kind, np.repeat(one.values, steps), one.words) for one in kept]
    each = next((one.name for one in kept if len(one.distinct) == rows and one.known.all()), None)
    if each is None:
        told.insert(0, Column("row", "number", np.repeat(np.arange(1.0, rows + 1), steps)))
    told += [
        Column("time", "number", np.tile(np.arange(1.0, steps + 1), rows)),
        Column(roles.VALUE, "number", values.ravel()),
    ]
    note = f"The columns “{wide[0]}” to “{wide[-1]}” are times: each row became a sequence of {steps} steps."
    return Sheet(tuple(told), (*sheet.notes, note), turned=True)


def times_across(sheet: Sheet) -> tuple[str, ...]:
    """The columns that are times of one quantity: months, years, dates, or numbers that count; none where there are
    others of numbers than those and a label.
    """
    numbers = [column for column in sheet.columns if column.kind == "number"]
    if across := counted(sheet):
        return across
    if len(numbers) < 4 or not (found := [column.name for column in numbers if says_time(column.name)]):
        if sheet.columns[-1].name.startswith(roles.NAMELESS) and len(numbers) >= 24 and sheet.rows >= 3:
            first = numbers[0]  # without names, as archives of sequences are: a label, then the steps
            labelled = first.whole and 2 <= len(first.distinct) <= min(roles.MOST_CLASSES, sheet.rows // 2)
            return tuple(column.name for column in numbers[1:]) if labelled else ()
        return ()
    stems = [re.sub(r"[\d.]+", "", roles.plain(name)) for name in found]
    stem = max(dict.fromkeys(stems), key=stems.count)
    digits = [name for name, one in zip(found, stems, strict=True) if one == stem]
    months = [name for name in found if roles.plain(name)[:3] in MONTHS.split()]
    longer = max((digits, months), key=len)
    return tuple(longer) if len(longer) >= max(4, len(numbers) / 2) else ()


def counted(sheet: Sheet) -> tuple[str, ...]:
    """Columns such as V2 to V40: of one name, and counted. They are steps where they are many, or sequences end early.

    Nothing else may say what a time is.
    """
    parts = [
        (re.fullmatch(r"(\D*?)0*(\d+)", column.name), column) for column in sheet.columns if column.kind == "number"
    ]
    named_so = [(match[1], int(match[2]), column) for match, column in parts if match]
    stems = [stem for stem, _, _ in named_so]
    stems = [stem for stem in stems if stem != roles.NAMELESS]
    if not stems or roles.named(sheet.columns, "time") or any(column.kind == "date" for column in sheet.columns):
        return ()
    stem = max(dict.fromkeys(stems), key=stems.count)
    across = sorted([(number, column) for one, number, column in named_so if one == stem], key=lambda one: one[0])
    known = np.column_stack([column.known for _, column in across])
    early = bool((known[:, :-1] >= known[:, 1:]).all() and not known.all())
    consecutive = [number for number, _ in across] == list(range(across[0][0], across[0][0] + len(across)))
    enough = len(across) >= (FEWEST_EARLY if early else FEWEST_COUNTED) and len(across) >= len(parts) - 2
    return tuple(column.name for _, column in across) if enough and consecutive else ()


def says_time(name: str) -> bool:
    """Whether a name is that of a time: Jan, 1960, 2020-01-31, t12, week 3, or a number."""
    short = name.strip().lower()
    month = short.rstrip(".")[:3] in MONTHS.split() and short.isalpha() and len(short) < 10
    counted = re.fullmatch(
        r"(t|time|timestep|step|day|d|week|w|wk|month|m|year|y|yr|hour|h|q|quarter|period|lag)?[ _.-]?\d+(\.0)?", short
    )
    dated = re.fullmatch(r"\d{1,4}[-/.]\d{1,2}([-/.]\d{1,4})?.*|\d{4}[ -]?[qm]\d{1,2}|x?\d{4}( \[yr\d{4}\])?", short)
    return bool(month or counted or dated)
