"""What each learner did and predicted: no name, no password. Whoever has a learner's key is that learner."""

import json
import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Engine, Row, delete, insert, select, update

from lessons.classroom import keys
from lessons.classroom.database import READING, SECRET, add
from lessons.classroom.schema import learner, step
from lessons.classroom.steps import KINDS, Course, NoLearner, Step
from lessons.recipe.bad_input import BadInput

YEAR = 365 * 24 * 3600.0  # seconds: who has not been seen for that long is forgotten
MOST = 3000  # steps of one learner; the oldest go
LONGEST = 8000  # letters of JSON that one step may tell
SHORT = 200  # letters of a text that is told all the same where it would be more


class Progress:
    """The learners in one database. Any number of processes may have one of these.

    `engine`: as `database.connect` and `database.ready` give it, with the secret that keys are stored under.
    """

    def __init__(self, engine: Engine):
        self.engine, self._secret = engine, engine.get_execution_options()[SECRET]

    def stored(self, key: str) -> bytes:  # (32,)
        """What the database has of a learner's key."""
        return keys.wrapped(keys.sealed(key), self._secret)

    def check(self) -> None:
        """Raises what SQLAlchemy raises where the database does not answer."""
        with self.engine.connect().execution_options(**READING) as db:
            db.scalar(select(1))

    def begin(self, key: str = "") -> str:
        """The key of a learner who is there now: a new one, or the one given. It is stored nowhere.

        A learner who is there already stays as they are, whoever else begins them in the same moment.
        """
        key, now = key or keys.key(), time.time()
        with self.engine.begin() as db:
            db.execute(delete(learner).where(learner.c.seen < now - YEAR))
            add(db, learner, {"key": self.stored(key), "began": now, "seen": now}, ("key",))
        return key

    def course(self, key: str) -> Course:
        """Raises NoLearner."""
        with self.engine.connect().execution_options(**READING) as db:
            found = found_learner(db, self.stored(key))
            rows = db.execute(select(step).where(step.c.learner == found.id).order_by(step.c.at, step.c.id))
            return Course(tuple(step_of(row) for row in rows), found.at)

    def steps(self, key: str) -> list[Step]:
        """In the order in which they were taken. Raises NoLearner."""
        return list(self.course(key).steps)

    def keep(self, key: str, *steps: Step) -> None:
        """All of them, or none; those that are there already stay as they are.

        The lesson of the last one is where the learner is, unless all were there. Raises NoLearner.
        """
        rows = [row_of(one) for one in steps]
        with self.engine.begin() as db:
            who = found_learner(db, self.stored(key), lock=True).id  # nobody else writes this learner's steps meanwhile
            known = set(db.scalars(select(step.c.uid).where(step.c.uid.in_([one.uid for one in steps]))))
            new = [row | {"learner": who} for row in rows if row["uid"] not in known]
            if not new:
                return
            db.execute(insert(step), new)
            drop_oldest(db, who)
            db.execute(update(learner).where(learner.c.id == who).values(seen=time.time(), at=steps[-1].slug))

    def moved(self, key: str, where: str) -> None:
        """Remember the lesson that a learner has opened. Raises NoLearner."""
        with self.engine.begin() as db:
            who = found_learner(db, self.stored(key), lock=True).id
            db.execute(update(learner).where(learner.c.id == who).values(seen=time.time(), at=where[:80]))

    def adopt(self, key: str, other: str) -> None:
        """Give this learner all that the other one did. The other is no more; who is no more already gives nothing.

        Raises NoLearner where this learner is not there.
        """
        with self.engine.begin() as db:
            # Always in the same order: two who adopt each other would else wait for each other.
            both = self.stored(key), self.stored(other)
            found = {one: find_learner(db, one, lock=True) for one in sorted(set(both))}
            mine, theirs = (found[one] for one in both)
            if mine is None:
                raise NoLearner
            if theirs is None or mine.id == theirs.id:
                return
            db.execute(update(step).where(step.c.learner == theirs.id).values(learner=mine.id))
            drop_oldest(db, mine.id)
            last = max(mine, theirs, key=lambda row: (bool(row.at), row.seen))
            db.execute(update(learner).where(learner.c.id == mine.id).values(seen=time.time(), at=last.at))
            db.execute(delete(learner).where(learner.c.id == theirs.id))

    def forget(self, key: str) -> None:
        """Delete everything of this learner. Nobody is left of whom something could be told."""
        with self.engine.begin() as db:
            db.execute(delete(learner).where(learner.c.key == self.stored(key)))


def found_learner(db: Connection, stored: bytes, lock: bool = False) -> Row:
    """The learner's row; nobody changes it before this transaction ends, where it is locked. Raises NoLearner."""
    found = find_learner(db, stored, lock)
    if found is None:
        raise NoLearner
    return found


def find_learner(db: Connection, stored: bytes, lock: bool = False) -> Row | None:
    """As `found_learner`; None where there is none."""
    here = (learner.c.key == stored) & (learner.c.seen >= time.time() - YEAR)
    asked = select(learner).where(here)
    return db.execute(asked.with_for_update() if lock else asked).one_or_none()


def drop_oldest(db: Connection, who: int) -> None:
    mine = step.c.learner == who
    last = select(step.c.id).where(mine).order_by(step.c.id.desc()).offset(MOST).limit(1).scalar_subquery()
    db.execute(delete(step).where(mine & (step.c.id <= last)))


def row_of(one: Step) -> dict[str, Any]:
    if one.kind not in KINDS:
        raise BadInput(f"kind: got “{one.kind[:40]}”; takes {', '.join(KINDS)}.")
    if not one.slug or len(one.slug) > 80 or len(one.name) > 80:
        raise BadInput(f"step: a lesson and a name have up to 80 letters; got “{one.slug[:90]}”, “{one.name[:90]}”.")
    record = written(one.content)
    return {"uid": one.uid, "kind": one.kind, "slug": one.slug, "name": one.name, "told": record, "at": one.at}


def step_of(row: Row) -> Step:
    return Step(row.kind, row.slug, row.name, json.loads(row.told or "{}"), row.at, row.uid)


def written(record: Mapping[str, Any]) -> str:
    """As JSON. Where it would be too much, long texts and lists are left out: half a text could pass for a whole."""
    text = json.dumps(dict(record), default=plain)
    if len(text) > LONGEST:
        text = json.dumps({name: short(value) for name, value in record.items()}, default=plain)
    if len(text) > LONGEST:
        raise BadInput(f"step: tells {len(text)} letters; takes up to {LONGEST}.")
    return text


def plain(value: Any) -> Any:
    """A NumPy number as Python's."""
    return value.item() if hasattr(value, "item") else str(value)


def short(value: Any) -> Any:
    """What is small enough in any case, else nothing."""
    long = isinstance(value, (list, tuple, dict)) or (isinstance(value, str) and len(value) > SHORT)
    return None if long else value
