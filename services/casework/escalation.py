"""Escalation: telling somebody further up, step by step as the plan's ladder says, until somebody acknowledges.

The state of a case's escalation is one value kept with it: the rung reached, who was told and why, by when they must
acknowledge, and whether they did.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, cast

from services.base.errors import Forbidden, WrongState
from services.casework.offices import holder_of
from services.casework.work import Work
from services.complaints.events import Escalated, EscalationAcknowledged
from services.plan.vocabulary import CUSTOMER_SERVICE, ClockKind, EscalationCause, RungHolder


@dataclass(frozen=True, slots=True)
class Escalation:
    """How far a case was escalated. Times are ISO 8601 in UTC, as they are kept."""

    rung: int
    to: RungHolder
    cause: EscalationCause
    told: tuple[str, ...]
    at: str
    acknowledge_by: str
    times: int = 1
    acknowledged_at: str | None = None
    acknowledged_by: str | None = None

    @classmethod
    def of(cls, kept: Mapping[str, Any] | None) -> Escalation | None:
        """As it was kept; None for a case that was never escalated."""
        return None if kept is None else cls(**{**kept, "told": tuple(kept["told"])})


def escalate(work: Work, cause: EscalationCause, *, clock: ClockKind | None = None, reason: str | None = None) -> bool:
    """Tell whoever stands on the rung that the plan has for this cause; returns whether anybody was told.

    Nobody is told twice: an escalation that waits for acknowledgement on this rung or above stands. One that was
    acknowledged does not keep a new cause from going one rung above it, because who acknowledged has not settled it.
    """
    before = Escalation.of(work.now_is("escalation"))
    ladder = work.plan.escalation
    rung = _first_rung(before, cause, work)
    if before is not None and before.acknowledged_at is None and before.rung >= rung and cause != "by_hand":
        return False
    if rung >= len(ladder.ladder):
        if before is not None and before.acknowledged_at is None:
            return False
        rung = len(ladder.ladder) - 1
    _tell(work, cause, rung, before, clock, reason)
    return True


def raise_unacknowledged(work: Work) -> None:
    """Nobody acknowledged in time: the next rung is told, or the top one again."""
    before = Escalation.of(work.now_is("escalation"))
    if before is None or before.acknowledged_at is not None:
        work.clocks.drop("escalation")
        return
    top = len(work.plan.escalation.ladder) - 1
    _tell(work, "unacknowledged", min(before.rung + 1, top), before, None, None)


def wait_again(work: Work) -> None:
    """The case goes on after it stood: who was told last has what is left of their time."""
    standing = Escalation.of(work.now_is("escalation"))
    if standing is not None and standing.acknowledged_at is None:
        acknowledge_by = datetime.fromisoformat(standing.acknowledge_by)
        work.clocks.set_timer("escalation", max(acknowledge_by, work.now), work.now)


def acknowledge(work: Work) -> None:
    """The one who acts has taken notice. Raises `WrongState` when nothing waits, `Forbidden` for others."""
    standing = Escalation.of(work.now_is("escalation"))
    if standing is None or standing.acknowledged_at is not None:
        raise WrongState("no escalation of this case waits to be acknowledged", ())
    require_may_acknowledge(work, standing)
    login = work.login or work.actor
    kept = asdict(standing) | {"acknowledged_at": work.now.isoformat(), "acknowledged_by": login}
    work.happened(
        EscalationAcknowledged(reference=work.case.reference, rung=standing.rung, login=login), escalation=kept
    )
    work.clocks.drop("escalation")


def require_may_acknowledge(work: Work, standing: Escalation) -> None:
    """Raises `Forbidden` unless the one who acts was told, or stands on a higher rung; administrators may."""
    if work.login is None or work.login in standing.told:
        return
    higher = range(standing.rung + 1, len(work.plan.escalation.ladder))
    if any(work.login in holders(work, rung) for rung in higher):
        return
    raise Forbidden(
        f"this escalation waits for {', '.join(standing.told)}, or somebody further up the plan's ladder; "
        "a note can be made by everybody in the group"
    )


def require_somebody_above(work: Work) -> None:
    """Raises `WrongState` when the top of the ladder was told already, and has not acknowledged yet."""
    before = Escalation.of(work.now_is("escalation"))
    if before is None or before.acknowledged_at is not None or before.rung + 1 < len(work.plan.escalation.ladder):
        return
    raise WrongState(
        f"nobody stands above {', '.join(before.told)}, who was told of it at {before.at} and has not acknowledged it",
        ("acknowledge",),
    )


def holders(work: Work, rung: int) -> tuple[str, ...]:
    """Who stands on a rung for this case, today."""
    holder = work.plan.escalation.ladder[rung].to
    return (holder_of(work.in_force, holder, work.group or CUSTOMER_SERVICE, work.assignee),)


def _first_rung(before: Escalation | None, cause: EscalationCause, work: Work) -> int:
    ladder = work.plan.escalation
    if cause == "by_hand":
        return 1 if before is None else before.rung + 1
    first = ladder.rung_of(cast(RungHolder, getattr(ladder.causes, cause)))
    if before is not None and before.acknowledged_at is not None:
        return max(first, before.rung + 1)
    return first


def _tell(
    work: Work,
    cause: EscalationCause,
    rung: int,
    before: Escalation | None,
    clock: ClockKind | None,
    reason: str | None,
) -> None:
    ladder = work.plan.escalation.ladder
    told = holders(work, rung)
    # Who heard of it on the rung below need not hear it again.
    while rung < len(ladder) - 1 and before is not None and before.rung < rung and told == before.told:
        rung += 1
        told = holders(work, rung)
    times = before.times + 1 if before is not None and before.rung == rung else 1
    acknowledge_by = work.now + ladder[rung].acknowledge_within
    standing = Escalation(rung, ladder[rung].to, cause, told, work.now.isoformat(), acknowledge_by.isoformat(), times)
    event = Escalated(
        reference=work.case.reference,
        cause=cause,
        rung=rung,
        to=standing.to,
        told=told,
        acknowledge_by=acknowledge_by,
        clock=clock,
        times=times,
    )
    work.happened(event, (reason and {"reason": reason}) or None, escalation=asdict(standing))
    work.alert("escalated", told, cause=cause, clock=clock, rung=rung, acknowledge_by=acknowledge_by)
    work.clocks.set_timer("escalation", acknowledge_by, work.now)
