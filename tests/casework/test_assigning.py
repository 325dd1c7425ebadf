"""Who has a case: taking it over, giving it to somebody, handing it to another group."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.errors import Changed, Forbidden, Invalid, WrongState
from services.casework.handlers.assigning import Accept, Assign, HandOver, Take
from services.complaints.events import HandedOver
from services.plan.versions import Plans
from tests.casework import factories
from tests.casework.factories import ADMIN, AGENT, ENGINEER, LAWYER, NOW, OTHER_ENGINEER, case_of, do
from tests.casework.readings import loads, met, view
from tests.casework.scenes import HEAD_OF_SUPPORT, LEADER, alerts, due_at, handle, happened, last, of

pytestmark = pytest.mark.usefixtures("in_order")


async def test_accepting_does_not_speak_to_the_customer(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.dispatched_case(engine, plans)

    await do(engine, plans, case, Accept(), ENGINEER)

    assert (await met(engine, case))["respond"] is None


async def test_a_colleague_takes_the_case_over_and_the_load_with_it(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.accepted_case(engine, plans)

    await do(engine, plans, case, Take(reason="徐磊请假。"), OTHER_ENGINEER)

    taken = await last(engine, case)
    assert (taken.data["rule"], taken.data["previous"]) == ("taken", ENGINEER)
    assert taken.private == {"reason": "徐磊请假。"}
    assert await loads(engine) == {OTHER_ENGINEER: 1}


async def test_what_is_ones_own_is_not_taken_over_and_administrators_take_nothing(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.accepted_case(engine, plans)

    with pytest.raises(Invalid, match="yours already"):
        await do(engine, plans, case, Take(), ENGINEER)
    with pytest.raises(Invalid, match="use their key"):
        await do(engine, plans, case, Take(), ADMIN)


@pytest.mark.parametrize("who", [ENGINEER, HEAD_OF_SUPPORT, LEADER])
async def test_the_one_who_has_it_the_head_and_leadership_give_it_to_somebody_of_the_group(
    engine: AsyncEngine, plans: Plans, who: str
) -> None:
    case = await factories.accepted_case(engine, plans)

    await do(engine, plans, case, Assign(assignee=OTHER_ENGINEER, reason="该片区由高翔负责。"), who)

    assert (await case_of(engine, case)).assignee == OTHER_ENGINEER
    assert await alerts(engine, case, "assigned") == [OTHER_ENGINEER]
    assert (await view(engine, case)).assignment == {"rule": "by_hand", "previous": ENGINEER, "at": NOW.isoformat()}
    assert await loads(engine) == {OTHER_ENGINEER: 1}


async def test_another_colleague_does_not_give_away_what_is_not_theirs(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.accepted_case(engine, plans)

    with pytest.raises(Forbidden, match=r"the head of the group \(zheng\.kai\) or the leadership group"):
        await do(engine, plans, case, Assign(assignee="tang.yong", reason="…"), OTHER_ENGINEER)


@pytest.mark.parametrize(("assignee", "code"), [(AGENT, "unknown"), ("nobody", "unknown"), (ENGINEER, "unchanged")])
async def test_a_case_is_given_to_somebody_else_of_its_group(
    engine: AsyncEngine, plans: Plans, assignee: str, code: str
) -> None:
    case = await factories.accepted_case(engine, plans)

    with pytest.raises(Invalid) as refused:
        await do(engine, plans, case, Assign(assignee=assignee, reason="…"), ENGINEER)

    assert [(problem.field, problem.code) for problem in refused.value.problems] == [("assignee", code)]


async def test_a_case_that_is_handed_over_is_given_to_somebody_there_and_counted_on_their_calendar(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.accepted_case(engine, plans)
    before = await due_at(engine, case, "resolve")

    await do(engine, plans, case, HandOver(group="market_legal", reason="需要核实合约条款。"), ENGINEER)
    waiting = await case_of(engine, case)
    assert (waiting.status, waiting.group_code, waiting.assignee) == ("classified", "market_legal", None)
    assert await loads(engine) == {}
    await handle(engine, of(case, HandedOver(reference="RD", group="market_legal", previous="technical_support")))

    now = await case_of(engine, case)
    assert (now.status, now.group_code, now.category) == ("dispatched", "market_legal", "outage")
    assert now.assignee in ("deng.jia", "shen.wenbo", "tian.yu")
    assert (await due_at(engine, case, "resolve")) != before
    await do(engine, plans, case, Accept(), LAWYER)


@pytest.mark.parametrize(("group", "code"), [("technical_support", "unchanged"), ("nowhere", "unknown")])
async def test_a_case_is_handed_to_another_group_of_the_plan(
    engine: AsyncEngine, plans: Plans, group: str, code: str
) -> None:
    case = await factories.accepted_case(engine, plans)

    with pytest.raises(Invalid) as refused:
        await do(engine, plans, case, HandOver(group=group, reason="…"), ENGINEER)

    assert [(problem.field, problem.code) for problem in refused.value.problems] == [("group", code)]


async def test_of_two_who_take_it_over_having_seen_the_same_version_one_does(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.accepted_case(engine, plans)
    seen = frozenset({(await case_of(engine, case)).version})

    outcomes = await asyncio.gather(
        *(do(engine, plans, case, Take(), who, if_match=seen) for who in (OTHER_ENGINEER, "tang.yong", "luo.jianjun")),
        return_exceptions=True,
    )

    assert sorted(isinstance(outcome, Changed) for outcome in outcomes) == [False, True, True]
    assert (await happened(engine, case)).count("reassigned") == 1


async def test_handing_over_and_accepting_at_the_same_moment_loses_neither_the_case_nor_a_load(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.dispatched_case(engine, plans)

    outcomes = await asyncio.gather(
        do(engine, plans, case, HandOver(group="customer_service", reason="只需回电。"), HEAD_OF_SUPPORT),
        do(engine, plans, case, Accept(), ENGINEER),
        return_exceptions=True,
    )

    refused = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert all(isinstance(outcome, WrongState | Forbidden) for outcome in refused)
    assert (await case_of(engine, case)).group_code == "customer_service"
