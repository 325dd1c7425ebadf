"""The notices that wait to be sent, as the senders share them: claim, begin, keep. One statement each.

A claim is a lease. Its end is also its proof: who settles or renews a claim names the end that it knows, so that a
sender that was away for too long changes nothing that has passed to another. Nothing here speaks to the outside; what
became of a notice is recorded by `services.notices.outcomes`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.database import Json, Timestamp
from services.notices.channels.port import Way

LEASE: Final = timedelta(seconds=30)
HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A notice that is ours to send until its lease ends. ``personal`` is sealed; ``front_end`` is the name of the
    channel that posted the case, ``conversation`` its own id of it.
    """

    id: UUID
    complaint: UUID
    kind: str
    realm: str
    language: str
    way: Way
    ways: Sequence[Way]
    urgent: bool
    required: bool
    facts: Mapping[str, Any]
    attempts: int
    requested_at: datetime
    number: int
    recipient: bytes | None
    held: str | None
    reference: str
    personal: Any
    track_epoch: int
    plan_version: int | None
    region_code: str | None
    conversation: str
    front_end: str


# What waits is a handful of rows at one moment and a hundred thousand at the next, so the planner's statistics are
# always wrong about it. The one good plan is to walk along the index of due times and stop early; this leaves no other.
_WALK = sa.text(
    "select clock_timestamp() as now,"
    " set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true),"
    " set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),"
    " set_config('enable_mergejoin', 'off', true)"
)

_SELECTED: Final[tuple[tuple[str, str, Any], ...]] = (
    ("id", "notice.id", sa.Uuid),
    ("complaint", "notice.complaint_id", sa.Uuid),
    ("kind", "notice.kind", sa.Text),
    ("realm", "notice.realm", sa.Text),
    ("language", "notice.language", sa.Text),
    ("way", "notice.way", sa.Text),
    ("ways", "notice.ways", ARRAY(sa.Text)),
    ("urgent", "notice.urgent", sa.Boolean),
    ("required", "notice.required", sa.Boolean),
    ("facts", "notice.facts", Json),
    ("attempts", "notice.attempts", sa.Integer),
    ("requested_at", "notice.requested_at", Timestamp),
    ("number", "notice.number", sa.Integer),
    ("recipient", "notice.recipient", sa.LargeBinary),
    ("held", "notice.held", sa.Text),
    ("reference", "c.reference", sa.Text),
    ("personal", "c.personal", Json),
    ("track_epoch", "c.track_epoch", sa.Integer),
    ("plan_version", "c.plan_version", sa.Integer),
    ("region_code", "c.region_code", sa.Text),
    ("conversation", "coalesce(c.external_id, c.reference)", sa.Text),
    ("front_end", "coalesce((select k.name from api_key k where k.id = c.api_key_id), '')", sa.Text),
)
SHOWN: Final = ", ".join(f"{sql} as {name}" for name, sql, _ in _SELECTED)
COLUMNS: Final = tuple(sa.column(name, type_) for name, _, type_ in _SELECTED)

# Of a case only the oldest notice that waits is taken, so that a customer reads things in the order they happened. One
# that is held back (the customer is asleep) lets what is urgent pass, which then tells it as well. A text message that
# may or may not have gone holds up what follows it until it is known. What was begun and not settled is not taken:
# nobody knows its fate (`services.notices.outcomes.lost`).
_CLAIM = sa.text(
    f"""
    with due as (
        select found.id from unnest(cast(:ways as text[])) as w (way)
        cross join lateral (
            select n.id, n.due_at from notice n
            where n.status = 'pending' and n.way = w.way and n.realm = any(:realms) and n.due_at <= :now
              and (n.claimed_until is null or n.claimed_until <= :now) and n.begun_at is null
              and not exists (
                  select from notice earlier
                  where earlier.complaint_id = n.complaint_id
                    and earlier.status in ('pending', 'unconfirmed') and earlier.due_at is not null
                    and (earlier.held is null or earlier.due_at <= :now)
                    and (earlier.number, earlier.id) < (n.number, n.id)
              )
            order by n.due_at limit :most
            for update of n skip locked
        ) found
    )
    update notice set claimed_until = :until
    from due, complaint c
    where notice.id = due.id and c.id = notice.complaint_id
    returning {SHOWN}
    """
).bindparams(
    sa.bindparam("realms", type_=ARRAY(sa.Text)),
    sa.bindparam("ways", type_=ARRAY(sa.Text)),
    sa.bindparam("now", type_=Timestamp),
    sa.bindparam("until", type_=Timestamp),
)
_CLAIMED = _CLAIM.columns(*COLUMNS)

# What a customer was told in the last hour, since when, whether they want nothing more this way, and whether something
# for them is held back.
_LOOK = (
    sa.text(
        """
        select asked.id, told.times, told.since, held.held,
               exists (select from opt_out o
                       where o.recipient = asked.recipient and o.way = asked.way and o.realm = asked.realm) as opted_out
        from unnest(:ids, :recipients, :ways, :realms) as asked (id, recipient, way, realm)
        cross join lateral (
            select count(*) as times, min(t.sent_at) as since from notice t
            where t.recipient = asked.recipient and t.sent_at > :since and t.merged_into is null and t.way = asked.way
        ) told
        cross join lateral (
            select exists (
                select from notice h where h.recipient = asked.recipient and h.held is not null and h.status = 'pending'
                  and h.way = asked.way and h.realm = asked.realm and h.id <> asked.id
            ) as held
        ) held
        """
    )
    .bindparams(
        sa.bindparam("ids", type_=ARRAY(sa.Uuid)),
        sa.bindparam("recipients", type_=ARRAY(sa.LargeBinary)),
        sa.bindparam("ways", type_=ARRAY(sa.Text)),
        sa.bindparam("realms", type_=ARRAY(sa.Text)),
        sa.bindparam("since", type_=Timestamp),
    )
    .columns(
        sa.column("id", sa.Uuid),
        sa.column("times", sa.Integer),
        sa.column("since", Timestamp),
        sa.column("held", sa.Boolean),
        sa.column("opted_out", sa.Boolean),
    )
)

