"""Reading: the bytes of a file as a sheet. Files come from strangers: a server has it done in a walled process.

CSV and TSV however they are written, Parquet, and arrays of NumPy; packed ones too. `docs/own_data.md` describes them.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lessons.own_data import archives, arrays, cells, delimited
from lessons.own_data.sheet import Column, Sheet, frozen
from lessons.recipe.bad_input import BadInput
from lessons.recipe.words import plural, shortened

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

MEGABYTES = 50  # of a file; .streamlit/config.toml says it too
UNPACKED = 200 * 2**20  # bytes that a file may have when it is unpacked
MOST_ROWS = 1_000_000
MOST_BYTES = 48 * 2**20  # of all columns that are kept
MOST_NOTES = 20
# Of the work, measured on 14 MB of numbers, dates and texts in 4 s; numbers alone are nearly all parsing, and 0.2 s.
DECODED, PARSED = 0.03, 0.17
WRITTEN_BY_A_SPREADSHEET = (
    "The file is a spreadsheet (Excel or OpenDocument), whatever its name says: save it there as “CSV UTF-8”."
)
OTHERS = {  # what files begin with that cannot be read, and what to do
    b"\xd0\xcf\x11\xe0": WRITTEN_BY_A_SPREADSHEET,
    b"%PDF": "The file is a PDF: takes CSV or TSV, Parquet, .npz or .npy.",
    b"\x89HDF": "The file is HDF5: save its arrays as .npz, or its table as CSV.",
    b"SQLite format 3": "The file is a database: save a table of it as CSV.",
    b"\x89PNG": "The file is a picture: takes CSV or TSV, Parquet, .npz or .npy.",
    b"\x80\x04\x95": "The file is a pickle, which is not read: save the table as CSV or Parquet.",
    b"\x80\x05\x95": "The file is a pickle, which is not read: save the table as CSV or Parquet.",
}


def load() -> None:
    """Import what reading needs, and begin nothing: a process that has may still be forked."""
    import pandas  # noqa: F401
    import pyarrow.parquet  # noqa: F401


def warm_up() -> None:
    """Load all that reading needs: later a walled process may not be able to open the files.

    Pandas loads some of it when it is first used.
    """
    import pandas as pd

    read(b"when;what;how much\n2024-01-31;a;1,5\n31 Jan 2024;b;2,5\n2024-03-31;a;\n")
    packed = io.BytesIO()
    pd.DataFrame({"when": pd.to_datetime(["2024-01-31"], utc=True), "what": ["a"]}).to_parquet(packed)
    read(packed.getvalue())


def read(data: bytes) -> Sheet:
    """The sheet in a file. Raises BadInput, one sentence that says what to do."""
    *_, sheet = parts(data)
    assert isinstance(sheet, Sheet)
    return sheet


def parts(data: bytes) -> Iterator[float | Sheet]:
    """How much of a file is read, as shares of the work, and last the sheet. Raises BadInput as `read` does."""
    if len(data) > MEGABYTES * 2**20:
        raise BadInput(f"The file has {len(data) / 2**20:.1f} MB; up to {MEGABYTES} MB are read.")
    for start, says in OTHERS.items():
        if data.startswith(start):
            raise BadInput(says)
    if data[:2] == b"\x1f\x8b":
        data = unpacked(data)
    if data[:6] == b"\x93NUMPY":
        yield bounded(arrays.sheet_of(arrays.arrays_of(data, UNPACKED)))
        return
    if data[:4] == b"PK\x03\x04":
        inside = of_zip(data)
        if inside is None:
            yield bounded(arrays.sheet_of(arrays.arrays_of(data, UNPACKED)))
            return
        data = inside
    if data[:4] == b"PAR1":
        frame, notes = of_parquet(data)
        yield from columns(frame, notes, 1)
        return
    text = archives.as_csv(delimited.text_of(data))
    yield DECODED
    frame, notes = delimited.frame_of(text)
    yield from columns(frame, notes, 2)


def unpacked(data: bytes) -> bytes:
    """What is in a .gz file. Raises BadInput where it grows beyond UNPACKED."""
    parts, total = [], 0
    try:
        while data[:2] == b"\x1f\x8b":
            machine = zlib.decompressobj(31)
            part = machine.decompress(data, UNPACKED + 1 - total)
            total += len(part)
            if total > UNPACKED or not machine.eof:
                if total > UNPACKED:
                    raise arrays.too_large(total, UNPACKED)
                raise BadInput("The file is a .gz that ends too early: pack it again.")
            parts.append(part)
            data = machine.unused_data
    except zlib.error:
        raise BadInput("The file is a .gz that cannot be unpacked: pack it again.") from None
    return b"".join(parts)


def of_zip(data: bytes) -> bytes | None:
    """The one table that is packed in it; None where it holds arrays. Raises BadInput."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            members = [
                member for member in packed.infolist() if not member.is_dir() and "__MACOSX" not in member.filename
            ]
            names = [member.filename for member in members]
            if any(name.endswith(".npy") for name in names):
                return None
            if "[Content_Types].xml" in names or "content.xml" in names:
                raise BadInput(WRITTEN_BY_A_SPREADSHEET)
            tables = [
                member for member in members if member.filename.lower().endswith((".csv", ".tsv", ".txt", ".parquet"))
            ]
            if len(tables) != 1:
                raise BadInput(
                    f"The file is a .zip with {plural(len(tables), 'table')}; takes one: bring it by itself."
                )
            with packed.open(tables[0]) as stream:
                inside = stream.read(UNPACKED + 1)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError, OSError):
        raise BadInput("The file is a .zip that cannot be unpacked: bring the table in it.") from None
    if len(inside) > UNPACKED:
        raise arrays.too_large(len(inside), UNPACKED)
    return inside


