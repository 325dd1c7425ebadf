"""Tasks that are not done in time: who is told when, once each, whatever happens to the workers that tell."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.stream.model import EventRow
from services.casework.model import Alert
from services.casework.tasks.bodies import Acknowledge, Cancel, Done, Take
from services.casework.tasks.commands import NewTask
from services.casework.tasks.events import Overdue
from services.casework.tasks.firing import fire
from services.casework.tasks.model import Task
from services.plan.versions import Plans
from tests.casework.factories import NOW
from tests.casework.owed import (
    DEPUTY,
    DIRECTOR,
    HEAD_OF_FINANCE,
    HEAD_OF_SERVICE,
    LEADER,
    act,
    names_of,
    open_all,
    open_task,
    record_of,
    statements,
    task_of,
    told,
)

AGENT = "wang.fang"
DUE = NOW + timedelta(hours=8)
MINUTES, HOURS = timedelta(minutes=1), timedelta(hours=1)


async def fired(engine: AsyncEngine, plans: Plans, now: datetime, limit: int = 500) -> int:
    async with engine.begin() as connection:
        return await fire(connection, plans, now, limit)


async def many_due(engine: AsyncEngine, plans: Plans, number: int) -> None:
    await open_all(engine, plans, *(NewTask("call_customer", "live", "system:handler") for _ in range(number)))


async def events_and_alerts(engine: AsyncEngine) -> tuple[int, int]:
    async with engine.connect() as connection:
        overdue = sa.select(sa.func.count()).select_from(EventRow).where(EventRow.type == Overdue.TYPE)
        alerts = sa.select(sa.func.count()).select_from(Alert).where(Alert.kind == "task_overdue")
        return await connection.scalar(overdue) or 0, await connection.scalar(alerts) or 0


async def test_the_assignee_is_told_when_a_task_passes_its_time_and_not_before(
    engine: AsyncEngine, plans: Plans
) -> None:
    task = await open_task(engine, plans, assignee=AGENT)

    early = await fired(engine, plans, DUE - MINUTES)
    on_time = await fired(engine, plans, DUE)
    again = await fired(engine, plans, DUE)

    assert (early, on_time, again) == (0, 1, 0)
    overdue = (await record_of(engine, task))[-1]
    assert (overdue.name, overdue.actor, overdue.data["told"], overdue.data["to"]) == (
        "overdue",
        "system:handler",
        [AGENT],
        "assignee",
    )
    assert (overdue.data["rung"], overdue.data["times"]) == (0, 1)
    (alert,) = await told(engine, AGENT, "task_overdue")
    assert (alert.subject_id, alert.facts["kind"]) == (task, "call_customer")
    shown = await task_of(engine, task)
    assert (shown.missed_at, shown.rung, shown.told, shown.version) == (DUE, 0, 1, 2)


async def test_each_rung_that_does_not_acknowledge_in_time_is_followed_by_the_next(
    engine: AsyncEngine, plans: Plans
) -> None:
    await open_task(engine, plans, assignee=AGENT)
    heard = []

    now = DUE
    for login, wait in (
        (AGENT, 30 * MINUTES),
        (HEAD_OF_SERVICE, 1 * HOURS),
        (DEPUTY, 2 * HOURS),
        (LEADER, 4 * HOURS),
        (DIRECTOR, 12 * HOURS),
        (DIRECTOR, 12 * HOURS),
    ):
        assert await fired(engine, plans, now - MINUTES) == 0
        assert await fired(engine, plans, now) == 1
        heard.append(len(await told(engine, login, "task_overdue")))
        now += wait

    assert heard == [1, 1, 1, 1, 1, 2]


async def test_who_heard_of_it_on_one_rung_is_not_told_again_on_the_next(engine: AsyncEngine, plans: Plans) -> None:
    # Nobody has it, so the head of the group stands on the first rung as well as on the second.
    task = await open_task(engine, plans)

    await fired(engine, plans, DUE)
    await fired(engine, plans, DUE + 30 * MINUTES)

    assert len(await told(engine, HEAD_OF_SERVICE, "task_overdue")) == 1
    assert len(await told(engine, DEPUTY, "task_overdue")) == 1
    assert (await task_of(engine, task)).rung == 2


async def test_whoever_acknowledges_keeps_it_from_the_next_rung_until_they_are_asked_again(
    engine: AsyncEngine, plans: Plans
) -> None:
    task = await open_task(engine, plans, assignee=AGENT)
    await fired(engine, plans, DUE)

    await act(engine, plans, task, Acknowledge(), AGENT, now=DUE + 10 * MINUTES)

    assert (await task_of(engine, task)).acknowledged_at == DUE + 10 * MINUTES
    assert await fired(engine, plans, DUE + 11 * HOURS) == 0
    # The plan's repeat_every is twelve hours: it is still owed, so the same person is asked again.
    assert await fired(engine, plans, DUE + 10 * MINUTES + 12 * HOURS) == 1
    assert len(await told(engine, AGENT, "task_overdue")) == 2
    assert (await task_of(engine, task)).acknowledged_at is None
    assert await fired(engine, plans, DUE + 10 * MINUTES + 12 * HOURS + 30 * MINUTES) == 1
    assert len(await told(engine, HEAD_OF_SERVICE, "task_overdue")) == 1
    assert await names_of(engine, task) == ["opened", "overdue", "acknowledged", "overdue", "overdue"]


async def test_an_acknowledgement_is_given_once(engine: AsyncEngine, plans: Plans) -> None:
    task = await open_task(engine, plans, assignee=AGENT)
    await fired(engine, plans, DUE)
    await act(engine, plans, task, Acknowledge(), AGENT, now=DUE)

    with pytest.raises(Exception, match="nobody's acknowledgement"):
        await act(engine, plans, task, Acknowledge(), HEAD_OF_SERVICE, now=DUE)


@pytest.mark.parametrize("end", [Done(outcome="已完成。"), Cancel(reason="不需要了。")])
async def test_a_task_that_is_over_is_not_told_of(engine: AsyncEngine, plans: Plans, end: Any) -> None:
    task = await open_task(engine, plans)
    await act(engine, plans, task, end, AGENT)

    assert await fired(engine, plans, DUE + 100 * HOURS) == 0


async def test_a_worker_that_was_away_tells_once_and_not_once_for_every_rung(engine: AsyncEngine, plans: Plans) -> None:
    await open_task(engine, plans, assignee=AGENT)
    late = DUE + timedelta(days=5)

    assert [await fired(engine, plans, late) for _ in range(3)] == [1, 0, 0]


async def test_workers_side_by_side_tell_of_each_task_once(engine: AsyncEngine, plans: Plans) -> None:
    await many_due(engine, plans, 100)

    counts = await asyncio.gather(*(fired(engine, plans, DUE, limit=30) for _ in range(4)))
    rest = await fired(engine, plans, DUE)

    assert sum(counts) + rest == 100
    assert await events_and_alerts(engine) == (100, 100)


async def test_a_second_worker_passes_over_what_the_first_one_holds(engine: AsyncEngine, plans: Plans) -> None:
    await many_due(engine, plans, 5)

    async with engine.begin() as first, engine.begin() as second:
        counts = [
            await fire(first, plans, DUE, 3),
            await fire(second, plans, DUE, 5),
            await fire(second, plans, DUE, 5),
        ]

    assert counts == [3, 2, 0]
    assert await events_and_alerts(engine) == (5, 5)


async def test_what_a_killed_worker_was_about_to_tell_is_told_by_the_next(engine: AsyncEngine, plans: Plans) -> None:
    await many_due(engine, plans, 3)

    victim = await engine.connect()
    await victim.begin()
    assert await fire(victim, plans, DUE, 10) == 3
    process = await victim.scalar(sa.text("select pg_backend_pid()"))
    async with engine.begin() as killer:
        await killer.execute(sa.text("select pg_terminate_backend(:process)"), {"process": process})
    with pytest.raises(DBAPIError):
        await victim.execute(sa.text("select 1"))
    await victim.invalidate()
    await victim.close()

    assert await events_and_alerts(engine) == (0, 0)
    assert await fired(engine, plans, DUE) == 3
    assert await fired(engine, plans, DUE) == 0
    assert await events_and_alerts(engine) == (3, 3)


async def test_telling_waits_for_nobody_who_is_at_work_on_a_task(engine: AsyncEngine, plans: Plans) -> None:
    task = await open_task(engine, plans)

    async with engine.begin() as at_work:
        await at_work.execute(sa.select(Task.id).where(Task.id == task).with_for_update())
        assert await asyncio.wait_for(fired(engine, plans, DUE), 5) == 0

    assert await fired(engine, plans, DUE) == 1


async def test_telling_takes_four_statements_whether_one_is_due_or_a_hundred(engine: AsyncEngine, plans: Plans) -> None:
    await fired(engine, plans, NOW)

    await many_due(engine, plans, 1)
    one = await statements(engine, lambda: fired(engine, plans, DUE))
    await many_due(engine, plans, 100)
    hundred = await statements(engine, lambda: fired(engine, plans, DUE))

    assert one == hundred == 4
    assert await events_and_alerts(engine) == (101, 101)


async def test_a_task_of_a_drill_is_told_of_in_the_drill(engine: AsyncEngine, plans: Plans) -> None:
    task = await open_task(engine, plans, realm="drill", assignee=AGENT)

    await fired(engine, plans, DUE)

    assert (await record_of(engine, task))[-1].realm == "drill"
    assert await told(engine, AGENT, "task_overdue") == []
    assert len(await told(engine, AGENT, "task_overdue", "drill")) == 1


async def test_an_assignee_or_group_that_the_plan_no_longer_has_is_answered_for(
    engine: AsyncEngine, plans: Plans
) -> None:
    gone, dissolved = await open_task(engine, plans), await open_task(engine, plans, "pay")
    async with engine.begin() as connection:
        await connection.execute(sa.update(Task).where(Task.id == gone).values(assignee="gone.since"))
        await connection.execute(
            sa.update(Task).where(Task.id == dissolved).values(group_code="dissolved", next_at=DUE)
        )

    assert await fired(engine, plans, DUE) == 2

    assert [alert.subject_id for alert in await told(engine, HEAD_OF_SERVICE, "task_overdue")] == [gone]
    assert [alert.subject_id for alert in await told(engine, LEADER, "task_overdue")] == [dissolved]


async def test_taking_an_overdue_task_leaves_its_escalation_as_it_is(engine: AsyncEngine, plans: Plans) -> None:
    task = await open_task(engine, plans, "pay", assignee=HEAD_OF_FINANCE)
    due = (await task_of(engine, task)).due_at
    await fired(engine, plans, due)

    await act(engine, plans, task, Take(), LEADER, now=due)

    assert (await task_of(engine, task)).rung == 0
    assert await fired(engine, plans, due + 30 * MINUTES) == 1
