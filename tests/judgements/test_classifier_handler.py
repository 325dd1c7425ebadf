"""The classifier's handler: what it writes to a case, once, however often the event comes."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from classifier_worker.handler import ClassifierHandler
from services.base.identity import new_id
from services.base.stream.event import Event
from services.complaints.events import Received
from services.complaints.model import Complaint
from services.judgements import models
from services.judgements.artefact import pack, shipped
from services.judgements.judges import Judges
from services.judgements.models import CategoryModels
from services.plan.versions import Plans
from tests.casework.factories import NOW, PRIVACY, RECEIVED_AT, received_case
from tests.casework.readings import consistent, record_of, view
from tests.judgements.factories import small_fit


async def handle(engine: AsyncEngine, plans: Plans, *cases: UUID) -> None:
    await handle_with(engine, Judges(plans, CategoryModels()), *cases)


async def handle_with(engine: AsyncEngine, judges: Judges, *cases: UUID) -> None:
    events = [Event(new_id(), Received.TYPE, case, 1, RECEIVED_AT, "live", b"{}") for case in cases]
    async with engine.begin() as connection:
        await ClassifierHandler(judges, PRIVACY, clock=lambda: NOW).handle(connection, events)


async def reasons(engine: AsyncEngine, case: UUID) -> dict[str, Any]:
    async with engine.connect() as connection:
        judgement = await connection.scalar(sa.select(Complaint.judgement).where(Complaint.id == case))
    assert judgement is not None
    return {reason["signal"]: reason for reason in judgement["severity_reasons"]}


async def signals(engine: AsyncEngine, case: UUID) -> set[str]:
    return set(await reasons(engine, case))


async def earlier_complaints(engine: AsyncEngine, case: UUID) -> float | None:
    reason = (await reasons(engine, case)).get("repeated_complaint")
    return None if reason is None else reason["value"]


async def model_of(engine: AsyncEngine, case: UUID) -> str:
    judgement = (await view(engine, case)).judgement
    assert judgement is not None
    return str(judgement["model"])


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


async def test_a_repeated_complaint_is_graver_by_the_earlier_ones(engine: AsyncEngine) -> None:
    first, second = [await received_case(engine, customer="139") for _ in range(2)]
    stranger = await received_case(engine, customer="138")
    await handle(engine, Plans(), first)
    await handle(engine, Plans(), stranger)
    await handle(engine, Plans(), second)

    assert await earlier_complaints(engine, first) is None
    assert await earlier_complaints(engine, stranger) is None
    assert await earlier_complaints(engine, second) == 1


async def test_complaints_of_one_customer_in_one_batch_count_in_their_order(engine: AsyncEngine) -> None:
    cases = [await received_case(engine, customer="139") for _ in range(3)]

    await handle(engine, Plans(), *reversed(cases))

    assert [await earlier_complaints(engine, case) for case in cases] == [None, 1, 2]


async def test_complaints_about_another_matter_or_in_a_drill_do_not_count(engine: AsyncEngine) -> None:
    bill = await received_case(engine, customer="139", content="账单多扣了50元，请退费")
    drill = await received_case(engine, customer="139", realm="drill")
    outage = await received_case(engine, customer="139")

    await handle(engine, Plans(), bill, drill, outage)

    assert await earlier_complaints(engine, outage) is None


async def test_the_account_tells_the_standing_of_a_customer(engine: AsyncEngine) -> None:
    usual, important = [await received_case(engine, account=account) for account in ("BJ-1", "vip-0088")]

    await handle(engine, Plans(), usual, important)

    assert "important_customer" not in await signals(engine, usual)
    assert "important_customer" in await signals(engine, important)


async def test_a_promoted_model_judges_the_next_case_and_says_so(engine: AsyncEngine) -> None:
    judges = Judges(Plans(), CategoryModels(clock=itertools.count(0, 10).__next__))
    before, after = [await received_case(engine) for _ in range(2)]
    other = pack(small_fit().weights, {})

    await handle_with(engine, judges, before)
    async with engine.begin() as connection:
        await models.store(connection, other, "imported")
        await models.promote(connection, other.name, "terminal:somebody")
    await handle_with(engine, judges, after)

    assert [await model_of(engine, case) for case in (before, after)] == [shipped().name, other.name]


@pytest.mark.parametrize("count", [1, 40])
async def test_the_number_of_statements_does_not_grow_with_the_batch(engine: AsyncEngine, count: int) -> None:
    cases = [await received_case(engine, customer=str(number)) for number in range(count)]
    judges = Judges(Plans(), CategoryModels())
    await handle_with(engine, judges, await received_case(engine))
    statements: list[str] = []
    sa.event.listen(engine.sync_engine, "before_cursor_execute", lambda *seen: statements.append(seen[2]))

    await handle_with(engine, judges, *cases)

    # The words, the earlier complaints, the lock, the new state, the events.
    assert len(statements) == 5


async def test_an_event_of_a_case_that_is_not_there_is_passed_over(engine: AsyncEngine) -> None:
    case = await received_case(engine)

    await handle(engine, Plans(), new_id(), case)

    assert (await view(engine, case)).status == "classified"
