"""Giving a classified case to a group and a person.

The group is the plan's for the category. Who of it comes next, and why, is decided in `services.casework.assignment`.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from services.casework import roster
from services.casework.assignment import Sharing, need_of
from services.casework.starting import begin
from services.casework.work import Work
from services.plan.organisation import Group


async def dispatch(connection: AsyncConnection, works: Sequence[Work]) -> None:
    """Give each of these classified cases to a group and a person; `services.casework.starting` says what begins then.

    Nothing but the people is read here; the caller writes the works.
    """
    if not works:
        return
    wanted = {(work.case.plan_version, group_for(work).code): work.plan for work in works}
    people = await roster.locked(connection, [(plan, group) for (_, group), plan in wanted.items()], works[0].now)
    sharing = Sharing()
    for work in sorted(works, key=lambda work: (work.case.received_at, work.case.id)):
        group = group_for(work)
        choice = sharing.choose(people.team(work.plan, group.code), need_of(work.case, work.plan), work.now)
        begin(work, group.code, choice.login, choice.rule, choice.assignment)


def group_for(work: Work) -> Group:
    """The group that the case goes to: the one it was handed over to, else the one that has its category."""
    if work.group is not None:
        return work.plan.group(work.group)
    return work.plan.group_for(str(work.category))
