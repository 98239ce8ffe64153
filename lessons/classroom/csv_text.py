"""Rows as CSV that a spreadsheet may open."""

import csv
import io
from collections.abc import Iterable


def csv_text(rows: Iterable[Iterable[object]]) -> str:
    sheet = io.StringIO()
    csv.writer(sheet).writerows(rows)
    return sheet.getvalue()


def harmless(text: str) -> str:
    """A spreadsheet takes a cell that begins like this for a formula."""
    return "'" + text if text.startswith(("=", "+", "-", "@")) else text
