"""What customers do on the page of their case: writing, taking back, taking up again, silencing us."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.database import create_engine
from services.casework.handlers.conversing import AwaitCustomer
from services.casework.handlers.relating import Merge
from services.complaints.model import Complaint
from services.notices.model import OptOut
from services.plan.versions import Plans
from tests.base.file_samples import png
from tests.casework import factories
from tests.casework.conftest import plans
from tests.casework.factories import ENGINEER, PRIVACY, do
from tests.casework.readings import view
from tests.casework.scenes import DAY, events, happened
from tests.intake.track_pages import (
    LATER,
    MIB,
    QUESTION,
    WORDS,
    Clock,
    browser,
    browsing,
    link,
    now,
    waiting,
    written_in,
)

__all__ = ["browser", "now", "plans"]


async def test_an_answer_to_the_question_lets_the_case_go_on(
    engine: AsyncEngine, plans: Plans, browser: httpx.AsyncClient
) -> None:
    case = await waiting(engine, plans)
    asked = await browser.get(link(case))

    sent = await browser.post(f"{link(case)}/messages", data={"text": f"  {WORDS}\r\n"})

    assert QUESTION in asked.text
    assert (sent.status_code, sent.headers["location"]) == (303, f"{link(case)}?done=sent")
    page = await browser.get(sent.headers["location"])
    assert "已收到，处理人员会看到您补充的内容。" in page.text
    (replied,) = await events(engine, case, "customer_replied")
    assert (replied.private, replied.data["way"], replied.actor) == ({"text": WORDS}, "page", "customer")
    assert (await view(engine, case)).status == "in_progress"
    assert "请您补充</h2>" not in page.text


async def test_a_second_click_says_nothing_twice(engine: AsyncEngine, plans: Plans, browser: httpx.AsyncClient) -> None:
    case = await waiting(engine, plans)

    clicks = [browser.post(f"{link(case)}/messages", data={"text": WORDS}) for _ in range(3)]
    answers = await asyncio.gather(*clicks)

    assert [answer.status_code for answer in answers] == [303, 303, 303]
    assert len(await events(engine, case, "customer_replied")) == 1


async def test_the_same_words_answer_another_question(
    engine: AsyncEngine, plans: Plans, browser: httpx.AsyncClient
) -> None:
    case = await waiting(engine, plans)
    await browser.post(f"{link(case)}/messages", data={"text": "是的"})
    await do(engine, plans, case, AwaitCustomer(question="重启后还亮吗？"), ENGINEER, now=LATER)

    await browser.post(f"{link(case)}/messages", data={"text": "是的"})

    assert len(await events(engine, case, "customer_replied")) == 2


@pytest.mark.parametrize(
    ("text", "chinese", "english"),
    [
        ("", "请填写内容。", "Please write something."),
        (" \r\n ", "请填写内容。", "Please write something."),
        ("字" * 20_001, "内容有 20001 个字，最多 20000 个字", "This has 20001 characters; 20000 is the most."),
        ("断\x00网", "第 2 个字是无法保存的控制字符", "Character 2 is a control character"),
    ],
)
async def test_what_is_wrong_is_said_at_the_field_with_the_words_still_in_it(
    engine: AsyncEngine, plans: Plans, browser: httpx.AsyncClient, text: str, chinese: str, english: str
) -> None:
    case = await waiting(engine, plans)
    before = await happened(engine, case)

    answers = [
        await browser.post(f"{link(case)}/messages{language}", data={"text": text}) for language in ("", "?lang=en")
    ]

    assert [answer.status_code for answer in answers] == [422, 422]
    for answer, words in zip(answers, (chinese, english), strict=True):
        assert f'<a href="#messages-text">{words}' in answer.text
        assert f'<p class="error" id="messages-text-error">{words}' in answer.text
        assert 'aria-invalid="true"' in answer.text
        assert written_in(answer, "messages-text") == text.replace("\r\n", "\n")
    assert await happened(engine, case) == before


async def test_more_than_ten_a_minute_are_too_many_and_the_words_are_kept(
    engine: AsyncEngine, plans: Plans, browser: httpx.AsyncClient, now: Clock
) -> None:
    case = await factories.accepted_case(engine, plans)
    for number in range(10):
        assert (await browser.post(f"{link(case)}/messages", data={"text": f"{number}"})).status_code == 303

    refused = await browser.post(f"{link(case)}/messages", data={"text": "还有一句"})
    now.time += timedelta(minutes=1)
    accepted = await browser.post(f"{link(case)}/messages", data={"text": "还有一句"})

    assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
    assert "请过一分钟再提交" in refused.text
    assert written_in(refused, "messages-text") == "还有一句"
    assert accepted.status_code == 303


async def test_taking_back_is_asked_twice_and_done_once(
    engine: AsyncEngine, plans: Plans, browser: httpx.AsyncClient
) -> None:
    case = await factories.accepted_case(engine, plans)

    page = await browser.get(link(case))
    asked = await browser.get(f"{link(case)}/withdraw")
    await browser.head(f"{link(case)}/withdraw")
    before = (await view(engine, case)).status
    answers = [await browser.post(f"{link(case)}/withdraw", data={"text": "已经自己恢复了。"}) for _ in range(2)]

    assert f'href="{link(case)}/withdraw"' in page.text
    assert "我们不再继续处理；已经答应您、但还没有办理的补偿也会停止。" in asked.text
    assert before == "in_progress"
    assert [answer.status_code for answer in answers] == [303, 303]
    (withdrawn,) = await events(engine, case, "withdrawn")
    assert withdrawn.private == {"reason": "已经自己恢复了。"}
    assert "投诉已撤回。" in (await browser.get(answers[0].headers["location"])).text
    assert (await browser.get(f"{link(case)}/withdraw")).headers["location"] == link(case)


async def test_a_case_that_was_settled_meanwhile_is_not_taken_back_and_the_reason_is_kept(
    engine: AsyncEngine, plans: Plans, browser: httpx.AsyncClient
) -> None:
    case = await factories.resolved_case(engine, plans)

    answer = await browser.post(f"{link(case)}/withdraw", data={"text": "不需要了"})

    assert answer.status_code == 409
    assert "投诉现在是“已解决”，不能这样操作。" in answer.text
    assert written_in(answer, "messages-text") == "不需要了"


async def test_who_is_not_satisfied_has_it_taken_up_again_once(
    engine: AsyncEngine, plans: Plans, browser: httpx.AsyncClient
) -> None:
    case = await factories.closed_case(engine, plans)
    offered = await browser.get(link(case))

    answers = [await browser.post(f"{link(case)}/reopen", data={"text": "今天又断网了。"}) for _ in range(2)]

    assert "您可以在 2026年12月23日 16:30 前要求重新处理。" in offered.text
    assert [answer.status_code for answer in answers] == [303, 303]
    (reopened,) = await events(engine, case, "reopened")
    assert (reopened.private or {})["reason"] == "今天又断网了。"
    assert "已重新受理，我们会继续处理。" in (await browser.get(answers[0].headers["location"])).text


async def test_what_still_wants_saying_to_an_open_case_becomes_a_message(
    engine: AsyncEngine, plans: Plans, browser: httpx.AsyncClient
) -> None:
    case = await factories.accepted_case(engine, plans)

    answer = await browser.post(f"{link(case)}/reopen", data={"text": "今天又断网了。"})

    assert answer.status_code == 409
    assert "不需要重新受理" in answer.text
    assert written_in(answer, "messages-text") == "今天又断网了。"


async def test_after_the_plans_time_a_case_is_not_taken_up_again(
    engine: AsyncEngine, plans: Plans, browser: httpx.AsyncClient, now: Clock
) -> None:
    case = await factories.closed_case(engine, plans)
    now.time += 31 * DAY

    page = await browser.get(link(case))
    answer = await browser.post(f"{link(case)}/reopen", data={"text": "今天又断网了。"})

    assert "投诉办结已超过 30 天" in page.text
    assert "/reopen" not in page.text
    assert answer.status_code == 409
    assert written_in(answer, "messages-text") == "今天又断网了。"
    assert await events(engine, case, "reopened") == []


async def test_a_case_that_was_merged_offers_nothing_and_loses_nothing(
    engine: AsyncEngine, plans: Plans, browser: httpx.AsyncClient
) -> None:
    main = await factories.accepted_case(engine, plans, customer="+8613800138000")
    case = await factories.accepted_case(engine, plans, customer="+8613800138000")
    await do(engine, plans, case, Merge(into=str(main), reason="同一故障。"), ENGINEER)

    page = await browser.get(link(case))
    answer = await browser.post(f"{link(case)}/messages", data={"text": "我还有<话>说"})

    assert f"编号 {(await view(engine, main)).reference}" in page.text
    assert not re.search(r"<textarea|/withdraw", page.text)
    assert answer.status_code == 409
    assert '<p class="words">我还有&lt;话&gt;说</p>' in answer.text
    assert await events(engine, case, "customer_replied") == []


async def test_messages_are_stopped_and_allowed_again_for_the_address(
    engine: AsyncEngine, plans: Plans, browser: httpx.AsyncClient
) -> None:
    case = await factories.accepted_case(engine, plans)
    other = await factories.accepted_case(engine, plans)

    for _ in range(2):
        stopped = await browser.post(f"{link(case)}/telling", data={"way": "sms", "want": "stop"})
    rows = await opted_out(engine)
    of_other = await browser.get(link(other))
    await browser.post(f"{link(other)}/telling", data={"way": "sms", "want": "allow"})

    assert "以后不再这样通知您" in (await browser.get(stopped.headers["location"])).text
    assert rows == [(PRIVACY.fingerprint("sms", "+8613800138000"), "sms", "live", "unsubscribed")]
    assert "恢复短信" in of_other.text
    assert "停止邮件" in of_other.text
    assert await opted_out(engine) == []


async def test_a_form_of_another_site_does_nothing(
    engine: AsyncEngine, plans: Plans, browser: httpx.AsyncClient
) -> None:
    case = await factories.accepted_case(engine, plans)
    elsewhere = [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}]
    ours: list[dict[str, str]] = [
        {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
        {"Origin": "null"},
        {"Origin": "https://care.example.com"},
    ]

    refused = [
        await browser.post(f"{link(case)}/withdraw", data={"text": ""}, headers=headers) for headers in elsewhere
    ]
    status = (await view(engine, case)).status
    taken = [await browser.post(f"{link(case)}/withdraw", data={"text": ""}, headers=headers) for headers in ours]

    assert [answer.status_code for answer in refused] == [403, 403, 403]
    assert status == "in_progress"
    assert [answer.status_code for answer in taken] == [303, 303, 303]


async def test_a_token_that_is_unknown_or_revoked_does_nothing(
    engine: AsyncEngine, plans: Plans, browser: httpx.AsyncClient
) -> None:
    case = await factories.accepted_case(engine, plans)
    async with engine.begin() as connection:
        await connection.execute(sa.update(Complaint).where(Complaint.id == case).values(track_epoch=1))

    answers = [await browser.post(f"{link(case)}/{form}", data={"text": "x"}) for form in ("messages", "withdraw")]
    answers += [await browser.post(f"{link(case, 1)}/nothing"), await browser.get(f"{link(case)}/withdraw")]

    assert [answer.status_code for answer in answers] == [404, 404, 404, 404]
    assert await happened(engine, case) == ["received", "classified", "dispatched", "accepted"]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"{}", "application/json"),
        (b"text=x", "multipart/form-data"),
        (b"--x\r\nrubbish", "multipart/form-data; boundary=x"),
        (b"text=" + b"x" * 4 * MIB, "application/x-www-form-urlencoded"),
        (b"&".join(b"a=1" for _ in range(50)), "application/x-www-form-urlencoded"),
        (b"way=pigeon", "application/x-www-form-urlencoded"),
    ],
)
async def test_what_is_no_form_of_ours_is_refused_in_both_languages(
    engine: AsyncEngine, plans: Plans, browser: httpx.AsyncClient, content: bytes, kind: str
) -> None:
    case = await factories.received_case(engine)

    answer = await browser.post(f"{link(case)}/telling", content=content, headers={"Content-Type": kind})

    assert answer.status_code == 400
    assert "未能读取您提交的内容" in answer.text
    assert "We couldn&#39;t read what was sent" in answer.text


async def test_one_case_has_only_so_many_forms_on_their_way(
    engine: AsyncEngine, plans: Plans, browser: httpx.AsyncClient
) -> None:
    case = await factories.received_case(engine)
    begun, go_on = asyncio.Semaphore(0), asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield b"text=a"
        begun.release()
        await go_on.wait()
        yield b"b"

    async def send() -> httpx.Response:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        return await browser.post(f"{link(case)}/messages", content=slowly(), headers=form)

    on_their_way = [asyncio.create_task(send()) for _ in range(4)]
    for _ in on_their_way:
        await asyncio.wait_for(begun.acquire(), 10)
    too_many = await browser.post(f"{link(case)}/messages", data={"text": "x"})
    go_on.set()
    answers = await asyncio.gather(*on_their_way)
    afterwards = await browser.post(f"{link(case)}/messages", data={"text": "x"})

    assert too_many.status_code == 503
    assert [answer.status_code for answer in (*answers, afterwards)] == [303] * 5


async def test_the_language_is_kept_from_page_to_page(
    engine: AsyncEngine, plans: Plans, browser: httpx.AsyncClient
) -> None:
    case = await factories.accepted_case(engine, plans)

    page = await browser.get(f"{link(case)}?lang=en")
    sent = await browser.post(f"{link(case)}/messages?lang=en", data={"text": "x"})
    back = await browser.get(f"{link(case)}/messages?lang=en")

    assert f'action="{link(case)}/messages?lang=en"' in page.text
    assert f'href="{link(case)}/withdraw?lang=en"' in page.text
    assert sent.headers["location"] == f"{link(case)}?lang=en&done=sent"
    assert (back.status_code, back.headers["location"]) == (303, f"{link(case)}?lang=en")


async def test_without_the_database_what_was_written_is_handed_back(plans: Plans, tmp_path: Path) -> None:
    away = create_engine("postgresql://nobody@/nothing?host=/nonexistent")

    async with browsing(away, Plans(), tmp_path) as browser:
        plain = await browser.post(f"{link(UUID(int=5))}/messages", data={"text": WORDS})
        with_file = await browser.post(
            f"{link(UUID(int=5))}/messages", data={"text": WORDS}, files={"file": ("a.png", png())}
        )
    await away.dispose()

    for answer in (plain, with_file):
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
        (kept,) = re.findall(r'<input type="hidden" name="text" value="(.*?)">', answer.text, re.DOTALL)
        assert html.unescape(kept) == WORDS


async def test_a_page_takes_as_many_statements_for_a_long_record_as_for_a_short_one(
    engine: AsyncEngine, plans: Plans, browser: httpx.AsyncClient, now: Clock
) -> None:
    short_one, long_one = await waiting(engine, plans), await waiting(engine, plans)
    for number in range(30):
        now.time += timedelta(minutes=1)
        await browser.post(f"{link(long_one)}/messages", data={"text": f"{number}"})
    statements: list[str] = []

    @sa.event.listens_for(engine.sync_engine, "before_cursor_execute")
    def note(*args: Any) -> None:
        statements.append(args[2])

    counts = []
    for case in (short_one, long_one):
        statements.clear()
        assert (await browser.get(link(case))).status_code == 200
        counts.append(len([one for one in statements if "FROM plan_version" not in one]))

    assert counts == [4, 4], "the case, its record, its notices, who wants no messages"


async def opted_out(engine: AsyncEngine) -> list[tuple[Any, ...]]:
    async with engine.connect() as connection:
        rows = await connection.execute(sa.select(OptOut.recipient, OptOut.way, OptOut.realm, OptOut.cause))
        return [tuple(row) for row in rows]
