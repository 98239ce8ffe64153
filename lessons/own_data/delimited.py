"""Text with delimiters: CSV and its relatives, as programs and people write them. It loads pandas."""

from __future__ import annotations

import csv
import io
import re
import warnings
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

from lessons.recipe.bad_input import BadInput
from lessons.recipe.words import plural, shortened

if TYPE_CHECKING:
    import pandas as pd

DELIMITERS = (
    "\t",
    ";",
    "|",
    ",",
    " ",
)  # the comma late, for it may be in numbers; blanks last, for they may be in texts
SAMPLE = 200  # lines that tell how a file is written
CONSISTENT = 0.7  # share of lines that have the usual number of cells
MOST_COLUMNS = 1024
MISSING = ["?", "-", "--", "---", ".", "..", "...", "n.a.", "na", "Na", "NAN", "missing", "Missing", "NULL", "none",
           "None", "NONE", "nil", "*", "#", "–", "—", "(null)", "\\N"]  # fmt: skip
NUMBER = re.compile(r"[-+−]?(\d[\d.,' \u00a0\u202f]*|[.,]\d+)([eE][-+]?\d+)?\s*%?")
DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T].*)?")
ENCODINGS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}


def text_of(data: bytes) -> str:
    """The text of a file, in whatever it is written. Raises BadInput where it is none."""
    encoding = next((encoding for mark, encoding in ENCODINGS.items() if data.startswith(mark)), "utf-8")
    head = data[:4000]
    if encoding == "utf-8" and head.count(0) > len(head) / 4:
        encoding = "utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    unseen = sum(1 for sign in text[:4000] if ord(sign) < 32 and sign not in "\t\n\r\f\v")
    if unseen > len(text[:4000]) / 20:
        raise BadInput("The file is no text: takes CSV or TSV (perhaps .gz), Parquet, .npz or .npy.")
    if not text.strip(" ,;\t\r\n\0"):
        raise BadInput("The file is empty; it takes a line of column names and a row for each step.")
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")


def frame_of(text: str) -> tuple[pd.DataFrame, list[str]]:
    """The rows of a text, numbers where pandas sees some, and what was left out, in sentences. Raises BadInput."""
    import pandas as pd

    lines = text.split("\n", SAMPLE)[:SAMPLE]
    mark = comment_of(lines)
    told = [
        (place, line)
        for place, line in enumerate(lines)
        if line.strip() and not (mark and line.lstrip().startswith(mark))
    ]
    delimiter = delimiter_of([line for _, line in told])
    cells = {place: cells_of(line, delimiter) for place, line in told}
    width = Counter(map(len, cells.values())).most_common(1)[0][0]
    first = next((place for place, row in cells.items() if len(row) >= min(width, 2) and len(row) >= width - 1), 0)
    notes, header = [], cells[first]
    if skipped := sum(place < first for place in cells):
        notes.append(f"{plural(skipped, 'line')} above the names of the columns left out.")
    names, skip = names_of(header, width, cells, first, mark, lines)
    if names is not None and skip > first:
        notes += [] if names else ["The columns have no names: they are numbered."]
    wide = width > MOST_COLUMNS
    if wide:
        notes.append(f"The file has {width:,} columns; the first {MOST_COLUMNS:,} are read.")
        text = "\n".join(
            delimiter.join(line.split(delimiter, MOST_COLUMNS)[:MOST_COLUMNS]) for line in text.split("\n")
        )
        names = names[:MOST_COLUMNS]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            frame = pd.read_csv(
                io.StringIO(text),
                sep=r"\s+" if delimiter == " " else delimiter,
                header=None,
                names=range(len(names)),
                skiprows=skip,
                index_col=False,
                comment=mark,
                na_values=MISSING,
                skipinitialspace=True,
                on_bad_lines="warn",
                low_memory=False,
            )
        except (ValueError, pd.errors.ParserError, OverflowError) as failure:
            raise BadInput(f"The file is no table: {shortened(str(failure).splitlines()[0], 120)}") from None
    frame.columns = names
    long = [line for warning in caught for line in re.findall(r"line (\d+): expected", str(warning.message))]
    if long:
        where = f"line {int(long[0])}" + f" and {len(long) - 1} more" * (len(long) > 1)
        notes.append(f"{where}: more cells than columns, left out.")
    return frame.dropna(how="all"), notes


