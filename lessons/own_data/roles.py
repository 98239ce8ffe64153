"""Roles: what each column of a sheet is for. They are guessed, and each can be given. NumPy only."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from lessons.own_data.sheet import Column, Sheet
from lessons.recipe.bad_input import BadInput
from lessons.recipe.table import FEATURES
from lessons.recipe.words import shortened

MOST_CLASSES = 50
MOST_CATEGORIES = 50  # of a column of texts that is a feature
ONE_HOT = 12  # categories of a column that have a column each
FEWEST_GROUPS = 8  # blocks of equal numbers that look like sequences without a name that says so
AHEAD = (1, 1000)  # steps that a label can lie ahead
LENGTH = (2, 256)  # steps of a window
NAMES = {  # how a column is recognised, whatever its case and punctuation; the first are looked for first
    "label": "label labels target targets y class classes classlabel outcome species speaker activity isanomaly "
    "anomaly",
    "sequence": "sequenceid seqid sequence seq seriesid series uniqueid id subjectid subject patientid patient userid "
    "user entity unit unitid unitnumber group firm company country store item ticker symbol station sensor device "
    "machine engine engineid trial session sessionid episode case caseid caseno sample sampleid instance individual nr "
    "person participant experiment run runid chick plant animal household idnum name key",
    "time": "time datetime timestamp date ds timestep step t timeindex year yr month week day hour minute period when "
    "cycle cycles timecycles frame quarter epoch tick obs index datetimegmt dates wave visit dim",
}
NAMES_OF = {role: {name: place for place, name in enumerate(names.split())} for role, names in NAMES.items()}
OF_CLASSES = {"class", "classes", "classlabel", "species", "speaker", "activity", "isanomaly", "anomaly", "category"}
ROW_NAMES = {"unnamed0", "index", "rownames", "rowid", "rownumber", "row", "obs", "rownum", "x1st", "no", "nr"}
PART_OF_TIME = {"month", "day", "hour", "minute", "weekday", "dayofweek", "dow", "quarter", "week", "season"}
NAMELESS = "column "  # how a column without a name is called, before its number
VALUE = "value"  # of a table that had a column for each time


@dataclass(frozen=True)
class Roles:
    """What each column is for. Every name is one of the sheet's."""

    label: str
    features: tuple[str, ...]
    sequence: str = ""  # the column that tells sequences apart; empty: one long series
    time: str = ""  # empty: the order of the rows
    ahead: int = 0  # the label is the value of its column so many steps later
    classes: bool = False  # labels are classes, else numbers
    one_hot: bool = True  # categories have a column each, where they are few; else they are numbered
    length: int = 0  # of windows that sequences are cut into; 0: they stay whole
    stride: int = 0  # from the beginning of one window to the next


def guess(sheet: Sheet, given: Mapping[str, Any] | None = None) -> Roles:
    """The roles of the columns; those that are given are taken as they are. Raises BadInput where they cannot be."""
    given = dict(given or {})
    check_given(sheet, given)
    usable = [column for column in sheet.columns if column.known.any()]
    if not usable:
        raise BadInput("Every cell of the file is missing; takes at least a column of numbers.")
    label = given.get("label") or named(sheet.columns, "label", taken=[given.get("sequence"), given.get("time")])
    time = given["time"] if "time" in given else time_of(sheet, usable, label)
    sequence = given["sequence"] if "sequence" in given else sequence_of(usable, label, time, sheet.joined)
    if not time and "time" not in given and sequence:
        time = time_within(usable, label, sequence)
    if sheet.turned and not label:
        label = label_of_turned(sheet)
    parts = {part for made in (time, sequence) for part in sheet.joined.get(made, ())} | sheet.joined.keys()
    usual = [column for column in usable if column.name not in parts or column.name == label]
    left = [column for column in usual if column.name not in (time, sequence) and column.kind != "date"]
    left = [column for column in left if column.name == label or not is_row_name(column)]
    if sheet.turned:
        left = [column for column in left if column.name in (label, VALUE)]
    label, ahead = label_of(sheet, left, label, given, alone=not sequence)
    others = [column for column in left if column.name != label or ahead]
    left = [column for column in others if as_feature(column)] or [one for one in others if one.kind == "number"]
    column = sheet.column(label)
    if not column.known.any():
        raise BadInput(f"column “{label}”: every label is missing; choose another column for the label.")
    classes = given.get("classes", is_classes(sheet, column, sequence))
    check_classes(column, classes)
    features = given.get("features")
    if features is None:
        features = features_of(left, column)
    length, stride = windows(sheet, sequence, given, ahead)
    one_hot = given.get("one_hot", True)
    return Roles(label, tuple(features), sequence, time, ahead, classes, one_hot, length, stride)


