"""The table of a sheet under given roles: sequences in the order of time, labels, windows, and what is held out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lessons.own_data.roles import ONE_HOT, Roles
from lessons.own_data.sheet import Column, Sheet, frozen
from lessons.recipe.bad_input import BadInput
from lessons.recipe.data import Bools, Floats, Whole
from lessons.recipe.table import FEATURES, HELD_OUT, STEPS, TOO_FAR, Columns, Feature, Series, Table
from lessons.recipe.words import plural

GROUPS = 3  # so many sequences, and some can be held out; of fewer the later part is
KEPT = 2048  # sequences of a table: a run draws from them
GRID = 1e-3  # share of a step by which times may miss a regular grid: the rounding of their decimals


@dataclass(frozen=True)
class Built:
    """A table, and what was done on the way, in sentences."""

    table: Table
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Group:
    """The rows of one sequence of the file, in the order of time."""

    name: str
    x: Floats  # (rows, features)
    y: Floats  # (rows,)
    places: Whole  # (rows,)


def built(sheet: Sheet, roles: Roles, name: str) -> Built:
    """The table. Raises BadInput where nothing can be trained on it, with what to do."""
    notes: list[str] = []
    kept, values = rows_in_order(sheet, roles, notes)
    times = [values[mine] for mine in kept]
    tick = tick_of([np.diff(each) for each in times])
    features = encodings(sheet, roles)
    inputs = np.column_stack([sheet.column(one.name).values for one in features]).astype("float64")
    labels, classes = labels_of(sheet.column(roles.label), roles)
    groups = []
    for mine, moments in zip(kept, times, strict=True):
        y = labels[mine]
        rows = len(mine) - roles.ahead
        if rows < 1:
            continue
        strides = np.rint(np.diff(moments[:rows]) / tick)
        places = np.concatenate([[0], np.clip(strides, 1, TOO_FAR).cumsum()]).astype(int)
        label = (
            sheet.column(roles.sequence).said(sheet.column(roles.sequence).values[mine[0]]) if roles.sequence else ""
        )
        groups.append(Group(label or name, inputs[mine[:rows]], y[roles.ahead :], places))
    if left := len(kept) - len(groups):
        notes.append(
            f"{plural(left, 'sequence')} with {roles.ahead} rows or fewer left out: no label lies ahead there."
        )
    series, held = cut(groups, roles, notes)
    check(series, held, roles)
    columns = Columns(roles.sequence, roles.time, tuple(one.name for one in features), roles.label, roles.ahead)
    dated = bool(roles.time) and sheet.column(roles.time).kind == "date"
    encoded = features if any(one.categories for one in features) else ()
    return Built(Table(name, columns, tuple(series), tick, dated, encoded, classes, held), tuple(notes))


def rows_in_order(sheet: Sheet, roles: Roles, notes: list[str]) -> tuple[list[Whole], Floats]:
    """For each sequence, in the order of their first rows, the places of its rows (rows,) in the order of time; and the
    time of all rows (rows,). Raises BadInput where none is left.
    """
    times: Floats = np.arange(sheet.rows, dtype=float)
    usable = np.ones(sheet.rows, bool)
    if roles.time:
        column = sheet.column(roles.time)
        if column.kind == "text":
            raise BadInput(
                f"column “{roles.time}”: its times are texts; takes numbers or dates, or the order of the rows."
            )
        times = np.asarray(column.values, "float64")
        usable &= told(column, "time", notes)
    codes = np.zeros(sheet.rows)
    if roles.sequence:
        column = sheet.column(roles.sequence)
        codes = np.asarray(column.values, "float64")
        usable &= told(column, "sequence", notes)
    rows = np.flatnonzero(usable)
    if not rows.size:
        raise BadInput(f"column “{roles.time or roles.sequence}”: every cell is missing; choose another column.")
    order = rows[np.lexsort((times[rows], codes[rows]))]  # stable: equal times stay in the order of the file
    ends = np.flatnonzero(np.diff(codes[order])) + 1
    groups: list[Whole] = sorted(np.split(order, ends), key=lambda mine: int(mine.min()))
    if roles.time and (again := sum(int((np.diff(times[mine]) == 0).sum()) for mine in groups)):
        notes.append(f"{plural(again, 'row')} with the time of the row before: taken one after the other.")
    return groups, times


def told(column: Column, role: str, notes: list[str]) -> Bools:
    """(rows,) where a cell says something; rows without it are left out, and that is told."""
    if lacking := int((~column.known).sum()):
        notes.append(f"{plural(lacking, 'row')} without a {role} (“{column.name}”) left out.")
    return column.known


def encodings(sheet: Sheet, roles: Roles) -> tuple[Feature, ...]:
    """How the features are given to the model. Raises BadInput where there are more than FEATURES."""
    features = []
    for name in roles.features:
        column = sheet.column(name)
        if column.kind == "text" and not column.words:
            raise BadInput(
                f"column “{name}”: it has {len(column.distinct):,} different texts, too many for categories."
            )
        few = roles.one_hot and len(column.words) <= ONE_HOT
        features.append(Feature(name, column.words if column.kind == "text" else (), few))
    width = sum(len(one.names) for one in features)
    if width > FEATURES:
        raise BadInput(
            f"The features take {width} columns with their categories; up to {FEATURES} are taken: leave some out."
        )
    return tuple(features)


def labels_of(column: Column, roles: Roles) -> tuple[Floats, tuple[str, ...]]:
    """Labels (rows,) and the names of the classes; of classes the label is the place in these names."""
    if not roles.classes:
        return column.values.astype("float64"), ()
    distinct = column.distinct
    places = np.searchsorted(distinct, np.where(column.known, column.values, distinct[0])).astype(float)
    return np.where(column.known, places, np.nan), tuple(column.said(value) for value in distinct)


def tick_of(differences: list[Floats]) -> float:
    """The time of one step, from the differences (rows - 1,) of the times of each sequence.

    The smallest difference where all are multiples of it; else, as with months, one of usual size.
    """
    all_ = np.sort(np.concatenate(differences))
    all_ = all_[all_ > 0]
    if not all_.size:
        return 1.0
    strides = all_ / all_[0]
    regular = np.abs(strides - np.rint(strides)).max() < GRID
    return float(all_[0] if regular else all_[len(all_) // 2])


# --- windows


def cut(groups: list[Group], roles: Roles, notes: list[str]) -> tuple[list[Series], tuple[bool, ...]]:
    """The sequences of a table, and which are held out where time decides it. Raises BadInput where there are none.

    Of three groups or more one in three is held out as a whole, whatever its windows. Of one or two the last third of
    the time is, and a window's length before it is left out, so that no step is on both sides.
    """
    by_time = len(groups) < GROUPS
    length, stride = roles.length, max(1, roles.stride)
    longest = max((len(one.y) for one in groups), default=0)
    if not length and (longest > STEPS or by_time):
        length = min(48, max(2, longest // 8))
        stride = max(1, length // 2)
        notes.append(f"Cut into windows of {plural(length, 'step')}.")
    pieces: list[tuple[int, int, int, bool]] = []
    for number, group in enumerate(groups):
        rows = len(group.y)
        if not length or (rows <= length and not by_time):
            pieces.append((number, 0, rows, False))
        elif by_time:
            pieces += [(number, *window) for window in parted(rows, length, stride, roles.ahead)]
        else:
            pieces += [(number, start, start + length, False) for start in range(0, rows - length + 1, stride)]
    if len(pieces) > KEPT:
        notes.append(f"Of {len(pieces):,} sequences {KEPT:,} are kept, evenly over the file.")
        pieces = [pieces[place] for place in np.linspace(0, len(pieces) - 1, KEPT).astype(int)]
    series = [piece_of(groups[number], number, start, stop, bool(length)) for number, start, stop, _ in pieces]
    return series, tuple(held for *_, held in pieces) if by_time else ()


def parted(rows: int, length: int, stride: int, ahead: int) -> Iterator[tuple[int, int, bool]]:
    """Windows of one series as (start, stop, held out): the last third of the time is held out, a window apart."""
    first_held = min(rows - length, rows - rows // HELD_OUT)
    last = first_held - length - ahead
    for start in range(0, last - length + 1, stride):
        yield start, start + length, False
    for start in range(max(0, first_held), rows - length + 1, stride):
        yield start, start + length, True


def piece_of(group: Group, number: int, start: int, stop: int, window: bool) -> Series:
    """The rows from start to stop of a group as a sequence. Its arrays cannot be written to."""
    x, y = frozen(group.x[start:stop].copy()), frozen(group.y[start:stop].copy())
    places = group.places[start:stop] - group.places[start]
    places.flags.writeable = False
    name = f"{group.name}, from row {start + 1}" if window and len(group.y) > stop - start else group.name
    return Series(name, x, y, places, number)


def check(series: list[Series], held: tuple[bool, ...], roles: Roles) -> None:
    """Raises BadInput where there is too little to train on, or no label at all."""
    training = held.count(False) if held else len({one.group for one in series}) - 1
    if training < 2 or (held and not any(held)):
        rows = sum(len(one.y) for one in series)
        length = f"windows of {plural(roles.length, 'step')}" if roles.length else plural(len(series), "sequence")
        raise BadInput(
            f"Too few rows to train on and to hold some out ({length}, {plural(rows, 'row')} in them): takes three "
            f"sequences, or about {5 * (roles.length or 2)} rows in one: bring more rows, or make the windows shorter."
        )
    if all(np.isnan(one.y).all() for one in series):
        raise BadInput(f"column “{roles.label}”: every label is missing; choose another column for the label.")
