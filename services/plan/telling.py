"""How customers are told and asked: when not to disturb them, how often, what they may send, the survey."""

from __future__ import annotations

import re
from datetime import time, timedelta
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field, model_validator

from services.plan.allowances import Allowance, AllowanceValue
from services.plan.values import Code, Count, Duration, Entry, Flag, quoted
from services.plan.vocabulary import CUSTOMER_SERVICE

_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


def _time_of_day(value: object) -> time:
    if isinstance(value, time):
        return value
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f'{quoted(value)} is no time of day; write for example "22:00", with the quotes')
    return time(int(found[1]), int(found[2]))


TimeOfDay = Annotated[time, BeforeValidator(_time_of_day)]
FollowUp = Literal["reopen", "task", "nothing"]
MediaType = Literal["image/jpeg", "image/png", "image/gif", "image/webp", "image/heic", "application/pdf"]


class Quiet(Entry):
    """When customers are not disturbed, on the clock of where they are. Mail makes no sound, so it is not held back
    unless ``ways`` names it. Notices that are ``urgent`` are told at any hour.
    """

    since: TimeOfDay
    until: TimeOfDay
    ways: tuple[Literal["email", "sms", "webhook"], ...] = ("sms", "webhook")


class Telling(Entry):
    """How customers are told.

    A customer is written to ``most_per_hour`` times at most; what is more waits and is told together. A notice that
    could not be sent is tried again after ``retry_after``, later each time, and given up after ``give_up_after``. A
    text message of which nobody knows whether it went is given ``unconfirmed_after`` for its receipt; then it goes the
    next way.
    """

    quiet: Quiet | None = None
    most_per_hour: Count = 6
    retry_after: Duration = timedelta(seconds=30)
    give_up_after: Duration = timedelta(days=3)
    unconfirmed_after: Duration = timedelta(minutes=15)


class Surveys(Entry):
    """Asking whether it was settled: ``after`` the closing, once more ``remind_after`` that, until ``expires_after``.

    Not again within ``not_again_within`` for the same case. An answer of ``low`` or less (of 5), or that it was not
    solved, has a follow-up: the case is reopened, or ``group`` gets a task that is due ``within``.
    """

    ask: Flag = True
    after: Duration = timedelta(hours=1)
    remind_after: Duration | None = timedelta(days=3)
    expires_after: Duration = timedelta(days=14)
    not_again_within: Duration = timedelta(days=30)
    low: Annotated[int, Field(strict=True, ge=1, le=4)] = 2
    on_low: FollowUp = "task"
    on_unsolved: FollowUp = "reopen"
    group: Code = CUSTOMER_SERVICE
    within: AllowanceValue = Allowance(working_days=1)

    @model_validator(mode="after")
    def _reminded_in_time(self) -> Surveys:
        if self.remind_after is not None and self.remind_after >= self.expires_after:
            raise ValueError("remind_after must be less than expires_after, or nobody is reminded; or leave it out")
        return self


class Attachments(Entry):
    """What customers may send with a case: files of these ``kinds``, ``largest`` MiB each, ``most`` for a case."""

    kinds: tuple[MediaType, ...] = Field(
        default=("image/jpeg", "image/png", "image/gif", "image/webp", "image/heic", "application/pdf"), min_length=1
    )
    largest: Annotated[int, Field(strict=True, ge=1, le=100)] = 10
    most: Annotated[int, Field(strict=True, ge=1, le=100)] = 10
