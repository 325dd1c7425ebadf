"""What the leadership group (应急处理领导小组) sees at a glance: major complaints, open directives, and what lies.

A constant number of queries, whatever there is. Nothing here decides anything.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.errors import Invalid
from services.base.stream.model import EventRow
from services.casework.directives import queries as directives
from services.casework.directives.queries import DirectiveView, ProgressEntry
from services.casework.model import Deadline
from services.casework.tasks.model import Task
from services.complaints.events import Reported
from services.complaints.model import Complaint

_OVER: Final = ("closed", "withdrawn", "rejected")


@dataclass(frozen=True, slots=True)
class NextDeadline:
    """A clock of a case that runs, the first due first; ``missed_at`` when it has passed unmet."""

    kind: str
    due_at: datetime
    missed_at: datetime | None


@dataclass(frozen=True, slots=True)
class ReportedCase:
    """A major complaint that is not over, without the customer and their words.

    ``brief`` is the one of its newest report; ``escalation`` says who was told last and whether they acknowledged it.
    """

    id: UUID
    reference: str
    version: int
    status: str
    category: str | None
    sub_category: str | None
    severity: str | None
    region_code: str | None
    group_code: str | None
    assignee: str | None
    received_at: datetime
    reported_at: datetime
    estimated_repair_at: datetime | None
    escalation: dict[str, Any] | None
    brief: dict[str, Any] | None = None
    deadlines: Sequence[NextDeadline] = ()


@dataclass(frozen=True, slots=True)
class OverdueTasks:
    """How many tasks a group owes past their time, and since when the oldest of them is due."""

    group: str
    count: int
    oldest_due_at: datetime


@dataclass(frozen=True, slots=True)
class Overview:
    """What the leadership group sees. The cursors are those of the next pages, None at the end.

    ``directives_cursor`` is for the list of open directives, of which only the first page is shown here.
    """

    cases: Sequence[ReportedCase]
    cases_cursor: str | None
    directives: Sequence[DirectiveView]
    directives_cursor: str | None
    progress: Mapping[UUID, ProgressEntry]
    overdue_tasks: Sequence[OverdueTasks]


_NAMES: Final = tuple(name for name in ReportedCase.__dataclass_fields__ if name not in ("brief", "deadlines"))
_CASES: Final = (
    sa.select(*(getattr(Complaint, name) for name in _NAMES))
    .where(
        Complaint.reported_at.is_not(None),
        # Said twice: the index holds what is not closed, and a case can be over without having been closed.
        Complaint.closed_at.is_(None),
        Complaint.status.not_in(_OVER),
    )
    .order_by(Complaint.id.desc())
)
_IDS: Final = sa.bindparam("ids", type_=ARRAY(sa.Uuid))
_BRIEFS: Final = (
    sa.select(EventRow.key, EventRow.private)
    .ext(distinct_on(EventRow.key))
    .where(EventRow.key == sa.any_(_IDS), EventRow.type == Reported.TYPE)
    .order_by(EventRow.key, EventRow.number.desc())
)
_DEADLINES: Final = (
    sa.select(Deadline.complaint_id, Deadline.kind, Deadline.due_at, Deadline.missed_at)
    .where(Deadline.complaint_id == sa.any_(_IDS), Deadline.met_at.is_(None), Deadline.due_at.is_not(None))
    .order_by(Deadline.due_at, Deadline.kind)
)


async def overview(
    connection: AsyncConnection, realm: str, now: datetime, *, limit: int, cursor: str | None
) -> Overview:
    """At most ``limit`` reported cases and as many open directives, the newest first, and the overdue tasks by group.

    ``cursor`` is where the page of cases begins, ``now`` says what is overdue. Raises `Invalid` for a cursor that is
    not one of ours.
    """
    cases, cases_cursor = await _cases(connection, realm, limit, cursor)
    open_ones = directives.Filter(status="open")
    shown, shown_cursor = await directives.page(connection, open_ones, realm, now, limit=limit, cursor=None)
    progress = await directives.latest_progress(connection, [one.id for one in shown])
    overdue = await overdue_tasks(connection, realm, now)
    return Overview(cases, cases_cursor, shown, shown_cursor, progress, overdue)


async def overdue_tasks(connection: AsyncConnection, realm: str, now: datetime) -> list[OverdueTasks]:
    """The groups that owe something past its time, the one that owes most first."""
    count = sa.func.count().label("count")
    query = (
        sa.select(Task.group_code, count, sa.func.min(Task.due_at))
        .where(Task.realm == realm, Task.status == "open", Task.due_at < now)
        .group_by(Task.group_code)
        .order_by(count.desc(), Task.group_code)
    )
    return [OverdueTasks(*row) for row in await connection.execute(query)]


async def _cases(
    connection: AsyncConnection, realm: str, limit: int, cursor: str | None
) -> tuple[list[ReportedCase], str | None]:
    query = _CASES.where(Complaint.realm == realm).limit(limit + 1)
    if cursor is not None:
        query = query.where(Complaint.id < _before(cursor))
    rows = list(await connection.execute(query))
    shown = rows[:limit]
    ids = [row.id for row in shown]
    briefs = await _briefs(connection, ids)
    deadlines = await _deadlines(connection, ids)
    cases = [
        replace(ReportedCase(*row), brief=briefs.get(row.id), deadlines=tuple(deadlines.get(row.id, ())))
        for row in shown
    ]
    return cases, shown[-1].id.hex if len(rows) > limit else None


async def _briefs(connection: AsyncConnection, ids: Collection[UUID]) -> dict[UUID, dict[str, Any]]:
    reports = await connection.execute(_BRIEFS, {"ids": list(ids)})
    return {row.key: row.private["brief"] for row in reports if row.private and "brief" in row.private}


async def _deadlines(connection: AsyncConnection, ids: Collection[UUID]) -> dict[UUID, list[NextDeadline]]:
    found: dict[UUID, list[NextDeadline]] = defaultdict(list)
    for row in await connection.execute(_DEADLINES, {"ids": list(ids)}):
        found[row.complaint_id].append(NextDeadline(row.kind, row.due_at, row.missed_at))
    return found


def _before(cursor: str) -> UUID:
    try:
        return UUID(hex=cursor)
    except ValueError:
        raise Invalid("the cursor is not one that this service gave; leave it out to begin at the first page") from None
