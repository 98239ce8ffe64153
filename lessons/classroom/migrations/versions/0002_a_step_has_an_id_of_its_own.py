"""A step has an id of its own: written twice it is one row. Those that are there get one."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    with op.batch_alter_table("step", schema=None) as batch_op:
        batch_op.add_column(sa.Column("uid", sa.String(length=32), nullable=True))
    op.execute("UPDATE step SET uid = 'row ' || CAST(id AS VARCHAR(20))")
    with op.batch_alter_table("step", schema=None) as batch_op:
        batch_op.alter_column("uid", existing_type=sa.String(length=32), nullable=False)
        batch_op.create_unique_constraint(batch_op.f("uq_step_uid"), ["uid"])


def downgrade() -> None:
    with op.batch_alter_table("step", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_step_uid"), type_="unique")
        batch_op.drop_column("uid")
