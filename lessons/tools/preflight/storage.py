"""The database: a room is opened where the app would open it, found, and deleted."""

import contextlib
import re
import time
import tomllib
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from lessons.classroom import database, environment
from lessons.classroom.room import NoRoom, Rooms
from lessons.recipe.bad_input import BadInput
from lessons.recipe.words import first_line
from lessons.tools.preflight.check import FAILED, OK, Check
from lessons.workers.pool import ROOT

LIFETIME = 60.0  # seconds of the room, should it not be deleted


def stored() -> Check:
    """A room opened where the app would open it, found, and deleted."""
    try:
        address = secret() or database.address()
    except (BadInput, OSError) as problem:
        return Check(
            "database", FAILED, first_line(problem), f"Set {database.VARIABLE} to an address that can be used."
        )
    place, began = where(address), time.monotonic()
    try:
        engine = database.connect(address)
        try:
            rooms = Rooms(engine)
            code, key = rooms.open(lifetime=LIFETIME)
            rooms.look(code)
            rooms.end(code, key)
            with contextlib.suppress(NoRoom):
                rooms.look(code)
                return Check("database", FAILED, f"{place} keeps what was deleted.", "Look at its log.")
        finally:
            engine.dispose()
    except BadInput as failure:  # of the secret that progress is kept under
        return Check("database", FAILED, f"{place} cannot be used: {failure}", f"Set {environment.SECRET}.")
    except (SQLAlchemyError, OSError) as failure:
        do = f"Does it run, and is the address right? {database.VARIABLE} or the secret [connections.classroom] has it."
        reason = without_password(first_line(getattr(failure, "orig", None) or failure), address)
        return Check("database", FAILED, f"{place} cannot be used: {reason}", do)
    seconds = time.monotonic() - began
    says = f"{place} took a room, gave it back and deleted it, in {seconds:.2f} s with the look at its tables."
    return Check("database", OK, says, measured={"seconds": seconds, "kind": kind_of(address)})


def secret() -> str | None:
    """The address in Streamlit's secrets, which the app prefers. Raises BadInput."""
    for folder in (ROOT, Path.home()):
        try:
            secrets = tomllib.loads((folder / ".streamlit" / "secrets.toml").read_text(encoding="utf-8"))
        except (OSError, tomllib.TOMLDecodeError):
            continue
        given = secrets.get("connections", {}).get("classroom", {}).get("url")
        if given:
            return database.checked(given)
    return None


def kind_of(address: str) -> str:
    return {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[make_url(address).get_backend_name()]


def where(address: str) -> str:
    """The kind of database and its place, without user and password."""
    url = make_url(address)
    if kind_of(address) == "SQLite":
        return f"SQLite in {url.database or 'memory'}"
    return f"PostgreSQL {url.database or ''} at {url.host or 'this machine'}:{url.port or 5432}".replace("  ", " ")


def without_password(text: str, address: str) -> str:
    """Drivers repeat the address that they were given."""
    url = make_url(address)
    for password in filter(None, (url.password, url.query.get("password"))):
        text = text.replace(str(password), "…")
    return re.sub(r"://[^@\s]*@", "://…@", text)
