"""kill -9 of the server while a class votes: no vote that a page has acknowledged is lost."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from itertools import cycle, islice

import pytest
from sqlalchemy import select
from websockets.exceptions import ConnectionClosed

from lessons.classroom import database, keys
from lessons.classroom.room import Rooms
from lessons.classroom.schema import member, vote
from tests.tools.databases import KINDS, empty
from tests.tools.load import Session
from tests.tools.patience import patient
from tests.tools.selection import first
from tests.tools.site import Site, serving

LEARNERS = 6
VOTES = 20  # of a learner; the pace allows no more in a minute
KILLS = 100  # on each database


async def vote_until_killed(site: Site, code: str, seats: list[str], after: int) -> list[list[int | None]]:
    """Everybody votes on and on; the server is killed with the `after`th acknowledgement, in the midst of other votes.

    What each was told last, and then what was under way.
    """
    sessions = [await Session.open(site.url, f"room={code}&me={seat}", timeout=patient(20)) for seat in seats]
    told: list[list[int | None]] = [[None, None] for _ in sessions]
    acknowledgements = 0

    async def cast(session: Session, mine: list[int | None]) -> None:
        nonlocal acknowledgements
        with suppress(ConnectionClosed, ConnectionError):
            for answer in islice(cycle((0, 1, 2)), VOTES):
                mine[1] = answer
                await session.click(f"room:vote:1:1:{answer}")
                assert session.errors == [] and acknowledged(session)
                mine[0] = answer
                acknowledgements += 1
                if acknowledgements == after:
                    site.process.kill()

    await asyncio.gather(*(cast(*pair) for pair in zip(sessions, told, strict=True)))
    assert acknowledgements >= after
    return told


def acknowledged(session: Session) -> bool:
    return any("Your vote is in" in shown.proto.body for shown in session.elements("markdown"))


def stored(rooms: Rooms, seat: str) -> int | None:
    with rooms.engine.connect() as db:
        here = select(vote.c.answer).join(member, vote.c.member == member.c.id).where(member.c.key == keys.sealed(seat))
        return db.scalar(here)


@pytest.mark.parametrize(("kind", "kill"), first(1, [(kind, kill) for kind in KINDS for kill in range(KILLS)]))
def test_no_acknowledged_vote_is_lost(kind, kill, tmp_path):
    rooms = Rooms(database.connect(url := empty(kind, tmp_path)))
    code, key = rooms.open()
    rooms.ask(code, key, "mask_and_loss", "broken")
    rooms.move(code, key, "vote")
    seats = [rooms.join(code) for _ in range(LEARNERS)]
    with serving(UNMASKED_DATABASE_URL=url, ahead=False) as site:
        told = asyncio.run(vote_until_killed(site, code, seats, random.Random(kill).randint(1, LEARNERS * VOTES // 2)))
    for seat, mine in zip(seats, told, strict=True):
        assert stored(rooms, seat) in mine, "what was acknowledged, or what came after it"
    rooms.engine.dispose()
