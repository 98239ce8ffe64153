"""Sheet: a file as named columns of numbers, dates or texts, whatever its format was. NumPy only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from lessons.recipe.bad_input import BadInput
from lessons.recipe.data import Bools, Floats, Whole
from lessons.recipe.words import shortened

KINDS = ("number", "date", "text")  # of a column
LETTERS = 60  # of a column's name or of a text


@dataclass(frozen=True, eq=False)
class Column:
    """One column. `values` (rows,): the numbers, seconds since 1970 for dates, places in `words` for texts; NaN where
    a cell is missing. `words` may be empty where there are too many to keep.
    """

    name: str
    kind: str
    values: Floats
    words: tuple[str, ...] = ()

    @cached_property
    def known(self) -> Bools:
        """(rows,) where a cell is not missing."""
        return ~np.isnan(self.values)

    @cached_property
    def distinct(self) -> Floats:
        """(values,) its different values, in order."""
        return np.unique(self.values[self.known])

    @cached_property
    def places(self) -> Whole:
        """(rows,) the place of each value among `distinct`; of a missing one any."""
        return np.searchsorted(self.distinct, self.values)

    @cached_property
    def whole(self) -> bool:
        """Whether all numbers in it are whole."""
        known = self.values[self.known]
        return self.kind == "number" and bool((known == np.rint(known)).all())

    def said(self, value: float) -> str:
        """A value of it as the file would say it."""
        if np.isnan(value):
            return ""
        if self.kind == "text":
            return self.words[int(value)] if self.words else f"text {int(value) + 1}"
        if self.kind == "date":
            moment = np.datetime_as_string(np.datetime64(round(float(value)), "s"))
            return str(moment).removesuffix("T00:00:00").replace("T", " ")
        return f"{value:.10g}"


@dataclass(frozen=True, eq=False)
class Sheet:
    """The columns of a file, all of one length, and what was made of it on the way, in sentences."""

    columns: tuple[Column, ...]
    notes: tuple[str, ...] = ()
    turned: bool = False  # it had a column for each time, and has a row for each now
    joined: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # columns made of others -> the names of those

    @property
    def rows(self) -> int:
        """Rows below the names."""
        return len(self.columns[0].values)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the columns."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """The column of that name, whatever its case. Raises BadInput."""
        for same in (str, str.lower):
            for column in self.columns:
                if same(column.name) == same(name):
                    return column
        raise BadInput(
            f"column “{shortened(name)}”: there is none; the file has {shortened(', '.join(self.names), 200)}."
        )

    @classmethod
    def from_plain(cls, told: Mapping[str, Any]) -> Sheet:
        """From what `to_plain` gave. Arrays (rows,)."""
        rows = zip(told["names"], told["kinds"], told["values"], told["words"], strict=True)
        columns = [Column(name, kind, frozen(values), tuple(words)) for name, kind, values, words in rows]
        return cls(tuple(columns), tuple(told["notes"]))

    def to_plain(self) -> dict[str, Any]:
        """Plain values and arrays (rows,): what a walled process may answer."""
        return {
            "names": list(self.names),
            "kinds": [column.kind for column in self.columns],
            "values": [column.values for column in self.columns],
            "words": [list(column.words) for column in self.columns],
            "notes": list(self.notes),
        }


def is_sheet(told: Any) -> bool:
    """Whether this is what `to_plain` gives: read from a process that is not to be trusted."""
    if type(told) is not dict or told.keys() != {"names", "kinds", "values", "words", "notes"}:
        return False
    texts = (told["names"], told["kinds"], told["notes"], *told["words"]) if type(told["words"]) is list else ((None,),)
    if not all(type(part) is list and all(type(text) is str for text in part) for part in texts):
        return False
    count, values = len(told["names"]), told["values"]
    return (
        type(values) is list
        and 0 < count == len(told["kinds"]) == len(values) == len(told["words"]) == len(set(told["names"]))
        and set(told["kinds"]) <= set(KINDS)
        and all(len(name) <= LETTERS for name in told["names"])
        and all(isinstance(column, np.ndarray) and column.dtype.kind == "f" for column in values)
        and {column.shape for column in values} == {(len(values[0]),)}
        and all(map(_sound, told["kinds"], values, told["words"]))
    )


def _sound(kind: str, values: Floats, words: Sequence[str]) -> bool:
    """Whether nothing but numbers is in it, and what stands for a text is the place of one."""
    known = values[~np.isnan(values)]
    if kind != "text":
        return bool(np.isfinite(known).all()) and not words
    within = not words or not known.size or known.max() < len(words)
    return bool(within and (known >= 0).all() and (known == np.rint(known)).all())


def frozen(values: Floats) -> Floats:
    """The same array (…), which nobody can write to."""
    values.flags.writeable = False
    return values
