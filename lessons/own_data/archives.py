"""The texts that archives of time series use, ARFF and .ts, as CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from itertools import zip_longest

from lessons.recipe.bad_input import BadInput
from lessons.recipe.words import shortened

DATA = re.compile(r"(?im)^\s*@data\s*$")
ATTRIBUTE = re.compile(r"""(?im)^\s*@attribute\s+('[^']*'|"[^"]*"|\S+)""")
OTHERS = {  # how a text begins that is no table, and what it is
    "{": "JSON",
    "[": "JSON",
    "<": "a web page or XML",
}


def as_csv(text: str) -> str:
    """The same table as CSV; a text that is none of these stays as it is. Raises BadInput."""
    if other := OTHERS.get(text.lstrip()[:1]):
        raise BadInput(f"The file is {other}: save its table as CSV.")
    head, *rest = DATA.split(text, maxsplit=1)
    if not rest:
        return text
    rows = [line for line in rest[0].splitlines() if line.strip() and not line.lstrip().startswith(("%", "#"))]
    return of_ts(head, rows) if re.search(r"(?im)^\s*@problemname", head) else of_arff(head, rows)


def of_arff(head: str, rows: list[str]) -> str:
    """The attributes are the names of the columns. Raises BadInput for sequences inside of quotes."""
    names = [name.strip("'\"") for name in ATTRIBUTE.findall(head)]
    if "relational" in head.lower():
        raise BadInput("The file is an ARFF with tables in its cells: bring it as .ts, or as CSV.")
    return "\n".join([line_of(names), *rows])


def of_ts(head: str, rows: list[str]) -> str:
    """A row for each step: the dimensions of a sequence are parted by colons, and a label may come last."""
    if re.search(r"(?im)^\s*@timestamps\s+true", head):
        raise BadInput("The file is a .ts with a time beside each value: save it as CSV.")
    labelled = bool(re.search(r"(?im)^\s*@(classlabel|targetlabel)\s+true", head))
    lines: list[list[object]] = []
    for number, row in enumerate(rows):
        dimensions = row.split(":")
        label = [dimensions.pop().strip()] if labelled else []
        values = [dimension.split(",") for dimension in dimensions]
        lines += [[number, step, *one, *label] for step, one in enumerate(zip_longest(*values, fillvalue=""))]
    if not lines:
        raise BadInput("There is no row below @data; takes a row for each sequence.")
    width = max(map(len, lines)) - 2 - labelled
    if any(len(line) - 2 - labelled != width for line in lines):
        raise BadInput(f"The file is a .ts whose sequences differ in their dimensions: {shortened(rows[0], 60)}")
    names: list[object] = ["sequence", "step", *(f"x{place + 1}" for place in range(width)), *["label"] * labelled]
    return "\n".join(line_of(line) for line in [names, *lines])


def line_of(cells: Sequence[object]) -> str:
    """The cells as a line of CSV."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(cells)
    return line.getvalue()
