"""Handling an outage: diagnosis, estimate, repair, check with the customer, result; promises kept and broken."""

from __future__ import annotations

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.errors import Invalid, WrongState
from services.casework.handlers.assigning import Accept
from services.casework.handlers.outage import Diagnose, Repair, SetEta
from services.casework.handlers.settling import Resolve, Skip
from services.casework.handlers.technical_support import Contact
from services.plan.versions import Plans
from tests.casework import factories
from tests.casework.factories import ENGINEER, NOW, RECEIVED_AT, case_of, do
from tests.casework.readings import met
from tests.casework.scenes import (
    DAY,
    HEAD_OF_SUPPORT,
    HOUR,
    MINUTE,
    alerts,
    clock,
    due_at,
    each,
    events,
    fire,
    happened,
    last,
)

pytestmark = pytest.mark.usefixtures("in_order")

DIAGNOSED = Diagnose(cause="cable", finding="小区主干光缆被施工挖断。")
ESTIMATED = SetEta(estimated_repair_at=NOW + 4 * HOUR)
REPAIRED = Repair(what="光缆已熔接。")
CHECKED = Contact(way="phone", outcome="reached", said="客户确认已恢复上网。")
SETTLED = Resolve(text="小区光缆已修复，您的宽带已恢复。")


async def test_an_outage_is_handled_step_by_step_to_its_result(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.accepted_case(engine, plans)

    await each(engine, plans, case, ENGINEER, DIAGNOSED, ESTIMATED, REPAIRED, CHECKED, SETTLED)

    steps = {happening: (await events(engine, case, happening))[0].data["step"] for happening in STEPS}
    assert steps == STEPS
    assert (await happened(engine, case))[3:] == ["accepted", *STEPS]
    assert (await case_of(engine, case)).status == "resolved"


STEPS = {
    "diagnosed": "diagnose",
    "estimate_set": "estimate",
    "repaired": "repair",
    "contacted": "check",
    "resolved": "result",
}


async def test_what_was_found_and_done_stays_in_the_private_half(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.accepted_case(engine, plans)

    await each(engine, plans, case, ENGINEER, DIAGNOSED, ESTIMATED, REPAIRED, CHECKED)

    assert (await events(engine, case, "diagnosed"))[0].private == {"finding": "小区主干光缆被施工挖断。"}
    assert (await events(engine, case, "repaired"))[0].private == {"what": "光缆已熔接。"}
    assert (await events(engine, case, "contacted"))[0].private == {"said": "客户确认已恢复上网。"}
    assert (await events(engine, case, "diagnosed"))[0].data["cause"] == "cable"


@pytest.mark.parametrize(
    ("body", "following"),
    [(REPAIRED, "diagnose"), (SETTLED, "diagnose")],
)
async def test_an_action_out_of_order_is_refused_and_told_what_is_next(
    engine: AsyncEngine, plans: Plans, body: Repair | Resolve, following: str
) -> None:
    case = await factories.accepted_case(engine, plans)

    with pytest.raises(WrongState, match=f"first comes '{following}'") as refused:
        await do(engine, plans, case, body, ENGINEER)

    assert refused.value.possible == (following, "skip")
    assert (await last(engine, case)).type == "redress.complaint.accepted.v1"


async def test_the_estimate_may_come_before_its_turn_and_even_before_the_case_is_accepted(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.dispatched_case(engine, plans)

    await do(engine, plans, case, ESTIMATED, ENGINEER)
    await each(engine, plans, case, ENGINEER, Accept(), DIAGNOSED, REPAIRED)

    assert (await events(engine, case, "estimate_set"))[0].data["step"] == "estimate"
    assert (await events(engine, case, "repaired"))[0].data["step"] == "repair"


async def test_reaching_the_customer_before_the_repair_does_not_settle_the_check_after_it(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.accepted_case(engine, plans)

    await each(engine, plans, case, ENGINEER, CHECKED, DIAGNOSED, ESTIMATED, REPAIRED)

    with pytest.raises(WrongState, match="first comes 'check'"):
        await do(engine, plans, case, SETTLED, ENGINEER)


async def test_diagnosed_again_the_newest_finding_is_in_the_record_and_no_step_is_done_twice(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.accepted_case(engine, plans)

    await each(engine, plans, case, ENGINEER, DIAGNOSED, Diagnose(cause="power", finding="其实是机房停电。"))

    first, second = await events(engine, case, "diagnosed")
    assert (first.data["step"], second.data.get("step")) == ("diagnose", None)
    assert (await case_of(engine, case)).handling["done"] == ["diagnose"]  # type: ignore[index]


async def test_a_repair_in_time_keeps_the_promise_and_meets_the_law(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.accepted_case(engine, plans)
    repaired_at = NOW + 3 * HOUR
    await each(engine, plans, case, ENGINEER, DIAGNOSED, ESTIMATED)

    await do(engine, plans, case, Repair(what="已熔接。", repaired_at=repaired_at), ENGINEER, now=NOW + 4 * HOUR)

    assert (await last(engine, case)).data["estimate_kept"] is True
    times = await met(engine, case)
    assert (times["repair"], times["promise"]) == (repaired_at, repaired_at)
    await fire(engine, plans, NOW + 5 * HOUR)
    assert "estimate_missed" not in await happened(engine, case)


async def test_a_repair_after_the_promised_time_is_told_as_late(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.accepted_case(engine, plans)
    await each(engine, plans, case, ENGINEER, DIAGNOSED, ESTIMATED)

    await do(engine, plans, case, REPAIRED, ENGINEER, now=NOW + 5 * HOUR)

    assert (await last(engine, case)).data["estimate_kept"] is False


async def test_without_an_estimate_no_promise_was_kept_or_broken(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.accepted_case(engine, plans)
    await each(
        engine, plans, case, ENGINEER, Skip(steps=("diagnose", "estimate"), reason="到场时已自行恢复。"), REPAIRED
    )

    assert "estimate_kept" not in (await last(engine, case)).data


@pytest.mark.parametrize(
    ("repaired_at", "code"), [(NOW + 3 * MINUTE, "future"), (RECEIVED_AT - 3 * MINUTE, "too_early")]
)
async def test_a_repair_is_neither_in_the_future_nor_before_the_complaint(
    engine: AsyncEngine, plans: Plans, repaired_at: object, code: str
) -> None:
    case = await factories.accepted_case(engine, plans)
    await each(engine, plans, case, ENGINEER, DIAGNOSED, ESTIMATED)

    with pytest.raises(Invalid) as refused:
        await do(engine, plans, case, Repair(what="已熔接。", repaired_at=repaired_at), ENGINEER)

    assert [(problem.field, problem.code) for problem in refused.value.problems] == [("repaired_at", code)]


async def test_a_repair_a_moment_ahead_by_another_machines_clock_counts_as_now(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.accepted_case(engine, plans)
    await each(engine, plans, case, ENGINEER, DIAGNOSED, ESTIMATED)

    await do(engine, plans, case, Repair(what="已熔接。", repaired_at=NOW + MINUTE), ENGINEER)

    assert (await met(engine, case))["repair"] == NOW


async def test_an_estimate_that_passes_unmet_is_counted_and_goes_to_the_groups_head_by_itself_once(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.accepted_case(engine, plans, severity="minor")
    await each(engine, plans, case, ENGINEER, DIAGNOSED, ESTIMATED)

    await fire(engine, plans, NOW + 4 * HOUR - MINUTE)
    assert "estimate_missed" not in await happened(engine, case)
    await fire(engine, plans, NOW + 4 * HOUR)
    await fire(engine, plans, NOW + 4 * HOUR)
    await fire(engine, plans, NOW + 4 * HOUR + MINUTE)

    (missed,) = await events(engine, case, "estimate_missed")
    (escalated,) = await events(engine, case, "escalated")
    assert missed.data["broken"] == 1
    assert (escalated.data["cause"], escalated.data["to"]) == ("estimate_missed", "group_head")
    assert escalated.data["told"] == [HEAD_OF_SUPPORT]
    assert await alerts(engine, case, "escalated") == [HEAD_OF_SUPPORT]
    assert (await case_of(engine, case)).handling["broken"] == 1  # type: ignore[index]


async def test_an_estimate_that_was_changed_in_time_breaks_nothing_and_the_new_one_counts(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.accepted_case(engine, plans, severity="minor")
    await each(engine, plans, case, ENGINEER, DIAGNOSED, ESTIMATED)
    later = SetEta(estimated_repair_at=NOW + 7 * HOUR, reason="备件在途。")
    await do(engine, plans, case, later, ENGINEER, now=NOW + 3 * HOUR)

    await fire(engine, plans, NOW + 4 * HOUR + MINUTE)
    assert "estimate_missed" not in await happened(engine, case)
    await fire(engine, plans, NOW + 7 * HOUR + MINUTE)

    assert (await due_at(engine, case, "promise")) == NOW + 7 * HOUR
    assert (await happened(engine, case)).count("estimate_missed") == 1


async def test_each_broken_promise_is_counted(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.accepted_case(engine, plans, severity="minor")
    await each(engine, plans, case, ENGINEER, DIAGNOSED, ESTIMATED)
    await fire(engine, plans, NOW + 4 * HOUR)
    again = SetEta(estimated_repair_at=NOW + 6 * HOUR, reason="需更换整段光缆。")
    await do(engine, plans, case, again, ENGINEER, now=NOW + 5 * HOUR)

    await fire(engine, plans, NOW + 6 * HOUR)

    assert [missed.data["broken"] for missed in await events(engine, case, "estimate_missed")] == [1, 2]


async def test_the_estimate_is_met_by_setting_it_and_speaks_to_the_customer(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.dispatched_case(engine, plans)

    await do(engine, plans, case, ESTIMATED, ENGINEER)

    times = await met(engine, case)
    assert (times["estimate"], times["respond"], times["promise"]) == (NOW, NOW, None)


@pytest.mark.parametrize(("region", "hours"), [(None, 48), ("beijing-haidian", 48), ("hangzhou-chunan", 72)])
async def test_the_law_wants_a_fault_repaired_sooner_in_town_than_in_the_country(
    engine: AsyncEngine, plans: Plans, region: str | None, hours: int
) -> None:
    case = await factories.dispatched_case(engine, plans, severity="low", region=region)

    assert await due_at(engine, case, "repair") == RECEIVED_AT + hours * HOUR


async def test_only_a_fault_has_clocks_for_estimate_news_and_repair(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.dispatched_case(engine, plans, category="technical_support")

    assert [await clock(engine, case, kind) for kind in ("estimate", "update", "repair")] == [None, None, None]
    assert await due_at(engine, case, "regulator") == RECEIVED_AT + 15 * DAY
