"""Tasks: worked on by the right people, and ended by them or by the work on the case."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.errors import Changed, Forbidden, Invalid, NotFound, WrongState
from services.base.identity import new_id
from services.casework.tasks.bodies import Acknowledge, AnyTaskBody, Assign, Cancel, Done, OpenTask, Take
from services.casework.tasks.commands import NewTask, cancel_for_case, settle
from services.people.keys import Caller
from services.plan.versions import Plans
from tests.casework.factories import ADMIN, NOW, received_case, staff
from tests.casework.owed import (
    DIRECTOR,
    HEAD_OF_FINANCE,
    HEAD_OF_SERVICE,
    LEADER,
    act,
    names_of,
    open_all,
    open_task,
    record_of,
    task_of,
    told,
)

AGENT, OTHER_AGENT, ENGINEER = "wang.fang", "huang.jun", "xu.lei"
TITLE = "请致电客户李伟，确认周六上午是否在家。"
OUTCOME = "已致电，客户同意周六上午上门。"


async def test_words_of_staff_stay_in_the_private_half_of_events(engine: AsyncEngine, plans: Plans) -> None:
    task = await open_task(engine, plans, title=TITLE, facts={"amount": "88.00", "currency": "CNY"})
    await act(engine, plans, task, Done(outcome=OUTCOME), AGENT)

    opened, ended = await record_of(engine, task)

    assert (opened.private, ended.private) == ({"title": TITLE}, {"outcome": OUTCOME})
    assert opened.data["facts"] == {"amount": "88.00", "currency": "CNY"}
    assert TITLE not in str(opened.data)
    assert OUTCOME not in str(ended.data)
    assert (await task_of(engine, task)).outcome == OUTCOME


async def test_a_task_is_taken_given_on_and_done(engine: AsyncEngine, plans: Plans) -> None:
    task = await open_task(engine, plans)
    later = NOW + timedelta(hours=9)

    await act(engine, plans, task, Take(), AGENT, if_match=frozenset({1}))
    await act(engine, plans, task, Assign(assignee=OTHER_AGENT), HEAD_OF_SERVICE, if_match=frozenset({2}))
    version = await act(engine, plans, task, Done(outcome=OUTCOME), OTHER_AGENT, now=later)

    record = await record_of(engine, task)
    assert [(one.name, one.number) for one in record] == [("opened", 1), ("assigned", 2), ("assigned", 3), ("done", 4)]
    assert (record[1].data["taken"], record[2].data["taken"], record[2].data["previous"]) == (True, False, AGENT)
    assert (record[3].data["late"], record[3].data["by_case"], record[3].actor) == (True, False, f"staff:{OTHER_AGENT}")
    ended = await task_of(engine, task)
    assert (ended.version, ended.status, ended.done_at, ended.done_by) == (
        version,
        "done",
        later,
        f"staff:{OTHER_AGENT}",
    )
    assert len(await told(engine, OTHER_AGENT, "task_given")) == 1
    assert await told(engine, AGENT, "task_given") == []


@pytest.mark.parametrize(
    ("who", "may"),
    [
        (AGENT, False),
        (ENGINEER, False),
        (HEAD_OF_FINANCE, True),
        (LEADER, True),
        ("tian.yu", False),
        ("shen.wenbo", True),  # legal counsel, and a member of the leadership group
        (DIRECTOR, True),
        ("stranger", False),
    ],
)
async def test_the_owing_group_leadership_and_senior_management_may_act_on_a_task(
    engine: AsyncEngine, plans: Plans, who: str, may: bool
) -> None:
    for body in (Take(), Assign(assignee=HEAD_OF_FINANCE), Done(outcome="已支付。"), Cancel(reason="重复。")):
        task = await open_task(engine, plans, "pay")
        if may:
            await act(engine, plans, task, body, who)
        else:
            with pytest.raises(Forbidden):
                await act(engine, plans, task, body, who)
        assert len(await record_of(engine, task)) == (2 if may else 1)


async def test_a_refusal_says_whom_to_ask(engine: AsyncEngine, plans: Plans) -> None:
    task = await open_task(engine, plans, "pay")

    with pytest.raises(Forbidden, match=r"finance.*'wang.fang' is in .*customer_service.*ask 'wu.xiuzhen'"):
        await act(engine, plans, task, Take(), AGENT)
    with pytest.raises(Forbidden, match="a key of role channel"):
        await act(engine, plans, task, Take(), Caller(UUID(int=1), "hotline", "channel", "live"))


async def test_administrators_act_on_every_task_but_can_take_none(engine: AsyncEngine, plans: Plans) -> None:
    task = await open_task(engine, plans, "pay")

    with pytest.raises(Invalid, match="an administrator assigns a task"):
        await act(engine, plans, task, Take(), ADMIN)
    await act(engine, plans, task, Assign(assignee=HEAD_OF_FINANCE), ADMIN)
    await act(engine, plans, task, Done(outcome="已支付。"), ADMIN)

    assert (await task_of(engine, task)).done_by == "admin:root"


async def test_whoever_opened_a_task_for_another_group_may_cancel_it(engine: AsyncEngine, plans: Plans) -> None:
    (task,) = await open_all(engine, plans, NewTask("pay", "live", f"staff:{AGENT}"))

    with pytest.raises(Forbidden):
        await act(engine, plans, task, Done(outcome="已支付。"), AGENT)
    await act(engine, plans, task, Cancel(reason="客户已撤回。"), AGENT)

    assert (await task_of(engine, task)).status == "cancelled"


@pytest.mark.parametrize(
    "body", [Take(), Assign(assignee=AGENT), Done(outcome="好。"), Cancel(reason="否。"), Acknowledge()]
)
@pytest.mark.parametrize("end", [Done(outcome="已完成。"), Cancel(reason="不需要了。")])
async def test_nothing_can_be_done_to_a_task_that_is_over(
    engine: AsyncEngine, plans: Plans, end: AnyTaskBody, body: AnyTaskBody
) -> None:
    task = await open_task(engine, plans)
    await act(engine, plans, task, end, AGENT)

    with pytest.raises(WrongState, match="possible now: nothing") as refused:
        await act(engine, plans, task, body, AGENT)

    assert refused.value.possible == ()


async def test_a_task_that_nobody_was_told_is_overdue_has_nothing_to_acknowledge(
    engine: AsyncEngine, plans: Plans
) -> None:
    task = await open_task(engine, plans)

    with pytest.raises(WrongState) as refused:
        await act(engine, plans, task, Acknowledge(), AGENT)

    assert refused.value.possible == ("take", "assign", "done", "cancel")


async def test_a_task_is_given_to_people_of_its_group_only_and_not_to_whom_has_it(
    engine: AsyncEngine, plans: Plans
) -> None:
    task = await open_task(engine, plans, assignee=AGENT)

    for body, who in ((Assign(assignee=ENGINEER), AGENT), (Assign(assignee=AGENT), LEADER), (Take(), AGENT)):
        with pytest.raises(Invalid):
            await act(engine, plans, task, body, who)

    assert await names_of(engine, task) == ["opened"]


async def test_whoever_acts_on_a_version_that_is_gone_is_told_the_one_there_is(
    engine: AsyncEngine, plans: Plans
) -> None:
    task = await open_task(engine, plans)
    await act(engine, plans, task, Take(), AGENT)

    with pytest.raises(Changed) as changed:
        await act(engine, plans, task, Done(outcome=OUTCOME), ENGINEER, if_match=frozenset({1}))

    assert changed.value.version == 2


async def test_of_two_who_take_a_task_at_the_same_moment_one_has_it(engine: AsyncEngine, plans: Plans) -> None:
    task = await open_task(engine, plans)

    outcomes = await asyncio.gather(
        *(act(engine, plans, task, Take(), login, if_match=frozenset({1})) for login in (AGENT, OTHER_AGENT)),
        return_exceptions=True,
    )

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Changed", "int"]
    assert await names_of(engine, task) == ["opened", "assigned"]


async def test_a_task_of_another_realm_is_not_there(engine: AsyncEngine, plans: Plans) -> None:
    task = await open_task(engine, plans, realm="drill")

    with pytest.raises(NotFound):
        await act(engine, plans, task, Take(), AGENT)
    await act(engine, plans, task, Take(), staff(AGENT, "drill"))

    assert {one.realm for one in await record_of(engine, task)} == {"drill"}
    assert len(await told(engine, HEAD_OF_SERVICE, "task_given", "drill")) == 1
    assert await told(engine, HEAD_OF_SERVICE, "task_given") == []


async def test_the_work_on_a_case_settles_its_open_tasks_of_that_kind(engine: AsyncEngine, plans: Plans) -> None:
    case, other = [await received_case(engine) for _ in range(2)]
    pay = await open_task(engine, plans, "pay", complaint_id=case, cause=new_id())
    call = await open_task(engine, plans, "call_customer", complaint_id=case)
    others = await open_task(engine, plans, "pay", complaint_id=other)

    async with engine.begin() as connection:
        settled = await settle(connection, case, "pay", "已支付，凭证号 BR-1。", f"staff:{HEAD_OF_FINANCE}", NOW)
        again = await settle(connection, case, "pay", "…", f"staff:{HEAD_OF_FINANCE}", NOW)

    assert (settled, again) == ([pay], [])
    assert [(await task_of(engine, task)).status for task in (pay, call, others)] == ["done", "open", "open"]
    assert (await record_of(engine, pay))[-1].data["by_case"] is True


async def test_what_is_owed_for_a_case_that_is_withdrawn_is_cancelled(engine: AsyncEngine, plans: Plans) -> None:
    case = await received_case(engine)
    owed = [await open_task(engine, plans, kind, complaint_id=case) for kind in ("pay", "call_customer")]
    finished = await open_task(engine, plans, complaint_id=case)
    await act(engine, plans, finished, Done(outcome=OUTCOME), AGENT)

    async with engine.begin() as connection:
        cancelled = await cancel_for_case(connection, case, "客户已撤回投诉。", "customer", NOW)

    assert sorted(cancelled) == sorted(owed)
    assert [(await task_of(engine, task)).status for task in (*owed, finished)] == ["cancelled", "cancelled", "done"]
    assert (await task_of(engine, owed[0])).outcome == "客户已撤回投诉。"


def test_every_example_is_a_body_that_is_taken() -> None:
    for body in (OpenTask, Take, Assign, Done, Cancel, Acknowledge):
        assert body.model_validate(dict(body.EXAMPLE))
