"""What OpenAPI says about the answers that all HTTP programs share, with examples."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from web.problems import MEDIA_TYPE

_ID: Final = "019389f4-3c2e-7a51-9d0e-5b6f0c1d2e3f"

CASE: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "id": _ID,
        "reference": "RD-7K3M-9PQ2-X",
        "external_id": "CC-99812",
        "version": 3,
        "status": "dispatched",
        "category": "outage",
        "sub_category": "no_service",
        "severity": "major",
        "reportable": False,
        "judgement": {
            "category": "outage",
            "best_guess": "outage",
            "confidence": 0.93,
            "reasons": [
                {
                    "signal": "outage",
                    "speaks_for": "outage",
                    "words": "断网",
                    "start": 7,
                    "end": 9,
                    "weight": 2.06,
                    "value": None,
                    "unit": None,
                }
            ],
            "model": "category-0e39c71ab2",
        },
        "group": "technical_support",
        "assignee": "xu.lei",
        "assignment": {"rule": "least_loaded", "open_cases": 2, "at": "2026-11-23T00:11:04Z"},
        "incident": None,
        "channel": "online_chat",
        "service_type": "broadband",
        "region": "北京/海淀",
        "region_code": "beijing_haidian",
        "received_at": "2026-11-23T00:11:02Z",
        "occurred_at": "2026-11-22T12:10:00Z",
        "customer": {
            "name": "李伟",
            "phone": "+8613800138000",
            "email": "li.wei@example.com",
            "account": "BJ-5520-7781",
            "standing": None,
            "language": "zh",
        },
        "reply_to": None,
        "content": "宽带从昨晚开始断网，一直没人来修。",
        "concerns": None,
        "deadlines": [{"kind": "resolve", "due_at": "2026-11-25T00:11:02Z", "met_at": None, "missed_at": None}],
        "estimated_repair_at": None,
        "resolution": None,
        "resolved_at": None,
        "closed_at": None,
        "handling": {
            "playbook": "outage",
            "done": ["diagnose"],
            "skipped": [],
            "wants": {},
            "failed_contacts": 0,
            "broken": 0,
            "reminded": 0,
            "legally_checked": False,
        },
        "escalation": None,
        "reported_at": None,
        "merged_into": None,
        "plan_version": 1,
        "track_url": "https://complaints.example.com/track/AZOJ9Dwu",
    }
)
"""A case as an example."""

ONE_CASE: Final[Mapping[str, Any]] = MappingProxyType(
    {
        **CASE,
        "compensation": [
            {
                "id": "01940000-0000-7000-8000-000000000003",
                "kind": "refund",
                "amount": "59",
                "currency": "CNY",
                "status": "paid",
                "billing_reference": "BILL-2026-118823",
            }
        ],
        "links": [
            {
                "id": "01940000-0000-7000-8000-000000000002",
                "reference": "RD-4H8W-2TXK-5",
                "status": "closed",
                "relation": "repeat",
            }
        ],
    }
)
"""A case that is shown alone, as an example: with what its customer was offered, and how it hangs together."""

TIMELINE: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "items": [
            {
                "number": 1,
                "type": "redress.complaint.received.v1",
                "time": "2026-11-23T00:11:02Z",
                "actor": "channel:online-chat",
                "data": {"reference": "RD-7K3M-9PQ2-X", "channel": "online_chat", "service_type": "broadband"},
                "details": None,
            },
            {
                "number": None,
                "type": "notice",
                "time": "2026-11-23T00:11:03Z",
                "actor": "system:notifier",
                "data": {
                    "kind": "acknowledgement",
                    "way": "sms",
                    "status": "delivered",
                    "sent_at": "2026-11-23T00:11:04Z",
                    "delivered_at": "2026-11-23T00:11:09Z",
                    "about": 1,
                },
                "details": None,
            },
        ],
        "next_cursor": None,
    }
)
"""A record as an example."""

_SCHEMA: Final = {
    "title": "Problem",
    "description": "Problem Details, RFC 9457.",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": "Stable; programs may rely on it."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What to change, for a person."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "field": {"type": "string"},
                    "reason": {"type": "string"},
                    "code": {"type": "string", "description": "Stable, as `type` is."},
                },
            },
        },
    },
}

_PROBLEMS: Final[Mapping[int, tuple[str, str, str, Mapping[str, Any]]]] = MappingProxyType(
    {
        400: ("malformed", "The body or a header can't be read.", "the body is not JSON in UTF-8", {}),
        401: ("unauthenticated", "No key, or one that is not valid.", "this key is not known or has been revoked", {}),
        403: ("forbidden", "The key may not do this.", "this needs a key of role admin or staff", {}),
        404: ("not-found", "There is no such thing, or not for you.", f"there is no case {_ID}", {}),
        409: (
            "wrong-state",
            "Right as a request, wrong at this time.",
            "'resolve' is not possible for a case that is closed; possible now: note, reopen",
            {"possible": ["note", "reopen"]},
        ),
        412: ("changed", "The case has moved on.", "the case is at version 4 now; read it again", {"version": 4}),
        413: ("too-large", "The body is too large.", "the body is larger than 1 MiB; send it in smaller parts", {}),
        422: (
            "invalid",
            "A value is wrong; `errors` lists every one.",
            "a field is wrong: text: is missing",
            {"errors": [{"field": "text", "reason": "is missing", "code": "missing"}]},
        ),
        428: (
            "precondition-required",
            "`If-Match` is missing.",
            "send the ETag of the case in the header If-Match",
            {},
        ),
        503: ("unavailable", "Not now; `Retry-After` says when.", "the database cannot be reached now", {}),
    }
)


def shows(description: str, example: Mapping[str, Any], *, etag: bool = False) -> dict[str, Any]:
    """A successful JSON answer, for a route's ``responses``."""
    answer: dict[str, Any] = {
        "description": description,
        "content": {"application/json": {"schema": {"type": "object"}, "example": dict(example)}},
    }
    if etag:
        answer["headers"] = {
            "ETag": {"description": "The version shown; send it as `If-Match`.", "schema": {"type": "string"}}
        }
    return answer


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems that a route may answer, and 503 which every route may, for its ``responses``."""
    return {status: _problem(status) for status in sorted({*statuses, 503})}


def _problem(status: int) -> dict[str, Any]:
    name, description, detail, extra = _PROBLEMS[status]
    example = {
        "type": f"urn:redress:problem:{name}",
        "title": description.rstrip("."),
        "status": status,
        "detail": detail,
        **extra,
    }
    return {
        "description": description,
        "content": {MEDIA_TYPE: {"schema": _SCHEMA, "example": example}},
    }
