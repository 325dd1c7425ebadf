"""What customers decide themselves: adding words, taking the complaint back, taking it up again."""

from __future__ import annotations

import asyncio
from datetime import datetime
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.errors import Conflict, Forbidden, WrongState
from services.casework import customer
from services.casework.handlers.assigning import Accept
from services.casework.handlers.conversing import Reclassify
from services.casework.handlers.relating import Merge
from services.casework.handlers.settling import Resolve
from services.casework.handlers.technical_support import SiteVisit
from services.complaints.events import Reopened
from services.complaints.model import Complaint
from services.notices.events import Failed
from services.plan.versions import Plans
from tests.casework import factories
from tests.casework.factories import ENGINEER, NOW, OTHER_ENGINEER, case_of, do
from tests.casework.readings import consistent, loads, view
from tests.casework.scenes import (
    DAY,
    HEAD_OF_SUPPORT,
    HOUR,
    alerts,
    due_at,
    events,
    fire,
    handle,
    happened,
    last,
    of,
    silent_since,
    tasks,
)

pytestmark = pytest.mark.usefixtures("in_order")


async def write(engine: AsyncEngine, plans: Plans, case: UUID, text: str = "请尽快。", now: datetime = NOW) -> None:
    async with engine.begin() as connection:
        await customer.add_message(connection, plans, case, text, now)


async def withdraw(
    engine: AsyncEngine, plans: Plans, case: UUID, reason: str | None = None, now: datetime = NOW
) -> None:
    async with engine.begin() as connection:
        await customer.withdraw(connection, plans, case, reason, now)


async def reopen(engine: AsyncEngine, plans: Plans, case: UUID, now: datetime = NOW) -> None:
    async with engine.begin() as connection:
        await customer.reopen(connection, plans, case, "今天又断网了。", now)


@pytest.mark.parametrize("status", ["received", "classified", "dispatched", "in_progress", "resolved", "closed"])
async def test_what_a_customer_adds_stands_in_the_record_and_changes_nothing(
    engine: AsyncEngine, plans: Plans, status: str
) -> None:
    case = await factories.case_in(engine, plans, status)

    await write(engine, plans, case, "昨晚也断过一次。")

    replied = await last(engine, case)
    assert (replied.type, replied.actor) == ("redress.complaint.customer_replied.v1", "customer")
    assert (replied.data["status_before"], replied.private) == (status, {"text": "昨晚也断过一次。"})
    assert (await case_of(engine, case)).status == status
    assert "昨晚" not in str(replied.data)


