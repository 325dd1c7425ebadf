"""Doing what is due: warnings, missed deadlines, escalations nobody acknowledged, reminders, closing after silence.

Each due case is claimed with its row lock, skipping those that others hold, and what fires is written with the next
time to look in the same transaction. So everything fires once, however many handlers there are and whenever one dies.
A batch takes a constant number of statements.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final, cast

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.casework import clocks, compensation, counting, escalation
from services.casework.clocks import Clock
from services.casework.handlers import conversing, settling
from services.casework.model import Compensation, Deadline
from services.casework.work import Work, write
from services.complaints.commands import CASE_COLUMNS, Case
from services.complaints.events import DeadlineMissed, DeadlineWarned, EstimateMissed, Reminded, Updated
from services.complaints.lifecycle import ON_HAND
from services.complaints.model import Complaint
from services.plan.versions import Plans
from services.plan.vocabulary import ClockKind

log = logging.getLogger(__name__)

ACTOR: Final = "system:handler"
BATCH: Final = 500
# A case whose clock can't be worked out is looked at again after this, and does not keep others waiting.
_AGAIN: Final = timedelta(minutes=5)
# A case that is resolved may still owe a payment.
_ESCALATED: Final = frozenset({"classified", *ON_HAND, "resolved"})
_UNPAID_AGAIN: Final = timedelta(days=1)
# The times that the customer was promised when the complaint was acknowledged and dispatched.
_PROMISED: Final = frozenset({"respond", "resolve"})

_CLAIM = (
    sa.select(*CASE_COLUMNS)
    .join(Deadline, Deadline.complaint_id == Complaint.id)
    .where(Deadline.next_at <= sa.bindparam("now"))
    .order_by(Deadline.next_at)
    .limit(sa.bindparam("most"))
    # Skipping never waits, so locks may be taken in the order of what is due. Locked rows do not count for the limit.
    .with_for_update(key_share=True, skip_locked=True, of=Complaint)
)
_UNPAID = sa.select(Compensation.complaint_id).where(
    Compensation.complaint_id == sa.any_(sa.bindparam("cases", type_=ARRAY(sa.Uuid))),
    Compensation.status.in_(["approved", "accepted"]),
)


_DUPLICATES = sa.select(Complaint.id, Complaint.merged_into).where(
    Complaint.merged_into == sa.any_(sa.bindparam("cases", type_=ARRAY(sa.Uuid))), Complaint.status == "resolved"
)
_CLAIM_DUPLICATES = (
    sa.select(*CASE_COLUMNS)
    .where(Complaint.id == sa.any_(sa.bindparam("cases", type_=ARRAY(sa.Uuid))))
    .order_by(Complaint.id)
    .with_for_update(key_share=True, skip_locked=True)
)


async def fire(connection: AsyncConnection, plans: Plans, now: datetime, limit: int = BATCH) -> int:
    """Do what is due in up to ``limit`` cases; returns how many were looked at. The caller commits.

    ``now`` is UTC. What is due in cases that others have locked is left for the next time.
    """
    rows = await connection.execute(_CLAIM, {"now": now, "most": limit})
    cases = {row.id: Case(*row) for row in rows}
    if not cases:
        return 0
    _, in_force = await plans.current(connection)
    versions = {case.plan_version for case in cases.values() if case.plan_version is not None}
    by_version = {version: await plans.get(connection, version) for version in versions}
    found = await clocks.load(connection, cases.values(), by_version, in_force)
    works = [
        Work(case, by_version.get(case.plan_version or 0, in_force), in_force, found[case.id], ACTOR, now)
        for case in cases.values()
    ]
    closing = [work for work in works if (timer := work.clocks.get("close")) and timer.next_at and timer.next_at <= now]
    duplicates = await _prepare_closing(connection, closing) if closing else []
    await write(connection, [*(_fired(work) for work in works), *duplicates])
    return len(cases)


async def next_due(connection: AsyncConnection) -> datetime | None:
    """When something is due next; None when nothing is."""
    found: datetime | None = await connection.scalar(
        sa.select(sa.func.min(Deadline.next_at)).where(Deadline.next_at.is_not(None))
    )
    return found


async def _prepare_closing(connection: AsyncConnection, closing: Sequence[Work]) -> list[Work]:
    """Find what keeps these cases from closing, and their duplicates, which close with them; returns the duplicates.

    A case with a duplicate that somebody else has locked is left for later.
    """
    by_case = {work.case.id: work for work in closing}
    asked = {"cases": sorted(by_case)}
    for case in set((await connection.execute(_UNPAID, asked)).scalars()):
        by_case[case].grants = await compensation.of_case(connection, case)
    followed = {row.id: by_case[row.merged_into] for row in await connection.execute(_DUPLICATES, asked)}
    if not followed:
        return []
    claimed = await connection.execute(_CLAIM_DUPLICATES, {"cases": sorted(followed)})
    cases = {row.id: Case(*row) for row in claimed}
    found = await clocks.load(connection, cases.values(), {}, closing[0].in_force)
    for duplicate, work in followed.items():
        if duplicate in cases:
            one = Work(cases[duplicate], work.plan, work.in_force, found[duplicate], work.actor, work.now)
            work.duplicates = (*work.duplicates, one)
        else:
            work.clocks.set_timer("close", work.now + _AGAIN, work.now)
    return [duplicate for work in closing for duplicate in work.duplicates]


def _fired(work: Work) -> Work:
    """With everything that is due in this case done. One that can't be worked out is put off, and said so."""
    try:
        for clock in work.clocks.due_for_firing(work.now):
            # An earlier one may have ended it: what closed the case owes no reminder.
            if work.clocks.get(clock.kind) == clock:
                _FIRE.get(clock.kind, _fire_clock)(work, clock)
        return work
    except Exception:
        log.exception("case %s: what is due could not be done, and is tried again later", work.case.reference)
        return _put_off(work)


