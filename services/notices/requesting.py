"""Writing down what customers are to be told, in the transaction of whoever knows that they must be.

A notice is written once for each kind and cause, however often it is asked for. One that a newer notice makes pointless
is dropped while it still waits, and says so. Sending is done by others, later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.base import telemetry
from services.base.identity import new_id
from services.base.stream import log
from services.base.stream.event import EventData, NewEvent
from services.notices.channels.port import Way
from services.notices.events import Dropped, Failed, Requested
from services.notices.unreached import Unreached, have_called
from services.plan.schema import Plan
from services.plan.vocabulary import NoticeKind

ACTOR: Final = "system:notifier"
NO_WAY: Final = "none"

# Which waiting notices of a case a newer one makes pointless: what they say is past, or the newer one says it better.
_SUPERSEDES: Final[Mapping[str, tuple[NoticeKind, ...]]] = MappingProxyType(
    {
        "estimate": ("estimate", "estimate_missed", "update"),
        "update": ("update",),
        "repaired": ("estimate", "estimate_missed", "update"),
        "result": ("estimate", "estimate_missed", "update", "question", "reminder", "deadline_missed", "contacted"),
        "closed": ("update", "question", "reminder"),
        "withdrawn": ("dispatched", "contacted", "estimate", "estimate_missed", "update", "question", "reminder"),
        "reopened": ("survey", "survey_reminder"),
    }
)


@dataclass(frozen=True, slots=True)
class Request:
    """One thing to tell one customer. ``cause`` is the event that it answers, ``number`` that event's in the case.

    ``ways`` are those by which the customer can be told, best first, ``recipient`` the fingerprint of the first one's
    address. Without any, ``unreachable`` says why: the notice has failed from the beginning. ``urgent`` and
    ``required`` as in `services.plan.catalogue.NoticeEntry`.
    """

    complaint: UUID
    kind: str
    cause: UUID
    number: int
    realm: str
    language: str
    facts: Mapping[str, object]
    ways: Sequence[Way]
    plan: Plan
    recipient: bytes | None = None
    urgent: bool = False
    required: bool = False
    unreachable: str | None = None

    @property
    def way(self) -> str:
        return self.ways[0] if self.ways else NO_WAY


# Due at once, also when this machine's clock runs ahead of the database's, which senders go by.
# Sorted, because each row locks its case for a moment and others lock cases in the order of ids.
_INSERT = sa.text(
    """
    insert into notice (id, complaint_id, kind, cause, number, realm, language, way, ways, urgent, required, recipient,
                        facts, status, version, requested_at, due_at, failure)
    select id, complaint_id, kind, cause, number, realm, language, way, ways, urgent, required, recipient,
           facts, status, version, requested_at, least(due_at, clock_timestamp()), failure
    from jsonb_populate_recordset(null::notice, cast(:rows as jsonb))
    order by complaint_id, number
    on conflict (complaint_id, kind, cause) do nothing
    returning id
    """
)

# What a sender has in its hands goes out; it was true when it began.
_SUPERSEDE = sa.text(
    """
    update notice old
    set status = 'dropped', failure = 'superseded by ' || newer.kind, version = old.version + 1, held = null
    from (
        select newer.complaint_id, newer.number, newer.kind, s.kinds
        from notice newer
        join jsonb_to_recordset(cast(:superseding as jsonb)) as s (id uuid, kinds text[]) using (id)
        where newer.status = 'pending'
    ) newer
    where old.complaint_id = newer.complaint_id and old.number < newer.number and old.kind = any(newer.kinds)
      and old.status = 'pending' and old.begun_at is null
      and (old.claimed_until is null or old.claimed_until <= clock_timestamp())
    returning old.id, old.version, old.realm, old.complaint_id, old.kind, old.way
    """
)

# Who was never told the first estimate can't be told that it has changed.
_FORGET_UNTOLD = sa.text(
    """
    update notice n set facts = n.facts || '{"previous": null, "later": false, "reason": null}'::jsonb
    where n.id = any(:estimates) and not exists (
        select from notice e where e.complaint_id = n.complaint_id and e.kind = 'estimate' and e.number < n.number
          and e.status not in ('dropped', 'failed'))
    """
).bindparams(sa.bindparam("estimates", type_=ARRAY(sa.Uuid)))


async def request(connection: AsyncConnection, requests: Sequence[Request], now: datetime) -> int:
    """Write down ``requests`` and the events that tell of them; returns how many were new.

    A customer who can't be told at all is to be called: that is a task for customer service.
    """
    if not requests:
        return 0
    asked = {new_id(): one for one in requests}
    # The database driver's UUIDs are a class of their own, which only `str` can write.
    rows = [_row(notice, one, now) for notice, one in asked.items()]
    written = {row.id for row in await connection.execute(_INSERT, {"rows": orjson.dumps(rows, default=str).decode()})}
    new = {notice: one for notice, one in asked.items() if notice in written}
    await log.append(connection, [event for notice, one in new.items() for event in _events(notice, one, now)])
    await _supersede(connection, new, now)
    unreached = [
        Unreached(notice, one.complaint, one.kind, one.realm, one.plan, "no_way")
        for notice, one in new.items()
        if one.unreachable is not None
    ]
    if unreached:
        telemetry.NOTICES.labels(NO_WAY, "failed").inc(len(unreached))
    await have_called(connection, unreached, now)
    return len(new)


async def _supersede(connection: AsyncConnection, new: Mapping[UUID, Request], now: datetime) -> None:
    superseding = [{"id": notice, "kinds": _SUPERSEDES[one.kind]} for notice, one in new.items() if _has_older(one)]
    if not superseding:
        return
    rows = await connection.execute(_SUPERSEDE, {"superseding": orjson.dumps(superseding, default=str).decode()})
    dropped = []
    for row in rows:
        data = Dropped(complaint=row.complaint_id, kind=row.kind, way=row.way, cause="superseded")
        dropped.append(NewEvent(row.id, row.version, data, now, row.realm, ACTOR))
        telemetry.NOTICES.labels(row.way, "dropped").inc()
    await log.append(connection, dropped)
    estimates = [notice for notice, one in new.items() if one.kind == "estimate" and one.facts.get("previous")]
    if estimates and dropped:
        await connection.execute(_FORGET_UNTOLD, {"estimates": estimates})


def _has_older(one: Request) -> bool:
    """Whether the notice makes others pointless. Nothing was told before the first event of a case."""
    return one.kind in _SUPERSEDES and one.unreachable is None and one.number > 1


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
        "ways": list(one.ways[1:]),
        "urgent": one.urgent,
        "required": one.required,
        "recipient": None if one.recipient is None else rf"\x{one.recipient.hex()}",
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
