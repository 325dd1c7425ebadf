"""What is due is done: in time, once, by however many handlers, and whatever else goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.casework import firing
from services.casework.handlers.conversing import AwaitCustomer
from services.casework.handlers.settling import Reopen
from services.casework.model import Alert, Deadline
from services.complaints.model import Complaint
from services.plan.versions import Plans
from tests.casework import factories
from tests.casework.factories import ENGINEER, NOW, RECEIVED_AT, case_of, do
from tests.casework.readings import consistent, result_notice
from tests.casework.scenes import DAY, HOUR, MINUTE, after, alerts, events, fire, happened, last, silent_since, timer

pytestmark = pytest.mark.usefixtures("in_order")


async def support_case(engine: AsyncEngine, plans: Plans) -> UUID:
    """Its step is due after four hours, the first response after eight, the result after five days."""
    return await factories.accepted_case(engine, plans, category="technical_support", severity="minor")


async def told(engine: AsyncEngine, case: UUID, name: str) -> list[tuple[str, int]]:
    """Which clocks were told of, and for which time; the acknowledgement, which is the programs', left out."""
    found = [(one.data["clock"], one.data.get("times", 1)) for one in await events(engine, case, name)]
    return [one for one in found if one[0] != "acknowledge"]


async def test_people_are_warned_at_the_plans_share_of_the_time_and_once(engine: AsyncEngine, plans: Plans) -> None:
    case = await support_case(engine, plans)

    await fire(engine, plans, after(3 * HOUR - MINUTE))
    assert await told(engine, case, "deadline_warned") == []
    await fire(engine, plans, after(3 * HOUR))
    await fire(engine, plans, after(3 * HOUR + MINUTE))

    assert await told(engine, case, "deadline_warned") == [("step", 1)]
    assert await alerts(engine, case, "deadline_warned") == [ENGINEER]
    assert await told(engine, case, "deadline_missed") == []


