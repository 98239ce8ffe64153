"""Two servers of the app that share one database, and its rooms as a third process has them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from lessons.classroom import database
from lessons.classroom.room import Rooms
from tests.tools.databases import empty
from tests.tools.site import Site, serving

LESSON = "mask_and_loss", "broken"


@contextmanager
def two_replicas(kind: str, folder: Path, logs: bool = False) -> Iterator[tuple[Site, Site, Rooms]]:
    """`logs`: what the servers write is kept, for `Site.log`."""
    url = empty(kind, folder)
    files = [folder / f"{number}.log" if logs else None for number in range(2)]
    with ExitStack() as stack:
        here, there = (stack.enter_context(serving(log=log, ahead=False, UNMASKED_DATABASE_URL=url)) for log in files)
        rooms = Rooms(database.connect(url))
        stack.callback(rooms.engine.dispose)
        yield here, there, rooms


def voting(rooms: Rooms) -> tuple[str, str]:
    code, key = rooms.open()
    rooms.ask(code, key, *LESSON)
    rooms.move(code, key, "vote")
    return code, key
