"""What intake takes, and that it keeps the customer's words as they were written."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.intake.factories import COMPLAINTS, Service, complaint, with_raw

QUICK = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
# Everything but control characters and halves of surrogate pairs.
WRITTEN = st.text(st.characters(exclude_categories=("Cc", "Cs"))).filter(lambda text: text and not text.isspace())


async def shown(intake: Service, body: Any) -> dict[str, Any]:
    """The case that ``body`` becomes."""
    answer = await intake.post(body)
    assert answer.status_code == 201, answer.text
    case: dict[str, Any] = (await intake.get(f"{COMPLAINTS}/{answer.json()['id']}")).json()
    return case


@pytest.mark.parametrize(
    "content",
    [
        "长" * 20_000,
        "😀" * 20_000,
        "两行\n和\r\n三行\t缩进\x85",
        "  blanks around  ",
        "خدمة الإنترنت مقطوعة منذ أمس",
        "\u202eright to left\u202c",
        "👩‍👩‍👧‍👦 and 🇨🇳",
        "𠮷野家 𝒳",
        "e\u0301 is not é, ﬁ is not fi",
        "\ufeffmark \ufffd \uffff \U0010ffff",
        "\u200b",
        "'; drop table complaint; -- \\ \\u0000 %s $1 {} <script>",
        "‹phone›",
    ],
    ids=lambda content: ascii(content[:12]),
)
async def test_content_is_kept_as_it_was_written(intake: Service, content: str) -> None:
    case = await shown(intake, complaint(content=content))

    assert case["content"] == content


@QUICK
@given(content=WRITTEN, name=WRITTEN, region=WRITTEN)
async def test_any_text_comes_back_unchanged(intake: Service, content: str, name: str, region: str) -> None:
    lines = [" ".join(line.replace("\u2028", "").replace("\u2029", "").split()) for line in (name, region)]
    name, region = (line[:200].strip() or "x" for line in lines)

    case = await shown(intake, complaint(content=content, customer={"name": name}, region=region))

    assert (case["content"], case["customer"]["name"], case["region"]) == (content, name, region)


@pytest.mark.parametrize("name", ["x" * 200, "O'Brien-Ñúñez", "司马 相如", "李", "🙂"])
async def test_names_are_taken_as_people_write_them(intake: Service, name: str) -> None:
    assert (await shown(intake, complaint(customer={"name": name})))["customer"]["name"] == name


async def test_blanks_around_a_line_are_taken_off(intake: Service) -> None:
    case = await shown(intake, complaint(customer={"name": "\u3000李伟 \n", "account": " A1 "}, region=" 北京 "))

    assert (case["customer"]["name"], case["customer"]["account"], case["region"]) == ("李伟", "A1", "北京")


async def test_the_last_of_repeated_fields_counts(intake: Service) -> None:
    assert (await shown(intake, with_raw(b'"content": "second"')))["content"] == "second"


@pytest.mark.parametrize(
    ("way", "address", "kept"),
    [
        ("webhook", "chat-71f3", "chat-71f3"),
        ("sms", "138 0013 8000", "+8613800138000"),
        ("email", "li.wei@EXAMPLE.com", "li.wei@example.com"),
    ],
)
async def test_one_way_to_answer_is_enough(intake: Service, way: str, address: str, kept: str) -> None:
    case = await shown(
        intake,
        complaint(customer={"phone": ..., "email": ...}, reply_to={"channel": way, "address": address}),
    )

    assert case["reply_to"] == {"channel": way, "address": kept}
    assert (case["customer"]["phone"], case["customer"]["email"]) == (None, None)


@pytest.mark.parametrize("customer", [{"phone": ...}, {"email": ...}], ids=["e-mail", "phone"])
async def test_a_phone_number_or_an_address_is_enough(intake: Service, customer: dict[str, Any]) -> None:
    await shown(intake, complaint(customer=customer))


async def test_the_shortest_complaint_is_taken(intake: Service) -> None:
    case = await shown(
        intake, {"customer": {"name": "李伟", "phone": "13800138000"}, "channel": "hotline", "content": "断网"}
    )

    assert case["service_type"] == "other"
    for absent in ("region", "occurred_at", "external_id", "reply_to", "concerns"):
        assert case[absent] is None


@pytest.mark.parametrize(
    ("amount", "kept"), [(0, "0.00"), ("-0", "0.00"), (129.9, "129.90"), ("9999999999.99", "9999999999.99")]
)
async def test_an_amount_is_kept_to_the_cent(intake: Service, amount: object, kept: str) -> None:
    case = await shown(intake, complaint(concerns={"amount": amount, "currency": "CNY"}))

    assert case["concerns"] == {"amount": kept, "currency": "CNY"}


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=utf-8", "text/plain", "application/octet-stream"]
)
async def test_the_body_is_read_as_json_whatever_it_is_called(intake: Service, content_type: str) -> None:
    answer = await intake.post(complaint(), headers={**intake.channel, "Content-Type": content_type})

    assert answer.status_code == 201
