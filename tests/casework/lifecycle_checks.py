"""What must hold of cases at every moment, whoever did what: read in one go, and checked."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.stream.model import EventRow
from services.casework.clocks import PAUSED_BY_QUESTION
from services.casework.model import Compensation, Deadline, Link
from services.casework.tasks.model import Task
from services.casework.verifying import differences_in
from services.complaints import events as e
from services.complaints.events import ComplaintEvent, StepEvent
from services.complaints.lifecycle import ON_HAND, OPEN, STAY, TRANSITIONS
from services.complaints.model import Complaint
from services.complaints.queries import Happening
from services.complaints.replay import states
from services.people.model import Duty
from services.plan.schema import Plan
from services.surveys.model import Survey

_HAPPENING = tuple(Happening.__dataclass_fields__)
_TIMERS = ("remind", "give_back", "close", "escalation")
_TOLD_ONCE = ("acknowledge", "promise")
_TYPES = {event.TYPE: event for event in e.EVENTS}
_EDGES = {
    (before, before if after == STAY else after)
    for before, actions in TRANSITIONS.items()
    for after in actions.values()
} | {("withdrawn", "received"), ("withdrawn", "classified"), ("rejected", "classified")}
Row = sa.Row[Any]


@dataclass(frozen=True)
class Snapshot:
    """What an action may change of cases."""

    cases: Sequence[Row]
    events: Sequence[Row]
    clocks: Sequence[Row]
    offers: Sequence[Row]
    links: Sequence[Row]
    tasks: Sequence[Row]
    surveys: Sequence[Row]
    loads: Mapping[str, int]
    differences: Sequence[object]

    def case(self, id_: UUID) -> Row:
        return next(case for case in self.cases if case.id == id_)

    def record(self, id_: UUID) -> list[Happening]:
        return [
            Happening(**{name: getattr(event, name) for name in _HAPPENING})
            for event in self.events
            if event.key == id_
        ]

    def clocks_of(self, id_: UUID) -> dict[str, Row]:
        return {clock.kind: clock for clock in self.clocks if clock.complaint_id == id_}

    def offers_of(self, id_: UUID) -> list[Row]:
        return [offer for offer in self.offers if offer.complaint_id == id_]


_KEPT = ("complaint", "event", "deadline", "compensation", "link", "task", "alert", "duty", "survey")
_FINGERPRINT = sa.text(
    "select concat_ws(' ', "
    + ", ".join(f"(select md5(string_agg(t::text, ' ' order by t::text)) from {table} t)" for table in _KEPT)
    + ")"
)


async def fingerprint(connection: AsyncConnection) -> str:
    """The same as long as nothing is written."""
    return str(await connection.scalar(_FINGERPRINT))


async def snapshot(connection: AsyncConnection) -> Snapshot:
    async def rows(query: sa.Select[*tuple[Any, ...]]) -> list[Row]:
        return list((await connection.execute(query)).all())

    cases = await rows(sa.select(*Complaint.__table__.c).order_by(Complaint.id))
    happenings = [getattr(EventRow, name) for name in _HAPPENING]
    loads = await rows(sa.select(Duty.login, Duty.open_cases).where(Duty.open_cases != 0))
    return Snapshot(
        cases=cases,
        events=await rows(
            sa.select(EventRow.key, *happenings)
            .where(EventRow.topic == e.TOPIC)
            .order_by(EventRow.key, EventRow.number)
        ),
        clocks=await rows(sa.select(*Deadline.__table__.c).order_by(Deadline.complaint_id, Deadline.kind)),
        offers=await rows(sa.select(*Compensation.__table__.c).order_by(Compensation.proposed_at, Compensation.id)),
        links=await rows(sa.select(*Link.__table__.c).order_by(Link.complaint_id, Link.other_id)),
        tasks=await rows(sa.select(Task.id, Task.complaint_id, Task.kind, Task.status, Task.version).order_by(Task.id)),
        surveys=await rows(sa.select(*Survey.__table__.c).order_by(Survey.complaint_id, Survey.asked_at)),
        loads={row.login: row.open_cases for row in loads},
        differences=await differences_in(connection, [case.id for case in cases]),
    )


def check(seen: Snapshot, plan: Plan) -> None:
    """Raises AssertionError with what does not hold."""
    assert not seen.differences, seen.differences
    _loads_are_what_people_have(seen)
    for case in seen.cases:
        said = f"{case.reference} {case.status}"
        for rule in _RULES:
            rule(seen, case, said)
        _money_is_granted_by_those_who_may(seen, case, plan)
        _its_customer_is_asked_once(seen, case, plan)


def _loads_are_what_people_have(seen: Snapshot) -> None:
    on_hand = Counter(
        case.assignee for case in seen.cases if case.status in ON_HAND and case.merged_into is None and case.assignee
    )
    assert dict(seen.loads) == dict(on_hand)


def _somebody_has_it(seen: Snapshot, case: Row, said: str) -> None:
    if case.status in ON_HAND:
        assert case.assignee is not None, f"{said} is with nobody"
        assert case.group_code is not None, f"{said} is with no group"


def _its_status_moved_along_the_table(seen: Snapshot, case: Row, said: str) -> None:
    for before, after in pairwise(states(seen.record(case.id))):
        follows = after.merged_into is not None and before.status in ON_HAND and after.status not in OPEN
        edge = before.status, after.status
        assert edge[0] == edge[1] or follows or edge in _EDGES, f"{said}: from {edge[0]} to {edge[1]}"


def _what_is_over_owes_nothing(seen: Snapshot, case: Row, said: str) -> None:
    clocks = seen.clocks_of(case.id)
    if case.status in ("closed", "withdrawn", "rejected"):
        for kind, clock in clocks.items():
            assert kind not in _TIMERS, f"{said} has the timer {kind}"
            assert clock.next_at is None, f"{said}: {kind} is looked at again"
            assert clock.met_at is not None, f"{said}: {kind} is open"
    if case.status == "closed":
        assert case.closed_at is not None, said
        owed = [offer for offer in seen.offers_of(case.id) if offer.status in ("approved", "accepted")]
        assert not owed, f"{said}, and {owed} is not paid"
    else:
        assert case.closed_at is None, f"{said}, and has a time of closing"
    assert (case.resolution is not None) == (case.status in ("resolved", "closed")), said


def _what_follows_another_stands_and_ends_with_it(seen: Snapshot, case: Row, said: str) -> None:
    if case.merged_into is None:
        return
    leader = seen.case(case.merged_into)
    assert leader.merged_into is None or case.status not in OPEN, f"{said} follows one that follows another"
    if case.status in OPEN:
        assert leader.status in OPEN, f"{said} follows one that is {leader.status}"
        for kind, clock in seen.clocks_of(case.id).items():
            assert kind not in _TIMERS, f"{said} is merged and has the timer {kind}"
            assert clock.next_at is None, f"{said} is merged, and {kind} is looked at again"
            assert clock.since is None or clock.met_at is not None, f"{said} is merged, and {kind} runs"
    if case.status == "resolved":
        assert leader.status != "closed", f"{said} follows one that is closed"


def _what_is_owed_is_looked_at(seen: Snapshot, case: Row, said: str) -> None:
    if case.merged_into is not None or case.status not in OPEN | {"resolved"}:
        return
    for kind, clock in seen.clocks_of(case.id).items():
        if kind in _TIMERS:
            assert clock.next_at is not None, f"{said}: the timer {kind} is never looked at"
        elif clock.met_at is None and clock.due_at is not None and not (kind in _TOLD_ONCE and clock.missed_at):
            assert clock.next_at is not None, f"{said}: {kind} is owed, and never looked at"


def _clocks_stand_only_while_the_customer_is_asked(seen: Snapshot, case: Row, said: str) -> None:
    if case.merged_into is not None or case.status not in OPEN:
        return
    clocks = seen.clocks_of(case.id)
    for kind, clock in clocks.items():
        if kind not in _TIMERS and kind != "promise" and clock.met_at is None:
            stands = case.status == "awaiting_customer" and kind in PAUSED_BY_QUESTION
            assert (clock.since is None) == stands, f"{said}: {kind} {'stands' if clock.since is None else 'runs'}"
    if case.status == "awaiting_customer":
        assert "give_back" in clocks, f"{said} waits for ever"
    if case.group_code is not None and case.status in ON_HAND:
        assert "resolve" in clocks, f"{said} has no clock"
        assert clocks["resolve"].met_at is None, f"{said}, and its result is given"


def _an_escalation_waits_to_be_acknowledged(seen: Snapshot, case: Row, said: str) -> None:
    waits = case.escalation is not None and case.escalation["acknowledged_at"] is None
    if waits and case.status in ON_HAND and case.merged_into is None:
        assert "escalation" in seen.clocks_of(case.id), f"{said}: nobody is told when it is not acknowledged"


def _each_thing_is_told_once(seen: Snapshot, case: Row, said: str) -> None:
    told = _Told(said)
    for happening in seen.record(case.id):
        told.hear(_TYPES[happening.type].model_validate(happening.data))


class _Told:
    """What people and the customer were told so far of one case."""

    def __init__(self, said: str) -> None:
        self._said = said
        self._warned: set[str] = set()
        self._times: dict[str, int] = defaultdict(int)
        self._begun: set[str] = set()
        self._broken = False
        self._reminded = 0
        self._rung: int | None = None
        self._news = 0
        self._surveys: set[tuple[str, UUID]] = set()

    def hear(self, event: ComplaintEvent) -> None:
        self._begin(event)
        match event:
            case e.DeadlineWarned():
                assert event.clock not in self._warned, f"{self._said}: warned twice of {event.clock}"
                self._warned.add(event.clock)
            case e.DeadlineMissed():
                before = self._times[event.clock]
                allowed = {before + 1, 1} if event.clock in self._begun else {before + 1}
                assert event.times in allowed, f"{self._said}: {event.clock} missed {event.times} times after {before}"
                self._times[event.clock] = event.times
                self._begun.discard(event.clock)
            case e.Updated():
                allowed = {self._news + 1, 1} if "update" in self._begun else {self._news + 1}
                assert event.times in allowed, f"{self._said}: news for the {event.times}. time after {self._news}"
                self._news = event.times
                self._begun.discard("update")
                self._warned.discard("update")
            case e.SurveyAsked() | e.SurveyReminded() | e.SurveyAnswered():
                told = event.TYPE, event.survey
                assert told not in self._surveys, f"{self._said}: {told} twice"
                self._surveys.add(told)
            case e.EstimateMissed():
                assert not self._broken, f"{self._said}: a promise was broken twice"
                self._broken = True
            case e.Reminded():
                assert event.times == self._reminded + 1, f"{self._said}: reminded {event.times} times"
                self._reminded = event.times
            case e.Escalated():
                assert self._rung is None or event.rung >= self._rung, f"{self._said}: down to rung {event.rung}"
                self._rung = event.rung

    def _begin(self, event: ComplaintEvent) -> None:
        """What may be told again after this."""
        match event:
            case e.Dispatched() | e.Reclassified() | e.PlanMoved() | e.Reopened():
                self._anew(*_CLOCKS)
            case StepEvent() | e.StepSkipped() | e.AwaitingCustomer():
                self._anew("step", "update")
        match event:
            case e.EstimateSet() | e.Reopened():
                self._broken = False
            case e.AwaitingCustomer():
                self._reminded = 0
        if isinstance(event, e.EscalationAcknowledged | e.Reopened):
            self._rung = None

    def _anew(self, *clocks: str) -> None:
        self._warned -= set(clocks)
        self._begun |= set(clocks)


_CLOCKS = ("acknowledge", "respond", "estimate", "update", "repair", "resolve", "regulator", "step")


def _what_is_granted_is_owed_by_somebody(seen: Snapshot, case: Row, said: str) -> None:
    offers = [offer for offer in seen.offers_of(case.id) if offer.status in ("approved", "accepted")]
    owed = [
        task for task in seen.tasks if task.complaint_id == case.id and task.kind == "pay" and task.status == "open"
    ]
    if offers and case.status not in ("withdrawn", "rejected"):
        assert owed, f"{said}: money is granted, and nobody has to pay it"
    if not offers:
        assert not owed, f"{said}: nothing is granted, and somebody has to pay it"


def _money_is_granted_by_those_who_may(seen: Snapshot, case: Row, plan: Plan) -> None:
    limits = plan.compensation.limits
    for offer in seen.offers_of(case.id):
        assert offer.amount <= limits.leadership[offer.currency], offer
        if offer.status not in ("proposed", "declined"):
            if offer.needs is not None:
                assert offer.decided_by not in (None, offer.proposed_by), offer
            else:
                assert offer.amount <= _own_limit(plan, offer.proposed_by, offer.currency), offer
        assert (offer.paid_at is not None) == (offer.status == "paid"), offer


def _its_customer_is_asked_once(seen: Snapshot, case: Row, plan: Plan) -> None:
    surveys = [survey for survey in seen.surveys if survey.complaint_id == case.id]
    asked = [survey.asked_at for survey in surveys if survey.asked_at is not None]
    for before, after in pairwise(asked):
        assert after - before >= plan.surveys.not_again_within, f"{case.reference}: asked at {before} and {after}"
    assert [survey.status for survey in surveys].count("planned") <= 1, f"{case.reference}: {surveys}"
    told = {(one.type, one.data["survey"]) for one in seen.record(case.id) if "survey" in one.data}
    kept = {
        (kind.TYPE, str(survey.id))
        for survey in surveys
        for kind, at in (
            (e.SurveyAsked, survey.asked_at),
            (e.SurveyReminded, survey.reminded_at),
            (e.SurveyAnswered, survey.answered_at),
        )
        if at is not None
    }
    assert told == kept, f"{case.reference}: the record tells of {told}, and kept are {kept}"


def _own_limit(plan: Plan, login: str, currency: str) -> Any:
    """The most that this person may grant alone anywhere."""
    limits = plan.compensation.limits
    led = [group.code for group in plan.groups_of(login) if login in (group.head, group.deputy)]
    levels = [limits.leadership if code == "leadership" else limits.head for code in led]
    return max(level.get(currency, 0) for level in (limits.member, *levels))


_RULES: tuple[Callable[[Snapshot, Row, str], None], ...] = (
    _somebody_has_it,
    _its_status_moved_along_the_table,
    _what_is_over_owes_nothing,
    _what_follows_another_stands_and_ends_with_it,
    _what_is_owed_is_looked_at,
    _clocks_stand_only_while_the_customer_is_asked,
    _an_escalation_waits_to_be_acknowledged,
    _each_thing_is_told_once,
    _what_is_granted_is_owed_by_somebody,
)
