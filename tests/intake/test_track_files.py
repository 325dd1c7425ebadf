"""Files that customers add on the page of their case."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.plan.versions import Plans
from tests.base.file_samples import png
from tests.casework import factories
from tests.casework.conftest import plans
from tests.casework.readings import view
from tests.casework.scenes import events, happened
from tests.intake.track_pages import (
    MIB,
    WORDS,
    Clock,
    browser,
    link,
    now,
    waiting,
    written_in,
)

__all__ = ["browser", "now", "plans"]


async def test_a_file_goes_with_the_words_once(engine: AsyncEngine, plans: Plans, browser: httpx.AsyncClient) -> None:
    case = await waiting(engine, plans)
    form: Any = {"data": {"text": WORDS}, "files": {"file": ("光猫.png", png(), "image/jpeg")}}

    answers = [await browser.post(f"{link(case)}/messages", **form) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [303, 303]
    (attached,) = await events(engine, case, "attached")
    assert (attached.private, attached.data["media_type"]) == ({"name": "光猫.png"}, "image/png")
    assert len(await events(engine, case, "customer_replied")) == 1
    assert "已收到您的附件" in (await browser.get(link(case))).text


async def test_a_file_alone_is_an_answer(engine: AsyncEngine, plans: Plans, browser: httpx.AsyncClient) -> None:
    case = await waiting(engine, plans)

    await browser.post(f"{link(case)}/messages", data={"text": ""}, files={"file": ("a.png", png())})

    assert (await view(engine, case)).status == "in_progress"
    assert await events(engine, case, "customer_replied") == []


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        (b"", 422, "文件是空的"),
        (b"MZ" + bytes(500), 422, "不能接收这种文件，可以是 JPEG、PNG、GIF、WEBP、HEIC、PDF"),
        (png()[:-20], 422, "文件不完整或已损坏"),
        (b"\x89PNG\r\n\x1a\n" + bytes(10 * MIB), 413, "文件太大，最多 10 MB"),
        (bytes(12 * MIB), 413, "文件太大，最多 10 MB"),
    ],
    ids=["empty", "program", "cut", "a little too large", "far too large"],
)
async def test_a_file_that_is_not_taken_is_said_at_its_field_and_the_words_are_kept(
    engine: AsyncEngine, plans: Plans, browser: httpx.AsyncClient, content: bytes, status: int, words: str
) -> None:
    case = await waiting(engine, plans)
    before = await happened(engine, case)

    answer = await browser.post(
        f"{link(case)}/messages", data={"text": WORDS}, files={"file": ("账单.png", content, "image/png")}
    )

    assert answer.status_code == status
    assert f'<p class="error" id="messages-file-error">{words}' in answer.text
    assert written_in(answer, "messages-text") == WORDS
    assert await happened(engine, case) == before


async def test_words_that_are_not_taken_leave_their_file_to_be_chosen_again(
    engine: AsyncEngine, plans: Plans, browser: httpx.AsyncClient
) -> None:
    case = await waiting(engine, plans)

    answer = await browser.post(
        f"{link(case)}/messages", data={"text": "字" * 20_001}, files={"file": ("a.png", png())}
    )

    assert "文件还没有保存，请重新选择。" in answer.text
    assert await events(engine, case, "attached") == []


async def test_a_case_that_has_all_its_files_offers_no_more(
    engine: AsyncEngine, plans: Plans, browser: httpx.AsyncClient, now: Clock
) -> None:
    case = await factories.accepted_case(engine, plans)
    for seed in range(10):
        now.time += timedelta(minutes=1)
        await browser.post(f"{link(case)}/messages", files={"file": ("a.png", png(seed))})
    now.time += timedelta(minutes=1)

    page = await browser.get(link(case))
    another = await browser.post(f"{link(case)}/messages", files={"file": ("a.png", png(11))}, data={"text": WORDS})

    assert 'type="file"' not in page.text
    assert another.status_code == 409
    assert "已有 10 个文件" in another.text
    assert written_in(another, "messages-text") == WORDS
