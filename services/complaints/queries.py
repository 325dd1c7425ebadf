"""Reading cases: one, many, and the record of one.

What is shown here is for people and programs that may see the case; who may is decided by the caller.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.errors import Invalid, NotFound
from services.base.identity import parse_reference
from services.base.privacy import Person, Privacy
from services.base.stream.model import EventRow
from services.complaints.model import Complaint


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case as people see it, with the customer and their words."""

    id: UUID
    reference: str
    realm: str
    version: int
    api_key_id: UUID
    external_id: str | None
    status: str
    channel: str
    service_type: str
    language: str
    region: str | None
    region_code: str | None
    occurred_at: datetime | None
    received_at: datetime
    concerns: dict[str, Any] | None
    personal: Any
    content: str
    masked: str | None
    track_epoch: int
    category: str | None
    sub_category: str | None
    severity: str | None
    reportable: bool
    judgement: dict[str, Any] | None
    plan_version: int | None
    group_code: str | None
    assignee: str | None
    assignment: dict[str, Any] | None
    estimated_repair_at: datetime | None
    resolution: str | None
    resolved_at: datetime | None
    closed_at: datetime | None
    handling: dict[str, Any] | None
    escalation: dict[str, Any] | None
    merged_into: UUID | None
    reported_at: datetime | None

    def customer(self, privacy: Privacy) -> Person:
        """Who complained."""
        return privacy.open(self.personal)


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of a case's record."""

    number: int
    type: str
    time: datetime
    actor: str
    data: dict[str, Any]
    private: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Filter:
    """Which cases a queue shows. None means any."""

    status: str | None = None
    category: str | None = None
    severity: str | None = None
    group: str | None = None
    assignee: str | None = None
    overdue: bool | None = None


_VIEW = [getattr(Complaint, name) for name in CaseView.__dataclass_fields__]


# A case that is over owes nothing any more, also what it never met (an acknowledgement that had no way to go).
_LATE = (
    "complaint.status in ('received', 'classified', 'dispatched', 'in_progress', 'awaiting_customer', 'resolved') and "
    "exists (select from deadline d where d.complaint_id = complaint.id and d.met_at is null and d.due_at < now())"
)
_OVERDUE = sa.text(_LATE)
_NOT_OVERDUE = sa.text(f"not ({_LATE})")


# Made once: a statement that is built for each call costs more than the database takes to answer it.
_REALM = Complaint.realm == sa.bindparam("realm")
_BY_ID = Complaint.id == sa.bindparam("name", type_=sa.Uuid)
_BY_REFERENCE = Complaint.reference == sa.bindparam("name", type_=sa.Text)
_VIEW_BY_ID = sa.select(*_VIEW).where(_BY_ID, _REALM)
_VIEW_BY_REFERENCE = sa.select(*_VIEW).where(_BY_REFERENCE, _REALM)
_ID_BY_ID = sa.select(Complaint.id).where(_BY_ID, _REALM)
_ID_BY_REFERENCE = sa.select(Complaint.id).where(_BY_REFERENCE, _REALM)


async def find(connection: AsyncConnection, name: str, realm: str, prefix: str = "RD") -> CaseView:
    """The case with this id or reference (in any spelling that a person may type).

    Raises `NotFound` when there is none in the realm.
    """
    wanted = _named(name, prefix)
    query = _VIEW_BY_ID if isinstance(wanted, UUID) else _VIEW_BY_REFERENCE
    row = (await connection.execute(query, {"name": wanted, "realm": realm})).one_or_none()
    if row is None:
        raise NotFound(f"there is no case {name[:60]}")
    return CaseView(*row)


async def find_id(connection: AsyncConnection, name: str, realm: str, prefix: str = "RD") -> UUID:
    """The id of the case with this id or reference. Raises `NotFound` as `find` does."""
    wanted = _named(name, prefix)
    query = _ID_BY_ID if isinstance(wanted, UUID) else _ID_BY_REFERENCE
    found: UUID | None = await connection.scalar(query, {"name": wanted, "realm": realm})
    if found is None:
        raise NotFound(f"there is no case {name[:60]}")
    return found


