"""What happens to cases whose person has gone: who gets them, what is said, and that nothing moves for nothing."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.casework.alerts import inbox
from services.casework.moving import choose_for, move_urgent
from services.complaints.commands import lock
from services.complaints.model import Complaint
from services.people import absences, duty
from services.people.absences import NewAbsence
from services.people.model import Duty
from services.people.rota import Entry, Kind
from services.plan.loading import shipped_plan_text
from services.plan.versions import Plans
from tests.casework import factories
from tests.casework.factories import ENGINEER, NOW, OTHER_ENGINEER, case_of
from tests.casework.readings import consistent, loads, record_of, view

HEAD, DEPUTY, LEADER = "zheng.kai", "chen.guoqiang", "zhou.min"
TECHNICIANS = ("zheng.kai", "xu.lei", "gao.xiang", "song.yu", "luo.jianjun", "tang.yong")
REASSIGNED = "redress.complaint.reassigned.v1"
HOUR = timedelta(hours=1)


async def move(engine: AsyncEngine, plans: Plans, now: datetime = NOW, limit: int = 100) -> int:
    async with engine.begin() as connection:
        return await move_urgent(connection, plans, now, limit)


async def sign(engine: AsyncEngine, on_duty: bool, *logins: str) -> None:
    async with engine.begin() as connection:
        for login in logins:
            await duty.set_duty(connection, login, on_duty)


async def away(engine: AsyncEngine, login: str, kind: Kind = "leave", substitute: str | None = None) -> Entry:
    async with engine.begin() as connection:
        new = NewAbsence(login, kind, NOW - HOUR, NOW + 24 * HOUR, substitute)
        return await absences.add(connection, new, f"staff:{login}", NOW)


async def case_with(engine: AsyncEngine, plans: Plans, login: str = ENGINEER, **other: Any) -> UUID:
    """A case of the technical support group that this person has, in progress unless said."""
    case = await factories.dispatched_case(engine, plans)
    values = {"status": "in_progress", "assignee": login, "assignment": {"rule": "least_loaded"}, **other}
    async with engine.begin() as connection:
        before = await connection.scalar(sa.select(Complaint.assignee).where(Complaint.id == case))
        await connection.execute(sa.update(Complaint).where(Complaint.id == case).values(**values))
        await duty.sync(connection, {login: True})
        await duty.shift_load(connection, {str(before): -1})
        await duty.shift_load(connection, {login: 1})
    return case


async def give_shift(engine: AsyncEngine, plans: Plans) -> None:
    """The engineer works office hours from the next version of the plan on."""
    text = shipped_plan_text().replace("  - login: xu.lei\n", "  - login: xu.lei\n    shift: office\n")
    async with engine.begin() as connection:
        await plans.ensure(connection, text)


async def moves(engine: AsyncEngine, case: UUID) -> list[dict[str, Any]]:
    return [happening.data for happening in await record_of(engine, case) if happening.type == REASSIGNED]


async def test_while_everybody_is_there_nothing_moves(engine: AsyncEngine, plans: Plans) -> None:
    case = await case_with(engine, plans)

    assert await move(engine, plans) == 0
    assert await moves(engine, case) == []


async def test_who_signs_off_by_hand_leaves_their_urgent_cases_to_somebody_on_duty(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await case_with(engine, plans)
    await sign(engine, False, ENGINEER)

    assert await move(engine, plans) == 1

    shown = await view(engine, case)
    assert shown.assignee not in (ENGINEER, None)
    assert shown.status == "in_progress"
    assert shown.assignment is not None
    assert (shown.assignment["previous"], shown.assignment["because"]) == (ENGINEER, "off_duty")
    assert {"login": ENGINEER, "because": "off_duty"} in shown.assignment["passed_over"]
    happening = (await record_of(engine, case))[-1]
    assert happening.data == {
        "reference": shown.reference,
        "assignee": shown.assignee,
        "previous": ENGINEER,
        "rule": "least_loaded",
    }
    assert happening.actor == "system:handler"
    assert happening.private == {"reason": "徐磊已签退", "because": "off_duty"}
    assert await loads(engine) == {shown.assignee: 1}
    assert await consistent(engine, case)


async def test_the_new_person_is_told(engine: AsyncEngine, plans: Plans) -> None:
    case = await case_with(engine, plans)
    await away(engine, ENGINEER, substitute=OTHER_ENGINEER)

    await move(engine, plans)

    async with engine.connect() as connection:
        (alert,), _ = await inbox(connection, OTHER_ENGINEER, "live", unseen=True, limit=10, before=None)
    assert (alert.kind, alert.subject, alert.subject_id) == ("assigned", "complaint", case)
    assert (alert.facts["rule"], alert.facts["previous"], alert.facts["because"]) == ("substitute", ENGINEER, "leave")
    assert alert.facts["severity"] == "major"


@pytest.mark.parametrize("kind", ["leave", "sick", "training"])
async def test_the_substitute_of_somebody_who_is_away_gets_their_cases(
    engine: AsyncEngine, plans: Plans, kind: Kind
) -> None:
    case = await case_with(engine, plans)
    await away(engine, ENGINEER, kind, substitute="tang.yong")
    async with engine.begin() as connection:
        await duty.shift_load(connection, {"tang.yong": 29})

    await move(engine, plans)

    (moved,) = await moves(engine, case)
    assert (moved["assignee"], moved["rule"]) == ("tang.yong", "substitute")


async def test_a_substitute_who_is_not_on_duty_is_passed_over(engine: AsyncEngine, plans: Plans) -> None:
    case = await case_with(engine, plans)
    await away(engine, ENGINEER, substitute=OTHER_ENGINEER)
    await sign(engine, False, OTHER_ENGINEER)

    await move(engine, plans)

    (moved,) = await moves(engine, case)
    assert moved["assignee"] not in (ENGINEER, OTHER_ENGINEER)
    assert moved["rule"] == "least_loaded"


async def test_a_substitute_who_is_not_of_the_cases_group_is_passed_over(engine: AsyncEngine, plans: Plans) -> None:
    case = await case_with(engine, plans)
    await away(engine, ENGINEER, substitute="wang.fang")

    await move(engine, plans)

    assert (await moves(engine, case))[0]["assignee"] in TECHNICIANS


@pytest.mark.parametrize(
    "unmoved",
    [
        {"severity": "minor"},
        {"severity": "low"},
        {"status": "awaiting_customer"},
        {"status": "resolved"},
        {"status": "closed"},
    ],
)
async def test_what_is_not_urgent_or_waits_for_nobody_of_ours_stays(
    engine: AsyncEngine, plans: Plans, unmoved: dict[str, str]
) -> None:
    case = await case_with(engine, plans, **unmoved)
    await sign(engine, False, ENGINEER)

    assert await move(engine, plans) == 0
    assert await moves(engine, case) == []


async def test_cases_that_were_not_accepted_yet_move_too(engine: AsyncEngine, plans: Plans) -> None:
    case = await case_with(engine, plans, status="dispatched", severity="critical")
    await sign(engine, False, ENGINEER)

    await move(engine, plans)

    assert len(await moves(engine, case)) == 1


async def test_many_cases_are_shared_out_evenly(engine: AsyncEngine, plans: Plans) -> None:
    cases = [await case_with(engine, plans) for _ in range(8)]
    await sign(engine, False, ENGINEER)

    assert await move(engine, plans) == 8

    given = Counter([(await view(engine, case)).assignee for case in cases])
    assert set(given.values()) == {2}
    assert await loads(engine) == dict(given)


async def test_no_more_than_the_limit_are_moved_at_a_time(engine: AsyncEngine, plans: Plans) -> None:
    for _ in range(3):
        await case_with(engine, plans)
    await sign(engine, False, ENGINEER)

    assert [await move(engine, plans, limit=2) for _ in range(3)] == [2, 1, 0]


async def test_the_end_of_a_shift_moves_urgent_cases(engine: AsyncEngine, plans: Plans) -> None:
    case = await case_with(engine, plans)
    await give_shift(engine, plans)
    evening = NOW + 3 * HOUR

    assert await move(engine, plans) == 0
    assert await move(engine, plans, evening) == 1

    assert (await record_of(engine, case))[-1].private["because"] == "shift"


async def test_an_extra_shift_keeps_them(engine: AsyncEngine, plans: Plans) -> None:
    await case_with(engine, plans)
    await give_shift(engine, plans)
    async with engine.begin() as connection:
        extra = NewAbsence(ENGINEER, "duty", NOW + 2 * HOUR, NOW + 5 * HOUR)
        await absences.add(connection, extra, "staff:xu.lei", NOW)

    assert await move(engine, plans, NOW + 3 * HOUR) == 0
    assert await move(engine, plans, NOW + 5 * HOUR) == 1


async def test_with_nobody_on_duty_the_head_gets_them_once(engine: AsyncEngine, plans: Plans) -> None:
    case = await case_with(engine, plans)
    await sign(engine, False, *TECHNICIANS)

    assert [await move(engine, plans) for _ in range(3)] == [1, 0, 0]

    (moved,) = await moves(engine, case)
    assert (moved["assignee"], moved["rule"]) == (HEAD, "group_head")
    assert await loads(engine) == {HEAD: 1}


async def test_what_the_head_has_stays_while_nobody_is_on_duty(engine: AsyncEngine, plans: Plans) -> None:
    await case_with(engine, plans, HEAD)
    await sign(engine, False, *TECHNICIANS)

    assert await move(engine, plans) == 0


async def test_what_one_who_answers_for_the_group_has_does_not_go_to_another_such(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await case_with(engine, plans)
    await sign(engine, False, *TECHNICIANS, DEPUTY)
    entry = await away(engine, HEAD)
    await move(engine, plans)
    assert (await view(engine, case)).assignee == DEPUTY

    async with engine.begin() as connection:
        await absences.cancel(connection, HEAD, entry.id, NOW)

    assert [await move(engine, plans) for _ in range(2)] == [0, 0]


async def test_when_one_who_answers_for_the_group_cannot_be_reached_the_next_one_gets_it(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await case_with(engine, plans)
    await sign(engine, False, *TECHNICIANS, DEPUTY, LEADER)
    await move(engine, plans)
    for login in (HEAD, DEPUTY, LEADER):
        await away(engine, login)
        await move(engine, plans)

    assert [moved["assignee"] for moved in await moves(engine, case)] == [HEAD, DEPUTY, LEADER]
    assert await move(engine, plans) == 0


async def test_when_somebody_comes_on_duty_they_get_what_lay_with_the_head(engine: AsyncEngine, plans: Plans) -> None:
    case = await case_with(engine, plans)
    await sign(engine, False, *TECHNICIANS)
    await move(engine, plans)
    await sign(engine, True, "song.yu")

    assert [await move(engine, plans) for _ in range(2)] == [1, 0]

    assert (await view(engine, case)).assignee == "song.yu"


async def test_all_cases_of_who_has_left_the_plan_move_whatever_their_severity(
    engine: AsyncEngine, plans: Plans
) -> None:
    cases = [
        await case_with(engine, plans, "old.hand", severity=severity, status=status)
        for severity, status in (("low", "in_progress"), ("minor", "awaiting_customer"), ("major", "dispatched"))
    ]

    assert [await move(engine, plans) for _ in range(2)] == [3, 0]

    for case in cases:
        happening = (await record_of(engine, case))[-1]
        assert (happening.data["previous"], happening.private["because"]) == ("old.hand", "gone")
    assert "old.hand" not in await loads(engine)


async def test_what_somebody_who_has_left_had_goes_to_the_head_when_nobody_is_on_duty(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await case_with(engine, plans, "old.hand", severity="low", assignment={"rule": "group_head"})
    await sign(engine, False, *TECHNICIANS)

    assert [await move(engine, plans) for _ in range(2)] == [1, 0]

    assert (await view(engine, case)).assignee == HEAD


async def test_when_their_group_has_left_the_plan_too_the_leadership_group_gets_it(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await case_with(engine, plans, "old.hand", severity="low", group_code="old_group")

    assert await move(engine, plans) == 1

    assert (await view(engine, case)).assignee == DEPUTY


async def test_several_handlers_at_once_move_each_case_once(engine: AsyncEngine, plans: Plans) -> None:
    cases = [await case_with(engine, plans) for _ in range(6)]
    await sign(engine, False, ENGINEER)

    assert sum(await asyncio.gather(*(move(engine, plans) for _ in range(4)))) == 6

    for case in cases:
        assert len(await moves(engine, case)) == 1
        assert await consistent(engine, case)
    assert sum((await loads(engine)).values()) == 6


async def test_a_case_that_somebody_is_acting_on_is_left_for_the_next_time(engine: AsyncEngine, plans: Plans) -> None:
    case = await case_with(engine, plans)
    await sign(engine, False, ENGINEER)

    async with engine.begin() as acting:
        await lock(acting, [case])
        assert await asyncio.wait_for(move(engine, plans), 5) == 0

    assert await move(engine, plans) == 1


async def test_while_nobody_has_gone_it_takes_two_statements(engine: AsyncEngine, plans: Plans) -> None:
    for _ in range(3):
        await case_with(engine, plans)
    await move(engine, plans)
    statements: list[str] = []

    def seen(_: object, __: object, statement: str, *___: object) -> None:
        statements.append(statement)

    sa.event.listen(engine.sync_engine, "before_cursor_execute", seen)
    try:
        await move(engine, plans)
    finally:
        sa.event.remove(engine.sync_engine, "before_cursor_execute", seen)

    assert len(statements) == 2


async def test_somebody_is_chosen_for_one_case_and_who_is_excluded_is_not(engine: AsyncEngine, plans: Plans) -> None:
    case = await case_with(engine, plans)
    everybody = frozenset(TECHNICIANS)

    async with engine.begin() as connection:
        _, plan = await plans.current(connection)
        locked = (await lock(connection, [case]))[case]
        usual = await choose_for(connection, plan, locked, "technical_support", NOW, everybody - {"tang.yong"})
        nobody = await choose_for(connection, plan, locked, "technical_support", NOW, everybody)
        other_group = await choose_for(connection, plan, locked, "market_legal", NOW)

    assert (usual.login, usual.rule) == ("tang.yong", "least_loaded")
    assert (nobody.login, nobody.rule) == (DEPUTY, "leadership_deputy")
    assert plan.role_in(other_group.login, "market_legal") is not None
    assert (await case_of(engine, case)).assignee == ENGINEER


async def test_nothing_is_moved_of_people_with_nothing_on_hand(engine: AsyncEngine, plans: Plans) -> None:
    async with engine.begin() as connection:
        await connection.execute(sa.update(Duty).values(on_duty=False))

    assert await move(engine, plans) == 0
