"""The handler worker's handler, several of them at once."""

from __future__ import annotations

import asyncio
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from handler_worker.handler import DispatchHandler
from services.base.identity import new_id
from services.base.stream.event import Event, EventData
from services.complaints.events import Classified
from services.notices.events import Sent
from services.plan.versions import Plans
from tests.casework import factories
from tests.casework.factories import NOW
from tests.casework.readings import met


async def test_two_handlers_that_acknowledge_each_others_cases_do_not_wait_for_each_other_for_ever(
    engine: AsyncEngine, plans: Plans
) -> None:
    first, second = sorted([await factories.classified_case(engine) for _ in range(2)])
    mine = [judged(second), sent(first)]
    others = [sent(first), sent(second)]

    # The one is held up where it chooses a person, having locked its cases.
    async with engine.begin() as barrier:
        await barrier.execute(sa.text("lock table duty in access exclusive mode"))
        one = asyncio.create_task(handle(engine, DispatchHandler(plans), mine))
        await waiting(barrier, 1)
        two = asyncio.create_task(handle(engine, DispatchHandler(plans), others))
        await waiting(barrier, 2)
    await asyncio.gather(one, two)

    assert (await met(engine, first))["acknowledge"] == NOW
    assert (await met(engine, second))["acknowledge"] == NOW


def judged(case: UUID) -> Event:
    data = Classified(
        reference="RD",
        category="outage",
        best_guess="outage",
        severity="major",
        confidence=0.9,
        reportable=False,
        model="lexicon-1",
        plan_version=1,
    )
    return event(case, 2, data)


def sent(case: UUID) -> Event:
    return event(new_id(), 2, Sent(complaint=case, kind="acknowledgement", way="email", sent_at=NOW, attempts=1))


def event(key: UUID, number: int, data: EventData) -> Event:
    return Event(new_id(), data.TYPE, key, number, NOW, "live", data.model_dump_json(exclude_none=True).encode())


async def handle(engine: AsyncEngine, handler: DispatchHandler, events: list[Event]) -> None:
    async with engine.begin() as connection:
        await handler.handle(connection, events)


async def waiting(connection: AsyncConnection, sessions: int) -> None:
    """Wait until so many sessions of this database wait for a lock."""
    query = sa.text(
        "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    )
    async with asyncio.timeout(10):
        while (await connection.scalar(query) or 0) < sessions:
            # The view is a snapshot for as long as a transaction lasts.
            await connection.execute(sa.text("select pg_stat_clear_snapshot()"))
            await asyncio.sleep(0.01)
