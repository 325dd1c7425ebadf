"""What OpenAPI shows as an example of a record."""

from __future__ import annotations

from typing import Any, Final

RECORD: Final[dict[str, Any]] = {
    "heading": {
        "reference": "RD-7K3M-9PQ2-X",
        "status": "closed",
        "category": "outage",
        "severity": "major",
        "received_at": "2026-11-23T00:11:02Z",
        "plan_version": 1,
        "plan_edition": "2026.1",
    },
    "steps": [
        {
            "code": "diagnose",
            "name": {"zh": "排查故障", "en": "Diagnose the fault"},
            "playbook": "outage",
            "state": "done",
            "entries": [
                {
                    "number": 5,
                    "at": "2026-11-23T00:40:00Z",
                    "by": "staff:xu.lei",
                    "corrections": [],
                    "state": "done",
                    "type": "redress.complaint.diagnosed.v1",
                    "words": {"finding": "小区主干光缆被施工挖断。"},
                }
            ],
        }
    ],
    "deadlines": [
        {
            "kind": "respond",
            "due_at": "2026-11-23T01:11:02Z",
            "met_at": "2026-11-23T00:45:00Z",
            "missed_at": None,
            "state": "met",
            "early_seconds": 1562,
            "warned_at": None,
            "missed": [],
        }
    ],
    "times": {
        "first_response_at": "2026-11-23T00:45:00Z",
        "first_response": 2038,
        "resolution": 16200,
        "total": 91800,
        "awaiting_customer": 0,
        "reopenings": 0,
        "broken_estimates": 0,
    },
    "satisfaction": None,
    "timeline": [
        {
            "number": 5,
            "at": "2026-11-23T00:40:00Z",
            "by": "staff:xu.lei",
            "corrections": [],
            "type": "redress.complaint.diagnosed.v1",
            "sentence": {"zh": "查明故障原因：线路或光缆。", "en": "The fault was diagnosed: cable."},
            "corrects": None,
            "data": {"reference": "RD-7K3M-9PQ2-X", "cause": "cable", "step": "diagnose", "told": True},
            "details": {"finding": "小区主干光缆被施工挖断。"},
        }
    ],
}
"""A record as an example; the other sections are left out of it."""
