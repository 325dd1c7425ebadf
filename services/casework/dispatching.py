"""Giving a classified case to a group and a person, and starting its clocks.

The group is the plan's for the category. In it, the person on duty with the least on hand comes next, and among
equals the one who has waited longest for a case. With nobody on duty the group's head gets it, and the record says so.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Literal, cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.casework import clocks
from services.complaints.commands import Case, Change, save
from services.complaints.events import Dispatched
from services.complaints.lifecycle import target
from services.people import duty
from services.people.duty import FairChoice, OnHand
from services.plan.schema import Group, Plan
from services.plan.vocabulary import Category, Severity

ACTOR: Final = "system:handler"
Rule = Literal["least_loaded", "group_head"]


async def dispatch(
    connection: AsyncConnection, cases: Sequence[Case], plans: Mapping[int, Plan], now: datetime
) -> None:
    """Dispatch those of the locked ``cases`` that wait for it; the others are left alone.

    ``plans`` holds every plan version that the cases name.
    """
    waiting = [case for case in cases if case.status == "classified"]
    if not waiting:
        return
    chooser = _Chooser(await _people(connection, waiting, plans))
    choices = [
        (case, *chooser.next(plans[case.plan_version or 0], _group_of(case, plans)))
        for case in sorted(waiting, key=lambda case: case.received_at)
    ]
    due = await clocks.start(connection, [clock for case in waiting for clock in _clocks_of(case, plans).values()])
    await save(
        connection,
        [_dispatched(case, login, rule, load, plans, due, now) for case, login, rule, load in choices],
    )
    await duty.shift_load(connection, Counter(login for _, login, _, _ in choices), now)


def _dispatched(
    case: Case,
    login: str,
    rule: Rule,
    load: int,
    plans: Mapping[int, Plan],
    due: Mapping[tuple[UUID, str], datetime],
    now: datetime,
) -> Change:
    group, running = _group_of(case, plans), _clocks_of(case, plans)
    values = {
        "status": target(case.status, "dispatch"),
        "group_code": group.code,
        "assignee": login,
        "assignment": {"rule": rule, "open_cases": load, "at": now},
    }
    event = Dispatched(
        reference=case.reference,
        group=group.code,
        assignee=login,
        rule=rule,
        category=cast(Category, case.category),
        severity=cast(Severity, case.severity),
        # As they run, which differs from the plan's count for a case that was reopened before.
        respond_by=due.get((case.id, "respond"), running["respond"].due_at),
        resolve_by=due.get((case.id, "resolve"), running["resolve"].due_at),
        plan_version=case.plan_version or 0,
    )
    return Change(case, event, ACTOR, now, values)


def _group_of(case: Case, plans: Mapping[int, Plan]) -> Group:
    return plans[case.plan_version or 0].group_for(cast(Category, case.category))


def _clocks_of(case: Case, plans: Mapping[int, Plan]) -> dict[clocks.Kind, clocks.Clock]:
    plan = plans[case.plan_version or 0]
    return clocks.clocks_for(case, plan, cast(Category, case.category), cast(Severity, case.severity))


class _Chooser:
    """Chooses people for groups; somebody who is in two groups counts their load once."""

    def __init__(self, people: Mapping[str, OnHand]) -> None:
        self._people = people
        self._choices: dict[tuple[int, str], FairChoice] = {}
        self._given: dict[str, int] = defaultdict(int)

    def next(self, plan: Plan, group: Group) -> tuple[str, Rule, int]:
        """The person, the rule that chose, and how many cases they had on hand before this one."""
        choice = self._choices.get((id(plan), group.code))
        if choice is None:
            choice = self._choices[id(plan), group.code] = FairChoice(self._of(plan, group))
        login = choice.next()
        rule: Rule = "least_loaded"
        if login is None:
            login, rule = group.head, "group_head"
        load = self._load(login)
        self._given[login] += 1
        return login, rule, load

    def _load(self, login: str) -> int:
        person = self._people.get(login)
        return (person.open_cases if person else 0) + self._given[login]

    def _of(self, plan: Plan, group: Group) -> list[OnHand]:
        members = [member.person.login for member in plan.members_of(group.code)]
        return [
            OnHand(login, person.on_duty, self._load(login), person.last_assigned_at)
            for login in members
            if (person := self._people.get(login)) is not None
        ]


async def _people(
    connection: AsyncConnection, cases: Sequence[Case], plans: Mapping[int, Plan]
) -> Mapping[str, OnHand]:
    """Everybody in the groups that the cases go to, locked."""
    groups = {(case.plan_version or 0, cast(Category, case.category)) for case in cases}
    on_duty = {
        member.person.login: member.person.on_duty
        for version, category in groups
        for member in plans[version].members_of(plans[version].group_for(category).code)
    }
    people = await duty.lock(connection, on_duty)
    if len(people) < len(on_duty):
        # Somebody is new in the plan, and begins as the plan says.
        await duty.sync(connection, on_duty)
        people = await duty.lock(connection, on_duty)
    return people
