"""Run by Alembic: hands it the connection that `upgrade` was given."""

from __future__ import annotations

from alembic import context

from engine.storage.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite alters a table by copying it
)
context.run_migrations()
