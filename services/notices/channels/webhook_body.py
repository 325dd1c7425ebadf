"""What a front end is told, as JSON; `docs/webhooks.md` describes it to its developer."""

from __future__ import annotations

from datetime import UTC

import orjson

from services.notices.channels.port import Outgoing


def body_of(out: Outgoing) -> str:
    """The body of the call. The same notice gives the same body, however often it is tried; the customer is not
    named: the front end knows whose conversation it is.
    """
    return orjson.dumps(
        {
            "type": f"notice.{out.kind}",
            "timestamp": out.requested_at.astimezone(UTC),
            "data": {
                "notice": str(out.notice),
                "complaint": str(out.complaint),
                "reference": out.reference,
                "realm": out.realm,
                "kind": out.kind,
                "language": out.language,
                "conversation": out.address,
                "subject": out.words.subject,
                "text": out.words.text,
                "track_url": out.track_url,
                "merged": [str(notice) for notice in out.merged],
            },
        },
        option=orjson.OPT_UTC_Z,
    ).decode()
