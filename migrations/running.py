"""Running the migrations from the installed package, without an alembic.ini."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import AsyncEngine

from migrations.tables import metadata

# One migrator at a time: the others wait here and then find nothing left to do.
_MIGRATION_LOCK = 7_264_001


async def migrate(engine: AsyncEngine) -> str:
    """Bring the database to the newest revision and return it. Several callers at once are safe."""
    async with engine.begin() as connection:
        await connection.execute(sa.text("select pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
        await connection.run_sync(_upgrade)
        return await connection.run_sync(_current) or ""


async def current_revision(engine: AsyncEngine) -> str | None:
    """The revision that the database is at, None for an empty one."""
    async with engine.connect() as connection:
        return await connection.run_sync(_current)


def head_revision() -> str:
    """The newest revision that this package holds."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


async def differences(engine: AsyncEngine) -> list[object]:
    """What the models say and the migrated database does not, or the other way round. Empty when they agree."""
    async with engine.connect() as connection:
        return await connection.run_sync(_compare)


def revise(connection: sa.Connection, message: str, revision_id: str) -> None:
    """Write a new migration from the difference between models and database (for developers)."""
    config = _config(connection)
    command.revision(config, message=message, autogenerate=True, rev_id=revision_id)


def _config(connection: sa.Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    return config


def _upgrade(connection: sa.Connection) -> None:
    command.upgrade(_config(connection), "head")


def _current(connection: sa.Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _compare(connection: sa.Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, metadata))
