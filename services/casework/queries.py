"""Reading what cases owe."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.casework.model import Deadline
from services.plan.vocabulary import CLOCK_KINDS


@dataclass(frozen=True, slots=True)
class DeadlineView:
    """One clock as people see it: what is due by when, and when it was done or missed.

    ``due_at`` is None while it stands, because it waits for the customer.
    """

    kind: str
    due_at: datetime | None
    met_at: datetime | None
    missed_at: datetime | None


_DEADLINES = (
    sa.select(Deadline.complaint_id, Deadline.kind, Deadline.due_at, Deadline.met_at, Deadline.missed_at)
    .where(
        Deadline.complaint_id == sa.any_(sa.bindparam("cases", type_=ARRAY(sa.Uuid))),
        Deadline.kind.in_(CLOCK_KINDS),
    )
    .order_by(Deadline.due_at, Deadline.kind)
)


async def deadlines_of(connection: AsyncConnection, cases: Collection[UUID]) -> Mapping[UUID, Sequence[DeadlineView]]:
    """The deadlines of each case, the earliest first. A case that has none yet is left out."""
    found: dict[UUID, list[DeadlineView]] = defaultdict(list)
    for row in await connection.execute(_DEADLINES, {"cases": sorted(cases)}):
        found[row.complaint_id].append(DeadlineView(row.kind, row.due_at, row.met_at, row.missed_at))
    return found
