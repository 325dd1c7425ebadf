"""How cases hang together: a repeat of an earlier complaint, a duplicate that follows another case, a child,
related.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.casework.model import Link
from services.complaints.commands import to_rows
from services.complaints.events import Relation
from services.complaints.lifecycle import OPEN
from services.complaints.model import Complaint
from services.complaints.queries import earlier_of

REPEATED_WITHIN: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class NewLink:
    """``complaint_id`` is the ``relation`` of ``other_id``."""

    complaint_id: UUID
    other_id: UUID
    relation: Relation
    linked_at: datetime
    linked_by: str


@dataclass(frozen=True, slots=True)
class LinkView:
    """One link as seen from a case. ``outward``: the case is the other's ``relation``; else the other is the case's."""

    other: UUID
    reference: str
    status: str
    relation: Relation
    outward: bool


@dataclass(frozen=True, slots=True)
class Repeat:
    """The earlier complaint that a new one repeats."""

    id: UUID
    reference: str
    status: str
    assignee: str | None
    group: str | None


_COLUMNS: Final = tuple(NewLink.__dataclass_fields__)
_ADD = sa.text(
    f"""
    insert into link ({", ".join(_COLUMNS)})
    select {", ".join(_COLUMNS)} from jsonb_populate_recordset(null::link, cast(:rows as jsonb))
    order by complaint_id, other_id
    on conflict (complaint_id, other_id) do update
    set relation = excluded.relation, linked_at = excluded.linked_at, linked_by = excluded.linked_by
    """
)
_REMOVE = sa.text(
    "delete from link using unnest(:cases, :others) as gone (one, other) "
    "where complaint_id = gone.one and other_id = gone.other"
).bindparams(sa.bindparam("cases", type_=ARRAY(sa.Uuid)), sa.bindparam("others", type_=ARRAY(sa.Uuid)))
_OF_CASE = sa.text(
    """
    select c.id, c.reference, c.status, l.relation, true from link l join complaint c on c.id = l.other_id
    where l.complaint_id = :case
    union all
    select c.id, c.reference, c.status, l.relation, false from link l join complaint c on c.id = l.complaint_id
    where l.other_id = :case
    order by 2
    """
)
_SAME_CUSTOMER = sa.text(
    """
    select exists (
        select from complaint a, complaint b
        where a.id = :one and b.id = :other
          and (a.phone_hash = b.phone_hash or a.email_hash = b.email_hash or a.account_hash = b.account_hash)
    )
    """
)
_CASES = sa.select(Complaint.id, Complaint.reference, Complaint.status, Complaint.assignee, Complaint.group_code).where(
    Complaint.id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid)))
)


_LINKED = sa.select(Link.complaint_id, Link.other_id).where(
    Link.complaint_id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid)))
)


async def add(connection: AsyncConnection, new: Sequence[NewLink]) -> None:
    """Write links, one statement for all; the newest relation between two cases counts."""
    if new:
        rows = [{name: getattr(one, name) for name in _COLUMNS} for one in new]
        await connection.execute(_ADD, {"rows": to_rows(rows)})


async def remove(connection: AsyncConnection, pairs: Sequence[tuple[UUID, UUID]]) -> None:
    """Take links away, by case and other case."""
    if pairs:
        await connection.execute(_REMOVE, {"cases": [one for one, _ in pairs], "others": [other for _, other in pairs]})


async def of_case(connection: AsyncConnection, case: UUID) -> list[LinkView]:
    """How a case hangs together with others, by their references."""
    return [LinkView(*row) for row in await connection.execute(_OF_CASE, {"case": case})]


async def followers(connection: AsyncConnection, case: UUID) -> list[UUID]:
    """The duplicates whose fate follows this case."""
    query = sa.select(Complaint.id).where(Complaint.merged_into == case).order_by(Complaint.id)
    return list((await connection.execute(query)).scalars())


async def same_customer(connection: AsyncConnection, one: UUID, other: UUID) -> bool:
    """Whether two cases are of the same customer, by phone, e-mail or account."""
    return bool(await connection.scalar(_SAME_CUSTOMER, {"one": one, "other": other}))


async def repeats(connection: AsyncConnection, cases: Mapping[UUID, tuple[str, str, datetime]]) -> dict[UUID, Repeat]:
    """For each case (by id: category, service, when received) the newest earlier complaint about the same matter.

    The same matter: of the same customer, category and service, within 90 days. What people linked already is left as
    they said. Three statements at most, whatever the number.
    """
    found: dict[UUID, UUID] = {}
    for case, earlier in (await earlier_of(connection, cases)).items():
        category, service, received_at = cases[case]
        alike = [
            one
            for one in earlier
            if one.category == category
            and one.service_type == service
            and received_at - one.received_at <= REPEATED_WITHIN
        ]
        if alike:
            found[case] = max(alike, key=lambda one: (one.received_at, one.id)).id
    if not found:
        return {}
    rows = await connection.execute(_CASES, {"ids": sorted(set(found.values()))})
    known = {row.id: Repeat(*row) for row in rows}
    linked = {(one, other) for one, other in await connection.execute(_LINKED, {"ids": sorted(found)})}
    return {case: known[other] for case, other in found.items() if other in known and (case, other) not in linked}


def open_children(views: Collection[LinkView]) -> list[str]:
    """The references of children that are not settled yet."""
    return [view.reference for view in views if view.relation == "child" and not view.outward and view.status in OPEN]
