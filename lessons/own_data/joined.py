"""Columns that say one thing together: a year and a month, a date and a time of day, a firm and a plant. NumPy only."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import combinations

import numpy as np

from lessons.own_data import roles
from lessons.own_data.sheet import Column, Sheet, frozen
from lessons.recipe.data import Floats

DAY = 86_400.0  # seconds
PARTS = {  # of a moment: how a column is recognised, and the range of its whole numbers
    "year": ("year yr jahr yyyy", 1000, 3000),
    "quarter": ("quarter qtr q", 1, 4),
    "month": ("month mon mnth mo monat mm", 1, 12),
    "day": ("day dayofmonth dd tag", 1, 31),
    "hour": ("hour hr hh stunde", 0, 24),
    "minute": ("minute min", 0, 59),
}
CLOCK = re.compile(r"(\d{1,2})[:.h](\d{2})(?:[:.](\d{2}))?")
MOST_PAIRED = 6  # columns that are tried in pairs
MOST_PAIRS = 5_000  # sequences that two columns tell apart
FEW = 0.01  # share of rows with the time of another that is no more than a slip
HEAD = 20_000  # rows on which pairs are tried first


def joined(sheet: Sheet) -> Sheet:
    """The same sheet with a column for each thing that several columns say. Arrays of Column: (rows,)."""
    for found in (moment_of_parts, moment_of_clock, pair_of_names):
        told = found(sheet)
        if told is not None:
            column, parts = told
            names = " and ".join(f"“{name}”" for name in parts)
            what = "the time" if column.kind == "date" else "what tells sequences apart"
            note = f"The columns {names} together are {what}."
            sheet = replace(
                sheet,
                columns=(*sheet.columns, column),
                notes=(*sheet.notes, note),
                joined={**sheet.joined, column.name: parts},
            )
    return sheet


def part_of(sheet: Sheet, part: str) -> Column | None:
    """The column that holds this part of a moment."""
    names, low, high = PARTS[part]
    for column in sheet.columns:
        called = roles.plain(column.name) in names.split() and column.whole and len(column.distinct)
        if called and low <= column.distinct[0] and column.distinct[-1] <= high:
            return column
    return None


def moment_of_parts(sheet: Sheet) -> tuple[Column, tuple[str, ...]] | None:
    """A year with a month or quarter, and finer parts as far as they are there."""
    if any(column.kind == "date" for column in sheet.columns):
        return None
    year, month = part_of(sheet, "year"), part_of(sheet, "month")
    within = month or part_of(sheet, "quarter")
    if year is None or within is None:
        return None
    finer = [part_of(sheet, part) for part in ("day", "hour", "minute")] if month else []
    months = within.values if month else 3 * within.values - 2
    values = 12 * (year.values - 1970) + months - 1
    known = ~np.isnan(values)
    days = np.full(len(values), np.nan)
    days[known] = values[known].astype("datetime64[M]").astype("datetime64[D]").astype(float)
    parts, seconds = [year, within], DAY * days
    for column, size, first in zip(finer, (DAY, 3600.0, 60.0), (1, 0, 0), strict=False):
        if column is None:
            break
        seconds = seconds + size * (column.values - first)
        parts.append(column)
    return named(seconds, parts)


def moment_of_clock(sheet: Sheet) -> tuple[Column, tuple[str, ...]] | None:
    """A date and the time of day beside it."""
    dates = [one for one in sheet.columns if one.kind == "date" and not (one.values[one.known] % DAY).any()]
    if not dates:
        return None
    day = max(dates, key=lambda one: len(one.distinct))
    hour = part_of(sheet, "hour")
    for column in sheet.columns:
        clock = clock_of(column) if column is not day else None
        if clock is None and column is hour:
            clock = 3600 * hour.values
        if clock is not None:
            return named(day.values + clock, [day, column])
    return None


def clock_of(column: Column) -> Floats | None:
    """(rows,) seconds of the day in a column of such as 18:30 or 18.30.00; None where it is none."""
    if column.kind == "date" and len(column.distinct) > 1:  # read as moments of one and the same day
        return column.values % DAY if np.ptp(column.distinct // DAY) == 0 else None
    times = [CLOCK.fullmatch(word) for word in column.words]
    told = [time.groups(default="0") for time in times if time]
    if not told or len(told) < len(times):
        return None
    of_word = np.array([3600 * int(hours) + 60 * int(minutes) + int(seconds) for hours, minutes, seconds in told])
    clock = np.full(len(column.values), np.nan)
    clock[column.known] = of_word[column.values[column.known].astype(int)]
    return clock


def named(seconds: Floats, parts: list[Column]) -> tuple[Column, tuple[str, ...]]:
    """A column of moments (rows,), called after its parts, and their names."""
    names = tuple(column.name for column in parts)
    return Column(" + ".join(names), "date", frozen(np.array(seconds, "float64"))), names


def pair_of_names(sheet: Sheet) -> tuple[Column, tuple[str, ...]] | None:
    """Two columns within whose pairs no time comes twice, where no column alone does it."""
    usable = [column for column in sheet.columns if column.known.any()]
    label = roles.named(sheet.columns, "label")
    time = roles.time_of(sheet, usable, label)
    if not time or sheet.turned:
        return None
    moment = sheet.column(time)
    if len(moment.distinct) == moment.known.sum():
        return None
    alone = roles.sequence_of(usable, label, time)
    if alone and roles.shared(sheet.column(alone), moment) < FEW:
        return None
    taken = (label, time, *(name for parts in sheet.joined.values() for name in parts))
    possible = [one for one in usable if one.name not in taken and roles.may_be_sequence(one)]
    called = [one for one in possible if roles.plain(one.name) in roles.NAMES_OF["sequence"]]
    tried = list(dict.fromkeys([*called, *(one for one in possible if one.kind == "text")]))[:MOST_PAIRED]
    head = {column.name: first_rows(column) for column in (*tried, moment)}
    for first, second in combinations(tried, 2):
        if shares_times(head[first.name], head[second.name], head[time]):
            continue
        pair = paired(first, second)
        if len(pair.words) <= MOST_PAIRS and roles.shared(pair, moment) < FEW:
            return pair, (first.name, second.name)
    return None


def first_rows(column: Column) -> Column:
    """The column as far as a pair that is none shows it: of a million rows each pair would take half a second."""
    return Column(column.name, column.kind, column.values[:HEAD], column.words)


def shares_times(first: Column, second: Column, moment: Column) -> bool:
    """Whether a time comes again within pairs of the two."""
    return roles.shared(paired(first, second), moment) >= FEW


def paired(first: Column, second: Column) -> Column:
    """The pairs of two columns' values, as texts (rows,)."""
    known, width = first.known & second.known, len(second.distinct) + 1
    pairs, codes = np.unique((first.places * width + second.places)[known], return_inverse=True)
    values = np.full(len(known), np.nan)
    values[known] = codes
    both = ((first.distinct[pair // width], second.distinct[pair % width]) for pair in pairs[: MOST_PAIRS + 1])
    words = tuple(f"{first.said(one)}, {second.said(other)}" for one, other in both)
    return Column(f"{first.name} + {second.name}", "text", frozen(values), words)
