"""What customers decide, as their channel passes it on over HTTP: messages, taking back, taking up again."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from services.casework.handlers.conversing import AwaitCustomer
from services.casework.handlers.settling import Close, Resolve
from services.plan.versions import Plans
from tests.casework import factories
from tests.casework.factories import ENGINEER, do, sync_duty
from tests.intake.factories import Headers, Service, complaint

Case = dict[str, Any]


async def call(
    intake: Service, case: Any, name: str, body: Any = None, headers: Headers | None = None
) -> httpx.Response:
    content = {} if body is None else {"json": body}
    return await intake.client.post(f"/v1/complaints/{case}/{name}", headers=headers or intake.channel, **content)


async def own_case(intake: Service, *, accepted: bool = True) -> tuple[Any, Plans]:
    """A case of this channel's, with an engineer if it was accepted."""
    plans = Plans()
    await sync_duty(intake.engine, plans)
    make = factories.accepted_case if accepted else factories.dispatched_case
    return await make(intake.engine, plans, api_key_id=intake.key_id), plans


async def resolved(intake: Service) -> tuple[Any, Plans]:
    case, plans = await own_case(intake)
    await factories.skip_to_result(intake.engine, plans, case, ENGINEER)
    await do(intake.engine, plans, case, Resolve(text="光缆已修复。"), ENGINEER)
    return case, plans


async def record(intake: Service, case: Any) -> list[Case]:
    answer = await intake.get(f"/v1/complaints/{case}/timeline", await staff_key(intake))
    return [item for item in answer.json()["items"] if item["type"] != "notice"]


async def staff_key(intake: Service) -> Headers:
    return (await intake.with_another_key("staff")).channel


async def test_a_message_stands_in_the_record_and_the_case_is_answered_with_its_new_version(intake: Service) -> None:
    posted = (await intake.post(complaint())).json()

    answer = await call(intake, posted["reference"].lower(), "messages", {"text": "  昨晚也断过一次。\n"})

    assert answer.status_code == 200, answer.text
    assert (answer.json()["id"], answer.json()["version"], answer.headers["etag"]) == (posted["id"], 2, '"2"')
    added = (await record(intake, posted["id"]))[-1]
    assert (added["type"], added["actor"]) == ("redress.complaint.customer_replied.v1", "customer")
    assert added["details"] == {"text": "昨晚也断过一次。"}


async def test_a_case_that_waited_for_its_customer_goes_on(intake: Service) -> None:
    case, plans = await own_case(intake)
    await do(intake.engine, plans, case, AwaitCustomer(question="请提供设备编号。"), ENGINEER)

    answer = await call(intake, case, "messages", {"text": "HG8145-22187"})

    assert answer.json()["status"] == "in_progress"


async def test_a_complaint_is_taken_back_with_or_without_a_reason(intake: Service) -> None:
    first, second, third = [(await intake.post(complaint())).json()["id"] for _ in range(3)]

    answers = [
        await call(intake, first, "withdraw", {"reason": "已经自己恢复了。"}),
        await call(intake, second, "withdraw", {}),
        await call(intake, third, "withdraw"),
    ]

    assert [(answer.status_code, answer.json()["status"]) for answer in answers] == [(200, "withdrawn")] * 3
    assert [(await record(intake, case))[-1]["details"] for case in (first, second)] == [
        {"reason": "已经自己恢复了。"},
        None,
    ]


async def test_a_customer_who_is_not_satisfied_takes_the_case_up_again(intake: Service) -> None:
    case, _ = await resolved(intake)

    answer = await call(intake, case, "reopen", {"reason": "今天又断网了。"})

    assert answer.status_code == 200, answer.text
    assert (answer.json()["status"], answer.json()["resolution"]) == ("in_progress", None)
    types = [item["type"].split(".")[2] for item in await record(intake, case)]
    assert types[-2:] == ["reopened", "escalated"]


async def test_a_channel_is_shown_nothing_that_is_for_staff(intake: Service) -> None:
    case, _ = await resolved(intake)

    shown = (await call(intake, case, "reopen", {"reason": "今天又断网了。"})).json()

    assert (shown["handling"], shown["escalation"], shown["reported_at"]) == (None, None, None)


