"""The alerts that wait to be told outside the inbox, as the senders share them. Nothing here speaks to the outside.

Alerts are given to contacts once, under their row's lock. A contact is spoken to by one sender at a time, under a lease
whose end is also its proof, as with the notices of customers.
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
from services.notices.staff.routing import Delivery, Waiting

# Longer than a message takes to be told or given up, so that a lease need not be renewed.
LEASE: Final = timedelta(seconds=60)
# What nobody could be told for so long is told to nobody any more; it stays in the inbox.
OLDEST: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be told to a contact now, with its case as it stands. ``seen``: its person has seen it meanwhile."""

    id: UUID
    contact: str
    realm: str
    kind: str
    login: str | None
    since: datetime
    attempts: int
    facts: Mapping[str, Any]
    told_at: datetime
    logins: Sequence[str]
    seen: bool
    reference: str | None
    category: str | None
    sub_category: str | None
    severity: str | None
    region: str | None
    group: str | None
    status: str | None
    assignee: str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one delivery. ``pending``: it is due again at ``due_at``."""

    id: UUID
    status: Literal["pending", "sent", "failed", "dropped"]
    attempts: int
    at: datetime
    due_at: datetime | None = None
    failure: str | None = None


# Of an alert that is about a case, or about a task or directive of one.
_CASE: Final = """
    left join complaint c on c.id = case when a.subject = 'complaint' then a.subject_id
                                         else cast(a.facts ->> 'complaint' as uuid) end and c.realm = a.realm
