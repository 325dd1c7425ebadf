"""Acting on a case over HTTP: what is answered, and what changes."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from desk.app import create_app
from services.base.files.receiving import FileDoor
from services.base.stream.bell import Bell
from services.casework.registry import BODIES
from services.people.keys import KeyRing
from services.plan.versions import Plans
from tests.casework import factories
from tests.casework.factories import AGENT, ENGINEER, LAWYER, OTHER_ENGINEER, case_of
from tests.desk.factories import Headers, key_of

ETA = "2026-11-23T20:00:00+08:00"


async def post(
    desk: httpx.AsyncClient, case: UUID | str, action: str, key: Headers, body: Any = None, if_match: str | None = "*"
) -> httpx.Response:
    headers = key if if_match is None else {**key, "If-Match": if_match}
    content = {} if body is None else {"json": body}
    return await desk.post(f"/v1/complaints/{case}/actions/{action}", headers=headers, **content)


async def test_a_case_is_worked_from_acceptance_to_its_end(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.dispatched_case(engine, plans)
    key = await key_of(engine, "staff", ENGINEER)
    answer = await desk.get(f"/v1/complaints/{case}", headers=key)
    shown = []

    for action, body in (
        ("accept", None),
        ("note", {"text": "已派人。"}),
        ("set-eta", {"estimated_repair_at": ETA}),
        ("diagnose", {"cause": "cable", "finding": "光缆被挖断。"}),
        ("repair", {"what": "光缆已熔接。"}),
        ("contact", {"way": "phone", "outcome": "reached", "said": "客户确认已恢复。"}),
        ("resolve", {"text": "光缆已修复。"}),
        ("reopen", {"reason": "再次中断。"}),
        ("skip", {"steps": ["diagnose", "estimate", "repair", "check"], "reason": "已自行恢复。"}),
        ("resolve", {"text": "已彻底修复。"}),
        ("close", {"decision": "final_decision", "reason": "已回访。"}),
    ):
        answer = await post(desk, case, action, key, body, answer.headers["etag"])
        assert answer.status_code == 200, answer.text
        assert answer.headers["etag"] == f'"{answer.json()["version"]}"'
        shown.append(answer.json())

    assert [one["status"] for one in shown] == (
        ["in_progress"] * 6 + ["resolved", "in_progress", "in_progress", "resolved", "closed"]
    )
    assert shown[0]["assignee"] == ENGINEER
    assert shown[2]["estimated_repair_at"] == "2026-11-23T12:00:00Z"
    assert shown[5]["handling"]["done"] == ["estimate", "diagnose", "repair", "check"]
    assert (shown[-1]["resolution"], shown[-1]["closed_at"]) == ("已彻底修复。", "2026-11-23T08:30:00Z")
    # One event for each action, four for the steps that were left out.
    assert shown[-1]["version"] == 3 + len(shown) + 3


async def test_a_reclassified_case_is_answered_with_what_it_is_now(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.accepted_case(engine, plans)
    key = await key_of(engine, "staff", ENGINEER)

    answer = await post(desk, case, "reclassify", key, {"severity": "critical", "reason": "医院受影响。"})

    shown = answer.json()
    assert (shown["severity"], shown["reportable"]) == ("critical", True)
    # The second event is the report to leadership.
    assert (shown["version"], answer.headers["etag"]) == (6, '"6"')
    assert shown["reported_at"] == "2026-11-23T08:30:00Z"


async def test_the_case_answered_is_the_case_shown(desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.dispatched_case(engine, plans)
    key = await key_of(engine, "staff", ENGINEER)

    acted = await post(desk, case, "accept", key)

    shown = await desk.get(f"/v1/complaints/{acted.json()['reference'].lower()}", headers=key)
    # Of one case alone there is more to show.
    assert shown.json() == acted.json() | {"compensation": [], "links": []}
    assert shown.headers["etag"] == acted.headers["etag"]


async def test_a_wrong_state_is_a_conflict_that_names_what_is_possible(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.dispatched_case(engine, plans)

    answer = await post(desk, case, "resolve", await key_of(engine, "staff", ENGINEER), {"text": "好了。"})

    problem = answer.json()
    assert answer.status_code == problem["status"] == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["type"] == "urn:redress:problem:wrong-state"
    assert problem["possible"][:4] == ["accept", "set-eta", "note", "correct"]
    assert "resolve" not in problem["possible"]


async def test_an_action_needs_the_version_that_was_seen(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.dispatched_case(engine, plans)
    key = await key_of(engine, "staff", ENGINEER)

    missing = await post(desk, case, "accept", key, if_match=None)
    other = await post(desk, case, "accept", key, if_match='"2"')
    foreign = await post(desk, case, "accept", key, if_match='"abc"')
    malformed = await post(desk, case, "accept", key, if_match="3")

    assert [answer.status_code for answer in (missing, other, foreign, malformed)] == [428, 412, 412, 400]
    assert other.json()["version"] == 3
    assert other.headers["etag"] == '"3"'
    assert (await case_of(engine, case)).status == "dispatched"


@pytest.mark.parametrize("if_match", ["*", '"3"', 'W/"3"', '"1", "3"', ' "abc" ,W/"3"'])
async def test_every_form_of_if_match_that_names_the_version_is_taken(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans, if_match: str
) -> None:
    case = await factories.dispatched_case(engine, plans)

    answer = await post(desk, case, "accept", await key_of(engine, "staff", ENGINEER), if_match=if_match)

    assert answer.status_code == 200, answer.text


async def test_an_action_sent_twice_is_done_once(desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.accepted_case(engine, plans)
    key = await key_of(engine, "staff", ENGINEER)

    answers = [await post(desk, case, "note", key, {"text": "已致电。"}, '"4"') for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 412]
    assert (await case_of(engine, case)).version == 5


async def test_of_two_people_who_accept_at_the_same_moment_one_gets_the_case(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.dispatched_case(engine, plans)
    keys = [await key_of(engine, "staff", login) for login in (ENGINEER, OTHER_ENGINEER)]

    answers = await asyncio.gather(*(post(desk, case, "accept", key, if_match='"3"') for key in keys))

    assert sorted(answer.status_code for answer in answers) == [200, 412]
    (winner,) = [answer.json()["assignee"] for answer in answers if answer.status_code == 200]
    assert (await case_of(engine, case)).assignee == winner


async def test_a_case_of_another_group_is_refused_with_whom_to_ask(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.dispatched_case(engine, plans)
    key = await key_of(engine, "staff", LAWYER)

    answer = await post(desk, case, "accept", key)
    offered = await desk.get(f"/v1/complaints/{case}/actions", headers=key)

    assert answer.status_code == 403
    assert "technical_support" in answer.json()["detail"]
    assert offered.json()["items"] == []
    assert offered.json()["refusal"] == answer.json()["detail"]


@pytest.mark.parametrize("role", ["channel", "integrator"])
async def test_only_staff_and_administrators_act(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans, role: str
) -> None:
    case = await factories.dispatched_case(engine, plans)

    refused = await post(desk, case, "accept", await key_of(engine, role))
    taken = await post(desk, case, "accept", await key_of(engine, "admin"))

    assert refused.status_code == 403
    assert "admin or staff" in refused.json()["detail"]
    assert taken.status_code == 200


async def test_without_a_valid_key_nothing_is_done(desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.dispatched_case(engine, plans)

    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eDp5"}):
        answer = await post(desk, case, "accept", headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("action", "body", "expected"),
    [
        ("note", {}, {"text": "missing"}),
        ("note", {"text": "  \n "}, {"text": "too_short"}),
        ("note", {"text": "字" * 20_001}, {"text": "too_long"}),
        ("note", {"text": "a\x00b"}, {"text": "control_character"}),
        ("note", {"text": 5, "txet": "…"}, {"text": "wrong_type", "txet": "unknown_field"}),
        ("accept", {"assignee": "xu.lei"}, {"assignee": "unknown_field"}),
        ("accept", [], {"": "wrong_type"}),
        ("set-eta", {"estimated_repair_at": "soon"}, {"estimated_repair_at": "wrong_type"}),
        ("set-eta", {"estimated_repair_at": "2026-11-24T10:00:00"}, {"estimated_repair_at": "no_time_zone"}),
        ("set-eta", {"estimated_repair_at": "2026-11-20T10:00:00Z"}, {"estimated_repair_at": "past"}),
        ("set-eta", {"estimated_repair_at": "2028-11-20T10:00:00Z"}, {"estimated_repair_at": "too_far"}),
        ("reclassify", {"category": "unclear", "reason": "…"}, {"category": "not_one_of"}),
        ("reclassify", {"category": "outage", "reason": "…"}, {"category": "unchanged"}),
        ("reclassify", {"severity": "major"}, {"reason": "missing"}),
        ("resolve", {}, {"text": "missing"}),
        ("close", {"decision": "customer_silent"}, {"decision": "not_one_of"}),
        ("close", {"decision": "final_decision"}, {"": "no_grounds"}),
        ("reopen", {"reason": ""}, {"reason": "too_short"}),
    ],
)
async def test_a_wrong_body_is_answered_with_every_wrong_field(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans, action: str, body: Any, expected: dict[str, str]
) -> None:
    case = await factories.accepted_case(engine, plans)

    answer = await post(desk, case, action, await key_of(engine, "staff", ENGINEER), body)

    assert answer.status_code == 422, answer.text
    assert {error["field"]: error["code"] for error in answer.json()["errors"]} == expected
    assert (await case_of(engine, case)).version == 4


async def test_texts_of_the_greatest_length_with_line_ends_are_taken(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.accepted_case(engine, plans)
    await factories.skip_to_result(engine, plans, case, ENGINEER)
    text = "字" * 19_998 + "\n𠀀"

    answer = await post(desk, case, "resolve", await key_of(engine, "staff", ENGINEER), {"text": text})

    assert answer.json()["resolution"] == text


async def test_a_body_that_is_no_json_or_far_too_long_is_refused(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.accepted_case(engine, plans)
    headers = {**await key_of(engine, "staff", ENGINEER), "If-Match": "*"}
    address = f"/v1/complaints/{case}/actions/note"

    broken = await desk.post(address, headers=headers, content=b'{"text": ')
    long = await desk.post(address, headers=headers, content=b"x" * 300_000)

    assert (broken.status_code, long.status_code) == (400, 413)
    assert "line 1 column" in broken.json()["detail"]


async def test_unknown_actions_and_cases_are_not_found(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.received_case(engine)
    key = await key_of(engine, "staff", AGENT)

    action = await post(desk, case, "delete", key)
    other = await post(desk, UUID(int=1), "note", key, {"text": "…"})
    misspelt = await post(desk, "RD-1111-1111-2", "note", key, {"text": "…"})

    assert [answer.status_code for answer in (action, other, misspelt)] == [404, 404, 404]
    assert "the actions are accept, take" in action.json()["detail"]
    assert "check" in misspelt.json()["detail"]


async def test_the_offers_say_what_each_action_takes(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.dispatched_case(engine, plans)

    answer = await desk.get(f"/v1/complaints/{case}/actions", headers=await key_of(engine, "staff", ENGINEER))

    offered = answer.json()
    assert (offered["status"], offered["version"], offered["refusal"]) == ("dispatched", 3, None)
    assert answer.headers["etag"] == '"3"'
    assert [item["action"] for item in offered["items"]][:4] == ["accept", "set-eta", "note", "correct"]
    assert offered["step"] == "diagnose"
    refused = {item["action"]: item["why"] for item in offered["refused"]}
    assert refused["resolve"] == "possible for a case that is in_progress or awaiting_customer"
    assert len(offered["items"]) + len(refused) == len(BODIES)
    (eta,) = [item for item in offered["items"] if item["action"] == "set-eta"]
    assert eta["body"]["required"] == ["estimated_repair_at"]
    assert eta["name"] == {"zh": "设定预计修复时间", "en": "Set the estimated repair time"}


@pytest.mark.parametrize("action", BODIES)
def test_the_example_of_an_action_is_a_body_that_it_takes(action: str) -> None:
    body = BODIES[action]

    assert body.model_validate_json(body.model_validate(body.EXAMPLE).model_dump_json(by_alias=True))


async def test_an_action_wakes_the_workers_of_the_same_process(
    engine: AsyncEngine, plans: Plans, files: FileDoor
) -> None:
    bell = Bell()
    case = await factories.dispatched_case(engine, plans)
    key = await key_of(engine, "staff", ENGINEER)
    app = create_app(
        engine=engine,
        privacy=factories.PRIVACY,
        plans=plans,
        key_ring=KeyRing(engine),
        files=files,
        public_url="http://127.0.0.1:8000",
        bell=bell,
        clock=lambda: factories.NOW,
    )
    waiting = asyncio.create_task(bell.wait(10))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://desk") as desk:
        await post(desk, case, "accept", key)

    assert await waiting
