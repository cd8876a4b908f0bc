"""Alembic's way in. `integrations.ledger.upgrade` hands over a connection inside its own transaction."""

from __future__ import annotations

from alembic import context

from integrations.ledger.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
)
context.run_migrations()
