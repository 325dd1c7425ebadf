"""The arithmetic of one clock: begin, pause, resume, change, and when it is due. No database, no time of its own.

Time is counted on a calendar's open hours. Working days are counted by their ends: a day is used up when it ends while
the clock runs, except the day on which the clock began. So "2 working days" from Monday at ten end with Wednesday, and
pausing and resuming within one day changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from services.plan.allowances import Allowance
from services.plan.calendars import Calendar

_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Count:
    """One clock. ``since`` is the moment since which it runs; None while it stands.

    ``used`` is what was used up before ``since``: microseconds of open time, or whole working days, as ``allowed`` is
    written. Of working days it is below zero until the first is used up: minus the day on which the clock began (its
    number as `date.toordinal` gives it). That day doesn't count, so it must be known after a pause, too. `used_at`
    gives what was used, never below zero.
    """

    allowed: Allowance
    used: int
    since: datetime | None


def begin(calendar: Calendar, allowed: Allowance, at: datetime) -> Count:
    """A clock that begins at ``at``. While the calendar is closed nothing is used up.

    The day of beginning, which doesn't count where working days are counted, is the local date of ``at``, or the night
    shift that ``at`` falls in. A clock that begins on a day off counts the next working day.
    """
    return Count(allowed, _begun_on(calendar, at) if allowed.working_days else 0, at)


def pause(count: Count, calendar: Calendar, at: datetime) -> Count:
    """The clock, stopped at ``at``. One that stands already is given back as it is."""
    return replace(count, used=_used(count, calendar, at), since=None)


def resume(count: Count, calendar: Calendar, at: datetime) -> Count:
    """The clock, running since ``at``. One that runs already is given back as it is.

    A working day on which it resumes counts if it hasn't ended, unless it is the day on which the clock began.
    """
    return replace(count, since=at) if count.since is None else count


def change(count: Count, before: Calendar, after: Calendar, allowed: Allowance, at: datetime) -> Count:
    """The clock with another allowance or on another calendar from ``at`` on; one that stands goes on standing.

    What was used counts: six hours remain six hours, two working days two. From a calendar to another, the date of the
    change is counted on the new one, so it counts once. Between time and working days the same share of the allowance
    stays used: whole days, rounded down, and time, rounded up to the microsecond, which makes the way back exact.
    A clock that has run in one piece, and less than a day's share, keeps the day on which it began. What is used up
    already is due at ``at``.
    """
    if count.allowed.working_days and allowed.working_days:
        used = _days_with_change(count, before, after, at)
    else:
        used = _converted(count, _used(count, before, at), after, allowed)
    # A message from a machine whose clock is behind must not make the clock run earlier than it did.
    return Count(allowed, used, None if count.since is None else max(count.since, at))


def due(count: Count, calendar: Calendar) -> datetime | None:
    """The moment at which the allowance is used up, never before ``since``; None while the clock stands."""
    return _reached(count, calendar, _total(count.allowed))


def warn_at(count: Count, calendar: Calendar, share: float) -> datetime | None:
    """The moment to warn people before the clock is due, never before ``since``; None while the clock stands.

    Of a time it is when ``share`` (0 to 1) of it is used up; of working days, when the last of them opens.
    """
    if count.allowed.time is not None:
        return _reached(count, calendar, round(_total(count.allowed) * share))
    if count.since is None:
        return None
    left = _total(count.allowed) - _whole(count.used)
    if left < 1:
        return count.since
    return max(count.since, calendar.nth_day_start(_counted_from(count.used, calendar, count.since), left))


def used_at(count: Count, calendar: Calendar, at: datetime) -> int:
    """What is used up at ``at``: microseconds of open time, or whole working days; never below zero."""
    return _whole(_used(count, calendar, at))


def _reached(count: Count, calendar: Calendar, total: int) -> datetime | None:
    """When so much of the allowance is used up, in its own unit."""
    if count.since is None:
        return None
    left = total - _whole(count.used)
    if left <= 0:
        return count.since
    if count.allowed.time is not None:
        return calendar.after(count.since, left * _MICROSECOND)
    return calendar.nth_day_end(_counted_from(count.used, calendar, count.since), left)


def _used(count: Count, calendar: Calendar, at: datetime) -> int:
    """``Count.used`` as it would be if the clock were stopped at ``at``."""
    if count.since is None:
        return count.used
    if count.allowed.time is not None:
        return count.used + calendar.between(count.since, at) // _MICROSECOND
    return _plus_days(count.used, calendar, count.since, at)


def _days_with_change(count: Count, before: Calendar, after: Calendar, at: datetime) -> int:
    if count.since is None:
        return count.used
    morning = after.midnight(at)
    used = _plus_days(count.used, before, count.since, morning)
    return _plus_days(used, after, max(count.since, morning), at)


def _converted(count: Count, used: int, calendar: Calendar, allowed: Allowance) -> int:
    """``used`` of the clock's allowance as the same share of another."""
    if count.allowed.time is not None and allowed.time is not None:
        return used
    share, whole = _whole(used) * _total(allowed), _total(count.allowed)
    if allowed.time is not None:
        return -(-share // whole)
    days = share // whole
    if not days and count.used == 0 and count.since is not None:
        return _begun_on(calendar, count.since)
    return days


def _plus_days(used: int, calendar: Calendar, start: datetime, end: datetime) -> int:
    days = calendar.day_ends_between(_counted_from(used, calendar, start), end)
    return _whole(used) + days if days else used


def _counted_from(used: int, calendar: Calendar, since: datetime) -> datetime:
    """The moment after which the end of a working day counts: ``since``, or the end of the day of beginning."""
    if used >= 0:
        return since
    end_of_beginning = calendar.day_end(date.fromordinal(-used))
    return since if end_of_beginning is None else max(since, end_of_beginning)


def _begun_on(calendar: Calendar, at: datetime) -> int:
    return -calendar.day_of(at).toordinal()


def _whole(used: int) -> int:
    return max(used, 0)


def _total(allowed: Allowance) -> int:
    """An allowance in the unit of `Count.used`."""
    return allowed.working_days or (allowed.time or timedelta()) // _MICROSECOND
