"""The words of notices."""

from __future__ import annotations

from datetime import timedelta

import pytest
from jinja2 import UndefinedError

from services.notices.events import KINDS
from services.notices.rendering import Letters, duration, moment
from services.plan.vocabulary import LANGUAGES

COMMON = {
    "reference": "RD-7K3M-9PQ2-X",
    "operator": "示例电信",
    "name": "李伟",
    "track_url": "https://care.example.com/track/abc",
}
LATER, EARLIER = "2026-11-24T18:00:00+08:00", "2026-11-24T10:30:00+08:00"
FACTS: dict[str, list[dict[str, object]]] = {
    "acknowledgement": [
        {"received_at": EARLIER, "respond_by": LATER},
        {"received_at": EARLIER, "respond_by": None},
    ],
    "dispatched": [
        {"group": "技术支持组", "assignee": "陈国强", "respond_by": LATER},
        {"group": "技术支持组", "assignee": "陈国强", "respond_by": None},
    ],
    "estimate": [
        {"estimated_repair_at": LATER, "previous": None, "later": False},
        {"estimated_repair_at": LATER, "previous": EARLIER, "later": True},
        {"estimated_repair_at": EARLIER, "previous": LATER, "later": False},
    ],
    "result": [{"resolution": "线路已修复。"}],
    "closed": [
        {"decision": decision, "reopen_within": 2592000.0}
        for decision in ("customer_accepted", "customer_silent", "final_decision", None)
    ],
    "reopened": [{"group": "技术支持组"}, {"group": None}],
}


@pytest.fixture(scope="module")
def letters() -> Letters:
    return Letters()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_written_in_every_language(letters: Letters, kind: str, language: str) -> None:
    for facts in FACTS[kind]:
        letter = letters.write(kind, language, COMMON | facts)

        assert COMMON["reference"] in letter.subject
        assert "\n" not in letter.subject
        assert COMMON["track_url"] in letter.text
        assert COMMON["name"] in letter.text
        assert "\n\n\n" not in letter.text
        for unwanted in ("None", "{", "}", "  "):
            assert unwanted not in letter.text


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_fact_is_an_error_and_not_a_gap(letters: Letters, kind: str) -> None:
    with pytest.raises(UndefinedError):
        letters.write(kind, "zh", {key: value for key, value in COMMON.items() if key != "name"} | FACTS[kind][0])


def test_an_estimate_that_moves_back_is_apologised_for_with_the_one_before(letters: Letters) -> None:
    facts = COMMON | {"estimated_repair_at": LATER, "previous": EARLIER, "later": True}

    chinese, english = letters.write("estimate", "zh", facts), letters.write("estimate", "en", facts)

    assert "非常抱歉" in chinese.text
    assert "原预计修复时间：2026年11月24日 10:30" in chinese.text
    assert "现预计修复时间：2026年11月24日 18:00" in chinese.text
    assert "We are sorry" in english.text
    assert "Estimated before: 24 November 2026, 10:30" in english.text


def test_an_estimate_that_moves_forward_is_no_reason_to_apologise(letters: Letters) -> None:
    facts = COMMON | {"estimated_repair_at": EARLIER, "previous": LATER, "later": False}

    assert "抱歉" not in letters.write("estimate", "zh", facts).text
    assert "sorry" not in letters.write("estimate", "en", facts).text


def test_a_language_that_we_do_not_write_is_answered_in_english(letters: Letters) -> None:
    facts = COMMON | FACTS["acknowledgement"][0]

    assert letters.write("acknowledgement", "fr", facts).text.startswith("Dear")
    assert letters.write("acknowledgement", "zh-Hant", facts).text.startswith("尊敬的")


def test_what_staff_wrote_is_not_run_as_a_template(letters: Letters) -> None:
    letter = letters.write("result", "en", COMMON | FACTS["result"][0] | {"resolution": "{{ 7 * 7 }} {% raw %} & <b>"})

    assert "{{ 7 * 7 }} {% raw %} & <b>" in letter.text


@pytest.mark.parametrize(
    ("value", "chinese", "english"),
    [
        ("2026-01-02T03:04:05+08:00", "2026年1月2日 03:04", "2 January 2026, 03:04"),
        ("2026-12-31T23:59:59+00:00", "2026年12月31日 23:59", "31 December 2026, 23:59"),
    ],
)
def test_a_time_is_written_as_people_write_it(value: str, chinese: str, english: str) -> None:
    assert moment(value, "zh") == chinese
    assert moment(value, "en") == english


@pytest.mark.parametrize(
    ("length", "chinese", "english"),
    [
        (timedelta(days=7), "7 天", "7 days"),
        (timedelta(days=1), "1 天", "1 day"),
        (timedelta(hours=36), "36 小时", "36 hours"),
        (timedelta(hours=50), "3 天", "3 days"),
        (timedelta(minutes=20), "1 小时", "1 hour"),
    ],
)
def test_a_length_of_time_is_rounded_up(length: timedelta, chinese: str, english: str) -> None:
    assert duration(length, "zh") == chinese
    assert duration(length.total_seconds(), "en") == english
