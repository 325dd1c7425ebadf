"""Escalation up the plan's ladder until somebody acknowledges: who is told, when, why, and who may acknowledge."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.errors import Forbidden, WrongState
from services.casework import customer
from services.casework.handlers.assigning import Accept
from services.casework.handlers.conversing import Acknowledge, AwaitCustomer, Escalate
from services.casework.handlers.settling import Reopen, Resolve
from services.plan.versions import Plans
from tests.casework import factories
from tests.casework.factories import ADMIN, ENGINEER, NOW, OTHER_ENGINEER, case_of, do
from tests.casework.scenes import (
    DAY,
    DEPUTY,
    DIRECTOR,
    HEAD_OF_SUPPORT,
    HOUR,
    LEADER,
    MINUTE,
    after,
    alerts,
    events,
    fire,
    last,
    timer,
)

pytestmark = pytest.mark.usefixtures("in_order")

HELP = Escalate(reason="需要协调第三方施工单位。")


async def support_case(engine: AsyncEngine, plans: Plans, login: str = ENGINEER) -> UUID:
    """Its step is due after four hours."""
    return await factories.accepted_case(engine, plans, login, category="technical_support", severity="minor")


async def told(engine: AsyncEngine, case: UUID) -> list[tuple[str, str, str]]:
    """Each step of the escalation: why, which rung, and who."""
    return [
        (one.data["cause"], one.data["to"], ", ".join(one.data["told"]))
        for one in await events(engine, case, "escalated")
    ]


async def test_what_nobody_acknowledges_goes_up_rung_by_rung_to_senior_management_and_stays_there(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await support_case(engine, plans)

    at = 4 * HOUR
    for wait in (0 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 12 * HOUR, 12 * HOUR):
        await fire(engine, plans, after(at + wait) - MINUTE)
        await fire(engine, plans, after(at := at + wait))

    assert await told(engine, case) == [
        ("deadline_missed", "assignee", ENGINEER),
        ("unacknowledged", "group_head", HEAD_OF_SUPPORT),
        ("unacknowledged", "leadership_deputy", DEPUTY),
        ("unacknowledged", "leadership_head", LEADER),
        ("unacknowledged", "senior_management", DIRECTOR),
        ("unacknowledged", "senior_management", DIRECTOR),
        ("unacknowledged", "senior_management", DIRECTOR),
    ]
    assert [one.data["times"] for one in await events(engine, case, "escalated")] == [1, 1, 1, 1, 1, 2, 3]
    assert await alerts(engine, case, "escalated") == [
        ENGINEER, HEAD_OF_SUPPORT, DEPUTY, LEADER, DIRECTOR, DIRECTOR, DIRECTOR
    ]  # fmt: skip


async def test_each_step_says_by_when_it_must_be_acknowledged_and_for_which_clock(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await support_case(engine, plans)

    await fire(engine, plans, after(4 * HOUR))

    (escalated,) = await events(engine, case, "escalated")
    assert (escalated.data["clock"], escalated.data["rung"]) == ("step", 0)
    assert datetime.fromisoformat(escalated.data["acknowledge_by"]) == after(4 * HOUR + 30 * MINUTE)
    assert await timer(engine, case, "escalation") == after(4 * HOUR + 30 * MINUTE)
    assert standing(await case_of(engine, case))["cause"] == "deadline_missed"


async def test_whoever_acknowledges_stops_it(engine: AsyncEngine, plans: Plans) -> None:
    case = await support_case(engine, plans)
    await fire(engine, plans, after(4 * HOUR))

    await do(engine, plans, case, Acknowledge(), ENGINEER, now=after(4 * HOUR + MINUTE))
    await fire(engine, plans, after(7 * HOUR))

    assert len(await told(engine, case)) == 1
    acknowledged = (await events(engine, case, "escalation_acknowledged"))[0]
    assert (acknowledged.data["rung"], acknowledged.data["login"]) == (0, ENGINEER)
    kept = standing(await case_of(engine, case))
    assert (kept["acknowledged_by"], kept["acknowledged_at"]) == (ENGINEER, after(4 * HOUR + MINUTE).isoformat())


async def test_it_is_acknowledged_once_and_only_while_it_waits(engine: AsyncEngine, plans: Plans) -> None:
    case = await support_case(engine, plans)
    with pytest.raises(WrongState, match="no escalation of this case waits"):
        await do(engine, plans, case, Acknowledge(), ENGINEER)
    await do(engine, plans, case, HELP, ENGINEER)
    await do(engine, plans, case, Acknowledge(), HEAD_OF_SUPPORT)

    with pytest.raises(WrongState, match="no escalation of this case waits"):
        await do(engine, plans, case, Acknowledge(), HEAD_OF_SUPPORT)


@pytest.mark.parametrize("who", [HEAD_OF_SUPPORT, DEPUTY, LEADER, DIRECTOR])
async def test_the_one_who_was_told_and_everybody_further_up_may_acknowledge(
    engine: AsyncEngine, plans: Plans, who: str
) -> None:
    case = await support_case(engine, plans)
    await do(engine, plans, case, HELP, ENGINEER)

    await do(engine, plans, case, Acknowledge(), who)

    assert (await last(engine, case)).data["login"] == who


async def test_colleagues_and_those_below_may_not_acknowledge_and_are_told_for_whom_it_waits(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await support_case(engine, plans)
    await do(engine, plans, case, HELP, ENGINEER)

    for who in (ENGINEER, OTHER_ENGINEER, "wu.xiuzhen"):
        with pytest.raises(Forbidden, match=rf"waits for {HEAD_OF_SUPPORT}"):
            await do(engine, plans, case, Acknowledge(), who)
    await do(engine, plans, case, Acknowledge(), ADMIN)


async def test_by_hand_it_goes_to_the_head_of_the_group_and_then_a_rung_higher_each_time(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await support_case(engine, plans)

    for _ in range(4):
        await do(engine, plans, case, HELP, ENGINEER)

    assert [one[1] for one in await told(engine, case)] == [
        "group_head", "leadership_deputy", "leadership_head", "senior_management"
    ]  # fmt: skip
    assert (await last(engine, case)).private == {"reason": HELP.reason}


async def test_above_the_top_of_the_ladder_stands_nobody(engine: AsyncEngine, plans: Plans) -> None:
    case = await support_case(engine, plans)
    for _ in range(4):
        await do(engine, plans, case, HELP, ENGINEER)

    with pytest.raises(WrongState, match=rf"nobody stands above {DIRECTOR}"):
        await do(engine, plans, case, HELP, ENGINEER)
    await do(engine, plans, case, Acknowledge(), DIRECTOR)
    await do(engine, plans, case, HELP, ENGINEER)

    assert (await last(engine, case)).data["to"] == "senior_management"


async def test_what_was_acknowledged_and_is_still_not_settled_goes_a_rung_higher(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await support_case(engine, plans)
    await fire(engine, plans, after(4 * HOUR))
    await do(engine, plans, case, Acknowledge(), ENGINEER, now=after(4 * HOUR))

    await fire(engine, plans, after(8 * HOUR))

    assert (await told(engine, case))[-1] == ("deadline_missed", "group_head", HEAD_OF_SUPPORT)


async def test_what_waits_for_somebody_already_is_not_told_again_for_another_cause(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await support_case(engine, plans)
    await do(engine, plans, case, HELP, ENGINEER)

    await fire(engine, plans, NOW + 59 * MINUTE)
    await do(engine, plans, case, AwaitCustomer(question="请提供编号。"), ENGINEER)
    assert len(await told(engine, case)) == 1


async def test_who_stands_on_two_rungs_hears_of_it_once(engine: AsyncEngine, plans: Plans) -> None:
    case = await support_case(engine, plans, HEAD_OF_SUPPORT)
    await fire(engine, plans, after(4 * HOUR))

    await fire(engine, plans, after(4 * HOUR + 30 * MINUTE))

    assert [one[1:] for one in await told(engine, case)] == [
        ("assignee", HEAD_OF_SUPPORT),
        ("leadership_deputy", DEPUTY),
    ]


async def test_the_regulators_clock_goes_to_leadership_when_it_comes_near_and_when_it_is_missed(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await support_case(engine, plans)

    await fire(engine, plans, after(15 * DAY * 0.75))

    assert await told(engine, case) == [
        ("deadline_missed", "assignee", ENGINEER),
        ("regulator_limit", "leadership_deputy", DEPUTY),
    ]
    assert "regulator" in [one.data["clock"] for one in await events(engine, case, "deadline_warned")]
    await do(engine, plans, case, Acknowledge(), DEPUTY, now=after(12 * DAY))
    await fire(engine, plans, after(15 * DAY))
    assert "regulator" in [one.data["clock"] for one in await events(engine, case, "deadline_missed")]
    assert (await told(engine, case))[-1][1:] == ("leadership_head", LEADER)


async def test_a_customer_who_takes_the_case_up_again_makes_the_groups_head_hear_of_it(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.closed_case(engine, plans)

    async with engine.begin() as connection:
        await customer.reopen(connection, plans, case, "今天又断网了。", NOW + DAY)

    assert await told(engine, case) == [("reopened", "group_head", HEAD_OF_SUPPORT)]
    reopened = (await events(engine, case, "reopened"))[0]
    assert (reopened.data["by_customer"], reopened.actor) == (True, "customer")


async def test_staff_who_take_a_case_up_again_need_nobody_further_up(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.closed_case(engine, plans)

    await do(engine, plans, case, Reopen(reason="回访时发现未恢复。"), ENGINEER)

    assert await told(engine, case) == []
    assert (await case_of(engine, case)).escalation is None


async def test_a_settled_case_is_escalated_no_further(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.accepted_case(engine, plans)
    await do(engine, plans, case, HELP, ENGINEER)
    await factories.skip_to_result(engine, plans, case, ENGINEER)
    await do(engine, plans, case, Resolve(text="已恢复。"), ENGINEER)

    await fire(engine, plans, NOW + DAY)

    assert len(await told(engine, case)) == 1


async def test_another_person_who_has_the_case_now_is_the_one_on_the_lowest_rung(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.dispatched_case(engine, plans, category="technical_support", severity="minor")
    await do(engine, plans, case, Accept(), OTHER_ENGINEER)

    await fire(engine, plans, after(4 * HOUR))

    assert await told(engine, case) == [("deadline_missed", "assignee", OTHER_ENGINEER)]


def standing(case: Any) -> dict[str, Any]:
    assert case.escalation is not None
    return dict(case.escalation)
