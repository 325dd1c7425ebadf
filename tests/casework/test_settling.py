"""Ending a case and taking it up again: skipping, resolving, rejecting, closing, reopening, and what the clocks do."""

from __future__ import annotations

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.errors import Invalid, WrongState
from services.casework.handlers.assigning import HandOver
from services.casework.handlers.conversing import Reclassify
from services.casework.handlers.outage import Diagnose, SetEta
from services.casework.handlers.settling import Close, Reject, Reopen, Resolve, Skip
from services.casework.handlers.technical_support import SiteVisit
from services.plan.versions import Plans
from tests.casework import factories
from tests.casework.factories import AGENT, ENGINEER, NOW, RECEIVED_AT, case_of, do
from tests.casework.readings import loads, met, view
from tests.casework.scenes import DAY, HOUR, after, clock, due_at, each, events, fire, happened, last, tasks, timer

pytestmark = pytest.mark.usefixtures("in_order")

SETTLED = Resolve(text="光缆已修复。")
SKIPPED = Skip(steps=("diagnose", "estimate", "repair", "check"), reason="客户已通过自助测速确认恢复。")


async def test_each_skipped_step_is_an_event_of_its_own_with_the_reason(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.accepted_case(engine, plans)

    version = await do(engine, plans, case, Skip(steps=("diagnose", "check"), reason="客户已恢复。"), ENGINEER)

    skipped = await events(engine, case, "step_skipped")
    assert [one.data["step"] for one in skipped] == ["diagnose", "check"]
    assert {one.private["reason"] for one in skipped if one.private} == {"客户已恢复。"}
    assert version == skipped[-1].number


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        (("result",), "must_be_done"),
        (("estimate", "result"), "must_be_done"),
        (("repiar",), "unknown"),
        (("check", "check"), "unknown"),
    ],
)
async def test_what_must_be_done_or_is_not_open_is_not_skipped_and_then_nothing_is(
    engine: AsyncEngine, plans: Plans, steps: tuple[str, ...], code: str
) -> None:
    case = await factories.accepted_case(engine, plans)

    with pytest.raises(Invalid) as refused:
        await do(engine, plans, case, Skip(steps=steps, reason="赶时间。"), ENGINEER)

    assert [problem.code for problem in refused.value.problems] == [code]
    assert "step_skipped" not in await happened(engine, case)


