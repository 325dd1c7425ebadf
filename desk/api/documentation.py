"""What OpenAPI says about the desk's calls, with examples."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from services.casework.handlers.conversing import Note
from services.casework.registry import BODIES
from web.documentation import CASE

QUEUE: Final[Mapping[str, Any]] = MappingProxyType({"items": [dict(CASE)], "next_cursor": CASE["id"].replace("-", "")})

OFFERS: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "id": CASE["id"],
        "reference": CASE["reference"],
        "status": "dispatched",
        "version": 3,
        "step": "diagnose",
        "refusal": None,
        "items": [
            {
                "action": Note.ACTION,
                "name": Note.NAME.model_dump(),
                "description": Note.__doc__,
                "body": Note.model_json_schema(),
                "example": Note.EXAMPLE,
            }
        ],
        "refused": [
            {
                "action": "repair",
                "name": {"zh": "登记修复", "en": "Repaired"},
                "why": "'repair' is not next in the playbook 'outage': first comes 'diagnose' (Diagnose the fault), "
                "done with 'diagnose'; or skip it, with the reason",
            }
        ],
        "next_cursor": None,
    }
)

ACTION_BODY: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "description": "The body of the action; an action that takes nothing may be sent without one.",
        "content": {
            "application/json": {
                "schema": {"anyOf": [body.model_json_schema() for body in BODIES.values()]},
                "examples": {
                    action: {"summary": body.NAME.en, "value": body.EXAMPLE} for action, body in BODIES.items()
                },
            }
        },
    }
)
