"""What Alembic runs for each command; the connection and its lock come from ``adapters.db.migrate``."""

from alembic import context

from autopublisher.adapters.db.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
