"""What each staff action makes of a case: a decision about a locked case, without writing anything.

The lifecycle table says whether the step is possible; what is left to decide here is what goes with it: who has the
case, whose load changes, which clock is met or starts again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, cast

from services.base.errors import FieldProblem, Invalid
from services.casework.clocks import Clock, Kind
from services.complaints import events
from services.complaints.commands import Case
from services.complaints.lifecycle import ON_HAND, target
from services.plan.schema import Plan
from services.plan.vocabulary import Category, Severity

FURTHEST_ESTIMATE: Final = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Step:
    """What an action changes: columns of the case, the event that tells of it, loads of people, clocks."""

    event: events.ComplaintEvent
    values: Mapping[str, Any] = field(default_factory=dict)
    private: Mapping[str, object] | None = None
    load: Mapping[str, int] = field(default_factory=dict)
    met: Kind | None = None
    restarted: Clock | None = None


def accept(case: Case, login: str | None, now: datetime) -> Step:
    """The one with this login has the case now. Without one (an administrator) it stays with its assignee."""
    status = target(case.status, "accept", case.category)
    assignee = login or case.assignee
    if assignee is None:
        raise Invalid("the case is with nobody; accept it with the key of a member of staff")
    values: dict[str, Any] = {"status": status, "assignee": assignee}
    if assignee != case.assignee:
        values["assignment"] = {"rule": "accepted", "previous": case.assignee, "at": now}
    event = events.Accepted(reference=case.reference, assignee=assignee)
    return Step(event, values, load=_moved(case.assignee, assignee), met="respond")


def note(case: Case, text: str) -> Step:
    """A note for the record."""
    target(case.status, "note", case.category)
    return Step(events.Noted(reference=case.reference), private={"text": text})


def set_eta(case: Case, estimate: datetime, reason: str | None, now: datetime) -> Step:
    """The estimated repair time. Raises `Invalid` when it is past, over a year ahead, or changes without a reason."""
    target(case.status, "set-eta", case.category)
    previous = case.estimated_repair_at
    if estimate <= now:
        raise _wrong("estimated_repair_at", "is in the past; say when the fault will be repaired", "past")
    if estimate > now + FURTHEST_ESTIMATE:
        raise _wrong("estimated_repair_at", "is more than a year ahead", "too_far")
    if estimate == previous:
        raise _wrong("estimated_repair_at", "is the estimate already", "unchanged")
    if previous is not None and reason is None:
        raise _wrong("reason", "is missing: the customer was told another time, so say why it changes", "missing")
    estimate = estimate.astimezone(UTC)
    return Step(
        events.EstimateSet(reference=case.reference, estimated_repair_at=estimate, previous=previous),
        {"estimated_repair_at": estimate},
        (reason and {"reason": reason}) or None,
    )


def reclassify(
    case: Case, category: Category | None, severity: Severity | None, reason: str, plan: Plan, signals: Collection[str]
) -> Step:
    """The person's judgement in place of the one before; None leaves what was.

    ``plan`` is the one that the case runs under, ``signals`` are those that were found in the complaint. When the
    category is another group's, the case leaves its assignee and waits to be dispatched there.
    """
    status = target(case.status, "reclassify", case.category)
    before = cast(Category, case.category), cast(Severity, case.severity)
    after = category or before[0], severity or before[1]
    if after == before:
        raise _wrong(
            "category", f"and severity are {before[0]} and {before[1]} already; change one of them", "unchanged"
        )
    values: dict[str, Any] = {
        "status": status,
        "category": after[0],
        "severity": after[1],
        "reportable": plan.judging.must_report(after[1], signals),
    }
    if after[0] != before[0]:
        # Both belong to the category: sub-categories are its own, and only a fault is repaired.
        values |= {"sub_category": None, "estimated_repair_at": None}
    load: Mapping[str, int] = {}
    if case.group_code is not None and plan.group_for(after[0]).code != case.group_code:
        values |= {"group_code": None, "assignee": None, "assignment": None}
        values["status"] = target(case.status, "redispatch", case.category)
        load = _moved(case.assignee if case.status in ON_HAND else None, None)
    event = events.Reclassified(
        reference=case.reference,
        category_before=before[0],
        severity_before=before[1],
        category=after[0],
        severity=after[1],
    )
    return Step(event, values, {"reason": reason}, load)


def resolve(case: Case, text: str, now: datetime) -> Step:
    """Settled, with the words that the customer is told."""
    status = target(case.status, "resolve", case.category)
    return Step(
        events.Resolved(reference=case.reference),
        {"status": status, "resolution": text, "resolved_at": now},
        {"text": text},
        _moved(case.assignee, None),
        met="resolve",
    )


def close(
    case: Case,
    decision: Literal["customer_accepted", "final_decision"],
    reason: str | None,
    now: datetime,
    *,
    told: bool,
) -> Step:
    """Closed. ``told``: the notice of the result was sent.

    Nobody can have accepted what they were not told, so without the notice the record must say how they know (ISO
    10002: closed when accepted or finally decided).
    """
    status = target(case.status, "close", case.category)
    if decision == "customer_accepted" and reason is None and not told:
        raise _wrong(
            "reason",
            "is missing: the notice of the result has not been sent, so say how the customer learned and accepted it",
            "missing",
        )
    return Step(
        events.Closed(reference=case.reference, decision=decision),
        {"status": status, "closed_at": now},
        (reason and {"reason": reason}) or None,
    )


def reopen(case: Case, reason: str, login: str | None, current: Plan, ran_under: Plan | None, now: datetime) -> Step:
    """Taken up again by the one who had it, or by the one who reopens it when nobody had or they have left.

    The clock for resolving starts again, with the time that ``ran_under``, the plan of the case, allows.
    """
    status = target(case.status, "reopen", case.category)
    had = case.assignee if case.assignee and current.groups_of(case.assignee) else None
    assignee = had or login or case.assignee
    values: dict[str, Any] = {
        "status": status,
        "assignee": assignee,
        "resolution": None,
        "resolved_at": None,
        "closed_at": None,
        # What was promised for the first repair says nothing about the next one.
        "estimated_repair_at": None,
    }
    if assignee != case.assignee:
        values["assignment"] = {"rule": "reopened", "previous": case.assignee, "at": now}
    restarted = None
    if ran_under is not None and case.category and case.severity:
        allowed = ran_under.deadlines_for(case.category, case.severity).resolve
        restarted = Clock(case.id, "resolve", case.realm, now, now + allowed)
    return Step(
        events.Reopened(reference=case.reference, status_before=case.status),
        values,
        {"reason": reason, "assignee": assignee},
        _moved(None, assignee),
        restarted=restarted,
    )


def _moved(giver: str | None, taker: str | None) -> dict[str, int]:
    """The loads that change when a case goes from one person to another (None: nobody)."""
    if giver == taker:
        return {}
    return {login: change for login, change in ((giver, -1), (taker, 1)) if login is not None}


def _wrong(name: str, reason: str, code: str) -> Invalid:
    return Invalid(f"{name} {reason}", [FieldProblem(name, reason, code)])
