"""What OpenAPI says about people, with examples."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from pydantic import BaseModel

ABSENCE: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "id": "019389f4-7d10-7c42-8f6a-2b1c3d4e5f60",
        "login": "xu.lei",
        "kind": "leave",
        "from_at": "2026-11-24T00:00:00Z",
        "until_at": "2026-11-28T10:00:00Z",
        "substitute": "gao.xiang",
        "note": "年假",
        "created_by": "staff:xu.lei",
        "created_at": "2026-11-20T02:15:00Z",
    }
)

PERSON: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "login": "xu.lei",
        "name": {"zh": "徐磊", "en": "Xu Lei"},
        "title": {"zh": "网络工程师", "en": "Network engineer"},
        "groups": [{"code": "technical_support", "role": "member"}],
        "on_duty": False,
        "why_not": "leave",
        "until": "2026-11-28T10:00:00Z",
        "substitute": "gao.xiang",
        "signed_on": True,
        "open_cases": 3,
        "capacity": 30,
        "last_assigned_at": "2026-11-23T00:11:04Z",
        "languages": ["zh", "en"],
        "skills": {"services": ["broadband"], "subcategories": [], "regions": ["beijing"]},
        "shift": {"calendar": "office", "name": {"zh": "工作时间", "en": "Office hours"}, "open": True},
        "absences": [dict(ABSENCE)],
    }
)

PEOPLE: Final[Mapping[str, Any]] = MappingProxyType({"items": [dict(PERSON)], "next_cursor": None})
ABSENCES: Final[Mapping[str, Any]] = MappingProxyType({"items": [dict(ABSENCE)], "next_cursor": None})


def takes(model: type[BaseModel], example: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a call, for a route's ``openapi_extra``."""
    content = {"application/json": {"schema": model.model_json_schema(), "example": dict(example)}}
    return {"requestBody": {"required": True, "content": content}}
