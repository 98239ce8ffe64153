"""The tables of the classroom. `migrations/` brings a database from any earlier form to this one.

Times are seconds since 1970, UTC. A room's key is stored as its SHA-256: it is long and random, so nothing slower is
needed. A learner's may be an account, which can be guessed: `keys.wrapped`.
"""

from typing import Any

import sqlalchemy as sa

# Constraints need names that a migration can speak of, on every database the same.
metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def table(name: str, *parts: sa.schema.SchemaItem) -> sa.Table:
    """A table whose rows are numbered."""
    return sa.Table(name, metadata, sa.Column("id", sa.Integer, primary_key=True), *parts)


def column(name: str, *kind: Any, **how: Any) -> sa.Column:
    """A column that is never empty."""
    return sa.Column(name, *kind, nullable=False, **how)


def of_room() -> sa.Column:
    """A row that goes when its room does."""
    return column("room", sa.ForeignKey("room.id", ondelete="CASCADE"), index=True)


room = table(
    "room",
    column("code", sa.String(12), unique=True),
    column("watch", sa.String(40), unique=True),  # a word that whoever is in the room may ask for news with
    column("instructor", sa.LargeBinary(32)),  # SHA-256 of the instructor's key
    column("opened", sa.Float),
    column("expires", sa.Float, index=True),
    column("slug", sa.String(80), default=""),  # of the lesson; empty before the first question
    column("preset", sa.String(80), default=""),
    column("question", sa.Integer, default=0),  # counts the lessons and presets asked about
    column("phase", sa.String(12)),
    column("following", sa.Boolean, default=True),  # learners' pages move along
    column("plan", sa.Text, default=""),  # the lessons and presets in order, as an address says them
    column("variation", sa.Integer, default=0),  # which variation of the preset is asked about; 0: the preset itself
    column("closes", sa.Float, default=0.0),  # when the open vote closes by itself; 0: it does not
    column("asks", sa.String(20), default=""),  # what of a learner the gradebook shall have; empty: nothing
    column("own", sa.Text, default=""),  # the teacher's own question, in place of a preset; empty: a lesson's is asked
    column("cases", sa.Integer, default=0),  # counts what was published in it and withdrawn
)

published = table(  # cases that the instructor lets the room have
    "published",
    of_room(),
    column("name", sa.String(60)),
    column("text", sa.Text),  # as `Case.to_text` has it
    column("at", sa.Float),
    sa.UniqueConstraint("room", "name"),
)

asked = table(  # every question that was put before a room: nobody may have voted on it
    "asked",
    of_room(),
    column("question", sa.Integer),
    column("slug", sa.String(80)),
    column("preset", sa.String(80)),
    column("variation", sa.Integer, default=0),
    column("own", sa.Text, default=""),  # as in room
    column("at", sa.Float),
    sa.UniqueConstraint("room", "question"),
)

member = table(
    "member",
    of_room(),
    column("key", sa.LargeBinary(32), unique=True),
    column("nickname", sa.String(40), default=""),
    column("identity", sa.String(80), default=""),  # what they gave where the room asks for something
    column("joined", sa.Float),
    column("removed", sa.Boolean, default=False),
)

vote = table(
    "vote",
    of_room(),
    column("member", sa.ForeignKey("member.id", ondelete="CASCADE")),
    column("question", sa.Integer),
    column("ballot", sa.Integer),  # 1: before the discussion, 2: after it
    column("slug", sa.String(80)),
    column("preset", sa.String(80)),
    column("answer", sa.Integer),
    column("confidence", sa.String(20), default=""),  # how sure they said they are; empty: nothing said
    column("at", sa.Float),
    sa.UniqueConstraint("member", "question", "ballot"),
    sa.CheckConstraint("ballot IN (1, 2)", name="ballot"),
    sa.Index(None, "room", "question", "ballot"),
)

finish = table(
    "finish",
    of_room(),
    column("member", sa.ForeignKey("member.id", ondelete="CASCADE")),
    column("question", sa.Integer),
    column("at", sa.Float),
    sa.UniqueConstraint("member", "question"),
)

deed = table(  # what a member did on a lesson's own page
    "deed",
    of_room(),
    column("member", sa.ForeignKey("member.id", ondelete="CASCADE"), index=True),
    column("uid", sa.String(32), unique=True),  # of the step: noted twice it is one
    column("slug", sa.String(80)),
    column("kind", sa.String(20)),  # prediction, twin, exercise
    column("name", sa.String(80)),  # of the preset or the exercise
    column("told", sa.Text, default=""),  # JSON: what was answered, how sure, and what came true
    column("at", sa.Float),
)

seal = table(  # one row: by which a server knows that its secret is the one that learners' keys are stored under
    "seal",
    column("fingerprint", sa.LargeBinary(32)),
)

learner = table(
    "learner",
    column("key", sa.LargeBinary(32), unique=True),  # HMAC of the SHA-256 of link's key or account
    column("began", sa.Float),
    column("seen", sa.Float),
    column("at", sa.String(80), default=""),  # the lesson where they left
)

step = table(
    "step",
    column("learner", sa.ForeignKey("learner.id", ondelete="CASCADE"), index=True),
    column("uid", sa.String(32), unique=True),  # from the page that wrote it: written twice it is one row
    column("slug", sa.String(80)),
    column("kind", sa.String(20)),  # prediction, run, exercise, hint
    column("name", sa.String(80)),  # of the preset or the exercise
    column("told", sa.Text, default=""),  # JSON: what was answered, and what came of it
    column("at", sa.Float),
)
