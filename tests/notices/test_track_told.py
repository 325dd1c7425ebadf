"""The customer's page: what they were told, in their record."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from uuid import UUID

import httpx
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from intake_api.track_words import WORDS
from services.base.identity import new_id
from services.complaints.events import (
    AwaitingCustomer,
    CustomerReplied,
    Explained,
    Guided,
    Noted,
)
from services.notices.model import Notice
from tests.notices.factories import NOW, case, change, record, recorded
from tests.notices.test_track import ESTIMATE, HANDLED, RECEIVED, browser, link

__all__ = ["browser"]


async def test_what_the_customer_was_told_stands_in_the_record_with_how_it_went(
    engine: AsyncEngine, browser: httpx.AsyncClient
) -> None:
    new = await case(engine, values=HANDLED)
    await record(engine, new, RECEIVED, ESTIMATE)
    await told(engine, new, "acknowledgement", "sms", "delivered", sent_at=NOW + timedelta(seconds=90))
    await told(engine, new, "estimate", "email", "sent", sent_at=NOW + timedelta(minutes=3))
    await told(engine, new, "dispatched", "webhook", "failed", number=2)
    await told(engine, new, "update", "sms", "dropped")
    await told(engine, new, "contacted", "none", "pending")

    texts = {language: (await browser.get(f"{link(new)}?lang={language}")).text for language in WORDS}

    lines = {language: re.findall(r"<li[^>]*>([^<]+)<time", text) for language, text in texts.items()}
    assert lines["zh"] == [
        "预计修复时间通知：邮件已发送",
        "预计 2025年11月24日 14:30 前修复",
        "受理通知：短信已送达",
        "您的投诉已登记受理",
        "派单通知：在线消息未能送达",
        "专人跟进通知：消息待发送",
    ]
    assert lines["en"][2:] == [
        "Acknowledgement: text message delivered",
        "We registered your complaint",
        "Dispatch notice: online message could not be delivered",
        "Taken up by a person: message waiting to be sent",
    ]


async def test_words_that_the_customer_was_told_can_be_read_again(
    engine: AsyncEngine, browser: httpx.AsyncClient
) -> None:
    new = await case(engine, values=HANDLED)
    explained, guided = (
        (Explained(reference="RD"), {"text": "首月按<天>计费。"}),
        Guided(reference="RD", article="read_bill"),
    )
    await recorded(engine, new, RECEIVED, explained, guided, (Noted(reference="RD"), {"text": "客户很着急"}))

    text = (await browser.get(link(new))).text

    assert '<p class="words">首月按&lt;天&gt;计费。</p>' in text
    assert "怎样看懂账单\n1. 先看计费周期和套餐月费" in text
    assert "客户很着急" not in text


async def test_a_question_is_shown_only_while_it_is_open(engine: AsyncEngine, browser: httpx.AsyncClient) -> None:
    new = await case(engine, values={**HANDLED, "status": "awaiting_customer"})
    first, second = ((AwaitingCustomer(reference="RD"), {"question": words}) for words in ("在家吗？", "红灯亮吗？"))
    await recorded(engine, new, RECEIVED, first, second)

    text = (await browser.get(link(new))).text
    await change(engine, new, status="in_progress")

    assert '<p class="words" lang="zh-CN">红灯亮吗？</p>\n<p class="hint">请尽量在' in text
    assert '<p class="words" lang="zh-CN">' not in (await browser.get(link(new))).text


async def test_a_record_without_end_is_shown_from_its_end(engine: AsyncEngine, browser: httpx.AsyncClient) -> None:
    new = await case(engine, values=HANDLED)
    await record(engine, new, RECEIVED, *[CustomerReplied(reference="RD", status_before="received")] * 400)

    text = (await browser.get(link(new))).text

    assert text.count("<time") == 300
    assert "更早的记录不再显示。" in text
    assert "您的投诉已登记受理" not in text


async def test_what_was_done_is_not_said_of_a_case_that_stands_otherwise(
    engine: AsyncEngine, browser: httpx.AsyncClient
) -> None:
    new = await case(engine, values=HANDLED)

    for done in ("withdrawn", "nonsense", ""):
        assert 'role="status"' not in (await browser.get(f"{link(new)}?done={done}")).text


async def told(
    engine: AsyncEngine,
    new: UUID,
    kind: str,
    way: str,
    status: str,
    *,
    number: int = 1,
    sent_at: datetime | None = None,
) -> None:
    values = {"id": new_id(), "complaint_id": new, "cause": new_id(), "kind": kind, "way": way, "status": status}
    values |= {"number": number, "realm": "live", "language": "zh", "facts": {}, "version": 1}
    values |= {"requested_at": NOW, "due_at": NOW, "sent_at": sent_at}
    async with engine.begin() as connection:
        await connection.execute(sa.insert(Notice).values(values))