def _named(name: str, prefix: str) -> UUID | str:
    try:
        return UUID(name)
    except ValueError:
        reference = parse_reference(name, prefix)
        if reference is None:
            raise NotFound(
                f"'{name[:60]}' is neither the id nor the reference of a case; a reference looks like "
                f"{prefix}-7K3M-9PQ2-X, and its last character checks the others"
            ) from None
        return reference


async def by_ids(connection: AsyncConnection, ids: Collection[UUID], realm: str) -> list[CaseView]:
    """The cases of a realm with these ids, in the order of ids."""
    wanted = Complaint.id == sa.any_(sa.bindparam("ids", list(ids), type_=ARRAY(sa.Uuid)))
    query = sa.select(*_VIEW).where(wanted, Complaint.realm == realm).order_by(Complaint.id)
    return [CaseView(*row) for row in await connection.execute(query)]


async def page(
    connection: AsyncConnection, filters: Filter, realm: str, *, limit: int, cursor: str | None
) -> tuple[list[CaseView], str | None]:
    """Cases, oldest first, and the cursor of the next page (None at the end).

    Raises `Invalid` for a cursor that is not one of ours.
    """
    query = sa.select(*_VIEW).where(Complaint.realm == realm).order_by(Complaint.id).limit(limit + 1)
    wanted = {
        Complaint.status: filters.status,
        Complaint.category: filters.category,
        Complaint.severity: filters.severity,
        Complaint.group_code: filters.group,
        Complaint.assignee: filters.assignee,
    }
    for column, value in wanted.items():
        if value is not None:
            query = query.where(column == value)
    if filters.overdue is not None:
        query = query.where(_OVERDUE if filters.overdue else _NOT_OVERDUE)
    if cursor is not None:
        query = query.where(Complaint.id > _after(cursor))
    rows = [CaseView(*row) for row in await connection.execute(query)]
    more = len(rows) > limit
    return rows[:limit], rows[limit - 1].id.hex if more else None


async def record(connection: AsyncConnection, case: UUID) -> Sequence[Happening]:
    """Everything that happened to a case, oldest first."""
    query = (
        sa.select(EventRow.number, EventRow.type, EventRow.time, EventRow.actor, EventRow.data, EventRow.private)
        .where(EventRow.key == case)
        .order_by(EventRow.number)
    )
    return [Happening(*row) for row in await connection.execute(query)]


@dataclass(frozen=True, slots=True)
class EarlierCase:
    """An earlier complaint of the same customer; ``category`` is None until it is judged."""

    id: UUID
    category: str | None
    service_type: str
    received_at: datetime


_MOST_EARLIER = 20
# A number that thousands of complaints share (a front end's placeholder) tells of no customer, and must not cost more
# than looking at this many. An index that has the newest first would spare that, and cost intake a fifth of its speed.
_MOST_LOOKED_AT = 200

_EARLIER = sa.text(
    " union ".join(
        f"""
        select c.id as of, e.id, e.category, e.service_type, e.received_at
        from complaint c
        cross join lateral (
            select * from (
                select id, category, service_type, received_at, realm, status from complaint e
                where e.{mark} = c.{mark} and e.id < c.id limit {_MOST_LOOKED_AT}
            ) e order by e.id desc limit {_MOST_EARLIER}
        ) e
        where c.id = any(:ids) and e.realm = c.realm and e.status not in ('withdrawn', 'rejected')
        """
        for mark in ("phone_hash", "email_hash", "account_hash")
    )
).bindparams(sa.bindparam("ids", type_=ARRAY(sa.Uuid)))


async def earlier_of(connection: AsyncConnection, ids: Collection[UUID]) -> dict[UUID, list[EarlierCase]]:
    """The earlier complaints of the customers of these cases, by phone, e-mail or account; the newest twenty of each.

    A case whose customer never complained before is left out. Of a customer with more than 200 any twenty are given.
    """
    found: dict[UUID, list[EarlierCase]] = {}
    for of, *earlier in await connection.execute(_EARLIER, {"ids": list(ids)}):
        found.setdefault(of, []).append(EarlierCase(*earlier))
    return found


def _after(cursor: str) -> UUID:
    try:
        return UUID(hex=cursor)
    except ValueError:
        raise Invalid("the cursor is not one that this service gave; leave it out to begin at the first page") from None
