"""What facts are made of: a case as far as its customer may be told of it, and what happened to it.

Times are written on the clock of the plan's time zone. Words that staff wrote for the customer are told as they wrote
them. Nothing here knows the kinds of notices.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from notifier_worker.record import Record
from services.base.errors import NotFound
from services.base.stream.event import Event
from services.casework import counting
from services.notices.writing import language_of
from services.plan.allowances import Allowance
from services.plan.schema import Plan
from services.plan.values import Text

_BLANK_LINES: Final = re.compile(r"\n{3,}")


@dataclass(frozen=True, slots=True)
class ToldCase:
    """A case as far as its customer may be told of it. ``personal`` is sealed."""

    id: UUID
    reference: str
    realm: str
    status: str
    language: str
    channel: str
    received_at: datetime
    category: str | None
    sub_category: str | None
    severity: str | None
    plan_version: int | None
    group_code: str | None
    assignee: str | None
    estimated_repair_at: datetime | None
    resolution: str | None
    resolved_at: datetime | None
    personal: Any


@dataclass(frozen=True, slots=True)
class Telling:
    """What facts are made of: what happened to which case, under which plan, what is recorded of it, and when it is."""

    case: ToldCase
    event: Event
    plan: Plan
    record: Record
    now: datetime

    def local(self, time: datetime) -> str:
        """A time on the clock of the plan's time zone."""
        return time.astimezone(ZoneInfo(self.plan.plan.time_zone)).isoformat(timespec="seconds")

    def unless_past(self, time: datetime) -> str | None:
        """A promise that is late before it is made is not made."""
        return self.local(time) if time > self.now else None

    def by_when(self, group: str, allowed: Allowance) -> str | None:
        """The end of what is allowed since the complaint was received, unless it is past."""
        due = self.due(group, allowed, self.case.received_at)
        return None if due is None else self.unless_past(due)

    def due(self, group: str, allowed: Allowance, since: datetime) -> datetime | None:
        """The end of what is allowed since then, on the calendar of the group."""
        calendar = self.plan.calendar_of(group)
        return counting.due(counting.begin(calendar, allowed, since), calendar)

    def group(self, code: str) -> str:
        """The group's name in the customer's language."""
        return self.plan.name_of("group", code, language_of(self.case.language))

    def words(self, key: str) -> str | None:
        """The words under ``key`` in the private half, as lines of a letter; None when there are none."""
        written = self.record.private.get(key)
        return lines(written) if isinstance(written, str) else None

    def person(self, login: str) -> str:
        """The person's name in the customer's language."""
        try:
            return self.in_language(self.plan.person(login).name)
        except NotFound:
            # Cases outlive the plan that they ran under.
            return login

    def in_language(self, text: Text) -> str:
        """What the plan says, in the customer's language."""
        return text.in_language(language_of(self.case.language))

    @property
    def rights(self) -> str | None:
        """Where else the law lets the customer turn; None where it says nothing."""
        return self.in_language(self.plan.law.rights) if self.plan.law.rights else None


def lines(written: str) -> str | None:
    """What was written, with the line ends of a letter and no gaps in it; None for nothing."""
    text = "\n".join(line.rstrip() for line in written.splitlines()).strip()
    return _BLANK_LINES.sub("\n\n", text) or None
