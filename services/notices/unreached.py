"""A customer who could not be told on any way is called: a task for customer service, one at a time for each case."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.casework.tasks.commands import NewTask, open_tasks
from services.casework.tasks.model import Task
from services.plan.schema import Plan
from services.plan.vocabulary import NoticeKind

_BY: Final = "system:notifier"
# Nobody is called to be asked for an opinion, or to hear that there is no news.
_NOT_WORTH_A_CALL: Final[frozenset[NoticeKind]] = frozenset({"survey", "survey_reminder", "update"})

_TO_BE_CALLED = sa.select(Task.complaint_id).where(
    Task.kind == "call_customer",
    Task.status == "open",
    Task.complaint_id == sa.any_(sa.bindparam("cases", type_=ARRAY(sa.Uuid))),
)


@dataclass(frozen=True, slots=True)
class Unreached:
    """A notice that did not reach its customer, or isn't known to have. ``why`` is a code for the task."""

    notice: UUID
    complaint: UUID
    kind: str
    realm: str
    plan: Plan
    why: Literal["no_way", "failed", "unconfirmed"]


async def have_called(connection: AsyncConnection, unreached: Sequence[Unreached], now: datetime) -> None:
    """Open a task to call each customer, in the transaction that says that they weren't reached.

    Whoever calls looks into the case and sees all that wasn't told, so an open task is enough for all of it.
    """
    worth = {one.complaint: one for one in unreached if one.kind not in _NOT_WORTH_A_CALL}
    if not worth:
        return
    asked = await connection.execute(_TO_BE_CALLED, {"cases": sorted(worth)})
    waiting = {row.complaint_id for row in asked}
    by_plan: defaultdict[int, list[Unreached]] = defaultdict(list)
    for one in worth.values():
        if one.complaint not in waiting:
            by_plan[id(one.plan)].append(one)
    for group in by_plan.values():
        tasks = [
            NewTask(
                kind="call_customer",
                realm=one.realm,
                opened_by=_BY,
                complaint_id=one.complaint,
                cause=one.notice,
                facts={"notice": one.kind, "why": one.why},
            )
            for one in group
        ]
        await open_tasks(connection, tasks, group[0].plan, now)
