"""The database: a file of SQLite's by default, PostgreSQL where an address says so; brought up to date at start."""

import secrets
import sqlite3
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from platformdirs import user_data_path
from sqlalchemy import Connection, Engine, Table, create_engine, event, inspect, make_url, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from lessons.classroom import environment, keys
from lessons.classroom.schema import seal
from lessons.recipe.bad_input import BadInput

VARIABLE = environment.URL
FILE = "classroom.sqlite"  # where nothing else is said, in the folder that this system has for an app's data
PATIENCE = 10.0  # seconds that a writer waits for another one, on SQLite
READING = {"reading": True}  # execution option of a connection that will not write
SNAPSHOT = {"isolation_level": "REPEATABLE READ"}  # for PostgreSQL; a transaction of SQLite's has one anyway
SECRET = "secret"  # execution option of an engine: what learners' keys are stored under
LOCK = 7_105_301  # ours among PostgreSQL's advisory locks; any number would do
ANSWERS_WITHIN = 5  # seconds, for PostgreSQL to take a connection
AWAY = (OperationalError, InterfaceError, PoolTimeout)  # raised where the database goes away, and for little else
IN_MEMORY = secrets.token_bytes(32)  # the secret of a database that ends with this process
ROLLED_BACK = "40"  # PostgreSQL's class of errors: two transactions were in each other's way


def address() -> str:
    """Of the database, as the environment says it; else a file of this user's, whose folder is made."""
    given = environment.given_url()
    return checked(given) if given else f"sqlite:///{user_data_path('unmasked', ensure_exists=True) / FILE}"


def checked(given: str) -> str:
    """Raises BadInput for what is no address of SQLite or PostgreSQL."""
    try:
        kind = make_url(given).get_backend_name()
    except ArgumentError:
        kind = ""
    if kind not in ("sqlite", "postgresql"):
        raise BadInput(
            f"{VARIABLE}: takes sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME."
        )  # may hold a password
    return given


def connect(address: str) -> Engine:
    """An engine for an address, its tables up to date.

    Raises what SQLAlchemy raises where nobody answers, and BadInput where the secret is missing or another one.
    """
    return ready(create_engine(address, **options(address)))


def options(address: str) -> dict[str, Any]:
    """Of an engine. A database that was started again is found again; one that is gone keeps nobody waiting.

    An error names no values: it may be logged, and what learners wrote is nobody's business there.
    """
    away = make_url(address).get_backend_name() == "postgresql"
    patience = {"connect_timeout": ANSWERS_WITHIN} if away else {}
    return {"pool_pre_ping": True, "hide_parameters": True, "connect_args": patience}


def ready(engine: Engine) -> Engine:
    """The same engine, set up, its tables brought up to date. Raises as `connect`."""
    if engine.dialect.name == "sqlite" and not event.contains(engine, "begin", begin_on_sqlite):
        event.listen(engine, "connect", open_sqlite)
        event.listen(engine, "begin", begin_on_sqlite)
    engine.update_execution_options(**{SECRET: upgrade(engine)})
    return engine


def open_sqlite(connection, _record) -> None:
    """Readers beside a writer, and foreign keys."""
    connection.isolation_level = None  # BEGIN is ours
    connection.execute(f"PRAGMA busy_timeout = {int(1000 * PATIENCE)}")
    set_wal(connection)
    connection.execute("PRAGMA synchronous = FULL")  # what is committed outlives a power cut
    connection.execute("PRAGMA foreign_keys = ON")


def set_wal(connection) -> None:
    """Raises SQLite's own error where others hold the file for longer than `PATIENCE`.

    The busy timeout does not cover this: of several who open a new file at once some are refused without a wait.
    """
    until = time.monotonic() + PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as fault:
            if fault.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.01)


def begin_on_sqlite(connection: Connection) -> None:
    """Who may write holds the lock from the beginning.

    By default pysqlite begins a transaction at the first write: two that have both read before it would fail.
    """
    reading = connection.get_execution_options().get("reading")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def unreachable(fault: BaseException) -> bool:
    """Whether a question failed because nobody can ask the database now, and not because of what was asked."""
    if not isinstance(fault, AWAY):
        return isinstance(fault, OSError)
    cause = getattr(fault, "orig", None)
    if isinstance(cause, sqlite3.Error):  # SQLite says OperationalError of wrong SQL, too
        return getattr(cause, "sqlite_errorcode", None) != sqlite3.SQLITE_ERROR
    return not (getattr(cause, "sqlstate", None) or "").startswith(ROLLED_BACK)


def upgrade(engine: Engine) -> bytes:
    """Bring the tables up to date. Of several servers that start at once one does it, the others wait.

    The secret that learners' keys are stored under. Raises BadInput where it is missing or another one.
    """
    environment.check(engine.dialect.name)
    config = migrations()
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
        secret = secret_of(connection)
        config.attributes |= {"connection": connection, "secret": secret}
        command.upgrade(config, "head")
        if not connection.scalar(select(seal.c.id).where(seal.c.fingerprint == keys.fingerprint(secret))):
            raise BadInput(
                f"{environment.SECRET}: the progress in this database was kept under another one; put that back. (With "
                f"SQLite it may be in the file beside it that ends in {environment.SUFFIX}.)"
            )
    return secret


def secret_of(connection: Connection) -> bytes:
    """As the environment says it; else of a file beside SQLite's, made where there is neither. Raises BadInput."""
    if given := environment.given_secret():
        return given
    file = connection.exec_driver_sql("PRAGMA database_list").one()[2]
    sealed = inspect(connection).has_table(seal.name)
    return environment.kept_secret(Path(file), make=not sealed) if file else IN_MEMORY


def migrations() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config


def draft(message: str) -> None:
    """Write a migration from the tables that the migrations make to those that schema.py describes."""
    config, folder = migrations(), Path(__file__).parent / "migrations" / "versions"
    engine = ready(create_engine("sqlite://"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        number = f"{len(list(folder.glob('*.py'))) + 1:04}"
        command.revision(config, message, autogenerate=True, rev_id=number)


def put(db: Connection, table: Table, values: Mapping[str, Any], unique: Iterable[str]) -> None:
    """Insert a row, or change the one that has the same values in the `unique` columns."""
    unique = tuple(unique)
    rest = {name: value for name, value in values.items() if name not in unique}
    db.execute(dialect(db).insert(table).values(**values).on_conflict_do_update(index_elements=unique, set_=rest))


def add(db: Connection, table: Table, values: Mapping[str, Any], unique: Iterable[str]) -> None:
    """Insert a row, unless one has the same values in the `unique` columns."""
    db.execute(dialect(db).insert(table).values(**values).on_conflict_do_nothing(index_elements=tuple(unique)))


def dialect(db: Connection):
    """The module with the `insert` that knows conflicts."""
    return postgresql if db.dialect.name == "postgresql" else sqlite


if __name__ == "__main__":
    draft(" ".join(sys.argv[1:]))
