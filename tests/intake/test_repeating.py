"""Sending again: the same complaint is registered once, and another one under its name is refused."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.intake.factories import COMPLAINTS, Service, complaint


async def test_the_same_idempotency_key_and_body_give_the_first_answer_again(intake: Service) -> None:
    first = await intake.post(complaint(), key="key-1")

    again = await intake.post(complaint(), key="key-1")

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert (again.headers["location"], again.headers["etag"]) == (first.headers["location"], '"1"')
    assert again.headers["idempotent-replayed"] == "true"
    assert await intake.written() == (1, 1)


async def test_the_first_answer_is_given_even_after_the_case_has_moved_on(intake: Service) -> None:
    first = await intake.post(complaint(), key="key-1")
    async with intake.engine.begin() as connection:
        await connection.exec_driver_sql(
            "update complaint set status = 'closed', version = 9 where id = $1", (first.json()["id"],)
        )

    again = await intake.post(complaint(), key="key-1")

    assert again.content == first.content


async def test_an_idempotency_key_is_not_taken_for_another_body(intake: Service) -> None:
    await intake.post(complaint(), key="key-1")

    other = await intake.post(complaint(content="别的事情。"), key="key-1")

    assert other.status_code == 422
    assert other.json()["type"] == "urn:redress:problem:idempotency-key-used"
    assert await intake.written() == (1, 1)


async def test_fifty_posts_of_one_complaint_at_once_are_one_complaint(intake: Service) -> None:
    answers = await asyncio.gather(*(intake.post(complaint(), key="key-1") for _ in range(50)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    assert await intake.written() == (1, 1)


async def test_channels_use_the_same_idempotency_key_independently(intake: Service) -> None:
    other_channel = await intake.with_another_key()

    first = await intake.post(complaint(), key="key-1")
    other = await other_channel.post(complaint(content="别的事情。"), key="key-1")

    assert (first.status_code, other.status_code) == (201, 201)
    assert first.json()["id"] != other.json()["id"]


@pytest.mark.parametrize("key", ["k" * 256, "two words", "ключ", " ", "tab\there"])
async def test_an_idempotency_key_of_the_wrong_form_is_refused(intake: Service, key: str) -> None:
    # Written out by hand, because a client would not send some of these.
    sent = [(b"Authorization", intake.channel["Authorization"].encode()), (b"Idempotency-Key", key.encode())]

    answer = await intake.client.post(COMPLAINTS, json=complaint(), headers=sent)

    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert error["field"] == "Idempotency-Key"
    assert await intake.written() == (0, 0)


async def test_the_longest_idempotency_key_is_taken(intake: Service) -> None:
    answer = await intake.post(complaint(), key="k" * 255)

    assert answer.status_code == 201


async def test_the_same_external_id_and_body_give_the_case_as_it_stands(intake: Service) -> None:
    first = (await intake.post(complaint(external_id="CC-1"))).json()

    again = await intake.post(complaint(external_id="CC-1"))

    case = await intake.get(f"{COMPLAINTS}/{first['id']}")
    assert again.status_code == 200
    # Of one case alone there is more to show.
    assert case.json() == again.json() | {"compensation": [], "links": []}
    assert again.headers["etag"] == case.headers["etag"]
    assert again.headers["location"] == f"/v1/complaints/{first['id']}"
    assert await intake.written() == (1, 1)


async def test_an_external_id_is_not_taken_for_another_body(intake: Service) -> None:
    first = (await intake.post(complaint(external_id="CC-1"))).json()

    other = await intake.post(complaint(external_id="CC-1", content="别的事情。"))

    assert other.status_code == 409
    assert other.json()["type"] == "urn:redress:problem:external-id-used"
    assert first["reference"] in other.json()["detail"]
    assert await intake.written() == (1, 1)


async def test_channels_use_the_same_external_id_independently(intake: Service) -> None:
    other_channel = await intake.with_another_key()

    first = await intake.post(complaint(external_id="CC-1"))
    other = await other_channel.post(complaint(external_id="CC-1", content="别的事情。"))

    assert (first.status_code, other.status_code) == (201, 201)


async def test_one_external_id_posted_many_times_at_once_is_one_complaint(intake: Service) -> None:
    answers = await asyncio.gather(*(intake.post(complaint(external_id="CC-1")) for _ in range(30)))

    assert sorted(answer.status_code for answer in answers) == [200] * 29 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert await intake.written() == (1, 1)


async def test_of_many_complaints_posted_at_once_under_one_external_id_one_wins(intake: Service) -> None:
    answers = await asyncio.gather(
        *(intake.post(complaint(external_id="CC-1", content=f"第{n}次断网。")) for n in range(30))
    )

    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 29
    assert await intake.written() == (1, 1)


async def test_the_idempotency_key_is_the_stronger_promise(intake: Service) -> None:
    by_key = (await intake.post(complaint(), key="key-1")).json()
    await intake.post(complaint(external_id="CC-1"))

    answer = await intake.post(complaint(external_id="CC-1"), key="key-1")

    assert answer.status_code == 422
    assert (await intake.post(complaint(), key="key-1")).json() == by_key


async def test_a_known_external_id_under_a_new_idempotency_key_gives_the_case(intake: Service) -> None:
    first = (await intake.post(complaint(external_id="CC-1"), key="key-1")).json()

    answer = await intake.post(complaint(external_id="CC-1"), key="key-2")

    assert (answer.status_code, answer.json()["id"]) == (200, first["id"])


@pytest.mark.parametrize(
    "same",
    [
        dict(reversed(complaint().items())),
        complaint(customer={"phone": "138 0013 8000"}),
        complaint(customer={"phone": "１３８－００１３－８０００"}),
        complaint(customer={"email": "li.wei@EXAMPLE.com"}),
        complaint(customer={"name": " 李伟 "}),
        complaint(occurred_at="2026-11-22T12:10:00Z"),
        complaint(external_id=None, concerns=None),
    ],
    ids=["order", "phone", "full-width phone", "e-mail", "blanks", "time zone", "null for absent"],
)
async def test_how_a_body_is_written_makes_no_difference(intake: Service, same: dict[str, Any]) -> None:
    first = await intake.post(complaint(), key="key-1")

    again = await intake.post(same, key="key-1")

    assert (again.status_code, again.content) == (201, first.content)


@pytest.mark.parametrize("amount", [100, 100.0, "100", "100.0", "1E+2"])
async def test_how_an_amount_is_written_makes_no_difference(intake: Service, amount: object) -> None:
    first = await intake.post(complaint(concerns={"amount": "100.00", "currency": "CNY"}), key="key-1")

    again = await intake.post(complaint(concerns={"amount": amount, "currency": "CNY"}), key="key-1")

    assert (again.status_code, again.content) == (201, first.content)


@pytest.mark.parametrize(
    "other",
    [
        complaint(content="宽带从昨晚开始断网，一直没人来修。 "),
        complaint(customer={"phone": "+8613800138001"}),
        complaint(channel="app"),
        complaint(service_type="mobile"),
        complaint(region=...),
        complaint(external_id="CC-1"),
        complaint(reply_to={"channel": "webhook", "address": "chat-71f3"}),
        complaint(concerns={"bill": "2026-10"}),
    ],
    ids=["content", "phone", "channel", "service", "region", "external id", "reply to", "concerns"],
)
async def test_what_a_body_says_makes_a_difference(intake: Service, other: dict[str, Any]) -> None:
    await intake.post(complaint(), key="key-1")

    assert (await intake.post(other, key="key-1")).status_code == 422
