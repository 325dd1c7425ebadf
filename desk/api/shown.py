"""The one form in which tasks, directives and what the leadership group sees are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from services.casework.directives.queries import DirectiveView, ProgressEntry
from services.casework.leadership import Overview, ReportedCase
from services.casework.tasks.queries import TaskView


def task_json(view: TaskView, now: datetime) -> dict[str, Any]:
    """A task as JSON values. ``rung`` is -1 until somebody is told that it is overdue."""
    return {
        "id": view.id,
        "version": view.version,
        "kind": view.kind,
        "status": view.status,
        "group": view.group_code,
        "assignee": view.assignee,
        "complaint": view.complaint_id,
        "complaint_reference": view.reference,
        "directive": view.directive_id,
        "title": view.title,
        "facts": view.facts,
        "opened_at": view.opened_at,
        "opened_by": view.opened_by,
        "due_at": view.due_at,
        "overdue": view.is_overdue(now),
        "missed_at": view.missed_at,
        "rung": view.rung,
        "told": view.told,
        "acknowledged_at": view.acknowledged_at,
        "done_at": view.done_at,
        "done_by": view.done_by,
        "outcome": view.outcome,
    }


def directive_json(view: DirectiveView, now: datetime) -> dict[str, Any]:
    """A directive as JSON values, with how many of those addressed have taken notice, and who has not."""
    missing = [one.login for one in view.people if one.acknowledged_at is None]
    return {
        "id": view.id,
        "version": view.version,
        "status": view.status,
        "text": view.text,
        "groups": view.groups,
        "complaint": view.complaint_id,
        "complaint_reference": view.reference,
        "issued_at": view.issued_at,
        "issued_by": view.issued_by,
        "due_at": view.due_at,
        "overdue": view.is_overdue(now),
        "missed_at": view.missed_at,
        "told": view.told,
        "acknowledgements": {
            "of": len(view.people),
            "acknowledged": len(view.people) - len(missing),
            "missing": missing,
        },
        "closed_at": view.closed_at,
        "closed_by": view.closed_by,
        "closing": view.closing,
    }


def directive_details_json(view: DirectiveView, progress: Sequence[ProgressEntry], now: datetime) -> dict[str, Any]:
    """The same, with everybody addressed, and what they said of how far it is, oldest first."""
    return {
        **directive_json(view, now),
        "people": [asdict(one) for one in view.people],
        "progress": [asdict(entry) for entry in progress],
    }


def overview_json(seen: Overview, now: datetime) -> dict[str, Any]:
    """What the leadership group sees. Each directive comes with the last that was said of how far it is."""
    return {
        "cases": {"items": [_case_json(case) for case in seen.cases], "next_cursor": seen.cases_cursor},
        "directives": {
            "items": [
                {**directive_json(one, now), "latest_progress": _entry_json(seen.progress.get(one.id))}
                for one in seen.directives
            ],
            "next_cursor": seen.directives_cursor,
        },
        "overdue_tasks": [asdict(one) for one in seen.overdue_tasks],
    }


def _case_json(case: ReportedCase) -> dict[str, Any]:
    return {
        "id": case.id,
        "reference": case.reference,
        "version": case.version,
        "status": case.status,
        "category": case.category,
        "sub_category": case.sub_category,
        "severity": case.severity,
        "region_code": case.region_code,
        "group": case.group_code,
        "assignee": case.assignee,
        "received_at": case.received_at,
        "reported_at": case.reported_at,
        "estimated_repair_at": case.estimated_repair_at,
        "escalation": case.escalation,
        "brief": case.brief,
        "deadlines": [asdict(deadline) for deadline in case.deadlines],
    }


def _entry_json(entry: ProgressEntry | None) -> dict[str, Any] | None:
    return None if entry is None else asdict(entry)
