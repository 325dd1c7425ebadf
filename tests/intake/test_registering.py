"""A complaint is registered: what the channel is told, what is on disk, and who can follow it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.base.identity import parse_reference
from tests.intake.factories import COMPLAINTS, PRIVACY, PUBLIC_URL, Service, complaint


async def test_a_complaint_is_answered_with_its_number_its_address_and_its_version(intake: Service) -> None:
    answer = await intake.post(complaint())

    told = answer.json()
    assert answer.status_code == 201
    assert list(told) == ["id", "reference", "status", "received_at", "track_url"]
    assert answer.headers["location"] == f"/v1/complaints/{told['id']}"
    assert answer.headers["etag"] == '"1"'
    assert "idempotent-replayed" not in answer.headers
    assert UUID(told["id"]).version == 7
    assert parse_reference(told["reference"]) == told["reference"]
    assert told["status"] == "received"
    assert abs(datetime.fromisoformat(told["received_at"]) - datetime.now(UTC)) < timedelta(minutes=1)


async def test_the_track_address_proves_the_case_to_the_customer(intake: Service) -> None:
    told = (await intake.post(complaint())).json()

    token = told["track_url"].removeprefix(f"{PUBLIC_URL}/track/")

    assert PRIVACY.token_matches(token, UUID(told["id"]), 0)


async def test_the_complaint_and_its_event_are_written_in_one_transaction(intake: Service) -> None:
    told = (await intake.post(complaint())).json()

    written = await intake.rows(
        "select c.id, c.version, c.status, c.realm, c.received_at, c.xmin::text = e.xmin::text as together,"
        " e.type, e.topic, e.number, e.realm as event_realm, e.actor, e.time, e.private"
        " from complaint c join event e on e.key = c.id where c.api_key_id = :key_id"
    )

    [row] = written
    assert str(row["id"]) == told["id"]
    assert row["together"] is True
    assert (row["version"], row["status"], row["number"]) == (1, "received", 1)
    assert (row["type"], row["topic"]) == ("redress.complaint.received.v1", "redress.complaint")
    assert (row["realm"], row["event_realm"]) == ("live", "live")
    assert row["actor"] == "channel:channel front end"
    assert row["time"] == row["received_at"] == datetime.fromisoformat(told["received_at"])


async def test_the_public_half_of_the_event_holds_nothing_about_the_person(intake: Service) -> None:
    told = (
        await intake.post(
            complaint(external_id="CC-99812", reply_to={"channel": "webhook", "address": "chat-71f3"}),
        )
    ).json()

    [event] = await intake.rows(
        "select data, private from event e join complaint c on c.id = e.key where c.api_key_id = :key_id"
    )

    assert event == {
        "data": {
            "reference": told["reference"],
            "channel": "online_chat",
            "service_type": "broadband",
            "language": "zh",
            "received_at": event["data"]["received_at"],
            "occurred_at": event["data"]["occurred_at"],
            "external_id": "CC-99812",
        },
        "private": None,
    }


async def test_the_same_customer_is_found_by_fingerprints_however_the_number_was_written(intake: Service) -> None:
    await intake.post(complaint(customer={"phone": "138 0013 8000", "email": "li.wei@Example.COM"}))
    await intake.post(complaint(customer={"phone": "+86-13800138000", "email": "li.wei@example.com"}))
    await intake.post(complaint(customer={"phone": "13900139000", "email": ..., "account": ...}))

    first, second, other = await intake.rows(
        "select phone_hash, email_hash, account_hash from complaint where api_key_id = :key_id order by received_at"
    )

    assert first == second
    assert len(first["phone_hash"]) == 16
    assert other["phone_hash"] not in (None, first["phone_hash"])
    assert (other["email_hash"], other["account_hash"]) == (None, None)


async def test_fingerprints_of_different_kinds_never_meet(intake: Service) -> None:
    await intake.post(complaint(customer={"phone": "+8613800138000", "account": "+8613800138000"}))

    [row] = await intake.rows("select phone_hash, account_hash from complaint where api_key_id = :key_id")

    assert row["phone_hash"] != row["account_hash"]


@pytest.mark.parametrize(
    ("content", "given", "stored"),
    [
        ("宽带断网了。", ..., "zh"),
        ("The line is dead.", ..., "en"),
        ("The line is dead.", "zh", "zh"),
        ("宽带断网了。", "en", "en"),
        ("12345", ..., "en"),
    ],
)
async def test_the_answer_is_in_the_language_given_or_that_of_the_content(
    intake: Service, content: str, given: object, stored: str
) -> None:
    told = (await intake.post(complaint(content=content, customer={"language": given}))).json()

    shown = (await intake.get(f"{COMPLAINTS}/{told['id']}")).json()

    assert shown["customer"]["language"] == stored


async def test_the_case_shows_all_that_was_posted(intake: Service) -> None:
    posted = complaint(
        region="  不在计划里的地方 ",
        external_id="CC-99812",
        reply_to={"channel": "webhook", "address": "chat-71f3"},
        concerns={"product": "500M", "promotion": "双十一", "bill": "2026-10", "amount": "129.90", "currency": "CNY"},
    )
    posted["customer"]["standing"] = "vip"
    told = (await intake.post(posted)).json()

    answer = await intake.get(f"{COMPLAINTS}/{told['id']}")

    shown = answer.json()
    assert answer.headers["etag"] == '"1"'
    assert shown["customer"] == {**posted["customer"], "language": "zh"}
    assert shown["content"] == posted["content"]
    assert (shown["region"], shown["region_code"]) == ("不在计划里的地方", None)
    assert shown["occurred_at"] == "2026-11-22T12:10:00Z"
    assert (shown["channel"], shown["service_type"]) == ("online_chat", "broadband")
    assert shown["external_id"] == "CC-99812"
    assert shown["reply_to"] == posted["reply_to"]
    assert shown["concerns"] == posted["concerns"]
    assert {name: shown[name] for name in told} == told


async def test_a_case_is_found_by_its_reference_however_it_is_typed(intake: Service) -> None:
    told = (await intake.post(complaint())).json()
    reference = told["reference"]
    spellings = [
        reference,
        reference.lower(),
        reference.replace("-", ""),
        reference.removeprefix("RD-"),
        reference.replace("-", " "),
        reference.replace("1", "l"),
        f" {reference} ",
        told["id"].upper(),
    ]

    found = [(await intake.get(f"{COMPLAINTS}/{spelling}")).json()["id"] for spelling in spellings]

    assert set(found) == {told["id"]}


async def test_a_wrong_reference_is_answered_with_what_one_looks_like(intake: Service) -> None:
    answer = await intake.get(f"{COMPLAINTS}/RD-1111-1111-2")

    assert answer.status_code == 404
    assert "a reference looks like RD-" in answer.json()["detail"]


async def test_the_timeline_begins_with_the_receipt(intake: Service) -> None:
    told = (await intake.post(complaint())).json()

    timeline = (await intake.get(f"{COMPLAINTS}/{told['reference']}/timeline")).json()

    [first] = timeline["items"]
    assert timeline["next_cursor"] is None
    assert (first["number"], first["type"]) == (1, "redress.complaint.received.v1")
    assert first["time"] == told["received_at"]
    assert first["data"]["reference"] == told["reference"]


@pytest.mark.parametrize("path", ["", "/timeline"])
async def test_a_channel_sees_its_own_cases_only_and_the_others_see_all(intake: Service, path: str) -> None:
    told = (await intake.post(complaint())).json()
    address = f"{COMPLAINTS}/{told['id']}{path}"
    callers = {role: await intake.with_another_key(role) for role in ("channel", "integrator", "staff", "admin")}

    seen = {role: (await caller.get(address)).status_code for role, caller in callers.items()}

    assert seen == {"channel": 404, "integrator": 200, "staff": 200, "admin": 200}
    assert (await intake.get(address)).status_code == 200


async def test_a_key_of_the_sandbox_keeps_to_the_sandbox(intake: Service) -> None:
    sandbox = await intake.with_another_key(realm="sandbox")
    told = (await sandbox.post(complaint())).json()
    address = f"{COMPLAINTS}/{told['id']}"

    realms = await sandbox.rows(
        "select c.realm, e.realm as of_event from complaint c join event e on e.key = c.id where api_key_id = :key_id"
    )

    assert realms == [{"realm": "sandbox", "of_event": "sandbox"}]
    assert (await sandbox.get(address)).status_code == 200
    assert (await (await intake.with_another_key("admin")).get(address)).status_code == 404
