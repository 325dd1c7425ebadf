"""Handling technical support: reaching the customer, guiding them, sending somebody there."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import pytest
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.errors import Invalid, WrongState
from services.casework.handlers.settling import Resolve
from services.casework.handlers.technical_support import Contact, Guide, SiteVisit
from services.plan.versions import Plans
from tests.casework import factories
from tests.casework.factories import ENGINEER, NOW, case_of, do
from tests.casework.readings import met
from tests.casework.scenes import DAY, HOUR, MINUTE, each, events, last, tasks

pytestmark = pytest.mark.usefixtures("in_order")

REACHED = Contact(way="phone", outcome="reached", said="客户今晚在家，可以配合测试。")
UNANSWERED = Contact(way="phone", outcome="no_answer")
GUIDED = Guide(text="请先关闭光猫电源，等待 30 秒后重新打开。")
SETTLED = Resolve(text="路由器已设置好，您可以正常上网。")


async def support_case(engine: AsyncEngine, plans: Plans) -> UUID:
    return await factories.accepted_case(engine, plans, category="technical_support", severity="minor")


async def test_the_customer_is_reached_guided_and_told_the_result(engine: AsyncEngine, plans: Plans) -> None:
    case = await support_case(engine, plans)

    await each(engine, plans, case, ENGINEER, REACHED, GUIDED, SETTLED)

    names = ("contacted", "guided", "resolved")
    assert [(await events(engine, case, name))[0].data["step"] for name in names] == ["contact", "guide", "result"]
    assert (await events(engine, case, "guided"))[0].private == {"text": GUIDED.text}


async def test_after_as_many_failures_in_a_row_as_the_plan_says_the_customer_is_written_to_and_again_after_as_many(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await support_case(engine, plans)

    await each(engine, plans, case, ENGINEER, *[UNANSWERED] * 7)

    tried = [(one.data["failed"], one.data["write"]) for one in await events(engine, case, "contacted")]
    assert tried == [(1, False), (2, False), (3, True), (4, False), (5, False), (6, True), (7, False)]
    assert (await met(engine, case))["respond"] is None


async def test_reaching_the_customer_ends_the_row_of_failures(engine: AsyncEngine, plans: Plans) -> None:
    case = await support_case(engine, plans)

    await each(engine, plans, case, ENGINEER, UNANSWERED, UNANSWERED, REACHED, UNANSWERED, UNANSWERED)

    tried = [(one.data["failed"], one.data["write"]) for one in await events(engine, case, "contacted")]
    assert tried == [(1, False), (2, False), (0, False), (1, False), (2, False)]
    assert (await met(engine, case))["respond"] == NOW


@pytest.mark.parametrize("outcome", ["no_answer", "busy", "wrong_number", "refused", "message_left"])
async def test_only_reaching_the_customer_settles_the_step(engine: AsyncEngine, plans: Plans, outcome: str) -> None:
    case = await support_case(engine, plans)

    await do(engine, plans, case, Contact(way="phone", outcome=outcome), ENGINEER)

    assert "step" not in (await last(engine, case)).data
    with pytest.raises(WrongState, match="first comes 'contact'"):
        await do(engine, plans, case, GUIDED, ENGINEER)


def test_what_a_customer_said_who_was_reached_must_be_written_down() -> None:
    with pytest.raises(ValidationError, match="write in said what was said"):
        Contact(way="phone", outcome="reached")


@pytest.mark.parametrize(("attempted_at", "code"), [(NOW + 3 * MINUTE, "future"), (NOW - 2 * DAY, "too_early")])
async def test_an_attempt_is_neither_to_come_nor_before_the_complaint(
    engine: AsyncEngine, plans: Plans, attempted_at: datetime, code: str
) -> None:
    case = await support_case(engine, plans)

    with pytest.raises(Invalid) as refused:
        await do(engine, plans, case, UNANSWERED.model_copy(update={"attempted_at": attempted_at}), ENGINEER)

    assert [(problem.field, problem.code) for problem in refused.value.problems] == [("attempted_at", code)]


async def test_guidance_is_an_article_of_the_knowledge_base_words_or_both(engine: AsyncEngine, plans: Plans) -> None:
    case = await support_case(engine, plans)
    both = Guide(article="set_top_box", text="重点看第三步。")

    await each(engine, plans, case, ENGINEER, REACHED, Guide(article="router_setup"), both)

    article, two = await events(engine, case, "guided")
    assert (article.data["article"], article.private) == ("router_setup", None)
    assert (two.data["article"], two.private) == ("set_top_box", {"text": "重点看第三步。"})


def test_guidance_says_something() -> None:
    with pytest.raises(ValidationError, match="write the guidance in text, or name an article"):
        Guide()


async def test_an_unknown_article_is_refused_with_those_that_fit(engine: AsyncEngine, plans: Plans) -> None:
    case = await support_case(engine, plans)
    await do(engine, plans, case, REACHED, ENGINEER)
    async with engine.connect() as connection:
        _, plan = await plans.current(connection)
    fitting = ", ".join(article.code for article in plan.articles_for("technical_support", None))

    with pytest.raises(Invalid, match=f"for this complaint there are {fitting or 'none'}"):
        await do(engine, plans, case, Guide(article="router_setpu"), ENGINEER)


async def test_a_visit_is_a_task_of_the_group_due_when_somebody_should_be_there(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await support_case(engine, plans)
    visit_at = NOW + 20 * HOUR
    wanted = Guide(text="需要更换光猫。", site_visit_wanted=True)

    await each(engine, plans, case, ENGINEER, REACHED, wanted)
    with pytest.raises(WrongState, match="first comes 'visit'"):
        await do(engine, plans, case, SETTLED, ENGINEER)
    await do(engine, plans, case, SiteVisit(visit_at=visit_at, text="更换光猫。"), ENGINEER)

    (task,) = await tasks(engine, case)
    assert (task.kind, task.group_code, task.due_at) == ("site_visit", "technical_support", visit_at)
    assert (task.title, task.facts["visit_at"]) == ("更换光猫。", visit_at.isoformat())
    assert (await last(engine, case)).data["step"] == "visit"
    await do(engine, plans, case, SETTLED, ENGINEER)


async def test_two_visits_are_two_tasks(engine: AsyncEngine, plans: Plans) -> None:
    case = await support_case(engine, plans)

    for days in (1, 2):
        await do(engine, plans, case, SiteVisit(visit_at=NOW + days * DAY), ENGINEER)

    assert len(await tasks(engine, case)) == 2


@pytest.mark.parametrize(("visit_at", "code"), [(NOW, "past"), (NOW - HOUR, "past"), (NOW + 91 * DAY, "too_far")])
async def test_a_visit_is_in_the_future_and_not_too_far(
    engine: AsyncEngine, plans: Plans, visit_at: datetime, code: str
) -> None:
    case = await support_case(engine, plans)

    with pytest.raises(Invalid) as refused:
        await do(engine, plans, case, SiteVisit(visit_at=visit_at), ENGINEER)

    assert [problem.code for problem in refused.value.problems] == [code]


async def test_with_no_visit_wanted_the_playbook_does_not_ask_for_one(engine: AsyncEngine, plans: Plans) -> None:
    case = await support_case(engine, plans)

    await each(engine, plans, case, ENGINEER, REACHED, GUIDED, SETTLED)

    assert (await case_of(engine, case)).status == "resolved"