def _put_off(work: Work) -> Work:
    fresh = Work(work.case, work.plan, work.in_force, work.clocks.as_loaded(), work.actor, work.now)
    for clock in fresh.clocks.due_for_firing(work.now):
        fresh.clocks.put_off(clock, work.now + _AGAIN)
    return fresh


def _fire_clock(work: Work, clock: Clock) -> None:
    """A deadline that comes near, or passed."""
    assert clock.due_at is not None
    if clock.due_at > work.now:
        _warn(work, clock, clock.due_at)
        return
    next_by = _next_date(work, clock)
    passed, kind = work.clocks.missed(clock, work.now, next_by), cast(ClockKind, clock.kind)
    work.happened(
        DeadlineMissed(
            reference=work.case.reference, clock=kind, due_at=clock.due_at, times=passed.told, next_by=next_by
        )
    )
    work.alert("deadline_missed", [work.assignee], clock=kind, due_at=clock.due_at, times=passed.told)
    # An acknowledgement that has no way to the customer is nothing that leadership could change.
    if kind != "acknowledge":
        escalation.escalate(work, "regulator_limit" if kind == "regulator" else "deadline_missed", clock=kind)


def _next_date(work: Work, missed: Clock) -> datetime | None:
    """By when the customer hears from a person instead of when ``missed`` was due; None when nothing was promised.

    It is what the plan allows for a first response, from now on, on the calendar of the group. Who waits for such a
    date already is given no other. Only the first miss makes a promise.
    """
    if missed.kind not in _PROMISED or missed.missed_at is not None:
        return None
    respond = work.clocks.get("respond")
    if respond is not None and respond.open and respond.told == 1 and respond.next_at and respond.next_at > work.now:
        return respond.next_at
    category, severity = str(work.category), str(work.now_is("severity"))
    calendar = work.plan.calendar_of(work.group or work.plan.group_for(category).code)
    allowed = work.plan.deadlines_for(category, severity).respond
    return counting.due(counting.begin(calendar, allowed, work.now), calendar)


def _warn(work: Work, clock: Clock, due_at: datetime) -> None:
    kind = cast(ClockKind, clock.kind)
    work.happened(DeadlineWarned(reference=work.case.reference, clock=kind, due_at=due_at))
    work.alert("deadline_warned", [work.assignee], clock=clock.kind, due_at=due_at)
    work.clocks.warned(clock, work.now)
    if clock.kind == "regulator":
        escalation.escalate(work, "regulator_limit", clock="regulator")


def _fire_update(work: Work, clock: Clock) -> None:
    """Nobody told the customer anything for as long as the plan allows: the programs tell them that work goes on.

    It is no missed deadline, because the customer does hear. The person was warned before: real news is better.
    """
    assert clock.due_at is not None
    if clock.due_at > work.now:
        _warn(work, clock, clock.due_at)
        return
    times = clock.told + 1
    # One that was sent back as no fault waits for the group whose clocks it will have.
    if work.category == "outage" and clocks.restart_update(work.clocks, work.case, work.plan, work.now, times):
        work.happened(Updated(reference=work.case.reference, times=times))
    else:
        work.clocks.put_off(clock, work.now + work.plan.deadlines.repeat_every)


def _fire_promise(work: Work, clock: Clock) -> None:
    """The estimate that the customer was told has passed, and nothing was repaired."""
    assert clock.due_at is not None
    work.clocks.missed(clock, work.now)
    broken = work.handling.broken + 1
    work.happened(EstimateMissed(reference=work.case.reference, estimated_repair_at=clock.due_at, broken=broken))
    work.handled(replace(work.handling, broken=broken))
    escalation.escalate(work, "estimate_missed", clock="promise")


def _fire_escalation(work: Work, clock: Clock) -> None:
    if work.case.status in _ESCALATED:
        escalation.raise_unacknowledged(work)
    else:
        work.clocks.drop("escalation")


def _fire_remind(work: Work, clock: Clock) -> None:
    work.clocks.drop("remind")
    if work.case.status != "awaiting_customer":
        return
    times = work.handling.reminded + 1
    work.happened(Reminded(reference=work.case.reference, times=times))
    work.handled(replace(work.handling, reminded=times))
    after = conversing.next_reminder(work)
    if after is not None:
        asked_at = clock.started_at
        work.clocks.set_timer("remind", max(asked_at + after, work.now), asked_at)


def _fire_give_back(work: Work, clock: Clock) -> None:
    work.clocks.drop("give_back")
    if work.case.status == "awaiting_customer":
        conversing.go_on(work, "silent")
        work.alert("customer_replied", [work.assignee], silent=True)


def _fire_close(work: Work, clock: Clock) -> None:
    """Silence after the result counts as consent, but not while money is owed."""
    work.clocks.drop("close")
    if work.case.status != "resolved":
        return
    if compensation.unpaid(work.grants) is not None:
        work.clocks.set_timer("close", work.now + _UNPAID_AGAIN, work.now)
    else:
        settling.close_as(work, "customer_silent")
        for duplicate in work.duplicates:
            settling.follow_closed(duplicate, "customer_silent", None)


_FIRE: Final[Mapping[str, Callable[[Work, Clock], None]]] = MappingProxyType(
    {
        "update": _fire_update,
        "promise": _fire_promise,
        "escalation": _fire_escalation,
        "remind": _fire_remind,
        "give_back": _fire_give_back,
        "close": _fire_close,
    }
)
