"""What OpenAPI shows of tasks, directives, alerts and the leadership group's view: examples of answers and bodies."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from services.casework.action import ActionBody
from services.casework.directives.bodies import Issue, Progress
from services.casework.tasks.bodies import OpenTask
from web.documentation import CASE

_ID: Final = "019389f5-11aa-7c02-8e1f-9a2b3c4d5e6f"
_DIRECTIVE_ID: Final = "019389f6-22bb-7d13-9f20-ab3c4d5e6f70"
_ALERT_ID: Final = "019389f7-33cc-7e24-a031-bc4d5e6f7081"

TASK: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "id": _ID,
        "version": 1,
        "kind": "promotion_review",
        "status": "open",
        "group": "marketing",
        "assignee": None,
        "complaint": CASE["id"],
        "complaint_reference": CASE["reference"],
        "directive": None,
        "title": OpenTask.EXAMPLE["title"],
        "facts": {},
        "opened_at": "2026-11-23T00:30:00Z",
        "opened_by": "staff:tian.yu",
        "due_at": "2026-11-30T10:00:00Z",
        "overdue": False,
        "missed_at": None,
        "rung": -1,
        "told": 0,
        "acknowledged_at": None,
        "done_at": None,
        "done_by": None,
        "outcome": None,
    }
)

TASKS: Final[Mapping[str, Any]] = MappingProxyType({"items": [dict(TASK)], "next_cursor": None})

_DIRECTIVE: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "id": _DIRECTIVE_ID,
        "version": 3,
        "status": "open",
        "text": Issue.EXAMPLE["text"],
        "groups": ["customer_service", "technical_support"],
        "complaint": CASE["id"],
        "complaint_reference": CASE["reference"],
        "issued_at": "2026-11-23T08:30:00Z",
        "issued_by": "staff:zhou.min",
        "due_at": "2026-11-23T14:00:00Z",
        "overdue": False,
        "missed_at": None,
        "told": 0,
        "acknowledgements": {"of": 2, "acknowledged": 1, "missing": ["zhao.lihua"]},
        "closed_at": None,
        "closed_by": None,
        "closing": None,
    }
)
_PROGRESS: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "at": "2026-11-23T11:02:00Z",
        "by": "zheng.kai",
        "group": "technical_support",
        "text": Progress.EXAMPLE["text"],
    }
)

DIRECTIVE: Final[Mapping[str, Any]] = MappingProxyType(
    {
        **_DIRECTIVE,
        "people": [
            {"login": "zhao.lihua", "group": "customer_service", "acknowledged_at": None},
            {"login": "zheng.kai", "group": "technical_support", "acknowledged_at": "2026-11-23T08:41:00Z"},
        ],
        "progress": [dict(_PROGRESS)],
    }
)

DIRECTIVES: Final[Mapping[str, Any]] = MappingProxyType({"items": [dict(_DIRECTIVE)], "next_cursor": None})

INBOX: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "items": [
            {
                "id": _ALERT_ID,
                "kind": "task_given",
                "subject": "task",
                "subject_id": _ID,
                "facts": {
                    "kind": "promotion_review",
                    "group": "marketing",
                    "complaint": CASE["id"],
                    "directive": None,
                    "due_at": "2026-11-30T10:00:00Z",
                },
                "told_at": "2026-11-23T00:30:00Z",
                "seen_at": None,
            }
        ],
        "next_cursor": None,
    }
)

SEEN: Final[Mapping[str, Any]] = MappingProxyType({"id": _ALERT_ID, "seen": True})

LEADERSHIP_VIEW: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "cases": {
            "items": [
                {
                    "id": CASE["id"],
                    "reference": CASE["reference"],
                    "version": 5,
                    "status": "in_progress",
                    "category": "outage",
                    "sub_category": "no_service",
                    "severity": "critical",
                    "region_code": "beijing-haidian",
                    "group": "technical_support",
                    "assignee": "xu.lei",
                    "received_at": CASE["received_at"],
                    "reported_at": "2026-11-23T00:11:06Z",
                    "estimated_repair_at": "2026-11-23T14:00:00Z",
                    "escalation": None,
                    "brief": {"what": {"category": "outage", "severity": "critical"}},
                    "deadlines": [{"kind": "resolve", "due_at": "2026-11-23T08:11:02Z", "missed_at": None}],
                }
            ],
            "next_cursor": None,
        },
        "directives": {"items": [{**_DIRECTIVE, "latest_progress": dict(_PROGRESS)}], "next_cursor": None},
        "overdue_tasks": [{"group": "finance", "count": 2, "oldest_due_at": "2026-11-20T10:00:00Z"}],
    }
)


def one_body(model: type[OpenTask] | type[Issue]) -> dict[str, Any]:
    """OpenAPI's description of a body that creates something."""
    return {
        "required": True,
        "description": model.__doc__,
        "content": {"application/json": {"schema": model.model_json_schema(), "example": dict(model.EXAMPLE)}},
    }


def body_examples(bodies: Mapping[str, type[ActionBody]]) -> dict[str, Any]:
    """OpenAPI's description of a body that is that of one of several actions."""
    return {
        "description": "The body of the action; an action that takes nothing may be sent without one.",
        "content": {
            "application/json": {
                "schema": {"anyOf": [body.model_json_schema() for body in bodies.values()]},
                "examples": {
                    action: {"summary": body.NAME.en, "value": dict(body.EXAMPLE)} for action, body in bodies.items()
                },
            }
        },
    }
