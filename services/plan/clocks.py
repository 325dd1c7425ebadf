"""What the plan and the law say of deadlines: how long each step of a case may take, and what a jurisdiction demands.

A jurisdiction is a preset that ships with Redress: limits set by law, with their sources. A preset never changes once
it is released, because cases remember their plan and the plan names the preset; a new rule is a new preset.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Final, Literal, get_args

import yaml

from services.plan.allowances import Allowance, AllowanceValue
from services.plan.calendars import CalendarEntry
from services.plan.values import Duration, Entry, Share, Text
from services.plan.vocabulary import Category, RegionKind, Severity

Jurisdiction = Literal["cn", "au"]
JURISDICTIONS: Final[tuple[Jurisdiction, ...]] = get_args(Jurisdiction)


class Updates(Entry):
    """How often the customer hears of a fault that lasts: every ``every`` for the first ``first``, then every
    ``then``.
    """

    every: Duration
    first: Duration
    then: Duration


class Deadline(Entry):
    """How long each step may take, counted from the receipt of the complaint on the calendar of its group.

    ``estimate`` and ``update`` are for faults: the first estimated repair time, and the customer's next news.
    """

    acknowledge: AllowanceValue
    respond: AllowanceValue
    estimate: AllowanceValue | None = None
    update: Updates | None = None
    resolve: AllowanceValue


class SeverityDeadlines(Entry):
    """Deadlines by severity. What a category leaves out is taken, whole, from ``default``."""

    critical: Deadline | None = None
    major: Deadline | None = None
    minor: Deadline | None = None
    low: Deadline | None = None


class Deadlines(Entry):
    """Deadlines by category; ``default`` holds where a category says nothing about a severity.

    ``warn_at`` is the share of the time after which people are warned; a missed deadline is told again
    every ``repeat_every``.
    """

    warn_at: Share = 0.75
    repeat_every: Duration
    default: SeverityDeadlines = SeverityDeadlines()
    outage: SeverityDeadlines = SeverityDeadlines()
    billing: SeverityDeadlines = SeverityDeadlines()
    technical_support: SeverityDeadlines = SeverityDeadlines()
    unclear: SeverityDeadlines = SeverityDeadlines()


class Limit(Entry):
    """A limit set by law, and where it stands."""

    within: AllowanceValue
    source: Text


class RepairLimits(Entry):
    """By when a fault is repaired, by where it is."""

    town: Limit
    country: Limit


class RegulatorLimits(Entry):
    """By when the operator must have answered before the customer may turn to the regulator."""

    default: Limit
    critical: Limit | None = None


class Law(Entry):
    """A jurisdiction's limits. ``calendar`` is the one that they are counted on.

    ``rights`` is what the customer is told of where else they may turn.
    """

    code: Jurisdiction
    name: Text
    calendar: CalendarEntry
    regulator: RegulatorLimits
    repair: RepairLimits | None = None
    acknowledge: Limit | None = None
    pay: Limit | None = None
    updates: Updates | None = None
    rights: Text | None = None

    def regulator_limit(self, severity: Severity | str) -> Limit:
        """The limit for answering a complaint of this severity."""
        return (self.regulator.critical if severity == "critical" else None) or self.regulator.default

    def repair_limit(self, category: Category | str, region: RegionKind | None) -> Limit | None:
        """The limit for repairing; None for what is no fault, or where the law sets none. Unknown places are towns."""
        if category != "outage" or self.repair is None:
            return None
        return self.repair.country if region == "country" else self.repair.town


@cache
def law_of(jurisdiction: Jurisdiction) -> Law:
    """The preset of a jurisdiction."""
    text = resources.files("services.plan").joinpath(f"presets/{jurisdiction}.yaml").read_text(encoding="utf-8")
    return Law.model_validate(yaml.safe_load(text))


def longer(one: Allowance, other: Allowance) -> bool | None:
    """Whether ``one`` is more than ``other``; None when one is in working days and the other in hours."""
    if one.time is not None and other.time is not None:
        return one.time > other.time
    if one.working_days is not None and other.working_days is not None:
        return one.working_days > other.working_days
    return None
