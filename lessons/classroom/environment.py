"""What the environment says of the database, and the secret that learners' keys are stored under. Needs no SQLAlchemy.

An account's name is short and can be guessed: ten million student numbers are hashed in two minutes. So what is stored
of a key can be computed with the secret only, and the secret is not in the database.
"""

import os
import secrets
import tempfile
from pathlib import Path

from lessons.recipe.bad_input import BadInput

URL = "UNMASKED_DATABASE_URL"  # variable: SQLAlchemy's address of the database
SECRET = "UNMASKED_PROGRESS_SECRET"  # variable: of all servers that share a database the same
SHORTEST = 32  # characters of a secret
MAKE = "python3 -c 'import secrets; print(secrets.token_hex(32))' makes one"
SUFFIX = ".secret"  # of the file beside SQLite's


def given_url() -> str:
    """Empty where nothing is said."""
    return os.environ.get(URL, "").strip()


def given_secret() -> bytes:
    """Empty where nothing is said. Raises BadInput for one that could be guessed."""
    given = os.environ.get(SECRET, "").strip()
    if given and len(given) < SHORTEST:
        raise BadInput(f"{SECRET}: got {len(given)} characters; takes {SHORTEST} or more. {MAKE}.")
    return given.encode()


def check(url: str) -> None:
    """Raises BadInput where a server with a database of this address could not keep progress."""
    if not given_secret() and url.startswith("postgresql"):
        raise BadInput(
            f"{SECRET}: is not set; with PostgreSQL it takes {SHORTEST} characters or more, on every server the same. "
            f"{MAKE}."
        )


def kept_secret(database: Path, make: bool) -> bytes:
    """The one in the file beside SQLite's; made, for nobody but this user to read, where there is none and `make`.

    One process at a time. Raises BadInput where it is missing and is not to be made, OSError where it cannot be.
    """
    file = database.with_name(database.name + SUFFIX)
    if make and not file.exists():
        descriptor, draft = tempfile.mkstemp(dir=file.parent, prefix=file.name)  # readable by this user only
        with os.fdopen(descriptor, "w") as out:
            out.write(secrets.token_hex(SHORTEST))
            out.flush()
            os.fsync(out.fileno())
        os.replace(draft, file)  # whole, or not at all
    secret = file.read_bytes() if file.exists() else b""
    if len(secret) < SHORTEST:
        raise BadInput(
            f"{file}: is missing or cut, and without it no progress in {database.name} is found; put it back."
        )
    return secret
