"""The database of rooms and progress, as pages reach it: through `st.connection`, one engine for a server process.

SQLAlchemy is imported by whoever first needs it (`lessons.classroom.load`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st
from streamlit.errors import StreamlitSecretNotFoundError

from lessons.classroom import environment, load
from lessons.classroom.refusal import Away

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from lessons.classroom.room import Rooms

NAME = "classroom"  # of the connection: a secret [connections.classroom] with its `url` says where the database is


def rooms() -> Rooms:
    """Raises Away."""
    load()
    from lessons.classroom.room import Rooms

    return Rooms(engine())


def engine() -> Engine:
    """Raises Away; the next call tries again."""
    load()
    from alembic.util import CommandError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        return connected()
    except (SQLAlchemyError, CommandError, OSError) as fault:  # CommandError: a later version was here
        raise Away(fault) from fault


@st.cache_resource(show_spinner=False)
def connected() -> Engine:
    load()
    from lessons.classroom import database

    url = address()
    return database.ready(st.connection(NAME, type="sql", url=url, **database.options(url)).engine)


def address() -> str:
    """The secret's, else the environment's, else a file's."""
    from lessons.classroom import database

    given = given_address()
    return database.checked(given) if given else database.address()


def check() -> None:
    """Raises BadInput where this server could not keep progress. Asks no database, and loads nothing for it."""
    environment.check(given_address())


def given_address() -> str:
    """The address of the database as it was given; empty where nothing is said."""
    try:
        secret = st.secrets.get("connections", {}).get(NAME, {}).get("url")
    except StreamlitSecretNotFoundError:
        secret = None
    return secret or environment.given_url()