async def test_a_step_that_was_skipped_can_still_be_done(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.accepted_case(engine, plans)
    await do(engine, plans, case, SKIPPED, ENGINEER)

    await do(engine, plans, case, Diagnose(cause="none", finding="未发现故障。"), ENGINEER)

    assert (await last(engine, case)).type == "redress.complaint.diagnosed.v1"


async def test_each_steps_clock_begins_with_its_turn_and_is_gone_after_the_last(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.accepted_case(engine, plans)
    assert await due_at(engine, case, "step") == RECEIVED_AT + 2 * HOUR

    await do(engine, plans, case, Diagnose(cause="cable", finding="光缆断。"), ENGINEER, now=NOW)
    assert await due_at(engine, case, "step") == NOW + HOUR
    await do(engine, plans, case, Skip(steps=("estimate",), reason="马上修好。"), ENGINEER, now=NOW)
    # The plan gives the repair no time of its own: the law's counts.
    assert await clock(engine, case, "step") is None
    await do(engine, plans, case, Skip(steps=("repair",), reason="自行恢复。"), ENGINEER, now=NOW + HOUR)
    assert await due_at(engine, case, "step") == NOW + 5 * HOUR
    await each(engine, plans, case, ENGINEER, Skip(steps=("check",), reason="已确认。"), SETTLED, now=NOW + HOUR)
    assert await clock(engine, case, "step") is None


async def test_resolving_meets_what_was_wanted_by_then(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.accepted_case(engine, plans)

    await each(engine, plans, case, ENGINEER, SKIPPED, SETTLED)

    times = await met(engine, case)
    assert {
        kind: times[kind] for kind in ("respond", "estimate", "update", "repair", "resolve", "regulator")
    } == dict.fromkeys(("respond", "estimate", "update", "repair", "resolve", "regulator"), NOW)
    assert times["acknowledge"] is None


async def test_reopening_begins_the_clocks_of_result_and_regulator_again_but_not_of_the_first_response(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.resolved_case(engine, plans)
    later = NOW + 3 * DAY

    await do(engine, plans, case, Reopen(reason="再次中断。"), AGENT_OF_SUPPORT, now=later)

    assert await due_at(engine, case, "resolve") == later + 24 * HOUR
    assert await due_at(engine, case, "regulator") == later + 15 * DAY
    assert await due_at(engine, case, "repair") == later + 48 * HOUR
    assert await due_at(engine, case, "estimate") == later + 2 * HOUR
    assert (await met(engine, case))["respond"] == NOW
    assert await due_at(engine, case, "step") == later + 2 * HOUR


AGENT_OF_SUPPORT = ENGINEER


async def test_a_case_that_was_taken_up_again_goes_through_its_playbook_anew(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.resolved_case(engine, plans)
    await do(engine, plans, case, Reopen(reason="再次中断。"), ENGINEER)

    with pytest.raises(WrongState, match="first comes 'diagnose'"):
        await do(engine, plans, case, SETTLED, ENGINEER)


async def test_a_rejected_case_owes_nothing_and_its_tasks_are_cancelled(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.accepted_case(engine, plans, category="technical_support")
    await do(engine, plans, case, SiteVisit(visit_at=NOW + DAY), ENGINEER)

    await do(engine, plans, case, Reject(reason="您反映的号码不属于我公司。"), ENGINEER)

    assert (await case_of(engine, case)).status == "rejected"
    assert (await last(engine, case)).private == {"reason": "您反映的号码不属于我公司。"}
    assert [task.status for task in await tasks(engine, case)] == ["cancelled"]
    assert await loads(engine) == {}
    await fire(engine, plans, NOW + 30 * DAY)
    assert (await happened(engine, case))[-1] == "rejected"


async def test_a_rejected_case_that_is_taken_up_again_has_all_of_its_clocks(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.accepted_case(engine, plans)
    await do(engine, plans, case, Reject(reason="不属于我公司。"), ENGINEER)

    await do(engine, plans, case, Reopen(reason="核实后确为本公司用户。"), ENGINEER, now=NOW + DAY)

    assert (await case_of(engine, case)).status == "in_progress"
    assert await due_at(engine, case, "step") == NOW + DAY + 2 * HOUR
    assert await due_at(engine, case, "resolve") == NOW + 2 * DAY


async def test_closing_ends_every_clock_and_timer(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.closed_case(engine, plans)

    for kind in ("acknowledge", "respond", "resolve", "regulator", "repair"):
        assert (await clock(engine, case, kind)).next_at is None
    assert [await timer(engine, case, kind) for kind in ("close", "escalation", "remind", "promise")] == [None] * 4


async def test_a_case_is_closed_only_after_its_result(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.accepted_case(engine, plans)

    with pytest.raises(WrongState):
        await do(engine, plans, case, Close(decision="final_decision", reason="…"), ENGINEER)


async def test_another_severity_gives_the_clocks_another_time_and_keeps_what_was_used(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.accepted_case(engine, plans, severity="minor")
    assert await due_at(engine, case, "resolve") == RECEIVED_AT + 48 * HOUR

    await do(engine, plans, case, Reclassify(severity="critical", reason="医院受影响。"), ENGINEER, now=after(6 * HOUR))

    # Six of eight hours are used.
    assert await due_at(engine, case, "resolve") == RECEIVED_AT + 8 * HOUR
    # Fifteen minutes were used long ago.
    assert await due_at(engine, case, "respond") == after(6 * HOUR)
    assert await due_at(engine, case, "repair") == RECEIVED_AT + 48 * HOUR


async def test_another_category_of_the_same_group_takes_and_brings_clocks_and_another_playbook(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.accepted_case(engine, plans)
    await do(engine, plans, case, SetEta(estimated_repair_at=NOW + 4 * HOUR), ENGINEER)

    await do(engine, plans, case, Reclassify(category="technical_support", reason="只是不会设置。"), ENGINEER, now=NOW)

    assert (await case_of(engine, case)).status == "in_progress"
    assert [await clock(engine, case, kind) for kind in ("update", "repair", "promise")] == [None, None, None]
    assert await due_at(engine, case, "resolve") == RECEIVED_AT + 48 * HOUR
    assert await due_at(engine, case, "step") == NOW + 4 * HOUR
    with pytest.raises(WrongState, match="first comes 'contact'"):
        await do(engine, plans, case, SETTLED, ENGINEER)
    assert (await view(engine, case)).estimated_repair_at is None


async def test_a_case_that_was_handed_over_can_still_be_reclassified_for_a_third_group(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.accepted_case(engine, plans)
    await do(engine, plans, case, HandOver(group="market_legal", reason="需要核实合约。"), ENGINEER)

    await do(engine, plans, case, Reclassify(category="technical_support", reason="与合约无关。"), "tian.yu")

    case_now = await case_of(engine, case)
    assert (case_now.status, case_now.group_code, case_now.assignee) == ("classified", None, None)


async def test_news_of_a_fault_are_due_again_after_each_and_less_often_when_it_lasts(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.accepted_case(engine, plans)
    assert await due_at(engine, case, "update") == RECEIVED_AT + 6 * HOUR

    await do(engine, plans, case, SetEta(estimated_repair_at=NOW + DAY), ENGINEER, now=after(2 * HOUR))
    assert await due_at(engine, case, "update") == after(8 * HOUR)
    again = SetEta(estimated_repair_at=NOW + 2 * DAY, reason="备件在途。")
    await do(engine, plans, case, again, ENGINEER, now=after(24 * HOUR))
    assert await due_at(engine, case, "update") == after(48 * HOUR)


async def test_customer_service_may_not_settle_the_case_of_the_engineers(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.accepted_case(engine, plans)

    with pytest.raises(Exception, match=r"this case is with Technical support group \(technical_support\)"):
        await do(engine, plans, case, SETTLED, AGENT)
