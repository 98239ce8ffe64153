"""What Alembic runs: on the connection that `lessons.classroom.database.upgrade` hands it."""

from alembic import context

from lessons.classroom.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
