"""What becomes of notices, recorded with the event that tells of it: sent, tried again, the next way, given up.

Every change of a notice after its request goes through one statement, `move`, which changes only what is still as
whoever decided saw it. A notice that failed on all ways, or of which nobody knows whether it went, leaves a task.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.database import Timestamp
from services.base.identity import new_id
from services.base.privacy import Privacy
from services.base.stream.event import EventData
from services.notices.channels.port import Way
from services.notices.claims import COLUMNS, SHOWN, Claimed
from services.notices.events import TOPIC, Delivered, DropCause, Dropped, Failed, Rerouted, Sent, Unconfirmed
from services.notices.requesting import ACTOR
from services.notices.unreached import Unreached, have_called
from services.notices.ways import address_of, recipient
from services.plan.schema import Plan
from services.plan.versions import Plans

Status = Literal["pending", "unconfirmed", "sent", "delivered", "failed", "dropped"]
_PENDING: Final = ("pending",)
_UNSETTLED: Final = ("pending", "unconfirmed")
_DIED: Final = "whoever was sending it ended before the peer had answered"
_NO_RECEIPT: Final = "nobody knows whether it arrived: no receipt came in time"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a notice. Made by the functions below, recorded by `move`.

    ``was`` are the statuses in which it still counts, ``until`` the end of the lease under which it came about (None:
    none is needed). ``values`` are the columns that change besides, as JSON. ``called`` says that the customer has to
    be called, and why.
    """

    notice: Claimed
    status: Status
    at: datetime
    event: EventData | None = None
    reason: str | None = None
    values: Mapping[str, object] = field(default_factory=dict)
    was: Sequence[Status] = _PENDING
    called: Literal["failed", "unconfirmed"] | None = None


# ``due_at`` is left as it is unless a value is given; null has a meaning of its own, so it is set by name. What is
# known of another way (when it was sent, the peer's id) is forgotten with it.
_MOVE = sa.text(
    f"""
    with outcome as (
        select * from jsonb_to_recordset(cast(:outcomes as jsonb)) as o (
            id uuid, was text[], until timestamptz, status text, at timestamptz, reason text, attempts integer,
            due_at timestamptz, due_never boolean, sent_at timestamptz, delivered_at timestamptz, peer_id text,
            merged_into uuid, held text, way text, ways text[], recipient bytea, begun_stays boolean,
            event uuid, type text, data jsonb, private jsonb)
    ),
    moved as (
        update notice n
        set status = o.status, attempts = coalesce(o.attempts, n.attempts), failure = coalesce(o.reason, n.failure),
            claimed_until = null, due_at = case when o.due_never then null else coalesce(o.due_at, n.due_at) end,
            sent_at = case when o.way = n.way or o.way is null then coalesce(n.sent_at, o.sent_at) else o.sent_at end,
            delivered_at = coalesce(o.delivered_at, n.delivered_at),
            peer_id = case when o.way = n.way or o.way is null then coalesce(o.peer_id, n.peer_id) else o.peer_id end,
            merged_into = case when o.status = 'pending' then null else coalesce(o.merged_into, n.merged_into) end,
            held = o.held, way = coalesce(o.way, n.way), ways = coalesce(o.ways, n.ways),
            recipient = coalesce(o.recipient, n.recipient),
            begun_at = case when o.begun_stays then n.begun_at end, version = n.version + (o.type is not null)::int
        from outcome o
        where n.id = o.id and n.status = any(o.was) and (o.until is null or n.claimed_until = o.until)
          and (o.status <> 'sent' or n.way = o.way)
        returning n.id, n.version, n.realm
    ),
    told as (
        insert into event (id, type, topic, key, number, realm, time, actor, data, private)
        select o.event, o.type, '{TOPIC}', m.id, m.version, m.realm, o.at, '{ACTOR}', o.data, o.private
        from moved m join outcome o using (id) where o.type is not null
    )
    select id from moved
    """
)