async def test_the_one_who_has_the_case_hears_of_it(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.accepted_case(engine, plans)

    await write(engine, plans, case)

    assert await alerts(engine, case, "customer_replied") == [ENGINEER]


@pytest.mark.parametrize("status", ["received", "classified", "dispatched", "in_progress"])
async def test_an_open_complaint_can_be_taken_back_and_leaves_no_load_and_no_task(
    engine: AsyncEngine, plans: Plans, status: str
) -> None:
    case = await factories.case_in(engine, plans, status)

    await withdraw(engine, plans, case, "已经自己恢复了。")

    withdrawn = await last(engine, case)
    assert (withdrawn.data["status_before"], withdrawn.private) == (status, {"reason": "已经自己恢复了。"})
    assert (await case_of(engine, case)).status == "withdrawn"
    assert await loads(engine) == {}


async def test_what_was_owed_for_a_complaint_that_was_taken_back_is_owed_no_more(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.accepted_case(engine, plans, category="technical_support")
    await do(engine, plans, case, SiteVisit(visit_at=NOW + DAY), ENGINEER)

    await withdraw(engine, plans, case)
    await fire(engine, plans, NOW + 20 * DAY)

    assert [task.status for task in await tasks(engine, case)] == ["cancelled"]
    assert (await happened(engine, case))[-1] == "withdrawn"


@pytest.mark.parametrize("status", ["resolved", "closed"])
async def test_what_is_settled_can_not_be_taken_back(engine: AsyncEngine, plans: Plans, status: str) -> None:
    case = await factories.case_in(engine, plans, status)

    with pytest.raises(WrongState):
        await withdraw(engine, plans, case)


async def test_what_was_taken_back_is_taken_back_once_and_written_to_no_more(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.accepted_case(engine, plans)
    await withdraw(engine, plans, case)

    with pytest.raises(WrongState):
        await withdraw(engine, plans, case)
    with pytest.raises(WrongState):
        await write(engine, plans, case)


@pytest.mark.parametrize("status", ["resolved", "closed"])
async def test_a_customer_who_is_not_satisfied_takes_the_case_up_again(
    engine: AsyncEngine, plans: Plans, status: str
) -> None:
    case = await factories.case_in(engine, plans, status)

    await reopen(engine, plans, case, NOW + DAY)

    now = await case_of(engine, case)
    assert (now.status, now.assignee) == ("in_progress", ENGINEER)
    assert (await events(engine, case, "reopened"))[0].private == {"reason": "今天又断网了。", "assignee": ENGINEER}
    assert await due_at(engine, case, "resolve") == NOW + 2 * DAY
    assert await loads(engine) == {ENGINEER: 1}


async def test_an_open_case_can_not_be_taken_up_again(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.accepted_case(engine, plans)

    with pytest.raises(WrongState):
        await reopen(engine, plans, case)


async def test_long_after_the_closing_a_new_complaint_is_asked_for(engine: AsyncEngine, plans: Plans) -> None:
    in_time, late = [await factories.closed_case(engine, plans) for _ in range(2)]

    await reopen(engine, plans, in_time, NOW + 30 * DAY)
    with pytest.raises(Forbidden, match="closed more than 30 days ago; post a new complaint"):
        await reopen(engine, plans, late, NOW + 30 * DAY + HOUR)

    assert [(await case_of(engine, case)).status for case in (in_time, late)] == ["in_progress", "closed"]


async def test_a_case_whose_person_has_left_goes_to_the_head_of_the_group(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.resolved_case(engine, plans)
    left = "left.long.ago"
    async with engine.begin() as connection:
        await connection.execute(sa.update(Complaint).values(assignee=left))

    await reopen(engine, plans, case)

    assert (await case_of(engine, case)).assignee == HEAD_OF_SUPPORT
    assert (await view(engine, case)).assignment == {"rule": "reopened", "previous": left, "at": NOW.isoformat()}


@pytest.mark.parametrize("status", ["received", "classified"])
async def test_what_was_taken_back_before_it_was_with_anybody_goes_on_where_it_was(
    engine: AsyncEngine, plans: Plans, status: str
) -> None:
    case = await factories.case_in(engine, plans, status)
    await withdraw(engine, plans, case)

    await reopen(engine, plans, case)

    assert (await case_of(engine, case)).status == status


async def test_what_was_taken_back_on_its_way_to_another_group_is_dispatched_there_with_all_its_clocks(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.accepted_case(engine, plans)
    await do(engine, plans, case, Reclassify(category="billing", reason="其实是多扣费。"), ENGINEER)
    await withdraw(engine, plans, case)
    await reopen(engine, plans, case, NOW + DAY)

    await handle(engine, of(case, Reopened(reference="RD", status_before="withdrawn")), now=NOW + DAY)

    now = await case_of(engine, case)
    assert (now.status, now.group_code) == ("dispatched", "market_legal")
    for kind in ("resolve", "regulator", "step"):
        due = await due_at(engine, case, kind)
        assert due is not None
        assert due > NOW + DAY


async def test_whoever_writes_after_the_result_is_not_silent(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.resolved_case(engine, plans)
    await silent_since(engine, case, NOW)
    await write(engine, plans, case, "晚上我再试试。", NOW + 6 * DAY)

    await fire(engine, plans, NOW + 7 * DAY)
    assert (await case_of(engine, case)).status == "resolved"
    await fire(engine, plans, NOW + 13 * DAY)

    assert (await case_of(engine, case)).status == "closed"


async def test_silence_is_no_consent_to_a_result_that_did_not_arrive(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.resolved_case(engine, plans)
    await silent_since(engine, case, NOW)
    bounced = Failed(complaint=case, kind="result", way="email", attempts=1)

    async with engine.begin() as connection:
        await connection.execute(sa.text("update notice set status = 'failed' where kind = 'result'"))
    for _ in range(2):
        await handle(engine, of(case, bounced, 3))
    await fire(engine, plans, NOW + 8 * DAY)

    assert (await case_of(engine, case)).status == "resolved"


async def test_the_customer_of_a_merged_complaint_is_sent_to_the_one_that_goes_on(
    engine: AsyncEngine, plans: Plans
) -> None:
    main, duplicate = [
        await factories.accepted_case(engine, plans, who, customer="+8613800138000")
        for who in (ENGINEER, OTHER_ENGINEER)
    ]
    await do(engine, plans, duplicate, Merge(into=str(main), reason="重复来电。"), OTHER_ENGINEER)

    for decide in (write, withdraw, reopen):
        with pytest.raises(Conflict):
            await decide(engine, plans, duplicate)


async def test_taking_back_and_the_result_at_the_same_moment_leave_one_of_them(
    engine: AsyncEngine, plans: Plans
) -> None:
    for _ in range(4):
        case = await factories.accepted_case(engine, plans)
        await factories.skip_to_result(engine, plans, case, ENGINEER)

        outcomes = await asyncio.gather(
            withdraw(engine, plans, case),
            do(engine, plans, case, Resolve(text="已修复。"), ENGINEER),
            return_exceptions=True,
        )

        assert sorted(isinstance(outcome, Conflict) for outcome in outcomes) == [False, True]
        assert await consistent(engine, case)


async def test_the_case_is_accepted_while_the_customer_writes_and_neither_is_lost(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.dispatched_case(engine, plans)

    await asyncio.gather(
        *(write(engine, plans, case, f"第 {n} 条。") for n in range(5)), do(engine, plans, case, Accept(), ENGINEER)
    )

    assert (await happened(engine, case)).count("customer_replied") == 5
    assert (await case_of(engine, case)).status == "in_progress"
    assert await consistent(engine, case)
