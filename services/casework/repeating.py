"""Creating something once, however often the request for it is sent: by an idempotency key of the sender's."""

from __future__ import annotations

import hashlib
from uuid import UUID

import sqlalchemy as sa
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.database import Base
from services.base.errors import AlreadyUsed
from services.people.keys import Caller


def hash_of(body: BaseModel) -> bytes:
    """What is kept of a body to know it again: of its meaning, so that the order of fields makes no difference."""
    return hashlib.sha256(body.model_dump_json(exclude_defaults=True).encode()).digest()


async def sent_before(
    connection: AsyncConnection, model: type[Base], author: str, caller: Caller, key: str | None, body_hash: bytes
) -> UUID | None:
    """The row of ``model`` that the caller made under this key before; None when there is none, or no key.

    ``author`` is the column that holds who made it. Raises `AlreadyUsed` when the key belongs to another body.
    """
    if key is None:
        return None
    columns = model.__table__.c
    query = sa.select(columns.id, columns.body_hash).where(
        columns.realm == caller.realm, columns[author] == caller.actor, columns.idempotency_key == key
    )
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        return None
    if row.body_hash != body_hash:
        noun = model.__tablename__
        raise AlreadyUsed(
            f"this Idempotency-Key was used for another {noun}; use a new key for each {noun}, "
            "and the same key only to send the same one again",
            by="idempotency-key",
        )
    return UUID(str(row.id))