def check_given(sheet: Sheet, given: dict[str, Any]) -> None:
    """Names as the sheet has them. Raises BadInput for a column that there is not, or a number that cannot be."""
    known = {one.name for one in fields(Roles)}
    assert given.keys() <= known, given
    for role in ("label", "sequence", "time"):
        if given.get(role):
            given[role] = sheet.column(given[role]).name
    if "features" in given:
        given["features"] = tuple(sheet.column(name).name for name in given["features"])
        if not 0 < len(given["features"]) <= FEATURES:
            raise BadInput(f"features: got {len(given['features'])}; takes 1 to {FEATURES}.")
    for name, (low, high) in {"ahead": (0, AHEAD[1]), "length": (0, LENGTH[1]), "stride": (0, LENGTH[1])}.items():
        if name in given and not low <= given[name] <= high:
            raise BadInput(f"{name}: got {given[name]}; takes {low} to {high} steps.")


def plain(name: str) -> str:
    """Small letters and digits of a name."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def named(columns: Sequence[Column], role: str, taken: Sequence[str | None] = ()) -> str:
    """The column whose name says this role the clearest; empty where none does."""
    names = NAMES_OF[role]
    found = [column for column in columns if plain(column.name) in names and column.name not in taken]
    return min(found, key=lambda column: names[plain(column.name)]).name if found else ""


def is_row_name(column: Column) -> bool:
    """Whether it numbers or names the rows of the file, and says nothing else."""
    count = len(column.values)
    each = len(column.distinct) == count and bool(column.known.all())
    if not each or plain(column.name) not in ROW_NAMES:
        return False
    return column.kind == "text" or (column.whole and bool(np.ptp(column.values) == count - 1))


def is_time(column: Column) -> bool:
    """Whether something could be a time: dates, or numbers."""
    return column.kind != "text"


def time_of(sheet: Sheet, usable: Sequence[Column], label: str) -> str:
    """The column of times: one that others make, by its name, or dates; else a first one that rises in equal steps.

    Dates go before what is called a time where they are more different.
    """
    if made := next((column.name for column in usable if column.name in sheet.joined and column.kind == "date"), ""):
        return made
    possible = [column for column in usable if is_time(column) and column.name != label]
    dates = [column for column in possible if column.kind == "date"]
    whole = [column for column in possible if plain(column.name) not in PART_OF_TIME or column.kind == "date"]
    if name := named(dates, "time"):
        return name
    name, most = named(whole, "time"), max(dates, key=lambda column: len(column.distinct), default=None)
    if most and not (name and len(sheet.column(name).distinct) >= len(most.distinct)):
        return most.name
    if name:
        return name
    first = next((column for column in sheet.columns if not is_row_name(column)), sheet.columns[0])
    rises = first.known.all() and sheet.rows > 2 and first in possible and len(possible) > 1
    if (
        rises
        and (np.diff(first.values) > 0).all()
        and np.ptp(np.diff(first.values)) <= 0.02 * np.diff(first.values).mean()
    ):
        return first.name
    return ""


def time_within(usable: Sequence[Column], label: str, sequence: str) -> str:
    """A part of a time, such as a month, where no two rows of a sequence share one."""
    by = next(column for column in usable if column.name == sequence)
    parts = [
        column for column in usable if plain(column.name) in PART_OF_TIME and is_time(column) and column.name != label
    ]
    return next((column.name for column in parts if not shared(by, column)), "")


def sequence_of(usable: Sequence[Column], label: str, time: str, joined: Collection[str] = ()) -> str:
    """The column that tells sequences apart; empty where there is one series.

    One of `joined`, columns made of others, where it is no time. By its name where it has values that come again; else
    where times come again the one within whose values they do not; else blocks of equal numbers that rise.
    """
    moment = next((column for column in usable if column.name == time), None)
    alone = moment is not None and len(moment.distinct) == len(moment.values)
    others = [column for column in usable if column.name not in (label, time)]
    possible = [column for column in others if may_be_sequence(column)]
    again = moment is not None and not alone  # where times come again, even sequences of one row are told apart
    found = [
        column
        for column in others
        if plain(column.name) in NAMES_OF["sequence"] and (column.kind == "text" or column.whole)
    ]
    found = [column for column in found if 1 < len(column.distinct) < len(column.values) + again]
    found = [column for column in found if moment is None or len(found) == 1 or shared(column, moment) < 0.5]
    if not alone and (made := next((column.name for column in others if column.name in joined), "")):
        return made
    if found and not (alone and not in_blocks(found[0])):
        return named(found, "sequence")
    if alone:
        return ""
    possible = [column for column in possible if plain(column.name) not in PART_OF_TIME]
    if moment is not None:
        parting = [column for column in possible if shared(column, moment) < 0.01]
        return min(parting, key=lambda column: len(column.distinct)).name if parting else ""
    blocks = [column for column in possible if column.whole and in_blocks(column)]
    return next((column.name for column in blocks if len(column.distinct) >= FEWEST_GROUPS), "")


def may_be_sequence(column: Column) -> bool:
    """Whether its values come again: texts, or whole numbers."""
    count = len(column.distinct)
    return 2 <= count <= len(column.values) / 2 and (column.kind == "text" or column.whole)


def in_blocks(column: Column) -> bool:
    """Whether rows with the same value stand together, and numbers rise."""
    changes = np.diff(column.values) != 0
    rising = column.kind == "text" or bool((np.diff(column.values) >= 0).all())
    return rising and int(changes.sum()) == len(column.distinct) - 1


def shared(sequence: Column, time: Column) -> float:
    """Share of the rows that have sequence and time of a row before."""
    known = sequence.known & time.known
    pairs = (sequence.places * (len(time.distinct) + 1) + time.places)[known]
    return 1 - len(np.unique(pairs)) / max(1, len(pairs))


def label_of(
    sheet: Sheet, left: Sequence[Column], label: str, given: Mapping[str, Any], alone: bool
) -> tuple[str, int]:
    """The column of the label, and how many steps ahead its value is taken.

    Without a name that says so it is the last one; of one series (`alone`) with one column of numbers that one, and
    texts beside it, such as remarks on a measurement, are features. Where no other numbers are left to learn from, its
    own next value.
    """
    guessed = not label
    if guessed:
        numbers = [column for column in left if column.kind == "number" and len(column.distinct) > 1]
        texts = [one for one in left if one.words and 2 <= len(one.distinct) <= min(MOST_CLASSES, sheet.rows / 2)]
        last = left[-1] if left and left[-1] in texts and not (alone and len(numbers) == 1) else None
        chosen = last or (numbers[-1] if numbers else texts[-1] if texts else None)
        if chosen is None:
            time = next((one for one in sheet.columns if one.kind == "number" and len(one.distinct) > 1), None)
            if time is None:
                raise no_label(sheet)
            chosen = time
        label = chosen.name
    others = [column for column in left if column.name != label and (as_feature(column) or column.kind == "number")]
    if guessed and alone and sheet.column(label).kind == "number":
        others = [column for column in others if column.kind == "number"]
    return label, given.get("ahead", 0 if others or given.get("features") else 1)


def label_of_turned(sheet: Sheet) -> str:
    """Of a table that had a column per time: the label in front of them where they had no names, else the values."""
    nameless = [column.name for column in sheet.columns if column.name.startswith(NAMELESS)]
    return nameless[0] if nameless else VALUE


def no_label(sheet: Sheet) -> BadInput:
    """The BadInput for a file without anything to learn; it is returned, not raised."""
    names = shortened(", ".join(sheet.names), 80)
    return BadInput(f"No column can be a label ({names}); takes one of numbers, or of a few texts that come again.")


def as_feature(column: Column) -> bool:
    """Whether it can be a feature: numbers that differ, or a few categories."""
    if column.kind == "text":
        return 2 <= len(column.distinct) <= MOST_CATEGORIES and len(column.distinct) < len(column.values)
    return column.kind == "number" and len(column.distinct) > 1


def features_of(left: Sequence[Column], column: Column) -> list[str]:
    """All that is left, up to FEATURES columns of the model; the label's own values where it lies ahead."""
    features, width = [], 0
    for one in left:
        width += encoded(one)
        if width > FEATURES:
            break
        features.append(one.name)
    return features or [column.name]


