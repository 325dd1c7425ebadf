"""Directives that are open past their time: they come back until they are closed, once each time."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.stream.model import EventRow
from services.casework.directives.bodies import Close
from services.casework.directives.events import Overdue
from services.casework.directives.firing import fire
from services.plan.versions import Plans
from tests.casework.factories import NOW
from tests.casework.owed import (
    DEPUTY,
    HEAD_OF_SERVICE,
    HEAD_OF_SUPPORT,
    LEADER,
    direct,
    directive_of,
    issued,
    names_of,
    record_of,
    statements,
    told,
)

ENGINEER = "xu.lei"
DUE = NOW + timedelta(hours=4)
CLOSING = "21时10分全部恢复，客户已回访。"


async def fired(engine: AsyncEngine, plans: Plans, now: datetime, limit: int = 500) -> int:
    async with engine.begin() as connection:
        return await fire(connection, plans, now, limit)


async def overdue_events(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        query = sa.select(sa.func.count()).select_from(EventRow).where(EventRow.type == Overdue.TYPE)
        return await connection.scalar(query) or 0


async def test_an_open_directive_past_its_time_comes_back_until_it_is_closed(engine: AsyncEngine, plans: Plans) -> None:
    directive = await issued(engine, plans, "technical_support", "customer_service", who=DEPUTY)
    every = timedelta(hours=12)

    counts = [
        await fired(engine, plans, now)
        for now in (DUE - timedelta(minutes=1), DUE, DUE, DUE + every - timedelta(minutes=1), DUE + every)
    ]
    await direct(engine, plans, directive, Close(text=CLOSING), LEADER, now=DUE + every)
    after = await fired(engine, plans, DUE + 10 * every)

    assert (counts, after) == ([0, 1, 0, 0, 1], 0)
    for login in (DEPUTY, HEAD_OF_SERVICE, HEAD_OF_SUPPORT):
        assert len(await told(engine, login, "directive_overdue")) == 2
    assert await told(engine, ENGINEER, "directive_overdue") == []
    overdue = [one for one in await record_of(engine, directive) if one.name == "overdue"]
    assert [one.data["times"] for one in overdue] == [1, 2]
    assert (await directive_of(engine, directive)).missed_at == DUE


async def test_workers_side_by_side_tell_of_each_directive_once(engine: AsyncEngine, plans: Plans) -> None:
    for _ in range(12):
        await issued(engine, plans, "finance")

    async with engine.begin() as first, engine.begin() as second:
        held = [
            await fire(first, plans, DUE, 5),
            await fire(second, plans, DUE, 12),
            await fire(second, plans, DUE, 12),
        ]
    rest = await fired(engine, plans, DUE)

    assert (held, rest) == ([5, 7, 0], 0)
    assert await overdue_events(engine) == 12


async def test_what_a_killed_worker_was_about_to_tell_is_told_by_the_next(engine: AsyncEngine, plans: Plans) -> None:
    directive = await issued(engine, plans)

    victim = await engine.connect()
    await victim.begin()
    assert await fire(victim, plans, DUE, 10) == 1
    process = await victim.scalar(sa.text("select pg_backend_pid()"))
    async with engine.begin() as killer:
        await killer.execute(sa.text("select pg_terminate_backend(:process)"), {"process": process})
    with pytest.raises(DBAPIError):
        await victim.execute(sa.text("select 1"))
    await victim.invalidate()
    await victim.close()

    assert await fired(engine, plans, DUE) == 1
    assert await names_of(engine, directive) == ["issued", "overdue"]


async def test_telling_takes_four_statements_whether_one_is_due_or_a_hundred(engine: AsyncEngine, plans: Plans) -> None:
    await issued(engine, plans, "finance")
    one = await statements(engine, lambda: fired(engine, plans, DUE))
    for _ in range(100):
        await issued(engine, plans, "finance", "technical_support")

    hundred = await statements(engine, lambda: fired(engine, plans, DUE))

    assert one == hundred == 4
    assert await overdue_events(engine) == 101
