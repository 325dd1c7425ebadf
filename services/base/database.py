"""The way to PostgreSQL: engine, table metadata, time and number types that all tables share.

Statements are Core style and explicit; nothing loads by surprise. Transactions are begun and committed where the
reader can see it. This module knows no table.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.orm import DeclarativeBase

# Constraint names follow one pattern, so that migrations can name what they change.
NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """The tables of Redress. Each noun's folder declares its own in ``model.py``."""

    metadata = sa.MetaData(naming_convention=NAMES)


Timestamp = sa.TIMESTAMP(timezone=True)
Json = postgresql.JSONB(none_as_null=True)


class Xid8(sa.types.UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "xid8"


class Snapshot(sa.types.UserDefinedType[str]):
    """PostgreSQL's ``pg_snapshot``, as text: ``xmin:xmax:xip,…``."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "pg_snapshot"


def create_engine(url: str, *, pool_size: int = 5, application: str = "redress") -> AsyncEngine:
    """An engine on a ``postgresql://`` URL; Unix sockets as ``?host=/folder``.

    A pooled connection is tried before use, so that a restarted database costs one attempt and not one per
    connection. Statements that take over 30 s are ended by the server.
    """
    return create_async_engine(
        "postgresql+asyncpg://",
        async_creator=_connector(url, application),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=10,
        pool_pre_ping=True,
        # The text of an error goes to logs and dead letters; what is bound to statements is personal data.
        hide_parameters=True,
        json_serializer=lambda value: orjson.dumps(value, default=str).decode(),
        json_deserializer=orjson.loads,
    )


async def connect(url: str, application: str = "redress") -> asyncpg.Connection:
    """A connection outside the pool, for those that hold one for as long as they live (readers, the intake writers)."""
    return await _connector(url, application)()


def _connector(url: str, application: str) -> Callable[..., Awaitable[asyncpg.Connection]]:
    # The driver reads the URL: percent-encoded names, several hosts, all of `sslmode`, `sslrootcert` and their like.
    async def open_connection(**_: Any) -> asyncpg.Connection:
        return await asyncpg.connect(
            url,
            timeout=5,
            command_timeout=60,
            server_settings={
                "application_name": application,
                "timezone": "UTC",
                "statement_timeout": "30s",
                "idle_in_transaction_session_timeout": "60s",
                "jit": "off",
            },
        )

    return open_connection


async def set_lock_timeout(connection: AsyncConnection, milliseconds: int) -> None:
    """Bound the time that this transaction waits for a lock."""
    await connection.execute(sa.text(f"set local lock_timeout = {int(milliseconds)}"))
