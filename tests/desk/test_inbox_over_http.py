"""The inbox over HTTP: everybody's own alerts, the newest first, until they are seen and after."""

from __future__ import annotations

import httpx
from sqlalchemy.ext.asyncio import AsyncEngine

from services.plan.versions import Plans
from tests.casework.owed import issued, open_task
from tests.desk.factories import Headers, key_of

INBOX = "/v1/inbox"
AGENT, OTHER = "wang.fang", "huang.jun"


async def alerts(desk: httpx.AsyncClient, key: Headers, **wanted: str | int) -> list[str]:
    answer = await desk.get(INBOX, headers=key, params=wanted)
    assert answer.status_code == 200, answer.text
    return [item["subject_id"] for item in answer.json()["items"]]


async def test_the_inbox_holds_what_one_was_told_the_newest_first(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans
) -> None:
    mine = await open_task(engine, plans, assignee=AGENT)
    await open_task(engine, plans, assignee=OTHER)
    directive = await issued(engine, plans, "customer_service")
    await open_task(engine, plans, realm="drill", assignee=AGENT)

    answer = await desk.get(INBOX, headers=await key_of(engine, "staff", AGENT))

    items = answer.json()["items"]
    assert [(item["kind"], item["subject"], item["subject_id"]) for item in items] == [
        ("directive_issued", "directive", str(directive)),
        ("task_given", "task", str(mine)),
    ]
    assert (items[1]["told_at"], items[1]["seen_at"]) == ("2026-11-23T08:30:00Z", None)
    assert items[1]["facts"]["kind"] == "call_customer"


async def test_what_was_seen_is_left_out_of_what_is_unseen(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans
) -> None:
    first, second = [str(await open_task(engine, plans, assignee=AGENT)) for _ in range(2)]
    key = await key_of(engine, "staff", AGENT)
    items = (await desk.get(INBOX, headers=key)).json()["items"]

    answers = [await desk.post(f"{INBOX}/{items[0]['id']}/seen", headers=key) for _ in range(2)]

    assert [(answer.status_code, answer.json()["seen"]) for answer in answers] == [(200, True)] * 2
    assert await alerts(desk, key) == [second, first]
    assert await alerts(desk, key, unseen="true") == [first]
    seen = (await desk.get(INBOX, headers=key)).json()["items"][0]
    assert seen["seen_at"] == "2026-11-23T08:30:00Z"


async def test_nobody_marks_the_alerts_of_others(desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans) -> None:
    await open_task(engine, plans, assignee=AGENT)
    key = await key_of(engine, "staff", AGENT)
    alert = (await desk.get(INBOX, headers=key)).json()["items"][0]["id"]

    others = [
        await desk.post(f"{INBOX}/{alert}/seen", headers=await key_of(engine, role, login))
        for role, login in (("staff", OTHER), ("admin", None))
    ]

    assert [answer.status_code for answer in others] == [404, 404]
    assert len(await alerts(desk, key, unseen="true")) == 1


async def test_pages_follow_one_another_without_gap_or_repetition(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans
) -> None:
    told = [str(await open_task(engine, plans, assignee=AGENT)) for _ in range(5)]
    key = await key_of(engine, "staff", AGENT)
    found: list[str] = []
    cursor = None

    for _ in range(3):
        params = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await desk.get(INBOX, headers=key, params=params)).json()
        found += [item["subject_id"] for item in page["items"]]
        cursor = page["next_cursor"]

    assert (found, cursor) == (told[::-1], None)


async def test_the_key_of_an_administrator_is_no_persons_and_has_an_empty_inbox(
    desk: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    answer = await desk.get(INBOX, headers=await key_of(engine, "admin"))

    assert answer.json() == {"items": [], "next_cursor": None}


async def test_channels_have_no_inbox_and_wrong_conditions_are_refused(
    desk: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    key = await key_of(engine, "staff", AGENT)

    assert (await desk.get(INBOX, headers=await key_of(engine, "channel"))).status_code == 403
    for wanted in ({"cursor": "2"}, {"limit": "0"}, {"seen": "false"}):
        assert (await desk.get(INBOX, headers=key, params=wanted)).status_code == 422
