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
    """One notice as people see it, without its words and the address that it went to."""

    kind: str
    way: str
    status: str
    requested_at: datetime
    sent_at: datetime | None


async def notices_of(connection: AsyncConnection, case: UUID) -> Sequence[NoticeView]:
    """The notices of a case, in the order in which they were requested."""
    query = (
        sa.select(Notice.kind, Notice.way, Notice.status, Notice.requested_at, Notice.sent_at)
        .where(Notice.complaint_id == case)
        .order_by(Notice.number, Notice.requested_at)
    )
    return [NoticeView(*row) for row in await connection.execute(query)]
