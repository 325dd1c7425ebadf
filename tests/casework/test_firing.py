"""What is due is done: in time, once, by however many handlers, and whatever else goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.casework import firing
from services.casework.handlers.conversing import AwaitCustomer, Reclassify
from services.casework.handlers.outage import SetEta
from services.casework.handlers.settling import Reopen, Resolve
from services.casework.model import Alert, Deadline
from services.complaints.model import Complaint
from services.plan.versions import Plans
from tests.casework import factories
from tests.casework.factories import ENGINEER, NOW, RECEIVED_AT, case_of, do
from tests.casework.readings import consistent, result_notice
from tests.casework.scenes import (
    DAY,
    HOUR,
    MINUTE,
    after,
    alerts,
    clock,
    events,
    fire,
    happened,
    last,
    silent_since,
    timer,
)

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


async def test_who_was_told_nothing_for_long_is_told_by_the_programs_that_work_goes_on(
    engine: AsyncEngine, plans: Plans
) -> None:
    """Every six hours in the first day, then every day; the engineer is warned each time, and nothing is missed."""
    case = await factories.accepted_case(engine, plans)

    for hours in (5, 6, 11, 12, 18, 24, 47, 48):
        await fire(engine, plans, after(hours * HOUR))

    news = await events(engine, case, "updated")
    assert [(one.time, one.data["times"]) for one in news] == [
        (after(6 * HOUR), 1), (after(12 * HOUR), 2), (after(18 * HOUR), 3), (after(24 * HOUR), 4), (after(48 * HOUR), 5)
    ]  # fmt: skip
    warned = [one for one in await events(engine, case, "deadline_warned") if one.data["clock"] == "update"]
    assert [one.time for one in warned] == [after(hours * HOUR) for hours in (5, 11, 47)]
    assert "update" not in [clock for clock, _ in await told(engine, case, "deadline_missed")]
    assert (await clock(engine, case, "update")).missed_at is None


async def test_news_by_a_person_puts_off_those_of_the_programs_and_counts_them_anew(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.accepted_case(engine, plans)
    await fire(engine, plans, after(6 * HOUR))

    await do(engine, plans, case, SetEta(estimated_repair_at=NOW + DAY), ENGINEER, now=after(8 * HOUR))
    await fire(engine, plans, after(13 * HOUR))
    assert len(await events(engine, case, "updated")) == 1
    await fire(engine, plans, after(14 * HOUR))

    assert [one.data["times"] for one in await events(engine, case, "updated")] == [1, 1]


async def test_handlers_that_were_away_for_long_tell_the_customer_once(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.accepted_case(engine, plans)

    await asyncio.gather(*(fire(engine, plans, after(23 * HOUR)) for _ in range(3)))
    await fire(engine, plans, after(23 * HOUR))

    assert len(await events(engine, case, "updated")) == 1
    assert (await clock(engine, case, "update")).due_at == after(29 * HOUR)


async def test_no_news_are_told_while_the_customer_is_asked_or_when_it_is_over(
    engine: AsyncEngine, plans: Plans
) -> None:
    asked, over = [await factories.accepted_case(engine, plans) for _ in range(2)]
    await do(engine, plans, asked, AwaitCustomer(question="请提供编号。"), ENGINEER)
    await factories.skip_to_result(engine, plans, over, ENGINEER)
    await do(engine, plans, over, Resolve(text="已恢复。"), ENGINEER)

    await fire(engine, plans, after(2 * DAY))

    for case in (asked, over):
        assert await events(engine, case, "updated") == []


async def test_a_fault_that_was_found_to_be_none_is_not_told_of_while_it_waits_for_its_group(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.accepted_case(engine, plans)
    await do(engine, plans, case, Reclassify(category="billing", reason="系欠费停机。"), ENGINEER)

    await fire(engine, plans, after(7 * HOUR))
    await fire(engine, plans, after(8 * HOUR))

    assert await events(engine, case, "updated") == []


async def test_who_was_not_answered_in_time_is_given_another_date_that_is_watched_like_the_first(
    engine: AsyncEngine, plans: Plans
) -> None:
    """First told after eight hours, and a new date eight hours later; from then on every twelve."""
    case = await support_case(engine, plans)

    for hours in (8, 12, 15, 16, 27, 28):
        await fire(engine, plans, after(hours * HOUR))

    missed = [one for one in await events(engine, case, "deadline_missed") if one.data["clock"] == "respond"]
    assert [(one.time, one.data.get("next_by")) for one in missed] == [
        (after(8 * HOUR), written(after(16 * HOUR))),
        (after(16 * HOUR), None),
        (after(28 * HOUR), None),
    ]


async def test_a_new_date_is_counted_on_the_calendar_of_the_group(engine: AsyncEngine, plans: Plans) -> None:
    """Market and legal have office hours and a lunch break: six hours from Tuesday, 16:00, end on Wednesday, 14:30."""
    case = await factories.dispatched_case(engine, plans, category="billing", severity="minor")

    await fire(engine, plans, after(DAY))

    missed = {one.data["clock"]: one.data.get("next_by") for one in await events(engine, case, "deadline_missed")}
    assert missed["respond"] == written(after(DAY) + 22 * HOUR + 30 * MINUTE)


async def test_a_new_date_after_a_missed_result_is_kept_by_whoever_speaks_to_the_customer(
    engine: AsyncEngine, plans: Plans
) -> None:
    """The result of an outage is due after a day, its first response after an hour; told again every twelve."""
    spoken, silent = [await factories.accepted_case(engine, plans) for _ in range(2)]
    for case in (spoken, silent):
        await do(engine, plans, case, SetEta(estimated_repair_at=NOW + 2 * DAY), ENGINEER)
    await fire(engine, plans, after(24 * HOUR))
    later = SetEta(estimated_repair_at=NOW + 3 * DAY, reason="备件在途。")
    await do(engine, plans, spoken, later, ENGINEER, now=after(24 * HOUR) + 30 * MINUTE)

    await fire(engine, plans, after(25 * HOUR))

    for case, times in ((spoken, [1]), (silent, [1, 2])):
        missed = [one for one in await events(engine, case, "deadline_missed") if one.data["clock"] == "resolve"]
        assert [one.data.get("times", 1) for one in missed] == times
        assert missed[0].data["next_by"] == written(after(25 * HOUR))


async def test_who_waits_for_a_new_date_already_is_given_no_other(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.accepted_case(engine, plans, severity="low", category="technical_support")
    async with engine.begin() as connection:
        result = sa.update(Deadline).where(Deadline.complaint_id == case, Deadline.kind == "resolve")
        await connection.execute(result.values(due_at=after(30 * HOUR), next_at=after(30 * HOUR)))

    await fire(engine, plans, after(24 * HOUR))
    await fire(engine, plans, after(30 * HOUR))

    dates = {one.data["clock"]: one.data.get("next_by") for one in await events(engine, case, "deadline_missed")}
    assert dates["respond"] == dates["resolve"] == written(after(48 * HOUR))


def written(time: datetime) -> str:
    """As events have it."""
    return time.isoformat().replace("+00:00", "Z")


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
