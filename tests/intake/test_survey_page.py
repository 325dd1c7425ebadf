"""The survey's page: what it asks, what it takes, and that nothing answers but its form."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from intake_api.attachments import Attacher
from intake_api.survey_page import survey_router
from services.base.database import create_engine
from services.base.files.receiving import FileDoor
from services.base.files.store import LocalFiles
from services.base.identity import new_id
from services.base.stream.bell import Bell
from services.plan.versions import Plans
from services.surveys.model import Survey
from tests.casework.conftest import plans
from tests.casework.factories import PRIVACY
from tests.casework.readings import view
from tests.casework.scenes import DAY, events
from tests.surveys.factories import ASKED_AT, answer, asked, surveys

__all__ = ["plans"]

LATER = ASKED_AT + DAY
COMMENT = "修得很快 👍\n就是等了两天。𠮷"
GOOD = {"satisfaction": "5", "solved": "yes", "text": COMMENT}


@pytest.fixture
async def browser(engine: AsyncEngine, plans: Plans, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with browsing(engine, plans, tmp_path) as client:
        yield client


async def test_the_questions_are_asked_in_the_customers_language_and_can_be_switched(
    engine: AsyncEngine, plans: Plans, browser: httpx.AsyncClient
) -> None:
    case, survey = await asked(engine, plans)

    chinese, english = await browser.get(link(survey)), await browser.get(link(survey) + "?lang=en")

    reference = (await view(engine, case)).reference
    for words in (
        "示例电信",
        reference,
        "您对这次处理满意吗？",
        "非常不满意",
        "您的问题解决了吗？",
        "链接有效期至 2026年12月7日",
    ):
        assert words in chinese.text
    for words in ("Example Telecom", reference, "Very dissatisfied", "Is your problem solved?", 'href="?lang=zh"'):
        assert words in english.text
    assert (chinese.status_code, chinese.headers["content-language"]) == (200, "zh-CN")
    assert english.headers["content-language"] == "en"
    for hidden in ("李伟", "13800138000", "li.wei", "断网"):
        assert hidden not in chinese.text


async def test_looking_answers_nothing(engine: AsyncEngine, plans: Plans, browser: httpx.AsyncClient) -> None:
    case, survey = await asked(engine, plans)

    for method in ("GET", "HEAD"):
        looked = await browser.request(method, f"{link(survey)}?satisfaction=1&solved=no&text=x")
        assert looked.status_code == 200

    (kept,) = await surveys(engine, case)
    assert (kept.status, kept.satisfaction) == ("asked", None)


async def test_an_answer_is_kept_and_thanked_for_however_often_it_is_sent(
    engine: AsyncEngine, plans: Plans, browser: httpx.AsyncClient
) -> None:
    case, survey = await asked(engine, plans)
    form = {**GOOD, "text": COMMENT.replace("\n", "\r\n")}

    answers = await asyncio.gather(*[browser.post(link(survey), data=form) for _ in range(3)])

    assert [(one.status_code, one.headers["location"]) for one in answers] == [(303, link(survey))] * 3
    (kept,) = await surveys(engine, case)
    assert (kept.satisfaction, kept.solved, kept.comment) == (5, True, COMMENT)
    assert len(await events(engine, case, "survey_answered")) == 1
    thanks = await browser.get(link(survey))
    assert thanks.status_code == 200
    assert "感谢您的评价" in thanks.text
    assert "您的评价：“非常满意”，问题已解决。" in thanks.text
    assert "/track/" not in thanks.text


async def test_another_answer_is_told_that_the_first_one_counts(
    engine: AsyncEngine, plans: Plans, browser: httpx.AsyncClient
) -> None:
    _, survey = await asked(engine, plans)
    await browser.post(link(survey), data=GOOD)

    again = await browser.post(f"{link(survey)}?lang=en", data={"satisfaction": "1", "solved": "no"})
    thanks = await browser.get(again.headers["location"])

    assert again.headers["location"] == f"{link(survey)}?lang=en&done=before"
    assert "your first answer counts" in thanks.text
    assert "“Very satisfied”, and your problem is solved" in thanks.text


async def test_what_was_not_solved_is_taken_up_again_and_said_so(
    engine: AsyncEngine, plans: Plans, browser: httpx.AsyncClient
) -> None:
    case, survey = await asked(engine, plans)

    await browser.post(link(survey), data={"satisfaction": "3", "solved": "no", "text": "今天又断网了。"})

    thanks = await browser.get(link(survey))
    assert (await view(engine, case)).status == "in_progress"
    assert "您的投诉已重新受理" in thanks.text
    assert f'href="/track/{PRIVACY.track_token(case, 0)}"' in thanks.text


async def test_who_is_not_satisfied_hears_that_somebody_will_call(
    engine: AsyncEngine, plans: Plans, browser: httpx.AsyncClient
) -> None:
    _, survey = await asked(engine, plans)
    await answer(engine, plans, survey, satisfaction=1)

    thanks = await browser.get(link(survey))

    assert "客服人员会跟进您反映的情况" in thanks.text
    assert "/track/" not in thanks.text


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"satisfaction": ""}, "satisfaction", "请选择您的满意程度。"),
        ({"satisfaction": "6"}, "satisfaction", "请选择您的满意程度。"),
        ({"satisfaction": "五"}, "satisfaction", "请选择您的满意程度。"),
        ({"solved": ""}, "solved", "请选择问题是否解决。"),
        ({"solved": "maybe"}, "solved", "请选择问题是否解决。"),
        ({"text": "字" * 2001}, "text", "内容有 2001 个字，最多 2000 个字"),
        ({"text": "a\x00b"}, "text", "内容里有无法保存的控制字符"),
    ],
)
async def test_what_is_wrong_is_said_at_its_field_with_the_rest_kept(
    engine: AsyncEngine, plans: Plans, browser: httpx.AsyncClient, changes: dict[str, str], field: str, words: str
) -> None:
    case, survey = await asked(engine, plans)
    form = {**GOOD, **changes}

    refused = await browser.post(link(survey), data=form)

    assert refused.status_code == 422
    assert f'<a href="#{field}">{words}' in refused.text
    assert f'<p class="error" id="{field}-error">{words}' in refused.text
    checked = re.findall(r'name="(\w+)" value="(\w+)"[^>]* checked', refused.text)
    assert checked == [(name, form[name]) for name in ("satisfaction", "solved") if name not in changes]
    assert form["text"] in html.unescape(refused.text)
    (kept,) = await surveys(engine, case)
    assert kept.status == "asked"


async def test_everything_that_is_wrong_is_said_at_once(
    engine: AsyncEngine, plans: Plans, browser: httpx.AsyncClient
) -> None:
    _, survey = await asked(engine, plans)

    refused = await browser.post(f"{link(survey)}?lang=en", data={"text": "x" * 2001})

    assert refused.text.count('<li><a href="#') == 3
    assert "It wasn&#39;t sent yet" in refused.text


@pytest.mark.parametrize("changes", [{"expires_at": LATER}, {"status": "expired", "next_at": None}])
async def test_after_its_time_a_survey_says_that_it_is_over(
    engine: AsyncEngine, plans: Plans, browser: httpx.AsyncClient, changes: dict[str, Any]
) -> None:
    case, survey = await asked(engine, plans)
    await change(engine, survey, **changes)

    page = await browser.get(link(survey))
    late = await browser.post(link(survey), data=GOOD)

    assert page.status_code == 410
    assert "这次回访已经结束" in page.text
    assert (await view(engine, case)).reference in page.text
    then = await browser.get(late.headers["location"])
    assert then.status_code == 410, then.text
    assert not (await surveys(engine, case))[0].satisfaction


async def test_what_was_cancelled_says_so_and_what_was_never_asked_is_not_found(
    engine: AsyncEngine, plans: Plans, browser: httpx.AsyncClient
) -> None:
    _, cancelled = await asked(engine, plans)
    await change(engine, cancelled, status="cancelled", asked_at=None, next_at=None)
    _, planned = await asked(engine, plans)
    await change(engine, planned, status="planned", asked_at=None)
    forged = link(cancelled)[:-2] + "AA"

    assert "这次回访已经取消" in (await browser.get(f"{link(cancelled)}?lang=zh")).text
    for address in (link(planned), forged, link(new_id()), "/survey/abc", "/survey/%F0%9F%98%80"):
        for missing in (await browser.get(address), await browser.post(address, data=GOOD)):
            assert missing.status_code == 404
            assert "找不到这次回访" in missing.text
            assert "We can&#39;t find this survey" in missing.text


async def test_a_form_of_another_site_does_nothing(
    engine: AsyncEngine, plans: Plans, browser: httpx.AsyncClient
) -> None:
    case, survey = await asked(engine, plans)

    refused = await browser.post(link(survey), data=GOOD, headers={"Sec-Fetch-Site": "cross-site"})

    assert refused.status_code == 403
    assert (await surveys(engine, case))[0].status == "asked"


async def test_without_the_database_what_was_chosen_is_handed_back(tmp_path: Path) -> None:
    away = create_engine("postgresql://nobody@/nothing?host=/nonexistent")

    async with browsing(away, Plans(), tmp_path) as browser:
        looked, sent = await browser.get(link(new_id())), await browser.post(link(new_id()), data=GOOD)
    await away.dispose()

    assert (looked.status_code, sent.status_code) == (503, 503)
    kept = re.findall(r'<input type="hidden" name="(\w+)" value="(.*?)">', sent.text, re.DOTALL)
    assert {name: html.unescape(value) for name, value in kept} == GOOD


@asynccontextmanager
async def browsing(
    engine: AsyncEngine, plans: Plans, folder: Path, clock: Callable[[], datetime] = lambda: LATER
) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    attacher = Attacher(engine, plans, FileDoor(LocalFiles(folder / "files")), Bell(), clock)
    app.include_router(survey_router(attacher, PRIVACY))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="https://care.example.com") as client:
        yield client


async def change(engine: AsyncEngine, survey: UUID, **values: Any) -> None:
    async with engine.begin() as connection:
        await connection.execute(sa.update(Survey).where(Survey.id == survey).values(**values))


def link(survey: UUID) -> str:
    return f"/survey/{PRIVACY.survey_token(survey)}"
