"""A learner's own data in a CSV file: its format and limits, and how it is read.

Sequence id, time, features, label, a row for each step. `docs/own_data.md` describes the format.
"""

import csv
import hashlib
import io
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np

from lessons.recipe import numeral
from lessons.recipe.bad_input import BadInput
from lessons.recipe.data import Floats, Whole
from lessons.recipe.settings import Settings
from lessons.recipe.words import plural, shortened

MEGABYTES = (
    4  # of a file: the largest table below, written with every digit, has 2.7; .streamlit/config.toml says it too
)
SEQUENCES = (3, int(Settings.number("sequences").high))  # one of three is held out, and two are trained
STEPS = int(Settings.number("timesteps").high)  # of a sequence
FEATURES = 8
LETTERS = 60  # of a column's name or a sequence's id
LARGEST = float(np.finfo(np.float32).max)  # what the model computes in
HELD_OUT = 3  # one of so many sequences is validation data
TOO_FAR = 1e6  # steps: a gap that fits nowhere
GRID = 1e-3  # share of a step by which times may miss a regular grid: the rounding of their decimals

NAMES = {  # how a column is recognised, whatever its case and punctuation
    "id": ("sequenceid", "seqid", "sequence", "seq", "seriesid", "series", "id"),
    "time": ("time", "timestep", "step", "timestamp", "date", "t"),
    "label": ("label", "target", "y"),
}
ROLES = {"id": "sequence id", "time": "time", "label": "label"}
MISSING = {"", "nan", "na", "n/a", "null", "none"}


@dataclass(frozen=True)
class Columns:
    """The names of the columns by what they were taken for; `guessed` are roles taken by position."""

    id: str
    time: str
    features: tuple[str, ...]
    label: str
    guessed: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Series:
    """One sequence in the order of time."""

    id: str
    x: Floats  # (rows, features) NaN where missing
    y: Floats  # (rows,) NaN where missing
    places: Whole  # (rows,) int, the step of each row when gaps are kept: rises from 0

    @property
    def extent(self) -> int:
        """Steps from the first row to the last, those without a row included."""
        return int(self.places[-1]) + 1

    def laid_out(self, keep_gaps: bool) -> tuple[Floats, Floats]:
        """Inputs (steps, features) and labels (steps,); a step without a row is NaN."""
        if not keep_gaps:
            return self.x, self.y
        x, y = np.full((self.extent, self.x.shape[1]), np.nan), np.full(self.extent, np.nan)
        x[self.places], y[self.places] = self.x, self.y
        return x, y


def read(data: bytes) -> tuple[Columns, tuple[Series, ...], float, bool]:
    """Columns and sequences of a file, the time of one step, and whether times are dates.

    Raises BadInput, which names line and column.
    """
    rows = read_rows(text_of(data))
    columns, order = recognised(*next(rows))
    steps, dated = read_steps(rows, columns, order)
    by_id = grouped(steps)
    tick = tick_of([np.diff([step.time for step in rows]) for rows in by_id.values()])
    series = tuple(series_of(id_, rows, tick) for id_, rows in by_id.items())
    check(series, columns)
    return columns, series, tick, dated


def text_of(data: bytes) -> str:
    """The text of a file. Raises BadInput where it is none."""
    if len(data) > MEGABYTES * 2**20:
        raise BadInput(f"The file has {len(data) / 2**20:.1f} MB; up to {MEGABYTES} MB are accepted.")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise BadInput("The file is UTF-16; UTF-8 is accepted: save it as “CSV UTF-8”.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as failure:
        line = data.count(b"\n", 0, failure.start) + 1
        raise BadInput(
            f"line {line}: byte {data[failure.start]:#04x} is not UTF-8, which is accepted: save it as “CSV UTF-8”."
        ) from None
    if "\0" in text:
        raise BadInput(f"line {text.count(chr(10), 0, text.index(chr(0))) + 1}: a NUL byte; a text file is accepted.")
    if not text.strip(" ,;\t\r\n"):
        raise BadInput("The file is empty; it takes a line of column names and a row for each step.")
    return text


def read_rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """The lines that are not blank, as (number of the line, cells). The first is the one with the names.

    Raises BadInput where the text is no CSV.
    """
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter_of(text), strict=True)
    try:
        for cells in lines:
            cells = [" ".join(cell.split()) for cell in cells]
            if any(cells):
                yield lines.line_num, cells
    except csv.Error as problem:
        raise BadInput(f"line {lines.line_num}: this is no CSV ({problem}).") from None


def delimiter_of(text: str) -> str:
    """The one of , ; and tab that parts the names of the columns most often."""
    first = text.strip().splitlines()[0]
    return max(",;\t", key=first.count)


