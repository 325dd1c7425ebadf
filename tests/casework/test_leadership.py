"""What the leadership group sees at a glance: everything major that is not over, in a constant number of queries."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.errors import Invalid
from services.base.stream import log
from services.base.stream.event import NewEvent
from services.casework.directives.bodies import Acknowledge, Close, Progress
from services.casework.leadership import Overview, overview
from services.casework.model import Deadline
from services.casework.tasks.bodies import Done
from services.complaints.events import Reported
from services.complaints.model import Complaint
from services.plan.versions import Plans
from tests.casework.factories import NOW, received_case
from tests.casework.owed import LEADER, act, direct, issued, open_task, statements

ENGINEER = "xu.lei"
LATER = NOW + timedelta(days=30)


async def seen(engine: AsyncEngine, *, realm: str = "live", limit: int = 50, cursor: str | None = None) -> Overview:
    async with engine.connect() as connection:
        return await overview(connection, realm, LATER, limit=limit, cursor=cursor)


async def reported(engine: AsyncEngine, *, realm: str = "live", status: str = "in_progress", **values: Any) -> UUID:
    """A case that was reported twice; the newer brief says 二."""
    case = await received_case(engine, realm=realm)
    async with engine.begin() as connection:
        await connection.execute(
            sa.update(Complaint)
            .where(Complaint.id == case)
            .values(status=status, version=3, severity="critical", reported_at=NOW, **values)
        )
        told = Reported(reference="RD", cause="judged", severity="critical", told=(LEADER,))
        events = [
            NewEvent(case, number, told, NOW, realm, "system:handler", {"brief": {"what": what}})
            for number, what in ((2, "一"), (3, "二"))
        ]
        await log.append(connection, events)
        for kind, hours, met_at in (("resolve", 8, None), ("update", 2, None), ("respond", 1, NOW)):
            due_at = NOW + timedelta(hours=hours)
            await connection.execute(
                sa.insert(Deadline).values(
                    complaint_id=case, kind=kind, realm=realm, started_at=NOW, due_at=due_at, met_at=met_at
                )
            )
    return case


async def test_a_reported_case_is_shown_with_its_newest_brief_and_what_it_owes_next(engine: AsyncEngine) -> None:
    escalation = {"rung": 2, "to": "leadership_deputy", "told": ["chen.guoqiang"], "acknowledged_at": None}
    case = await reported(engine, escalation=escalation, group_code="technical_support", assignee=ENGINEER)

    (shown,) = (await seen(engine)).cases

    assert (shown.id, shown.severity, shown.assignee, shown.reported_at) == (case, "critical", ENGINEER, NOW)
    assert (shown.brief, shown.escalation) == ({"what": "二"}, escalation)
    assert [(one.kind, one.due_at) for one in shown.deadlines] == [
        ("update", NOW + timedelta(hours=2)),
        ("resolve", NOW + timedelta(hours=8)),
    ]


async def test_only_cases_that_were_reported_and_are_not_over_are_shown(engine: AsyncEngine) -> None:
    await received_case(engine)
    await reported(engine, realm="drill")
    for status in ("withdrawn", "rejected"):
        await reported(engine, status=status)
    await reported(engine, status="closed", closed_at=NOW)
    shown = [await reported(engine, status=status) for status in ("classified", "resolved", "awaiting_customer")]

    assert [case.id for case in (await seen(engine)).cases] == shown[::-1]


async def test_pages_of_cases_follow_one_another(engine: AsyncEngine) -> None:
    cases = [await reported(engine) for _ in range(5)]
    found: list[UUID] = []
    cursor = None

    for _ in range(3):
        page = await seen(engine, limit=2, cursor=cursor)
        found += [case.id for case in page.cases]
        cursor = page.cases_cursor

    assert (found, cursor) == (cases[::-1], None)


async def test_a_cursor_that_is_none_of_ours_is_refused(engine: AsyncEngine) -> None:
    with pytest.raises(Invalid):
        await seen(engine, cursor="2")


async def test_open_directives_say_who_has_not_taken_notice_and_how_far_they_are(
    engine: AsyncEngine, plans: Plans
) -> None:
    closed = await issued(engine, plans, "finance")
    await direct(engine, plans, closed, Close(text="已完成。"), LEADER)
    directive = await issued(engine, plans)
    await direct(engine, plans, directive, Acknowledge(), "zheng.kai")
    for words in ("已到现场。", "已恢复一半。"):
        await direct(engine, plans, directive, Progress(text=words), ENGINEER)

    view = await seen(engine)

    (shown,) = view.directives
    assert [one.login for one in shown.people if one.acknowledged_at is None] == [
        "gao.xiang",
        "luo.jianjun",
        "song.yu",
        "tang.yong",
    ]
    assert view.progress[directive].text == "已恢复一半。"


async def test_overdue_tasks_are_counted_by_group(engine: AsyncEngine, plans: Plans) -> None:
    for _ in range(2):
        await open_task(engine, plans, "call_customer")
    done = await open_task(engine, plans, "call_customer")
    await act(engine, plans, done, Done(outcome="已致电。"), "wang.fang")
    await open_task(engine, plans, "pay")
    await open_task(engine, plans, "pay", due_at=LATER + timedelta(days=1))
    await open_task(engine, plans, "pay", realm="drill")

    counts = {one.group: (one.count, one.oldest_due_at) for one in (await seen(engine)).overdue_tasks}

    assert list(counts) == ["customer_service", "finance"]
    assert counts["customer_service"] == (2, NOW + timedelta(hours=8))
    assert counts["finance"][0] == 1


async def test_the_view_takes_the_same_few_queries_however_much_there_is(engine: AsyncEngine, plans: Plans) -> None:
    nothing = await statements(engine, lambda: seen(engine))
    for _ in range(30):
        await reported(engine)
        directive = await issued(engine, plans, "finance", "technical_support")
        await direct(engine, plans, directive, Progress(text="进行中。"), ENGINEER)
        await open_task(engine, plans, "pay")

    much = await statements(engine, lambda: seen(engine))

    assert nothing <= much == 7
