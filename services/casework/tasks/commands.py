"""Changing tasks: opening them once for each cause, locking them, and ending those whose case has done the work.

Locks are taken in the order of ids, after those of cases. What staff do to a task is in `actions`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.identity import new_id
from services.casework import changes
from services.casework.action import wrong
from services.casework.alerts import NewAlert, tell
from services.casework.changes import Change
from services.casework.counting import begin, due
from services.casework.offices import head_of
from services.casework.tasks import events
from services.casework.tasks.model import Task
from services.complaints.commands import to_rows
from services.plan.allowances import Allowance
from services.plan.findings import did_you_mean
from services.plan.schema import Plan
from services.plan.vocabulary import TaskKind


@dataclass(frozen=True, slots=True)
class NewTask:
    """A task about to be opened.

    ``group`` is the plan's for this kind unless given, and so is ``within``; or it is due at ``due_at`` (UTC).
    ``cause`` is the event or thing that makes it: a cause makes one task of a kind for a case, however often it is
    delivered. ``facts`` hold codes, references and amounts (as texts), no personal data; ``title`` is free words of
    staff.
    """

    kind: TaskKind
    realm: str
    opened_by: str
    group: str | None = None
    assignee: str | None = None
    complaint_id: UUID | None = None
    directive_id: UUID | None = None
    cause: UUID | None = None
    title: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    within: Allowance | None = None
    due_at: datetime | None = None
    idempotency_key: str | None = None
    body_hash: bytes | None = None
    id: UUID = field(default_factory=new_id)


@dataclass(frozen=True, slots=True)
class LockedTask:
    """A locked task: what decisions about it need to know."""

    id: UUID
    realm: str
    version: int
    kind: TaskKind
    status: str
    group_code: str
    assignee: str | None
    complaint_id: UUID | None
    directive_id: UUID | None
    opened_by: str
    due_at: datetime
    rung: int
    acknowledged_at: datetime | None
    missed_at: datetime | None
    told: int

    def about(self) -> dict[str, Any]:
        """What each of its events says of it."""
        return {
            "kind": self.kind,
            "group": self.group_code,
            "complaint": self.complaint_id,
            "directive": self.directive_id,
        }

    def facts(self) -> dict[str, object]:
        """What an alert about it says."""
        return {**self.about(), "due_at": self.due_at}


COLUMNS: Final = tuple(getattr(Task, name) for name in LockedTask.__dataclass_fields__)

# In one order everywhere, so that two workers that were given the same causes don't wait for each other's rows.
_OPEN: Final = sa.text(
    """
    insert into task (id, realm, version, kind, status, group_code, assignee, complaint_id, directive_id, cause, title,
                      facts, opened_at, opened_by, idempotency_key, body_hash, due_at, next_at)
    select id, realm, 1, kind, 'open', group_code, assignee, complaint_id, directive_id, cause, title,
           facts, opened_at, opened_by, idempotency_key, body_hash, due_at, due_at
    from jsonb_populate_recordset(null::task, cast(:rows as jsonb))
    order by complaint_id, kind, cause, id
    on conflict do nothing
    returning id
    """
)


async def open_tasks(connection: AsyncConnection, tasks: Sequence[NewTask], plan: Plan, now: datetime) -> list[UUID]:
    """Open tasks and tell who has to do them, or the heads of their groups; returns those that are new.

    Unless said otherwise, each is due when what the plan allows for its kind has passed on its group's calendar. One
    whose cause has made it already is passed over. Raises `Invalid` for a group that the plan doesn't know, or an
    assignee who is not in it.
    """
    if not tasks:
        return []
    rows = {task.id: _row(task, plan, now) for task in tasks}
    written = await connection.execute(_OPEN, {"rows": to_rows(list(rows.values()))})
    made = {row.id for row in written}
    opened = [task for task in tasks if task.id in made]
    await changes.tell_of(connection, [_opened(task, rows[task.id], now) for task in opened])
    await tell(connection, [_given(task, rows[task.id], plan) for task in opened], now)
    return [task.id for task in opened]


async def lock(connection: AsyncConnection, ids: Collection[UUID], realm: str) -> dict[UUID, LockedTask]:
    """The tasks of a realm, locked until the transaction ends. Ids that are not there are left out."""
    wanted = Task.id == sa.any_(sa.bindparam("ids", sorted(ids), type_=ARRAY(sa.Uuid)))
    return {task.id: task for task in await _locked(connection, wanted, Task.realm == realm)}


async def save(connection: AsyncConnection, steps: Sequence[Change]) -> None:
    """Write changes of locked tasks and their events."""
    await changes.save(connection, Task, steps)


async def settle(
    connection: AsyncConnection, complaint_id: UUID, kind: TaskKind, outcome: str, actor: str, now: datetime
) -> list[UUID]:
    """End the open tasks of a kind of a case as done, because an action on the case did the work; returns which.

    The caller holds the case's lock. ``outcome`` is in words, for whoever looks at the task later.
    """
    tasks = await _locked(connection, Task.complaint_id == complaint_id, Task.kind == kind, Task.status == "open")
    await save(connection, [done(task, outcome, actor, now, by_case=True) for task in tasks])
    return [task.id for task in tasks]


async def cancel_for_case(
    connection: AsyncConnection,
    complaint_id: UUID,
    reason: str,
    actor: str,
    now: datetime,
    kind: TaskKind | None = None,
) -> list[UUID]:
    """Cancel what is still owed for a case, of this kind or (None) altogether, as for one that was withdrawn; returns
    what was.

    The caller holds the case's lock.
    """
    wanted = [Task.complaint_id == complaint_id, Task.status == "open"]
    if kind is not None:
        wanted.append(Task.kind == kind)
    tasks = await _locked(connection, *wanted)
    await save(connection, [cancelled(task, reason, actor, now) for task in tasks])
    return [task.id for task in tasks]


def done(task: LockedTask, outcome: str, actor: str, now: datetime, *, by_case: bool = False) -> Change:
    """The step that ends a task as done."""
    event = events.Done(**task.about(), by_case=by_case, late=now > task.due_at)
    return _ended(task, "done", event, outcome, actor, now, {"outcome": outcome})


def cancelled(task: LockedTask, reason: str, actor: str, now: datetime) -> Change:
    """The step that ends a task without its being done."""
    return _ended(task, "cancelled", events.Cancelled(**task.about()), reason, actor, now, {"reason": reason})


def require_member(plan: Plan, group: str, assignee: str) -> None:
    """Raises `Invalid`, with who is in the group, when the assignee is not."""
    members = [one.person.login for one in plan.members_of(group)]
    if assignee not in members:
        raise wrong("assignee", f"is not in {group}; {did_you_mean(assignee, members)}", "not_in_group")


async def _locked(connection: AsyncConnection, *wanted: sa.ColumnElement[bool]) -> list[LockedTask]:
    # Not the stronger lock, as with cases: rows that refer to a task may be written meanwhile.
    query = sa.select(*COLUMNS).where(*wanted).order_by(Task.id).with_for_update(key_share=True)
    return [LockedTask(*row) for row in await connection.execute(query)]


def _row(task: NewTask, plan: Plan, now: datetime) -> dict[str, Any]:
    entry = plan.task(task.kind)
    group = task.group or entry.group
    known = [one.code for one in plan.groups]
    if group not in known:
        raise wrong("group", f"the plan has no group {group}; {did_you_mean(group, known)}", "unknown_group")
    if task.assignee is not None:
        require_member(plan, group, task.assignee)
    calendar = plan.calendar_of(group)
    return {
        "id": task.id,
        "realm": task.realm,
        "kind": task.kind,
        "group_code": group,
        "assignee": task.assignee,
        "complaint_id": task.complaint_id,
        "directive_id": task.directive_id,
        "cause": task.cause,
        "title": task.title,
        "facts": task.facts,
        "opened_at": now,
        "opened_by": task.opened_by,
        "idempotency_key": task.idempotency_key,
        "body_hash": None if task.body_hash is None else rf"\x{task.body_hash.hex()}",
        "due_at": task.due_at or due(begin(calendar, task.within or entry.within, now), calendar),
    }


def _opened(task: NewTask, row: Mapping[str, Any], now: datetime) -> Change:
    event = events.Opened(
        kind=task.kind,
        group=row["group_code"],
        complaint=task.complaint_id,
        directive=task.directive_id,
        assignee=task.assignee,
        cause=task.cause,
        due_at=row["due_at"],
        facts=dict(task.facts),
    )
    private = None if task.title is None else {"title": task.title}
    return Change(task.id, task.realm, 1, event, task.opened_by, now, private=private)


def _given(task: NewTask, row: Mapping[str, Any], plan: Plan) -> NewAlert:
    group = row["group_code"]
    facts = {
        "kind": task.kind,
        "group": group,
        "complaint": task.complaint_id,
        "directive": task.directive_id,
        "due_at": row["due_at"],
    }
    login = task.assignee or head_of(plan, group)
    return NewAlert(login, "task_given", "task", task.id, 1, task.realm, facts)


def _ended(
    task: LockedTask,
    status: str,
    event: events.TaskEvent,
    outcome: str,
    actor: str,
    now: datetime,
    private: Mapping[str, object],
) -> Change:
    values = {"status": status, "done_at": now, "done_by": actor, "outcome": outcome, "next_at": None}
    return Change(task.id, task.realm, task.version + 1, event, actor, now, values, private)
