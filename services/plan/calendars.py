"""Calendars: when work is done, and exact counting of open time and of working days on them.

`CalendarEntry` is a calendar as the plan writes it (the forms of hours and days are in `services.plan.hours`);
`Calendar` counts. Which clock runs on which calendar is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import islice
from typing import Final, NamedTuple, Self
from zoneinfo import ZoneInfo

from holidays import country_holidays
from pydantic import model_validator

from services.base.errors import Refused
from services.plan.hours import Day, Holidays, Hours, Shift, Shifts
from services.plan.values import Code, Entry, Text, TimeZone

_ONE_DAY: Final = timedelta(days=1)
_NO_TIME: Final = timedelta()
_LONGEST_SEARCH: Final = timedelta(days=7305)
"""Twenty years: what hasn't come by then is a mistake in the plan."""


class NeverOpens(Refused):
    """A calendar has too little open time for what is asked of it."""


class CalendarEntry(Entry):
    """A calendar as the plan writes it. ``time_zone`` is the plan's own unless given.

    A date in ``days_off`` is closed, whatever else is said. One in ``working_days``, and a make-up day (调休) that the
    ``holidays`` library knows, is open during ``make_up_hours``; left out, during the hours of the first working day
    of the week, which is Monday as a rule. A public holiday is closed.
    """

    code: Code
    name: Text
    time_zone: TimeZone | None = None
    hours: Hours
    holidays: Holidays | None = None
    days_off: tuple[Day, ...] = ()
    working_days: tuple[Day, ...] = ()
    make_up_hours: Shifts | None = None

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if self.hours.always and (self.holidays or self.days_off or self.working_days or self.make_up_hours):
            raise ValueError(
                "a calendar that is always open has no holidays, days off or working days; leave them out, "
                'or write its hours by days: monday-sunday: ["00:00-24:00"]'
            )
        if self.make_up_hours == ():
            raise ValueError("make_up_hours is empty; leave it out, or write at least one interval")
        both = sorted(set(self.days_off) & set(self.working_days))
        if both:
            raise ValueError(f"{both[0]} stands both in days_off and in working_days; remove it from one of them")
        return self


class Stretch(NamedTuple):
    """Open time in one piece, from ``opens`` to just before ``closes`` (UTC)."""

    opens: datetime
    closes: datetime


