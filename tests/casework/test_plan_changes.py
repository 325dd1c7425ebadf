"""The plan changes while cases are open: they keep the version that they run under, and the people of today act."""

from __future__ import annotations

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.errors import Forbidden, WrongState
from services.casework.handlers.conversing import Escalate, Reclassify
from services.casework.handlers.outage import Diagnose, Repair
from services.casework.handlers.settling import Reopen
from services.plan.versions import Plans
from tests.casework import factories
from tests.casework.factories import ENGINEER, NOW, RECEIVED_AT, case_of, do
from tests.casework.scenes import DAY, HOUR, after, another_plan, due_at, events, fire

MAJOR = "update: {every: 6h, first: 24h, then: 24h}, resolve: 24h}"
SHORTER = (MAJOR, MAJOR.replace("resolve: 24h", "resolve: 20h"))
DIAGNOSING = "      - {code: diagnose, action: diagnose, name: {zh: 排查故障, en: Diagnose the fault}, within: 2h}\n"
WITHOUT_DIAGNOSIS = (DIAGNOSING, "")
OTHER_HEAD = ("head: zheng.kai\n    members: [xu.lei, gao.xiang", "head: gao.xiang\n    members: [xu.lei, zheng.kai")
MOVED_AWAY = (
    ("head: zheng.kai\n    members: [xu.lei, ", "head: zheng.kai\n    members: ["),
    ("members: [wang.fang, ", "members: [wang.fang, xu.lei, "),
)


async def test_an_open_case_keeps_the_deadlines_and_the_playbook_that_it_began_with(
    engine: AsyncEngine, plans: Plans
) -> None:
    old = await factories.accepted_case(engine, plans)
    await another_plan(engine, SHORTER, WITHOUT_DIAGNOSIS)
    today = Plans()
    new = await factories.accepted_case(engine, today, plan_version=2)

    await do(engine, today, old, Reclassify(severity="minor", reason="影响小。"), ENGINEER)

    assert await due_at(engine, new, "resolve") == RECEIVED_AT + 20 * HOUR
    assert await due_at(engine, old, "resolve") == RECEIVED_AT + 48 * HOUR
    with pytest.raises(WrongState, match="first comes 'diagnose'"):
        await do(engine, today, old, Repair(what="已熔接。"), ENGINEER)
    with pytest.raises(WrongState, match="first comes 'estimate'"):
        await do(engine, today, new, Repair(what="已熔接。"), ENGINEER)


async def test_a_case_that_is_taken_up_again_is_counted_by_the_plan_that_it_ran_under(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.closed_case(engine, plans)
    await another_plan(engine, SHORTER)

    await do(engine, Plans(), case, Reopen(reason="再次中断。"), ENGINEER, now=NOW + DAY)

    assert await due_at(engine, case, "resolve") == NOW + DAY + 24 * HOUR
    assert (await case_of(engine, case)).plan_version == 1


async def test_an_old_cases_clocks_are_fired_under_its_own_plan(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.accepted_case(engine, plans)
    await another_plan(engine, ("repeat_every: 12h", "repeat_every: 1h"))

    for hours in (2, 3, 14):
        await fire(engine, Plans(), after(hours * HOUR))

    missed = [one.data["times"] for one in await events(engine, case, "deadline_missed") if one.data["clock"] == "step"]
    assert missed == [1, 2]


async def test_the_people_of_the_plan_in_force_are_told(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.accepted_case(engine, plans)
    await another_plan(engine, OTHER_HEAD)

    await do(engine, Plans(), case, Escalate(reason="需要协调。"), ENGINEER)

    assert (await events(engine, case, "escalated"))[0].data["told"] == ["gao.xiang"]


async def test_whoever_left_the_group_acts_on_its_cases_no_more(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.accepted_case(engine, plans)
    await another_plan(engine, *MOVED_AWAY)

    with pytest.raises(Forbidden, match=r"'xu\.lei' is in customer_service"):
        await do(engine, Plans(), case, Diagnose(cause="cable", finding="光缆断。"), ENGINEER)
    await do(engine, Plans(), case, Diagnose(cause="cable", finding="光缆断。"), "gao.xiang")
