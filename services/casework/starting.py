"""What begins when a case comes to a group and a person: its clocks, its playbook, and what leadership hears of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from services.casework import clocks, reporting
from services.casework.links import NewLink, Repeat
from services.casework.work import Work
from services.complaints.events import Dispatched, Linked, Rule
from services.complaints.lifecycle import OPEN
from services.plan.vocabulary import Category, Severity


def begin(work: Work, group: str, login: str, rule: Rule, assignment: Mapping[str, Any]) -> None:
    """The case is with this group and person. A major complaint that leadership does not know of is reported."""
    case, plan = work.case, work.plan
    category, severity = cast(Category, case.category), cast(Severity, case.severity)
    clocks.start(work.clocks, case, plan, category, severity, group, work.now)
    playbook = plan.playbook_for(category, case.sub_category, severity)
    work.happened(
        Dispatched(
            reference=case.reference,
            group=group,
            assignee=login,
            rule=rule,
            category=category,
            severity=severity,
            # As they run, which differs from the plan's count for a case that was reopened before; one that was met
            # already is told as it was due.
            respond_by=work.clocks.was_due("respond"),
            resolve_by=work.clocks.was_due("resolve"),
            plan_version=case.plan_version or 0,
            playbook=None if playbook is None else playbook.code,
            clocks=clocks.kinds(plan, case, category, severity, group),
        ),
        status=work.target("dispatch"),
        group_code=group,
        assignee=login,
        assignment=dict(assignment),
    )
    work.begin_playbook()
    work.moved(None, login)
    if case.reportable:
        reporting.report(work, "judged")


def repeats(work: Work, earlier: Repeat) -> NewLink:
    """The case repeats an earlier complaint of the customer: linked, not swallowed.

    Whoever has the earlier one hears of it.
    """
    work.happened(
        Linked(reference=work.case.reference, other=earlier.id, other_reference=earlier.reference, relation="repeat")
    )
    if earlier.status in OPEN:
        work.alert("repeated", [earlier.assignee], earlier=earlier.reference)
    return NewLink(work.case.id, earlier.id, "repeat", work.now, work.actor)
