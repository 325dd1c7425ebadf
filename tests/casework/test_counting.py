"""The arithmetic of one clock, against rows worked by hand, and what holds for every clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.casework import counting
from services.casework.counting import Count
from services.plan.allowances import Allowance, parse_allowance
from services.plan.calendars import Calendar
from tests.plan.hand_worked import Row, calendar, length, moment, rows

CALENDARS = ("plain", "office", "always", "night", "sydney", "sydney_nights", "sydney_both", "london")
MICROSECOND = timedelta(microseconds=1)


def lived(row: Row, zone: str) -> tuple[Count, Calendar]:
    """The clock after everything that happened to it, each time as it would come back from the database."""
    (_, code, allowed, at), *rest = row["life"]
    on = calendar(code)
    count = counting.begin(on, parse_allowance(allowed), moment(at, zone))
    for happening in rest:
        count = Count(parse_allowance(str(count.allowed)), count.used, count.since)
        match happening:
            case ["pause", at]:
                count = counting.pause(count, on, moment(at, zone))
            case ["resume", at]:
                count = counting.resume(count, on, moment(at, zone))
            case ["change", code, allowed, at]:
                following = calendar(code)
                count = counting.change(count, on, following, parse_allowance(allowed), moment(at, zone))
                on = following
            case _:
                raise AssertionError(f"nothing that happens to a clock: {happening}")
    return count, on


def named(row: Row) -> str:
    return f"{' '.join(str(part) for part in row['life'][0])}: {row['how']}"


@pytest.mark.parametrize("row", rows("clocks"), ids=named)
def test_a_clock_is_due_when_it_was_worked_out_by_hand(row: Row) -> None:
    zone = row.get("zone", "Asia/Shanghai")

    count, on = lived(row, zone)

    assert counting.due(count, on) == (None if row["due"] == "stands" else moment(row["due"], zone)), row["how"]
    if "warn" in row:
        assert counting.warn_at(count, on, 0.75) == moment(row["warn"], zone), row["how"]
    if "used" in row:
        at, used = row["used"]
        worked_out = int(used[:-2]) if used.endswith("wd") else length(used) // MICROSECOND
        assert counting.used_at(count, on, moment(at, zone)) == worked_out, row["how"]


def test_a_clock_that_stands_is_neither_due_nor_warned_of() -> None:
    at = moment("Mon 2026-03-02 10:00", "Asia/Shanghai")

    for allowed in ("8h", "2wd"):
        stopped = counting.pause(counting.begin(calendar("plain"), parse_allowance(allowed), at), calendar("plain"), at)
        assert stopped.since is None
        assert counting.due(stopped, calendar("plain")) is None
        assert counting.warn_at(stopped, calendar("plain"), 0.75) is None


def test_the_share_at_which_people_are_warned_may_be_none_of_it_or_all() -> None:
    at = moment("Mon 2026-03-02 10:00", "Asia/Shanghai")
    count = counting.begin(calendar("plain"), parse_allowance("8h"), at)

    assert counting.warn_at(count, calendar("plain"), 0.0) == at
    assert counting.warn_at(count, calendar("plain"), 1.0) == counting.due(count, calendar("plain"))


def test_a_change_that_a_slow_machine_reports_does_not_make_the_clock_run_earlier() -> None:
    at = moment("Mon 2026-03-02 10:00", "Asia/Shanghai")
    count = counting.begin(calendar("plain"), parse_allowance("8h"), at)

    changed = counting.change(
        count, calendar("plain"), calendar("plain"), parse_allowance("4h"), at - timedelta(minutes=30)
    )

    assert changed == Count(parse_allowance("4h"), 0, at)


def in_its_unit(allowed: Allowance) -> int:
    """Microseconds, or working days."""
    return allowed.working_days or (allowed.time or timedelta()) // MICROSECOND


moments = st.integers(0, 40 * 24 * 60).map(lambda past: datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=past))
times = st.integers(1, 200 * 3600).map(lambda seconds: Allowance(time=timedelta(seconds=seconds)))
days = st.integers(1, 30).map(lambda number: Allowance(working_days=number))
allowances = st.one_of(times, days)
codes = st.sampled_from(CALENDARS)
later = st.integers(0, 30 * 24 * 60 * 60).map(lambda seconds: timedelta(seconds=seconds))


@settings(deadline=None)
@given(codes, allowances, moments, later)
def test_a_pause_of_no_length_changes_nothing(code: str, allowed: Allowance, at: datetime, passed: timedelta) -> None:
    on = calendar(code)
    count = counting.begin(on, allowed, at)
    before = counting.due(count, on)
    assert before is not None
    pause_at = min(at + passed, before - MICROSECOND)

    resumed = counting.resume(counting.pause(count, on, pause_at), on, pause_at)

    assert counting.due(resumed, on) == before


@settings(deadline=None)
@given(codes, allowances, moments, later)
def test_a_change_to_the_same_changes_nothing(code: str, allowed: Allowance, at: datetime, passed: timedelta) -> None:
    on = calendar(code)
    count = counting.begin(on, allowed, at)
    before = counting.due(count, on)
    assert before is not None

    changed = counting.change(count, on, on, allowed, min(at + passed, before - MICROSECOND))

    assert counting.due(changed, on) == before


@settings(deadline=None)
@given(codes, days, moments, st.lists(st.integers(0, 100), min_size=2, max_size=2), later)
def test_a_pause_within_one_day_neither_gains_nor_loses_a_day(
    code: str, allowed: Allowance, at: datetime, shares: list[int], passed: timedelta
) -> None:
    on = calendar(code)
    count = counting.begin(on, allowed, at)
    end = on.nth_day_end(at + passed, 1)
    opening = max(on.nth_day_start(at + passed, 1), at)
    first, second = (opening + (end - MICROSECOND - opening) * share / 100 for share in sorted(shares))

    resumed = counting.resume(counting.pause(count, on, first), on, second)

    assert counting.due(resumed, on) == max(counting.due(count, on) or at, second)


@settings(deadline=None)
@given(codes, allowances, moments)
def test_the_allowance_is_used_up_when_the_clock_is_due_and_not_before(
    code: str, allowed: Allowance, at: datetime
) -> None:
    on = calendar(code)
    count = counting.begin(on, allowed, at)
    total = in_its_unit(allowed)

    due, warn = counting.due(count, on), counting.warn_at(count, on, 0.75)

    assert due is not None
    assert warn is not None
    assert counting.used_at(count, on, due) == total
    assert counting.used_at(count, on, due - MICROSECOND) < total
    assert at <= warn <= due


@settings(deadline=None)
@given(codes, allowances, moments, st.lists(later, min_size=1, max_size=6))
def test_what_is_used_only_grows_and_pausing_only_defers(
    code: str, allowed: Allowance, at: datetime, passed: list[timedelta]
) -> None:
    on = calendar(code)
    count = counting.begin(on, allowed, at)
    dues, used = [counting.due(count, on) or at], [0]
    for number, gap in enumerate(passed):
        at += gap / 10
        used.append(counting.used_at(count, on, at))
        count = counting.resume(count, on, at) if number % 2 else counting.pause(count, on, at)
        assert counting.used_at(count, on, at) == used[-1]
        if due := counting.due(count, on):
            dues.append(due)

    assert used == sorted(used)
    assert dues == sorted(dues)


@settings(deadline=None)
@given(codes, codes, allowances, allowances, moments, later)
def test_a_change_is_never_due_in_the_past_and_keeps_what_was_used(
    code: str, other: str, allowed: Allowance, another: Allowance, at: datetime, passed: timedelta
) -> None:
    before, after = calendar(code), calendar(other)
    count = counting.begin(before, allowed, at)
    used = counting.used_at(count, before, at + passed)

    changed = counting.change(count, before, after, another, at + passed)
    due = counting.due(changed, after)

    assert due is not None
    assert due >= at + passed
    assert (due == at + passed) == (changed.used >= in_its_unit(another))
    if allowed.time is not None and another.time is not None:
        assert changed.used == used
    elif (allowed.time is None) != (another.time is None) and used >= in_its_unit(allowed):
        assert due == at + passed


@settings(deadline=None)
@given(codes, st.integers(1, 99).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))), times)
def test_the_way_from_days_to_time_and_back_is_exact(code: str, numbers: tuple[int, int], time: Allowance) -> None:
    number, used = numbers
    on, at = calendar(code), datetime(2026, 3, 4, 3, tzinfo=UTC)
    stopped = Count(Allowance(working_days=number), used, None)

    there = counting.change(stopped, on, on, time, at)
    back = counting.change(there, on, on, stopped.allowed, at)

    assert back == stopped
