"""Files that are made on a click, and kept until the browser that asked has fetched them."""

from collections import deque
from collections.abc import Callable
from threading import Timer
from typing import Any
from uuid import uuid4

from lessons.classroom.aside import aside
from pages.server.private import hold

FETCHED_AFTER = 60.0  # seconds a browser on a poor line may take to ask for its file
MADE_WITHIN = 30.0  # seconds; the largest sheets take one or two
KINDS = {
    "py": "text/x-python",
    "ipynb": "application/x-ipynb+json",
    "csv": "text/csv",
    "html": "text/html",
    "json": "application/json",
    "zip": "application/zip",
}

free: deque[str] = deque()  # names under which nothing is held now; there are as many as files were ever held at once


def kind(file: str) -> str:
    """The MIME type that a file's ending stands for."""
    return KINDS[file.rpartition(".")[2]]


def offer(place, label: str, file: str, data: bytes | Callable[[], str | bytes], key: str, **how: Any) -> None:
    """A button that hands out a file; what makes its text is called on a click. `how`: as `st.download_button` has it.

    No script runs for it.
    """
    given = made_on_click(data, file) if callable(data) else data
    place.download_button(label, given, file, kind(file), key=key, on_click="ignore", **how)


def made_on_click(make: Callable[[], str | bytes], file: str) -> Callable[[], bytes]:
    """What `st.download_button` takes as data: called on a click, and not before.

    It raises what `make` raises, and TimeoutError after MADE_WITHIN seconds: Streamlit makes all downloads in a few
    threads, and a database that hangs would have them all.
    """

    def made() -> bytes:
        text = aside(make).result(MADE_WITHIN)
        data = text if isinstance(text, bytes) else text.encode()
        keep(data, file)
        return data

    return made


def keep(data: bytes, file: str) -> None:
    """For FETCHED_AFTER seconds. A name belongs to one file until that is let go, and is used again then."""
    try:
        name = free.pop()
    except IndexError:
        name = f"download:{uuid4().hex}"
    release = hold(data, kind(file), name, file)

    def let_go() -> None:
        release()
        free.append(name)

    timer = Timer(FETCHED_AFTER, let_go)
    timer.daemon = True
    timer.start()
