"""What is read of a case for the customer's page, in a small and constant number of statements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from services.base.privacy import Privacy
from services.base.stream.model import EventRow
from services.casework.model import Deadline
from services.complaints.events import AwaitingCustomer, Explained, Guided
from services.complaints.model import Complaint
from services.notices import opting
from services.notices.channels.port import Way
from services.notices.queries import NoticeView, notices_of
from services.plan.schema import Plan
from services.plan.versions import Plans

# A customer can write as often as they like; the page shows what happened last.
MOST_SHOWN: Final = 300
# Whose words in the private half are the customer's own: they were told them.
_TOLD_IN_WORDS: Final = (AwaitingCustomer.TYPE, Guided.TYPE, Explained.TYPE)


@dataclass(frozen=True, slots=True)
class TrackedCase:
    """What is read of a case for its page. ``respond_by`` is the time of the answer that is still owed, ``merged`` the
    reference of the case that it was merged into. ``personal`` is sealed, and not shown.
    """

    id: UUID
    reference: str
    realm: str
    status: str
    language: str
    service_type: str
    received_at: datetime
    closed_at: datetime | None
    plan_version: int | None
    group_code: str | None
    estimated_repair_at: datetime | None
    resolution: str | None
    track_epoch: int
    personal: Any
    respond_by: datetime | None
    merged: str | None


@dataclass(frozen=True, slots=True)
class Tracked:
    """A case with all that its page is made of. ``record`` has the newest first; its rows have ``words`` where the
    customer was told them. ``stopped`` says of each way that the customer has whether they want no messages on it.
    """

    case: TrackedCase
    plan: Plan
    record: Sequence[sa.Row[Any]]
    notices: Sequence[NoticeView]
    stopped: Mapping[Way, bool]


_Other: Final = aliased(Complaint)
_BESIDE: Final[Mapping[str, Any]] = {"respond_by": Deadline.due_at, "merged": _Other.reference}
_CASE: Final = (
    sa.select(
        *(_BESIDE[name] if name in _BESIDE else getattr(Complaint, name) for name in TrackedCase.__dataclass_fields__)
    )
    .select_from(Complaint)
    .outerjoin(
        Deadline,
        sa.and_(Deadline.complaint_id == Complaint.id, Deadline.kind == "respond", Deadline.met_at.is_(None)),
    )
    .outerjoin(_Other, _Other.id == Complaint.merged_into)
    .where(Complaint.id == sa.bindparam("case", type_=sa.Uuid))
)
_RECORD: Final = (
    sa.select(
        EventRow.type,
        EventRow.time,
        EventRow.data,
        sa.case((EventRow.type.in_(_TOLD_IN_WORDS), EventRow.private)).label("words"),
    )
    .where(EventRow.key == sa.bindparam("case", type_=sa.Uuid))
    .order_by(EventRow.number.desc())
    .limit(MOST_SHOWN)
)


async def find(connection: AsyncConnection, privacy: Privacy, token: str) -> TrackedCase | None:
    """The case that the token opens; None for a token that was never ours or has been revoked."""
    claimed = privacy.case_of_token(token) if token.isascii() else None
    if claimed is None:
        return None
    row = (await connection.execute(_CASE, {"case": claimed})).one_or_none()
    case = None if row is None else TrackedCase(*row)
    return case if case is not None and privacy.token_matches(token, case.id, case.track_epoch) else None


async def plan_of(connection: AsyncConnection, plans: Plans, version: int | None) -> Plan:
    """The plan that a case runs under; before it is judged, the one in force."""
    if version is not None:
        return await plans.get(connection, version)
    _, plan = await plans.current(connection)
    return plan


async def read(connection: AsyncConnection, privacy: Privacy, plans: Plans, case: TrackedCase) -> Tracked:
    """All that the page of a case shows."""
    plan = await plan_of(connection, plans, case.plan_version)
    record = (await connection.execute(_RECORD, {"case": case.id})).all()
    notices = await notices_of(connection, case.id)
    who = opting.recipients(privacy, privacy.open(case.personal))
    stopped = await opting.opted_out(connection, who, case.realm)
    return Tracked(case, plan, record, notices, {way: way in stopped for way in who})
