"""A room keeps cases that its instructor has published to it."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "published",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("room", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["room"], ["room.id"], name=op.f("fk_published_room"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_published")),
        sa.UniqueConstraint("room", "name", name=op.f("uq_published_room_name")),
    )
    op.create_index(op.f("ix_published_room"), "published", ["room"], unique=False)
    op.add_column("room", sa.Column("cases", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("room", "cases")
    op.drop_table("published")
