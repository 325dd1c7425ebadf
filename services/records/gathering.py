"""Reading what a record is made of: a constant number of statements, however much happened."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from services.casework import compensation
from services.casework.queries import deadlines_of
from services.complaints.queries import CaseView, record
from services.notices.queries import notices_of
from services.plan.versions import Plans
from services.records.summary import Material


async def gather(connection: AsyncConnection, plans: Plans, view: CaseView) -> Material:
    """What the record of this case is made of.

    Read in one transaction of isolation level ``repeatable read`` all of it is of one moment.
    """
    version, in_force = await plans.current(connection)
    plan = in_force if view.plan_version in (None, version) else await plans.get(connection, view.plan_version or 0)
    return Material(
        view=view,
        happenings=await record(connection, view.id),
        clocks=(await deadlines_of(connection, [view.id])).get(view.id, ()),
        notices=await notices_of(connection, view.id),
        granted=await compensation.of_case(connection, view.id),
        plan=plan,
        in_force=in_force,
    )
