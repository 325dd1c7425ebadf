"""Tasks over HTTP: the list, opening one, acting on one, and sending a request again."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.casework.tasks.model import Task
from services.complaints.model import Complaint
from services.plan.versions import Plans
from tests.casework.factories import NOW, received_case
from tests.casework.owed import open_task
from tests.desk.factories import Headers, key_of

TASKS = "/v1/tasks"
TITLE = "请核查“畅享家庭”套餐的宣传页。"
OPENED = {"kind": "promotion_review", "title": TITLE}
AGENT, LAWYER, MARKETER = "wang.fang", "tian.yu", "lin.xiaoyan"


async def post(
    desk: httpx.AsyncClient, task: UUID | str, action: str, key: Headers, body: Any = None, if_match: str | None = "*"
) -> httpx.Response:
    headers = key if if_match is None else {**key, "If-Match": if_match}
    content = {} if body is None else {"json": body}
    return await desk.post(f"{TASKS}/{task}/{action}", headers=headers, **content)


async def listed(desk: httpx.AsyncClient, key: Headers, **wanted: str | int) -> list[str]:
    answer = await desk.get(TASKS, headers=key, params=wanted)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


async def reference_of(engine: AsyncEngine, case: UUID) -> str:
    async with engine.connect() as connection:
        return str(await connection.scalar(sa.select(Complaint.reference).where(Complaint.id == case)))


async def number_of_tasks(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        return await connection.scalar(sa.select(sa.func.count()).select_from(Task)) or 0


async def test_a_task_is_opened_taken_given_on_and_done(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans
) -> None:
    case = await received_case(engine)
    reference = await reference_of(engine, case)
    asks, owes = await key_of(engine, "staff", LAWYER), await key_of(engine, "staff", MARKETER)

    opened = await desk.post(TASKS, headers=asks, json={**OPENED, "complaint": reference.lower()})
    taken = await post(desk, opened.json()["id"], "take", owes, if_match=opened.headers["etag"])
    done = await post(desk, opened.json()["id"], "done", owes, {"outcome": "宣传页已更正。"}, taken.headers["etag"])

    assert (opened.status_code, opened.headers["etag"]) == (201, '"1"')
    assert opened.headers["location"] == f"{TASKS}/{opened.json()['id']}"
    first = opened.json()
    assert (first["group"], first["title"], first["complaint"]) == ("marketing", TITLE, str(case))
    assert (first["complaint_reference"], first["due_at"]) == (reference, "2026-11-30T10:00:00Z")
    assert (taken.json()["assignee"], taken.headers["etag"]) == (MARKETER, '"2"')
    assert (done.json()["status"], done.json()["outcome"], done.json()["version"]) == ("done", "宣传页已更正。", 3)
    shown = await desk.get(opened.headers["location"], headers=asks)
    assert (shown.json(), shown.headers["etag"]) == (done.json(), '"3"')


async def test_the_same_key_and_body_give_the_first_answer_again(desk: httpx.AsyncClient, engine: AsyncEngine) -> None:
    owes = await key_of(engine, "staff", MARKETER)
    key = {**owes, "Idempotency-Key": "key-1"}

    first = await desk.post(TASKS, headers=key, json={**OPENED, "assignee": MARKETER})
    await post(desk, first.json()["id"], "done", owes, {"outcome": "已更正。"})
    again = await desk.post(TASKS, headers=key, json={"assignee": MARKETER, **OPENED})

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["etag"] == first.headers["etag"] == '"1"'
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert await number_of_tasks(engine) == 1


async def test_twenty_posts_at_once_under_one_key_open_one_task(desk: httpx.AsyncClient, engine: AsyncEngine) -> None:
    key = {**await key_of(engine, "staff", LAWYER), "Idempotency-Key": "key-1"}

    answers = await asyncio.gather(*(desk.post(TASKS, headers=key, json=OPENED) for _ in range(20)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert await number_of_tasks(engine) == 1


async def test_an_idempotency_key_is_not_taken_for_another_body(desk: httpx.AsyncClient, engine: AsyncEngine) -> None:
    key = {**await key_of(engine, "staff", LAWYER), "Idempotency-Key": "key-1"}
    others = {**await key_of(engine, "staff", AGENT), "Idempotency-Key": "key-1"}
    await desk.post(TASKS, headers=key, json=OPENED)

    other_body = await desk.post(TASKS, headers=key, json={**OPENED, "title": "别的事情。"})
    other_person = await desk.post(TASKS, headers=others, json={**OPENED, "title": "别的事情。"})

    assert other_body.status_code == 422
    assert other_body.json()["type"] == "urn:redress:problem:idempotency-key-used"
    assert "another task" in other_body.json()["detail"]
    assert other_person.status_code == 201


async def test_an_idempotency_key_of_the_wrong_form_is_refused(desk: httpx.AsyncClient, engine: AsyncEngine) -> None:
    key = {**await key_of(engine, "staff", LAWYER), "Idempotency-Key": "two words"}

    answer = await desk.post(TASKS, headers=key, json=OPENED)

    assert [error["field"] for error in answer.json()["errors"]] == ["Idempotency-Key"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "other"}, ""),
        ({"kind": "lunch"}, "kind"),
        ({**OPENED, "group": "finanse"}, "group"),
        ({**OPENED, "assignee": AGENT}, "assignee"),
        ({**OPENED, "complaint": "RD-1111-1111-2"}, "complaint"),
        ({**OPENED, "directive": "019389f4-3c2e-7a51-9d0e-5b6f0c1d2e3f"}, "directive"),
        ({**OPENED, "due_at": "2026-11-24T00:00:00Z"}, "due_at"),
        ({**OPENED, "title": "\x00"}, "title"),
    ],
)
async def test_what_can_not_be_is_refused_by_its_field(
    desk: httpx.AsyncClient, engine: AsyncEngine, body: dict[str, str], field: str
) -> None:
    answer = await desk.post(TASKS, headers=await key_of(engine, "staff", LAWYER), json=body)

    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert await number_of_tasks(engine) == 0


async def test_a_task_of_another_group_is_refused_with_whom_to_ask(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans
) -> None:
    task = await open_task(engine, plans, "pay")

    answer = await post(desk, task, "take", await key_of(engine, "staff", AGENT))

    assert (answer.status_code, answer.json()["type"]) == (403, "urn:redress:problem:forbidden")
    assert "ask 'wu.xiuzhen'" in answer.json()["detail"]


async def test_channels_and_integrators_have_no_tasks(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans
) -> None:
    task = await open_task(engine, plans)

    for role in ("channel", "integrator"):
        key = await key_of(engine, role)
        answers = [
            await desk.get(TASKS, headers=key),
            await desk.get(f"{TASKS}/{task}", headers=key),
            await desk.post(TASKS, headers=key, json=OPENED),
            await post(desk, task, "take", key),
        ]
        assert {answer.status_code for answer in answers} == {403}
    assert (await desk.get(TASKS)).status_code == 401


async def test_an_action_needs_the_version_that_was_seen_and_is_done_once(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans
) -> None:
    task, key = await open_task(engine, plans), await key_of(engine, "staff", AGENT)

    missing = await post(desk, task, "take", key, if_match=None)
    malformed = await post(desk, task, "take", key, if_match="1")
    answers = [await post(desk, task, "take", key, if_match='"1"') for _ in range(2)]

    assert (missing.status_code, malformed.status_code) == (428, 400)
    assert [answer.status_code for answer in answers] == [200, 412]
    assert (answers[1].json()["version"], answers[1].headers["etag"]) == (2, '"2"')


async def test_what_is_not_possible_names_what_is(desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans) -> None:
    task, key = await open_task(engine, plans), await key_of(engine, "staff", AGENT)

    answer = await post(desk, task, "acknowledge", key)

    assert (answer.status_code, answer.json()["possible"]) == (409, ["take", "assign", "done", "cancel"])


@pytest.mark.parametrize(("action", "body"), [("done", {}), ("done", {"outcome": " "}), ("cancel", {"why": "x"})])
async def test_an_ending_needs_its_words(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans, action: str, body: dict[str, str]
) -> None:
    task, key = await open_task(engine, plans), await key_of(engine, "staff", AGENT)

    assert (await post(desk, task, action, key, body)).status_code == 422


async def test_unknown_tasks_and_actions_are_not_found(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans
) -> None:
    task, key = await open_task(engine, plans), await key_of(engine, "staff", AGENT)
    elsewhere = await open_task(engine, plans, realm="drill")

    answers = [
        await post(desk, task, "delete", key),
        await post(desk, UUID(int=1), "take", key),
        await post(desk, elsewhere, "take", key),
        await desk.get(f"{TASKS}/{elsewhere}", headers=key),
    ]

    assert [answer.status_code for answer in answers] == [404] * 4
    assert "the actions are take, assign, done, cancel, acknowledge" in answers[0].json()["detail"]


async def test_the_list_holds_the_tasks_that_meet_every_condition_the_first_due_first(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans
) -> None:
    case = await received_case(engine)
    visit = str(await open_task(engine, plans, "site_visit"))
    call = str(await open_task(engine, plans, assignee=AGENT, complaint_id=case))
    late = str(await open_task(engine, plans, "pay", due_at=NOW.replace(day=20)))
    done = str(await open_task(engine, plans))
    await open_task(engine, plans, realm="drill")
    key = await key_of(engine, "staff", AGENT)
    await post(desk, done, "done", key, {"outcome": "已致电。"})

    assert await listed(desk, key) == [late, call, done, visit]
    assert await listed(desk, key, group="customer_service") == [call, done]
    assert await listed(desk, key, group="customer_service", status="open") == [call]
    assert await listed(desk, key, assignee=AGENT) == [call]
    assert await listed(desk, key, overdue="true") == [late]
    assert await listed(desk, key, overdue="false") == [call, done, visit]
    assert await listed(desk, key, complaint=str(case)) == [call]
    assert await listed(desk, key, complaint=await reference_of(engine, case)) == [call]


async def test_pages_follow_one_another_without_gap_or_repetition_also_where_times_are_equal(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans
) -> None:
    opened = {str(await open_task(engine, plans)) for _ in range(5)}
    key = await key_of(engine, "staff", AGENT)
    seen: list[str] = []
    cursor = None

    for _ in range(3):
        params = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await desk.get(TASKS, headers=key, params=params)).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]

    assert (len(seen), set(seen), cursor) == (5, opened, None)


@pytest.mark.parametrize(
    ("wanted", "field"),
    [({"status": "closed"}, "status"), ({"limit": "201"}, "limit"), ({"stauts": "open"}, "stauts")],
)
async def test_a_wrong_condition_is_refused_by_its_name(
    desk: httpx.AsyncClient, engine: AsyncEngine, wanted: dict[str, str], field: str
) -> None:
    answer = await desk.get(TASKS, headers=await key_of(engine, "admin"), params=wanted)

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


@pytest.mark.parametrize("cursor", ["2", "zz.11", "ffffffffffffffffffff.019389f43c2e7a519d0e5b6f0c1d2e3f", "."])
async def test_a_cursor_that_is_none_of_ours_is_refused(
    desk: httpx.AsyncClient, engine: AsyncEngine, cursor: str
) -> None:
    answer = await desk.get(TASKS, headers=await key_of(engine, "admin"), params={"cursor": cursor})

    assert answer.status_code == 422
