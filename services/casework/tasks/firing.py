"""What happens when tasks are not done in time: somebody is told, then the next one up the plan's ladder.

The one on a rung has that rung's time to acknowledge. The top rung is told again and again. Whoever acknowledged is
asked anew when the plan's `repeat_every` has passed and the task is still owed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.database import Timestamp
from services.casework.alerts import NewAlert, tell
from services.casework.changes import Change
from services.casework.offices import holder_of
from services.casework.tasks.commands import COLUMNS, LockedTask, save
from services.casework.tasks.events import Overdue
from services.casework.tasks.model import Task
from services.plan.schema import Plan
from services.plan.versions import Plans

ACTOR: Final = "system:handler"

# Of every realm: what is due in a drill is told in that drill. Rows that another worker holds are passed over, and
# are due no more, or still, when its transaction has ended.
_DUE: Final = (
    sa.select(*COLUMNS)
    .where(Task.next_at <= sa.bindparam("now", type_=Timestamp))
    .order_by(Task.next_at)
    .limit(sa.bindparam("most", type_=sa.Integer))
    .with_for_update(key_share=True, skip_locked=True)
)


async def fire(connection: AsyncConnection, plans: Plans, now: datetime, limit: int) -> int:
    """Tell of at most ``limit`` tasks that are overdue, longest due first; returns of how many.

    Four statements, whatever the number; the caller commits. Several workers may do this side by side: each task is
    told of once for each time that it is due.
    """
    tasks = [LockedTask(*row) for row in await connection.execute(_DUE, {"now": now, "most": limit})]
    if tasks:
        _, plan = await plans.current(connection)
        told = [_told(task, plan, now) for task in tasks]
        await save(connection, [change for change, _ in told])
        await tell(connection, [alert for _, alert in told], now)
    return len(tasks)


def _told(task: LockedTask, plan: Plan, now: datetime) -> tuple[Change, NewAlert]:
    place, login = _next(task, plan)
    rung = plan.escalation.ladder[place]
    acknowledge_by = now + rung.acknowledge_within
    event = Overdue(
        **task.about(),
        due_at=task.due_at,
        rung=place,
        to=rung.to,
        told=(login,),
        acknowledge_by=acknowledge_by,
        times=task.told + 1,
    )
    values = {
        "rung": place,
        "acknowledged_at": None,
        "next_at": acknowledge_by,
        "missed_at": task.missed_at or now,
        "told": task.told + 1,
    }
    facts = {**task.facts(), "rung": place, "to": rung.to, "acknowledge_by": acknowledge_by}
    return (
        Change(task.id, task.realm, task.version + 1, event, ACTOR, now, values),
        NewAlert(login, "task_overdue", "task", task.id, task.version + 1, task.realm, facts),
    )


def _next(task: LockedTask, plan: Plan) -> tuple[int, str]:
    """The place on the ladder that is told now, and who stands there. The ladder may be shorter than it was."""
    ladder = plan.escalation.ladder
    top = len(ladder) - 1

    def standing(place: int) -> tuple[int, str]:
        return place, holder_of(plan, ladder[place].to, task.group_code, task.assignee)

    if task.missed_at is None:
        return standing(plan.escalation.rung_of(plan.escalation.causes.task_overdue))
    told = standing(min(task.rung, top))
    if task.acknowledged_at is not None:
        return told
    # Who heard of it on the rung below need not hear it again before the next one does.
    higher = (standing(place) for place in range(told[0] + 1, top))
    return next((one for one in higher if one[1] != told[1]), standing(top))
