"""The notices that wait to be sent, as the senders share them: claim, keep, settle. One statement each.

A claim is a lease. Its end is also its proof: who settles or renews a claim names the end that it knows, so that a
sender that was away for too long changes nothing that has passed to another. Nothing here speaks to the outside.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.database import Json, Timestamp
from services.base.identity import new_id
from services.notices.events import TOPIC, Failed, Sent
from services.notices.requesting import ACTOR

LEASE: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A notice that is ours to send until its lease ends. ``personal`` is sealed."""

    id: UUID
    complaint: UUID
    kind: str
    language: str
    way: str
    facts: Mapping[str, Any]
    attempts: int
    requested_at: datetime
    personal: Any
    track_epoch: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a claimed notice.

    ``pending``: not sent; it is due again at ``due_at``, and ``attempts`` says whether this try counted.
    """

    notice: Claimed
    status: Literal["sent", "failed", "pending"]
    at: datetime
    attempts: int
    failure: str | None = None
    due_at: datetime | None = None


# What waits is a handful of rows at one moment and a hundred thousand at the next, so the planner's statistics are
# always wrong about it. The one good plan is to walk along the index of due times and stop early; this leaves no other.
_WALK = sa.text(
    "select clock_timestamp() as now,"
    " set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true),"
    " set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),"
    " set_config('enable_mergejoin', 'off', true)"
)

# Of a case only the oldest notice that waits is taken, so that a customer reads things in the order they happened.
# "Not in" keeps that look-up off the index of what is pending, which is long when much waits.
_CLAIM = sa.text(
    """
    with due as (
        select n.id from notice n
        where n.status = 'pending' and n.realm = any(:realms) and n.due_at <= :now
          and (n.claimed_until is null or n.claimed_until <= :now)
          and not exists (
              select from notice earlier
              where earlier.complaint_id = n.complaint_id and earlier.status not in ('sent', 'failed')
                and (earlier.number, earlier.id) < (n.number, n.id)
          )
        order by n.due_at limit :most
        for update of n skip locked
    )
    update notice set claimed_until = :until
    from due, complaint c
    where notice.id = due.id and c.id = notice.complaint_id
    returning notice.id, notice.complaint_id, notice.kind, notice.language, notice.way, notice.facts,
              notice.attempts, notice.requested_at, c.personal, c.track_epoch
    """
).bindparams(
    sa.bindparam("realms", type_=ARRAY(sa.Text)),
    sa.bindparam("now", type_=Timestamp),
    sa.bindparam("until", type_=Timestamp),
)
_CLAIMED = _CLAIM.columns(
    sa.column("id", sa.Uuid),
    sa.column("complaint_id", sa.Uuid),
    sa.column("kind", sa.Text),
    sa.column("language", sa.Text),
    sa.column("way", sa.Text),
    sa.column("facts", Json),
    sa.column("attempts", sa.Integer),
    sa.column("requested_at", Timestamp),
    sa.column("personal", Json),
    sa.column("track_epoch", sa.Integer),
)

_RENEW = sa.text(
    """
    update notice set claimed_until = coalesce(:now, clock_timestamp()) + :lease
    from unnest(:ids, :held) as mine (id, until)
    where notice.id = mine.id and notice.status = 'pending' and notice.claimed_until = mine.until
    returning notice.id, notice.claimed_until
    """
).bindparams(
    sa.bindparam("ids", type_=ARRAY(sa.Uuid)),
    sa.bindparam("held", type_=ARRAY(Timestamp)),
    sa.bindparam("now", type_=Timestamp),
    sa.bindparam("lease", type_=sa.Interval),
)

# What was sent was sent, even by a sender whose lease had ended. Everything else needs the claim.
_SETTLE = sa.text(
    f"""
    with outcome as (
        select * from jsonb_to_recordset(cast(:outcomes as jsonb)) as o (
            id uuid, status text, at timestamptz, attempts integer, failure text, due_at timestamptz,
            held timestamptz, event uuid, type text, data jsonb, private jsonb)
    ),
    settled as (
        update notice n
        set status = o.status, attempts = o.attempts, failure = o.failure, claimed_until = null,
            due_at = coalesce(o.due_at, n.due_at), sent_at = case when o.status = 'sent' then o.at end,
            version = n.version + (o.type is not null)::int
        from outcome o
        where n.id = o.id and n.status = 'pending' and (o.status = 'sent' or n.claimed_until = o.held)
        returning n.id, n.version, n.realm
    )
    insert into event (id, type, topic, key, number, realm, time, actor, data, private)
    select o.event, o.type, '{TOPIC}', s.id, s.version, s.realm, o.at, '{ACTOR}', o.data, o.private
    from settled s join outcome o using (id) where o.type is not null
    """
)


async def claim(
    connection: AsyncConnection, realms: Collection[str], now: datetime | None, most: int
) -> tuple[list[Claimed], datetime]:
    """At most ``most`` notices that are due, longest due first, and the end of the lease on them.

    Without ``now`` the database's clock counts, so that senders whose own clocks differ or jump keep off each other's
    notices.
    """
    walk = (await connection.execute(_WALK)).one()
    now = now or walk.now
    until = now + LEASE
    parameters = {"realms": sorted(realms), "now": now, "until": until, "most": most}
    return [Claimed(*row) for row in await connection.execute(_CLAIMED, parameters)], until


async def renew(
    connection: AsyncConnection, held: Mapping[UUID, datetime], now: datetime | None
) -> Mapping[UUID, datetime]:
    """Lengthen claims, given by notice with the end that we know; returns the new ends of those that are still ours."""
    parameters = {"ids": list(held), "held": list(held.values()), "now": now, "lease": LEASE}
    return {row.id: row.claimed_until for row in await connection.execute(_RENEW, parameters)}


async def settle(connection: AsyncConnection, outcomes: Sequence[Outcome], held: Mapping[UUID, datetime]) -> None:
    """Record outcomes and their events. ``held`` are the ends of the leases under which they came about."""
    rows = [_row(outcome, held.get(outcome.notice.id)) for outcome in outcomes]
    await connection.execute(_SETTLE, {"outcomes": orjson.dumps(rows, default=str).decode()})


def _row(outcome: Outcome, held: datetime | None) -> dict[str, object]:
    notice = outcome.notice
    row: dict[str, object] = {
        "id": notice.id,
        "status": outcome.status,
        "at": outcome.at,
        "attempts": outcome.attempts,
        "failure": outcome.failure,
        "due_at": outcome.due_at,
        "held": held,
    }
    about = {"complaint": notice.complaint, "kind": notice.kind, "way": notice.way, "attempts": outcome.attempts}
    if outcome.status == "sent":
        sent = {**about, "sent_at": outcome.at}
        row |= {"event": new_id(), "type": Sent.TYPE, "data": Sent.model_validate(sent).model_dump(mode="json")}
    elif outcome.status == "failed":
        failed = Failed.model_validate(about).model_dump(mode="json")
        row |= {"event": new_id(), "type": Failed.TYPE, "data": failed, "private": {"reason": outcome.failure}}
    return row
