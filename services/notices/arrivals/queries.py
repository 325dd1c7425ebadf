"""Reading what came in: one, and a page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.errors import Invalid, NotFound
from services.base.privacy import Incoming, Privacy
from services.complaints.model import Complaint
from services.notices.arrivals.model import Arrival


@dataclass(frozen=True, slots=True)
class ArrivalView:
    """A message as people see it; ``reference`` is that of its case."""

    id: UUID
    realm: str
    way: str
    kind: str
    status: str
    personal: Any
    received_at: datetime
    complaint_id: UUID | None
    reference: str | None
    notice_id: UUID | None
    matched_by: str | None
    why: str | None
    settled_at: datetime | None
    settled_by: str | None
    outcome: str | None

    def incoming(self, privacy: Privacy) -> Incoming:
        """Who wrote, and what."""
        return privacy.open_incoming(self.personal)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which messages a page holds. None means any."""

    status: str | None = None
    kind: str | None = None
    way: str | None = None
    complaint: UUID | None = None


_VIEW: Final = (
    sa.select(
        *(
            Complaint.reference if name == "reference" else getattr(Arrival, name)
            for name in ArrivalView.__dataclass_fields__
        )
    )
    .select_from(Arrival)
    .outerjoin(Complaint, Complaint.id == Arrival.complaint_id)
)


async def find(connection: AsyncConnection, arrival: UUID, realm: str) -> ArrivalView:
    """The message of this id. Raises `NotFound` when there is none in the realm."""
    row = (await connection.execute(_VIEW.where(Arrival.id == arrival, Arrival.realm == realm))).one_or_none()
    if row is None:
        raise NotFound(f"there is no message {arrival}")
    return ArrivalView(*row)


async def content_of(connection: AsyncConnection, arrival: UUID, realm: str) -> str:
    """The whole text of a message, with what it quotes."""
    query = sa.select(Arrival.content).where(Arrival.id == arrival, Arrival.realm == realm)
    return str(await connection.scalar(query) or "")


async def page(
    connection: AsyncConnection, filters: Filter, realm: str, *, limit: int, cursor: str | None
) -> tuple[list[ArrivalView], str | None]:
    """Messages, the first that came first, and the cursor of the next page (None at the end).

    Raises `Invalid` for a cursor that is not one of ours.
    """
    query = _VIEW.where(Arrival.realm == realm).order_by(Arrival.id).limit(limit + 1)
    wanted = {
        Arrival.status: filters.status,
        Arrival.kind: filters.kind,
        Arrival.way: filters.way,
        Arrival.complaint_id: filters.complaint,
    }
    for column, value in wanted.items():
        if value is not None:
            query = query.where(column == value)
    if cursor is not None:
        query = query.where(Arrival.id > _after(cursor))
    rows = [ArrivalView(*row) for row in await connection.execute(query)]
    return rows[:limit], rows[limit - 1].id.hex if len(rows) > limit else None


def _after(cursor: str) -> UUID:
    try:
        return UUID(hex=cursor)
    except ValueError:
        raise Invalid("the cursor is not one that this service gave; leave it out to begin at the first page") from None
