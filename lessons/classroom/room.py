"""Rooms: opened by an instructor, joined by code, moved through votes. Everything is in the database and nowhere else.

Every change is one transaction that locks the room's row first: a vote that comes while the instructor closes the
ballot is either in it or refused, never half. It counts once `vote` has returned.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from typing import Any, Literal

from sqlalchemy import Connection, Engine, Row, delete, func, insert, select, update

from lessons.classroom import keys, published, room_log
from lessons.classroom.csv_text import csv_text, harmless
from lessons.classroom.database import AWAY, READING, SNAPSHOT, add, put
from lessons.classroom.own_question import OWN, OwnQuestion
from lessons.classroom.phase import BALLOTS, CLOSED, PHASES, Phase
from lessons.classroom.posed import answers_of
from lessons.classroom.refusal import Away, NoRoom, NotAllowed
from lessons.classroom.room_state import ASKS, IDENTITY_LONGEST, Counts, Log, OwnVote, Room, Tally
from lessons.classroom.schema import asked, deed, finish, member, room, vote
from lessons.classroom.steps import Step
from lessons.course.case import Case
from lessons.course.lesson import CONFIDENCE
from lessons.recipe.bad_input import BadInput

Lock = Literal["shared", "alone"]
LIFETIME = 12 * 3600.0  # seconds: a workshop's day
NICKNAME_LONGEST = 40
LARGEST = 500  # members of a room


class Rooms:
    """The rooms in one database. Any number of processes may have one of these.

    Everything may raise Away.
    """

    def __init__(self, engine: Engine):
        self.engine = engine

    # --- the instructor

    def open(self, lifetime: float = LIFETIME) -> tuple[str, str]:
        """A new room's code and the instructor's key, which is told once and stored nowhere."""
        code, key, now = keys.code(), keys.key(), time.time()
        with self._writing() as db:
            db.execute(delete(room).where(room.c.expires < now))
            values = {"code": code, "watch": keys.key(), "instructor": keys.sealed(key), "phase": PHASES[0]}
            db.execute(insert(room).values(**values, opened=now, expires=now + lifetime))
        return code, key

    def ask(self, code: str, key: str, slug: str, preset: str, variation: int = 0, after: int | None = None) -> None:
        """Put a lesson's preset, or a variation of it, before the room: a new question, nobody has voted.

        `preset`: where the slug is OWN, the question of the teacher's own, as `OwnQuestion.name` has it.
        `after`: the question that the instructor had before them. Raises NotAllowed where the room has another one by
        now: a second console has asked it, or a click came twice.
        """
        with self._as_instructor(code, key) as (db, found):
            still_at(found, after)
            own = OwnQuestion.named(preset).name if slug == OWN else ""
            values = {"slug": slug, "preset": "" if own else preset, "own": own, "variation": variation,
                      "question": found.question + 1}  # fmt: skip
            db.execute(update(room).where(room.c.id == found.id).values(**values, phase=PHASES[0], closes=0.0))
            db.execute(insert(asked).values(**values, room=found.id, at=time.time()))

    def move(self, code: str, key: str, phase: Phase, seconds: float = 0, question: int | None = None) -> None:
        """Go to a phase. What was voted stays; a ballot that is opened again goes on.

        `seconds`: after which a vote closes by itself; 0: it does not. `question`: as `after` of `ask`, or a reveal
        that was meant for the question before would show the votes of this one.
        """
        if phase not in PHASES:
            raise BadInput(f"phase: got “{phase[:40]}”; takes {', '.join(PHASES)}.")
        closes = time.time() + seconds if seconds > 0 and phase in BALLOTS else 0.0
        with self._as_instructor(code, key) as (db, found):
            still_at(found, question)
            if not found.slug:
                raise NotAllowed("Choose a lesson first.")
            db.execute(update(room).where(room.c.id == found.id).values(phase=phase, closes=closes))

    def follow(self, code: str, key: str, following: bool) -> None:
        self._set(code, key, following=following)

    def plan(self, code: str, key: str, plan: str) -> None:
        """Keep an ordered list of presets, as `Agenda.address` says it."""
        self._set(code, key, plan=plan)

    def require(self, code: str, key: str, asks: str) -> None:
        """Ask learners for something that names them in the gradebook; for nothing, if empty. What they gave stays."""
        if asks not in ASKS:
            raise BadInput(f"asks: got “{asks[:40]}”; takes {', '.join(filter(None, ASKS))}, or nothing.")
        self._set(code, key, asks=asks)

    def _set(self, code: str, key: str, **values: object) -> None:
        with self._as_instructor(code, key) as (db, found):
            db.execute(update(room).where(room.c.id == found.id).values(**values))

    def remove(self, code: str, key: str, name: int) -> None:
        """Take a member's nickname away and let them do nothing more; their votes go too."""
        with self._as_instructor(code, key) as (db, found):
            here = (member.c.room == found.id) & (member.c.id == name)
            db.execute(update(member).where(here).values(removed=True, nickname="", identity=""))
            for table in (vote, deed):
                db.execute(delete(table).where((table.c.room == found.id) & (table.c.member == name)))

    def publish(self, code: str, key: str, name: str, case: Case) -> None:
        """Keep a case for all in the room, until it ends. Raises BadInput where `published` does."""
        with self._as_instructor(code, key) as (db, found):
            published.add(db, found.id, name, case)
            db.execute(update(room).where(room.c.id == found.id).values(cases=found.cases + 1))

    def withdraw(self, code: str, key: str, name: str) -> None:
        """Delete a case that was published; one that is gone already stays so."""
        with self._as_instructor(code, key) as (db, found):
            published.remove(db, found.id, name)
            db.execute(update(room).where(room.c.id == found.id).values(cases=found.cases + 1))

    def end(self, code: str, key: str) -> None:
        """Delete the room and everything about it."""
        with self._as_instructor(code, key) as (db, found):
            db.execute(delete(room).where(room.c.id == found.id))

    def members(self, code: str, key: str) -> list[tuple[int, str]]:
        """(number, nickname) of those who are in it."""
        with self._as_instructor(code, key, reading=True) as (db, found):
            here = (member.c.room == found.id) & ~member.c.removed
            rows = db.execute(select(member.c.id, member.c.nickname).where(here).order_by(member.c.joined))
            return [(row.id, row.nickname) for row in rows]

    def tally(self, code: str, key: str) -> Tally:
        """How it stands. Before the reveal for the instructor alone."""
        with self._as_instructor(code, key, reading=True) as (db, found):
            return tallied(db, found)

    def export(self, code: str, key: str) -> str:
        """All votes as CSV, at any time, each with its answer's text and the misconception behind it."""
        with self._as_instructor(code, key, reading=True) as (db, found):
            columns = (asked.c.own, member.c.id, member.c.nickname, *(vote.c[name] for name in VOTE_COLUMNS))
            question = (asked.c.room == vote.c.room) & (asked.c.question == vote.c.question)
            cast = select(*columns).join(member, vote.c.member == member.c.id).join(asked, question)
            here = cast.where(vote.c.room == found.id)
            rows = db.execute(here.order_by(vote.c.question, vote.c.ballot, vote.c.at)).all()
        sheet: list[tuple[object, ...]] = [("member", "nickname", *VOTE_COLUMNS, "text", "belief")]
        for row in rows:
            chosen = answers_of(row.slug, row.own or row.preset)[row.answer]
            sheet.append((row[1], harmless(row.nickname), *row[3:], harmless(chosen.text), chosen.belief))
        return csv_text(sheet)

    def log(self, code: str, key: str) -> Log:
        """All that happened, as it stands at one moment: votes may come in meanwhile."""
        with self._as_instructor(code, key, reading=True, snapshot=True) as (db, found):
            return room_log.read(db, found)

    # --- everybody

    def look(self, code: str) -> Room:
        with self._reading() as db:
            return room_of(found_room(db, code))

    def cases(self, code: str) -> list[str]:
        """The names of those that are published in it, the first one first."""
        with self._reading() as db:
            return published.listed(db, found_room(db, code).id)

    def case(self, code: str, name: str) -> Case:
        """One of them. Raises BadInput where the room has none of this name."""
        with self._reading() as db:
            return published.read(db, found_room(db, code).id, name)

    def held(self, code: str, word: str) -> Room | None:
        """The room, for who holds something of it: the instructor's key, a seat's, or its word for news. None else."""
        with self._reading() as db:
            try:
                found = found_room(db, code)
            except NoRoom:
                return None
            fits = keys.fits(word, found.instructor) or keys.fits(word, keys.sealed(found.watch))
            return room_of(found) if fits or seat_of(db, found, word) is not None else None

    def news(self, watch: str) -> str:
        """The state of the room that has this word; empty where there is none. No code is told by it."""
        with self._reading() as db:
            here = (room.c.watch == watch) & (room.c.expires > time.time())
            found = db.execute(select(room).where(here)).one_or_none()
        return room_of(found).state if found else ""

    def join(self, code: str, nickname: str = "", key: str = "", identity: str = "") -> str:
        """The member's key: a new one, or the one given, whose owner is in the room but once however often they join.

        A nickname is plain text, and may be left out; so may what the room asks for. Raises NoRoom, NotAllowed where
        the room is full, BadInput.
        """
        identity = checked_identity(identity)
        nickname = " ".join(nickname.split())
        if len(nickname) > NICKNAME_LONGEST or not nickname.isprintable():
            raise BadInput(f"nickname: takes up to {NICKNAME_LONGEST} letters, or none.")
        key = key or keys.key()
        with self._writing() as db:
            found = found_room(db, code, "shared")
            if db.scalar(select(member.c.id).where((member.c.room == found.id) & (member.c.key == keys.sealed(key)))):
                return key
            if db.scalar(select(func.count()).where(member.c.room == found.id)) >= LARGEST:
                raise NotAllowed(f"The room is full: it takes {LARGEST}.")
            values = {"room": found.id, "key": keys.sealed(key), "nickname": nickname, "joined": time.time()}
            # What the room asks for no more is not kept.
            add(db, member, values | {"identity": identity if found.asks else ""}, ("key",))
        return key

    def identify(self, code: str, key: str, identity: str) -> None:
        """Give what the room asks for; empty takes it back. Raises NotAllowed where the room asks for nothing."""
        identity = checked_identity(identity)
        with self._as_member(code, key) as (db, found, who):
            if not found.asks:
                raise NotAllowed("This room asks for nothing.")
            db.execute(update(member).where(member.c.id == who).values(identity=identity))

    def identity(self, code: str, key: str) -> str:
        """What this member gave."""
        with self._as_member(code, key, reading=True) as (db, _, who):
            return db.scalar(select(member.c.identity).where(member.c.id == who)) or ""

    def note(self, code: str, key: str, step: Step) -> None:
        """Keep what a member did on a lesson's own page, for the instructor. Noted twice it is once."""
        with self._as_member(code, key) as (db, found, who):
            add(db, deed, room_log.row_of(step) | {"room": found.id, "member": who}, ("uid",))

    def vote(self, code: str, key: str, question: int, answer: int, confidence: str = "") -> None:
        """A member's answer in the open ballot; the last one before it closes counts, with how sure they are of it.

        Raises NotAllowed where no ballot is open, or for another question than the member saw.
        """
        if confidence not in ("", *CONFIDENCE):
            raise BadInput(f"confidence: got “{confidence[:40]}”; takes {', '.join(CONFIDENCE)}, or nothing.")
        with self._as_member(code, key) as (db, found, who):
            ballot = room_of(found).ballot
            if ballot is None or found.question != question:
                raise NotAllowed("This vote is closed.")
            place = {"room": found.id, "member": who, "question": question, "ballot": ballot}
            values: dict[str, Any] = {"slug": found.slug, "preset": found.preset, "answer": answer, "at": time.time()}
            values["confidence"] = confidence
            put(db, vote, place | values, ("member", "question", "ballot"))

    def own_votes(self, code: str, key: str, question: int) -> dict[int, OwnVote]:
        """By ballot, what this member answered."""
        with self._as_member(code, key, reading=True) as (db, _, who):
            mine = (vote.c.member == who) & (vote.c.question == question)
            return {row.ballot: OwnVote(row.answer, row.confidence) for row in db.execute(select(vote).where(mine))}

    def finish(self, code: str, key: str, question: int) -> None:
        """Say that this member has run the question's preset."""
        with self._as_member(code, key) as (db, found, who):
            values = {"room": found.id, "member": who, "question": question, "at": time.time()}
            put(db, finish, values, ("member", "question"))

    def counts(self, code: str) -> Counts:
        with self._reading() as db:
            tally = tallied(db, found_room(db, code))
        return Counts(tally.joined, tally.voted, tally.done)

    def revealed(self, code: str) -> Tally | None:
        """How the room voted, once the instructor has revealed it; None before."""
        with self._reading() as db:
            found = found_room(db, code)
            return tallied(db, found) if room_of(found).revealed else None

    # --- who asks

    @contextmanager
    def _reading(self, snapshot: bool = False) -> Iterator[Connection]:
        """`snapshot`: all questions are answered as of one moment."""
        options = {**READING, **(SNAPSHOT if snapshot and self.engine.dialect.name == "postgresql" else {})}
        with answering(), self.engine.connect().execution_options(**options) as db:
            yield db

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """A transaction: what was done in it is committed once this ends."""
        with answering(), self.engine.begin() as db:
            yield db

    @contextmanager
    def _as_instructor(
        self, code: str, key: str, reading: bool = False, snapshot: bool = False
    ) -> Iterator[tuple[Connection, Row]]:
        with self._reading(snapshot) if reading else self._writing() as db:
            found = found_room(db, code, None if reading else "alone")
            if not keys.fits(key, found.instructor):
                raise NotAllowed("This link is not the instructor’s of this room.")
            yield db, found

    @contextmanager
    def _as_member(self, code: str, key: str, reading: bool = False) -> Iterator[tuple[Connection, Row, int]]:
        with self._reading() if reading else self._writing() as db:
            found = found_room(db, code, None if reading else "shared")
            who = seat_of(db, found, key)
            if who is None:
                raise NotAllowed("You are not in this room: join it with the code.")
            yield db, found, who


