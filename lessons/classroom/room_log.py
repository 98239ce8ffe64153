"""A room's rows, read as what happened in it."""

import json
from collections import defaultdict
from typing import Any

from sqlalchemy import Connection, Row, select

from lessons.classroom.room_state import Asked, Log, Member, Vote
from lessons.classroom.schema import asked, deed, finish, member, vote
from lessons.classroom.steps import Step

KINDS = ("prediction", "twin", "exercise")  # of steps that are noted in a room
KEPT = ("answer", "outcome", "confidence", "passed")  # of what a step tells: no text of a learner's


def row_of(step: Step) -> dict[str, Any]:
    """What is noted of a step."""
    told = json.dumps({name: step.content[name] for name in KEPT if name in step.content})
    return {"uid": step.uid, "slug": step.slug, "kind": step.kind, "name": step.name, "told": told, "at": step.at}


def read(db: Connection, found: Row) -> Log:
    """`found`: the room's row."""
    inside = (member.c.room == found.id) & ~member.c.removed
    members = db.execute(select(member).where(inside).order_by(member.c.joined, member.c.id)).all()
    here = {row.id for row in members}
    votes = db.execute(select(vote).where(vote.c.room == found.id).order_by(vote.c.at, vote.c.id)).all()
    ran = db.execute(select(finish).where(finish.c.room == found.id)).all()
    deeds: dict[int, list[Step]] = defaultdict(list)
    for row in db.execute(select(deed).where(deed.c.room == found.id).order_by(deed.c.at, deed.c.id)):
        deeds[row.member].append(Step(row.kind, row.slug, row.name, json.loads(row.told or "{}"), row.at, row.uid))
    questions = db.execute(select(asked).where(asked.c.room == found.id).order_by(asked.c.question)).all()
    return Log(
        found.code,
        found.plan,
        found.asks,
        tuple(Asked(row.question, row.slug, row.own or row.preset, row.variation, row.at) for row in questions),
        tuple(Member(row.id, row.nickname, row.identity, row.joined) for row in members),
        tuple(
            Vote(row.member, row.question, row.ballot, row.answer, row.confidence, row.at)
            for row in votes
            if row.member in here
        ),
        {(row.member, row.question): row.at for row in ran if row.member in here},
        {number: tuple(steps) for number, steps in deeds.items() if number in here},
    )
