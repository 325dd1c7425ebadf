"""Asking the customer and waiting: what stands still, reminders, giving back, answers; notes, corrections."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.errors import Invalid
from services.casework import customer
from services.casework.handlers.assigning import HandOver
from services.casework.handlers.conversing import AwaitCustomer, Correct, Note, Reclassify, Resume
from services.casework.handlers.settling import Resolve
from services.casework.handlers.technical_support import Contact
from services.plan.versions import Plans
from tests.casework import factories
from tests.casework.factories import ENGINEER, LEADER, NOW, RECEIVED_AT, case_of, do
from tests.casework.readings import met
from tests.casework.scenes import DAY, HOUR, MINUTE, after, alerts, clock, due_at, events, fire, happened, last, timer

pytestmark = pytest.mark.usefixtures("in_order")

QUESTION = AwaitCustomer(question="请提供光猫背面的设备编号。")
HELD_UP = ("estimate", "update", "resolve", "step")
GOES_ON = ("repair", "regulator")


async def waiting_case(engine: AsyncEngine, plans: Plans) -> UUID:
    """An outage whose customer was asked half an hour after they complained."""
    case = await factories.accepted_case(engine, plans, severity="low")
    await do(engine, plans, case, QUESTION, ENGINEER)
    return case


async def test_the_question_is_a_first_response_and_its_words_are_private(engine: AsyncEngine, plans: Plans) -> None:
    case = await waiting_case(engine, plans)

    assert (await case_of(engine, case)).status == "awaiting_customer"
    assert (await last(engine, case)).private == {"question": QUESTION.question}
    assert (await met(engine, case))["respond"] == NOW


async def test_what_the_customer_holds_up_stands_and_what_the_law_demands_goes_on(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.accepted_case(engine, plans)
    before = {kind: await due_at(engine, case, kind) for kind in GOES_ON}

    await do(engine, plans, case, QUESTION, ENGINEER)

    assert [await due_at(engine, case, kind) for kind in HELD_UP] == [None] * 4
    assert {kind: await due_at(engine, case, kind) for kind in GOES_ON} == before


async def test_what_stood_goes_on_to_the_microsecond(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.accepted_case(engine, plans)
    before = {kind: await due_at(engine, case, kind) for kind in ("estimate", "resolve", "step")}
    waited = timedelta(hours=31, minutes=7, microseconds=123_457)

    await do(engine, plans, case, QUESTION, ENGINEER, now=NOW + timedelta(microseconds=1))
    await do(engine, plans, case, Resume(), ENGINEER, now=NOW + timedelta(microseconds=1) + waited)

    for kind, due in before.items():
        assert due is not None
        assert await due_at(engine, case, kind) == due + waited


async def test_a_clock_in_working_days_that_stood_over_a_day_is_due_a_working_day_later(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.accepted_case(engine, plans, "tian.yu", category="billing", severity="minor")
    before = await due_at(engine, case, "resolve")
    assert before is not None

    await do(engine, plans, case, QUESTION, "tian.yu", now=NOW + DAY)
    await do(engine, plans, case, Resume(), "tian.yu", now=NOW + 2 * DAY)

    assert await due_at(engine, case, "resolve") == before + DAY


async def test_nothing_that_stands_is_warned_of_or_missed(engine: AsyncEngine, plans: Plans) -> None:
    case = await waiting_case(engine, plans)

    await fire(engine, plans, NOW + 45 * HOUR)

    told = await events(engine, case, "deadline_missed") + await events(engine, case, "deadline_warned")
    assert {happening.data["clock"] for happening in told} <= {"acknowledge", "repair"}


async def test_what_begins_while_the_customer_is_waited_for_stands_from_its_beginning(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.accepted_case(engine, plans, category="technical_support", severity="minor")
    await do(engine, plans, case, QUESTION, ENGINEER)
    reached = Contact(way="phone", outcome="reached", said="客户稍后提供编号。")

    await do(engine, plans, case, reached, ENGINEER, now=NOW + HOUR)
    assert (await clock(engine, case, "step")).allowed == "4h"
    assert await due_at(engine, case, "step") is None
    await do(engine, plans, case, Resume(), ENGINEER, now=NOW + DAY)

    assert await due_at(engine, case, "step") == NOW + DAY + 4 * HOUR


async def test_the_customer_is_reminded_on_the_plans_days_and_then_the_case_is_given_back(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await waiting_case(engine, plans)
    seen = []

    for days in (2, 5, 10):
        await fire(engine, plans, NOW + days * DAY - MINUTE)
        seen.append((await happened(engine, case)).count("reminded"))
        await fire(engine, plans, NOW + days * DAY)
        seen.append((await happened(engine, case)).count("reminded"))

    assert seen == [0, 1, 1, 2, 2, 2]
    assert [one.data["times"] for one in await events(engine, case, "reminded")] == [1, 2]
    (resumed,) = await events(engine, case, "resumed")
    assert resumed.data["cause"] == "silent"
    assert (await case_of(engine, case)).status == "in_progress"
    assert await alerts(engine, case, "customer_replied") == [ENGINEER]


async def test_handlers_that_slept_for_a_week_remind_once_at_a_time(engine: AsyncEngine, plans: Plans) -> None:
    case = await waiting_case(engine, plans)

    await fire(engine, plans, NOW + 6 * DAY)
    assert (await happened(engine, case)).count("reminded") == 1
    await fire(engine, plans, NOW + 6 * DAY)
    await fire(engine, plans, NOW + 6 * DAY)

    assert (await happened(engine, case)).count("reminded") == 2


async def test_the_customers_answer_lets_the_case_go_on_and_ends_the_reminders(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await waiting_case(engine, plans)

    await reply(engine, plans, case, "设备编号是 HG8145-22187。", NOW + DAY)

    replied, resumed = (await events(engine, case, "customer_replied"))[0], await last(engine, case)
    assert (replied.data["status_before"], replied.private) == (
        "awaiting_customer",
        {"text": "设备编号是 HG8145-22187。"},
    )
    assert resumed.data["cause"] == "answered"
    assert (await case_of(engine, case)).status == "in_progress"
    assert [await timer(engine, case, kind) for kind in ("remind", "give_back")] == [None, None]
    assert await alerts(engine, case, "customer_replied") == [ENGINEER]


async def test_what_the_customer_said_by_phone_is_noted_when_the_case_goes_on(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await waiting_case(engine, plans)

    await do(engine, plans, case, Resume(said="客户来电告知编号。"), ENGINEER)

    assert (await happened(engine, case))[-2:] == ["customer_replied", "resumed"]
    assert (await last(engine, case)).data["cause"] == "answered"


async def test_asked_again_the_reminders_begin_anew(engine: AsyncEngine, plans: Plans) -> None:
    case = await waiting_case(engine, plans)
    await fire(engine, plans, NOW + 2 * DAY)
    await do(engine, plans, case, Resume(), ENGINEER, now=NOW + 3 * DAY)

    await do(engine, plans, case, QUESTION, ENGINEER, now=NOW + 3 * DAY)
    await fire(engine, plans, NOW + 5 * DAY)

    assert [one.data["times"] for one in await events(engine, case, "reminded")] == [1, 1]


async def test_the_result_may_be_told_while_the_question_is_open_and_then_nobody_is_reminded(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await waiting_case(engine, plans)
    await factories.skip_to_result(engine, plans, case, ENGINEER)

    await do(engine, plans, case, Resolve(text="已自行恢复。"), ENGINEER)
    await fire(engine, plans, NOW + 20 * DAY)

    assert "reminded" not in await happened(engine, case)
    assert (await case_of(engine, case)).status == "resolved"


@pytest.mark.parametrize(
    "leaves",
    [HandOver(group="market_legal", reason="核实合约。"), Reclassify(category="billing", reason="其实是多扣费。")],
)
async def test_a_waiting_case_that_goes_to_another_group_waits_for_the_customer_no_more(
    engine: AsyncEngine, plans: Plans, leaves: HandOver | Reclassify
) -> None:
    case = await waiting_case(engine, plans)

    await do(engine, plans, case, leaves, ENGINEER)

    assert (await case_of(engine, case)).status == "classified"
    assert await due_at(engine, case, "resolve") is not None
    assert [await timer(engine, case, kind) for kind in ("remind", "give_back")] == [None, None]


async def test_a_waiting_case_that_is_reclassified_in_its_group_still_waits(engine: AsyncEngine, plans: Plans) -> None:
    case = await waiting_case(engine, plans)

    await do(engine, plans, case, Reclassify(category="technical_support", reason="只是不会设置。"), ENGINEER)

    assert (await case_of(engine, case)).status == "awaiting_customer"
    assert [await due_at(engine, case, kind) for kind in ("resolve", "step")] == [None, None]
    assert await timer(engine, case, "give_back") == NOW + 10 * DAY


async def test_a_missed_clock_that_stood_is_told_again_when_it_has_gone_on(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.accepted_case(engine, plans, category="technical_support", severity="minor")
    await fire(engine, plans, after(4 * HOUR))
    assert await missed_steps(engine, case) == [1]
    await do(engine, plans, case, QUESTION, ENGINEER, now=after(5 * HOUR))
    await fire(engine, plans, after(20 * HOUR))
    assert await missed_steps(engine, case) == [1]

    await do(engine, plans, case, Resume(), ENGINEER, now=after(DAY))
    await fire(engine, plans, after(DAY + 11 * HOUR))
    assert await missed_steps(engine, case) == [1]
    await fire(engine, plans, after(DAY + 12 * HOUR))

    assert await missed_steps(engine, case) == [1, 2]


async def missed_steps(engine: AsyncEngine, case: UUID) -> list[int]:
    missed = await events(engine, case, "deadline_missed")
    return [one.data["times"] for one in missed if one.data["clock"] == "step"]


async def test_a_correction_names_what_it_corrects_and_what_was_written_stays(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.accepted_case(engine, plans)
    await do(engine, plans, case, Note(text="客户住 3 号楼。"), ENGINEER)
    wrong = await last(engine, case)

    await do(engine, plans, case, Correct(number=wrong.number, text="应为 5 号楼。"), ENGINEER)

    assert (await events(engine, case, "noted"))[0].private == {"text": "客户住 3 号楼。"}
    corrected = await last(engine, case)
    assert (corrected.data["corrects"], corrected.private) == (wrong.number, {"text": "应为 5 号楼。"})


async def test_what_is_not_in_the_record_can_not_be_corrected(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.accepted_case(engine, plans)

    with pytest.raises(Invalid, match="its last one is 4"):
        await do(engine, plans, case, Correct(number=5, text="…"), LEADER)


async def reply(engine: AsyncEngine, plans: Plans, case: UUID, text: str, now: object = RECEIVED_AT) -> None:
    async with engine.begin() as connection:
        await customer.add_message(connection, plans, case, text, now)  # type: ignore[arg-type]
