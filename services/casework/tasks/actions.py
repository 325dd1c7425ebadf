"""What staff do with tasks: opening one by hand, and acting on one. Each is one transaction of the caller's."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.database import set_lock_timeout
from services.base.errors import Changed, NotFound, WrongState
from services.casework.action import wrong
from services.casework.alerts import NewAlert, tell
from services.casework.changes import Change
from services.casework.directives.queries import is_open
from services.casework.naming import case_named
from services.casework.repeating import hash_of, sent_before
from services.casework.tasks import events
from services.casework.tasks.bodies import Acknowledge, AnyTaskBody, Assign, Cancel, Done, OpenTask, Take
from services.casework.tasks.commands import (
    LockedTask,
    NewTask,
    cancelled,
    done,
    lock,
    open_tasks,
    require_member,
    save,
)
from services.casework.tasks.model import Task
from services.casework.tasks.permissions import require_may_cancel, require_may_open, require_may_work
from services.people.keys import Caller
from services.plan.schema import Plan
from services.plan.versions import Plans

_LOCK_MS: Final = 5_000


async def open_by_hand(
    connection: AsyncConnection, plans: Plans, body: OpenTask, caller: Caller, key: str | None, now: datetime
) -> tuple[UUID, bool]:
    """Open a task as ``body`` says; returns its id, and whether it was opened before with this idempotency key.

    The caller commits. Raises `Forbidden`, `Invalid`, or `AlreadyUsed` when the key belongs to another body.
    """
    _, plan = await plans.current(connection)
    require_may_open(plan, caller)
    body_hash = hash_of(body)
    earlier = await sent_before(connection, Task, "opened_by", caller, key, body_hash)
    if earlier is not None:
        return earlier, True
    if body.directive is not None and not await is_open(connection, body.directive, caller.realm):
        raise wrong("directive", "is no open directive; leave it out, or name one that is open", "unknown_directive")
    case = None
    if body.complaint is not None:
        case = await case_named(connection, body.complaint, caller.realm, plan.plan.reference_prefix)
    task = NewTask(
        kind=body.kind,
        realm=caller.realm,
        opened_by=caller.actor,
        group=body.group,
        assignee=body.assignee,
        complaint_id=case,
        directive_id=body.directive,
        title=body.title,
        idempotency_key=key,
        body_hash=body_hash,
    )
    if await open_tasks(connection, [task], plan, now):
        return task.id, False
    # The same was sent twice at the same moment, and the other was first.
    earlier = await sent_before(connection, Task, "opened_by", caller, key, body_hash)
    assert earlier is not None
    return earlier, True


async def perform(
    connection: AsyncConnection,
    plans: Plans,
    task_id: UUID,
    body: AnyTaskBody,
    caller: Caller,
    if_match: Collection[int] | None,
    now: datetime,
) -> int:
    """Do the action that ``body`` is for on a task; returns the task's new version.

    ``if_match`` holds the versions that the caller has seen (None: whichever it is), ``now`` is UTC. The caller
    commits. Raises `NotFound`, `Forbidden`, `Changed`, `WrongState` or `Invalid`, and then nothing was written.
    """
    _, plan = await plans.current(connection)
    await set_lock_timeout(connection, _LOCK_MS)
    task = (await lock(connection, [task_id], caller.realm)).get(task_id)
    if task is None:
        raise NotFound(f"there is no task {task_id}")
    if if_match is not None and task.version not in if_match:
        raise Changed(
            f"the task is at version {task.version} now and {task.status}; read it again, and decide anew",
            task.version,
        )
    if isinstance(body, Cancel):
        require_may_cancel(plan, caller, task.group_code, task.opened_by)
    else:
        require_may_work(plan, caller, task.group_code)
    _require_possible(task, body.ACTION)
    await save(connection, [_step(plan, task, body, caller, now)])
    if isinstance(body, Assign) and body.assignee != caller.login:
        alert = NewAlert(body.assignee, "task_given", "task", task.id, task.version + 1, task.realm, task.facts())
        await tell(connection, [alert], now)
    return task.version + 1


def possible_actions(task: LockedTask) -> tuple[str, ...]:
    """What can be done to a task now, in the order that people read it."""
    if task.status != "open":
        return ()
    waits = task.missed_at is not None and task.acknowledged_at is None
    return (Take.ACTION, Assign.ACTION, Done.ACTION, Cancel.ACTION, *((Acknowledge.ACTION,) if waits else ()))


def _require_possible(task: LockedTask, action: str) -> None:
    possible = possible_actions(task)
    if action not in possible:
        state = "open and waits for nobody's acknowledgement" if task.status == "open" else task.status
        raise WrongState(
            f"'{action}' is not possible for a task that is {state}; possible now: {', '.join(possible) or 'nothing'}",
            possible,
        )


def _step(plan: Plan, task: LockedTask, body: AnyTaskBody, caller: Caller, now: datetime) -> Change:
    match body:
        case Take():
            if caller.login is None:
                raise wrong("assignee", "is nobody: an administrator assigns a task instead of taking it", "missing")
            return _given(task, caller.login, caller, now, taken=True)
        case Assign():
            require_member(plan, task.group_code, body.assignee)
            return _given(task, body.assignee, caller, now, taken=False)
        case Done():
            return done(task, body.outcome, caller.actor, now)
        case Cancel():
            return cancelled(task, body.reason, caller.actor, now)
        case Acknowledge():
            event = events.Acknowledged(**task.about(), rung=task.rung, by=caller.login or caller.actor)
            # Whoever sees to it is asked again after a while, or an acknowledged task could lie for ever.
            values = {"acknowledged_at": now, "next_at": now + plan.deadlines.repeat_every}
            return Change(task.id, task.realm, task.version + 1, event, caller.actor, now, values)


def _given(task: LockedTask, login: str, caller: Caller, now: datetime, *, taken: bool) -> Change:
    if task.assignee == login:
        raise wrong("assignee", f"is {login} already", "unchanged")
    event = events.Assigned(**task.about(), assignee=login, previous=task.assignee, taken=taken)
    return Change(task.id, task.realm, task.version + 1, event, caller.actor, now, {"assignee": login})
