"""The customer's page."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from intake_api.track import track_router
from intake_api.track_words import WORDS
from services.base.database import create_engine
from services.base.identity import new_id
from services.complaints.events import EVENTS, Accepted, Closed, EstimateSet, Noted, Received, Resolved
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

    assert short - set(WORDS[language].happened) == {"noted"}


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
    app.include_router(track_router(engine, PRIVACY, Plans(), clock=lambda: NOW))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="https://care.example.com")


def link(new: UUID, epoch: int = 0) -> str:
    return f"/track/{PRIVACY.track_token(new, epoch)}"
