"""The tables of the classroom. `migrations/` brings a database from any earlier form to this one.

Times are seconds since 1970, UTC. A room's key is stored as its SHA-256: it is long and random, so nothing slower is
needed. A learner's may be an account, which can be guessed: `keys.wrapped`.
"""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

# Constraints need names that a migration can speak of, on every database the same.
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def of_room() -> Column:
    """A row that goes when its room does."""
    return Column("room", ForeignKey("room.id", ondelete="CASCADE"), nullable=False, index=True)


room = Table(
    "room",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("code", String(12), nullable=False, unique=True),
    Column(
        "watch", String(40), nullable=False, unique=True
    ),  # a word that whoever is in the room may ask for news with
    Column("instructor", LargeBinary(32), nullable=False),  # SHA-256 of the instructor's key
    Column("opened", Float, nullable=False),
    Column("expires", Float, nullable=False, index=True),
    Column("slug", String(80), nullable=False, default=""),  # of the lesson; empty before the first question
    Column("preset", String(80), nullable=False, default=""),
    Column("question", Integer, nullable=False, default=0),  # counts the lessons and presets asked about
    Column("phase", String(12), nullable=False),
    Column("following", Boolean, nullable=False, default=True),  # learners' pages move along
    Column("plan", Text, nullable=False, default=""),  # the lessons and presets in order, as an address says them
)

member = Table(
    "member",
    metadata,
    Column("id", Integer, primary_key=True),
    of_room(),
    Column("key", LargeBinary(32), nullable=False, unique=True),
    Column("nickname", String(40), nullable=False, default=""),
    Column("joined", Float, nullable=False),
    Column("removed", Boolean, nullable=False, default=False),
)

vote = Table(
    "vote",
    metadata,
    Column("id", Integer, primary_key=True),
    of_room(),
    Column("member", ForeignKey("member.id", ondelete="CASCADE"), nullable=False),
    Column("question", Integer, nullable=False),
    Column("ballot", Integer, nullable=False),  # 1: before the discussion, 2: after it
    Column("slug", String(80), nullable=False),
    Column("preset", String(80), nullable=False),
    Column("answer", Integer, nullable=False),
    Column("at", Float, nullable=False),
    UniqueConstraint("member", "question", "ballot"),
    CheckConstraint("ballot IN (1, 2)", name="ballot"),
    Index(None, "room", "question", "ballot"),
)

finish = Table(
    "finish",
    metadata,
    Column("id", Integer, primary_key=True),
    of_room(),
    Column("member", ForeignKey("member.id", ondelete="CASCADE"), nullable=False),
    Column("question", Integer, nullable=False),
    Column("at", Float, nullable=False),
    UniqueConstraint("member", "question"),
)

seal = Table(  # one row: by which a server knows that its secret is the one that learners' keys are stored under
    "seal",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("fingerprint", LargeBinary(32), nullable=False),
)

learner = Table(
    "learner",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", LargeBinary(32), nullable=False, unique=True),  # HMAC of the SHA-256 of link's key or account
    Column("began", Float, nullable=False),
    Column("seen", Float, nullable=False),
    Column("at", String(80), nullable=False, default=""),  # the lesson where they left
)

step = Table(
    "step",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("learner", ForeignKey("learner.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("uid", String(32), nullable=False, unique=True),  # from the page that wrote it: written twice it is one row
    Column("slug", String(80), nullable=False),
    Column("kind", String(20), nullable=False),  # prediction, run, exercise, hint
    Column("name", String(80), nullable=False),  # of the preset or the exercise
    Column("told", Text, nullable=False, default=""),  # JSON: what was answered, and what came of it
    Column("at", Float, nullable=False),
)
