"""What OpenAPI says about what came in by mail and text message, with examples."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from web.documentation import CASE

_ID: Final = "019389f8-44dd-7f35-b142-cd5e6f708192"

_ARRIVAL: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "id": _ID,
        "way": "email",
        "kind": "message",
        "status": "unmatched",
        "why": "several",
        "received_at": "2026-11-23T02:31:04Z",
        "sender": "li.wei@example.com",
        "recipient": "care@example.com",
        "subject": "回复：请补充信息",
        "said": "设备编号是 HG8145-22187，红灯一直亮。",
        "files": [
            {
                "name": "光猫.jpg",
                "media_type": "image/jpeg",
                "size": 182044,
                "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                "refused": None,
            }
        ],
        "complaint": None,
        "complaint_reference": None,
        "notice": None,
        "matched_by": None,
        "settled_at": None,
        "settled_by": None,
        "outcome": None,
    }
)

ARRIVALS: Final[Mapping[str, Any]] = MappingProxyType({"items": [dict(_ARRIVAL)], "next_cursor": None})
ARRIVAL: Final[Mapping[str, Any]] = MappingProxyType(
    {
        **_ARRIVAL,
        "content": "设备编号是 HG8145-22187，红灯一直亮。\n\n在 2026-11-23 10:00:00，客服 <care@example.com> 写道：\n…",
        "open_cases": [{"id": CASE["id"], "reference": CASE["reference"], "status": "awaiting_customer"}],
    }
)
MATCHING: Final[Mapping[str, Any]] = MappingProxyType({"complaint": CASE["reference"]})
MATCHING_ANSWER: Final[Mapping[str, Any]] = MappingProxyType(
    {
        **_ARRIVAL,
        "status": "matched",
        "why": None,
        "complaint": CASE["id"],
        "complaint_reference": CASE["reference"],
        "matched_by": "staff",
        "settled_at": "2026-11-23T03:05:12Z",
        "settled_by": "staff:wang.fang",
    }
)
DISMISSAL: Final[Mapping[str, Any]] = MappingProxyType({"reason": "广告邮件，与投诉无关。"})
