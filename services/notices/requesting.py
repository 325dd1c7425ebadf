"""Writing down what customers are to be told, in the transaction of whoever knows that they must be.

A notice is written once for each kind and cause, however often it is asked for. Sending is done by others, later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.base import telemetry
from services.base.identity import new_id
from services.base.stream import log
from services.base.stream.event import EventData, NewEvent
from services.notices.events import Failed, Requested

ACTOR: Final = "system:notifier"
NO_WAY: Final = "none"


@dataclass(frozen=True, slots=True)
class Request:
    """One thing to tell one customer. ``cause`` is the event that it answers, ``number`` that event's in the case."""

    complaint: UUID
    kind: str
    cause: UUID
    number: int
    realm: str
    language: str
    facts: Mapping[str, object]
    way: str
    unreachable: str | None = None
    """Why there is no way to the customer; ``way`` is then `NO_WAY` and the notice has failed from the beginning."""


# Due at once, also when this machine's clock runs ahead of the database's, which senders go by.
# Sorted, because each row locks its case for a moment and others lock cases in the order of ids.
_INSERT = sa.text(
    """
    insert into notice (id, complaint_id, kind, cause, number, realm, language, way, facts, status, version,
                        requested_at, due_at, failure)
    select id, complaint_id, kind, cause, number, realm, language, way, facts, status, version,
           requested_at, least(due_at, clock_timestamp()), failure
    from jsonb_populate_recordset(null::notice, cast(:rows as jsonb))
    order by complaint_id, number
    on conflict (complaint_id, kind, cause) do nothing
    returning id
    """
)


async def request(connection: AsyncConnection, requests: Sequence[Request], now: datetime) -> int:
    """Write down ``requests`` and the events that tell of them; returns how many were new."""
    if not requests:
        return 0
    asked = {new_id(): one for one in requests}
    # The database driver's UUIDs are a class of their own, which only `str` can write.
    rows = [_row(notice, one, now) for notice, one in asked.items()]
    written = {row.id for row in await connection.execute(_INSERT, {"rows": orjson.dumps(rows, default=str).decode()})}
    new = {notice: one for notice, one in asked.items() if notice in written}
    await log.append(connection, [event for notice, one in new.items() for event in _events(notice, one, now)])
    for one in new.values():
        if one.unreachable is not None:
            telemetry.NOTICES.labels(one.way, "failed").inc()
    return len(new)


def _row(notice: UUID, one: Request, now: datetime) -> dict[str, object]:
    failed = one.unreachable is not None
    return {
        "id": notice,
        "complaint_id": one.complaint,
        "kind": one.kind,
        "cause": one.cause,
        "number": one.number,
        "realm": one.realm,
        "language": one.language,
        "way": one.way,
        "facts": one.facts,
        "status": "failed" if failed else "pending",
        "version": 2 if failed else 1,
        "requested_at": now,
        "due_at": now,
        "failure": one.unreachable,
    }


def _events(notice: UUID, one: Request, now: datetime) -> list[NewEvent]:
    requested = Requested(complaint=one.complaint, kind=one.kind, way=one.way, cause=one.cause, language=one.language)
    events = [_event(notice, 1, requested, one, now)]
    if one.unreachable is not None:
        failed = Failed(complaint=one.complaint, kind=one.kind, way=one.way, attempts=0)
        events.append(_event(notice, 2, failed, one, now, {"reason": one.unreachable}))
    return events


def _event(
    notice: UUID, number: int, data: EventData, one: Request, now: datetime, private: Mapping[str, object] | None = None
) -> NewEvent:
    return NewEvent(key=notice, number=number, data=data, time=now, realm=one.realm, actor=ACTOR, private=private)