@pytest.mark.parametrize(
    ("name", "body", "field", "code"),
    [
        ("messages", {}, "text", "missing"),
        ("messages", {"text": "  "}, "text", "too_short"),
        ("messages", {"text": "字" * 20_001}, "text", "too_long"),
        ("messages", {"text": "a\x00b"}, "text", "control_character"),
        ("messages", {"text": "…", "txet": "…"}, "txet", "unknown_field"),
        ("withdraw", {"reason": 5}, "reason", "wrong_type"),
        ("reopen", {}, "reason", "missing"),
        ("reopen", [], "", "wrong_type"),
    ],
)
async def test_a_wrong_body_is_refused_by_its_field(
    intake: Service, name: str, body: Any, field: str, code: str
) -> None:
    case = (await intake.post(complaint())).json()["id"]

    answer = await call(intake, case, name, body)

    assert answer.status_code == 422, answer.text
    assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [(field, code)]
    assert await intake.written() == (1, 1)


async def test_what_is_no_json_or_far_too_long_is_refused(intake: Service) -> None:
    case = (await intake.post(complaint())).json()["id"]
    address = f"/v1/complaints/{case}/messages"

    broken = await intake.client.post(address, headers=intake.channel, content=b'{"text": ')
    empty = await intake.client.post(address, headers=intake.channel)
    long = await intake.client.post(address, headers=intake.channel, content=b"x" * 200_000)

    assert [answer.status_code for answer in (broken, empty, long)] == [400, 400, 413]


async def test_what_is_not_possible_now_is_a_conflict(intake: Service) -> None:
    case = (await intake.post(complaint())).json()["id"]

    reopened = await call(intake, case, "reopen", {"reason": "…"})
    await call(intake, case, "withdraw")
    again = await call(intake, case, "withdraw")
    message = await call(intake, case, "messages", {"text": "…"})

    assert [answer.status_code for answer in (reopened, again, message)] == [409, 409, 409]
    assert {answer.json()["type"] for answer in (reopened, again, message)} == {"urn:redress:problem:wrong-state"}


async def test_long_after_its_closing_a_case_is_not_taken_up_again(intake: Service) -> None:
    case, plans = await resolved(intake)
    await do(intake.engine, plans, case, Close(decision="final_decision", reason="已回访。"), ENGINEER)
    async with intake.engine.begin() as connection:
        await connection.execute(
            sa.text("update complaint set closed_at = now() - interval '31 days' where id = :case"), {"case": case}
        )

    answer = await call(intake, case, "reopen", {"reason": "今天又断网了。"})

    assert answer.status_code == 403
    assert "post a new complaint" in answer.json()["detail"]


@pytest.mark.parametrize(("name", "body"), [("messages", {"text": "…"}), ("withdraw", {}), ("reopen", {"reason": "…"})])
async def test_only_the_channel_that_posted_the_case_speaks_for_its_customer(
    intake: Service, name: str, body: Any
) -> None:
    case = (await intake.post(complaint())).json()["id"]
    others = [(await intake.with_another_key(role)).channel for role in ("channel", "integrator", "staff")]

    foreign = await call(intake, case, name, body, others[0])
    roles = [await call(intake, case, name, body, headers) for headers in others[1:]]
    nobody = await call(intake, case, name, body, {"Authorization": "Bearer wrong"})

    assert foreign.status_code == 404
    assert [answer.status_code for answer in roles] == [403, 403]
    assert nobody.status_code == 401
    assert await intake.written() == (1, 1)


async def test_a_case_of_another_realm_is_not_found(intake: Service) -> None:
    case = (await intake.post(complaint())).json()["id"]
    drill = await intake.with_another_key(realm="drill")

    assert (await call(intake, case, "messages", {"text": "…"}, drill.channel)).status_code == 404


async def test_unknown_and_misspelt_cases_are_not_found(intake: Service) -> None:
    for name in ("RD-1111-1111-2", "01a2148f-0000-7000-8000-000000000000"):
        assert (await call(intake, name, "messages", {"text": "…"})).status_code == 404