def recognised(line: int, header: list[str]) -> tuple[Columns, dict[str, int]]:
    """The columns by their names, else by their places: id first, time next, label last. And where they are.

    Raises BadInput for names that cannot be those of columns, and for more than FEATURES features.
    """
    check_header(line, header)
    plain = [re.sub(r"[^a-z0-9]", "", name.lower()) for name in header]
    found = {
        role: min((names.index(name), place) for place, name in enumerate(plain) if name in names)[1]
        for role, names in NAMES.items()
        if any(name in names for name in plain)
    }
    guessed = tuple(role for role in NAMES if role not in found)
    for role in guessed:
        free = [place for place in range(len(header)) if place not in found.values()]
        found[role] = free[-1] if role == "label" else free[0]
    features = tuple(name for place, name in enumerate(header) if place not in found.values())
    if len(features) > FEATURES:
        raise BadInput(f"line {line}: {len(features)} columns of features; up to {FEATURES} are accepted.")
    names = {role: header[place] for role, place in found.items()}
    return Columns(**names, features=features, guessed=guessed), found


def check_header(line: int, header: list[str]) -> None:
    """Raises BadInput where these cannot be names of columns."""
    wanted = "sequence id, time, one or more features, label"
    if len(header) < 4:
        raise BadInput(
            f"line {line}: {plural(len(header), 'column')}, parted by comma, semicolon or tab; at least 4 are needed: "
            f"{wanted}."
        )
    if sum(is_number(name) for name in header) > len(header) / 2:
        raise BadInput(f"line {line}: got “{shortened(', '.join(header))}”; takes the names of the columns: {wanted}.")
    for place, name in enumerate(header):
        where = f"line {line}, column {place + 1}"
        if not 0 < len(name) <= LETTERS:
            raise BadInput(f"{where}: got a name of {plural(len(name), 'letter')}; takes 1 to {LETTERS}.")
        if name in header[:place]:
            raise BadInput(f"{where}: “{name}” is the name of column {header.index(name) + 1} too; takes another.")


@dataclass(frozen=True)
class Row:
    """One row of the file."""

    line: int
    id: str
    time: float
    values: list[float]  # features, then the label


def read_steps(
    rows: Iterator[tuple[int, list[str]]], columns: Columns, order: dict[str, int]
) -> tuple[list[Row], bool]:
    """The rows below the names, and whether their times are dates.

    The first time decides whether they are. Raises BadInput, which names line and column.
    """
    names = {order["id"]: columns.id, order["time"]: columns.time, order["label"]: columns.label}
    width = len(columns.features) + len(names)
    features = [place for place in range(width) if place not in names]
    names |= dict(zip(features, columns.features, strict=True))
    values = [*features, order["label"]]
    dated = False
    steps: list[Row] = []
    for line, cells in rows:
        if len(cells) != width:
            raise BadInput(f"line {line}: {plural(len(cells), 'cell')}; the line of names has {width}.")
        if len(steps) == SEQUENCES[1] * STEPS:
            raise BadInput(f"line {line}: more than {len(steps):,} rows; up to that many are accepted.")
        id_, when = cells[order["id"]], cells[order["time"]]
        if not id_ or len(id_) > LETTERS:
            given = f"{len(id_)} letters" if id_ else "nothing"
            raise refusal(line, columns.id, given, f"the name of a sequence, up to {LETTERS} letters")
        if not steps:  # the first time decides
            dated = number(when) is None
        time = moment(when) if dated else number(when)
        if time is None or not abs(time) <= LARGEST:
            takes = "a date such as 2024-01-31, or with a time, 2024-01-31 13:00" if dated else "a number"
            raise refusal(line, columns.time, when, takes)
        steps.append(Row(line, id_, time, [value(line, names[place], cells[place]) for place in values]))
    if not steps:
        raise BadInput("line 2: there is no row below the names of the columns; takes a row for each step.")
    return steps, dated


def value(line: int, column: str, cell: str) -> float:
    """The number in a cell, NaN where it is missing. Raises BadInput."""
    got = number(cell)
    if got is None:
        if re.fullmatch(r"[-+]?[0-9]+,[0-9]+", cell):
            raise refusal(line, column, cell, f"a decimal point: {cell.replace(',', '.')}")
        raise refusal(line, column, cell, "a number, or empty for missing")
    if abs(got) > LARGEST:
        raise refusal(line, column, cell, f"a number up to {LARGEST:.2g}, or empty for missing")
    return got


def number(cell: str) -> float | None:
    """The number that a cell means, NaN where it is missing, None where it is something else."""
    if cell.lower() in MISSING:
        return math.nan
    try:
        return numeral.number(cell)
    except ValueError:
        return None


