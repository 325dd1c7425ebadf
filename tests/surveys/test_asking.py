"""Customers are asked after the closing: once, by however many handlers, and only while the case is closed."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from handler_worker.timekeeper import Timekeeper
from services.base.stream.bell import Bell
from services.casework.handlers.relating import Merge
from services.casework.handlers.settling import Close, Reject, Reopen, Resolve
from services.complaints.model import Complaint
from services.plan.versions import Plans
from services.surveys import asking
from tests.casework import factories
from tests.casework.factories import ENGINEER, NOW, case_of, closed_case, do
from tests.casework.readings import consistent
from tests.casework.scenes import DAY, HOUR, MINUTE, another_plan, each, events, happened
from tests.casework.test_firing import statements
from tests.surveys.factories import ASKED_AT, asked, fire, hear, surveys

pytestmark = pytest.mark.usefixtures("in_order")
CLOSE = Close(decision="final_decision", reason="已修复并回访。")


async def close_again(
    engine: AsyncEngine, plans: Plans, case: UUID, reopened_at: timedelta, closed_at: timedelta
) -> None:
    """Taken up again so long after `NOW`, and closed again, as the handler hears."""
    await do(engine, plans, case, Reopen(reason="再次中断。"), ENGINEER, now=NOW + reopened_at)
    await factories.skip_to_result(engine, plans, case, ENGINEER)
    await each(engine, plans, case, ENGINEER, Resolve(text="已恢复。"), CLOSE, now=NOW + closed_at)
    await hear(engine, case, now=NOW + closed_at)


async def test_the_customer_is_asked_after_the_closing_with_who_had_the_case_then(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await closed_case(engine, plans)
    await hear(engine, case)

    await fire(engine, plans, ASKED_AT - MINUTE)
    assert "survey_asked" not in await happened(engine, case)
    await fire(engine, plans, ASKED_AT)

    (survey,) = await surveys(engine, case)
    (event,) = await events(engine, case, "survey_asked")
    assert event.data == {
        "reference": (await case_of(engine, case)).reference,
        "survey": str(survey.id),
        "expires_at": (ASKED_AT + 14 * DAY).isoformat().replace("+00:00", "Z"),
        "group": "technical_support",
        "assignee": ENGINEER,
    }
    assert (survey.status, survey.group_code, survey.assignee) == ("asked", "technical_support", ENGINEER)
    assert (survey.realm, survey.channel, survey.language, survey.plan_version) == ("live", "hotline", "zh", 1)
    assert await consistent(engine, case)


async def test_a_closing_that_is_delivered_again_plans_nothing_more(engine: AsyncEngine, plans: Plans) -> None:
    case = await closed_case(engine, plans)

    for _ in range(2):
        await hear(engine, case, case)
    await fire(engine, plans, ASKED_AT)
    await hear(engine, case, now=ASKED_AT + 40 * DAY)
    await fire(engine, plans, ASKED_AT + 40 * DAY)

    assert (await happened(engine, case)).count("survey_asked") == 1
    assert len(await surveys(engine, case)) == 1


async def test_the_customer_is_reminded_once_and_at_last_not_waited_for_any_more(
    engine: AsyncEngine, plans: Plans
) -> None:
    case, _ = await asked(engine, plans)

    for days in (2, 3, 4, 13):
        await fire(engine, plans, ASKED_AT + days * DAY)
    assert (await happened(engine, case))[-2:] == ["survey_asked", "survey_reminded"]
    assert (await surveys(engine, case))[0].status == "asked"
    await fire(engine, plans, ASKED_AT + 14 * DAY)

    (survey,) = await surveys(engine, case)
    assert (survey.status, survey.reminded_at, survey.next_at) == ("expired", ASKED_AT + 3 * DAY, None)


async def test_whoever_reopened_the_case_is_not_asked_and_not_reminded(engine: AsyncEngine, plans: Plans) -> None:
    early, late = await closed_case(engine, plans), (await asked(engine, plans))[0]
    await hear(engine, early)
    for case in (early, late):
        await do(engine, plans, case, Reopen(reason="再次中断。"), ENGINEER, now=NOW + 30 * MINUTE)

    await fire(engine, plans, ASKED_AT)
    await fire(engine, plans, ASKED_AT + 3 * DAY)

    assert "survey_asked" not in await happened(engine, early)
    assert (await surveys(engine, early))[0].status == "cancelled"
    assert "survey_reminded" not in await happened(engine, late)
    assert (await surveys(engine, late))[0].next_at == ASKED_AT + 14 * DAY


async def test_a_case_that_is_closed_again_is_not_asked_about_again_so_soon(engine: AsyncEngine, plans: Plans) -> None:
    case, _ = await asked(engine, plans)

    await close_again(engine, plans, case, 2 * DAY, 20 * DAY)
    assert len(await surveys(engine, case)) == 1
    await close_again(engine, plans, case, 30 * DAY, 40 * DAY)
    await fire(engine, plans, NOW + 41 * DAY)

    first, second = await surveys(engine, case)
    assert (first.status, second.status) == ("expired", "asked")


async def test_a_case_that_is_closed_again_before_it_was_asked_about_is_asked_about_after_that(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await closed_case(engine, plans)
    await hear(engine, case)
    await close_again(engine, plans, case, 10 * MINUTE, 50 * MINUTE)

    await fire(engine, plans, ASKED_AT)
    assert "survey_asked" not in await happened(engine, case)
    await fire(engine, plans, ASKED_AT + 50 * MINUTE)

    (survey,) = await surveys(engine, case)
    assert (survey.status, survey.closed_at) == ("asked", NOW + 50 * MINUTE)


async def test_one_that_was_cancelled_leaves_room_for_the_next_closing(engine: AsyncEngine, plans: Plans) -> None:
    case = await closed_case(engine, plans)
    await hear(engine, case)
    await do(engine, plans, case, Reopen(reason="再次中断。"), ENGINEER, now=NOW + MINUTE)
    await fire(engine, plans, ASKED_AT)
    await factories.skip_to_result(engine, plans, case, ENGINEER)
    await each(engine, plans, case, ENGINEER, Resolve(text="已恢复。"), CLOSE, now=NOW + DAY)
    await hear(engine, case, now=NOW + DAY)

    await fire(engine, plans, NOW + DAY + HOUR)

    assert sorted(survey.status for survey in await surveys(engine, case)) == ["asked", "cancelled"]


async def test_duplicates_rejected_cases_and_closings_of_long_ago_are_not_asked_about(
    engine: AsyncEngine, plans: Plans
) -> None:
    leader = await factories.accepted_case(engine, plans, customer="A")
    follower = await factories.accepted_case(engine, plans, customer="A")
    into = (await case_of(engine, leader)).reference
    await do(engine, plans, follower, Merge(into=into, reason="同一故障。"), ENGINEER)
    await factories.skip_to_result(engine, plans, leader, ENGINEER)
    await each(engine, plans, leader, ENGINEER, Resolve(text="已恢复。"), CLOSE)
    rejected = await factories.dispatched_case(engine, plans)
    await do(engine, plans, rejected, Reject(reason="非我公司业务。"), ENGINEER)
    old = await closed_case(engine, plans)

    await hear(engine, leader, follower, rejected)
    await hear(engine, old, now=ASKED_AT + 14 * DAY + MINUTE)

    assert "closed" in await happened(engine, follower)
    assert [len(await surveys(engine, case)) for case in (leader, follower, rejected, old)] == [1, 0, 0, 0]


async def test_a_plan_that_does_not_ask_asks_nobody(engine: AsyncEngine) -> None:
    await another_plan(engine, ("surveys:\n  after: 1h", "surveys:\n  ask: false\n  after: 1h"))
    plans = Plans()
    await factories.sync_duty(engine, plans)
    case = await factories.accepted_case(engine, plans, plan_version=2)
    await factories.skip_to_result(engine, plans, case, ENGINEER)
    await each(engine, plans, case, ENGINEER, Resolve(text="已恢复。"), CLOSE)

    await hear(engine, case)

    assert await surveys(engine, case) == []


async def test_handlers_at_the_same_moment_ask_each_customer_once(engine: AsyncEngine, plans: Plans) -> None:
    cases = [await closed_case(engine, plans) for _ in range(5)]
    await hear(engine, *cases)

    await asyncio.gather(*(fire(engine, plans, ASKED_AT) for _ in range(4)))
    await fire(engine, plans, ASKED_AT)

    for case in cases:
        assert (await happened(engine, case)).count("survey_asked") == 1
        assert await consistent(engine, case)


async def test_what_was_not_committed_is_done_again_and_a_case_that_is_held_keeps_no_other_waiting(
    engine: AsyncEngine, plans: Plans
) -> None:
    held, free = [await closed_case(engine, plans) for _ in range(2)]
    await hear(engine, held, free)
    async with engine.connect() as dying:
        assert await asking.fire(dying, plans, ASKED_AT, 500) == 2

    async with engine.begin() as holding:
        await holding.execute(sa.select(Complaint.id).where(Complaint.id == held).with_for_update())
        async with asyncio.timeout(5):
            assert await fire(engine, plans, ASKED_AT, limit=1) == 1
    assert "survey_asked" not in await happened(engine, held)
    assert "survey_asked" in await happened(engine, free)
    await fire(engine, plans, ASKED_AT)

    assert (await happened(engine, held)).count("survey_asked") == 1


async def test_twenty_surveys_take_as_many_statements_as_one(engine: AsyncEngine, plans: Plans) -> None:
    one, *others = [await closed_case(engine, plans) for _ in range(21)]
    # They look for a newer plan every two seconds, which is no statement of the batch.
    looked = Plans(clock=lambda: 0.0)
    async with engine.connect() as connection:
        await looked.current(connection)
    await hear(engine, one)
    with statements(engine) as few:
        assert await fire(engine, looked, ASKED_AT) == 1
    await hear(engine, *others)

    with statements(engine) as more:
        assert await fire(engine, looked, ASKED_AT) == len(others)

    assert len(more) == len(few) < 10


async def test_the_timekeeper_of_the_handler_worker_asks(engine: AsyncEngine, plans: Plans) -> None:
    case = await closed_case(engine, plans)
    await hear(engine, case)

    await Timekeeper(engine, plans, Bell(), clock=lambda: ASKED_AT).round()

    assert "survey_asked" in await happened(engine, case)
