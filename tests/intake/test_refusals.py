"""What intake refuses, and how it says so: every wrong field by name, with a reason and a stable code."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.intake.factories import Service, complaint, with_raw

WHOLE = json.dumps(complaint(content="x")).encode()
CONTENT = b'"x"'


def concerning(amount: object) -> dict[str, Any]:
    return complaint(concerns={"amount": amount, "currency": "CNY"})


UNREADABLE = {
    "empty": b"",
    "blank": b"  \n",
    "cut off": b'{"customer": ',
    "single quotes": b"{'customer': 1}",
    "trailing comma": WHOLE[:-1] + b",}",
    "two values": WHOLE + WHOLE,
    "form": b"customer=li&channel=app",
    "byte order mark": b"\xef\xbb\xbf" + WHOLE,
    "UTF-16": WHOLE.decode().encode("utf-16"),
    "latin-1": WHOLE.replace(CONTENT, b'"caf\xe9"'),
    "overlong UTF-8": WHOLE.replace(CONTENT, b'"\xc0\xaf"'),
    "surrogate in UTF-8": WHOLE.replace(CONTENT, b'"\xed\xa0\x80"'),
    "lone high surrogate": WHOLE.replace(CONTENT, b'"\\ud83d"'),
    "lone low surrogate": WHOLE.replace(CONTENT, b'"\\ude00!"'),
    "raw NUL": WHOLE.replace(CONTENT, b'"a\0b"'),
    "compressed": b"\x1f\x8b\x08" + WHOLE,
    "10,000 brackets": b"[" * 10_000 + b"]" * 10_000,
    "10,000 objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "10,000 brackets in a field": with_raw(b'"concerns": ' + b"[" * 10_000 + b"]" * 10_000),
    "number of 5,000 digits": with_raw(b'"concerns": {"amount": ' + b"9" * 5_000 + b"}"),
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
async def test_what_is_no_json_in_utf_8_is_refused_with_the_position(intake: Service, body: bytes) -> None:
    answer = await intake.post(body)

    told = answer.json()
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert (told["type"], told["status"]) == ("urn:redress:problem:malformed", 400)
    assert " at line " in told["detail"]
    assert " column " in told["detail"]


# What is posted, the field named, its code, and words that its reason must hold.
WRONG: dict[str, tuple[Any, str, str, str]] = {
    "array": ([], "", "wrong_type", "JSON object"),
    "text": ("complaint", "", "wrong_type", "JSON object"),
    "null": (b"null", "", "wrong_type", "JSON object"),
    "number": (7, "", "wrong_type", "JSON object"),
    "no customer": (complaint(customer=...), "customer", "missing", "is missing"),
    "customer null": (complaint(customer=None), "customer", "wrong_type", "JSON object"),
    "customer a text": (complaint(customer="李伟"), "customer", "wrong_type", "JSON object"),
    "customer a list": (complaint(customer=[]), "customer", "wrong_type", "JSON object"),
    "no name": (complaint(customer={"name": ...}), "customer.name", "missing", "is missing"),
    "name null": (complaint(customer={"name": None}), "customer.name", "wrong_type", "a text"),
    "name a number": (complaint(customer={"name": 5}), "customer.name", "wrong_type", "a text"),
    "name empty": (complaint(customer={"name": ""}), "customer.name", "too_short", "must not be empty"),
    "name blank": (complaint(customer={"name": " \u3000"}), "customer.name", "too_short", "must not be empty"),
    "name too long": (complaint(customer={"name": "长" * 201}), "customer.name", "too_long", "200 is the most"),
    "name of two lines": (complaint(customer={"name": "a\nb"}), "customer.name", "control_character", "U+000A"),
    "account with NUL": (complaint(customer={"account": "a\0"}), "customer.account", "control_character", "U+0000"),
    "account too long": (complaint(customer={"account": "a" * 101}), "customer.account", "too_long", "100 is the most"),
    "language unknown": (complaint(customer={"language": "fr"}), "customer.language", "not_one_of", "one of zh, en"),
    "no channel": (complaint(channel=...), "channel", "missing", "is missing"),
    "channel unknown": (complaint(channel="hot_line"), "channel", "not_one_of", "write one of hotline, online_chat"),
    "channel in capitals": (complaint(channel="APP"), "channel", "not_one_of", '"APP" is not possible'),
    "channel a number": (complaint(channel=7), "channel", "not_one_of", "must be one of hotline"),
    "service unknown": (complaint(service_type="dsl"), "service_type", "not_one_of", "write one of mobile, fixed_line"),
    "no content": (complaint(content=...), "content", "missing", "is missing"),
    "content null": (complaint(content=None), "content", "wrong_type", "a text"),
    "content a list": (complaint(content=["x"]), "content", "wrong_type", "a text"),
    "content empty": (complaint(content=""), "content", "too_short", "must not be empty"),
    "content blank": (complaint(content=" \n\u3000\t"), "content", "blank", "must not be empty"),
    "content too long": (complaint(content="长" * 20_001), "content", "too_long", "has 20001 characters; 20000 is"),
    "content with NUL": (complaint(content="a\0b"), "content", "control_character", "U+0000 at position 1"),
    "content with escape": (complaint(content="a\x1b[31m"), "content", "control_character", "U+001B"),
    "content with C1": (complaint(content="a\x9b"), "content", "control_character", "U+009B"),
    "region of two lines": (complaint(region="a\u2028b"), "region", "control_character", "U+2028"),
    "region a list": (complaint(region=["北京"]), "region", "wrong_type", "a text"),
    "external id empty": (complaint(external_id=""), "external_id", "too_short", "must not be empty"),
    "external id a number": (complaint(external_id=99812), "external_id", "wrong_type", "a text"),
    "external id too long": (complaint(external_id="C" * 201), "external_id", "too_long", "200 is the most"),
    "no way to answer": (
        complaint(customer={"phone": ..., "email": ...}),
        "",
        "no_way_to_answer",
        "give customer.phone, customer.email or reply_to.address",
    ),
    "ways to answer null": (
        complaint(customer={"phone": None, "email": None}, reply_to=None),
        "",
        "no_way_to_answer",
        "no way to answer",
    ),
    "unknown field": (complaint(contents="x"), "contents", "unknown_field", 'did you mean "content"?'),
    "unknown field of the customer": (
        complaint(customer={"fone": "1"}),
        "customer.fone",
        "unknown_field",
        'did you mean "phone"?',
    ),
    "unknown field of concerns": (
        complaint(concerns={"promo": "x", "promotion": "x"}),
        "concerns.promo",
        "unknown_field",
        'did you mean "promotion"?',
    ),
    "unknown field of reply_to": (
        complaint(reply_to={"channel": "webhook", "address": "x", "adress": "x"}),
        "reply_to.adress",
        "unknown_field",
        'did you mean "address"?',
    ),
    "attachments": (complaint(attachments=[]), "attachments", "sent_afterwards", "/v1/complaints/{id}/attachments"),
    "field of 100,000 characters": (
        with_raw(b'"' + b"k" * 100_000 + b'": 1'),
        "k" * 100_000,
        "unknown_field",
        "known:",
    ),
    "field named NUL": (with_raw(b'"\\u0000": 1'), "\0", "unknown_field", "known:"),
    "wrong field repeated": (with_raw(b'"channel": "fax"'), "channel", "not_one_of", '"fax" is not possible'),
    "phone too short": (complaint(customer={"phone": "138"}), "customer.phone", "invalid", "too few digits"),
    "phone too long": (complaint(customer={"phone": "1" * 18}), "customer.phone", "invalid", "too many"),
    "phone no number": (complaint(customer={"phone": "call me"}), "customer.phone", "invalid", "+8613800138000"),
    "phone a number": (complaint(customer={"phone": 13800138000}), "customer.phone", "wrong_type", "a text"),
    "e-mail without domain": (complaint(customer={"email": "li.wei"}), "customer.email", "invalid", "@-sign"),
    "e-mail with name": (
        complaint(customer={"email": "Li <li@example.com>"}),
        "customer.email",
        "invalid",
        "display name",
    ),
    "e-mail of two lines": (
        complaint(customer={"email": "a@example.com\nb"}),
        "customer.email",
        "control_character",
        "U+000A",
    ),
    "time without zone": (complaint(occurred_at="2026-11-22T20:10:00"), "occurred_at", "no_time_zone", "no time zone"),
    "time without time": (complaint(occurred_at="2026-11-22"), "occurred_at", "no_time_zone", "no time zone"),
    "time in words": (complaint(occurred_at="yesterday"), "occurred_at", "wrong_type", "is no time"),
    "time on February 30": (complaint(occurred_at="2026-02-30T00:00:00Z"), "occurred_at", "wrong_type", "is no time"),
    "time true": (complaint(occurred_at=True), "occurred_at", "wrong_type", "is no time"),
    "time beyond numbers": (complaint(occurred_at=1e300), "occurred_at", "wrong_type", "is no time"),
    "time in the future": (complaint(occurred_at="2199-01-01T00:00:00Z"), "occurred_at", "future", "leave it out"),
    "last time of all": (complaint(occurred_at="9999-12-31T23:59:59-14:00"), "occurred_at", "future", "leave it out"),
    "first time of all": (complaint(occurred_at="0001-01-01T00:00:00+14:00"), "occurred_at", "too_early", "before the"),
    "reply channel unknown": (
        complaint(reply_to={"channel": "fax", "address": "1"}),
        "reply_to.channel",
        "not_one_of",
        "webhook, email, sms",
    ),
    "reply without address": (complaint(reply_to={"channel": "sms"}), "reply_to.address", "missing", "is missing"),
    "reply to no e-mail": (
        complaint(reply_to={"channel": "email", "address": "chat-71f3"}),
        "reply_to.address",
        "invalid",
        "is no e-mail address",
    ),
    "reply to no phone": (
        complaint(reply_to={"channel": "sms", "address": "chat-71f3"}),
        "reply_to.address",
        "invalid",
        "is no phone number",
    ),
    "amount negative": (concerning(-1), "concerns.amount", "out_of_range", "at least 0"),
    "amount too precise": (concerning("1.234"), "concerns.amount", "decimal_max_places", "2 decimal places"),
    "amount too large": (concerning(10**12), "concerns.amount", "decimal_max_digits", "12 digits"),
    "amount beyond numbers": (concerning(10**400), "concerns.amount", "decimal_max_digits", "12 digits"),
    "amount NaN": (concerning(float("nan")), "concerns.amount", "finite_number", "finite"),
    "amount infinite": (with_raw(b'"concerns": {"amount": 1e400}'), "concerns.amount", "finite_number", "finite"),
    "amount in words": (concerning("ten"), "concerns.amount", "wrong_type", "a number"),
    "amount true": (concerning(True), "concerns.amount", "wrong_type", "a number"),
    "amount without currency": (complaint(concerns={"amount": 1}), "concerns", "invalid", "needs a currency"),
    "currency in words": (
        complaint(concerns={"amount": 1, "currency": "yuan"}),
        "concerns.currency",
        "invalid",
        "three capital letters",
    ),
}


@pytest.mark.parametrize(("body", "field", "code", "words"), WRONG.values(), ids=WRONG)
async def test_a_wrong_value_is_refused_by_its_name_with_what_to_change(
    intake: Service, body: Any, field: str, code: str, words: str
) -> None:
    answer = await intake.post(body)

    told = answer.json()
    assert answer.status_code == 422
    assert told["type"] == "urn:redress:problem:invalid"
    [error] = told["errors"]
    assert (error["field"], error["code"]) == (field, code)
    assert words in error["reason"]


async def test_every_wrong_field_is_named_at_once(intake: Service) -> None:
    answer = await intake.post({"customer": {"name": 5}, "channel": "fax", "contents": "x"})

    assert {(error["field"], error["code"]) for error in answer.json()["errors"]} == {
        ("customer.name", "wrong_type"),
        ("channel", "not_one_of"),
        ("content", "missing"),
        ("contents", "unknown_field"),
    }
    assert answer.json()["detail"].startswith("4 fields are wrong: ")


async def test_three_thousand_unknown_fields_are_all_named(intake: Service) -> None:
    answer = await intake.post(complaint(**{f"field{n}": 1 for n in range(3000)}))

    assert len(answer.json()["errors"]) == 3000


async def test_a_refused_complaint_leaves_nothing_behind(intake: Service) -> None:
    for body, *_ in list(WRONG.values())[:10]:
        await intake.post(body, key="key-1")

    assert await intake.written() == (0, 0)


async def test_a_refused_complaint_does_not_use_up_its_key(intake: Service) -> None:
    await intake.post(complaint(channel="fax"), key="key-1")

    corrected = await intake.post(complaint(), key="key-1")

    assert corrected.status_code == 201


async def test_what_a_customer_wrote_is_not_repeated_in_a_refusal(intake: Service) -> None:
    answer = await intake.post(
        complaint(customer={"name": "欧阳\x00娜娜", "phone": "13800", "email": "nana@"}, content="秘密\0")
    )

    assert answer.status_code == 422
    for private in ("欧阳", '13800"', "nana", "秘密"):
        assert private not in answer.text


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_another_method_is_refused_with_the_one_that_is_taken(intake: Service, method: str) -> None:
    answer = await intake.client.request(method, "/v1/complaints", headers=intake.channel)

    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert answer.json()["type"] == "urn:redress:problem:method-not-allowed"