def encoded(column: Column, one_hot: bool = True) -> int:
    """How many features the model sees of a column."""
    return len(column.distinct) if one_hot and column.kind == "text" and len(column.distinct) <= ONE_HOT else 1


def is_classes(sheet: Sheet, column: Column, sequence: str) -> bool:
    """Whether labels are classes: texts, or a few whole numbers where the name or the sequences say so."""
    if column.kind == "text":
        return True
    if column.kind == "date" or not column.whole or not 2 <= len(column.distinct) <= MOST_CLASSES:
        return False
    if set(column.distinct) == {0.0, 1.0}:  # as numbers they are a yes and a no
        return False
    if np.ptp(column.distinct) > 2 * len(column.distinct):  # such as 0, 10, 20: they measure something
        return False
    if plain(column.name) in OF_CLASSES or (column.name.startswith(NAMELESS) and sheet.turned):
        return True
    if not sequence or plain(column.name) not in NAMES_OF["label"]:
        return False
    by = sheet.column(sequence)
    return constant_within(by, column) and len(column.distinct) <= len(by.distinct) / 2


def constant_within(sequence: Column, column: Column) -> bool:
    """Whether a column has one value in each sequence, in some another."""
    pairs = np.column_stack([sequence.values, column.values]).astype("float64")
    pairs = np.unique(pairs[~np.isnan(pairs).any(axis=1)], axis=0)
    return len(pairs) == len(np.unique(pairs[:, 0])) and len(column.distinct) > 1