@contextmanager
def answering() -> Iterator[None]:
    """Raises Away where the database goes away meanwhile."""
    try:
        yield
    except AWAY as fault:
        raise Away(fault) from fault


VOTE_COLUMNS = ("question", "slug", "preset", "ballot", "answer", "at")


def found_room(db: Connection, code: str, lock: Lock | None = None) -> Row:
    """The room's row. Nobody changes it before this transaction ends, where it is locked. Raises NoRoom.

    A shared lock lets others in who want no more than that, such as voters. (SQLite has one writer at a time anyway.)
    """
    asked = select(room).where((room.c.code == keys.read_code(code)) & (room.c.expires > time.time()))
    if lock:
        asked = asked.with_for_update(read=lock == "shared")
    found = db.execute(asked).one_or_none()
    if found is None:
        raise NoRoom(f"room: got “{code[:20]}”; there is no open room of that code.")
    return found


def seat_of(db: Connection, found: Row, key: str) -> int | None:
    """The number of the member who has this key, unless removed."""
    here = (member.c.room == found.id) & (member.c.key == keys.sealed(key)) & ~member.c.removed
    return db.scalar(select(member.c.id).where(here))


def room_of(row: Row) -> Room:
    """The room as it stands now: a vote whose time is over is closed, and nobody has to do it."""
    found = Room(**{each.name: getattr(row, each.name) for each in fields(Room)} | {"preset": row.own or row.preset})
    over = found.ballot and 0 < found.closes <= time.time()
    return replace(found, phase=CLOSED[found.phase], closes=0.0) if over else found


