"""Directives over HTTP: issuing, acknowledging, reporting, closing; and what the leadership group sees."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.casework.directives.model import Directive
from services.complaints.model import Complaint
from services.plan.versions import Plans
from tests.casework.factories import NOW, received_case
from tests.casework.owed import issued, open_task
from tests.desk.factories import Headers, key_of

DIRECTIVES = "/v1/directives"
ORDER = "海淀片区光缆中断，今晚22时前恢复。"
ISSUE = {"text": ORDER, "groups": ["technical_support"], "due_at": "2026-11-23T22:00:00+08:00"}
LEADER, HEAD, ENGINEER, AGENT, DIRECTOR = "zhou.min", "zheng.kai", "xu.lei", "wang.fang", "qin.haifeng"


async def post(
    desk: httpx.AsyncClient,
    directive: UUID | str,
    action: str,
    key: Headers,
    body: Any = None,
    if_match: str | None = "*",
) -> httpx.Response:
    headers = key if if_match is None else {**key, "If-Match": if_match}
    content = {} if body is None else {"json": body}
    return await desk.post(f"{DIRECTIVES}/{directive}/{action}", headers=headers, **content)


async def number_of_directives(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        return await connection.scalar(sa.select(sa.func.count()).select_from(Directive)) or 0


async def test_a_directive_is_issued_acknowledged_reported_on_and_closed(
    desk: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    case = await received_case(engine)
    leader, engineer = await key_of(engine, "staff", LEADER), await key_of(engine, "staff", ENGINEER)

    answer = await desk.post(DIRECTIVES, headers=leader, json={**ISSUE, "complaint": str(case)})
    at = answer.headers["location"]
    assert (answer.status_code, answer.headers["etag"]) == (201, '"1"')
    first = answer.json()
    assert (first["text"], first["groups"], first["due_at"]) == (ORDER, ["technical_support"], "2026-11-23T14:00:00Z")
    assert (first["complaint"], first["acknowledgements"]["acknowledged"], len(first["people"])) == (str(case), 0, 6)
    for action, key, body in (
        ("acknowledge", engineer, None),
        ("progress", engineer, {"text": "已到现场。"}),
        ("close", leader, {"text": "已全部恢复。"}),
    ):
        answer = await post(desk, first["id"], action, key, body, answer.headers["etag"])
        assert answer.status_code == 200, answer.text

    shown = await desk.get(at, headers=engineer)
    assert (shown.json(), shown.headers["etag"]) == (answer.json(), '"4"')
    assert shown.json()["acknowledgements"] == {
        "of": 6,
        "acknowledged": 1,
        "missing": ["gao.xiang", "luo.jianjun", "song.yu", "tang.yong", HEAD],
    }
    assert shown.json()["progress"] == [
        {"at": "2026-11-23T08:30:00Z", "by": ENGINEER, "group": "technical_support", "text": "已到现场。"}
    ]
    assert (shown.json()["status"], shown.json()["closing"]) == ("closed", "已全部恢复。")


async def test_the_same_key_and_body_give_the_first_answer_again(desk: httpx.AsyncClient, engine: AsyncEngine) -> None:
    leader = await key_of(engine, "staff", LEADER)
    key = {**leader, "Idempotency-Key": "key-1"}

    first = await desk.post(DIRECTIVES, headers=key, json=ISSUE)
    await post(desk, first.json()["id"], "acknowledge", await key_of(engine, "staff", ENGINEER))
    await post(desk, first.json()["id"], "close", leader, {"text": "已恢复。"})
    again = await desk.post(DIRECTIVES, headers=key, json=ISSUE)
    other = await desk.post(DIRECTIVES, headers=key, json={**ISSUE, "groups": ["finance"]})

    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert (other.status_code, other.json()["type"]) == (422, "urn:redress:problem:idempotency-key-used")
    assert await number_of_directives(engine) == 1


async def test_ten_posts_at_once_under_one_key_issue_one_directive(
    desk: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    key = {**await key_of(engine, "staff", LEADER), "Idempotency-Key": "key-1"}

    answers = await asyncio.gather(*(desk.post(DIRECTIVES, headers=key, json=ISSUE) for _ in range(10)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert await number_of_directives(engine) == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"due_at": "2026-11-23T08:29:00Z"}, "due_at"),
        ({"due_at": "2026-11-23T22:00:00"}, "due_at"),
        ({"groups": []}, "groups"),
        ({"groups": ["tecnical_support"]}, "groups"),
        ({"text": "  "}, "text"),
        ({"complaint": "RD-1111-1111-2"}, "complaint"),
        ({"urgent": True}, "urgent"),
    ],
)
async def test_what_can_not_be_is_refused_by_its_field(
    desk: httpx.AsyncClient, engine: AsyncEngine, change: dict[str, Any], field: str
) -> None:
    answer = await desk.post(DIRECTIVES, headers=await key_of(engine, "staff", LEADER), json={**ISSUE, **change})

    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert await number_of_directives(engine) == 0


async def test_who_may_not_is_refused_with_whom_to_ask(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans
) -> None:
    directive = await issued(engine, plans)
    agent = await key_of(engine, "staff", AGENT)

    refused = [
        await desk.post(DIRECTIVES, headers=agent, json=ISSUE),
        await post(desk, directive, "acknowledge", agent),
        await post(desk, directive, "close", await key_of(engine, "staff", HEAD), {"text": "…"}),
    ]

    assert [answer.status_code for answer in refused] == [403] * 3
    assert ["zhou.min" in answer.json()["detail"] for answer in refused] == [True, False, True]
    assert "have one of them acknowledge it" in refused[1].json()["detail"]


async def test_channels_and_integrators_have_no_directives(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans
) -> None:
    directive = await issued(engine, plans)

    for role in ("channel", "integrator"):
        key = await key_of(engine, role)
        answers = [
            await desk.get(DIRECTIVES, headers=key),
            await desk.get(f"{DIRECTIVES}/{directive}", headers=key),
            await desk.post(DIRECTIVES, headers=key, json=ISSUE),
            await post(desk, directive, "acknowledge", key),
            await desk.get("/v1/leadership", headers=key),
        ]
        assert {answer.status_code for answer in answers} == {403}


async def test_an_action_needs_the_version_that_was_seen(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans
) -> None:
    directive, key = await issued(engine, plans), await key_of(engine, "staff", ENGINEER)

    missing = await post(desk, directive, "progress", key, {"text": "已到现场。"}, if_match=None)
    answers = [await post(desk, directive, "progress", key, {"text": "已到现场。"}, if_match='"1"') for _ in range(2)]

    assert missing.status_code == 428
    assert [answer.status_code for answer in answers] == [200, 412]
    assert len(answers[0].json()["progress"]) == 1


async def test_acknowledging_again_is_answered_the_same(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans
) -> None:
    directive, key = await issued(engine, plans), await key_of(engine, "staff", ENGINEER)

    answers = [await post(desk, directive, "acknowledge", key) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].content == answers[1].content


async def test_unknown_directives_and_actions_are_not_found(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans
) -> None:
    directive, key = await issued(engine, plans), await key_of(engine, "staff", ENGINEER)
    drill = await key_of(engine, "staff", ENGINEER, "drill")

    answers = [
        await post(desk, directive, "delete", key),
        await post(desk, UUID(int=1), "acknowledge", key),
        await post(desk, directive, "acknowledge", drill),
        await desk.get(f"{DIRECTIVES}/{directive}", headers=drill),
    ]

    assert [answer.status_code for answer in answers] == [404] * 4


async def test_the_list_holds_directives_the_newest_first_page_by_page(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans
) -> None:
    made = [str(await issued(engine, plans, group)) for group in ("finance", "technical_support", "finance")]
    key = await key_of(engine, "staff", ENGINEER)

    first = (await desk.get(DIRECTIVES, headers=key, params={"limit": 2})).json()
    second = (await desk.get(DIRECTIVES, headers=key, params={"limit": 2, "cursor": first["next_cursor"]})).json()
    mine = (await desk.get(DIRECTIVES, headers=key, params={"login": ENGINEER, "status": "open"})).json()

    assert [item["id"] for item in (*first["items"], *second["items"])] == made[::-1]
    assert second["next_cursor"] is None
    assert [item["id"] for item in mine["items"]] == [made[1]]
    assert "people" not in mine["items"][0]
    assert mine["items"][0]["acknowledgements"]["of"] == 6


async def test_a_task_can_carry_out_a_directive_that_is_open(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans
) -> None:
    directive, key = await issued(engine, plans), await key_of(engine, "staff", ENGINEER)
    task = {"kind": "other", "title": "抢修光缆。", "group": "technical_support", "directive": str(directive)}

    opened = await desk.post("/v1/tasks", headers=key, json=task)
    found = await desk.get("/v1/tasks", headers=key, params={"directive": str(directive)})
    await post(desk, directive, "close", await key_of(engine, "staff", LEADER), {"text": "已恢复。"})
    closed = await desk.post("/v1/tasks", headers=key, json=task)

    assert (opened.status_code, opened.json()["directive"]) == (201, str(directive))
    assert [item["id"] for item in found.json()["items"]] == [opened.json()["id"]]
    assert closed.status_code == 422


@pytest.mark.parametrize(
    ("login", "status"), [(LEADER, 200), ("shen.wenbo", 200), (DIRECTOR, 200), (HEAD, 403), (AGENT, 403)]
)
async def test_the_leadership_group_and_senior_management_see_what_there_is(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans, login: str, status: int
) -> None:
    case = await received_case(engine)
    async with engine.begin() as connection:
        await connection.execute(sa.update(Complaint).where(Complaint.id == case).values(reported_at=NOW))
    directive = await issued(engine, plans)
    await open_task(engine, plans, "pay", due_at=NOW.replace(day=20))

    answer = await desk.get("/v1/leadership", headers=await key_of(engine, "staff", login))

    assert answer.status_code == status
    if status == 403:
        assert "ask 'zhou.min'" in answer.json()["detail"]
        return
    seen = answer.json()
    assert [item["id"] for item in seen["cases"]["items"]] == [str(case)]
    assert "customer" not in seen["cases"]["items"][0]
    assert [item["id"] for item in seen["directives"]["items"]] == [str(directive)]
    assert (seen["directives"]["next_cursor"], seen["directives"]["items"][0]["latest_progress"]) == (None, None)
    assert seen["overdue_tasks"] == [{"group": "finance", "count": 1, "oldest_due_at": "2026-11-20T08:30:00Z"}]


async def test_an_administrator_sees_what_the_leadership_group_sees(
    desk: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    answer = await desk.get("/v1/leadership", headers=await key_of(engine, "admin"))

    assert answer.json() == {
        "cases": {"items": [], "next_cursor": None},
        "directives": {"items": [], "next_cursor": None},
        "overdue_tasks": [],
    }
