"""Reading tasks: one, a page of them, and one as it was when it was opened."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.errors import Invalid, NotFound
from services.base.stream.model import EventRow
from services.casework.tasks.model import Task
from services.complaints.model import Complaint

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class TaskView:
    """A task as people see it; ``reference`` is that of its case."""

    id: UUID
    realm: str
    version: int
    kind: str
    status: str
    group_code: str
    assignee: str | None
    complaint_id: UUID | None
    reference: str | None
    directive_id: UUID | None
    title: str | None
    facts: dict[str, Any]
    opened_at: datetime
    opened_by: str
    due_at: datetime
    done_at: datetime | None
    done_by: str | None
    outcome: str | None
    rung: int
    acknowledged_at: datetime | None
    missed_at: datetime | None
    told: int

    def is_overdue(self, now: datetime) -> bool:
        """Whether it is still owed, past its time."""
        return self.status == "open" and self.due_at < now


@dataclass(frozen=True, slots=True)
class Filter:
    """Which tasks a page holds. None means any."""

    group: str | None = None
    assignee: str | None = None
    status: str | None = None
    overdue: bool | None = None
    complaint: UUID | None = None
    directive: UUID | None = None


_VIEW: Final = (
    sa.select(
        *(Complaint.reference if name == "reference" else getattr(Task, name) for name in TaskView.__dataclass_fields__)
    )
    .select_from(Task)
    .outerjoin(Complaint, Complaint.id == Task.complaint_id)
)


async def find(connection: AsyncConnection, task: UUID, realm: str) -> TaskView:
    """The task of this id. Raises `NotFound` when there is none in the realm."""
    row = (await connection.execute(_VIEW.where(Task.id == task, Task.realm == realm))).one_or_none()
    if row is None:
        raise NotFound(f"there is no task {task}")
    return TaskView(*row)


async def page(
    connection: AsyncConnection, filters: Filter, realm: str, now: datetime, *, limit: int, cursor: str | None
) -> tuple[list[TaskView], str | None]:
    """Tasks, the first due first, and the cursor of the next page (None at the end). ``now`` says what is overdue.

    Raises `Invalid` for a cursor that is not one of ours.
    """
    query = _VIEW.where(Task.realm == realm).order_by(Task.due_at, Task.id).limit(limit + 1)
    wanted = {
        Task.group_code: filters.group,
        Task.assignee: filters.assignee,
        Task.status: filters.status,
        Task.complaint_id: filters.complaint,
        Task.directive_id: filters.directive,
    }
    for column, value in wanted.items():
        if value is not None:
            query = query.where(column == value)
    if filters.overdue is not None:
        late = sa.and_(Task.status == "open", Task.due_at < now)
        query = query.where(late if filters.overdue else sa.not_(late))
    if cursor is not None:
        query = query.where(sa.tuple_(Task.due_at, Task.id) > sa.tuple_(*_after(cursor)))
    rows = [TaskView(*row) for row in await connection.execute(query)]
    return rows[:limit], _cursor(rows[limit - 1]) if len(rows) > limit else None


async def as_opened(connection: AsyncConnection, view: TaskView) -> TaskView:
    """The task as it was at its first version."""
    query = sa.select(EventRow.data).where(EventRow.key == view.id, EventRow.number == 1)
    opened = (await connection.execute(query)).scalar_one()
    return replace(
        view,
        version=1,
        status="open",
        assignee=opened.get("assignee"),
        done_at=None,
        done_by=None,
        outcome=None,
        rung=-1,
        acknowledged_at=None,
        missed_at=None,
        told=0,
    )


def _cursor(view: TaskView) -> str:
    return f"{(view.due_at - _EPOCH) // _MICROSECOND:x}.{view.id.hex}"


def _after(cursor: str) -> tuple[sa.ColumnElement[datetime], sa.ColumnElement[UUID]]:
    due, _, task = cursor.partition(".")
    try:
        due_at, task_id = _EPOCH + int(due, 16) * _MICROSECOND, UUID(hex=task)
    except (ValueError, OverflowError):
        raise Invalid("the cursor is not one that this service gave; leave it out to begin at the first page") from None
    return sa.literal(due_at, Task.due_at.type), sa.literal(task_id, Task.id.type)
