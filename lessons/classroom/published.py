"""Cases that an instructor has published to a room: kept with it, for all in it to read, and deleted when it ends."""

import time

from sqlalchemy import Connection, delete, insert, select

from lessons.classroom.refusal import NotAllowed
from lessons.classroom.room_state import CASES, NAME_LONGEST
from lessons.classroom.schema import published
from lessons.course.case import Case
from lessons.recipe.bad_input import BadInput

MOST_LETTERS = 100_000  # of one, as its file has it: the longest model and the longest loss together have less


def add(db: Connection, room: int, name: str, case: Case) -> None:
    """Raises BadInput where the name or the case cannot be had, NotAllowed where the room has too many.

    `room`: its row, which this transaction has locked: two consoles that publish at once do it one after the other.
    """
    name, text = checked_name(name), checked_text(case)
    names = listed(db, room)
    if name in names:
        raise BadInput(f"name: the room has a case “{name}” already; take another name, or withdraw that one.")
    if len(names) >= CASES:
        raise NotAllowed(f"A room takes {CASES} cases: withdraw one first.")
    db.execute(insert(published).values(room=room, name=name, text=text, at=time.time()))


def remove(db: Connection, room: int, name: str) -> None:
    db.execute(delete(published).where((published.c.room == room) & (published.c.name == name)))


def listed(db: Connection, room: int) -> list[str]:
    """Their names, the first one first. Their texts stay where they are."""
    return list(db.scalars(select(published.c.name).where(published.c.room == room).order_by(published.c.id)))


def read(db: Connection, room: int, name: str) -> Case:
    """Raises BadInput."""
    text = db.scalar(select(published.c.text).where((published.c.room == room) & (published.c.name == name)))
    if text is None:
        raise BadInput(f"case: “{name[:NAME_LONGEST]}” is not published in this room, or was withdrawn.")
    return Case.read(text)


def checked_name(given: str) -> str:
    """Raises BadInput."""
    name = " ".join(given.split())
    if not 0 < len(name) <= NAME_LONGEST or not name.isprintable():
        raise BadInput(f"name: got “{name[:40]}”; takes 1 to {NAME_LONGEST} letters, by which the room knows the case.")
    return name


def checked_text(case: Case) -> str:
    """As a file has it. Raises BadInput for a case with nothing to run, or one that opening it would refuse."""
    if not (case.model.strip() or case.loss.strip()):
        raise BadInput("case: it has neither a model nor a loss.")
    text = case.to_text()
    if len(text) > MOST_LETTERS:
        raise BadInput(f"case: it has {len(text):,} letters as a file; a room keeps up to {MOST_LETTERS:,} of one.")
    Case.read(text)
    return text
