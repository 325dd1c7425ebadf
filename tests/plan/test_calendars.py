"""Calendars: how they are written, and counting on them, against rows worked by hand and a minute-by-minute count."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from services.plan.calendars import Calendar, CalendarEntry, NeverOpens
from tests.plan.hand_worked import Row, calendar, length, moment, rows

NAME = {"zh": "历", "en": "Calendar"}
OFFICE: dict[str, Any] = {"monday-friday": ["09:00-12:00", "13:30-18:00"]}
ZONES = ("Asia/Shanghai", "Australia/Sydney", "Australia/Lord_Howe", "Europe/London", "America/Santiago")
MINUTE = timedelta(minutes=1)


def entry(**fields: Any) -> CalendarEntry:
    return CalendarEntry.model_validate({"code": "one", "name": NAME, "hours": OFFICE, **fields})


def mistake(**fields: Any) -> str:
    with pytest.raises(ValidationError) as refused:
        entry(**fields)
    return str(refused.value.errors()[0]["msg"])


def asked(row: Row) -> tuple[object, object]:
    """What the calendar answers to a row, and what it should."""
    counted, zone = calendar(row["calendar"]), row.get("zone", "Asia/Shanghai")
    match row:
        case {"after": [start, passed]}:
            return counted.after(moment(start, zone), length(passed)), moment(row["is"], zone).astimezone(UTC)
        case {"between": [start, end]}:
            return counted.between(moment(start, zone), moment(end, zone)), length(row["is"])
        case {"nth_day_end": [since, n]}:
            return counted.nth_day_end(moment(since, zone), n), moment(row["is"], zone).astimezone(UTC)
        case {"nth_day_start": [since, n]}:
            return counted.nth_day_start(moment(since, zone), n), moment(row["is"], zone).astimezone(UTC)
        case {"day_ends_between": [start, end]}:
            return counted.day_ends_between(moment(start, zone), moment(end, zone)), row["is"]
        case {"is_open": at}:
            return counted.is_open(moment(at, zone)), row["is"]
        case {"next_opening": at}:
            return counted.next_opening(moment(at, zone)), moment(row["is"], zone).astimezone(UTC)
    raise AssertionError(f"the row asks nothing: {row}")


@pytest.mark.parametrize("row", rows("counted"), ids=lambda row: f"{row['calendar']}: {row['how']}")
def test_counting_gives_what_was_worked_out_by_hand(row: Row) -> None:
    answer, worked_out = asked(row)

    assert answer == worked_out, row["how"]


def test_moments_come_back_in_utc() -> None:
    start = moment("Mon 2026-03-02 10:00", "Asia/Shanghai")

    for counted in (calendar("office"), calendar("always")):
        found = [
            counted.after(start, timedelta()),
            counted.after(start, MINUTE),
            counted.nth_day_end(start, 1),
            counted.next_opening(start),
            counted.midnight(start),
        ]
        assert [one.tzinfo for one in found] == [UTC] * 5


def test_a_calendar_takes_the_time_zone_of_the_plan_unless_it_names_its_own() -> None:
    assert Calendar(entry(), "Asia/Shanghai").zone == ZoneInfo("Asia/Shanghai")
    assert Calendar(entry(time_zone="Europe/London"), "Asia/Shanghai").zone == ZoneInfo("Europe/London")


def test_a_day_is_named_by_the_date_on_which_its_shift_begins() -> None:
    in_the_night = moment("Tue 2026-03-03 02:00", "Asia/Shanghai")

    assert calendar("night").day_of(in_the_night) == date(2026, 3, 2)
    assert calendar("night").day_of(moment("Tue 2026-03-03 06:00", "Asia/Shanghai")) == date(2026, 3, 3)
    assert calendar("plain").day_of(in_the_night) == date(2026, 3, 3)
    assert calendar("night").day_end(date(2026, 3, 2)) == moment("Tue 2026-03-03 06:00", "Asia/Shanghai")
    assert calendar("night").day_end(date(2026, 3, 7)) is None


def test_a_night_that_reaches_into_a_make_up_day_is_open_once() -> None:
    nights = Calendar(
        entry(
            hours={"friday": ["22:00-10:00"], "monday": ["09:00-18:00"]},
            working_days=[date(2026, 3, 7)],
            make_up_hours=["09:00-12:00"],
        ),
        "Asia/Shanghai",
    )
    friday, sunday = moment("Fri 2026-03-06 12:00", "Asia/Shanghai"), moment("Sun 2026-03-08 12:00", "Asia/Shanghai")

    assert nights.between(friday, sunday) == timedelta(hours=14)
    assert nights.day_ends_between(friday, sunday) == 2


def test_a_date_that_the_zone_left_out_is_no_working_day() -> None:
    # Samoa went from Thursday 29 December 2011 to Saturday the 31st.
    samoa = Calendar(entry(hours={"monday-sunday": ["09:00-17:00"]}), "Pacific/Apia")
    thursday, saturday = moment("Thu 2011-12-29 08:00", "Pacific/Apia"), moment("Sat 2011-12-31 18:00", "Pacific/Apia")

    assert samoa.between(thursday, saturday) == timedelta(hours=16)
    assert samoa.day_ends_between(thursday, saturday) == 2
    assert samoa.day_end(date(2011, 12, 30)) is None


def test_a_date_that_the_clock_goes_back_to_is_counted_to_its_end() -> None:
    # Newfoundland set its clocks back from Sunday 7 November 2010, 00:01, to Saturday, 23:01.
    by_days = Calendar(entry(hours={"monday-sunday": ["00:00-24:00"]}), "America/St_Johns")
    noon = moment("Sat 2010-11-06 12:00", "America/St_Johns")
    again = moment("Sat 2010-11-06 23:30 -03:30", "America/St_Johns")

    assert by_days.between(noon, again) == timedelta(hours=12, minutes=30)
    assert by_days.is_open(again)
    assert by_days.day_ends_between(noon, again) == 1


def test_holidays_that_are_moved_over_the_turn_of_the_year_are_known() -> None:
    # 1 January 2028 is a Saturday; the United States keep it on Friday 31 December 2027.
    washington = Calendar(entry(holidays="US"), "America/New_York")

    assert not washington.is_open(moment("Fri 2027-12-31 10:00", "America/New_York"))


def test_a_search_that_would_take_more_than_twenty_years_is_given_up() -> None:
    barely = Calendar(entry(hours={"monday": ["09:00-09:01"]}), "UTC")
    start = datetime(2026, 3, 2, tzinfo=UTC)

    with pytest.raises(NeverOpens, match="calendar one has too little open time"):
        barely.after(start, timedelta(days=15))
    with pytest.raises(NeverOpens):
        barely.nth_day_end(start, 1100)


def test_what_cannot_be_counted_is_refused() -> None:
    start = datetime(2026, 3, 2, tzinfo=UTC)

    with pytest.raises(ValueError, match="negative"):
        calendar("plain").after(start, -MINUTE)
    with pytest.raises(ValueError, match="counted from 1"):
        calendar("plain").nth_day_end(start, 0)
    with pytest.raises(ValueError, match="without a time zone"):
        calendar("always").after(start.replace(tzinfo=None), MINUTE)


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        ("sometimes", '"sometimes" are no hours; write always, or by days'),
        ({}, "no hour of the week is open"),
        ({"monday": []}, "no hour of the week is open"),
        ({"mondey": ["09:00-18:00"]}, '"mondey" is no day of the week; did you mean "monday"?'),
        ({"Monday": ["09:00-18:00"]}, 'did you mean "monday"?'),
        ({"monday-fryday": ["09:00-18:00"]}, '"fryday" is no day of the week; did you mean "friday"?'),
        ({"周一": ["09:00-18:00"]}, "write for example saturday or monday-friday"),
        ({7: ["09:00-18:00"]}, "7 is no day of the week"),
        ({"monday-friday": ["09:00-18:00"], "friday": ["09:00-12:00"]}, "friday is given twice"),
        ({"monday": "09:00-18:00"}, '"09:00-18:00" is no list of intervals'),
        ({"monday": ["9 to 5"]}, '"9 to 5" is no interval; write for example 09:00-12:00'),
        ({"monday": ["09:00-24:30"]}, "a day goes from 00:00 to 24:00"),
        ({"monday": ["24:00-06:00"]}, "a day goes from 00:00 to 24:00"),
        ({"monday": ["09:60-12:00"]}, "a day goes from 00:00 to 24:00"),
        ({"monday": ["09:00-09:00"]}, "a whole day is written 00:00-24:00"),
        ({"monday": ["09:00-12:00", "11:59-18:00"]}, "11:59-18:00 begins before 09:00-12:00 ends"),
        ({"monday": ["13:00-18:00", "09:00-12:00"]}, "09:00-12:00 begins before 13:00-18:00 ends"),
        ({"monday": ["22:00-06:00", "23:00-23:30"]}, "23:00-23:30 begins before 22:00-06:00 ends"),
        ({"monday": ["22:00-06:00"], "tuesday": ["05:00-07:00"]}, "of monday reaches into 05:00-07:00 of tuesday"),
        ({"sunday": ["22:00-06:00"], "monday": ["05:00-07:00"]}, "of sunday reaches into 05:00-07:00 of monday"),
    ],
)
def test_hours_that_make_no_sense_are_refused_with_what_to_write(hours: object, said: str) -> None:
    assert said in mistake(hours=hours)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"holidays": "XX"}, '"XX" is no country whose holidays are known'),
        ({"holidays": "CHN"}, "write its code of ISO 3166, such as CN"),
        ({"holidays": "cn"}, '"cn" is no country'),
        ({"holidays": "AU-XXX"}, '"AU-XXX" is no part of AU; known: AU-ACT, AU-NSW'),
        ({"holidays": "CN-BJ"}, '"CN-BJ" is no part of CN; write CN'),
        ({"holidays": "AU-"}, '"AU-" is no part of AU'),
        ({"time_zone": "Asia/Peking"}, "is no time zone"),
        ({"days_off": ["2026-02-30"]}, '"2026-02-30" is no date; write for example 2026-12-31'),
        ({"days_off": [20261231]}, "20261231 is no date"),
        ({"days_off": ["2026-12-31"], "working_days": ["2026-12-31"]}, "2026-12-31 stands both in days_off and"),
        ({"make_up_hours": []}, "make_up_hours is empty"),
        ({"make_up_hours": ["18:00-18:00"]}, "is no time at all"),
        ({"hours": "always", "holidays": "CN"}, "a calendar that is always open has no holidays"),
        ({"hours": "always", "days_off": ["2026-12-31"]}, "a calendar that is always open has no holidays"),
    ],
)
def test_a_calendar_that_makes_no_sense_is_refused_with_what_to_write(fields: dict[str, Any], said: str) -> None:
    assert said in mistake(**fields)


def test_hours_may_be_written_to_midnight_touch_and_go_over_the_end_of_the_week() -> None:
    riyadh = Calendar(
        entry(hours={"sunday-thursday": ["0:00-6:00", "06:00-12:00", "20:00-24:00"], "friday": ["20:00-00:00"]}),
        "Asia/Riyadh",
    )
    week = moment("Sat 2026-03-07 00:00", "Asia/Riyadh"), moment("Sat 2026-03-14 00:00", "Asia/Riyadh")

    assert riyadh.between(*week) == timedelta(hours=5 * 16 + 4)
    assert riyadh.day_ends_between(*week) == 6


@st.composite
def calendars(draw: st.DrawFn) -> tuple[CalendarEntry, str]:
    """Hours that differ from day to day, and a zone."""
    hours: dict[str, list[str]] = {}
    for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"):
        edges = sorted(draw(st.sets(st.integers(0, 95), min_size=0, max_size=4)))
        if len(edges) % 2:
            edges.append(96)
        shown = [f"{edge // 4:02}:{edge % 4 * 15:02}" for edge in edges]
        hours[day] = [f"{opens}-{closes}" for opens, closes in zip(shown[::2], shown[1::2], strict=True)]
    night = draw(st.sampled_from(["", "saturday", "wednesday"]))
    if night:
        hours[night] = ["22:15-02:45"]
        hours[{"saturday": "sunday", "wednesday": "thursday"}[night]] = ["02:45-03:30"]
    assume(any(hours.values()))
    off = draw(st.sets(st.sampled_from([date(2026, 4, 5), date(2026, 10, 4), date(2026, 3, 29)]), max_size=1))
    return entry(hours=hours, days_off=sorted(off)), draw(st.sampled_from(ZONES))


# Around the days on which the clocks of these zones change.
starts = st.builds(
    lambda day, minutes: datetime.combine(day, datetime.min.time(), UTC) + minutes * MINUTE,
    st.sampled_from([date(2026, 3, 28), date(2026, 4, 3), date(2026, 9, 5), date(2026, 10, 2), date(2026, 10, 24)]),
    st.integers(0, 3 * 24 * 60),
)
lengths = st.integers(0, 60 * 24 * 60 * 60 * 1_000_000).map(lambda parts: timedelta(microseconds=parts))


def open_minutes(written: CalendarEntry, zone: str, start: datetime, minutes: int) -> list[bool]:
    """Which of the minutes after ``start`` are open, by looking at the clock on the wall at each.

    The latest time that it has shown decides, so that hours which it shows again don't open what has closed.
    """
    shown, answers = start.replace(year=2000, tzinfo=None), []
    for past in range(-24 * 60, minutes):
        shown = max(shown, (start + past * MINUTE).astimezone(ZoneInfo(zone)).replace(tzinfo=None))
        midnight = shown.replace(hour=0, minute=0)
        since_midnight = (shown - midnight) // MINUTE
        yesterday = midnight.date() - timedelta(days=1)
        answers.append(
            any(
                shift.opens <= since_midnight + before < shift.closes
                for day, before in ((midnight.date(), 0), (yesterday, 24 * 60))
                if day not in written.days_off
                for shift in written.hours.week[day.weekday()]
            )
        )
    return answers[24 * 60 :]


@settings(deadline=None, max_examples=60)
@given(calendars(), starts, st.integers(1, 900))
def test_counting_agrees_with_a_look_at_the_clock_every_minute(
    made: tuple[CalendarEntry, str], start: datetime, wanted: int
) -> None:
    counted = Calendar(*made)
    looked = open_minutes(*made, start, 3 * 24 * 60)
    end = start + len(looked) * MINUTE

    assert counted.between(start, end) == sum(looked) * MINUTE
    assert [counted.is_open(start + at * MINUTE) for at in range(0, len(looked), 7)] == looked[::7]
    if sum(looked) >= wanted:
        last = [at for at, is_open in enumerate(looked) if is_open][wanted - 1]
        assert counted.after(start, wanted * MINUTE) == start + (last + 1) * MINUTE


@settings(deadline=None, max_examples=100)
@given(calendars(), starts, lengths, lengths)
def test_open_time_that_was_added_is_found_between(
    made: tuple[CalendarEntry, str], start: datetime, one: timedelta, other: timedelta
) -> None:
    counted = Calendar(*made)
    one, other = one / 20, other / 20

    first = counted.after(start, one)

    assert counted.between(start, first) == one
    assert counted.after(first, other) == counted.after(start, one + other)
    assert start <= first <= counted.after(first, other)


@settings(deadline=None, max_examples=100)
@given(calendars(), starts, lengths, lengths)
def test_time_and_days_may_be_counted_in_parts(
    made: tuple[CalendarEntry, str], start: datetime, one: timedelta, other: timedelta
) -> None:
    counted = Calendar(*made)
    middle, end = start + one, start + one + other

    assert counted.between(start, end) == counted.between(start, middle) + counted.between(middle, end)
    assert counted.between(start, end) <= end - start
    assert counted.day_ends_between(start, end) == (
        counted.day_ends_between(start, middle) + counted.day_ends_between(middle, end)
    )


@settings(deadline=None, max_examples=100)
@given(calendars(), starts, st.integers(1, 40))
def test_the_nth_day_end_is_the_nth_of_those_counted(made: tuple[CalendarEntry, str], since: datetime, n: int) -> None:
    counted = Calendar(*made)

    end = counted.nth_day_end(since, n)

    assert counted.day_ends_between(since, end) == n
    assert counted.day_ends_between(since, end - MINUTE) == n - 1
    assert counted.nth_day_start(since, n) < end
    assert counted.is_open(end - MINUTE / 60)


@settings(deadline=None, max_examples=100)
@given(calendars(), starts)
def test_the_next_opening_is_open_and_nothing_is_open_before_it(made: tuple[CalendarEntry, str], at: datetime) -> None:
    counted = Calendar(*made)

    opening = counted.next_opening(at)

    assert counted.is_open(opening)
    assert counted.between(at, opening) == timedelta()


@settings(deadline=None, max_examples=50)
@given(st.sampled_from(ZONES), starts, lengths)
def test_a_calendar_of_whole_days_counts_as_one_that_is_always_open(
    zone: str, start: datetime, passed: timedelta
) -> None:
    always = Calendar(entry(hours="always"), zone)
    by_days = Calendar(entry(hours={"monday-sunday": ["00:00-24:00"]}), zone)

    assert by_days.after(start, passed) == always.after(start, passed)
    assert by_days.between(start, start + passed) == always.between(start, start + passed) == passed
    assert by_days.next_opening(start) == always.next_opening(start)
