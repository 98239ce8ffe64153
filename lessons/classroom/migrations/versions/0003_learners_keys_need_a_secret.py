"""What is stored of a learner's key is wrapped with the server's secret: an account's could be guessed.

All rows: from a hash nobody can tell an account's key from a private link's.
"""

import hmac

import sqlalchemy as sa
from alembic import context, op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    seal = op.create_table(
        "seal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seal")),
    )
    secret: bytes = context.config.attributes["secret"]
    op.bulk_insert(seal, [{"id": 1, "fingerprint": hmac.digest(secret, b"fingerprint", "sha256")}])
    db, learner = op.get_bind(), sa.table("learner", sa.column("id"), sa.column("key", sa.LargeBinary))
    for row in db.execute(sa.select(learner.c.id, learner.c.key)).all():
        wrapped = hmac.digest(secret, bytes(row.key), "sha256")
        db.execute(sa.update(learner).where(learner.c.id == row.id).values(key=wrapped))


def downgrade() -> None:
    raise NotImplementedError("What the secret has wrapped nobody can unwrap: put back a copy of the database.")