# Not in any order: with sorting off that would be had from the primary key, by walking all of it.
_ALONG = (
    sa.text(
        f"""
        with along as (
            select held.id, lead.id as lead
            from unnest(:leads, :recipients, :ways, :realms) as lead (id, recipient, way, realm)
            cross join lateral (
                select n.id from notice n
                where n.recipient = lead.recipient and n.held is not null and n.status = 'pending'
                  and n.way = lead.way and n.realm = lead.realm and n.begun_at is null
                  and (n.claimed_until is null or n.claimed_until <= :now) and not n.id = any(:leads)
                for update of n skip locked
            ) held
        )
        update notice set claimed_until = :until
        from along, complaint c
        where notice.id = along.id and c.id = notice.complaint_id
        returning along.lead as lead, {SHOWN}
        """
    )
    .bindparams(
        sa.bindparam("leads", type_=ARRAY(sa.Uuid)),
        sa.bindparam("recipients", type_=ARRAY(sa.LargeBinary)),
        sa.bindparam("ways", type_=ARRAY(sa.Text)),
        sa.bindparam("realms", type_=ARRAY(sa.Text)),
        sa.bindparam("now", type_=Timestamp),
        sa.bindparam("until", type_=Timestamp),
    )
    .columns(sa.column("lead", sa.Uuid), *COLUMNS)
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

_BEGIN = sa.text(
    """
    update notice set begun_at = coalesce(:now, clock_timestamp())
    from unnest(:ids, :held) as mine (id, until)
    where notice.id = mine.id and notice.status = 'pending' and notice.claimed_until = mine.until
    returning notice.id
    """
).bindparams(
    sa.bindparam("ids", type_=ARRAY(sa.Uuid)),
    sa.bindparam("held", type_=ARRAY(Timestamp)),
    sa.bindparam("now", type_=Timestamp),
)


@dataclass(frozen=True, slots=True)
class Look:
    """What is known of a customer on a way: how often they were told in the last hour and since when, whether they
    want nothing more there, and whether something for them is held back."""

    told: int = 0
    since: datetime | None = None
    held: bool = False
    opted_out: bool = False


async def claim(
    connection: AsyncConnection, ways: Collection[Way], realms: Collection[str], now: datetime | None, most: int
) -> tuple[list[Claimed], datetime, datetime]:
    """At most ``most`` notices of each way that are due, longest due first; the time, and the end of the lease on them.

    Without ``now`` the database's clock counts, so that senders whose own clocks differ or jump keep off each other's
    notices.
    """
    walk = (await connection.execute(_WALK)).one()
    now = now or cast(datetime, walk.now)
    until = now + LEASE
    parameters = {"ways": sorted(ways), "realms": sorted(realms), "now": now, "until": until, "most": most}
    return [Claimed(*row) for row in await connection.execute(_CLAIMED, parameters)], now, until


async def look(connection: AsyncConnection, claimed: Sequence[Claimed], now: datetime) -> Mapping[UUID, Look]:
    """What is known of the customers of claimed notices, by notice."""
    asked = [notice for notice in claimed if notice.recipient is not None]
    if not asked:
        return {}
    rows = await connection.execute(_LOOK, {**_of(asked, "ids"), "since": now - HOUR})
    return {row.id: Look(row.times, row.since, row.held, row.opted_out) for row in rows}


async def claim_along(
    connection: AsyncConnection, leads: Sequence[Claimed], now: datetime, until: datetime
) -> Mapping[UUID, list[Claimed]]:
    """What is held back for the customers of ``leads`` on the same way, claimed to be told together with them.

    Of two leads for one customer one gets it.
    """
    if not leads:
        return {}
    found: defaultdict[UUID, list[Claimed]] = defaultdict(list)
    seen: set[UUID] = set()
    parameters = {**_of(leads, "leads"), "now": now, "until": until}
    for lead, *row in await connection.execute(_ALONG, parameters):
        notice = Claimed(*row)
        if notice.id not in seen:
            seen.add(notice.id)
            found[lead].append(notice)
    return found


async def renew(
    connection: AsyncConnection, held: Mapping[UUID, datetime], now: datetime | None
) -> Mapping[UUID, datetime]:
    """Lengthen claims, given by notice with the end that we know; returns the new ends of those that are still ours."""
    parameters = {"ids": list(held), "held": list(held.values()), "now": now, "lease": LEASE}
    return {row.id: row.claimed_until for row in await connection.execute(_RENEW, parameters)}


async def begin(connection: AsyncConnection, held: Mapping[UUID, datetime], now: datetime | None) -> frozenset[UUID]:
    """Note that claimed notices are about to be handed over, on a way that must not be repeated; returns those that are
    still ours. Committed before a word is said to the peer: whoever dies from here on leaves a notice that nobody
    repeats.
    """
    parameters = {"ids": list(held), "held": list(held.values()), "now": now}
    return frozenset(row.id for row in await connection.execute(_BEGIN, parameters))


def _of(notices: Sequence[Claimed], ids: str) -> dict[str, object]:
    return {
        ids: [notice.id for notice in notices],
        "recipients": [notice.recipient for notice in notices],
        "ways": [notice.way for notice in notices],
        "realms": [notice.realm for notice in notices],
    }