def is_number(cell: str) -> bool:
    """Whether a cell holds a number; one that is missing does not."""
    got = number(cell)
    return got is not None and not math.isnan(got)


def moment(cell: str) -> float | None:
    """A date or a date with a time, in seconds; None where it is something else."""
    try:
        when = datetime.fromisoformat(cell)
    except ValueError:
        return None
    return when.replace(tzinfo=when.tzinfo or UTC).timestamp()


def grouped(steps: list[Row]) -> dict[str, list[Row]]:
    """The rows by sequence, in the order of time. Raises BadInput.

    At least SEQUENCES[0] of them, each at most STEPS long, no time twice.
    """
    by_id: dict[str, list[Row]] = {}
    for step in steps:
        by_id.setdefault(step.id, []).append(step)
    low, high = SEQUENCES
    if not low <= len(by_id) <= high:
        raise BadInput(
            f"The file has {plural(len(by_id), 'sequence')}; takes {low} to {high}, of which one in {HELD_OUT} "
            "is held out for validation."
        )
    for id_, rows in by_id.items():
        rows.sort(key=lambda step: step.time)
        for one, other in pairwise(rows):
            if one.time == other.time:
                lines = sorted((one.line, other.line))
                raise BadInput(f"lines {lines[0]} and {lines[1]}: both are sequence “{id_}” at the same time.")
        if len(rows) > STEPS:
            raise BadInput(
                f"line {max(step.line for step in rows)}: sequence “{id_}” has {len(rows)} rows; up to {STEPS} are "
                "accepted: cut it into shorter sequences."
            )
    return by_id


def tick_of(differences: list[Floats]) -> float:
    """The time of one step, from the differences (rows - 1,) of the times of each sequence.

    The smallest difference where all are multiples of it; else, as with months, one of usual size.
    """
    all_ = np.sort(np.concatenate(differences))
    if not all_.size:
        return 1.0
    strides = all_ / all_[0]
    regular = np.abs(strides - np.rint(strides)).max() < GRID
    return float(all_[0] if regular else all_[len(all_) // 2])


def series_of(id_: str, rows: list[Row], tick: float) -> Series:
    """One sequence, `tick` being the time of one step. Arrays as in Series, which nobody can write to."""
    values = np.array([step.values for step in rows], dtype=float)
    strides = np.rint(np.diff([step.time for step in rows]) / tick)
    places = np.concatenate([[0], np.clip(strides, 1, TOO_FAR).cumsum()]).astype(int)
    arrays = values[:, :-1].copy(), values[:, -1].copy(), places
    for array in arrays:
        array.flags.writeable = False
    return Series(id_, *arrays)


def check(series: Sequence[Series], columns: Columns) -> None:
    """Raises BadInput where a column has no value at all."""
    table = np.concatenate([np.column_stack([one.x, one.y]) for one in series])
    for name, column in zip((*columns.features, columns.label), table.T, strict=True):
        if np.isnan(column).all():
            raise BadInput(f"column “{name}”: every cell is missing; takes at least one number.")


def digest_of(columns: Columns, series: Sequence[Series]) -> str:
    """The same for the same content, however it was written."""
    digest = hashlib.sha256(repr((columns, [one.id for one in series])).encode())
    for one in series:
        for array in (one.x, one.y, one.places):
            digest.update(repr(array.shape).encode() + array.tobytes())
    return digest.hexdigest()


def refusal(line: int, column: str, given: str, takes: str) -> BadInput:
    """The BadInput for a cell that cannot be used; it is returned, not raised."""
    return BadInput(f"line {line}, column “{column}”: got “{shortened(given)}”; takes {takes}.")


def sample() -> bytes:
    """A file in the format, the same every time: sequences of different lengths, gaps in time, missing labels.

    The label depends on the water of this day and the light of the day before, as a lesson's own does. UTF-8.
    """
    rng = np.random.default_rng(5)
    lines = ["sequence,time,water,light,label"]
    for plant in range(1, 37):
        days = int(rng.integers(5, 17))
        water, light = rng.normal(size=(2, days)).round(3)
        growth = 0.8 * water + 0.6 * np.concatenate([[0.0], light[:-1]])
        skipped, unknown = rng.random((2, days)) < [[0.05], [0.1]]
        for day in range(days):
            if not skipped[day] or day in (0, days - 1):
                label = "" if unknown[day] else f"{growth[day]:.3f}"
                lines.append(f"plant {plant},{day + 1},{water[day]},{light[day]},{label}")
    return "\n".join([*lines, ""]).encode()
