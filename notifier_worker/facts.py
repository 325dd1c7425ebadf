"""What each kind of notice tells: the facts of a case, frozen when the notice is requested.

They are those that `services.notices.kinds` declares. No name of the customer, no address and no link stands among
them; the sender puts those in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final
from uuid import UUID

import orjson

from notifier_worker.record import NOTHING, Record
from notifier_worker.telling import Telling, ToldCase, lines
from services.base.errors import NotFound
from services.base.stream.event import Event
from services.complaints.events import (
    Accepted,
    AwaitingCustomer,
    Closed,
    CompensationDecided,
    CompensationPaid,
    Contacted,
    CustomerReplied,
    DeadlineMissed,
    Dispatched,
    EstimateMissed,
    EstimateSet,
    Guided,
    Reminded,
    Reopened,
    Repaired,
    Resumed,
    SurveyAnswered,
    SurveyAsked,
    SurveyReminded,
    VisitArranged,
)
from services.complaints.lifecycle import OPEN
from services.notices.writing import language_of
from services.plan.allowances import Allowance
from services.plan.playbooks import Article
from services.plan.schema import Plan
from services.plan.vocabulary import NoticeKind

Facts = dict[str, object]

# After these a question is no longer open, or another one is.
_QUESTION_OVER: Final = frozenset({AwaitingCustomer.TYPE, CustomerReplied.TYPE, Resumed.TYPE})
# After these it is no news that a time was missed.
_MISSED_IS_PAST: Final = frozenset({EstimateSet.TYPE, Repaired.TYPE})
# After these nobody is asked how it went.
_SURVEY_OVER: Final = frozenset({SurveyAnswered.TYPE, Reopened.TYPE})


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
    return {"group": to.group(group), "assignee": to.person(assignee), "respond_by": respond_by}


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
    return None if text is None else {"text": text, "verdict": to.record.verdict}


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
    question = lines(to.record.question or "")
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
    resolution = lines(case.resolution or "")
    if resolution is None or case.resolved_at is None or case.resolved_at > to.event.time:
        return None
    silence = to.plan.close_after_silence.total_seconds()
    return {"resolution": resolution, "silence": silence, "rights": to.rights}


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
    return {"reason": reason, "appeal": to.in_language(to.plan.status("rejected").next), "rights": to.rights}


def _withdrawn(to: Telling) -> Facts:
    return {}


def _closed(to: Telling) -> Facts:
    event = to.event
    decision = Closed.model_validate_json(event.data).decision if event.type == Closed.TYPE else None
    return {"decision": decision, "reopen_within": to.plan.reopen_within.total_seconds(), "rights": to.rights}


def _reopened(to: Telling) -> Facts:
    return {"group": to.case.group_code and to.group(to.case.group_code)}


def _contacted(to: Telling) -> Facts | None:
    case = to.case
    if to.event.type != Accepted.TYPE or not case.category or not case.severity or not case.group_code:
        return None
    respond = to.plan.deadlines_for(case.category, case.severity).respond
    accepted = Accepted.model_validate_json(to.event.data)
    return {
        "assignee": to.person(accepted.assignee),
        "respond_by": to.by_when(case.group_code, respond),
    }


def _update(to: Telling) -> Facts | None:
    estimate = to.case.estimated_repair_at
    if to.case.status not in OPEN:
        return None
    next_by = _next_update(to)
    return {
        "estimated_repair_at": estimate and to.unless_past(estimate),
        "next_by": next_by and to.unless_past(next_by),
    }


def _next_update(to: Telling) -> datetime | None:
    """By when the customer hears of a fault again, whatever happens, as the clock of updates counts it."""
    case = to.case
    if case.category != "outage" or case.severity is None or case.group_code is None:
        return None
    updates = to.plan.deadlines_for(case.category, case.severity).update or to.plan.law.updates
    if updates is None:
        return None
    young = to.event.time - case.received_at < updates.first
    return to.due(case.group_code, Allowance(time=updates.every if young else updates.then), to.event.time)


def _deadline_missed(to: Telling) -> Facts | None:
    """Told once, for the clocks whose end the customer was promised."""
    if to.event.type != DeadlineMissed.TYPE or to.case.status not in OPEN:
        return None
    missed = DeadlineMissed.model_validate_json(to.event.data)
    if missed.clock not in ("respond", "resolve") or missed.times > 1:
        return None
    next_by = missed.next_by and to.unless_past(missed.next_by)
    return {"clock": missed.clock, "due_at": to.local(missed.due_at), "next_by": next_by}


def _rights(to: Telling) -> Facts | None:
    """Where else the customer may turn, when the time that the law gives has passed."""
    if to.event.type != DeadlineMissed.TYPE or to.case.status not in OPEN or to.rights is None:
        return None
    missed = DeadlineMissed.model_validate_json(to.event.data)
    if missed.clock != "regulator" or missed.times > 1:
        return None
    return {"rights": to.rights}


def _survey(to: Telling) -> Facts | None:
    if to.event.type != SurveyAsked.TYPE:
        return None
    asked = SurveyAsked.model_validate_json(to.event.data)
    return _asks(to, asked.survey, asked.expires_at)


def _survey_reminder(to: Telling) -> Facts | None:
    if to.event.type != SurveyReminded.TYPE or to.record.survey_expires_at is None:
        return None
    reminded = SurveyReminded.model_validate_json(to.event.data)
    return _asks(to, reminded.survey, to.record.survey_expires_at)


def _asks(to: Telling, survey: UUID, expires_at: datetime) -> Facts | None:
    """Nobody is asked who has answered, whose case is open again, or whose link works no more."""
    if to.record.later & _SURVEY_OVER or expires_at <= to.now:
        return None
    return {"survey": str(survey), "expires_at": to.local(expires_at)}


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
        "contacted": _contacted,
        "update": _update,
        "deadline_missed": _deadline_missed,
        "rights": _rights,
        "survey": _survey,
        "survey_reminder": _survey_reminder,
    }
)


def _article(plan: Plan, code: str) -> Article | None:
    try:
        return plan.article(code)
    except NotFound:
        # Cases outlive the plan that they ran under.
        return None
