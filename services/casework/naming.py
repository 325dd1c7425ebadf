"""Which case somebody means who names one in a request about something else."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.errors import NotFound
from services.casework.action import wrong
from services.complaints.queries import find


async def case_named(connection: AsyncConnection, name: str, realm: str, prefix: str) -> UUID:
    """The id of the case with this id or reference. Raises `Invalid` for the field ``complaint`` when there is none."""
    try:
        return (await find(connection, name, realm, prefix)).id
    except NotFound as error:
        raise wrong("complaint", f"names no case: {error}", "unknown_case") from None
