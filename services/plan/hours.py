"""How a plan writes the hours of a calendar: intervals by days of the week, dates, and a country's holidays.

Each says in its error what to write instead. Counting is done in `services.plan.calendars`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Annotated, Final, NamedTuple

from holidays import list_supported_countries
from pydantic import AfterValidator, BeforeValidator

from services.plan.values import quoted

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAY_MINUTES: Final = 24 * 60

_INTERVAL: Final = re.compile(r"([0-9]{1,2}):([0-9]{2})-([0-9]{1,2}):([0-9]{2})")


class Shift(NamedTuple):
    """Open time, in minutes after the midnight that begins its day. ``closes`` may lie on the next day."""

    opens: int
    closes: int

    def __str__(self) -> str:
        closes = self.closes - DAY_MINUTES if self.closes > DAY_MINUTES else self.closes
        return f"{self.opens // 60:02}:{self.opens % 60:02}-{closes // 60:02}:{closes % 60:02}"


@dataclass(frozen=True, slots=True)
class WeekHours:
    """The shifts of Monday to Sunday, each day's in order. ``always``: open without end."""

    week: tuple[tuple[Shift, ...], ...]
    always: bool = False


def parse_hours(value: object) -> WeekHours:
    """Reads ``always``, or a group such as ``monday-friday: ["09:00-12:00", "13:30-18:00"]``.

    Raises ValueError for unknown days, a day that is given twice, shifts that overlap, and no open hour at all.
    """
    if isinstance(value, WeekHours):
        return value
    if value == "always":
        return WeekHours(((Shift(0, DAY_MINUTES),),) * 7, always=True)
    if not isinstance(value, dict):
        raise ValueError(f'{quoted(value)} are no hours; write always, or by days: monday-friday: ["09:00-18:00"]')
    week: dict[int, tuple[Shift, ...]] = {}
    for days, intervals in value.items():
        shifts = parse_shifts(intervals)
        for day in _weekdays(days):
            if day in week:
                raise ValueError(f"{WEEKDAYS[day]} is given twice; write each day once")
            week[day] = shifts
    if not any(week.values()):
        raise ValueError('no hour of the week is open; write for example monday-friday: ["09:00-18:00"]')
    hours = WeekHours(tuple(week.get(day, ()) for day in range(7)))
    _check_nights(hours.week)
    return hours


def parse_shifts(value: object) -> tuple[Shift, ...]:
    """Reads a list such as ``["09:00-12:00", "22:00-06:00"]``; the latter ends on the next day. Raises ValueError."""
    if not isinstance(value, list | tuple):
        raise ValueError(f'{quoted(value)} is no list of intervals; write for example ["09:00-12:00", "13:30-18:00"]')
    shifts = tuple(_shift(interval) for interval in value)
    for one, following in pairwise(shifts):
        if following.opens < one.closes:
            raise ValueError(
                f"{following} begins before {one} ends; write intervals in order, without overlap, a night's last"
            )
    return shifts


def _shift(value: object) -> Shift:
    if isinstance(value, Shift):
        return value
    found = _INTERVAL.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"{quoted(value)} is no interval; write for example 09:00-12:00")
    from_hour, from_minute, to_hour, to_minute = map(int, found.groups())
    opens, closes = from_hour * 60 + from_minute, to_hour * 60 + to_minute
    if from_minute > 59 or to_minute > 59 or opens >= DAY_MINUTES or closes > DAY_MINUTES:
        raise ValueError(f"{quoted(value)} is no interval; a day goes from 00:00 to 24:00")
    if opens == closes:
        raise ValueError(f"{quoted(value)} is no time at all; a whole day is written 00:00-24:00")
    # "22:00-00:00" ends at midnight just as "22:00-24:00" does.
    return Shift(opens, closes if opens < closes else closes + DAY_MINUTES)


def _weekdays(value: object) -> Iterator[int]:
    """The days of ``saturday`` or ``monday-friday``, 0 for Monday; ``sunday-thursday`` goes over the week's end."""
    first, dash, last = value.partition("-") if isinstance(value, str) else (value, "", "")
    begin = _weekday(first)
    end = _weekday(last) if dash else begin
    for step in range((end - begin) % 7 + 1):
        yield (begin + step) % 7


def _weekday(value: object) -> int:
    if isinstance(value, str) and value in WEEKDAYS:
        return WEEKDAYS.index(value)
    close = difflib.get_close_matches(str(value).lower(), WEEKDAYS, n=1, cutoff=0.5)
    raise ValueError(
        f"{quoted(value)} is no day of the week; "
        + (f'did you mean "{close[0]}"?' if close else "write for example saturday or monday-friday")
    )


def _check_nights(week: Sequence[Sequence[Shift]]) -> None:
    for day, shifts in enumerate(week):
        morrow = week[(day + 1) % 7]
        if shifts and morrow and shifts[-1].closes - DAY_MINUTES > morrow[0].opens:
            raise ValueError(f"{shifts[-1]} of {WEEKDAYS[day]} reaches into {morrow[0]} of {WEEKDAYS[(day + 1) % 7]}")


def _day(value: object) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise ValueError(f"{quoted(value)} is no date; write for example 2026-12-31") from None


def _holidays(value: str) -> str:
    country, dash, part = value.partition("-")
    known = list_supported_countries(include_aliases=False)
    if country not in known:
        raise ValueError(
            f"{quoted(value)} is no country whose holidays are known; write its code of ISO 3166, such as CN, "
            "or a part of it, such as AU-NSW"
        )
    if dash and part not in known[country]:
        parts = ", ".join(f"{country}-{one}" for one in known[country])
        raise ValueError(
            f"{quoted(value)} is no part of {country}; " + (f"known: {parts}" if parts else f"write {country}")
        )
    return value


Hours = Annotated[WeekHours, BeforeValidator(parse_hours)]
Shifts = Annotated[tuple[Shift, ...], BeforeValidator(parse_shifts)]
Day = Annotated[date, BeforeValidator(_day)]
Holidays = Annotated[str, AfterValidator(_holidays)]