class Calendar:
    """Counts on one calendar. Takes moments with a time zone, gives them in UTC.

    Open time is time that really passes: a day of 23 hours has 23 open hours on a calendar that is always open. A shift
    begins and ends at the first moment at which the clock on the wall shows its time, or has jumped past it, so shifts
    that follow one another leave no gap and don't overlap when the clocks change. A working day is named by the date on
    which its first shift begins, and ends when its last shift ends, even on the next date.
    """

    def __init__(self, entry: CalendarEntry, time_zone: str) -> None:
        """``time_zone`` holds where the entry names none."""
        self.code = entry.code
        self.zone = ZoneInfo(entry.time_zone or time_zone)
        self._always = entry.hours.always
        self._week = entry.hours.week
        self._make_up = entry.make_up_hours or next(shifts for shifts in entry.hours.week if shifts)
        self._days_off = frozenset(entry.days_off)
        self._working_days = frozenset(entry.working_days)
        self._holidays = entry.holidays
        self._known: dict[date, tuple[Stretch, ...]] = {}

    def after(self, start: datetime, length: timedelta) -> datetime:
        """The moment at which ``length`` of open time has passed since ``start``.

        It is the earliest such moment: time used up at the close of business is used up then, not at the next opening.
        No length at all gives ``start``, open or closed. Raises ValueError for a negative length, NeverOpens when it
        takes more than twenty years.
        """
        start = _utc(start)
        if length < _NO_TIME:
            raise ValueError("a length of time can't be negative")
        if self._always or not length:
            return start + length
        for opens, closes in self._search(start):
            if length <= closes - opens:
                return opens + length
            length -= closes - opens
        raise self._too_far(start)

    def between(self, start: datetime, end: datetime) -> timedelta:
        """The open time from ``start`` to ``end``; none when ``end`` isn't later."""
        start, end = _utc(start), _utc(end)
        if self._always or end <= start:
            return max(end - start, _NO_TIME)
        stretches = self._stretches(start, end)
        return sum((min(closes, end) - opens for opens, closes in stretches if opens < end), _NO_TIME)

    def is_open(self, at: datetime) -> bool:
        """Whether work is done at this moment. A stretch is open when it begins, closed when it ends."""
        at = _utc(at)
        return self._always or any(opens <= at for opens, _ in self._stretches(at, at))

    def next_opening(self, at: datetime) -> datetime:
        """``at`` itself when open, else the moment of the next opening. Raises NeverOpens."""
        at = _utc(at)
        if self._always:
            return at
        for opens, _ in self._search(at):
            return opens
        raise self._too_far(at)

    def nth_day_end(self, since: datetime, n: int) -> datetime:
        """The end of the ``n``-th working day (1 for the first) of those that end after ``since``.

        Raises ValueError for ``n`` below 1, NeverOpens when it lies more than twenty years ahead.
        """
        return self._nth_day(since, n)[-1].closes

    def nth_day_start(self, since: datetime, n: int) -> datetime:
        """When the day that `nth_day_end` means opens; for the first it may lie before ``since``."""
        return self._nth_day(since, n)[0].opens

    def day_ends_between(self, start: datetime, end: datetime) -> int:
        """How many working days end after ``start`` and not after ``end``."""
        start, end = _utc(start), _utc(end)
        return sum(day[-1].closes <= end for day in self._days(start, end)) if start < end else 0

    def day_of(self, at: datetime) -> date:
        """The date that ``at`` belongs to: the local one, or in a night shift the one on which the shift began."""
        at = _utc(at)
        today = at.astimezone(self.zone).date()
        yesterday = self._day(today - _ONE_DAY)
        return today - _ONE_DAY if yesterday and at < yesterday[-1].closes else today

    def day_end(self, day: date) -> datetime | None:
        """When the working day of this date ends; None when it is no working day."""
        stretches = self._day(day)
        return stretches[-1].closes if stretches else None

    def midnight(self, at: datetime) -> datetime:
        """The moment at which the local date of ``at`` began."""
        return self._moment(_utc(at).astimezone(self.zone).date(), 0)

    def _nth_day(self, since: datetime, n: int) -> tuple[Stretch, ...]:
        if n < 1:
            raise ValueError("working days are counted from 1")
        since = _utc(since)
        day = next(islice(self._days(since, since + _LONGEST_SEARCH), n - 1, None), None)
        if day is None:
            raise self._too_far(since)
        return day

    def _search(self, start: datetime) -> Iterator[Stretch]:
        return self._stretches(start, start + _LONGEST_SEARCH)

    def _stretches(self, start: datetime, end: datetime) -> Iterator[Stretch]:
        """What is open after ``start``, in order, the first cut at ``start``; one or two may begin after ``end``."""
        for day in self._days(start, end):
            for opens, closes in day:
                if start < closes:
                    yield Stretch(max(opens, start), closes)

    def _days(self, start: datetime, end: datetime) -> Iterator[tuple[Stretch, ...]]:
        """The working days that end after ``start``, in order, to the one after ``end``."""
        # A day before, for its night shift; one after, because a clock that is set back at midnight repeats a date.
        day = start.astimezone(self.zone).date() - _ONE_DAY
        last = end.astimezone(self.zone).date() + _ONE_DAY
        while day <= last:
            stretches = self._day(day)
            if stretches and start < stretches[-1].closes:
                yield stretches
            day += _ONE_DAY

    def _day(self, day: date) -> tuple[Stretch, ...]:
        """The stretches of a working day, in order; empty for any other date."""
        known = self._known.get(day)
        if known is None:
            known = self._known[day] = tuple(self._worked_out(day))
        return known

    def _worked_out(self, day: date) -> Iterator[Stretch]:
        # A night shift may reach into the hours of a make-up day. What both cover is open once.
        before = self._shifts(day - _ONE_DAY)
        taken = self._moment(day - _ONE_DAY, before[-1].closes) if before else None
        for shift in self._shifts(day):
            opens, closes = self._moment(day, shift.opens), self._moment(day, shift.closes)
            if taken is not None:
                opens = max(opens, taken)
            if opens < closes:
                yield Stretch(opens, closes)

    def _shifts(self, day: date) -> Sequence[Shift]:
        if day in self._days_off:
            return ()
        if day in self._working_days:
            return self._make_up
        if self._holidays is not None:
            off, made_up = _public_days(self._holidays, day.year)
            if day in made_up:
                return self._make_up
            if day in off:
                return ()
        return self._week[day.weekday()]

    def _moment(self, day: date, minutes: int) -> datetime:
        """The first moment at which the wall clock shows ``minutes`` after the day's midnight, or has jumped past."""
        shown = datetime.combine(day, time()) + timedelta(minutes=minutes)
        moment = shown.replace(tzinfo=self.zone).astimezone(UTC)
        if moment.astimezone(self.zone).replace(tzinfo=None) == shown:
            return moment
        # The clock skips this time: the jump lies between its two readings, by the offset after it and before it.
        early, late = (int(shown.replace(tzinfo=self.zone, fold=fold).timestamp()) for fold in (1, 0))
        offset = moment.astimezone(self.zone).utcoffset()
        while late - early > 1:
            middle = (early + late) // 2
            if datetime.fromtimestamp(middle, self.zone).utcoffset() == offset:
                late = middle
            else:
                early = middle
        return datetime.fromtimestamp(late, UTC)

    def _too_far(self, start: datetime) -> NeverOpens:
        return NeverOpens(
            f"calendar {self.code} has too little open time: twenty years from {start:%Y-%m-%d} are not enough; "
            "give it more hours, or allow less"
        )


@cache
def _public_days(region: str, year: int) -> tuple[frozenset[date], frozenset[date]]:
    """The public holidays of a region in a year, and the weekend days that are worked instead of others.

    Where make-up days haven't been announced to the library yet, only the holidays set by law are known.
    """
    country, _, part = region.partition("-")
    known = country_holidays(country, subdiv=part or None, years=year)
    return frozenset(known), frozenset(known.weekend_workdays)


def _utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("a moment without a time zone can't be counted")
    return at.astimezone(UTC)
