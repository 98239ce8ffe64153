"""The whole database as one file, and back: SQLite or PostgreSQL, also from the one to the other.

A line of JSON for each row, first one about the whole, last one how many there were: a file that was cut is refused.
The file has learners' keys as the database has them, wrapped with the server's secret; the secret is not in it.
"""

import base64
import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from alembic import command
from alembic.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy import Connection, LargeBinary, MetaData, Table, func, insert, select, text
from sqlalchemy.exc import SQLAlchemyError

from lessons.classroom import database, environment, keys
from lessons.classroom.schema import metadata, seal
from lessons.recipe.bad_input import BadInput

FORMAT = "unmasked database 1"
TOGETHER = 500  # rows that are written at once
KEPT = ("room", "learner")  # tables that say whether there is something to lose
VERSION = "alembic_version"
STREAMED = {"yield_per": TOGETHER}


def dump(address: str, file: Path) -> dict[str, int]:
    """Write the file, for this user alone to read; whole, or not at all. How many rows of each table. Raises BadInput.

    It is of one moment, and nobody has to stop for it.
    """
    engine = connected(address)
    counts: Counter[str] = Counter()
    snapshot = database.SNAPSHOT if engine.dialect.name == "postgresql" else {}
    try:
        with reasons(), engine.connect().execution_options(**database.READING, **snapshot) as db, drafted(file) as out:
            revision = MigrationContext.configure(db).get_current_revision()
            out.write(line({"format": FORMAT, "revision": revision}))
            for table in metadata.sorted_tables:
                for row in db.execute(select(table).order_by(table.c.id), execution_options=STREAMED).mappings():
                    counts[table.name] += 1
                    out.write(line({"table": table.name, "row": {name: told(value) for name, value in row.items()}}))
            out.write(line({"rows": counts}))
    finally:
        engine.dispose()
    return dict(counts)


def load(address: str, file: Path, replace: bool = False) -> dict[str, int]:
    """Put back what a file has, in one transaction. How many rows of each table. Raises BadInput.

    A file of an earlier version is brought up to date. `replace`: delete what the database has; without it one that has
    rooms or learners is left as it is.
    """
    engine = connected(address)
    try:
        with reasons(), lines_of(file) as lines, engine.begin() as db:
            if not replace and any(db.scalar(select(func.count()).select_from(metadata.tables[name])) for name in KEPT):
                raise BadInput("database: there are rooms or learners in it; --replace deletes them first.")
            secret = engine.get_execution_options()[database.SECRET]
            counts = loaded(db, lines, secret)
            if not db.scalar(select(seal.c.id).where(seal.c.fingerprint == keys.fingerprint(secret))):
                raise BadInput(
                    f"{environment.SECRET}: the backup was made under another one, without which nobody’s progress is "
                    f"found; put that back first. (With SQLite it may be in a file that ends in {environment.SUFFIX}.)"
                )
    finally:
        engine.dispose()
    return counts


def loaded(db: Connection, lines: Iterator[dict[str, Any]], secret: bytes) -> dict[str, int]:
    """Make the tables as they were when the file was written, fill them, and bring them up to date."""
    head = next(lines, {})
    if head.get("format") != FORMAT:
        raise BadInput(f"file: takes what “database dump” has written; its first line is not “{FORMAT}”.")
    metadata.drop_all(db)
    db.execute(text(f"DROP TABLE IF EXISTS {VERSION}"))
    config = database.migrations()
    config.attributes |= {"connection": db, "secret": secret}
    command.upgrade(config, str(head.get("revision")))
    there = MetaData()
    there.reflect(db)
    for table in there.tables.values():
        if table.name != VERSION:
            db.execute(table.delete())  # what the migrations have put in: the seal of this server
    counts: Counter[str] = Counter()
    waiting: dict[str, list[dict[str, Any]]] = {}
    for given in lines:
        if "rows" in given:
            if given["rows"] != counts:
                raise BadInput("file: it has other rows than its last line says; it was changed.")
            fill(db, there, waiting)
            command.upgrade(config, "head")
            return dict(counts)
        name = given.get("table")
        if name not in there.tables or name == VERSION:
            raise BadInput(f"file: got a row of “{str(name)[:40]}”; there is no such table.")
        counts[name] += 1
        waiting.setdefault(name, []).append(read(there.tables[name], given["row"]))
        if sum(map(len, waiting.values())) >= TOGETHER:
            fill(db, there, waiting)
    raise BadInput("file: its last line is missing; it was cut.")


def fill(db: Connection, there: MetaData, waiting: dict[str, list[dict[str, Any]]]) -> None:
    """Write rows, in the order in which they came; on PostgreSQL new rows are numbered after them."""
    for name, rows in waiting.items():
        db.execute(insert(there.tables[name]), rows)
        if db.dialect.name == "postgresql":
            place = f"pg_get_serial_sequence('{name}', 'id')"
            db.execute(text(f"SELECT setval({place}, (SELECT MAX(id) FROM {name}))"))
    waiting.clear()


def line(content: dict[str, Any]) -> str:
    return json.dumps(content) + "\n"


def told(value: Any) -> Any:
    """A value of a row as JSON has it."""
    return {"base64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value


def read(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    """A row as the database takes it."""
    found = {name: base64.b64decode(value["base64"]) if isinstance(value, dict) else value
             for name, value in row.items()}  # fmt: skip
    binary = {column.name for column in table.columns if isinstance(column.type, LargeBinary)}
    if not set(found) <= set(table.columns.keys()) or any(isinstance(found[name], str) for name in binary & set(found)):
        raise BadInput(f"file: got a row that fits no “{table.name}”; it was changed.")
    return found


# --- what may go wrong, each in a sentence


def connected(address: str):
    with reasons():
        return database.connect(address)


@contextmanager
def reasons() -> Iterator[None]:
    try:
        yield
    except CommandError as fault:  # a later version was here
        raise BadInput(
            "database: it, or the file, is of a later version of Unmasked; update this one first."
        ) from fault
    except SQLAlchemyError as fault:
        kind = type(getattr(fault, "orig", None) or fault).__name__
        raise BadInput(f"database: it does not answer, or does not take this ({kind}); nothing was changed.") from fault
    except OSError as fault:
        raise BadInput(f"file: got “{fault.filename}”; it cannot be used ({fault.strerror}).") from fault


@contextmanager
def drafted(file: Path) -> Iterator[IO[str]]:
    """A file beside it that takes its place at the end. Only this user may read it."""
    descriptor, draft = tempfile.mkstemp(dir=file.parent, prefix=file.name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        os.replace(draft, file)
    finally:
        Path(draft).unlink(missing_ok=True)


@contextmanager
def lines_of(file: Path) -> Iterator[Iterator[dict[str, Any]]]:
    """Its lines, one after the other: of a file that is long no more is in memory. Raises BadInput, OSError."""

    def parsed() -> Iterator[dict[str, Any]]:
        for text_line in lines:
            try:
                found = json.loads(text_line)
            except ValueError:
                found = None
            if not isinstance(found, dict):
                raise BadInput("file: one of its lines is no JSON object; it was cut or changed.")
            yield found

    with file.open(encoding="utf-8", errors="replace") as lines:
        yield parsed()
