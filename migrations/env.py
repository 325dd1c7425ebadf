"""How Alembic runs our migrations: on the connection it is given, in one transaction, with bounded lock waits."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context

from migrations.tables import metadata

LOCK_TIMEOUT_MS = 5_000


def run(connection: sa.Connection) -> None:
    """Bring the database to the wanted revision."""
    context.configure(connection=connection, target_metadata=metadata, compare_type=True, compare_server_default=False)
    with context.begin_transaction():
        # A migration that can't have its lock soon gives up, rather than making all traffic queue behind it.
        connection.execute(sa.text(f"set local lock_timeout = {LOCK_TIMEOUT_MS}"))
        context.run_migrations()


run(context.config.attributes["connection"])
