"""A case from its record alone: a pure fold over its events, without the database and without the plan.

What it gives is compared with the rows, which is the proof that the record tells all that happened to a case.
Nothing decides by it. Of the clocks it knows what the record of a case tells: the acknowledgement is told in the record
of its notice, and pauses follow from the calendar.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from services.base.errors import RedressError
from services.complaints import events as e
from services.complaints.events import ComplaintEvent, StepEvent
from services.complaints.queries import Happening
from services.complaints.state import Missed, Offer, Progress, Raised, State
from services.plan.vocabulary import ClockKind, StepCondition


class BrokenRecord(RedressError):
    """The record has a gap, does not begin at the beginning, or holds an event of an unknown type."""


def replay(record: Iterable[Happening]) -> State:
    """The case that this record, oldest first and from its beginning, tells of.

    Raises `BrokenRecord` for a gap in the numbers, or an event of an unknown type.
    """
    last = deque(states(record), maxlen=1)
    return last.pop() if last else State()


def states(record: Iterable[Happening]) -> Iterator[State]:
    """The case as it stood after each event. Raises as `replay` does."""
    state = State()
    for happening in record:
        if happening.number != state.version + 1:
            raise BrokenRecord(f"event {happening.number} of the record follows on event {state.version}")
        kind = _TYPES.get(happening.type)
        if kind is None:
            raise BrokenRecord(f"event {happening.number} of the record is of the unknown type {happening.type}")
        event = kind.model_validate(happening.data)
        state = replace(FOLDS[kind](state, event, happening), version=happening.number, reference=event.reference)
        yield state


def _nothing(state: State, event: ComplaintEvent, happening: Happening) -> State:
    """It is in the record, and changes nothing about where the case stands."""
    return state


def _received(state: State, event: e.Received, happening: Happening) -> State:
    return replace(state, status="received", received_at=event.received_at)


def _classified(state: State, event: e.Classified, happening: Happening) -> State:
    return replace(
        state,
        status="classified",
        category=event.category,
        sub_category=event.sub_category,
        severity=event.severity,
        reportable=event.reportable,
        region_code=event.region_code,
        plan_version=event.plan_version,
    )


def _reclassified(state: State, event: e.Reclassified, happening: Happening) -> State:
    state = replace(
        state,
        category=event.category,
        severity=event.severity,
        reportable=state.reportable if event.reportable is None else event.reportable,
    )
    if event.category != event.category_before:
        state = replace(state, sub_category=None, estimated_repair_at=None)
    if event.redispatched:
        return replace(state, status="classified", group_code=None, assignee=None)
    return _running(state, event.playbook, event.clocks)


def _dispatched(state: State, event: e.Dispatched, happening: Happening) -> State:
    state = replace(state, status="dispatched", group_code=event.group, assignee=event.assignee)
    return _running(_progress(state, playbook=event.playbook), None, event.clocks)


def _plan_moved(state: State, event: e.PlanMoved, happening: Happening) -> State:
    return _running(replace(state, plan_version=event.plan_version), event.playbook, event.clocks)


def _reassigned(state: State, event: e.Reassigned, happening: Happening) -> State:
    return replace(state, assignee=event.assignee)


def _handed_over(state: State, event: e.HandedOver, happening: Happening) -> State:
    return replace(state, status="classified", group_code=event.group, assignee=None)


def _step(state: State, event: StepEvent, happening: Happening) -> State:
    """Something that a step asks for was done."""
    progress = state.handling or Progress()
    done, skipped = progress.done, progress.skipped
    if event.step is not None and event.step not in done:
        done, skipped = (*done, event.step), tuple(code for code in skipped if code != event.step)
    again = event.again or ()
    return _progress(
        state,
        done=tuple(code for code in done if code not in again),
        skipped=tuple(code for code in skipped if code not in again),
    )


def _accepted(state: State, event: e.Accepted, happening: Happening) -> State:
    return replace(_step(state, event, happening), status="in_progress", assignee=event.assignee)


def _estimate_set(state: State, event: e.EstimateSet, happening: Happening) -> State:
    state = replace(_step(state, event, happening), estimated_repair_at=event.estimated_repair_at)
    return _met(state, ("estimate", "respond"), happening.time)


def _estimate_missed(state: State, event: e.EstimateMissed, happening: Happening) -> State:
    return _progress(state, broken=event.broken)


def _repaired(state: State, event: e.Repaired, happening: Happening) -> State:
    state = _met(_step(state, event, happening), ("repair", "estimate"), event.repaired_at)
    return _met(state, ("respond",), happening.time)


def _reviewed(state: State, event: e.Reviewed, happening: Happening) -> State:
    state = _wants(state, "legal_check_wanted", event.legal_check_wanted)
    state = _wants(state, "explanation_wanted", event.explanation_wanted)
    return _step(_wants(state, "compensation_wanted", event.compensation_wanted), event, happening)


def _legal_checked(state: State, event: e.LegalChecked, happening: Happening) -> State:
    return _progress(_step(state, event, happening), legally_checked=True)


def _spoken(state: State, event: StepEvent, happening: Happening) -> State:
    """A step by which a person spoke to the customer."""
    return _met(_step(state, event, happening), ("respond",), happening.time)


def _compensation_proposed(state: State, event: e.CompensationProposed, happening: Happening) -> State:
    offer = Offer(
        kind=event.kind,
        amount=Decimal(event.amount),
        currency=event.currency,
        status="proposed",
        needs=event.needs,
        proposed_by=_who(happening),
        proposed_at=happening.time,
    )
    state = replace(state, offers={**state.offers, event.compensation: offer})
    return _step(_wants(state, "compensation_wanted", True), event, happening)


def _compensation_decided(state: State, event: e.CompensationDecided, happening: Happening) -> State:
    state = _offer(
        state, event.compensation, status=event.decision, decided_by=_who(happening), decided_at=happening.time
    )
    return (_spoken if event.decision == "approved" else _step)(state, event, happening)


def _customer_answered(state: State, event: e.CustomerAnswered, happening: Happening) -> State:
    if event.answer == "accepted":
        state = _wants(state, "compensation_agreed", True)
    return _spoken(_offer(state, event.compensation, status=event.answer), event, happening)


def _compensation_paid(state: State, event: e.CompensationPaid, happening: Happening) -> State:
    state = _offer(
        state,
        event.compensation,
        status="paid",
        paid_by=_who(happening),
        paid_at=event.paid_at or happening.time,
        billing_reference=event.billing_reference,
    )
    return _step(state, event, happening)


def _contacted(state: State, event: e.Contacted, happening: Happening) -> State:
    fold = _spoken if event.outcome == "reached" else _step
    return _progress(fold(state, event, happening), failed_contacts=event.failed)


def _visit_arranged(state: State, event: e.VisitArranged, happening: Happening) -> State:
    return _spoken(_wants(state, "site_visit_wanted", True), event, happening)


def _guided(state: State, event: e.Guided, happening: Happening) -> State:
    return _spoken(_wants(state, "site_visit_wanted", event.site_visit_wanted), event, happening)


def _step_skipped(state: State, event: e.StepSkipped, happening: Happening) -> State:
    skipped = () if state.handling is None else state.handling.skipped
    return _progress(state, skipped=(*skipped, event.step))


def _awaiting_customer(state: State, event: e.AwaitingCustomer, happening: Happening) -> State:
    state = _progress(replace(state, status="awaiting_customer"), reminded=0)
    return _met(state, ("respond",), happening.time)


def _reminded(state: State, event: e.Reminded, happening: Happening) -> State:
    return _progress(state, reminded=event.times)


def _resumed(state: State, event: e.Resumed, happening: Happening) -> State:
    return replace(state, status="in_progress")


def _reported(state: State, event: e.Reported, happening: Happening) -> State:
    return replace(state, reported_at=happening.time)


def _escalated(state: State, event: e.Escalated, happening: Happening) -> State:
    raised = Raised(
        event.rung, event.to, event.cause, event.told, happening.time, event.acknowledge_by, event.times
    )  # fmt: skip
    return replace(state, escalation=raised)


def _acknowledged(state: State, event: e.EscalationAcknowledged, happening: Happening) -> State:
    if state.escalation is None:
        raise BrokenRecord(f"event {happening.number} acknowledges an escalation that the record does not tell of")
    raised = replace(state.escalation, acknowledged_at=happening.time, acknowledged_by=event.login)
    return replace(state, escalation=raised)


def _deadline_missed(state: State, event: e.DeadlineMissed, happening: Happening) -> State:
    before = state.missed.get(event.clock)
    first = happening.time if before is None or event.times == 1 else before.at
    return replace(state, missed={**state.missed, event.clock: Missed(first, event.times)})


def _linked(state: State, event: e.Linked, happening: Happening) -> State:
    state = replace(state, links={**state.links, (event.other, event.outward): event.relation})
    follows = event.relation == "duplicate" and event.outward
    return replace(state, merged_into=event.other) if follows else state


def _unlinked(state: State, event: e.Unlinked, happening: Happening) -> State:
    """A record from before ``outward`` was told: whichever link of that relation there is."""
    ways = (True, False) if event.outward is None else (event.outward,)
    gone = {(event.other, way) for way in ways if state.links.get((event.other, way)) == event.relation}
    state = replace(state, links={key: relation for key, relation in state.links.items() if key not in gone})
    parted = event.relation == "duplicate" and state.merged_into == event.other
    return replace(state, merged_into=None) if parted else state


def _resolved(state: State, event: e.Resolved, happening: Happening) -> State:
    words = (happening.private or {}).get("text")
    state = replace(
        _step(state, event, happening), status="resolved", resolution=words, resolved_at=happening.time
    )  # fmt: skip
    return _met(state, state.clocks, happening.time)


def _rejected(state: State, event: e.Rejected, happening: Happening) -> State:
    return _met(replace(state, status="rejected"), state.clocks, happening.time)


def _withdrawn(state: State, event: e.Withdrawn, happening: Happening) -> State:
    return _met(replace(state, status="withdrawn"), state.clocks, happening.time)


def _closed(state: State, event: e.Closed, happening: Happening) -> State:
    return _met(replace(state, status="closed", closed_at=happening.time), state.clocks, happening.time)


def _reopened(state: State, event: e.Reopened, happening: Happening) -> State:
    assignee = (happening.private or {}).get("assignee")
    waits = "received" if state.category is None else "classified"
    state = replace(
        state,
        status=waits if assignee is None else "in_progress",
        assignee=assignee,
        resolution=None,
        resolved_at=None,
        closed_at=None,
        estimated_repair_at=None,
        escalation=None,
    )
    if state.handling is not None:
        state = replace(state, handling=Progress(state.handling.playbook, broken=state.handling.broken))
    if event.clocks is None:
        return state
    # The first response is given once and for all.
    given = {kind: at for kind, at in state.clocks.items() if kind == "respond"}
    return replace(state, clocks=given | dict.fromkeys(_TOLD.intersection(event.clocks)))


# The acknowledgement is told in the record of its notice; steps and promises come and go with what is told of them.
_TOLD: Final[frozenset[ClockKind]] = frozenset({"respond", "estimate", "update", "repair", "resolve", "regulator"})


def _running(state: State, playbook: str | None, clocks: Collection[ClockKind] | None) -> State:
    """Under this playbook, with these clocks: those that are new run, those that it does not have any more are gone
    unless they were met. None leaves things as they are."""
    if playbook is not None:
        state = _progress(state, playbook=playbook)
    if clocks is None:
        return state
    kept = {kind: at for kind, at in state.clocks.items() if at is not None or kind in clocks}
    return replace(state, clocks={**dict.fromkeys(_TOLD.intersection(clocks)), **kept})


def _met(state: State, kinds: Iterable[ClockKind], at: datetime) -> State:
    """With those of these clocks met that the case has; the first time counts."""
    met = {kind: at for kind in kinds if kind in state.clocks and state.clocks[kind] is None}
    return replace(state, clocks={**state.clocks, **met}) if met else state


def _progress(state: State, **values: Any) -> State:
    return replace(state, handling=replace(state.handling or Progress(), **values))


def _wants(state: State, condition: StepCondition, wanted: bool) -> State:
    wants = {} if state.handling is None else state.handling.wants
    return _progress(state, wants={**wants, condition: wanted})


def _offer(state: State, id_: UUID, **values: Any) -> State:
    if id_ not in state.offers:
        raise BrokenRecord(f"compensation {id_} is decided on and was never proposed")
    return replace(state, offers={**state.offers, id_: replace(state.offers[id_], **values)})


def _who(happening: Happening) -> str:
    return happening.actor.removeprefix("staff:")


Fold = Callable[[State, Any, Happening], State]
FOLDS: Final[Mapping[type[ComplaintEvent], Fold]] = MappingProxyType(
    {
        e.Received: _received,
        e.Classified: _classified,
        e.Reclassified: _reclassified,
        e.Dispatched: _dispatched,
        e.Reassigned: _reassigned,
        e.HandedOver: _handed_over,
        e.Accepted: _accepted,
        e.Diagnosed: _step,
        e.EstimateSet: _estimate_set,
        e.EstimateMissed: _estimate_missed,
        e.Repaired: _repaired,
        e.Reviewed: _reviewed,
        e.LegalChecked: _legal_checked,
        e.Explained: _spoken,
        e.CompensationProposed: _compensation_proposed,
        e.CompensationDecided: _compensation_decided,
        e.CustomerAnswered: _customer_answered,
        e.CompensationPaid: _compensation_paid,
        e.Contacted: _contacted,
        e.Guided: _guided,
        e.VisitArranged: _visit_arranged,
        e.StepSkipped: _step_skipped,
        e.Noted: _nothing,
        e.LinkRenewed: _nothing,
        e.Corrected: _nothing,
        e.AwaitingCustomer: _awaiting_customer,
        e.Reminded: _reminded,
        e.CustomerReplied: _nothing,
        e.Resumed: _resumed,
        e.Reported: _reported,
        e.Escalated: _escalated,
        e.EscalationAcknowledged: _acknowledged,
        e.DeadlineWarned: _nothing,
        e.DeadlineMissed: _deadline_missed,
        e.Updated: _nothing,
        e.Attached: _nothing,
        e.SurveyAsked: _nothing,
        e.SurveyReminded: _nothing,
        e.SurveyAnswered: _nothing,
        e.Linked: _linked,
        e.Unlinked: _unlinked,
        e.PlanMoved: _plan_moved,
        e.Resolved: _resolved,
        e.Rejected: _rejected,
        e.Withdrawn: _withdrawn,
        e.Closed: _closed,
        e.Reopened: _reopened,
    }
)
_TYPES: Final[Mapping[str, type[ComplaintEvent]]] = MappingProxyType({kind.TYPE: kind for kind in FOLDS})
