"""Reporting major complaints (重大投诉) to leadership: to everybody in it, with a brief, once, without the customer."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.errors import WrongState
from services.casework.handlers.assigning import Accept, HandOver
from services.casework.handlers.conversing import Reclassify, Report
from services.casework.model import Alert
from services.complaints.events import Classified, HandedOver
from services.plan.versions import Plans
from tests.casework import factories
from tests.casework.factories import ENGINEER, NOW, RECEIVED_AT, case_of, do
from tests.casework.scenes import LEADERSHIP, alerts, events, handle, happened, last, of

pytestmark = pytest.mark.usefixtures("in_order")

WORDS = (
    "李伟",
    "+8613800138000",
    "13800138000",
    "li.wei@example.com",
    "BJ-5520-7781",
    "宽带从昨晚",
    "断网",
    "没人来修",
)


@pytest.mark.parametrize("judged", [{"severity": "critical"}, {"severity": "minor", "signals": ("emergency_calls",)}])
async def test_a_reportable_case_is_reported_to_everybody_in_leadership_when_it_is_dispatched(
    engine: AsyncEngine, plans: Plans, judged: dict[str, Any]
) -> None:
    case = await factories.dispatched_case(engine, plans, **judged)

    (reported,) = await events(engine, case, "reported")
    assert (reported.data["cause"], reported.data["severity"]) == ("judged", judged["severity"])
    assert sorted(reported.data["told"]) == sorted(LEADERSHIP)
    assert sorted(await alerts(engine, case, "reported")) == sorted(LEADERSHIP)
    assert (await case_of(engine, case)).reported_at == RECEIVED_AT


async def test_the_brief_says_what_who_since_when_what_is_done_and_what_is_asked(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.dispatched_case(engine, plans, severity="critical", signals=("emergency_calls",))

    (reported,) = await events(engine, case, "reported")
    assert reported.private is not None
    brief = reported.private["brief"]
    assignee = (await case_of(engine, case)).assignee
    assert brief["what"]["category"] == "outage"
    assert (brief["what"]["severity"], brief["what"]["signals"]) == ("critical", ["emergency_calls"])
    assert brief["who"] == {"group": "technical_support", "assignee": assignee}
    assert brief["since"] == RECEIVED_AT.isoformat()
    assert (brief["being_done"]["status"], brief["being_done"]["step"]) == ("dispatched", "diagnose")
    assert brief["being_done"]["resolve_by"] is not None
    assert "请领导小组了解情况" in brief["asked"]["zh"]


async def test_no_word_of_the_customer_is_in_the_brief_or_in_what_leadership_is_told(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.dispatched_case(engine, plans, severity="critical")

    (reported,) = await events(engine, case, "reported")
    async with engine.connect() as connection:
        facts = (await connection.execute(sa.select(Alert.facts).where(Alert.subject_id == case))).scalars().all()
    written = json.dumps([reported.data, reported.private, *facts], ensure_ascii=False)
    assert [word for word in WORDS if word in written] == []


async def test_a_case_that_turns_out_to_be_critical_is_reported_then(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.accepted_case(engine, plans, severity="minor")
    assert "reported" not in await happened(engine, case)

    await do(engine, plans, case, Reclassify(severity="critical", reason="医院受影响。"), ENGINEER)

    reported = await last(engine, case)
    assert (reported.type, reported.data["cause"]) == ("redress.complaint.reported.v1", "reclassified")
    assert reported.private is not None
    assert reported.private["brief"]["what"]["severity"] == "critical"
    assert (await case_of(engine, case)).reportable is True


async def test_it_is_reported_once_whatever_happens_to_it_afterwards(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.dispatched_case(engine, plans, severity="critical")
    await do(engine, plans, case, Accept(), ENGINEER)
    await do(engine, plans, case, Reclassify(severity="major", reason="影响有限。"), ENGINEER)
    await do(engine, plans, case, Reclassify(severity="critical", reason="还是很广。"), ENGINEER)
    await do(engine, plans, case, HandOver(group="customer_service", reason="统一口径。"), ENGINEER)
    await handle(engine, of(case, HandedOver(reference="RD", group="customer_service", previous="technical_support")))

    assert (await case_of(engine, case)).status == "dispatched"
    assert (await happened(engine, case)).count("reported") == 1
    assert len(await alerts(engine, case, "reported")) == len(LEADERSHIP)


async def test_delivered_twice_it_is_reported_once(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.classified_case(engine, severity="critical")
    event = of(case, CLASSIFIED)

    for _ in range(2):
        await handle(engine, event, now=NOW)

    assert (await happened(engine, case)).count("reported") == 1


async def test_an_ordinary_case_is_reported_by_hand_with_the_reason_and_once(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.accepted_case(engine, plans, severity="minor")

    await do(engine, plans, case, Report(reason="客户为重点赛事承办单位。"), ENGINEER)

    reported = await last(engine, case)
    assert reported.data["cause"] == "by_hand"
    assert reported.private is not None
    assert reported.private["reason"] == "客户为重点赛事承办单位。"
    with pytest.raises(WrongState, match="was told of it already"):
        await do(engine, plans, case, Report(reason="再报一次。"), ENGINEER)


async def test_an_ordinary_case_is_not_reported(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.dispatched_case(engine, plans)

    assert "reported" not in await happened(engine, case)
    assert (await case_of(engine, case)).reported_at is None


CLASSIFIED = Classified(
    reference="RD",
    category="outage",
    best_guess="outage",
    severity="critical",
    confidence=0.9,
    reportable=True,
    model="lexicon-1",
    plan_version=1,
)
