"""Which actions are possible, for whom, and what happens when several people act at once."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.errors import Changed, Conflict, Forbidden, Invalid, NotFound, WrongState
from services.base.identity import new_id
from services.casework.action import ActionBody
from services.casework.actions import offers, perform
from services.casework.handlers.assigning import Accept
from services.casework.handlers.conversing import Note, Reclassify
from services.casework.handlers.outage import SetEta
from services.casework.handlers.settling import Close, Reopen, Resolve, Skip
from services.casework.queries import deadlines_of
from services.casework.registry import BODIES
from services.complaints.lifecycle import is_possible, when_possible
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

# What somebody who leads can do with an outage: in the order in which it is offered.
_ALWAYS = ("note", "correct", "link", "unlink")
_WITH_A_GROUP = (
    "note", "correct", "reclassify", "assign", "hand-over", "escalate", "report", "link", "unlink", "merge", "reject"
)  # fmt: skip
POSSIBLE = {
    "received": (*_ALWAYS, "renew-link"),
    "classified": ("note", "correct", "reclassify", "report", "link", "unlink", "renew-link"),
    "dispatched": ("accept", "set-eta", *_WITH_A_GROUP, "renew-link"),
    "in_progress": (
        "take", "contact", "diagnose", "set-eta", "explain", "compensate", "guide", "site-visit", "skip",
        "await-customer", *_WITH_A_GROUP, "renew-link"
    ),
    "resolved": ("contact", "note", "correct", "escalate", "link", "unlink", "close", "reopen", "renew-link"),
    "closed": (*_ALWAYS, "reopen", "renew-link"),
}  # fmt: skip


def body_for(action: str, other: UUID) -> ActionBody:
    """A body that says something sensible of an outage; ``other`` is another case of the same customer."""
    said = {"link": {"to": str(other)}, "unlink": {"from": str(other)}, "merge": {"into": str(other)}}
    return BODIES[action].model_validate({**BODIES[action].EXAMPLE, **said.get(action, {})})


@pytest.mark.parametrize("status", POSSIBLE)
async def test_what_is_offered_is_exactly_what_can_be_done_and_the_rest_is_refused_with_the_reason_offered(
    engine: AsyncEngine, plans: Plans, status: str
) -> None:
    case = await factories.case_in(engine, plans, status)
    other = await factories.accepted_case(engine, plans)
    version = (await case_of(engine, case)).version

    async with engine.connect() as connection:
        offered = await offers(connection, plans, str(case), staff(LEADER))

    assert tuple(body.ACTION for body in offered.bodies) == POSSIBLE[status]
    assert (offered.status, offered.version) == (status, version)
    refused = {one.body.ACTION: one.why for one in offered.refused}
    assert set(refused) == set(BODIES) - set(POSSIBLE[status])
    for action in BODIES:
        # Never committed, so that each begins with the same case.
        async with engine.connect() as connection:
            doing = perform(connection, plans, str(case), body_for(action, other), staff(LEADER), None, NOW)
            if action in refused:
                with pytest.raises((WrongState, Forbidden)) as refusal:
                    await doing
                reason = str(refusal.value) if is_possible(status, action, "outage") else when_possible(action)
                assert refused[action] == reason
            else:
                # What the body says may be wrong all the same: there is nothing to unlink.
                with suppress(Invalid):
                    await doing
    assert (await case_of(engine, case)).version == version


async def test_the_offers_name_the_step_that_is_next(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.accepted_case(engine, plans)

    async with engine.connect() as connection:
        offered = await offers(connection, plans, str(case), staff(ENGINEER))

    assert offered.step == "diagnose"
    why = next(one.why for one in offered.refused if one.body.ACTION == "repair")
    assert why.startswith("'repair' is not next in the playbook 'outage': first comes 'diagnose' (Diagnose the fault)")


async def test_what_is_impossible_is_refused_with_what_is_possible(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.closed_case(engine, plans)

    with pytest.raises(WrongState) as refused:
        await do(engine, plans, case, Resolve(text="已修复。"), ADMIN)

    assert refused.value.possible == POSSIBLE["closed"]


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
        Skip(steps=("diagnose", "repair", "check"), reason="已自行恢复。"),
        Resolve(text="已修复。"),
        Reopen(reason="再次中断。"),
        Skip(steps=("diagnose", "estimate", "repair", "check"), reason="已自行恢复。"),
        Resolve(text="已彻底修复。"),
        Close(decision="customer_accepted", reason="回访确认。"),
    ):
        await do(engine, plans, case, body, ENGINEER)

    assert await consistent(engine, case)
    told = [happening.type.split(".")[2] for happening in await record_of(engine, case)]
    facts = (
        "received classified dispatched accepted estimate_set noted reclassified reported resolved reopened resolved"
    )
    assert [fact for fact in told if fact != "step_skipped"] == [*facts.split(), "closed"]
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

    hours = {
        deadline.kind: deadline.due_at and (deadline.due_at - RECEIVED_AT) / timedelta(hours=1) for deadline in found
    }
    assert hours == {
        "acknowledge": 5 / 60,
        "respond": 1,
        "estimate": 2,
        "step": 2,
        "update": 6,
        "resolve": 24,
        "repair": 48,
        "regulator": 15 * 24,
    }
