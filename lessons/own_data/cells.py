"""The cells of one column as numbers, dates or texts. It loads pandas."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from lessons.own_data.sheet import LETTERS, Column, frozen
from lessons.recipe.words import shortened

if TYPE_CHECKING:
    import pandas as pd

MOSTLY = 0.8  # share of the cells that decides what a column holds
MOST_WORDS, MOST_LETTERS = 5_000, 200_000  # of the different texts of a column that are kept, and of all of them
LARGEST = float(np.finfo(np.float32).max)  # what the model computes in
CURRENCY = "$€£¥%"
NUMERAL = r"[-+]?(?:[\d.,]*\d[\d.,]*)(?:[eE][-+]?\d+)?"
SPELLED_DATE = re.compile(
    r"(?i)\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b.*\d|\d.*\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep"
    r"|oct|nov|dec)|\d[-/.:]\d|\dT\d|\d[ -]?q[1-4]"
)
DAYS = (19_000_101, 21_001_231)  # whole numbers that are dates where the name says so
DATED_NAME = re.compile(r"(?i)date|day|time|datum|fecha")


def column_of(name: str, cells: pd.Series, first: int) -> tuple[Column, list[str]]:
    """A column, and what had to be left out of it, in sentences. `first`: the line of its first cell."""
    import pandas as pd
    from pandas.api import types

    name = shortened(" ".join(str(name).split()), LETTERS) or "column"
    if isinstance(cells.dtype, pd.CategoricalDtype):
        cells = cells.astype(cells.cat.categories.dtype)
    if types.is_datetime64_any_dtype(cells.dtype):
        return Column(name, "date", seconds(cells)), []
    if types.is_timedelta64_dtype(cells.dtype):
        return number_column(name, pd.Series(cells.dt.total_seconds())), []
    if types.is_numeric_dtype(cells.dtype) and not types.is_complex_dtype(cells.dtype):
        return of_numbers(name, pd.to_numeric(cells, errors="coerce").astype("float64"), first)
    texts = cells.astype("object").where(cells.notna(), None).map(plain_text, na_action="ignore")
    return of_texts(name, texts, first)


def plain_text(cell: object) -> str | None:
    """A cell as one line; None where nothing is in it."""
    text = cell.decode(errors="replace") if isinstance(cell, bytes) else str(cell)
    return " ".join(text.split()) or None


def of_numbers(name: str, cells: pd.Series, first: int) -> tuple[Column, list[str]]:
    """Numbers; whole ones such as 20240131 in a column that is called a date are dates."""
    import pandas as pd

    known = cells.dropna()
    if DATED_NAME.search(name) and len(known) and known.between(*DAYS).all() and (known % 1 == 0).all():
        dates = pd.to_datetime(cells.map("{:.0f}".format), format="%Y%m%d", errors="coerce", utc=True)
        if dates[known.index].notna().all():
            return Column(name, "date", seconds(dates)), []
    far = cells.abs() > LARGEST
    notes = [] if not far.any() else [too_far(name, int(np.flatnonzero(far)[0]) + first, int(far.sum()))]
    return number_column(name, cells.where(~far)), notes


def too_far(name: str, line: int, count: int) -> str:
    more = f" and {count - 1} more" if count > 1 else ""
    return f"line {line}{more}, column “{name}”: beyond ±{LARGEST:.2g}, taken as missing."


def number_column(name: str, cells: pd.Series) -> Column:
    """The column of these numbers."""
    return Column(name, "number", frozen(cells.to_numpy("float64", na_value=np.nan, copy=True)))


def of_texts(name: str, cells: pd.Series, first: int) -> tuple[Column, list[str]]:
    """Texts that are numbers, dates, or neither."""
    known = cells.dropna()
    if known.empty:
        return number_column(name, cells.astype("float64")), []
    words = known.unique()  # most columns of texts say the same again and again
    for kind, read in (("number", numbers), ("date", dates)):
        said = read(words)
        got = known.map(dict(zip(words, said, strict=True))).astype("float64")
        if got.notna().mean() < MOSTLY:
            continue
        notes = []
        if odd := int(got.isna().sum()):
            place = int(got.index[got.isna()][0])
            more = f" and {odd - 1} more" if odd > 1 else ""
            notes = [f"line {place + first}{more}, column “{name}”: “{shortened(str(known[place]))}” is no {kind}, "
                     "taken as missing."]  # fmt: skip
        values = got.reindex(cells.index)
        if kind == "date":
            return Column(name, "date", frozen(values.to_numpy("float64", copy=True))), notes
        column, more_notes = of_numbers(name, values, first)
        return column, notes + more_notes
    return text_column(name, cells), []


def text_column(name: str, cells: pd.Series) -> Column:
    """Texts as places in the sorted list of them; the list is left out where it is too long to be one of categories."""
    import pandas as pd

    codes, words = pd.factorize(cells, sort=True)
    values = frozen(np.where(codes < 0, np.nan, codes))
    texts = tuple(shortened(str(word), LETTERS) for word in words)
    short = len(texts) <= MOST_WORDS and sum(map(len, texts)) <= MOST_LETTERS
    return Column(name, "text", values, texts if short else ())


def numbers(words: np.ndarray) -> np.ndarray:
    """(words,) the numbers that texts mean, NaN where they mean none.

    Thousands may be parted, a comma may be the decimal sign; a currency, a percent sign or one unit may stand beside.
    """
    import pandas as pd

    said = pd.Series(words, dtype="object").str.strip(f" {CURRENCY}").str.replace("−", "-")
    said = said.str.replace(r"^\((.*\d.*)\)$", r"-\1", regex=True)
    said = said.str.replace(r"(?<=\d)[\s'’_\u00a0\u202f](?=\d{3})", "", regex=True)
    parts = said.str.extract(rf"^({NUMERAL})\s*([^\d\s.,][^\d]{{0,9}})?$")
    units = parts[1].dropna()
    if units.nunique() > 1 or (len(units) and units.nunique() == 1 and len(units) < len(parts) / 2):
        parts = parts.where(parts[1].isna())  # 12a, 7b: names, not numbers
    digits = parts[0].astype("object")
    if decimal_comma(digits.dropna()):
        digits = digits.str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
    else:
        digits = digits.str.replace(r",(?=\d{3}(?:\D|$))", "", regex=True)
    return pd.to_numeric(digits, errors="coerce").to_numpy("float64")


def decimal_comma(said: pd.Series) -> bool:
    """Whether the comma is the decimal sign: it comes after points, or not always before three digits."""
    with_comma = said[said.str.contains(",", regex=False).astype(bool)]
    thousands = with_comma.str.fullmatch(r"[-+]?\d{1,3}(,\d{3})+(\.\d*)?(?:[eE][-+]?\d+)?").astype(bool)
    decimals = with_comma.str.fullmatch(r"[-+]?(\d{1,3}(\.\d{3})+|\d*),\d+(?:[eE][-+]?\d+)?").astype(bool)
    return bool(len(with_comma)) and int(decimals.sum()) > int(thousands.sum())


def dates(words: np.ndarray) -> np.ndarray:
    """(words,) the dates that texts mean, in seconds since 1970, NaN where they mean none.

    Day before month where that alone fits all of them; those in another form than the first are read one by one.
    """
    import warnings

    import pandas as pd

    said = pd.Series(words, dtype="object").str.replace(r"(?<=\d{4})[Mm](?=\d{1,2}$)", "-", regex=True)
    said = said.str.replace(r"(?<=\d{4})[ -]?[Qq](?=[1-4]$)", "Q", regex=True)
    looks = said.str.contains(SPELLED_DATE).astype(bool)
    if looks.mean() < MOSTLY:
        return np.full(len(words), np.nan)
    parts = said.str.extract(r"^(\d{1,2})[-/.](\d{1,2})[-/.]\d{2,4}").astype("float64")
    day_first = bool(
        ((parts[0] > 12).sum() > (parts[1] > 12).sum())
        or ((said.str.match(r"^\d{1,2}\.\d").mean() > 0.5) and not (parts[1] > 12).any())
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas says that the day might come first
        found = pd.Series(pd.NaT, index=said.index, dtype="datetime64[ns, UTC]")
        year_first = said.str.match(r"^\d{4}").astype(bool)  # 2024-01-02 is in January whatever the others are
        for these, first in ((year_first, False), (~year_first, day_first)):
            if not these.any():
                continue
            found[these] = pd.to_datetime(said[these], dayfirst=first, errors="coerce", utc=True)
            left = these & found.isna() & looks
            if left.any() and left.sum() < 20_000:
                found[left] = pd.to_datetime(said[left], format="mixed", dayfirst=first, errors="coerce", utc=True)
    return seconds(found)


def seconds(moments: pd.Series) -> np.ndarray:
    """(rows,) seconds since 1970, NaN where there is none."""
    import pandas as pd

    if getattr(moments.dt, "tz", None) is not None:
        moments = moments.dt.tz_convert("UTC").dt.tz_localize(None)
    values = moments.astype("datetime64[us]").to_numpy().astype("int64") / 1e6
    return frozen(np.where(pd.isna(moments).to_numpy(), np.nan, values))
