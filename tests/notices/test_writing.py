"""Times, lengths of time and amounts as people write them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.notices.writing import duration, moment, money, sentence, short


@pytest.mark.parametrize(
    ("amount", "currency", "chinese", "english"),
    [("59.00", "CNY", "人民币 59.00 元", "CNY 59.00"), ("1200", "JPY", "JPY 1200", "JPY 1200")],
)
def test_an_amount_is_told_exactly_as_it_was_decided(amount: str, currency: str, chinese: str, english: str) -> None:
    assert money(amount, currency, "zh") == chinese
    assert money(amount, currency, "en") == english


@pytest.mark.parametrize(
    ("value", "chinese", "english", "briefly"),
    [
        ("2026-01-02T03:04:05+08:00", "2026年1月2日 03:04", "2 January 2026, 03:04", "2 Jan, 03:04"),
        ("2026-12-31T23:59:59+00:00", "2026年12月31日 23:59", "31 December 2026, 23:59", "31 Dec, 23:59"),
    ],
)
def test_a_time_is_written_as_people_write_it(value: str, chinese: str, english: str, briefly: str) -> None:
    assert moment(value, "zh") == chinese
    assert moment(value, "en") == english
    assert short(value, "en") == briefly


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


def test_what_lacks_its_full_stop_is_given_one() -> None:
    assert [sentence("修好了", "zh"), sentence("Done", "en"), sentence("真的？", "zh")] == [
        "修好了。",
        "Done.",
        "真的？",
    ]