# Handed over by a sender that died before it recorded what came of it.
_LOST = (
    sa.text(
        f"""
        with lost as (
            select n.id from notice n
            where n.status = 'pending' and n.begun_at is not null
              and n.claimed_until <= coalesce(:now, clock_timestamp())
              and n.way = any(:ways) and n.realm = any(:realms)
            order by n.claimed_until limit :most
            for update skip locked
        )
        select {SHOWN} from lost, notice, complaint c where notice.id = lost.id and c.id = notice.complaint_id
        """
    )
    .bindparams(
        sa.bindparam("ways", type_=ARRAY(sa.Text)),
        sa.bindparam("realms", type_=ARRAY(sa.Text)),
        sa.bindparam("now", type_=Timestamp),
    )
    .columns(*COLUMNS)
)

# Of which no receipt came in time.
_OVERDUE = (
    sa.text(
        f"""
        with overdue as (
            select n.id from notice n
            where n.status = 'unconfirmed' and n.due_at <= coalesce(:now, clock_timestamp())
              and n.way = any(:ways) and n.realm = any(:realms)
            order by n.due_at limit :most
            for update skip locked
        )
        select {SHOWN} from overdue, notice, complaint c where notice.id = overdue.id and c.id = notice.complaint_id
        """
    )
    .bindparams(
        sa.bindparam("ways", type_=ARRAY(sa.Text)),
        sa.bindparam("realms", type_=ARRAY(sa.Text)),
        sa.bindparam("now", type_=Timestamp),
    )
    .columns(*COLUMNS)
)


def sent(
    notice: Claimed,
    at: datetime,
    peer_id: str | None = None,
    merged_into: UUID | None = None,
    was: Sequence[Status] = _UNSETTLED,
) -> Outcome:
    """The peer took it. That counts even for a sender whose lease had ended: what was sent was sent."""
    event = Sent(**_about(notice), sent_at=at, attempts=notice.attempts + 1, merged_into=merged_into)
    values = {"attempts": notice.attempts + 1, "sent_at": at, "peer_id": peer_id, "merged_into": merged_into}
    # Not when it has gone on to the next way meanwhile: a receipt may have said that it did not arrive.
    return Outcome(notice, "sent", at, event, values={**values, "way": notice.way}, was=was)


def again(notice: Claimed, at: datetime, due_at: datetime, reason: str) -> Outcome:
    """It was tried in vain, and is tried again at ``due_at``."""
    return Outcome(notice, "pending", at, reason=reason, values={"attempts": notice.attempts + 1, "due_at": due_at})


def not_tried(notice: Claimed, at: datetime, due_at: datetime | None = None, held: str | None = None) -> Outcome:
    """It was not tried: given back, or (``held``) held back until ``due_at``."""
    return Outcome(notice, "pending", at, values={"due_at": due_at, "held": held})


def unconfirmed(notice: Claimed, at: datetime, wait: timedelta, reason: str) -> Outcome:
    """Nobody knows whether it went. A receipt may tell until ``wait`` is over."""
    event = Unconfirmed(**_about(notice), attempts=notice.attempts + 1)
    values = {"attempts": notice.attempts + 1, "due_at": at + wait, "begun_stays": True}
    return Outcome(notice, "unconfirmed", at, event, reason, values)


def dropped(notice: Claimed, at: datetime, cause: DropCause, reason: str) -> Outcome:
    """It is not sent at all."""
    return Outcome(notice, "dropped", at, Dropped(**_about(notice), cause=cause), reason)


def delivered(notice: Claimed, at: datetime) -> Outcome:
    """A receipt says that what was sent has reached the customer."""
    event = Delivered(**_about(notice), delivered_at=at)
    return Outcome(notice, "delivered", at, event, values={"delivered_at": at}, was=("sent",))


def on_to_next(
    notice: Claimed,
    privacy: Privacy,
    at: datetime,
    reason: str,
    *,
    attempts: int,
    was: Sequence[Status] = _PENDING,
) -> Outcome:
    """This way failed for good (or, of a notice that was ``unconfirmed``, nobody knows): the next is taken, at once.

    Without another way it has failed, and the customer has to be called.
    """
    person = privacy.open(notice.personal)
    for place, way in enumerate(notice.ways):
        address = address_of(way, person, notice.conversation)
        if address is not None:
            event: EventData = Rerouted(**_about(notice), to=way, attempts=attempts)
            values = {
                "way": way,
                "ways": list(notice.ways[place + 1 :]),
                "recipient": rf"\x{recipient(privacy, way, address).hex()}",
                "attempts": 0,
                "due_at": at,
            }
            return Outcome(notice, "pending", at, event, reason, values, was)
    if tuple(was) == ("unconfirmed",):
        values = {"due_never": True, "begun_stays": True}
        return Outcome(notice, "unconfirmed", at, None, reason, values, was, called="unconfirmed")
    event = Failed(**_about(notice), attempts=attempts)
    return Outcome(notice, "failed", at, event, reason, {"attempts": attempts}, was, called="failed")


