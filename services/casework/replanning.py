"""Moving open cases to the plan in force. Cases keep the plan that they were judged under until somebody says so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.errors import NotFound
from services.casework import clocks
from services.casework.actions import works_on
from services.casework.work import Work, write
from services.complaints.events import PlanMoved
from services.complaints.lifecycle import ON_HAND
from services.complaints.model import Complaint
from services.plan.schema import Plan
from services.plan.versions import Plans

_MOVABLE = ("classified", *sorted(ON_HAND))


@dataclass(frozen=True, slots=True)
class OpenCases:
    """How many open cases run under a version of the plan."""

    version: int
    count: int


async def open_by_version(connection: AsyncConnection) -> list[OpenCases]:
    """How many open cases there are under each version, the oldest version first; of every realm."""
    query = (
        sa.select(Complaint.plan_version, sa.func.count())
        .where(Complaint.status.in_(_MOVABLE), Complaint.plan_version.is_not(None))
        .group_by(Complaint.plan_version)
        .order_by(Complaint.plan_version)
    )
    return [OpenCases(version or 0, count) for version, count in await connection.execute(query)]


async def move_some(
    connection: AsyncConnection, plans: Plans, actor: str, now: datetime, limit: int = 200, skip: int = 0
) -> tuple[int, int]:
    """Move up to ``limit`` open cases to the plan in force; returns how many were moved, and how many could not be.

    ``skip`` is how many could not be so far: the oldest of those that are left.

    Time that was used counts under the new deadlines, and steps that were done count by their codes. A case whose group
    or category the new plan does not have stays where it is. The caller commits, and calls again until nothing is left.
    """
    version, in_force = await plans.current(connection)
    query = (
        sa.select(Complaint.id)
        .where(Complaint.status.in_(_MOVABLE), Complaint.plan_version < version)
        .order_by(Complaint.id)
        .limit(limit)
        .offset(skip)
        .with_for_update(key_share=True, skip_locked=True)
    )
    ids = list((await connection.execute(query)).scalars())
    works = await works_on(connection, plans, in_force, ids, actor, now)
    moved = [work for work in works.values() if _move(work, version, in_force)]
    await write(connection, moved)
    return len(moved), len(ids) - len(moved)


def _move(work: Work, version: int, plan: Plan) -> bool:
    case = work.case
    try:
        if case.group_code is not None:
            plan.group(case.group_code)
        plan.deadlines_for(str(case.category), str(case.severity))
    except NotFound:
        return False
    work.plan = plan
    work.clocks.under(plan, plan.group_for(str(case.category)).calendar, work.now)
    kind = str(case.category), str(case.severity)
    group = case.group_code if case.status in ON_HAND else None
    playbook = plan.playbook_for(kind[0], case.sub_category, kind[1])
    work.happened(
        PlanMoved(
            reference=case.reference,
            plan_version=version,
            previous=case.plan_version,
            playbook=playbook.code if group is not None and playbook is not None else None,
            clocks=None if group is None else clocks.kinds(plan, case, *kind, group),
        ),
        plan_version=version,
    )
    if group is not None:
        work.begin_playbook()
        clocks.start(work.clocks, case, plan, *kind, group, work.now)
    return True
