"""Reading what a customer was told about a case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notices.model import Notice


@dataclass(frozen=True, slots=True)
class NoticeView:
    """One notice as people see it, without its words and the address that it went to.

    ``number`` is that of the event that it tells of, ``failure`` the reason of what went wrong last, for staff.
    """

    kind: str
    way: str
    status: str
    requested_at: datetime
    sent_at: datetime | None
    delivered_at: datetime | None = None
    number: int | None = None
    failure: str | None = None


async def notices_of(connection: AsyncConnection, case: UUID) -> Sequence[NoticeView]:
    """The notices of a case, in the order in which they were requested."""
    query = (
        sa.select(*(getattr(Notice, name) for name in NoticeView.__dataclass_fields__))
        .where(Notice.complaint_id == case)
        .order_by(Notice.number, Notice.requested_at)
    )
    return [NoticeView(*row) for row in await connection.execute(query)]
