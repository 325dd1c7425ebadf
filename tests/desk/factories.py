"""Keys for those who call the desk, as headers."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.people.keys import create_key
from services.people.model import ApiKey

Headers = dict[str, str]


async def key_of(engine: AsyncEngine, role: str, login: str | None = None, realm: str = "live") -> Headers:
    """The header that carries a fresh key."""
    async with engine.begin() as connection:
        key = await create_key(connection, role, f"{role} {login or ''}", login=login, realm=realm)
    return {"Authorization": f"Bearer {key}"}


async def channel_key(engine: AsyncEngine) -> tuple[UUID, Headers]:
    """A channel's key: its id, and the header that carries it."""
    headers = await key_of(engine, "channel")
    async with engine.connect() as connection:
        query = sa.select(ApiKey.id).where(ApiKey.role == "channel").order_by(ApiKey.id.desc()).limit(1)
        key_id = await connection.scalar(query)
    assert key_id is not None
    return key_id, headers
