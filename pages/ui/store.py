"""The database of rooms and progress, as pages reach it: through `st.connection`, one engine for a server process."""

import streamlit as st
from sqlalchemy import Engine
from streamlit.errors import StreamlitSecretNotFoundError

from lessons.classroom import database
from lessons.classroom.room import Rooms

NAME = "classroom"  # of the connection: a secret [connections.classroom] with its `url` says where the database is


def rooms() -> Rooms:
    return Rooms(engine())


@st.cache_resource(show_spinner=False)
def engine() -> Engine:
    """Raises what SQLAlchemy raises where the database does not answer; then the next call tries again."""
    url = address()
    return database.ready(st.connection(NAME, type="sql", url=url, **database.options(url)).engine)


def address() -> str:
    """The secret's, else the environment's, else a file's."""
    try:
        secret = st.secrets.get("connections", {}).get(NAME, {}).get("url")
    except StreamlitSecretNotFoundError:
        secret = None
    return database.checked(secret) if secret else database.address()
