"""Reading directives: one, a page of them, who has taken notice, and how far they are."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by, distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.errors import Invalid, NotFound
from services.base.stream.model import EventRow
from services.casework.directives.events import Progressed
from services.casework.directives.model import Directive, DirectiveGroup, DirectivePerson
from services.complaints.model import Complaint


@dataclass(frozen=True, slots=True)
class Addressee:
    """Somebody whom a directive was addressed to, and when they took notice."""

    login: str
    group: str
    acknowledged_at: datetime | None


@dataclass(frozen=True, slots=True)
class ProgressEntry:
    """What one of those addressed said of how far it is."""

    at: datetime
    by: str
    group: str
    text: str


@dataclass(frozen=True, slots=True)
class DirectiveView:
    """A directive as people see it; ``reference`` is that of its case."""

    id: UUID
    realm: str
    version: int
    status: str
    text: str
    complaint_id: UUID | None
    reference: str | None
    groups: tuple[str, ...]
    issued_at: datetime
    issued_by: str
    due_at: datetime
    closed_at: datetime | None
    closed_by: str | None
    closing: str | None
    missed_at: datetime | None
    told: int
    people: tuple[Addressee, ...] = ()

    def is_overdue(self, now: datetime) -> bool:
        """Whether it is still open past its time."""
        return self.status == "open" and self.due_at < now

    def as_issued(self) -> DirectiveView:
        """The directive as it was at its first version."""
        return replace(
            self,
            version=1,
            status="open",
            closed_at=None,
            closed_by=None,
            closing=None,
            missed_at=None,
            told=0,
            people=tuple(replace(one, acknowledged_at=None) for one in self.people),
        )


@dataclass(frozen=True, slots=True)
class Filter:
    """Which directives a page holds. None means any; ``login`` is one of those addressed."""

    status: str | None = None
    group: str | None = None
    login: str | None = None
    complaint: UUID | None = None
    overdue: bool | None = None


GROUPS: Final = (
    sa.select(sa.func.array_agg(aggregate_order_by(DirectiveGroup.group_code, DirectiveGroup.group_code)))
    .where(DirectiveGroup.directive_id == Directive.id)
    .scalar_subquery()
)
"""The codes of a directive's groups, for a query of directives."""

_OTHERS: Final = {"reference": Complaint.reference, "groups": GROUPS.label("groups")}
_NAMES: Final = tuple(name for name in DirectiveView.__dataclass_fields__ if name != "people")
_VIEW: Final = (
    sa.select(*(_OTHERS[name] if name in _OTHERS else getattr(Directive, name) for name in _NAMES))
    .select_from(Directive)
    .outerjoin(Complaint, Complaint.id == Directive.complaint_id)
)
_PEOPLE: Final = (
    sa.select(
        DirectivePerson.directive_id, DirectivePerson.login, DirectivePerson.group_code, DirectivePerson.acknowledged_at
    )
    .where(DirectivePerson.directive_id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid))))
    .order_by(DirectivePerson.group_code, DirectivePerson.login)
)


async def find(connection: AsyncConnection, directive: UUID, realm: str) -> DirectiveView:
    """The directive of this id, with its people. Raises `NotFound` when there is none in the realm."""
    found = await _views(connection, _VIEW.where(Directive.id == directive, Directive.realm == realm))
    if not found:
        raise NotFound(f"there is no directive {directive}")
    return found[0]


async def page(
    connection: AsyncConnection, filters: Filter, realm: str, now: datetime, *, limit: int, cursor: str | None
) -> tuple[list[DirectiveView], str | None]:
    """Directives with their people, the newest first, and the cursor of the next page (None at the end).

    Two queries, whatever the number. Raises `Invalid` for a cursor that is not one of ours.
    """
    query = _VIEW.where(Directive.realm == realm).order_by(Directive.id.desc()).limit(limit + 1)
    if filters.status is not None:
        query = query.where(Directive.status == filters.status)
    if filters.complaint is not None:
        query = query.where(Directive.complaint_id == filters.complaint)
    if filters.group is not None:
        query = query.where(
            Directive.id.in_(sa.select(DirectiveGroup.directive_id).where(DirectiveGroup.group_code == filters.group))
        )
    if filters.login is not None:
        query = query.where(
            Directive.id.in_(sa.select(DirectivePerson.directive_id).where(DirectivePerson.login == filters.login))
        )
    if filters.overdue is not None:
        late = sa.and_(Directive.status == "open", Directive.due_at < now)
        query = query.where(late if filters.overdue else sa.not_(late))
    if cursor is not None:
        query = query.where(Directive.id < _before(cursor))
    views = await _views(connection, query)
    return views[:limit], views[limit - 1].id.hex if len(views) > limit else None


async def progress_of(connection: AsyncConnection, directive: UUID) -> Sequence[ProgressEntry]:
    """How far those addressed said it is, oldest first."""
    query = (
        sa.select(EventRow.time, EventRow.data, EventRow.private)
        .where(EventRow.key == directive, EventRow.type == Progressed.TYPE)
        .order_by(EventRow.number)
    )
    return [_entry(row) for row in await connection.execute(query)]


async def latest_progress(connection: AsyncConnection, directives: Collection[UUID]) -> Mapping[UUID, ProgressEntry]:
    """The last that was said of how far each directive is. One that nothing was said of is left out."""
    query = (
        sa.select(EventRow.key, EventRow.time, EventRow.data, EventRow.private)
        .ext(distinct_on(EventRow.key))
        .where(
            EventRow.key == sa.any_(sa.bindparam("ids", list(directives), type_=ARRAY(sa.Uuid))),
            EventRow.type == Progressed.TYPE,
        )
        .order_by(EventRow.key, EventRow.number.desc())
    )
    return {row.key: _entry(row) for row in await connection.execute(query)}


async def is_open(connection: AsyncConnection, directive: UUID, realm: str) -> bool:
    """Whether there is such a directive in the realm, and it is open."""
    query = sa.select(
        sa.exists().where(Directive.id == directive, Directive.realm == realm, Directive.status == "open")
    )
    return bool(await connection.scalar(query))


async def _views(connection: AsyncConnection, query: sa.Select[*tuple[object, ...]]) -> list[DirectiveView]:
    rows = [dict(row._mapping) for row in await connection.execute(query)]
    people: dict[UUID, list[Addressee]] = {row["id"]: [] for row in rows}
    if rows:
        for of, login, group, acknowledged_at in await connection.execute(_PEOPLE, {"ids": list(people)}):
            people[of].append(Addressee(login, group, acknowledged_at))
    return [DirectiveView(**{**row, "groups": tuple(row["groups"])}, people=tuple(people[row["id"]])) for row in rows]


def _entry(row: sa.Row[*tuple[object, ...]]) -> ProgressEntry:
    return ProgressEntry(row.time, row.data["by"], row.data["group"], (row.private or {}).get("text", ""))


def _before(cursor: str) -> UUID:
    try:
        return UUID(hex=cursor)
    except ValueError:
        raise Invalid("the cursor is not one that this service gave; leave it out to begin at the first page") from None
