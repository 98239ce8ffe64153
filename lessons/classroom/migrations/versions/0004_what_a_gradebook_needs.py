"""What a gradebook and a report need: every question asked, how sure voters were, what members did on lessons' pages.

New columns have a default in the database: to take it away, SQLite would make the table anew, and dropping the old one
would delete the rows that hang on it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

EARLIER = """
INSERT INTO asked (room, question, slug, preset, variation, at)
SELECT room, question, MIN(slug), MIN(preset), 0, MIN(at) FROM vote GROUP BY room, question
"""
PRESENT = """
INSERT INTO asked (room, question, slug, preset, variation, at)
SELECT id, question, slug, preset, 0, opened FROM room
WHERE slug <> '' AND NOT EXISTS (SELECT 1 FROM asked WHERE asked.room = room.id AND asked.question = room.question)
"""


def upgrade() -> None:
    op.create_table(
        "asked",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("room", sa.Integer(), nullable=False),
        sa.Column("question", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(length=80), nullable=False),
        sa.Column("preset", sa.String(length=80), nullable=False),
        sa.Column("variation", sa.Integer(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["room"], ["room.id"], name=op.f("fk_asked_room"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asked")),
        sa.UniqueConstraint("room", "question", name=op.f("uq_asked_room_question")),
    )
    op.create_index(op.f("ix_asked_room"), "asked", ["room"], unique=False)
    op.create_table(
        "deed",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("room", sa.Integer(), nullable=False),
        sa.Column("member", sa.Integer(), nullable=False),
        sa.Column("uid", sa.String(length=32), nullable=False),
        sa.Column("slug", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["member"], ["member.id"], name=op.f("fk_deed_member"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["room"], ["room.id"], name=op.f("fk_deed_room"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deed")),
        sa.UniqueConstraint("uid", name=op.f("uq_deed_uid")),
    )
    op.create_index(op.f("ix_deed_member"), "deed", ["member"], unique=False)
    op.create_index(op.f("ix_deed_room"), "deed", ["room"], unique=False)
    op.add_column("member", sa.Column("identity", sa.String(length=80), nullable=False, server_default=""))
    op.add_column("room", sa.Column("variation", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("room", sa.Column("closes", sa.Float(), nullable=False, server_default="0"))
    op.add_column("room", sa.Column("asks", sa.String(length=20), nullable=False, server_default=""))
    op.add_column("vote", sa.Column("confidence", sa.String(length=20), nullable=False, server_default=""))
    op.execute(EARLIER)
    op.execute(PRESENT)


def downgrade() -> None:
    op.drop_column("vote", "confidence")
    for name in ("asks", "closes", "variation"):
        op.drop_column("room", name)
    op.drop_column("member", "identity")
    op.drop_table("deed")
    op.drop_table("asked")