"""

_WAITING: Final = (
    sa.text(
        f"""
        select a.id, a.login, a.realm, a.kind, a.subject, a.subject_id, a.number, a.facts, c.severity,
               c.group_code as group
        from alert a {_CASE}
        where a.due_at > :oldest
        order by a.due_at limit :most
        for update of a skip locked
        """
    )
    .bindparams(sa.bindparam("oldest", type_=Timestamp))
    .columns(
        sa.column("id", sa.Uuid),
        sa.column("login", sa.Text),
        sa.column("realm", sa.Text),
        sa.column("kind", sa.Text),
        sa.column("subject", sa.Text),
        sa.column("subject_id", sa.Uuid),
        sa.column("number", sa.Integer),
        sa.column("facts", Json),
        sa.column("severity", sa.Text),
        sa.column("group", sa.Text),
    )
)

# One that was dropped because its contact was not in the file goes on when the contact is there again.
_GIVE: Final = sa.text(
    """
    with given as (
        select * from jsonb_to_recordset(cast(:rows as jsonb)) as g (
            id uuid, alert uuid, contact text, realm text, subject_id uuid, number integer, kind text, login text,
            since timestamptz)
    ),
    contacts as (
        insert into alert_contact (contact, next_at)
        select distinct contact, cast(:now as timestamptz) from given order by contact
        on conflict do nothing
    )
    insert into alert_delivery (id, alert_id, contact, realm, subject_id, number, kind, login, since, due_at)
    select id, alert, contact, realm, subject_id, number, kind, login, since, since from given
    order by subject_id, number, kind, contact
    on conflict (subject_id, number, kind, contact) do update
        set status = 'pending', since = excluded.since, due_at = excluded.due_at, failure = null
        where alert_delivery.status = 'dropped'
    """
).bindparams(sa.bindparam("now", type_=Timestamp))

_LOOKED_AT: Final = sa.text("update alert set due_at = null where id = any(:ids)").bindparams(
    sa.bindparam("ids", type_=ARRAY(sa.Uuid))
)

_CLAIM: Final = (
    sa.text(
        """
        with ready as (
            select one.contact
            from unnest(:rooms_of, :rooms) s (service, room)
            cross join lateral (
                select k.contact
                from unnest(:contacts, :services) mine (contact, service) join alert_contact k using (contact)
                where mine.service = s.service and k.next_at <= :now
                  and (k.claimed_until is null or k.claimed_until <= :now)
                  and k.contact in (
                      select d.contact from alert_delivery d where d.status = 'pending' and d.due_at <= :now
                  )
                order by k.next_at limit s.room
                for update of k skip locked
            ) one
        )
        update alert_contact k set claimed_until = :until from ready where k.contact = ready.contact
        returning k.contact
        """
    )
    .bindparams(
        sa.bindparam("rooms_of", type_=ARRAY(sa.Text)),
        sa.bindparam("rooms", type_=ARRAY(sa.Integer)),
        sa.bindparam("contacts", type_=ARRAY(sa.Text)),
        sa.bindparam("services", type_=ARRAY(sa.Text)),
        sa.bindparam("now", type_=Timestamp),
        sa.bindparam("until", type_=Timestamp),
    )
    .columns(sa.column("contact", sa.Text))
)

_DUE: Final = (
    sa.text(
        f"""
        select d.id, d.contact, d.realm, d.kind, d.login, d.since, d.attempts, a.facts, a.told_at,
               array(select o.login from alert o where o.subject_id = d.subject_id and o.number = d.number
                     and o.kind = d.kind order by o.id) as logins,
               d.login is not null and a.seen_at is not null as seen,
               c.reference, c.category, c.sub_category, c.severity, c.region_code as region, c.group_code as group,
               c.status, c.assignee
        from unnest(:contacts) k (contact)
        cross join lateral (
            select * from alert_delivery w where w.contact = k.contact and w.status = 'pending' and w.due_at <= :now
            order by w.attempts, w.due_at limit :most
        ) d
        join alert a on a.id = d.alert_id {_CASE}
        """
    )
    .bindparams(sa.bindparam("contacts", type_=ARRAY(sa.Text)), sa.bindparam("now", type_=Timestamp))
    .columns(
        sa.column("id", sa.Uuid),
        sa.column("contact", sa.Text),
        sa.column("realm", sa.Text),
        sa.column("kind", sa.Text),
        sa.column("login", sa.Text),
        sa.column("since", Timestamp),
        sa.column("attempts", sa.Integer),
        sa.column("facts", Json),
        sa.column("told_at", Timestamp),
        sa.column("logins", ARRAY(sa.Text)),
        sa.column("seen", sa.Boolean),
        *(sa.column(name, sa.Text) for name in ("reference", "category", "sub_category", "severity", "region")),
        *(sa.column(name, sa.Text) for name in ("group", "status", "assignee")),
    )
)

# What was taken was taken, even when the lease had ended. Everything else needs the lease.
_SETTLE: Final = sa.text(
    """
    with outcome as (
        select * from jsonb_to_recordset(cast(:outcomes as jsonb)) as o (
            id uuid, status text, attempts integer, at timestamptz, due_at timestamptz, failure text)
    ),
    ours as (
        update alert_contact set claimed_until = null, next_at = :next_at
        where contact = :contact and claimed_until = :held
        returning contact
    )
    update alert_delivery d
    set status = o.status, attempts = o.attempts, due_at = coalesce(o.due_at, d.due_at), failure = o.failure,
        sent_at = case when o.status = 'sent' then o.at end
    from outcome o
    where d.id = o.id and d.status = 'pending' and (o.status = 'sent' or exists (select from ours))
    """
).bindparams(sa.bindparam("next_at", type_=Timestamp), sa.bindparam("held", type_=Timestamp))

_MISLAID: Final = sa.text(
    """
    with gone as (
        update alert_delivery set status = 'dropped', failure = 'its contact is not in the file any more'
        where status = 'pending' and not contact = any(:contacts)
        returning alert_id
    )
    update alert a set due_at = a.told_at from gone where a.id = gone.alert_id
    """
).bindparams(sa.bindparam("contacts", type_=ARRAY(sa.Text)))


async def database_time(connection: AsyncConnection) -> datetime:
    """The database's clock, by which leases go, so that senders whose own clocks differ keep off each other's work."""
    now: datetime = (await connection.execute(sa.text("select clock_timestamp()"))).scalar_one()
    return now


async def waiting(connection: AsyncConnection, now: datetime, most: int) -> list[Waiting]:
    """At most ``most`` alerts that nobody has looked at, the oldest first, locked. Those of before a day are left."""
    return [Waiting(*row) for row in await connection.execute(_WAITING, {"oldest": now - OLDEST, "most": most})]


async def give(connection: AsyncConnection, alerts: Sequence[Waiting], to: Sequence[Delivery], now: datetime) -> None:
    """Give alerts to their contacts: each thing once to each, whoever it was written for. Those for nobody are done."""
    rows = {
        (one.alert.subject_id, one.alert.number, one.alert.kind, one.contact.id): {
            "id": new_id(),
            "alert": one.alert.id,
            "contact": one.contact.id,
            "realm": one.alert.realm,
            "subject_id": one.alert.subject_id,
            "number": one.alert.number,
            "kind": one.alert.kind,
            "login": one.contact.login,
            "since": one.since,
        }
        for one in reversed(to)
    }
    if rows:
        await connection.execute(_GIVE, {"rows": orjson.dumps(list(rows.values()), default=str).decode(), "now": now})
    await connection.execute(_LOOKED_AT, {"ids": [alert.id for alert in alerts]})


async def claim(
    connection: AsyncConnection, contacts: Mapping[str, str], room: Mapping[str, int], now: datetime, each: int
) -> tuple[Mapping[str, list[Due]], datetime]:
    """The contacts (given with their services) for which something is due, and the end of the lease on them.

    Of each service at most as many as there is ``room`` for, with ``each`` things at most; what was not tried yet
    comes first.
    """
    until = now + LEASE
    parameters = {
        "rooms_of": list(room),
        "rooms": list(room.values()),
        "contacts": list(contacts),
        "services": list(contacts.values()),
        "now": now,
        "until": until,
    }
    claimed = [row.contact for row in await connection.execute(_CLAIM, parameters)]
    found: dict[str, list[Due]] = {contact: [] for contact in claimed}
    if claimed:
        for row in await connection.execute(_DUE, {"contacts": claimed, "now": now, "most": each}):
            found[row.contact].append(Due(*row))
    return found, until


async def settle(
    connection: AsyncConnection, contact: str, outcomes: Sequence[Outcome], held: datetime, next_at: datetime
) -> None:
    """Record what became of deliveries to a contact, and let go of it until ``next_at``."""
    rows = [{name: getattr(one, name) for name in Outcome.__dataclass_fields__} for one in outcomes]
    await connection.execute(
        _SETTLE,
        {
            "outcomes": orjson.dumps(rows, default=str).decode(),
            "contact": contact,
            "held": held,
            "next_at": next_at,
        },
    )


async def drop_mislaid(connection: AsyncConnection, contacts: Collection[str]) -> None:
    """Drop what is on its way to none of these contacts, and have its alerts looked at again."""
    await connection.execute(_MISLAID, {"contacts": sorted(contacts)})
