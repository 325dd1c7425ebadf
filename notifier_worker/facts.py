"""What each kind of notice tells: the facts of a case, frozen when the notice is requested.

Times are written on the clock of the plan's time zone. No name of the customer, no address and no link stands among
the facts; the sender puts those in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from services.base.errors import NotFound
from services.base.stream.event import Event
from services.complaints.events import Closed, Dispatched, EstimateSet
from services.notices.rendering import language_of
from services.plan.schema import Plan
from services.plan.vocabulary import NoticeKind

Facts = dict[str, object]


@dataclass(frozen=True, slots=True)
class ToldCase:
    """A case as far as its customer may be told of it. ``personal`` is sealed."""

    id: UUID
    reference: str
    realm: str
    language: str
    channel: str
    received_at: datetime
    category: str | None
    severity: str | None
    plan_version: int | None
    group_code: str | None
    assignee: str | None
    estimated_repair_at: datetime | None
    resolution: str | None
    resolved_at: datetime | None
    personal: Any


def facts_of(kind: NoticeKind, case: ToldCase, event: Event, plan: Plan, now: datetime) -> Facts | None:
    """The facts of a notice of ``kind`` about ``case`` after ``event``; None when there is nothing to tell any more."""
    facts = _FACTS[kind](case, event, plan, now)
    if facts is None:
        return None
    return {
        "reference": case.reference,
        "operator": plan.plan.operator.in_language(language_of(case.language)),
        **facts,
    }


def _acknowledgement(case: ToldCase, event: Event, plan: Plan, now: datetime) -> Facts:
    # The category isn't judged yet: what holds for a complaint that is still unclear is what can be promised.
    respond_by = case.received_at + plan.deadlines_for("unclear", "minor").respond
    return {"received_at": _local(case.received_at, plan), "respond_by": _unless_past(respond_by, plan, now)}


def _dispatched(case: ToldCase, event: Event, plan: Plan, now: datetime) -> Facts | None:
    if event.type == Dispatched.TYPE:
        told = Dispatched.model_validate_json(event.data)
        group, assignee, respond_by = told.group, told.assignee, told.respond_by
    elif case.group_code and case.assignee and case.category and case.severity:
        group, assignee = case.group_code, case.assignee
        respond_by = case.received_at + plan.deadlines_for(case.category, case.severity).respond
    else:
        return None
    return {
        "group": _group(plan, group, case),
        "assignee": _person(plan, assignee, case),
        "respond_by": _unless_past(respond_by, plan, now),
    }


def _estimate(case: ToldCase, event: Event, plan: Plan, now: datetime) -> Facts | None:
    estimate, previous = case.estimated_repair_at, None
    if event.type == EstimateSet.TYPE:
        told = EstimateSet.model_validate_json(event.data)
        estimate, previous = told.estimated_repair_at, told.previous
    if estimate is None:
        return None
    return {
        "estimated_repair_at": _local(estimate, plan),
        "previous": previous and _local(previous, plan),
        "later": previous is not None and estimate > previous,
    }


def _result(case: ToldCase, event: Event, plan: Plan, now: datetime) -> Facts | None:
    # The words stand in the case. If they were taken back or replaced meanwhile, a later event tells the customer.
    if case.resolution is None or case.resolved_at is None or case.resolved_at > event.time:
        return None
    return {"resolution": case.resolution}


def _closed(case: ToldCase, event: Event, plan: Plan, now: datetime) -> Facts:
    decision = Closed.model_validate_json(event.data).decision if event.type == Closed.TYPE else None
    return {"decision": decision, "reopen_within": plan.reopen_within.total_seconds()}


def _reopened(case: ToldCase, event: Event, plan: Plan, now: datetime) -> Facts:
    return {"group": case.group_code and _group(plan, case.group_code, case)}


_FACTS: Final[Mapping[NoticeKind, Callable[[ToldCase, Event, Plan, datetime], Facts | None]]] = MappingProxyType(
    {
        "acknowledgement": _acknowledgement,
        "dispatched": _dispatched,
        "estimate": _estimate,
        "result": _result,
        "closed": _closed,
        "reopened": _reopened,
    }
)


def _local(time: datetime, plan: Plan) -> str:
    return time.astimezone(ZoneInfo(plan.plan.time_zone)).isoformat(timespec="seconds")


def _unless_past(time: datetime, plan: Plan, now: datetime) -> str | None:
    """A promise that is late before it is made is not made."""
    return _local(time, plan) if time > now else None


def _group(plan: Plan, code: str, case: ToldCase) -> str:
    return plan.name_of("group", code, language_of(case.language))


def _person(plan: Plan, login: str, case: ToldCase) -> str:
    try:
        return plan.person(login).name.in_language(language_of(case.language))
    except NotFound:
        # Cases outlive the plan that they ran under.
        return login
