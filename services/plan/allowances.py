"""How long something may take: time on a clock (``48h``, ``1h30m``, ``15d``), or whole working days (``2wd``).

Which hours and which days are counted is a calendar's matter; see `services.plan.calendars`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final

from pydantic import BeforeValidator, PlainSerializer

from services.plan.values import parse_duration, quoted

MOST_WORKING_DAYS: Final = 999
LONGEST_TIME: Final = timedelta(days=3650)

_WORKING_DAYS: Final = re.compile(r"([0-9]{1,6})wd")
_WRITTEN_IN_HOURS: Final = timedelta(hours=72)
"""Up to here whole days are written in hours, as the rules do that speak of 48 and 72 hours."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """Either ``time`` or ``working_days``; the other is None.

    ``str()`` gives the text that `parse_allowance` reads back as the same value; equal values have the same text.
    Raises ValueError for both or neither, for less than one second or one day, and for what no text can say.
    """

    time: timedelta | None = None
    working_days: int | None = None

    def __post_init__(self) -> None:
        if (self.time is None) == (self.working_days is None):
            raise ValueError("an allowance is either a time or a number of working days")
        if self.time is not None:
            if self.time <= timedelta() or self.time.microseconds:
                raise ValueError("an allowance is a number of whole seconds; the shortest is 1s")
            if self.time > LONGEST_TIME:
                raise ValueError(f"an allowance can't be longer than {LONGEST_TIME.days}d")
        if self.working_days is not None and not 1 <= self.working_days <= MOST_WORKING_DAYS:
            raise ValueError(f"an allowance is between 1wd and {MOST_WORKING_DAYS}wd")

    def __str__(self) -> str:
        if self.time is None:
            return f"{self.working_days}wd"
        if self.time > _WRITTEN_IN_HOURS and not self.time.seconds:
            return f"{self.time.days}d"
        minutes, seconds = divmod(self.time.days * 86_400 + self.time.seconds, 60)
        hours, minutes = divmod(minutes, 60)
        parts = ((hours, "h"), (minutes, "m"), (seconds, "s"))
        return "".join(f"{number}{unit}" for number, unit in parts if number)


def parse_allowance(value: object) -> Allowance:
    """Reads ``2wd``, or a time as `parse_duration` does: ``48h``, ``1h30m``, ``15d`` (days of 24 hours).

    Raises ValueError for anything else, zero and a mixture such as ``1wd2h`` included.
    """
    if isinstance(value, Allowance):
        return value
    if isinstance(value, str) and (found := _WORKING_DAYS.fullmatch(value)):
        return Allowance(working_days=int(found[1]))
    try:
        time = parse_duration(value)
    except ValueError:
        hours = value if str(value).isdecimal() else 48
        raise ValueError(f"{quoted(value)} is no allowance; write for example {hours}h or 2wd") from None
    return Allowance(time=time)


AllowanceValue = Annotated[Allowance, BeforeValidator(parse_allowance), PlainSerializer(str)]
