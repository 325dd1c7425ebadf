"""Which actions are possible, for whom, and what happens when several people act at once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.errors import Changed, Conflict, Forbidden, NotFound, WrongState
from services.base.identity import new_id
from services.casework.action_bodies import Accept, AnyBody, Close, Note, Reclassify, Reopen, Resolve, SetEta
from services.casework.actions import offers, perform
from services.casework.queries import deadlines_of
from services.plan.versions import Plans
from tests.casework import factories
from tests.casework.factories import (
    ADMIN,
    AGENT,
    ENGINEER,
    LAWYER,
    LEADER,
    NOW,
    OTHER_ENGINEER,
    RECEIVED_AT,
    case_of,
    do,
    staff,
)
from tests.casework.readings import consistent, loads, on_hand, record_of

EVERY_ACTION: tuple[AnyBody, ...] = (
    Accept(),
    Note(text="已致电客户。"),
    SetEta(estimated_repair_at=NOW + timedelta(hours=5)),
    Reclassify(severity="minor", reason="影响范围小。"),
    Resolve(text="已修复。"),
    Close(decision="final_decision", reason="已告知。"),
    Reopen(reason="再次中断。"),
)
POSSIBLE = {
    "received": ("note",),
    "classified": ("note", "reclassify"),
    "dispatched": ("accept", "note", "set-eta", "reclassify"),
    "in_progress": ("note", "set-eta", "reclassify", "resolve"),
    "resolved": ("note", "close", "reopen"),
    "closed": ("note", "reopen"),
}


@pytest.mark.parametrize("status", POSSIBLE)
async def test_what_the_table_does_not_hold_is_refused_with_what_is_possible(
    engine: AsyncEngine, plans: Plans, status: str
) -> None:
    case = await factories.case_in(engine, plans, status)
    version = (await case_of(engine, case)).version
    impossible = [body for body in EVERY_ACTION if body.ACTION not in POSSIBLE[status]]

    for body in impossible:
        with pytest.raises(WrongState) as refused:
            await do(engine, plans, case, body, ADMIN)
        assert refused.value.possible == POSSIBLE[status]

    assert (await case_of(engine, case)).version == version


@pytest.mark.parametrize("status", POSSIBLE)
async def test_what_is_offered_is_what_can_be_done(engine: AsyncEngine, plans: Plans, status: str) -> None:
    case = await factories.case_in(engine, plans, status)

    async with engine.connect() as connection:
        offered = await offers(connection, plans, str(case), staff(LEADER))

    assert tuple(body.ACTION for body in offered.bodies) == POSSIBLE[status]
    assert (offered.status, offered.version) == (status, (await case_of(engine, case)).version)
    for body in EVERY_ACTION:
        if body.ACTION in POSSIBLE[status]:
            # Never committed, so that each begins with the same case.
            async with engine.connect() as connection:
                await perform(connection, plans, str(case), body, staff(LEADER), None, NOW)


@pytest.mark.parametrize(
    ("category", "may", "may_not"),
    [("outage", ENGINEER, LAWYER), ("billing", LAWYER, ENGINEER), ("unclear", AGENT, ENGINEER)],
)
async def test_staff_act_on_the_cases_of_their_own_groups(
    engine: AsyncEngine, plans: Plans, category: str, may: str, may_not: str
) -> None:
    case = await factories.dispatched_case(engine, plans, category=category)

    with pytest.raises(Forbidden, match="ask somebody of that group or of the leadership group"):
        await do(engine, plans, case, Note(text="…"), may_not)
    for who in (may, LEADER):
        await do(engine, plans, case, Note(text="…"), who)

    async with engine.connect() as connection:
        offered = await offers(connection, plans, str(case), staff(may_not))
    assert offered.bodies == ()
    assert offered.refusal is not None


async def test_a_case_that_no_group_has_yet_is_with_customer_service(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.received_case(engine)

    with pytest.raises(Forbidden):
        await do(engine, plans, case, Note(text="…"), ENGINEER)
    await do(engine, plans, case, Note(text="…"), AGENT)


async def test_somebody_who_is_not_in_the_plan_in_force_may_do_nothing(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.dispatched_case(engine, plans)

    with pytest.raises(Forbidden, match="in no group of the plan in force"):
        await do(engine, plans, case, Accept(), "left.long.ago")


async def test_an_action_made_for_another_version_changes_nothing(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.dispatched_case(engine, plans)
    seen = (await case_of(engine, case)).version
    await do(engine, plans, case, Note(text="先写一条。"), ENGINEER, if_match=frozenset({seen}))

    with pytest.raises(Changed) as refused:
        await do(engine, plans, case, Accept(), ENGINEER, if_match=frozenset({seen}))

    assert refused.value.version == seen + 1
    assert (await case_of(engine, case)).status == "dispatched"


async def test_of_two_people_at_the_same_moment_one_wins_and_nothing_is_counted_twice(
    engine: AsyncEngine, plans: Plans
) -> None:
    for _ in range(5):
        case = await factories.dispatched_case(engine, plans)
        seen = frozenset({(await case_of(engine, case)).version})

        outcomes = await asyncio.gather(
            do(engine, plans, case, Accept(), ENGINEER, if_match=seen),
            do(engine, plans, case, Accept(), OTHER_ENGINEER, if_match=seen),
            do(engine, plans, case, Reclassify(category="billing", reason="…"), LEADER, if_match=seen),
            return_exceptions=True,
        )

        assert sorted(isinstance(outcome, Changed) for outcome in outcomes) == [False, True, True]
        assert await consistent(engine, case)
    assert sum((await loads(engine)).values()) == await on_hand(engine)


async def test_of_two_people_without_a_version_the_second_finds_another_state(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.dispatched_case(engine, plans)

    outcomes = await asyncio.gather(
        do(engine, plans, case, Accept(), ENGINEER),
        do(engine, plans, case, Accept(), OTHER_ENGINEER),
        return_exceptions=True,
    )

    assert sorted(isinstance(outcome, Conflict) for outcome in outcomes) == [False, True]
    assert sum((await loads(engine)).values()) == 1


async def test_a_whole_life_leaves_one_event_for_each_version_and_no_load(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.accepted_case(engine, plans)
    for body in (
        SetEta(estimated_repair_at=NOW + timedelta(hours=4)),
        Note(text="已派人。"),
        Reclassify(severity="critical", reason="医院。"),
        Resolve(text="已修复。"),
        Reopen(reason="再次中断。"),
        Resolve(text="已彻底修复。"),
        Close(decision="customer_accepted", reason="回访确认。"),
    ):
        await do(engine, plans, case, body, ENGINEER)

    assert await consistent(engine, case)
    facts = "received classified dispatched accepted estimate_set noted reclassified resolved reopened resolved closed"
    assert [happening.type.split(".")[2] for happening in await record_of(engine, case)] == facts.split()
    assert await loads(engine) == {}


async def test_a_case_of_another_realm_is_not_found(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.received_case(engine, realm="drill")

    with pytest.raises(NotFound):
        await do(engine, plans, case, Note(text="…"), AGENT)
    await do(engine, plans, case, Note(text="…"), staff(AGENT, realm="drill"))


async def test_the_clocks_are_counted_from_the_receipt(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.dispatched_case(engine, plans)

    async with engine.connect() as connection:
        found = (await deadlines_of(connection, [case, new_id()]))[case]

    assert [deadline.kind for deadline in found] == ["acknowledge", "respond", "resolve"]
    assert found[-1].due_at == RECEIVED_AT + timedelta(hours=24)
