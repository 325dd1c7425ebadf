"""Time and oversight: the clocks of the case, how long things took, escalations, reports, links."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, cast
from uuid import UUID

from services.casework.queries import DeadlineView
from services.complaints import events
from services.complaints.queries import CaseView, Happening
from services.plan.vocabulary import CLOCK_KINDS
from services.records.history import History, first_after, seconds, time_in, words_of
from services.records.values import ClockState, DeadlineKept, EscalationTold, LinkMade, Missed, ReportMade, Times

# With these a person has spoken to the customer, as docs/clocks.md has it.
_ANSWERS: Final = frozenset(
    kind.TYPE
    for kind in (
        events.EstimateSet,
        events.Repaired,
        events.Explained,
        events.CustomerAnswered,
        events.Guided,
        events.VisitArranged,
        events.AwaitingCustomer,
        events.Resolved,
        events.Rejected,
    )
)
_WAITING_ENDS: Final = frozenset(
    kind.TYPE for kind in (events.Resumed, events.Resolved, events.Rejected, events.Withdrawn, events.HandedOver)
)
_OVER: Final = frozenset(kind.TYPE for kind in (events.Closed, events.Withdrawn, events.Rejected))


def deadlines(history: History, clocks: Sequence[DeadlineView]) -> tuple[DeadlineKept, ...]:
    """How each clock came out, in the order in which the plan has them; with those that are gone but were missed."""
    missed: dict[str, list[Missed]] = defaultdict(list)
    for one in history.of(events.DeadlineMissed):
        due_at = cast(datetime, time_in(one.data, "due_at"))
        missed[one.data["clock"]].append(Missed(one.number, one.time, due_at, one.data.get("times", 1)))
    for one in history.of(events.EstimateMissed):
        due_at = cast(datetime, time_in(one.data, "estimated_repair_at"))
        missed["promise"].append(Missed(one.number, one.time, due_at, one.data["broken"]))
    warned = {one.data["clock"]: one.time for one in history.of(events.DeadlineWarned)}
    by_kind = {clock.kind: clock for clock in clocks}
    ended = {one.time: one for one in history.of(*_ENDING)}
    return tuple(
        _kept(kind, by_kind.get(kind), missed.get(kind, []), warned.get(kind), ended)
        for kind in CLOCK_KINDS
        if kind in by_kind or kind in missed
    )


_ENDING: Final = (events.Closed, events.Withdrawn, events.Rejected, events.Resolved)


def _kept(
    kind: str,
    clock: DeadlineView | None,
    missed: Sequence[Missed],
    warned_at: datetime | None,
    ended: Mapping[datetime, Happening],
) -> DeadlineKept:
    if clock is None:
        last = missed[-1]
        return DeadlineKept(kind, last.due_at, None, last.at, "missed", None, warned_at, tuple(missed))
    end = None if clock.met_at is None else ended.get(clock.met_at)
    over = end is not None and _ended_with(end, kind)
    met_at = None if over else clock.met_at
    state = _state(clock, over)
    early = seconds(met_at, clock.due_at) if met_at and clock.due_at else None
    return DeadlineKept(kind, clock.due_at, met_at, clock.missed_at, state, early, warned_at, tuple(missed))


def _state(clock: DeadlineView, over: bool) -> ClockState:
    late = clock.met_at is not None and clock.due_at is not None and clock.met_at > clock.due_at
    if clock.missed_at is not None or late:
        return "missed"
    if over:
        return "ended"
    if clock.met_at is not None:
        return "met"
    return "waiting" if clock.due_at is None else "running"


def _ended_with(end: Happening, kind: str) -> bool:
    """Whether a clock that stopped with this event was ended by it, and not met by it."""
    if end.type == events.Rejected.TYPE:
        return kind != "respond"
    # A duplicate ends with the case that it follows; else the result is what its clocks asked for.
    return end.type != events.Resolved.TYPE or end.data.get("told") is False


def times(history: History, view: CaseView, broken_estimates: int) -> Times:
    """How long it took from the receipt of the complaint, as the events tell."""
    since = view.received_at
    response = next((one.time for one in history.all if _answers(one)), None)
    resolved = [one.time for one in history.of(events.Resolved)]
    over = [one.time for one in history.all if one.type in _OVER]
    return Times(
        first_response_at=response,
        first_response=seconds(since, response),
        resolution=seconds(since, resolved[-1]) if resolved and view.resolved_at is not None else None,
        total=seconds(since, over[-1]) if over and view.status in ("closed", "withdrawn", "rejected") else None,
        awaiting_customer=_awaited(history.all),
        reopenings=len(list(history.of(events.Reopened))),
        broken_estimates=broken_estimates,
    )


def _answers(one: Happening) -> bool:
    return (
        one.type in _ANSWERS
        or (one.type == events.Contacted.TYPE and one.data["outcome"] == "reached")
        or (one.type == events.CompensationDecided.TYPE and one.data["decision"] == "approved")
    )


def _awaited(happenings: Iterable[Happening]) -> int:
    total, since = 0.0, None
    for one in happenings:
        if one.type == events.AwaitingCustomer.TYPE:
            since = since or one.time
        elif since is not None and (one.type in _WAITING_ENDS or one.data.get("redispatched")):
            total += (one.time - since).total_seconds()
            since = None
    return round(total)


def escalations(history: History) -> tuple[EscalationTold, ...]:
    """Who was told further up, and when they took notice."""
    made = list(history.of(events.Escalated))
    found = []
    for one in made:
        data = one.data
        following = first_after(one, made)
        taken = next(
            (
                other
                for other in history.of(events.EscalationAcknowledged)
                if other.number > one.number and (following is None or other.number < following.number)
            ),
            None,
        )
        found.append(
            EscalationTold(
                **history.entry(one),
                cause=data["cause"],
                rung=data["rung"],
                to=data["to"],
                told=tuple(data["told"]),
                clock=data.get("clock"),
                times=data.get("times", 1),
                reason=words_of(one).get("reason"),
                acknowledge_by=cast(datetime, time_in(data, "acknowledge_by")),
                acknowledged_at=None if taken is None else taken.time,
                acknowledged_by=None if taken is None else taken.data["login"],
            )
        )
    return tuple(found)


def reports(history: History) -> tuple[ReportMade, ...]:
    """The reports to the leadership group."""
    return tuple(
        ReportMade(
            **history.entry(one),
            cause=one.data["cause"],
            severity=one.data["severity"],
            told=tuple(one.data["told"]),
            reason=words_of(one).get("reason"),
        )
        for one in history.of(events.Reported)
    )


def links(history: History) -> tuple[LinkMade, ...]:
    """How the case hangs together with others, and since when it does not any more."""
    parted = list(history.of(events.Unlinked))
    made = list(history.of(events.Linked))
    found = []
    for one in made:
        other = one.data["other"]
        ends = first_after(one, [each for each in (*parted, *made) if each.data["other"] == other])
        found.append(
            LinkMade(
                **history.entry(one),
                other=UUID(other),
                other_reference=one.data["other_reference"],
                relation=one.data["relation"],
                outward=one.data.get("outward", True),
                reason=words_of(one).get("reason"),
                ended_at=None if ends is None else ends.time,
            )
        )
    return tuple(found)
