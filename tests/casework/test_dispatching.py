"""Sharing cases out: who comes next, what the record says of it, and that nothing is dispatched twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from handler_worker.handler import DispatchHandler
from services.base.identity import new_id
from services.base.stream.event import Event
from services.casework.handlers.conversing import Reclassify
from services.casework.handlers.settling import Reopen
from services.casework.model import Deadline
from services.complaints.events import Classified, Reclassified
from services.notices.events import Sent
from services.people import absences
from services.people.absences import NewAbsence
from services.people.model import Duty
from services.plan.versions import Plans
from tests.casework import factories
from tests.casework.factories import ENGINEER, LEADER, NOW, OTHER_ENGINEER, RECEIVED_AT, case_of, do
from tests.casework.readings import consistent, loads, met, record_of, view


def happened(case: UUID, type_: str = Classified.TYPE, data: bytes = b"{}", number: int = 2) -> Event:
    return Event(new_id(), type_, case, number, RECEIVED_AT, "live", data)


def handler(plans: Plans) -> DispatchHandler:
    return DispatchHandler(plans, clock=lambda: NOW)


async def handle(engine: AsyncEngine, plans: Plans, *events: Event) -> None:
    async with engine.begin() as connection:
        await handler(plans).handle(connection, events)


async def set_duty(engine: AsyncEngine, logins: set[str], **values: object) -> None:
    async with engine.begin() as connection:
        await connection.execute(sa.update(Duty).where(Duty.login.in_(logins)).values(**values))


async def away(engine: AsyncEngine, login: str, substitute: str | None = None) -> None:
    new = NewAbsence(login, "leave", NOW - timedelta(hours=1), NOW + timedelta(days=1), substitute)
    async with engine.begin() as connection:
        await absences.add(connection, new, f"staff:{login}", NOW)


async def statements_of(engine: AsyncEngine, plans: Plans, events: list[Event]) -> int:
    """How many statements it takes to handle the events."""
    async with engine.begin() as connection:
        await plans.current(connection)
    count = Counter[str]()

    def counted(*_: object) -> None:
        count["statements"] += 1

    sa.event.listen(engine.sync_engine, "before_cursor_execute", counted)
    try:
        await handle(engine, plans, *events)
    finally:
        sa.event.remove(engine.sync_engine, "before_cursor_execute", counted)
    return count["statements"]


async def technicians(engine: AsyncEngine, plans: Plans) -> set[str]:
    async with engine.connect() as connection:
        _, plan = await plans.current(connection)
    return {member.person.login for member in plan.members_of("technical_support")}


async def test_cases_of_one_batch_are_shared_out_evenly(engine: AsyncEngine, plans: Plans) -> None:
    cases = [await factories.classified_case(engine) for _ in range(12)]

    await handle(engine, plans, *(happened(case) for case in cases))

    given = Counter([(await view(engine, case)).assignee for case in cases])
    assert max(given.values()) - min(given.values()) <= 1
    assert await loads(engine) == dict(given)


async def test_the_person_with_the_least_on_hand_comes_next(engine: AsyncEngine, plans: Plans) -> None:
    everybody = await technicians(engine, plans)
    await set_duty(engine, everybody, open_cases=5)
    await set_duty(engine, {OTHER_ENGINEER}, open_cases=3)
    case = await factories.classified_case(engine)

    await handle(engine, plans, happened(case))

    dispatched = (await record_of(engine, case))[-1].data
    assert (dispatched["assignee"], dispatched["rule"]) == (OTHER_ENGINEER, "least_loaded")
    assignment = (await view(engine, case)).assignment
    assert assignment is not None
    assert (assignment["rule"], assignment["login"], assignment["open_cases"], assignment["at"]) == (
        "least_loaded",
        OTHER_ENGINEER,
        3,
        NOW.isoformat(),
    )
    assert assignment["why"] == {"language": True, "customer_language": "zh", "skills": [], "load": "3/30"}
    assert {entry["login"]: entry["because"] for entry in assignment["passed_over"]} == {
        **dict.fromkeys(everybody - {OTHER_ENGINEER}, "busier"),
        "song.yu": "off_duty",
    }


async def test_somebody_who_is_away_gets_nothing_and_the_record_says_why(engine: AsyncEngine, plans: Plans) -> None:
    everybody = await technicians(engine, plans)
    await set_duty(engine, everybody - {ENGINEER}, open_cases=20)
    await away(engine, ENGINEER)
    case = await factories.classified_case(engine)

    await handle(engine, plans, happened(case))

    assignment = (await view(engine, case)).assignment
    assert assignment is not None
    assert assignment["login"] != ENGINEER
    assert {"login": ENGINEER, "because": "leave"} in assignment["passed_over"]


async def test_with_the_head_away_and_nobody_on_duty_the_leadership_deputy_gets_the_case(
    engine: AsyncEngine, plans: Plans
) -> None:
    async with engine.connect() as connection:
        _, plan = await plans.current(connection)
    await set_duty(engine, await technicians(engine, plans), on_duty=False)
    await away(engine, plan.group("technical_support").head)
    case = await factories.classified_case(engine)

    await handle(engine, plans, happened(case))

    dispatched = (await record_of(engine, case))[-1].data
    deputy = plan.group("leadership").deputy
    assert (dispatched["assignee"], dispatched["rule"]) == (deputy, "leadership_deputy")
    assert await loads(engine) == {deputy: 1}


async def test_somebody_who_is_new_in_the_plan_begins_as_the_plan_says(engine: AsyncEngine, plans: Plans) -> None:
    async with engine.begin() as connection:
        await connection.execute(sa.delete(Duty))
    case = await factories.classified_case(engine)

    await handle(engine, plans, happened(case))

    assert await loads(engine) == {(await view(engine, case)).assignee: 1}


async def test_a_batch_takes_as_many_statements_as_a_single_case(engine: AsyncEngine, plans: Plans) -> None:
    one = [happened(await factories.classified_case(engine))]
    many = [
        happened(await factories.classified_case(engine, category=category, severity="major"))
        for category in ("outage", "billing", "technical_support", "unclear") * 3
    ]

    assert await statements_of(engine, plans, many) == await statements_of(engine, plans, one)


async def test_of_two_with_as_much_on_hand_the_one_longest_without_a_case_comes_next(
    engine: AsyncEngine, plans: Plans
) -> None:
    everybody = await technicians(engine, plans)
    await set_duty(engine, everybody, last_assigned_at=NOW - timedelta(hours=1))
    await set_duty(engine, {OTHER_ENGINEER}, last_assigned_at=NOW - timedelta(hours=2))
    case = await factories.classified_case(engine)

    await handle(engine, plans, happened(case))

    assert (await view(engine, case)).assignee == OTHER_ENGINEER


async def test_with_nobody_on_duty_the_head_gets_the_case_and_the_record_says_so(
    engine: AsyncEngine, plans: Plans
) -> None:
    await set_duty(engine, await technicians(engine, plans), on_duty=False)
    case = await factories.classified_case(engine)

    await handle(engine, plans, happened(case))

    async with engine.connect() as connection:
        _, plan = await plans.current(connection)
    dispatched = (await record_of(engine, case))[-1].data
    assert (dispatched["assignee"], dispatched["rule"]) == (plan.group("technical_support").head, "group_head")


async def test_an_unclear_case_goes_to_customer_service(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.classified_case(engine, category="unclear", severity="minor")

    await handle(engine, plans, happened(case))

    assert (await view(engine, case)).group_code == "customer_service"


async def test_handlers_that_are_given_the_same_events_at_once_dispatch_each_case_once(
    engine: AsyncEngine, plans: Plans
) -> None:
    cases = [await factories.classified_case(engine) for _ in range(8)]
    events = [happened(case) for case in cases]

    await asyncio.gather(*(handle(engine, plans, *events) for _ in range(4)))
    await handle(engine, plans, *events)

    for case in cases:
        types = Counter(happening.type for happening in await record_of(engine, case))
        assert types["redress.complaint.dispatched.v1"] == 1
        assert await consistent(engine, case)
    assert sum((await loads(engine)).values()) == len(cases)


async def test_an_acknowledgement_is_noted_whether_it_comes_before_or_after_the_dispatch(
    engine: AsyncEngine, plans: Plans
) -> None:
    before, after = [await factories.classified_case(engine) for _ in range(2)]
    await handle(engine, plans, _told(before))
    await handle(engine, plans, happened(before), happened(after))
    await handle(engine, plans, _told(after), _told(after))

    for case in (before, after):
        assert (await met(engine, case))["acknowledge"] == RECEIVED_AT + timedelta(seconds=3)


async def test_a_case_that_was_reopened_and_given_to_another_group_is_due_by_its_restarted_clock(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.resolved_case(engine, plans)
    later = NOW + timedelta(days=3)
    await do(engine, plans, case, Reopen(reason="其实是多扣费。"), ENGINEER, now=later)
    await do(engine, plans, case, Reclassify(category="billing", reason="其实是多扣费。"), LEADER, now=later)

    await handle(engine, plans, happened(case, Reclassified.TYPE, number=(await case_of(engine, case)).version))

    dispatched = (await record_of(engine, case))[-1]
    async with engine.connect() as connection:
        due = await connection.scalar(sa.select(Deadline.due_at).where(Deadline.kind == "resolve"))
    assert dispatched.type == "redress.complaint.dispatched.v1"
    assert due is not None
    assert due > later
    assert dispatched.data["resolve_by"] == due.isoformat().replace("+00:00", "Z")


def _told(case: UUID) -> Event:
    sent = Sent(
        complaint=case, kind="acknowledgement", way="email", sent_at=RECEIVED_AT + timedelta(seconds=3), attempts=1
    )
    return happened(new_id(), Sent.TYPE, sent.model_dump_json().encode())