async def move(
    connection: AsyncConnection,
    outcomes: Sequence[Outcome],
    held: Mapping[UUID, datetime],
    plans: Mapping[UUID, Plan],
) -> Collection[UUID]:
    """Record outcomes, their events, and the tasks of those that have to be called; returns the notices that moved.

    ``held`` are the ends of the leases under which they came about, ``plans`` the plan of each notice's case.
    """
    rows = [_row(outcome, held.get(outcome.notice.id)) for outcome in outcomes]
    result = await connection.execute(_MOVE, {"outcomes": orjson.dumps(rows, default=str).decode()})
    moved = {row.id for row in result}
    called = [one for one in outcomes if one.called is not None and one.notice.id in moved]
    if called:
        at = max(one.at for one in called)
        await have_called(connection, [_unreached(one, plans[one.notice.id]) for one in called], at)
    return moved


async def settle_unknown(
    connection: AsyncConnection,
    privacy: Privacy,
    plans: Plans,
    ways: Collection[Way],
    realms: Collection[str],
    now: datetime | None,
    most: int,
) -> list[Outcome]:
    """What a dead sender had begun becomes unconfirmed; what was unconfirmed for too long goes the next way.

    For ways that must not be repeated; ``most`` of each at once. Without ``now`` the database's clock counts.
    """
    parameters = {"ways": sorted(ways), "realms": sorted(realms), "now": now, "most": most}
    lost = [Claimed(*row) for row in await connection.execute(_LOST, parameters)]
    overdue = [Claimed(*row) for row in await connection.execute(_OVERDUE, parameters)]
    if not lost and not overdue:
        return []
    at = now or (await connection.execute(sa.select(sa.func.clock_timestamp()))).scalar_one()
    of = await plans_of(connection, plans, [*lost, *overdue])
    moves = [unconfirmed(one, at, of[one.id].telling.unconfirmed_after, _DIED) for one in lost]
    moves += [on_to_next(one, privacy, at, _NO_RECEIPT, attempts=one.attempts, was=("unconfirmed",)) for one in overdue]
    moved = await move(connection, moves, {}, of)
    return [one for one in moves if one.notice.id in moved]


async def plans_of(connection: AsyncConnection, plans: Plans, notices: Sequence[Claimed]) -> Mapping[UUID, Plan]:
    """By notice, the plan that its case runs under."""
    in_force, _ = await plans.current(connection)
    known = {
        version: await plans.get(connection, version)
        for version in {notice.plan_version or in_force for notice in notices}
    }
    return {notice.id: known[notice.plan_version or in_force] for notice in notices}


def _about(notice: Claimed) -> dict[str, Any]:
    return {"complaint": notice.complaint, "kind": notice.kind, "way": notice.way}


def _unreached(outcome: Outcome, plan: Plan) -> Unreached:
    notice = outcome.notice
    assert outcome.called is not None
    return Unreached(notice.id, notice.complaint, notice.kind, notice.realm, plan, outcome.called)


def _row(outcome: Outcome, until: datetime | None) -> dict[str, object]:
    row: dict[str, object] = {
        "id": outcome.notice.id,
        "was": outcome.was,
        # What was sent was sent, also by a sender whose lease had ended.
        "until": None if outcome.status in ("sent", "delivered") else until,
        "status": outcome.status,
        "at": outcome.at,
        "reason": outcome.reason,
        **outcome.values,
    }
    if outcome.event is not None:
        private = None if outcome.reason is None else {"reason": outcome.reason}
        data = outcome.event.model_dump(mode="json", exclude_none=True)
        row |= {"event": new_id(), "type": outcome.event.TYPE, "data": data, "private": private}
    return row