def comment_of(lines: list[str]) -> str | None:
    """The sign that begins lines of comment, where there are some."""
    return next((sign for sign in "#%" if any(line.lstrip().startswith(sign) for line in lines[:20])), None)


def cells_of(line: str, delimiter: str) -> list[str]:
    """The cells of one line, stripped."""
    if delimiter == " ":
        return line.split()
    try:
        row = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [""])
    except csv.Error:
        row = line.split(delimiter)
    return [cell.strip() for cell in row]


def delimiter_of(lines: list[str]) -> str:
    """The sign that parts most lines into the same number of cells, two or more; the comma where none does."""
    for delimiter in DELIMITERS:
        counts = Counter(len(cells_of(line, delimiter)) for line in lines)
        usual, often = counts.most_common(1)[0]
        if usual > 1 and often >= CONSISTENT * len(lines) and not is_prose(lines, delimiter):
            return delimiter
    return max(",;\t|", key=lambda sign: sum(sign in line for line in lines))


def is_prose(lines: list[str], delimiter: str) -> bool:
    """Whether blanks part words, or dates from times, and not cells."""
    if delimiter != " ":
        return False
    cells = [cell for line in lines[1:] for cell in cells_of(line, delimiter)]
    numbers = sum(bool(NUMBER.fullmatch(cell)) for cell in cells)
    return numbers < len(cells) / 2 or all(DATE.fullmatch(" ".join(cells_of(line, " "))) for line in lines[1:])


def names_of(
    header: list[str], width: int, cells: dict[int, list[str]], first: int, mark: str | None, lines: list[str]
) -> tuple[list[str], int]:
    """The names of the columns, and how many lines of the file come before the rows.

    Row names without a name of their own are called “Unnamed: 0”, as pandas writes them.
    """
    later = [row for place, row in cells.items() if place > first]
    if not has_names(header, later):
        commented = [
            cells_of(line.lstrip(" #%"), "," if "," in line else " ") for line in lines[:first] if line.strip()
        ]
        named = next((row for row in reversed(commented) if len(row) == width and width > 1), None)
        return distinct(named or [f"column {place + 1}" for place in range(width)]), first
    usual = Counter(map(len, later)).most_common(1)[0][0] if later else width
    if usual == len(header) + 1 and any(row[-1] for row in later if len(row) == usual):
        header = ["Unnamed: 0", *header]
    return distinct(header), first + 1


def has_names(header: list[str], later: list[list[str]]) -> bool:
    """Whether a first row holds names: a name has letters, or is the number of a time above a column of others."""
    numbers = [bool(NUMBER.fullmatch(cell) or DATE.fullmatch(cell)) for cell in header if cell]
    if not numbers or sum(numbers) <= len(numbers) / 2:
        return True
    values = [float(cell) for cell in header if re.fullmatch(r"\d+(\.0)?", cell)]
    rising = len(values) > 3 and all(two - one == values[1] - values[0] > 0 for one, two in pairwise(values))
    first_is_word = bool(header[0]) and not NUMBER.fullmatch(header[0]) and not DATE.fullmatch(header[0])
    words_below = bool(later) and sum(not NUMBER.fullmatch(row[0]) for row in later if row and row[0]) > len(later) / 2
    dates = sum(bool(DATE.fullmatch(cell)) for cell in header)
    return (
        (rising and len(values) >= len(header) / 2)
        or (dates > 3 and first_is_word)
        or (first_is_word and not words_below)
    )


def distinct(names: list[str]) -> list[str]:
    """Each name once, of bounded length, and none empty."""
    found: list[str] = []
    seen: set[str] = set()
    for place, name in enumerate(names):
        name = shortened(" ".join(str(name).split()).strip("\"'"), 50) or f"Unnamed: {place}"
        base, again = name, 1
        while name in seen:
            name, again = f"{base}.{again}", again + 1
        found.append(name)
        seen.add(name)
    return found