def check_classes(column: Column, classes: bool) -> None:
    """Raises BadInput where the labels cannot be what they are said to be."""
    count = len(column.distinct)
    if not classes and column.kind == "text":
        raise BadInput(f"column “{column.name}”: its labels are texts, and not numbers; take them as classes.")
    if classes and not 2 <= count <= MOST_CLASSES:
        raise BadInput(
            f"column “{column.name}”: {count} different labels; as classes 2 to {MOST_CLASSES} are taken: choose "
            "another column for the label."
        )


def windows(sheet: Sheet, sequence: str, given: Mapping[str, Any], ahead: int) -> tuple[int, int]:
    """Length and stride of windows: an eighth of a long series, up to 48 steps."""
    if sequence and "length" not in given:
        counts = np.unique(sheet.column(sequence).values, return_counts=True)[1]
        rows = int(np.median(counts))
        if counts.max() - ahead <= LENGTH[1] and len(counts) > 2:
            return 0, 0
    else:
        rows = sheet.rows
    length = given.get("length") or int(np.clip((rows - ahead) // 8, LENGTH[0], 48))
    if given.get("length") == 0 and sequence:
        return 0, 0
    return length, given.get("stride") or stride_of(length, rows)


def stride_of(length: int, rows: int) -> int:
    """Half a window, or less where that makes few windows."""
    return max(1, min(length // 2, rows // 48))
