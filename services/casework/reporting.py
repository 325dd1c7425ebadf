"""Reporting major complaints (重大投诉) to the leadership group, with a brief.

It says what, who, since when, what is being done, and what is asked.

The brief is frozen with the report; it holds the case's facts and none of the customer's words or name.
"""

from __future__ import annotations

from typing import Any, Literal

from services.casework.work import Work
from services.complaints.events import Reported
from services.plan.vocabulary import LEADERSHIP, Severity

Cause = Literal["judged", "reclassified", "by_hand"]


def report(work: Work, cause: Cause, reason: str | None = None) -> None:
    """Tell everybody in the leadership group of this case. One that was reported already is left alone."""
    if work.now_is("reported_at") is not None:
        return
    told = tuple(one.person.login for one in work.in_force.members_of(LEADERSHIP))
    severity: Severity = work.now_is("severity")
    written = brief(work)
    private = {"brief": written} | ({"reason": reason} if reason else {})
    event = Reported(reference=work.case.reference, cause=cause, severity=severity, told=told)
    work.happened(event, private, reported_at=work.now)
    work.alert("reported", told, cause=cause, brief=written)


def brief(work: Work) -> dict[str, Any]:
    """What leadership must know of a case now. Codes are the plan's; times are UTC."""
    step = work.handling.next_step(work.plan) if work.handling.playbook else None
    return {
        "what": {
            "category": work.category,
            "sub_category": work.now_is("sub_category"),
            "severity": work.now_is("severity"),
            "service_type": work.case.service_type,
            "channel": work.case.channel,
            "region": work.case.region_code,
            "signals": list(work.case.signals),
        },
        "who": {"group": work.group, "assignee": work.assignee},
        "since": work.case.received_at,
        "being_done": {
            "status": work.status,
            "step": None if step is None else step.code,
            "estimated_repair_at": work.now_is("estimated_repair_at"),
            "resolve_by": work.clocks.due("resolve"),
        },
        "asked": work.plan.reporting.ask.model_dump(),
    }
