"""Many complaints at once: each is registered or refused for itself, and answered in the order posted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.intake.factories import BATCH, COMPLAINTS, Service, complaint

GOOD_AND_BAD = [
    complaint(content="第一"),
    complaint(channel="fax"),
    complaint(content="第三"),
    "no object",
    complaint(content=...),
    complaint(content="第六"),
]


def numbered(count: int) -> list[dict[str, Any]]:
    return [complaint(content=f"第{n}条") for n in range(count)]


async def in_chunks(body: bytes, size: int) -> AsyncIterator[bytes]:
    """The body as a client sends it that does not know its length."""
    for start in range(0, len(body), size):
        yield body[start : start + size]


@pytest.mark.parametrize("form", ["array", "lines"])
async def test_each_item_is_answered_in_the_order_posted(intake: Service, form: str) -> None:
    post = intake.post_batch if form == "array" else intake.post_lines

    answer = await post(GOOD_AND_BAD)

    items = answer.json()["items"]
    assert answer.status_code == 200
    assert [item["index"] for item in items] == list(range(6))
    assert [item["status"] for item in items] == [201, 422, 201, 422, 422, 201]
    assert items[1]["problem"]["errors"][0]["field"] == "channel"
    for place, content in ((0, "第一"), (2, "第三"), (5, "第六")):
        case = (await intake.get(f"{COMPLAINTS}/{items[place]['complaint']['id']}")).json()
        assert case["content"] == content
    assert await intake.written() == (3, 3)


async def test_an_item_is_answered_as_a_single_post_would_be(intake: Service) -> None:
    single = (await intake.post(complaint())).json()

    [item] = (await intake.post_batch([complaint()])).json()["items"]

    assert list(item["complaint"]) == list(single)


@pytest.mark.parametrize("form", ["array", "lines"])
async def test_an_empty_batch_is_answered_with_no_items(intake: Service, form: str) -> None:
    answer = await (intake.post_batch([]) if form == "array" else intake.post_lines(b"\n \r\n"))

    assert (answer.status_code, answer.json()) == (200, {"items": []})


async def test_a_thousand_are_taken_and_nothing_of_a_thousand_and_one(intake: Service) -> None:
    too_many = await intake.post_batch(numbered(1001))
    before = await intake.written()
    enough = await intake.post_batch(numbered(1000))

    assert too_many.status_code == 413
    assert "1001 complaints; 1000 is the most" in too_many.json()["detail"]
    assert before == (0, 0)
    assert [item["status"] for item in enough.json()["items"]] == [201] * 1000
    assert await intake.written() == (1000, 1000)


@pytest.mark.parametrize("last", [b"", b"\n"], ids=["open end", "closed end"])
async def test_lines_after_the_thousandth_are_answered_as_not_read(intake: Service, last: bytes) -> None:
    lines = b"\n".join(json.dumps(line).encode() for line in numbered(1001)) + last

    items = (await intake.post_lines(lines)).json()["items"]

    assert [item["status"] for item in items] == [201] * 1000 + [413]
    assert "post them again" in items[-1]["problem"]["detail"]
    assert await intake.written() == (1000, 1000)


async def test_a_broken_line_costs_only_itself(intake: Service) -> None:
    lines: list[Any] = [complaint(), b'{"customer": ', b"\xff\xfe", b"[" * 10_000, b'{"a": "\\ud800"}', complaint()]

    items = (await intake.post_lines(lines)).json()["items"]

    assert [item["status"] for item in items] == [201, 400, 400, 400, 400, 201]
    assert await intake.written() == (2, 2)


async def test_lines_may_end_as_windows_writes_them(intake: Service) -> None:
    line = json.dumps(complaint()).encode()

    items = (await intake.post_lines(line + b"\r\n\r\n" + line + b"\r\n")).json()["items"]

    assert [item["status"] for item in items] == [201, 201]


async def test_lines_are_read_however_they_are_cut_into_chunks(intake: Service) -> None:
    body = b"\n".join(json.dumps(line, ensure_ascii=False).encode() for line in numbered(20))

    items = (await intake.post_lines(in_chunks(body, 7))).json()["items"]

    assert [item["status"] for item in items] == [201] * 20


@pytest.mark.parametrize("body", [b'{"items": []}', b'"x"', b"7", b"null"])
async def test_what_is_no_array_is_refused(intake: Service, body: bytes) -> None:
    answer = await intake.client.post(BATCH, content=body, headers=intake.channel)

    assert answer.status_code == 422
    assert "application/x-ndjson" in answer.json()["detail"]


@pytest.mark.parametrize("body", [b"", b"[", b"[" * 10_000, b"\xef\xbb\xbf[]", b"[NaN]", b'["\\ud800"]'])
async def test_an_array_that_is_no_json_is_refused(intake: Service, body: bytes) -> None:
    answer = await intake.client.post(BATCH, content=body, headers=intake.channel)

    assert (answer.status_code, answer.json()["type"]) == (400, "urn:redress:problem:malformed")


async def test_more_than_16_mib_are_refused(intake: Service) -> None:
    body = b"[" + b" " * (16 * 1024 * 1024)

    answer = await intake.client.post(BATCH, content=body, headers=intake.channel)

    assert answer.status_code == 413
    assert "16 MiB" in answer.json()["detail"]


@pytest.mark.parametrize("form", ["array", "lines"])
async def test_an_item_of_more_than_1_mib_is_refused_alone(intake: Service, form: str) -> None:
    post = intake.post_batch if form == "array" else intake.post_lines

    items = (await post([complaint(), complaint(content="x" * (1024 * 1024)), complaint()])).json()["items"]

    assert [item["status"] for item in items] == [201, 413, 201]
    assert "1 MiB" in items[1]["problem"]["detail"]


@pytest.mark.parametrize("size", [50_000, 1_000_000, 3_000_000])
async def test_a_line_too_long_costs_only_itself_however_it_is_cut_into_chunks(intake: Service, size: int) -> None:
    short, long = json.dumps(complaint()).encode(), b"x" * 2_500_000

    items = (await intake.post_lines(in_chunks(b"\n".join([short, long, long, short]), size))).json()["items"]

    assert [item["status"] for item in items] == [201, 413, 413, 201]


async def test_lines_beyond_16_mib_are_answered_as_not_read(intake: Service) -> None:
    lines = [json.dumps(complaint()).encode(), *[b"x" * 1_000_000] * 18]

    items = (await intake.post_lines(in_chunks(b"\n".join(lines), 500_000))).json()["items"]

    assert items[0]["status"] == 201
    assert len(items) < len(lines)
    assert items[-1]["status"] == 413
    assert "16 MiB; post the lines from here on again" in items[-1]["problem"]["detail"]


async def test_a_batch_sent_again_under_its_key_changes_nothing(intake: Service) -> None:
    first = await intake.post_batch(GOOD_AND_BAD, key="night-import")

    again = await intake.post_batch(GOOD_AND_BAD, key="night-import")
    as_lines = await intake.post_lines(GOOD_AND_BAD, key="night-import")

    assert again.content == first.content == as_lines.content
    assert await intake.written() == (3, 3)


async def test_each_place_of_a_batch_has_a_key_of_its_own(intake: Service) -> None:
    first = (await intake.post_batch([complaint(), complaint()], key="key-1")).json()["items"]

    changed = [complaint(), complaint(content="别的事情。"), complaint()]
    again = (await intake.post_batch(changed, key="key-1")).json()["items"]

    assert len({item["complaint"]["id"] for item in first}) == 2
    assert [item["status"] for item in again] == [201, 422, 201]
    assert again[0] == first[0]
    assert again[1]["problem"]["type"] == "urn:redress:problem:idempotency-key-used"


async def test_the_keys_of_a_batch_never_meet_those_of_single_posts(intake: Service) -> None:
    await intake.post_batch([complaint()], key="key-1")

    singles = [await intake.post(complaint(content="别的事情。"), key=key) for key in ("key-1", "key-1:0", "key-10")]

    assert [answer.status_code for answer in singles] == [201, 201, 201]


async def test_a_key_of_the_wrong_form_is_refused_for_the_whole_batch(intake: Service) -> None:
    answer = await intake.post_batch([complaint()], key="two words")

    assert answer.status_code == 422
    assert await intake.written() == (0, 0)


async def test_one_external_id_twice_in_a_batch_is_one_complaint(intake: Service) -> None:
    same, other = complaint(external_id="CC-1"), complaint(external_id="CC-1", content="别的事情。")

    items = (await intake.post_batch([same, same, other])).json()["items"]

    assert [item["status"] for item in items] == [201, 200, 409]
    assert items[0]["complaint"]["id"] == items[1]["complaint"]["id"]
    assert await intake.written() == (1, 1)


async def test_a_complaint_is_the_same_posted_alone_or_in_a_batch(intake: Service) -> None:
    posted = complaint(external_id="CC-1", concerns={"amount": 129.9, "currency": "CNY"})
    single = (await intake.post(posted)).json()

    by_array = (await intake.post_batch([posted])).json()["items"]
    by_line = (await intake.post_lines([posted])).json()["items"]

    assert [item["status"] for item in by_array + by_line] == [200, 200]
    assert by_array[0]["complaint"]["id"] == by_line[0]["complaint"]["id"] == single["id"]


async def test_one_batch_sent_by_several_at_once_is_registered_once(intake: Service) -> None:
    answers = await asyncio.gather(*(intake.post_batch(numbered(40), key="key-1") for _ in range(5)))

    assert len({answer.content for answer in answers}) == 1
    assert await intake.written() == (40, 40)
