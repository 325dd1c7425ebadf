"""Where a case stands, as plain values: what `services.complaints.replay` makes of a record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from services.plan.vocabulary import ClockKind, StepCondition


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a case stands in its playbook, in the form in which `services.casework.handling` keeps it."""

    playbook: str | None = None
    done: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    wants: Mapping[StepCondition, bool] = field(default_factory=dict)
    failed_contacts: int = 0
    broken: int = 0
    reminded: int = 0
    legally_checked: bool = False


@dataclass(frozen=True, slots=True)
class Raised:
    """How far a case was escalated, as `services.casework.escalation` keeps it; times are UTC."""

    rung: int
    to: str
    cause: str
    told: tuple[str, ...]
    at: datetime
    acknowledge_by: datetime
    times: int
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """One compensation, from its proposal on. People are logins, or the whole actor for those who have none."""

    kind: str
    amount: Decimal
    currency: str
    status: str
    needs: str | None
    proposed_by: str
    proposed_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None
    paid_by: str | None = None
    paid_at: datetime | None = None
    billing_reference: str | None = None


@dataclass(frozen=True, slots=True)
class Missed:
    """A clock that passed unmet: when that was first noted, and how often it was told since."""

    at: datetime
    times: int


@dataclass(frozen=True, slots=True)
class State:
    """A case as its record tells it. The names are those of the columns; times are UTC.

    ``clocks`` are those that the case was given, with the time at which each was met; ``missed`` holds what the newest
    `DeadlineMissed` of each clock tells, also of one that began again since. ``links`` are keyed by the other case and
    whether this one is the other's relation (as in `events.Linked`).
    """

    version: int = 0
    reference: str = ""
    status: str = ""
    received_at: datetime | None = None
    category: str | None = None
    sub_category: str | None = None
    severity: str | None = None
    reportable: bool = False
    region_code: str | None = None
    plan_version: int | None = None
    group_code: str | None = None
    assignee: str | None = None
    estimated_repair_at: datetime | None = None
    resolution: str | None = None
    resolved_at: datetime | None = None
    closed_at: datetime | None = None
    handling: Progress | None = None
    escalation: Raised | None = None
    merged_into: UUID | None = None
    reported_at: datetime | None = None
    offers: Mapping[UUID, Offer] = field(default_factory=dict)
    links: Mapping[tuple[UUID, bool], str] = field(default_factory=dict)
    clocks: Mapping[ClockKind, datetime | None] = field(default_factory=dict)
    missed: Mapping[str, Missed] = field(default_factory=dict)
