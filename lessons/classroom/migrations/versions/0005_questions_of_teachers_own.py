"""A room asks questions of its teacher's own."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    for table in ("room", "asked"):
        op.add_column(table, sa.Column("own", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    for table in ("room", "asked"):
        op.drop_column(table, "own")
