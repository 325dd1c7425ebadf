"""The classifier's handler: what it writes to a case, once, however often the event comes."""

from __future__ import annotations

import asyncio
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from classifier_worker.handler import ClassifierHandler
from services.base.identity import new_id
from services.base.stream.event import Event
from services.complaints.events import Received
from services.plan.versions import Plans
from tests.casework.factories import NOW, PRIVACY, RECEIVED_AT, received_case
from tests.casework.readings import consistent, record_of, view


async def handle(engine: AsyncEngine, plans: Plans, *cases: UUID) -> None:
    events = [Event(new_id(), Received.TYPE, case, 1, RECEIVED_AT, "live", b"{}") for case in cases]
    async with engine.begin() as connection:
        await ClassifierHandler(plans, PRIVACY, clock=lambda: NOW).handle(connection, events)


async def test_a_received_case_is_judged_with_its_reasons_region_and_plan(engine: AsyncEngine) -> None:
    case = await received_case(engine)

    await handle(engine, Plans(), case)

    now = await view(engine, case)
    assert (now.status, now.category, now.region_code, now.plan_version) == (
        "classified",
        "outage",
        "beijing-haidian",
        1,
    )
    assert now.judgement is not None
    assert now.judgement["reasons"][0]["words"] in now.content
    event = (await record_of(engine, case))[-1]
    assert event.data["category"] == "outage"
    assert "reasons" not in event.data
    assert event.private["reasons"] == now.judgement["reasons"]


async def test_judging_again_changes_nothing(engine: AsyncEngine) -> None:
    plans = Plans()
    cases = [await received_case(engine) for _ in range(5)]

    await asyncio.gather(*(handle(engine, plans, *cases) for _ in range(3)))
    await handle(engine, plans, *cases)

    for case in cases:
        assert (await view(engine, case)).version == 2
        assert await consistent(engine, case)


async def test_an_event_of_a_case_that_is_not_there_is_passed_over(engine: AsyncEngine) -> None:
    case = await received_case(engine)

    await handle(engine, Plans(), new_id(), case)

    assert (await view(engine, case)).status == "classified"
