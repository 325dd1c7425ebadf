"""The record over HTTP: who gets it, in which form and language, with which headers, and that words stay words."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from services.casework.handlers.conversing import Note
from services.people.keys import KeyRing
from services.plan.versions import Plans
from tests.casework import factories
from tests.casework.factories import ADMIN, ENGINEER, LEADER, PRIVACY, case_of, do
from tests.desk.factories import channel_key, key_of
from tests.web.record_cases import FINANCE
from web import problems
from web.record_routes import record_router

HOSTILE = "<script>alert('x')</script> {{ 7 * 7 }} {% raw %} <b>&amp;</b> ]]> \" onload=x"


@pytest.fixture
async def plans(engine: AsyncEngine) -> Plans:
    made = Plans()
    await factories.sync_duty(engine, made)
    return made


@pytest.fixture
async def client(engine: AsyncEngine, plans: Plans) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    problems.install(app)
    app.include_router(record_router(engine=engine, privacy=PRIVACY, plans=plans, key_ring=KeyRing(engine)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app") as made:
        yield made


@pytest.mark.parametrize("login", [ENGINEER, FINANCE, LEADER, None])
async def test_staff_of_any_group_leadership_and_administrators_get_it(
    client: httpx.AsyncClient, engine: AsyncEngine, login: str | None
) -> None:
    case = await factories.received_case(engine)
    key = await key_of(engine, "admin" if login is None else "staff", login)

    answer = await client.get(f"/v1/complaints/{case}/record", headers=key)

    assert answer.status_code == 200
    record = answer.json()
    assert record["customer"]["name"] == "李伟"
    assert record["satisfaction"] is None
    assert record["timeline"][0]["sentence"]["zh"] == "通过客服热线收到投诉并登记，业务：宽带互联网。"
    assert record["heading"]["received_at"] == "2026-11-23T08:00:00Z"


async def test_a_channel_does_not_get_it_even_of_its_own_case(client: httpx.AsyncClient, engine: AsyncEngine) -> None:
    key_id, key = await channel_key(engine)
    case = await factories.received_case(engine, api_key_id=key_id)

    assert (await client.get(f"/v1/complaints/{case}/record", headers=key)).status_code == 403
    assert (await client.get(f"/v1/complaints/{case}/record")).status_code == 401


async def test_an_integrator_gets_json_without_personal_data_and_nothing_else(
    client: httpx.AsyncClient, engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.received_case(engine, content="我是李伟，断网了。")
    await do(engine, plans, case, Note(text="李伟住西三旗。"), ADMIN)
    key = await key_of(engine, "integrator")

    answer = await client.get(f"/v1/complaints/{case}/record?personal=shown", headers=key | {"Accept": "text/html"})
    refused = await client.get(f"/v1/complaints/{case}/record?format=pdf", headers=key)

    assert answer.headers["content-type"] == "application/json"
    assert "李伟" not in answer.text
    assert answer.json()["customer"] is None
    assert refused.status_code == 403


async def test_nobody_gets_the_record_of_another_realm(client: httpx.AsyncClient, engine: AsyncEngine) -> None:
    case = await factories.received_case(engine, realm="drill")

    live = await client.get(f"/v1/complaints/{case}/record", headers=await key_of(engine, "admin"))
    drill = await client.get(
        f"/v1/complaints/{case}/record?format=html&language=zh", headers=await key_of(engine, "admin", realm="drill")
    )

    assert (live.status_code, drill.status_code) == (404, 200)
    assert "演练，非真实投诉" in drill.text


@pytest.mark.parametrize(
    ("query", "accept", "media"),
    [
        ("", None, "application/json"),
        ("", "*/*", "application/json"),
        ("", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", "text/html; charset=utf-8"),
        ("", "application/json;q=0.5, application/pdf", "application/pdf"),
        ("", "text/html;q=nonsense", "application/json"),
        ("?format=html", "application/pdf", "text/html; charset=utf-8"),
        ("?format=json", "text/html", "application/json"),
        ("?format=pdf", None, "application/pdf"),
    ],
)
async def test_the_form_is_the_one_asked_for(
    client: httpx.AsyncClient, engine: AsyncEngine, query: str, accept: str | None, media: str
) -> None:
    case = await factories.received_case(engine)
    reference = (await case_of(engine, case)).reference
    headers = await key_of(engine, "staff", ENGINEER) | ({} if accept is None else {"Accept": accept})

    answer = await client.get(f"/v1/complaints/{reference.lower()}/record{query}", headers=headers)

    ending = {"application/json": "json", "application/pdf": "pdf"}.get(media, "html")
    assert answer.headers["content-type"] == media
    assert answer.headers["content-disposition"] == f'inline; filename="{reference}-record.{ending}"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "private, no-store"
    assert set(answer.headers["vary"].split(", ")) >= {"Accept", "Authorization"}
    assert answer.content.startswith({"json": b"{", "pdf": b"%PDF-", "html": b"<!doctype html>"}[ending])


@pytest.mark.parametrize("query", ["?format=doc", "?language=fr", "?personal=none"])
async def test_what_there_is_not_is_refused(client: httpx.AsyncClient, engine: AsyncEngine, query: str) -> None:
    case = await factories.received_case(engine)

    answer = await client.get(f"/v1/complaints/{case}/record{query}", headers=await key_of(engine, "admin"))

    assert answer.status_code == 422


async def test_the_page_is_in_the_language_asked_for_or_the_plans(
    client: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    case = await factories.received_case(engine)
    key = await key_of(engine, "staff", ENGINEER)
    pages = {}

    for query in ("", "&language=zh", "&language=en"):
        answer = await client.get(f"/v1/complaints/{case}/record?format=html{query}", headers=key)
        pages[query] = (answer.headers["content-language"], answer.text)

    assert pages[""] == pages["&language=zh"]
    assert pages[""][0] == "zh-CN"
    assert '<html lang="zh-CN">' in pages[""][1]
    assert "投诉处理记录" in pages[""][1]
    assert pages["&language=en"][0] == "en"
    assert "Record of a complaint" in pages["&language=en"][1]


async def test_what_people_wrote_is_shown_as_they_wrote_it_and_never_run(
    client: httpx.AsyncClient, engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.received_case(engine, content=HOSTILE)
    await do(engine, plans, case, Note(text=HOSTILE), ADMIN)

    answer = await client.get(f"/v1/complaints/{case}/record?format=html", headers=await key_of(engine, "admin"))

    assert "<script" not in answer.text
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; {{ 7 * 7 }} {% raw %}" in answer.text
    assert "49" not in answer.text.partition("alert")[2].partition("\n")[0]
    assert "<b>&amp;</b>" not in answer.text


async def test_the_page_loads_nothing_and_lets_nothing_in(client: httpx.AsyncClient, engine: AsyncEngine) -> None:
    case = await factories.received_case(engine)

    answer = await client.get(f"/v1/complaints/{case}/record?format=html", headers=await key_of(engine, "admin"))

    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    for forbidden in ("http://", "https://", "src=", "url(", "@import", "<link", "style=", "<script"):
        assert forbidden not in answer.text


async def test_a_masked_copy_can_be_had_for_handing_on(client: httpx.AsyncClient, engine: AsyncEngine) -> None:
    case = await factories.received_case(engine, content="我是李伟，手机13912345678，断网了。")
    key = await key_of(engine, "staff", ENGINEER)

    page = (await client.get(f"/v1/complaints/{case}/record?format=html&personal=masked", headers=key)).text

    assert "个人信息已脱敏" in page
    for secret in ("李伟", "13912345678", "13800138000", "li.wei", "BJ-5520-7781"):
        assert secret not in page
