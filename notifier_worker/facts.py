"""What each kind of notice tells: the facts of a case, frozen when the notice is requested.

Times are written on the clock of the plan's time zone. No name of the customer, no address and no link stands among
the facts; the sender puts those in. Words that staff wrote for the customer are told as they were written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from notifier_worker.record import NOTHING, Record
from services.base.errors import NotFound
from services.base.stream.event import Event
from services.casework import counting
from services.complaints.events import (
    AwaitingCustomer,
    Closed,
    CompensationDecided,
    CompensationPaid,
    Contacted,
    CustomerReplied,
    Dispatched,
    EstimateMissed,
    EstimateSet,
    Guided,
    Reminded,
    Repaired,
    Resumed,
    VisitArranged,
)
from services.complaints.lifecycle import OPEN
from services.notices.rendering import language_of
from services.plan.allowances import Allowance
from services.plan.playbooks import Article
from services.plan.schema import Plan
from services.plan.vocabulary import NoticeKind

Facts = dict[str, object]

# After these a question is no longer open, or another one is.
_QUESTION_OVER: Final = frozenset({AwaitingCustomer.TYPE, CustomerReplied.TYPE, Resumed.TYPE})
# After these it is no news that a time was missed.
_MISSED_IS_PAST: Final = frozenset({EstimateSet.TYPE, Repaired.TYPE})
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
        calendar = self.plan.calendar_of(group)
        due = counting.due(counting.begin(calendar, allowed, self.case.received_at), calendar)
        return None if due is None else self.unless_past(due)

    def group(self, code: str) -> str:
        """The group's name in the customer's language."""
        return self.plan.name_of("group", code, language_of(self.case.language))

    def words(self, key: str) -> str | None:
        """The words under ``key`` in the private half, as lines of a letter; None when there are none."""
        written = self.record.private.get(key)
        return _lines(written) if isinstance(written, str) else None


def is_told(event: Event) -> bool:
    """Whether the customer is to hear of the event at all: the plan may keep a step to itself."""
    return orjson.loads(event.data).get("told") is not False


def facts_of(
    kind: NoticeKind, case: ToldCase, event: Event, plan: Plan, now: datetime, record: Record = NOTHING
) -> Facts | None:
    """The facts of a notice of ``kind`` about ``case`` after ``event``; None when there is nothing to tell any more."""
    facts = _FACTS[kind](Telling(case, event, plan, record, now))
    if facts is None:
        return None
    return {
        "reference": case.reference,
        "operator": plan.plan.operator.in_language(language_of(case.language)),
        **facts,
    }


def _acknowledgement(to: Telling) -> Facts:
    # The category isn't judged yet: what holds for a complaint that is still unclear is what can be promised.
    allowed = to.plan.deadlines_for("unclear", "minor").respond
    respond_by = to.by_when(to.plan.group_for("unclear").code, allowed)
    return {"received_at": to.local(to.case.received_at), "respond_by": respond_by}


def _dispatched(to: Telling) -> Facts | None:
    case = to.case
    if to.event.type == Dispatched.TYPE:
        told = Dispatched.model_validate_json(to.event.data)
        group, assignee, respond_by = told.group, told.assignee, to.unless_past(told.respond_by)
    elif case.group_code and case.assignee and case.category and case.severity:
        group, assignee = case.group_code, case.assignee
        respond_by = to.by_when(group, to.plan.deadlines_for(case.category, case.severity).respond)
    else:
        return None
    return {"group": to.group(group), "assignee": _person(to.plan, assignee, case), "respond_by": respond_by}


def _estimate(to: Telling) -> Facts | None:
    estimate, previous = to.case.estimated_repair_at, None
    if to.event.type == EstimateSet.TYPE:
        told = EstimateSet.model_validate_json(to.event.data)
        estimate, previous = told.estimated_repair_at, told.previous
    if estimate is None:
        return None
    return {
        "estimated_repair_at": to.local(estimate),
        "previous": previous and to.local(previous),
        "later": previous is not None and estimate > previous,
        "reason": to.words("reason") if previous is not None else None,
    }


def _estimate_missed(to: Telling) -> Facts | None:
    if to.event.type != EstimateMissed.TYPE or to.case.status not in OPEN or to.record.later & _MISSED_IS_PAST:
        return None
    missed = EstimateMissed.model_validate_json(to.event.data)
    return {"estimated_repair_at": to.local(missed.estimated_repair_at)}


def _repaired(to: Telling) -> Facts | None:
    if to.event.type != Repaired.TYPE:
        return None
    told = Repaired.model_validate_json(to.event.data)
    return {"repaired_at": to.local(told.repaired_at), "late": told.estimate_kept is False}


def _explanation(to: Telling) -> Facts | None:
    text = to.words("text")
    return None if text is None else {"text": text}


def _compensation(to: Telling) -> Facts | None:
    if to.event.type != CompensationDecided.TYPE:
        return None
    decided = CompensationDecided.model_validate_json(to.event.data)
    if decided.decision != "approved":
        return None
    return {
        "compensation": decided.kind,
        "amount": decided.amount,
        "currency": decided.currency,
        "answer": _answer_is_wanted(to),
    }


def _answer_is_wanted(to: Telling) -> bool:
    """Whether the playbook waits for what the customer says to an offer, or pays without asking."""
    case = to.case
    if case.category is None or case.severity is None:
        return False
    playbook = to.plan.playbook_for(case.category, case.sub_category, case.severity)
    return playbook is not None and any(step.action == "customer-answer" for step in playbook.steps)


def _compensation_paid(to: Telling) -> Facts | None:
    if to.event.type != CompensationPaid.TYPE:
        return None
    paid = CompensationPaid.model_validate_json(to.event.data)
    return {
        "compensation": paid.kind,
        "amount": paid.amount,
        "currency": paid.currency,
        "billing_reference": paid.billing_reference,
    }


def _unreached(to: Telling) -> Facts | None:
    if to.event.type != Contacted.TYPE:
        return None
    tried = Contacted.model_validate_json(to.event.data)
    return {"attempts": tried.failed} if tried.write else None


def _guidance(to: Telling) -> Facts | None:
    if to.event.type != Guided.TYPE:
        return None
    guided = Guided.model_validate_json(to.event.data)
    language, text = language_of(to.case.language), to.words("text")
    article = guided.article and _article(to.plan, guided.article)
    if not article and text is None:
        return None
    return {
        "text": text,
        "title": article.title.in_language(language) if article else None,
        "steps": [step.in_language(language) for step in article.steps] if article else [],
        "visit": guided.site_visit_wanted,
    }


def _question(to: Telling) -> Facts | None:
    return _asked(to, _QUESTION_OVER)


def _reminder(to: Telling) -> Facts | None:
    return _asked(to, _QUESTION_OVER | {Reminded.TYPE})


def _asked(to: Telling, over: frozenset[str]) -> Facts | None:
    """The question, when it is still open with the customer."""
    question = _lines(to.record.question or "")
    asked_at = to.record.asked_at
    if question is None or asked_at is None or to.case.status != "awaiting_customer" or to.record.later & over:
        return None
    return {
        "question": question,
        "asked_at": to.local(asked_at),
        "answer_by": to.unless_past(asked_at + to.plan.awaiting.give_back_after),
    }


def _result(to: Telling) -> Facts | None:
    case = to.case
    # The words stand in the case. If they were taken back or replaced meanwhile, a later event tells the customer.
    if case.resolution is None or case.resolved_at is None or case.resolved_at > to.event.time:
        return None
    return {"resolution": case.resolution, "silence": to.plan.close_after_silence.total_seconds()}


def _visit(to: Telling) -> Facts | None:
    if to.event.type != VisitArranged.TYPE:
        return None
    told = VisitArranged.model_validate_json(to.event.data)
    # A letter that comes after the visit would only confuse.
    return {"visit_at": to.local(told.visit_at)} if told.visit_at > to.now else None


def _rejected(to: Telling) -> Facts | None:
    reason = to.words("reason")
    if reason is None:
        return None
    return {"reason": reason, "appeal": to.plan.status("rejected").next.in_language(language_of(to.case.language))}


def _withdrawn(to: Telling) -> Facts:
    return {}


def _closed(to: Telling) -> Facts:
    event = to.event
    decision = Closed.model_validate_json(event.data).decision if event.type == Closed.TYPE else None
    return {"decision": decision, "reopen_within": to.plan.reopen_within.total_seconds()}


def _reopened(to: Telling) -> Facts:
    return {"group": to.case.group_code and to.group(to.case.group_code)}


_FACTS: Final[Mapping[NoticeKind, Callable[[Telling], Facts | None]]] = MappingProxyType(
    {
        "acknowledgement": _acknowledgement,
        "dispatched": _dispatched,
        "estimate": _estimate,
        "estimate_missed": _estimate_missed,
        "repaired": _repaired,
        "explanation": _explanation,
        "compensation": _compensation,
        "compensation_paid": _compensation_paid,
        "unreached": _unreached,
        "guidance": _guidance,
        "question": _question,
        "reminder": _reminder,
        "result": _result,
        "visit": _visit,
        "rejected": _rejected,
        "withdrawn": _withdrawn,
        "closed": _closed,
        "reopened": _reopened,
    }
)


def _lines(written: str) -> str | None:
    """What was written, with the line ends of a letter and no gaps in it; None for nothing."""
    text = "\n".join(line.rstrip() for line in written.splitlines()).strip()
    return _BLANK_LINES.sub("\n\n", text) or None


def _article(plan: Plan, code: str) -> Article | None:
    try:
        return plan.article(code)
    except NotFound:
        # Cases outlive the plan that they ran under.
        return None


def _person(plan: Plan, login: str, case: ToldCase) -> str:
    try:
        return plan.person(login).name.in_language(language_of(case.language))
    except NotFound:
        return login
