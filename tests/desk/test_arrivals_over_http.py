"""What came in, over HTTP: seeing it, putting it to a case, setting it aside, and who may."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.casework import customer
from services.casework.handlers.conversing import AwaitCustomer
from services.plan.versions import Plans
from tests.casework.factories import ENGINEER, NOW, case_of, do
from tests.casework.owed import task_of
from tests.desk.factories import Headers, key_of
from tests.notices import letters_in
from tests.notices.arriving import case_in, customers_case, mail_in, open_tasks, replies, text_in, the_one
from tests.notices.letters_in import mail

ARRIVALS = "/v1/arrivals"
AGENT, LEADER, LAWYER = "wang.fang", "zhou.min", "tian.yu"
STRANGER = "stranger@home.example"
SAID = "红灯亮"


async def unmatched(engine: AsyncEngine, plans: Plans) -> UUID:
    """A message that matches nothing; returns its id."""
    await mail_in(engine, plans, mail(SAID, sender=f"Zhang <{STRANGER}>"))
    id_: UUID = (await the_one(engine)).id
    return id_


async def post(desk: httpx.AsyncClient, arrival: UUID | str, action: str, key: Headers, body: Any) -> httpx.Response:
    return await desk.post(f"{ARRIVALS}/{arrival}/{action}", headers=key, json=body)


async def agent(engine: AsyncEngine) -> Headers:
    return await key_of(engine, "staff", AGENT)


async def test_a_message_is_seen_and_put_to_its_case_by_the_reference(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans
) -> None:
    case = await case_in(engine, plans, "in_progress")
    await do(engine, plans, case, AwaitCustomer(question="灯亮吗？"), ENGINEER)
    arrival, key = await unmatched(engine, plans), await agent(engine)
    (task,) = await open_tasks(engine)
    reference = (await case_of(engine, case)).reference

    listed = await desk.get(ARRIVALS, headers=key, params={"status": "unmatched", "kind": "message"})
    answers = [await post(desk, arrival, "match", key, {"complaint": reference.lower()}) for _ in range(2)]

    (item,) = listed.json()["items"]
    assert (item["id"], item["sender"], item["said"], item["why"]) == (str(arrival), STRANGER, SAID, "nobody")
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    shown = answers[0].json()
    assert (shown["status"], shown["complaint_reference"], shown["matched_by"]) == ("matched", reference, "staff")
    assert shown["settled_by"] == f"staff:{AGENT}"
    assert await replies(engine, case) == [("email", SAID)]
    assert (await case_of(engine, case)).status == "in_progress"
    ended = await task_of(engine, task.id)
    assert (ended.status, ended.done_by, ended.outcome) == ("done", f"staff:{AGENT}", reference)


async def test_two_who_match_at_once_say_it_once(desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans) -> None:
    case, other = await customers_case(engine), await customers_case(engine)
    arrival, key = await unmatched(engine, plans), await agent(engine)

    answers = await asyncio.gather(
        *(post(desk, arrival, "match", key, {"complaint": str(one)}) for one in (case, other) * 3)
    )

    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 409, 409, 409]
    assert len(await replies(engine, case)) + len(await replies(engine, other)) == 1


async def test_one_message_is_shown_whole_with_the_cases_that_it_could_be_about(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans
) -> None:
    cases = [await customers_case(engine) for _ in range(2)]
    content = f"{SAID}\n\n> 灯亮吗？"
    await mail_in(engine, plans, mail(content))
    arrival = (await the_one(engine)).id

    shown = (await desk.get(f"{ARRIVALS}/{arrival}", headers=await agent(engine))).json()

    assert (shown["said"], shown["content"], shown["why"]) == (SAID, content, "several")
    assert [one["id"] for one in shown["open_cases"]] == [str(case) for case in cases]


async def test_files_are_named(desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans) -> None:
    await mail_in(engine, plans, letters_in.mail_with_picture())

    (item,) = (await desk.get(ARRIVALS, headers=await agent(engine))).json()["items"]

    (file,) = item["files"]
    assert (file["name"], file["media_type"], file["size"]) == ("账单 11月.png", "image/png", 208)


async def test_a_message_is_dismissed_once_with_its_reason_and_may_still_be_matched(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans
) -> None:
    case = await customers_case(engine)
    arrival, key = await unmatched(engine, plans), await agent(engine)
    (task,) = await open_tasks(engine)

    answers = [await post(desk, arrival, "dismiss", key, {"reason": reason}) for reason in ("广告。", "别的。")]

    assert [(answer.status_code, answer.json()["outcome"]) for answer in answers] == [(200, "广告。")] * 2
    assert (await task_of(engine, task.id)).status == "done"
    assert (await post(desk, arrival, "match", key, {"complaint": str(case)})).json()["status"] == "matched"
    assert (await post(desk, arrival, "dismiss", key, {"reason": "x"})).status_code == 409


async def test_a_task_that_was_ended_by_hand_is_left_as_it_is(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans
) -> None:
    arrival, key = await unmatched(engine, plans), await agent(engine)
    (task,) = await open_tasks(engine)
    done = await desk.post(f"/v1/tasks/{task.id}/done", headers={**key, "If-Match": "*"}, json={"outcome": "已处理。"})

    answer = await post(desk, arrival, "dismiss", key, {"reason": "广告。"})

    assert (done.status_code, answer.status_code) == (200, 200)
    assert (await task_of(engine, task.id)).outcome == "已处理。"


async def test_a_case_that_is_over_is_told_to_be_reopened_first(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans
) -> None:
    case = await customers_case(engine)
    async with engine.begin() as connection:
        await customer.withdraw(connection, plans, case, None, NOW)
    arrival = await unmatched(engine, plans)

    answer = await post(desk, arrival, "match", await agent(engine), {"complaint": str(case)})

    assert (answer.status_code, "reopen" in answer.json()["detail"]) == (409, True)
    assert (await the_one(engine)).status == "unmatched"


async def test_others_are_refused_with_whom_to_ask(desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans) -> None:
    arrival = await unmatched(engine, plans)
    key = await key_of(engine, "staff", LAWYER)

    answers = [
        await desk.get(ARRIVALS, headers=key),
        await desk.get(f"{ARRIVALS}/{arrival}", headers=key),
        await post(desk, arrival, "match", key, {"complaint": "RD-1111-1111-2"}),
        await post(desk, arrival, "dismiss", key, {"reason": "x"}),
    ]

    assert {answer.status_code for answer in answers} == {403}
    assert "zhao.lihua" in answers[0].json()["detail"]
    for role, login, status in (("staff", LEADER, 200), ("admin", None, 200), ("channel", None, 403)):
        assert (await desk.get(ARRIVALS, headers=await key_of(engine, role, login))).status_code == status
    assert (await desk.get(ARRIVALS)).status_code == 401


async def test_another_realm_sees_and_touches_nothing(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans
) -> None:
    arrival = await unmatched(engine, plans)
    key = await key_of(engine, "staff", AGENT, realm="drill")

    assert (await desk.get(ARRIVALS, headers=key)).json()["items"] == []
    assert (await desk.get(f"{ARRIVALS}/{arrival}", headers=key)).status_code == 404
    assert (await post(desk, arrival, "dismiss", key, {"reason": "x"})).status_code == 404


@pytest.mark.parametrize(
    ("action", "body", "field"),
    [
        ("match", {}, "complaint"),
        ("match", {"complaint": "RD-1111-1111-2"}, "complaint"),
        ("match", {"complaint": "x", "way": "sms"}, "way"),
        ("dismiss", {"reason": " "}, "reason"),
        ("dismiss", {"reason": "\x00"}, "reason"),
    ],
)
async def test_what_can_not_be_is_refused_by_its_field(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans, action: str, body: dict[str, str], field: str
) -> None:
    answer = await post(desk, await unmatched(engine, plans), action, await agent(engine), body)

    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, [field])


async def test_pages_follow_one_another_and_hold_what_is_asked_for(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans
) -> None:
    case = await customers_case(engine)
    for number in range(4):
        await text_in(engine, plans, f"第 {number} 条")
    await text_in(engine, plans, "退订", sender="95588")
    key = await agent(engine)
    seen: list[str] = []
    cursor = None
    for _ in range(2):
        params: dict[str, str | int] = {"limit": 2, "complaint": str(case), **({"cursor": cursor} if cursor else {})}
        page = (await desk.get(ARRIVALS, headers=key, params=params)).json()
        seen += [item["said"] for item in page["items"]]
        cursor = page["next_cursor"]

    assert (seen, cursor) == ([f"第 {number} 条" for number in range(4)], None)
    stops = (await desk.get(ARRIVALS, headers=key, params={"way": "sms", "kind": "stop"})).json()["items"]
    assert [item["sender"] for item in stops] == ["95588"]
    for wrong in ({"status": "open"}, {"cursor": "zz"}, {"kinds": "stop"}):
        assert (await desk.get(ARRIVALS, headers=key, params=wrong)).status_code == 422