async def test_a_deadline_is_missed_when_it_is_due_and_told_again_while_it_is(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await support_case(engine, plans)

    await fire(engine, plans, after(4 * HOUR - MINUTE))
    assert await told(engine, case, "deadline_missed") == []
    for hours in (4, 15, 16, 17, 28):
        await fire(engine, plans, after(hours * HOUR))

    missed = [times for clock, times in await told(engine, case, "deadline_missed") if clock == "step"]
    assert missed == [1, 2, 3]
    assert ("respond", 1) in await told(engine, case, "deadline_missed")


async def test_whoever_was_asleep_at_the_warning_says_at_once_that_it_is_missed(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await support_case(engine, plans)

    await fire(engine, plans, after(5 * HOUR))

    assert await told(engine, case, "deadline_warned") == []
    assert await told(engine, case, "deadline_missed") == [("step", 1)]


async def test_a_missed_acknowledgement_is_noted_and_nobody_is_called_for_it(engine: AsyncEngine, plans: Plans) -> None:
    case = await support_case(engine, plans)

    await fire(engine, plans, after(10 * MINUTE))
    await fire(engine, plans, after(2 * HOUR))

    assert [one.data["clock"] for one in await events(engine, case, "deadline_missed")] == ["acknowledge"]
    assert await events(engine, case, "escalated") == []


async def test_handlers_at_the_same_moment_do_each_thing_once(engine: AsyncEngine, plans: Plans) -> None:
    cases = [await support_case(engine, plans) for _ in range(6)]

    await asyncio.gather(*(fire(engine, plans, after(9 * HOUR)) for _ in range(4)))
    await fire(engine, plans, after(9 * HOUR))

    for case in cases:
        assert sorted(await told(engine, case, "deadline_missed")) == [("respond", 1), ("step", 1)]
        assert (await happened(engine, case)).count("escalated") == 1
        assert await consistent(engine, case)
    async with engine.connect() as connection:
        told_rows = await connection.scalar(sa.select(sa.func.count()).where(Alert.kind == "escalated"))
    assert told_rows == len(cases)


async def test_what_a_handler_did_that_died_before_the_commit_is_done_again(engine: AsyncEngine, plans: Plans) -> None:
    case = await support_case(engine, plans)

    async with engine.connect() as dying:
        assert await firing.fire(dying, plans, after(4 * HOUR)) == 1
    assert await told(engine, case, "deadline_missed") == []
    await fire(engine, plans, after(4 * HOUR))

    assert await told(engine, case, "deadline_missed") == [("step", 1)]


async def test_a_case_that_somebody_holds_is_passed_over_and_done_the_next_time(
    engine: AsyncEngine, plans: Plans
) -> None:
    held, free = [await support_case(engine, plans) for _ in range(2)]

    async with engine.begin() as holding:
        await holding.execute(sa.select(Complaint.id).where(Complaint.id == held).with_for_update())
        async with asyncio.timeout(5):
            assert await fire(engine, plans, after(4 * HOUR)) == 1
    assert await told(engine, held, "deadline_missed") == []
    assert await told(engine, free, "deadline_missed") == [("step", 1)]
    await fire(engine, plans, after(4 * HOUR))

    assert await told(engine, held, "deadline_missed") == [("step", 1)]


async def test_held_cases_do_not_use_up_the_batch(engine: AsyncEngine, plans: Plans) -> None:
    held, free = [await support_case(engine, plans) for _ in range(2)]
    async with engine.begin() as connection:
        first = sa.update(Deadline).where(Deadline.complaint_id == held, Deadline.kind == "step")
        await connection.execute(first.values(next_at=RECEIVED_AT + MINUTE))

    async with engine.begin() as holding:
        await holding.execute(sa.select(Complaint.id).where(Complaint.id == held).with_for_update())
        assert await fire(engine, plans, after(4 * HOUR), limit=1) == 1

    assert await events(engine, free, "deadline_missed")


async def test_a_case_whose_clock_can_not_be_worked_out_is_put_off_and_keeps_no_other_waiting(
    engine: AsyncEngine, plans: Plans
) -> None:
    broken, sound = [await support_case(engine, plans) for _ in range(2)]
    for case in (broken, sound):
        await do(engine, plans, case, AwaitCustomer(question="请提供编号。"), ENGINEER)
    await set_calendar(engine, broken, "gone")

    await fire(engine, plans, NOW + 10 * DAY)
    assert (await case_of(engine, broken)).status == "awaiting_customer"
    assert (await case_of(engine, sound)).status == "in_progress"
    assert await timer(engine, broken, "give_back") == NOW + 10 * DAY + 5 * MINUTE
    await set_calendar(engine, broken, "always")
    await fire(engine, plans, NOW + 10 * DAY + 4 * MINUTE)
    assert (await case_of(engine, broken)).status == "awaiting_customer"
    await fire(engine, plans, NOW + 10 * DAY + 5 * MINUTE)

    assert (await case_of(engine, broken)).status == "in_progress"


async def test_a_hundred_due_cases_take_as_many_statements_as_one(engine: AsyncEngine, plans: Plans) -> None:
    await factories.dispatched_case(engine, plans)
    with statements(engine) as few:
        assert await fire(engine, plans, after(HOUR)) == 1
    many = [await factories.dispatched_case(engine, plans) for _ in range(100)]

    with statements(engine) as more:
        assert await fire(engine, plans, after(HOUR)) == len(many)

    assert len(more) == len(few)
    assert len(few) < 12


async def test_a_full_batch_leaves_the_rest_for_the_next(engine: AsyncEngine, plans: Plans) -> None:
    cases = [await support_case(engine, plans) for _ in range(3)]

    looked_at = [await fire(engine, plans, after(4 * HOUR), limit=2) for _ in range(5)]

    assert sum(looked_at) >= 3
    for case in cases:
        assert await told(engine, case, "deadline_missed") == [("step", 1)]


async def test_the_next_time_to_look_is_the_earliest_of_all(engine: AsyncEngine, plans: Plans) -> None:
    async with engine.connect() as connection:
        assert await firing.next_due(connection) is None
    await support_case(engine, plans)

    async with engine.connect() as connection:
        assert await firing.next_due(connection) == after(10 * MINUTE)


async def test_silence_after_the_result_that_was_sent_closes_the_case(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.resolved_case(engine, plans)
    await silent_since(engine, case, NOW)

    await fire(engine, plans, NOW + 7 * DAY - MINUTE)
    assert (await case_of(engine, case)).status == "resolved"
    await fire(engine, plans, NOW + 7 * DAY)

    assert (await case_of(engine, case)).status == "closed"
    assert (await last(engine, case)).data["decision"] == "customer_silent"


async def test_a_result_that_was_not_sent_is_not_consented_to_by_silence(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.resolved_case(engine, plans)
    await result_notice(engine, case, "failed")

    await fire(engine, plans, NOW + 300 * DAY)

    assert (await case_of(engine, case)).status == "resolved"


async def test_a_case_that_was_taken_up_again_is_not_closed_by_the_silence_before(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.resolved_case(engine, plans)
    await silent_since(engine, case, NOW)
    await do(engine, plans, case, Reopen(reason="再次中断。"), ENGINEER, now=NOW + 6 * DAY)

    await fire(engine, plans, NOW + 7 * DAY)

    assert (await case_of(engine, case)).status == "in_progress"


async def set_calendar(engine: AsyncEngine, case: UUID, calendar: str) -> None:
    async with engine.begin() as connection:
        await connection.execute(
            sa.update(Deadline)
            .where(Deadline.complaint_id == case, Deadline.kind == "resolve")
            .values(calendar=calendar)
        )


@contextmanager
def statements(engine: AsyncEngine) -> Iterator[list[str]]:
    """Every statement sent meanwhile."""
    sent: list[str] = []

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        sent.append(statement)

    sa.event.listen(engine.sync_engine, "before_cursor_execute", note)
    yield sent
    sa.event.remove(engine.sync_engine, "before_cursor_execute", note)
