"""Opening tasks: once for each cause, due by the plan on the calendar of the group that owes them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.errors import Invalid
from services.base.identity import new_id
from services.casework.tasks.bodies import OpenTask
from services.casework.tasks.commands import NewTask
from services.casework.tasks.model import Task
from services.plan.allowances import Allowance
from services.plan.versions import Plans
from tests.casework.factories import NOW, received_case
from tests.casework.owed import (
    HEAD_OF_FINANCE,
    HEAD_OF_SERVICE,
    names_of,
    open_all,
    open_task,
    statements,
    task_of,
    told,
)

AGENT, ENGINEER = "wang.fang", "xu.lei"


async def count(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        return await connection.scalar(sa.select(sa.func.count()).select_from(Task)) or 0


@pytest.mark.parametrize(
    ("kind", "group", "due_at"),
    [
        ("call_customer", "customer_service", NOW + timedelta(hours=8)),
        ("site_visit", "technical_support", NOW + timedelta(hours=48)),
        # Five working days after a Monday, counted on the hours of the office, end on the next Monday at six.
        ("pay", "finance", datetime(2026, 11, 30, 10, tzinfo=UTC)),
        ("promotion_review", "marketing", datetime(2026, 11, 30, 10, tzinfo=UTC)),
    ],
)
async def test_a_task_is_due_by_the_plan_on_the_calendar_of_its_group(
    engine: AsyncEngine, plans: Plans, kind: Any, group: str, due_at: datetime
) -> None:
    task = await task_of(engine, await open_task(engine, plans, kind))

    assert (task.group_code, task.due_at, task.status, task.version) == (group, due_at, "open", 1)


async def test_a_task_may_say_itself_by_when_it_is_due(engine: AsyncEngine, plans: Plans) -> None:
    visit_at = NOW + timedelta(days=3)

    allowed = await open_task(engine, plans, "pay", within=Allowance(working_days=1))
    fixed = await open_task(engine, plans, "site_visit", due_at=visit_at)

    assert (await task_of(engine, allowed)).due_at == datetime(2026, 11, 24, 10, tzinfo=UTC)
    assert (await task_of(engine, fixed)).due_at == visit_at


async def test_the_assignee_is_told_of_a_task_or_else_the_head_of_the_group(engine: AsyncEngine, plans: Plans) -> None:
    mine = await open_task(engine, plans, assignee=AGENT)
    nobodys = await open_task(engine, plans)

    assert [alert.subject_id for alert in await told(engine, AGENT, "task_given")] == [mine]
    (alert,) = await told(engine, HEAD_OF_SERVICE, "task_given")
    assert (alert.subject, alert.subject_id, alert.facts["kind"]) == ("task", nobodys, "call_customer")


async def test_a_cause_delivered_again_makes_no_second_task(engine: AsyncEngine, plans: Plans) -> None:
    case, cause = await received_case(engine), new_id()

    def once() -> NewTask:
        return NewTask("pay", "live", "system:handler", complaint_id=case, cause=cause)

    opened = [await open_all(engine, plans, once()) for _ in range(2)]
    at_once = await asyncio.gather(*(open_all(engine, plans, once()) for _ in range(4)))

    assert (len(opened[0]), opened[1], at_once) == (1, [], [[]] * 4)
    assert await count(engine) == 1
    assert await names_of(engine, opened[0][0]) == ["opened"]
    assert len(await told(engine, HEAD_OF_FINANCE, "task_given")) == 1


async def test_workers_that_are_given_the_same_causes_at_the_same_moment_make_one_task_each(
    engine: AsyncEngine, plans: Plans
) -> None:
    causes = [new_id() for _ in range(30)]

    def tasks(order: int) -> list[NewTask]:
        return [NewTask("call_customer", "live", "system:handler", cause=cause) for cause in causes[::order]]

    opened = await asyncio.gather(*(open_all(engine, plans, *tasks(order)) for order in (1, -1, 1, -1)))

    assert sum(len(made) for made in opened) == await count(engine) == 30


async def test_a_cause_can_make_tasks_of_several_kinds_and_for_several_cases(engine: AsyncEngine, plans: Plans) -> None:
    cause, cases = new_id(), [await received_case(engine) for _ in range(2)]

    for case in cases:
        await open_task(engine, plans, "call_customer", complaint_id=case, cause=cause)
        await open_task(engine, plans, "site_visit", complaint_id=case, cause=cause)

    assert await count(engine) == 4


async def test_tasks_without_a_cause_are_all_opened(engine: AsyncEngine, plans: Plans) -> None:
    case = await received_case(engine)

    for _ in range(2):
        await open_task(engine, plans, complaint_id=case)

    assert await count(engine) == 2


@pytest.mark.parametrize(
    ("about", "field"),
    [({"group": "finanse"}, "group"), ({"assignee": ENGINEER}, "assignee"), ({"assignee": "nobody"}, "assignee")],
)
async def test_a_group_or_assignee_that_the_plan_does_not_have_there_is_refused(
    engine: AsyncEngine, plans: Plans, about: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await open_task(engine, plans, **about)

    assert [problem.field for problem in refused.value.problems] == [field]
    assert await count(engine) == 0


async def test_opening_takes_the_same_few_statements_however_many_tasks(engine: AsyncEngine, plans: Plans) -> None:
    def opening(number: int) -> Any:
        return lambda: open_all(
            engine, plans, *(NewTask("other", "live", "system:x", title="…") for _ in range(number))
        )

    await opening(1)()
    assert await statements(engine, opening(1)) == await statements(engine, opening(100)) == 3


async def test_a_task_of_kind_other_says_what_is_to_be_done() -> None:
    with pytest.raises(ValueError, match="needs a title"):
        OpenTask(kind="other")