def of_parquet(data: bytes) -> tuple[pd.DataFrame, list[str]]:
    """The rows of a Parquet file, and what was left out. Raises BadInput."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(io.BytesIO(data))
        about = file.metadata
        size = sum(about.row_group(group).total_byte_size for group in range(about.num_row_groups))
        if size > UNPACKED:
            raise arrays.too_large(size, UNPACKED)
        schema = file.schema_arrow
        flat = [name for name, kind in zip(schema.names, schema.types, strict=True) if not pa.types.is_nested(kind)]
        kept = flat[: delimited.MOST_COLUMNS]
        groups, rows = [], 0
        for group in range(about.num_row_groups):
            groups.append(group)
            rows += about.row_group(group).num_rows
            if rows >= MOST_ROWS:
                break
        table = file.read_row_groups(groups, columns=kept, use_threads=False)
        # The moments stay as they are: a walled process cannot open the files that say what a zone is.
        plain = [
            pa.field(one.name, pa.timestamp(one.type.unit)) if pa.types.is_timestamp(one.type) else one
            for one in table.schema
        ]
        frame = table.cast(pa.schema(plain, table.schema.metadata)).to_pandas(
            use_threads=False, ignore_metadata=zoned(table.schema)
        )
    except (pa.ArrowException, OSError, ValueError, MemoryError, OverflowError) as failure:
        raise BadInput(f"The file is no Parquet that can be read: {shortened(str(failure), 100)}") from None
    named = [name for name in frame.index.names if name is not None]
    frame = frame.reset_index(drop=not named) if named else frame.reset_index(drop=True)
    left = [name for name in schema.names if name not in flat]
    notes = [f"Columns of lists left out: {shortened(', '.join(left), 100)}."] if left else []
    return frame, notes


def zoned(schema: pa.Schema) -> bool:
    """Whether a column has times of a zone, which pandas would make again from what the file says of itself."""
    return any(getattr(one.type, "tz", None) for one in schema)


def columns(frame: pd.DataFrame, notes: list[str], first: int) -> Iterator[float | Sheet]:
    """The columns of a data frame, one after the other, and last the sheet. `first`: the line of its first row.

    Raises BadInput where there is none.
    """
    if not len(frame) or not len(frame.columns):
        raise BadInput("There is no row below the names of the columns; takes a row for each step.")
    if len(frame) > MOST_ROWS:
        notes.append(f"The file has {len(frame):,} rows; the first {MOST_ROWS:,} are read.")
        frame = frame.iloc[:MOST_ROWS]
    names = delimited.distinct([str(name) for name in frame.columns])
    found: list[Column] = []
    for place, name in enumerate(names):
        yield PARSED + (1 - PARSED) * place / len(names)
        column, told = cells.column_of(name, frame.iloc[:, place], first)
        found.append(column)
        notes += told
    yield bounded(without_odd_rows(Sheet(tuple(found), tuple(notes[:MOST_NOTES]))))


def without_odd_rows(sheet: Sheet) -> Sheet:
    """Without rows at the top or the end of which no number can be read: units below the names, a line of totals."""
    numbers = [column for column in sheet.columns if column.kind != "text"]
    texts = [column for column in sheet.columns if column.kind == "text"]
    empty = [not any(column.known[place] for column in numbers) for place in (0, -1)]
    if sheet.rows < 4 or not numbers or len(numbers) < len(texts):
        return sheet
    start, end = int(empty[0]), sheet.rows - int(empty[1])
    cut = [Column(one.name, one.kind, one.values[start:end], one.words) for one in sheet.columns]
    notes = ["The first row has no number, such as one of units: left out."] * empty[0]
    notes += ["The last row has no number: left out."] * empty[1]
    return Sheet(tuple(cut), (*sheet.notes, *notes))


def narrow(column: Column) -> Column:
    """Its numbers as float32, unless they are whole ones that would not stay apart."""
    if column.kind == "date" or np.nanmax(np.abs(column.values), initial=0) > 2**24:
        return column
    return replace(column, values=frozen(column.values.astype("float32")))


def bounded(sheet: Sheet) -> Sheet:
    """Where all would take more than MOST_BYTES: numbers as the model computes in, and the first rows."""
    if sum(column.values.nbytes for column in sheet.columns) <= MOST_BYTES:
        return sheet
    sheet = replace(sheet, columns=tuple(map(narrow, sheet.columns)))
    size = sum(column.values.nbytes for column in sheet.columns)
    if size <= MOST_BYTES:
        return sheet
    rows = max(1, int(sheet.rows * MOST_BYTES / size))
    cut = [Column(one.name, one.kind, one.values[:rows].copy(), one.words) for one in sheet.columns]
    return Sheet(
        tuple(cut), (*sheet.notes, f"Of {sheet.rows:,} rows with {len(cut)} columns the first {rows:,} are kept.")
    )
