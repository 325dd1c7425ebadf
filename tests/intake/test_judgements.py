"""``POST /v1/judgements``: what a text would be judged, without a case."""

from __future__ import annotations

from typing import Any

import pytest

from services.judgements.artefact import shipped
from tests.intake.factories import Service

TEXT = "宽带从昨晚开始断网，一直没人来修。"


async def judge(intake: Service, role: str = "channel", **body: Any) -> Any:
    asked = await intake.with_another_key(role) if role != "channel" else intake
    return await asked.client.post("/v1/judgements", json={"content": TEXT} | body, headers=asked.channel)


@pytest.mark.parametrize("role", ["channel", "staff", "admin"])
async def test_a_text_is_judged_and_nothing_is_kept(intake: Service, role: str) -> None:
    answer = await judge(intake, role)

    body = answer.json()
    assert answer.status_code == 200
    assert (body["category"], body["best_guess"], body["sub_category"]) == ("outage", "outage", "no_service")
    assert (body["model"], body["plan_version"], body["language"]) == (shipped().name, 1, "zh")
    assert body["guesses"][0]["category"] == "outage"
    assert await intake.written() == (0, 0)


async def test_reasons_stand_where_their_words_were_typed(intake: Service) -> None:
    text = "我叫李伟，电话13912345678，@客服 家里断网三天了，李伟等你们回电"

    body = (await judge(intake, content=text, customer={"name": "李伟"})).json()

    reasons = [*body["reasons"], *body["severity_reasons"]]
    assert any("断网" in reason["words"] for reason in reasons)
    for reason in reasons:
        assert text[reason["start"] : reason["end"]] == reason["words"]


async def test_facts_count_as_they_do_for_a_case(intake: Service) -> None:
    plain = (await judge(intake, content="宽带断网了")).json()
    grave = (
        await judge(
            intake,
            content="宽带断网了",
            channel="regulator",
            service_type="broadband",
            customer={"account": "VIP-1", "language": "en"},
            occurred_at="2026-01-01T00:00:00Z",
            concerns={"amount": 5000, "currency": "CNY"},
        )
    ).json()

    added = {reason["signal"] for reason in grave["severity_reasons"]} - {
        reason["signal"] for reason in plain["severity_reasons"]
    }
    assert added == {"regulator_threat", "important_customer", "long_duration", "money_at_stake"}
    assert grave["reportable"]


@pytest.mark.parametrize("content", ["", "  ", "😡", "¿?", "a" * 20_000])
async def test_what_says_nothing_is_unclear_and_no_error(intake: Service, content: str) -> None:
    answer = await judge(intake, content=content)

    assert (answer.status_code, answer.json()["category"]) == (200, "unclear")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"content": 5}, "content"),
        ({"content": "x" * 20_001}, "content"),
        ({"content": "a\x00b"}, "content"),
        ({"chanel": "web"}, "chanel"),
        ({"channel": "fax"}, "channel"),
        ({"occurred_at": "2999-01-01T00:00:00Z"}, "occurred_at"),
        ({"customer": {"phone": "139"}}, "customer.phone"),
        ({"customer": {"standing": "VIP!"}}, "customer.standing"),
    ],
)
async def test_what_is_wrong_is_said(intake: Service, body: dict[str, Any], field: str) -> None:
    answer = await judge(intake, **body)

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_integrators_and_strangers_may_not_ask(intake: Service) -> None:
    assert (await judge(intake, "integrator")).status_code == 403
    assert (await intake.client.post("/v1/judgements", json={"content": TEXT})).status_code == 401
