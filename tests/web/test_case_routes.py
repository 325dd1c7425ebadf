"""Following a case: who sees what of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from classifier_worker.handler import ClassifierHandler
from services.base.identity import new_id
from services.base.stream.event import Event
from services.casework.handlers.conversing import Note
from services.complaints.events import Received
from services.judgements.judges import Judges
from services.judgements.models import CategoryModels
from services.notices.model import Notice
from services.people.keys import KeyRing
from services.plan.versions import Plans
from tests.casework import factories
from tests.casework.factories import ENGINEER, PRIVACY, RECEIVED_AT, case_of, do
from tests.desk.factories import channel_key, key_of
from web import problems
from web.case_routes import case_router
from web.documentation import ONE_CASE

PUBLIC_URL = "https://complaints.example.com"


@pytest.fixture
async def plans(engine: AsyncEngine) -> Plans:
    made = Plans()
    await factories.sync_duty(engine, made)
    return made


@pytest.fixture
async def client(engine: AsyncEngine, plans: Plans) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    problems.install(app)
    app.include_router(
        case_router(engine=engine, privacy=PRIVACY, plans=plans, key_ring=KeyRing(engine), public_url=PUBLIC_URL)
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app") as made:
        yield made


async def test_a_fresh_case_shows_what_was_posted_and_null_for_what_is_not_known(
    client: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    key_id, key = await channel_key(engine)
    case = await factories.received_case(engine, api_key_id=key_id)

    answer = await client.get(f"/v1/complaints/{case}", headers=key)

    shown = answer.json()
    assert answer.headers["etag"] == '"1"'
    assert list(shown) == list(ONE_CASE)
    assert (shown["id"], shown["external_id"], shown["status"]) == (str(case), str(case), "received")
    assert shown["received_at"] == "2026-11-23T08:00:00Z"
    assert shown["customer"] == {
        "name": "李伟",
        "phone": "+8613800138000",
        "email": "li.wei@example.com",
        "account": "BJ-5520-7781",
        "standing": None,
        "language": "zh",
    }
    for unknown in ("category", "judgement", "group", "assignee", "incident", "resolution", "reply_to"):
        assert shown[unknown] is None
    assert shown["deadlines"] == []
    token = shown["track_url"].removeprefix(f"{PUBLIC_URL}/track/")
    assert PRIVACY.token_matches(token, case, 0)


async def test_reasons_stand_where_the_customer_wrote_them(client: httpx.AsyncClient, engine: AsyncEngine) -> None:
    content = "我是李伟，手机13912345678，@客服 家里断网了，李伟急等"
    case = await factories.received_case(engine, content=content)
    judges = Judges(Plans(), CategoryModels())
    async with engine.begin() as connection:
        event = Event(new_id(), Received.TYPE, case, 1, factories.RECEIVED_AT, "live", b"{}")
        await ClassifierHandler(judges, PRIVACY).handle(connection, [event])

    shown = (await client.get(f"/v1/complaints/{case}", headers=await key_of(engine, "integrator"))).json()

    reasons = [*shown["judgement"]["reasons"], *shown["judgement"]["severity_reasons"]]
    assert any("断网" in reason["words"] for reason in reasons)
    assert all(content[reason["start"] : reason["end"]] == reason["words"] for reason in reasons)


async def test_a_judged_case_shows_why(client: httpx.AsyncClient, engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.dispatched_case(engine, plans)

    shown = (await client.get(f"/v1/complaints/{case}", headers=await key_of(engine, "integrator"))).json()

    assert shown["judgement"]["model"] == "lexicon-1"
    assert set(shown["judgement"]) >= {"category", "best_guess", "confidence", "reasons", "model"}
    assert shown["assignment"]["rule"] == "least_loaded"
    kinds = [deadline["kind"] for deadline in shown["deadlines"]]
    assert kinds[:2] == ["acknowledge", "respond"]
    assert set(kinds[2:]) == {"estimate", "step", "update", "resolve", "repair", "regulator"}


async def test_a_case_is_found_by_its_reference_in_any_spelling(client: httpx.AsyncClient, engine: AsyncEngine) -> None:
    case = await factories.received_case(engine)
    reference = (await case_of(engine, case)).reference
    key = await key_of(engine, "admin")

    for spelling in (reference, reference.lower(), reference.replace("-", ""), reference.removeprefix("RD-")):
        assert (await client.get(f"/v1/complaints/{spelling}", headers=key)).json()["id"] == str(case)


@pytest.mark.parametrize("path", ["", "/timeline"])
async def test_a_channel_sees_its_own_cases_and_does_not_learn_of_others(
    client: httpx.AsyncClient, engine: AsyncEngine, path: str
) -> None:
    key_id, key = await channel_key(engine)
    own = await factories.received_case(engine, api_key_id=key_id)
    other = await factories.received_case(engine)

    seen = await client.get(f"/v1/complaints/{own}{path}", headers=key)
    unseen = await client.get(f"/v1/complaints/{other}{path}", headers=key)
    absent = await client.get(f"/v1/complaints/{UUID(int=1)}{path}", headers=key)

    assert [answer.status_code for answer in (seen, unseen, absent)] == [200, 404, 404]
    assert unseen.json()["detail"].replace(str(other), "") == absent.json()["detail"].replace(str(UUID(int=1)), "")


async def test_nobody_sees_cases_of_another_realm(client: httpx.AsyncClient, engine: AsyncEngine) -> None:
    case = await factories.received_case(engine, realm="sandbox")

    live = await client.get(f"/v1/complaints/{case}", headers=await key_of(engine, "admin"))
    sandbox = await client.get(f"/v1/complaints/{case}", headers=await key_of(engine, "admin", realm="sandbox"))

    assert (live.status_code, sandbox.status_code) == (404, 200)


async def test_the_timeline_tells_what_happened_and_what_the_customer_was_told_in_order(
    client: httpx.AsyncClient, engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.accepted_case(engine, plans)
    await notice(engine, case, "acknowledgement", 1, 1)
    await notice(engine, case, "dispatched", 3, 40)

    answer = await client.get(f"/v1/complaints/{case}/timeline", headers=await key_of(engine, "staff", ENGINEER))

    items = answer.json()["items"]
    assert [(item["number"], item["type"].split(".")[-2:][0]) for item in items] == [
        (1, "received"),
        (2, "classified"),
        (3, "dispatched"),
        (None, "notice"),
        (4, "accepted"),
        (None, "notice"),
    ]
    assert items[3]["data"] == {
        "kind": "acknowledgement",
        "way": "email",
        "status": "sent",
        "sent_at": "2026-11-23T08:01:00Z",
        "delivered_at": None,
        "about": 1,
    }
    assert items[4]["actor"] == f"staff:{ENGINEER}"


async def test_the_words_of_notes_are_shown_to_staff_and_not_to_channels(
    client: httpx.AsyncClient, engine: AsyncEngine, plans: Plans
) -> None:
    key_id, channel = await channel_key(engine)
    case = await factories.received_case(engine, api_key_id=key_id)
    await do(engine, plans, case, Note(text="客户情绪激动。"), factories.AGENT)
    seen = {}

    for name, key in (("channel", channel), ("staff", await key_of(engine, "staff", ENGINEER))):
        items = (await client.get(f"/v1/complaints/{case}/timeline", headers=key)).json()["items"]
        seen[name] = [item["details"] for item in items]

    assert seen == {"channel": [None, None], "staff": [None, {"text": "客户情绪激动。"}]}


async def notice(engine: AsyncEngine, case: UUID, kind: str, number: int, minutes: int) -> None:
    at = RECEIVED_AT + timedelta(minutes=minutes)
    async with engine.begin() as connection:
        await connection.execute(
            sa.insert(Notice).values(
                id=new_id(),
                complaint_id=case,
                kind=kind,
                cause=new_id(),
                number=number,
                realm="live",
                language="zh",
                way="email",
                facts={},
                status="sent",
                version=2,
                requested_at=at,
                due_at=at,
                sent_at=at,
            )
        )
