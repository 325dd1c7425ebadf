"""Directives: who may issue them to whom, who acknowledges and reports, and who closes."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.errors import Changed, Forbidden, Invalid, NotFound, WrongState
from services.casework.directives.bodies import Acknowledge, Close, Issue, Progress
from services.casework.directives.model import Directive
from services.casework.directives.queries import Filter, page, progress_of
from services.plan.versions import Plans
from tests.casework.factories import ADMIN, NOW, received_case, staff
from tests.casework.owed import (
    DEPUTY,
    DIRECTOR,
    HEAD_OF_FINANCE,
    HEAD_OF_SUPPORT,
    LEADER,
    ORDER,
    direct,
    directive_of,
    issued,
    names_of,
    record_of,
    statements,
    told,
)

ENGINEER, AGENT = "xu.lei", "wang.fang"
SUPPORT = ("zheng.kai", "xu.lei", "gao.xiang", "song.yu", "luo.jianjun", "tang.yong")
DUE = NOW + timedelta(hours=4)
WORDS = "抢修队已到现场，正在熔接光缆。"
CLOSING = "21时10分全部恢复，客户已回访。"


async def test_a_directive_is_addressed_to_everybody_in_its_groups_and_each_is_told(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await received_case(engine)

    directive = await issued(engine, plans, "technical_support", "finance", complaint=str(case))

    view = await directive_of(engine, directive)
    assert view.groups == ("finance", "technical_support")
    assert {one.login for one in view.people} == {*SUPPORT, HEAD_OF_FINANCE}
    assert (view.text, view.complaint_id, view.due_at, view.version) == (ORDER, case, DUE, 1)
    for login in (*SUPPORT, HEAD_OF_FINANCE):
        (alert,) = await told(engine, login, "directive_issued")
        assert (alert.subject, alert.subject_id) == ("directive", directive)


async def test_who_is_in_several_of_the_groups_is_addressed_once(engine: AsyncEngine, plans: Plans) -> None:
    # Legal counsel is in both, and the group of the day's work comes first.
    directive = await issued(engine, plans, "leadership", "market_legal")

    people = (await directive_of(engine, directive)).people

    assert [one.group for one in people if one.login == "shen.wenbo"] == ["market_legal"]
    assert len(await told(engine, "shen.wenbo", "directive_issued")) == 1


async def test_its_words_stay_in_the_private_half_of_events(engine: AsyncEngine, plans: Plans) -> None:
    directive = await issued(engine, plans)
    await direct(engine, plans, directive, Progress(text=WORDS), ENGINEER)
    await direct(engine, plans, directive, Close(text=CLOSING), LEADER)

    record = await record_of(engine, directive)

    assert [one.private for one in record] == [{"text": ORDER}, {"text": WORDS}, {"text": CLOSING}]
    assert not any(words in str(one.data) for one in record for words in (ORDER, WORDS, CLOSING))


@pytest.mark.parametrize(
    ("who", "may"),
    [
        (LEADER, True),
        (DEPUTY, True),
        ("shen.wenbo", True),
        (HEAD_OF_FINANCE, True),  # the finance representative in the leadership group
        (DIRECTOR, False),
        (HEAD_OF_SUPPORT, False),
        (AGENT, False),
        ("stranger", False),
    ],
)
async def test_the_leadership_group_issues_and_closes_directives(
    engine: AsyncEngine, plans: Plans, who: str, may: bool
) -> None:
    open_one = await issued(engine, plans)

    if may:
        await issued(engine, plans, who=who)
        await direct(engine, plans, open_one, Close(text=CLOSING), who)
    else:
        with pytest.raises(Forbidden):
            await issued(engine, plans, who=who)
        with pytest.raises(Forbidden):
            await direct(engine, plans, open_one, Close(text=CLOSING), who)

    assert (await directive_of(engine, open_one)).status == ("closed" if may else "open")


async def test_a_refusal_says_whom_to_ask(engine: AsyncEngine, plans: Plans) -> None:
    directive = await issued(engine, plans)

    with pytest.raises(Forbidden, match=r"the leadership group issues directives, .*ask 'zhou.min'"):
        await issued(engine, plans, who=AGENT)
    with pytest.raises(Forbidden, match=r"addressed to those who were in .*technical_support.* when it was issued"):
        await direct(engine, plans, directive, Acknowledge(), AGENT)


async def test_an_administrator_issues_and_closes_for_the_leadership_group(engine: AsyncEngine, plans: Plans) -> None:
    directive = await issued(engine, plans, who=ADMIN)

    await direct(engine, plans, directive, Progress(text=WORDS), ENGINEER)
    await direct(engine, plans, directive, Close(text=CLOSING), ADMIN)

    assert (await directive_of(engine, directive)).issued_by == "admin:root"
    # An administrator's key is no person's, so the head of the leadership group hears of it.
    assert len(await told(engine, LEADER, "directive_progress")) == 1


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"due_at": NOW}, "due_at"),
        ({"due_at": NOW - timedelta(seconds=1)}, "due_at"),
        ({"due_at": NOW + timedelta(days=400)}, "due_at"),
        ({"groups": ("technical_support", "tecnical_support")}, "groups"),
        ({"complaint": "RD-1111-1111-2"}, "complaint"),
    ],
)
async def test_what_can_not_be_is_refused_by_its_field(
    engine: AsyncEngine, plans: Plans, wrong: dict[str, Any], field: str
) -> None:
    groups = wrong.pop("groups", ("technical_support",))

    with pytest.raises(Invalid) as refused:
        await issued(engine, plans, *groups, **wrong)

    assert [problem.field for problem in refused.value.problems] == [field]
    async with engine.connect() as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(Directive)) == 0


async def test_acknowledging_counts_once_for_each_of_those_addressed(engine: AsyncEngine, plans: Plans) -> None:
    directive = await issued(engine, plans)

    versions = [
        await direct(engine, plans, directive, Acknowledge(), ENGINEER, now=NOW + timedelta(minutes=minutes))
        for minutes in (1, 2)
    ]
    await direct(engine, plans, directive, Acknowledge(), HEAD_OF_SUPPORT)

    assert versions == [2, 2]
    taken = {one.login: one.acknowledged_at for one in (await directive_of(engine, directive)).people}
    assert taken[ENGINEER] == NOW + timedelta(minutes=1)
    assert [login for login, at in taken.items() if at is None] == ["gao.xiang", "luo.jianjun", "song.yu", "tang.yong"]
    assert await names_of(engine, directive) == ["issued", "acknowledged", "acknowledged"]


async def test_everybody_can_acknowledge_at_the_same_moment(engine: AsyncEngine, plans: Plans) -> None:
    directive = await issued(engine, plans)

    await asyncio.gather(*(direct(engine, plans, directive, Acknowledge(), login) for login in SUPPORT))

    view = await directive_of(engine, directive)
    assert all(one.acknowledged_at for one in view.people)
    assert view.version == 7
    assert [one.number for one in await record_of(engine, directive)] == list(range(1, 8))


async def test_progress_is_kept_and_told_to_the_issuer_and_counts_as_notice(engine: AsyncEngine, plans: Plans) -> None:
    directive = await issued(engine, plans, who=DEPUTY)

    await direct(engine, plans, directive, Progress(text=WORDS), ENGINEER)
    await direct(engine, plans, directive, Progress(text="已恢复一半用户。"), ENGINEER)

    async with engine.connect() as connection:
        entries = await progress_of(connection, directive)
    assert [(entry.by, entry.group, entry.text) for entry in entries] == [
        (ENGINEER, "technical_support", WORDS),
        (ENGINEER, "technical_support", "已恢复一半用户。"),
    ]
    assert len(await told(engine, DEPUTY, "directive_progress")) == 2
    people = {one.login: one.acknowledged_at for one in (await directive_of(engine, directive)).people}
    assert people[ENGINEER] == NOW


async def test_those_who_were_not_addressed_neither_acknowledge_nor_report(engine: AsyncEngine, plans: Plans) -> None:
    directive = await issued(engine, plans)

    for who in (AGENT, LEADER, DIRECTOR, ADMIN):
        for body in (Acknowledge(), Progress(text=WORDS)):
            with pytest.raises(Forbidden):
                await direct(engine, plans, directive, body, who)

    assert await names_of(engine, directive) == ["issued"]


async def test_a_closed_directive_says_how_many_had_taken_notice_and_takes_nothing_more(
    engine: AsyncEngine, plans: Plans
) -> None:
    directive = await issued(engine, plans)
    await direct(engine, plans, directive, Acknowledge(), ENGINEER)

    await direct(engine, plans, directive, Close(text=CLOSING), LEADER, now=DUE + timedelta(minutes=1))

    closed = (await record_of(engine, directive))[-1].data
    assert (closed["acknowledged"], closed["people"], closed["late"]) == (1, 6, True)
    view = await directive_of(engine, directive)
    assert (view.status, view.closing, view.closed_by) == ("closed", CLOSING, f"staff:{LEADER}")
    for body, who in ((Progress(text=WORDS), ENGINEER), (Acknowledge(), HEAD_OF_SUPPORT), (Close(text="…"), LEADER)):
        with pytest.raises(WrongState):
            await direct(engine, plans, directive, body, who)


async def test_whoever_acts_on_a_version_that_is_gone_is_told_the_one_there_is(
    engine: AsyncEngine, plans: Plans
) -> None:
    directive = await issued(engine, plans)
    await direct(engine, plans, directive, Progress(text=WORDS), ENGINEER)

    with pytest.raises(Changed) as changed:
        await direct(engine, plans, directive, Close(text=CLOSING), LEADER, if_match=frozenset({1}))

    assert changed.value.version == 2


async def test_a_directive_of_another_realm_is_not_there(engine: AsyncEngine, plans: Plans) -> None:
    directive = await issued(engine, plans, who=staff(LEADER, "drill"))

    with pytest.raises(NotFound):
        await direct(engine, plans, directive, Acknowledge(), ENGINEER)
    await direct(engine, plans, directive, Acknowledge(), staff(ENGINEER, "drill"))

    assert await told(engine, ENGINEER, "directive_issued") == []
    assert len(await told(engine, ENGINEER, "directive_issued", "drill")) == 1


async def test_a_page_of_directives_takes_two_statements_and_holds_what_was_asked_for(
    engine: AsyncEngine, plans: Plans
) -> None:
    support = await issued(engine, plans, "technical_support")
    finance = await issued(engine, plans, "finance", due_at=NOW + timedelta(minutes=1))
    closed = await issued(engine, plans, "finance")
    await direct(engine, plans, closed, Close(text=CLOSING), LEADER)

    async def ids(**wanted: Any) -> list[Any]:
        async with engine.connect() as connection:
            now = NOW + timedelta(hours=1)
            views, _ = await page(connection, Filter(**wanted), "live", now, limit=50, cursor=None)
            return [view.id for view in views]

    assert await statements(engine, ids) == 2
    assert await ids() == [closed, finance, support]
    assert await ids(status="open") == [finance, support]
    assert await ids(group="finance") == [closed, finance]
    assert await ids(login=ENGINEER) == [support]
    assert await ids(overdue=True) == [finance]
    assert await ids(overdue=False) == [closed, support]


def test_every_example_is_a_body_that_is_taken() -> None:
    for body in (Issue, Acknowledge, Progress, Close):
        assert body.model_validate({**body.EXAMPLE})
