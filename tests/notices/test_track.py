"""The customer's page."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from intake_api.attachments import Attacher
from intake_api.track import track_router
from intake_api.track_words import WORDS
from services.base.database import create_engine
from services.base.files.receiving import FileDoor
from services.base.files.store import LocalFiles
from services.base.identity import new_id
from services.base.stream.bell import Bell
from services.base.stream.event import EventData
from services.complaints.events import (
    EVENTS,
    Accepted,
    AwaitingCustomer,
    Closed,
    CompensationDecided,
    CompensationPaid,
    Contacted,
    Corrected,
    CustomerAnswered,
    CustomerReplied,
    DeadlineMissed,
    Diagnosed,
    Escalated,
    EstimateMissed,
    EstimateSet,
    Explained,
    Guided,
    HandedOver,
    Noted,
    Received,
    Rejected,
    Reminded,
    Repaired,
    Reported,
    Resolved,
    Resumed,
    StepSkipped,
    VisitArranged,
    Withdrawn,
)
from services.plan.versions import Plans
from services.plan.vocabulary import STATUSES, Language
from tests.notices.factories import NOW, PRIVACY, case, change, dispatched_data, record

HANDLED = {
    "status": "in_progress",
    "plan_version": 1,
    "category": "outage",
    "severity": "major",
    "group_code": "technical_support",
    "assignee": "chen.guoqiang",
    "estimated_repair_at": NOW + timedelta(hours=4),
}
RECEIVED = Received(reference="RD", channel="web", service_type="broadband", language="zh", received_at=NOW)


ESTIMATE = EstimateSet(reference="RD", estimated_repair_at=NOW + timedelta(hours=4))
OFFER = new_id()
MONEY = {"reference": "RD", "compensation": OFFER, "kind": "refund", "amount": "59.00", "currency": "CNY"}
ESCALATED = {"cause": "by_hand", "rung": 1, "to": "group_head", "told": ("zheng.kai",), "acknowledge_by": NOW}
TRIED = {"reference": "RD", "way": "phone", "attempted_at": NOW}

# What is the operator's own affair, or is told by the notice of it.
INTERNAL = {
    "survey_asked",
    "survey_reminded",
    "reassigned",
    "handed_over",
    "reviewed",
    "legal_checked",
    "compensation_proposed",
    "step_skipped",
    "noted",
    "corrected",
    "reported",
    "escalated",
    "escalation_acknowledged",
    "deadline_warned",
    "deadline_missed",
    "linked",
    "unlinked",
    "plan_moved",
}
SHOWN = [
    (Diagnosed(reference="RD", cause="cable"), "已查明故障情况", "We found out what the fault is"),
    (
        EstimateMissed(reference="RD", estimated_repair_at=NOW, broken=1),
        "未能在 2025年11月24日 10:30 前修复，我们深表歉意，正在抓紧处理",
        "It wasn't repaired by 24 November 2025, 10:30; we are sorry and are on it",
    ),
    (Repaired(reference="RD", repaired_at=NOW), "故障已修复", "The fault was repaired"),
    (Explained(reference="RD"), "已向您说明资费政策", "We explained the charges to you"),
    (
        CompensationDecided.model_validate({**MONEY, "decision": "approved"}),
        "为您提供补偿：人民币 59.00 元",
        "We offered you compensation: CNY 59.00",
    ),
    (
        CustomerAnswered(reference="RD", compensation=OFFER, answer="accepted"),
        "您接受了补偿方案",
        "You accepted the compensation",
    ),
    (
        CustomerAnswered(reference="RD", compensation=OFFER, answer="disputed"),
        "您不同意补偿方案，我们会重新研究",
        "You didn't accept the compensation; we are looking at it again",
    ),
    (
        CompensationPaid.model_validate({**MONEY, "billing_reference": "BILL-7"}),
        "补偿已办理：人民币 59.00 元",
        "The compensation was paid: CNY 59.00",
    ),
    (Contacted.model_validate({**TRIED, "outcome": "reached"}), "已与您取得联系", "We were in touch with you"),
    (
        Contacted.model_validate({**TRIED, "outcome": "busy"}),
        "曾尝试联系您，未能联系上",
        "We tried to reach you, without success",
    ),
    (Guided(reference="RD"), "已向您提供操作指导", "We sent you guidance"),
    (
        VisitArranged(reference="RD", visit_at=NOW),
        "已安排 2025年11月24日 10:30 上门",
        "A visit was arranged for 24 November 2025, 10:30",
    ),
    (AwaitingCustomer(reference="RD"), "请您补充信息", "We asked you for something"),
    (Reminded(reference="RD", times=1), "已提醒您补充信息", "We reminded you of our question"),
    (CustomerReplied(reference="RD", status_before="in_progress"), "已收到您的回复", "We had your reply"),
    (Resumed(reference="RD", cause="answered"), "继续处理", "Work on it goes on"),
    (
        Resumed(reference="RD", cause="silent"),
        "暂未收到您的回复，我们先继续处理",
        "We had no reply yet and went on with what we have",
    ),
    (Rejected(reference="RD"), "未能受理，原因已告知您", "We couldn't take it up, and told you why"),
    (Withdrawn(reference="RD", status_before="received"), "您已撤回投诉", "You withdrew the complaint"),
]
HIDDEN = [
    Escalated.model_validate({"reference": "RD", **ESCALATED}),
    CompensationDecided.model_validate({**MONEY, "decision": "declined"}),
    Explained(reference="RD", told=False),
    Repaired(reference="RD", repaired_at=NOW, told=False),
    Corrected(reference="RD", corrects=1),
    StepSkipped(reference="RD", step="check"),
    Reported(reference="RD", cause="judged", severity="critical", told=("zhou.min",)),
    HandedOver(reference="RD", group="market_legal", previous="technical_support"),
    DeadlineMissed(reference="RD", clock="resolve", due_at=NOW),
]


@pytest.fixture
async def browser(engine: AsyncEngine) -> AsyncIterator[httpx.AsyncClient]:
    async with browsing(engine) as client:
        yield client


async def test_the_page_says_where_the_case_stands_and_what_happened(
    engine: AsyncEngine, browser: httpx.AsyncClient
) -> None:
    new = await case(engine, values={**HANDLED, "reference": "RD-7K3M-9PQ2-X"})
    estimate = EstimateSet(reference="RD", estimated_repair_at=NOW + timedelta(hours=4))
    await record(engine, new, RECEIVED, dispatched_data(), Accepted(reference="RD", assignee="x"), estimate)

    answer = await browser.get(link(new))

    assert answer.status_code == 200
    for words in (
        "示例电信",
        "RD-7K3M-9PQ2-X",
        "处理中",
        "处理人员正在处理您的问题",
        "技术支持组",
        "2025年11月24日 14:30",
        "您的投诉已登记受理",
        "已派给技术支持组",
        "预计 2025年11月24日 14:30 前修复",
    ):
        assert words in answer.text
    assert answer.text.index("处理人员已开始处理") < answer.text.index("您的投诉已登记受理"), "the newest stands first"


async def test_the_page_is_in_the_customers_language_and_can_be_switched(
    engine: AsyncEngine, browser: httpx.AsyncClient
) -> None:
    new = await case(engine, language="en", values=HANDLED)

    english, chinese = await browser.get(link(new)), await browser.get(link(new) + "?lang=zh")

    assert 'lang="en"' in english.text.split("<head>")[0]
    assert "In progress" in english.text
    assert 'href="?lang=zh"' in english.text
    assert "处理中" in chinese.text
    assert (await browser.get(link(new) + "?lang=xx")).text == english.text


async def test_the_page_shows_nothing_of_the_customer_or_of_what_staff_noted(
    engine: AsyncEngine, browser: httpx.AsyncClient
) -> None:
    new = await case(engine, name="欧阳修文", values=HANDLED)
    await record(engine, new, RECEIVED, Noted(reference="RD"), dispatched_data())

    text = (await browser.get(link(new))).text

    for hidden in ("欧阳修文", "li.wei", "13800138000", "断网", "chen.guoqiang", "noted"):
        assert hidden not in text


async def test_the_result_is_shown_as_it_was_written_and_not_as_html(
    engine: AsyncEngine, browser: httpx.AsyncClient
) -> None:
    words = "<script>alert(1)</script> & 线路已修复"
    new = await case(engine, values={**HANDLED, "status": "resolved", "resolution": words, "resolved_at": NOW})
    await record(engine, new, RECEIVED, Resolved(reference="RD"))

    text = (await browser.get(link(new))).text

    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; 线路已修复" in text
    assert "<script" not in text
    assert "预计修复" not in text, "an estimate means nothing once the case is resolved"


async def test_an_estimate_that_has_passed_is_said_to_be_overdue(engine: AsyncEngine) -> None:
    new = await case(engine, values={**HANDLED, "estimated_repair_at": NOW - timedelta(hours=1)})

    async with browsing(engine) as browser:
        assert "已超时" in (await browser.get(link(new))).text


@pytest.mark.parametrize("status", STATUSES)
async def test_every_status_has_a_page(engine: AsyncEngine, browser: httpx.AsyncClient, status: str) -> None:
    new = await case(engine, values={"status": status})
    await record(engine, new, RECEIVED, Closed(reference="RD", decision="customer_silent"))

    for language in WORDS:
        assert (await browser.get(f"{link(new)}?lang={language}")).status_code == 200


@pytest.mark.parametrize("language", WORDS)
def test_every_fact_that_concerns_the_customer_has_words(language: Language) -> None:
    short = {event.TYPE.split(".")[2] for event in EVENTS}
    shown = {fact.split(".")[0] for fact in WORDS[language].happened}

    assert shown <= short
    assert short - shown == INTERNAL


@pytest.mark.parametrize(("data", "chinese", "english"), SHOWN)
async def test_what_happens_is_told_in_plain_words(
    engine: AsyncEngine, browser: httpx.AsyncClient, data: EventData, chinese: str, english: str
) -> None:
    new = await case(engine, values=HANDLED)
    await record(engine, new, RECEIVED, data)

    texts = {language: html.unescape((await browser.get(f"{link(new)}?lang={language}")).text) for language in WORDS}

    assert f"<li>{chinese}<time" in texts["zh"]
    assert f"<li>{english}<time" in texts["en"]


@pytest.mark.parametrize("data", HIDDEN, ids=[f"{at} {one.TYPE.split('.')[2]}" for at, one in enumerate(HIDDEN)])
async def test_what_is_not_for_the_customer_leaves_no_line(
    engine: AsyncEngine, browser: httpx.AsyncClient, data: EventData
) -> None:
    new = await case(engine, values=HANDLED)
    await record(engine, new, RECEIVED, data)

    assert (await browser.get(link(new))).text.count("<time") == 1


async def test_once_repaired_a_fault_is_not_overdue(engine: AsyncEngine, browser: httpx.AsyncClient) -> None:
    new = await case(engine, values={**HANDLED, "estimated_repair_at": NOW - timedelta(hours=1)})
    repaired = Repaired(reference="RD", repaired_at=NOW - timedelta(minutes=30))
    await record(engine, new, RECEIVED, ESTIMATE, repaired)

    text = (await browser.get(link(new))).text

    assert "<dt>修复时间</dt><dd>2025年11月24日 10:00</dd>" in text
    assert "超时" not in text


async def test_an_estimate_after_a_repair_that_did_not_last_is_shown(
    engine: AsyncEngine, browser: httpx.AsyncClient
) -> None:
    new = await case(engine, values=HANDLED)
    await record(engine, new, RECEIVED, Repaired(reference="RD", repaired_at=NOW), ESTIMATE)

    assert "<dt>预计修复</dt>" in (await browser.get(link(new))).text


async def test_a_result_that_the_customer_was_told_with_another_case_is_in_the_record(
    engine: AsyncEngine, browser: httpx.AsyncClient
) -> None:
    new = await case(engine, values={**HANDLED, "status": "resolved", "resolution": "好了", "resolved_at": NOW})
    await record(engine, new, RECEIVED, Resolved(reference="RD", told=False))

    assert "已有处理结果" in (await browser.get(link(new))).text


async def test_a_token_that_is_unknown_broken_or_revoked_leads_to_a_kind_page_in_both_languages(
    engine: AsyncEngine, browser: httpx.AsyncClient
) -> None:
    new = await case(engine)
    forged = PRIVACY.track_token(new, 0)[:-2] + "AA"
    revoked = PRIVACY.track_token(new, 0)
    await change(engine, new, track_epoch=1)

    for token in (forged, revoked, PRIVACY.track_token(new_id(), 0), "abc", "%00", "%F0%9F%98%80", "A" * 5000):
        answer = await browser.get(f"/track/{token}")
        assert answer.status_code == 404
        assert "找不到这个页面" in answer.text
        assert "We can&#39;t find this page" in answer.text
    assert (await browser.get(link(new, epoch=1))).status_code == 200


async def test_a_page_stays_between_the_customer_and_us(engine: AsyncEngine, browser: httpx.AsyncClient) -> None:
    new = await case(engine)

    for answer in (await browser.get(link(new)), await browser.get("/track/abc")):
        headers = answer.headers
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-robots-tag"] == "noindex"
        policy = headers["content-security-policy"]
        style = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(style[0].encode()).digest()).decode()
        assert f"style-src 'sha256-{digest}'" in policy
        assert policy.startswith("default-src 'none'")
        assert not re.search(r"(src|href)=\"?(https?:)?//", answer.text)


async def test_without_the_database_the_page_asks_to_come_back() -> None:
    away = create_engine("postgresql://nobody@/nothing?host=/nonexistent")

    async with browsing(away) as browser:
        answer = await browser.get(link(new_id()))

    await away.dispose()
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "10"
    assert "请稍后刷新页面" in answer.text


def browsing(engine: AsyncEngine) -> httpx.AsyncClient:
    app = FastAPI()
    files = FileDoor(LocalFiles(Path("/dev/null/files")))
    app.include_router(track_router(Attacher(engine, Plans(), files, Bell(), lambda: NOW), PRIVACY))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="https://care.example.com")


def link(new: UUID, epoch: int = 0) -> str:
    return f"/track/{PRIVACY.track_token(new, epoch)}"
