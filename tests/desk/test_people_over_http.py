"""People over HTTP: who is on duty, signing on and off, and absences."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from desk.api.people import people_router
from services.people.keys import KeyRing
from services.plan.versions import Plans
from tests.casework import factories
from tests.casework.factories import AGENT, ENGINEER, LEADER, NOW, OTHER_ENGINEER
from tests.desk.factories import Headers, key_of
from web import problems

HEAD = "zheng.kai"
LEAVE = {
    "kind": "leave",
    "from_at": "2026-11-23T16:00:00+08:00",
    "until_at": "2026-11-27T18:00:00+08:00",
    "substitute": OTHER_ENGINEER,
    "note": "年假",
}


@pytest.fixture
async def desk(engine: AsyncEngine, plans: Plans) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    problems.install(app)
    app.include_router(people_router(engine=engine, plans=plans, key_ring=KeyRing(engine), clock=lambda: NOW))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://desk") as client:
        yield client


async def person(desk: httpx.AsyncClient, key: Headers, login: str = ENGINEER) -> dict[str, Any]:
    answer = await desk.get("/v1/people?limit=200", headers=key)
    assert answer.status_code == 200, answer.text
    (found,) = [item for item in answer.json()["items"] if item["login"] == login]
    return dict(found)


async def enter(desk: httpx.AsyncClient, key: Headers, login: str = ENGINEER, **other: Any) -> httpx.Response:
    body = {name: value for name, value in {**LEAVE, **other}.items() if value is not None}
    return await desk.post(f"/v1/people/{login}/absences", headers=key, json=body)


async def test_a_person_is_shown_with_what_they_have_on_hand_and_know(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans
) -> None:
    key = await key_of(engine, "staff", AGENT)
    case = await factories.dispatched_case(engine, plans)
    assignee = (await factories.case_of(engine, case)).assignee or ""

    shown = await person(desk, key, assignee)

    assert (shown["on_duty"], shown["why_not"], shown["signed_on"]) == (True, None, True)
    assert (shown["open_cases"], shown["capacity"]) == (1, 30)
    assert shown["groups"][0]["code"] == "technical_support"
    assert set(shown["name"]) == {"zh", "en"}
    assert (shown["skills"].keys(), shown["absences"]) == ({"services", "subcategories", "regions"}, [])


async def test_a_shift_is_shown_with_whether_it_is_open(desk: httpx.AsyncClient, engine: AsyncEngine) -> None:
    shown = await person(desk, await key_of(engine, "staff", AGENT), "tian.yu")

    assert shown["shift"] == {"calendar": "office", "name": {"zh": "工作时间", "en": "Office hours"}, "open": True}
    assert shown["on_duty"]


async def test_a_group_is_shown_from_its_head_on_page_by_page(desk: httpx.AsyncClient, engine: AsyncEngine) -> None:
    key = await key_of(engine, "staff", AGENT)
    address = "/v1/people?group=technical_support&limit=4"

    first = (await desk.get(address, headers=key)).json()
    second = (await desk.get(f"{address}&cursor={first['next_cursor']}", headers=key)).json()

    logins = [item["login"] for page in (first, second) for item in page["items"]]
    assert logins == ["zheng.kai", "xu.lei", "gao.xiang", "song.yu", "luo.jianjun", "tang.yong"]
    assert second["next_cursor"] is None


@pytest.mark.parametrize(("query", "status"), [("group=no_group", 404), ("cursor=nobody", 422), ("limit=201", 422)])
async def test_a_page_that_cannot_be_is_refused(
    desk: httpx.AsyncClient, engine: AsyncEngine, query: str, status: int
) -> None:
    answer = await desk.get(f"/v1/people?{query}", headers=await key_of(engine, "staff", AGENT))

    assert answer.status_code == status, answer.text


async def test_who_signs_off_is_shown_so(desk: httpx.AsyncClient, engine: AsyncEngine) -> None:
    key = await key_of(engine, "staff", ENGINEER)

    off = await desk.post(f"/v1/people/{ENGINEER}/duty", headers=key, json={"on_duty": False})
    shown = await person(desk, key)
    on = await desk.post(f"/v1/people/{ENGINEER}/duty", headers=key, json={"on_duty": True})

    assert (off.status_code, off.json()["on_duty"], off.json()["why_not"]) == (200, False, "off_duty")
    assert shown == off.json()
    assert on.json()["on_duty"]


@pytest.mark.parametrize("login", [ENGINEER, HEAD, LEADER, "qin.haifeng", None])
async def test_oneself_the_head_leadership_and_administrators_sign_somebody_off_and_enter_absences(
    desk: httpx.AsyncClient, engine: AsyncEngine, login: str | None
) -> None:
    key = await key_of(engine, "staff" if login else "admin", login)

    signed = await desk.post(f"/v1/people/{ENGINEER}/duty", headers=key, json={"on_duty": False})
    entered = await enter(desk, key)

    assert (signed.status_code, entered.status_code) == (200, 201)


@pytest.mark.parametrize(("login", "realm"), [(OTHER_ENGINEER, "live"), ("zhao.lihua", "live"), (ENGINEER, "sandbox")])
async def test_colleagues_heads_of_other_groups_and_keys_of_other_realms_change_nothing(
    desk: httpx.AsyncClient, engine: AsyncEngine, login: str, realm: str
) -> None:
    mine = await key_of(engine, "staff", ENGINEER)
    absence = (await enter(desk, mine)).json()["id"]
    key = await key_of(engine, "staff", login, realm)
    before = await person(desk, mine)

    refused = [
        await desk.post(f"/v1/people/{ENGINEER}/duty", headers=key, json={"on_duty": False}),
        await enter(desk, key, from_at="2026-12-01T00:00:00Z", until_at="2026-12-02T00:00:00Z"),
        await desk.delete(f"/v1/people/{ENGINEER}/absences/{absence}", headers=key),
    ]

    assert [answer.status_code for answer in refused] == [403, 403, 403]
    assert await person(desk, mine) == before


async def test_an_absence_is_entered_shown_and_cancelled(desk: httpx.AsyncClient, engine: AsyncEngine) -> None:
    key = await key_of(engine, "staff", ENGINEER)

    entered = await enter(desk, key)
    away = await person(desk, key)
    listed = await desk.get(f"/v1/people/{ENGINEER}/absences", headers=key)
    cancelled = [
        await desk.delete(f"/v1/people/{ENGINEER}/absences/{entered.json()['id']}", headers=key) for _ in range(2)
    ]
    back = await person(desk, key)

    assert entered.status_code == 201
    assert entered.json() == {
        "id": entered.json()["id"],
        "login": ENGINEER,
        **LEAVE,
        "from_at": "2026-11-23T08:00:00Z",
        "until_at": "2026-11-27T10:00:00Z",
        "created_by": f"staff:{ENGINEER}",
        "created_at": "2026-11-23T08:30:00Z",
    }
    assert (away["why_not"], away["until"], away["substitute"]) == ("leave", "2026-11-27T10:00:00Z", OTHER_ENGINEER)
    assert away["absences"] == listed.json()["items"] == [entered.json()]
    assert [answer.status_code for answer in cancelled] == [200, 200]
    assert (back["on_duty"], back["absences"]) == (True, [])


async def test_without_a_beginning_it_begins_now(desk: httpx.AsyncClient, engine: AsyncEngine) -> None:
    answer = await enter(desk, await key_of(engine, "staff", ENGINEER), kind="sick", from_at=None)

    assert answer.json()["from_at"] == "2026-11-23T08:30:00Z"


async def test_notes_are_for_the_person_and_who_leads_them(desk: httpx.AsyncClient, engine: AsyncEngine) -> None:
    await enter(desk, await key_of(engine, "staff", ENGINEER))
    address = f"/v1/people/{ENGINEER}/absences"
    keys = [await key_of(engine, "staff", login) for login in (HEAD, OTHER_ENGINEER)]

    notes = [(await desk.get(address, headers=key)).json()["items"][0]["note"] for key in keys]
    shown = [(await person(desk, key))["absences"][0]["note"] for key in keys]

    assert notes == shown == ["年假", None]


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"kind": "holiday"}, {"kind": "not_one_of"}),
        ({"until_at": None}, {"until_at": "missing"}),
        ({"until_at": "2026-11-27T18:00:00"}, {"until_at": "no_time_zone"}),
        ({"until_at": "2026-11-20T18:00:00Z", "from_at": "2026-11-19T18:00:00Z"}, {"until_at": "past"}),
        ({"substitute": ENGINEER}, {"substitute": "oneself"}),
        ({"substitute": AGENT}, {"substitute": "no_colleague"}),
        ({"substitute": "no.body"}, {"substitute": "no_colleague"}),
        ({"note": " "}, {"note": "too_short"}),
        ({"because": "…"}, {"because": "unknown_field"}),
    ],
)
async def test_a_wrong_absence_is_answered_with_what_to_change(
    desk: httpx.AsyncClient, engine: AsyncEngine, wrong: dict[str, Any], expected: dict[str, str]
) -> None:
    answer = await enter(desk, await key_of(engine, "staff", ENGINEER), **wrong)

    assert answer.status_code == 422, answer.text
    assert {error["field"]: error["code"] for error in answer.json()["errors"]} == expected


async def test_what_overlaps_is_a_conflict_that_names_the_other(desk: httpx.AsyncClient, engine: AsyncEngine) -> None:
    key = await key_of(engine, "staff", ENGINEER)
    first = (await enter(desk, key)).json()["id"]

    answer = await enter(desk, key, kind="training")

    assert (answer.status_code, answer.json()["type"]) == (409, "urn:redress:problem:conflict")
    assert first in answer.json()["detail"]


@pytest.mark.parametrize(
    ("method", "address", "body", "status"),
    [
        ("POST", "/v1/people/no.body/duty", {"on_duty": True}, 404),
        ("POST", f"/v1/people/{ENGINEER}/duty", {"on_duty": "yes"}, 422),
        ("POST", f"/v1/people/{ENGINEER}/duty", {}, 422),
        ("GET", "/v1/people/no.body/absences", None, 404),
        ("DELETE", f"/v1/people/{ENGINEER}/absences/019389f4-7d10-7c42-8f6a-2b1c3d4e5f60", None, 404),
        ("DELETE", f"/v1/people/{ENGINEER}/absences/1", None, 422),
    ],
)
async def test_what_is_not_there_or_makes_no_sense_is_refused(
    desk: httpx.AsyncClient, engine: AsyncEngine, method: str, address: str, body: Any, status: int
) -> None:
    answer = await desk.request(method, address, headers=await key_of(engine, "admin"), json=body)

    assert answer.status_code == status, answer.text


async def test_only_staff_and_administrators_see_people(desk: httpx.AsyncClient, engine: AsyncEngine) -> None:
    assert (await desk.get("/v1/people")).status_code == 401
    assert (await desk.get("/v1/people", headers=await key_of(engine, "channel"))).status_code == 403


async def test_every_call_is_documented_with_examples(desk: httpx.AsyncClient) -> None:
    document = (await desk.get("/openapi.json")).json()

    calls = [call for path in document["paths"].values() for call in path.values()]
    assert len(calls) == 5
    for call in calls:
        assert call["summary"]
        for answer in call["responses"].values():
            assert all("example" in content for content in answer["content"].values())
