"""How long something may take, as it is written and kept."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.plan.allowances import Allowance, AllowanceValue, parse_allowance
from services.plan.values import Entry


class Within(Entry):
    within: AllowanceValue


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("48h", Allowance(time=timedelta(hours=48))),
        ("1h30m", Allowance(time=timedelta(minutes=90))),
        ("15d", Allowance(time=timedelta(days=15))),
        ("2w", Allowance(time=timedelta(days=14))),
        ("30s", Allowance(time=timedelta(seconds=30))),
        ("1wd", Allowance(working_days=1)),
        ("999wd", Allowance(working_days=999)),
    ],
)
def test_an_allowance_is_a_time_or_working_days(written: str, meant: Allowance) -> None:
    assert parse_allowance(written) == meant
    assert Within.model_validate({"within": written}).within == meant


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("48h", "48h"),
        ("2d", "48h"),
        ("72h", "72h"),
        ("73h", "73h"),
        ("96h", "4d"),
        ("15d", "15d"),
        ("2w", "14d"),
        ("4d1h", "97h"),
        ("90m", "1h30m"),
        ("3661s", "1h1m1s"),
        ("172800s", "48h"),
        ("02wd", "2wd"),
    ],
)
def test_what_means_the_same_is_kept_as_the_same_text(written: str, kept: str) -> None:
    assert str(parse_allowance(written)) == kept
    assert Within.model_validate({"within": written}).model_dump() == {"within": kept}


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("1wd2h", '"1wd2h" is no allowance; write for example 48h or 2wd'),
        ("2h1wd", '"2h1wd" is no allowance'),
        ("two days", '"two days" is no allowance; write for example 48h or 2wd'),
        ("", '"" is no allowance'),
        ("48", '"48" is no allowance; write for example 48h or 2wd'),
        (24, "24 is no allowance; write for example 24h or 2wd"),
        (1.5, "1.5 is no allowance; write for example 48h or 2wd"),
        (True, "true is no allowance"),
        (None, "nothing is no allowance"),
        (["48h"], "a list is no allowance"),
        ("0h", '"0h" is no allowance'),
        ("-2wd", '"-2wd" is no allowance'),
        ("0wd", "between 1wd and 999wd"),
        ("1000wd", "between 1wd and 999wd"),
        ("3651d", "can't be longer than 3650d"),
    ],
)
def test_anything_else_is_refused_with_what_to_write(written: object, said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Within.model_validate({"within": written})

    assert said in str(refused.value)


def test_an_allowance_is_one_or_the_other_and_can_be_written_down() -> None:
    for time, days in ((None, None), (timedelta(hours=1), 1), (timedelta(), None), (timedelta(milliseconds=1), None)):
        with pytest.raises(ValueError, match="an allowance is"):
            Allowance(time, days)


@given(
    st.one_of(
        st.integers(1, 3650 * 86_400).map(lambda seconds: Allowance(time=timedelta(seconds=seconds))),
        st.integers(1, 3650).map(lambda number: Allowance(time=timedelta(days=number))),
        st.integers(1, 999).map(lambda number: Allowance(working_days=number)),
    )
)
def test_its_text_is_read_back_as_the_same_allowance(allowed: Allowance) -> None:
    assert parse_allowance(str(allowed)) == allowed