def still_at(found: Row, question: int | None) -> None:
    """Raises NotAllowed where the room has another question than an instructor's page had."""
    if question is not None and found.question != question:
        raise NotAllowed("Meanwhile another question was asked, maybe in another window: this page has caught up now.")


def checked_identity(given: str) -> str:
    """Raises BadInput. The first letter is none that a spreadsheet takes for the beginning of a formula."""
    text = " ".join(given.split())
    if text and (len(text) > IDENTITY_LONGEST or not text.isprintable() or not text[0].isalnum()):
        raise BadInput(f"identity: takes up to {IDENTITY_LONGEST} characters, a letter or a digit first, or nothing.")
    return text


def tallied(db: Connection, found: Row) -> Tally:
    joined = db.scalar(select(func.count()).where((member.c.room == found.id) & ~member.c.removed))
    here = (vote.c.room == found.id) & (vote.c.question == found.question)
    chosen = vote.c.ballot, vote.c.answer
    votes: dict[int, dict[int, int]] = {}
    for ballot, answer, given in db.execute(select(*chosen, func.count()).where(here).group_by(*chosen)):
        votes.setdefault(ballot, {})[answer] = given
    done = db.scalar(select(func.count()).where((finish.c.room == found.id) & (finish.c.question == found.question)))
    last = room_of(found).ballot or max(votes, default=1)
    return Tally(joined, sum(votes.get(last, {}).values()), done, votes)
