"""Events that could not be handled: parking them in order, and giving them back to their worker.

Once an event of a key is parked, later events of that key are parked behind it, so that order holds. A person asks
for replay; the group's own worker then handles the key's parked events one by one, and goes on by itself with those
behind as soon as nothing earlier is left.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.errors import NotFound
from services.base.stream.event import Event, Undecodable
from services.base.worker.model import DeadLetter

Reason = Literal["undecodable", "refused", "failed", "behind"]
"""``undecodable``: no event of ours. ``refused``: it breaks a rule. ``failed``: the worker failed on it, every time
it tried. ``behind``: an earlier event of its key is parked."""

REASONS: tuple[Reason, ...] = ("undecodable", "refused", "failed", "behind")


@dataclass(frozen=True, slots=True)
class Parked:
    """A dead letter as people see it."""

    id: int
    group: str
    key: UUID | None
    number: int | None
    type: str | None
    reason: str
    detail: str
    attempts: int
    status: str
    parked_at: datetime
    record: dict[str, Any]


async def park(
    connection: AsyncConnection, group: str, events: Sequence[Event], reason: Reason, detail: str, attempts: int
) -> None:
    """Set events aside for a person. Parking an event that is parked already changes nothing."""
    rows = [
        {
            "reader_group": group,
            "key": event.key,
            "number": event.number,
            "type": event.type,
            "reason": reason,
            "detail": detail,
            "attempts": attempts,
            "record": _record(event),
            "status": "parked",
        }
        for event in events
    ]
    if rows:
        # Row by row, not as one statement: its parameters are limited to 32,767, which is 3,640 events.
        await connection.execute(pg_insert(DeadLetter).on_conflict_do_nothing(), rows)


async def park_undecodable(connection: AsyncConnection, group: str, records: Sequence[Undecodable]) -> None:
    """Keep records that are no events, with what could be read of them. One that is kept already is passed over."""
    rows = [
        {
            "reader_group": group,
            "reason": "undecodable",
            "detail": f"{record.reason} (at {record.source})",
            "attempts": 1,
            "record": {"raw_base64": base64.b64encode(record.raw).decode(), "headers": dict(record.headers)},
            "status": "parked",
        }
        for record in records
    ]
    known = await connection.execute(
        sa.select(DeadLetter.detail).where(
            DeadLetter.reader_group == group,
            DeadLetter.status != "settled",
            DeadLetter.reason == "undecodable",
            DeadLetter.detail.in_([row["detail"] for row in rows]),
        )
    )
    seen = set(known.scalars())
    fresh = [row for row in rows if row["detail"] not in seen]
    if fresh:
        await connection.execute(sa.insert(DeadLetter), fresh)


async def blocked_keys(connection: AsyncConnection, group: str, keys: Collection[UUID]) -> set[UUID]:
    """Those of ``keys`` that have an unsettled dead letter in the group."""
    query = sa.select(DeadLetter.key).where(
        DeadLetter.reader_group == group,
        DeadLetter.status != "settled",
        DeadLetter.key == sa.any_(sa.bindparam("keys", list(keys), type_=ARRAY(sa.Uuid))),
    )
    return {key for key in (await connection.execute(query)).scalars() if key is not None}


async def next_to_replay(connection: AsyncConnection, group: str) -> tuple[int, Event] | None:
    """The next parked event that may be handled again, locked; None when there is none (or others are at it).

    An event may be handled when a person asked for it, or when it waited behind others that are all settled; and
    only while nothing earlier of its key is unsettled.
    """
    earlier = sa.orm.aliased(DeadLetter)
    query = (
        sa.select(DeadLetter.id, DeadLetter.record)
        .where(
            DeadLetter.reader_group == group,
            DeadLetter.status != "settled",
            sa.or_(DeadLetter.status == "replay", DeadLetter.reason == "behind"),
            DeadLetter.key.is_not(None),
            ~sa.exists().where(
                earlier.reader_group == group,
                earlier.status != "settled",
                earlier.key == DeadLetter.key,
                earlier.number < DeadLetter.number,
            ),
        )
        .order_by(DeadLetter.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else (row.id, _event(row.record))


async def settle(connection: AsyncConnection, letter: int) -> None:
    """Note that a dead letter was handled after all."""
    await connection.execute(
        sa.update(DeadLetter).where(DeadLetter.id == letter).values(status="settled", settled_at=sa.func.now())
    )


async def repark(connection: AsyncConnection, letter: int, reason: Reason, detail: str) -> None:
    """Note that a replay failed, and why this time."""
    await connection.execute(
        sa.update(DeadLetter)
        .where(DeadLetter.id == letter)
        .values(status="parked", reason=reason, detail=detail, attempts=DeadLetter.attempts + 1)
    )


async def find(connection: AsyncConnection, *, group: str | None = None, limit: int = 100) -> list[Parked]:
    """Unsettled dead letters, oldest first."""
    query = sa.select(DeadLetter).where(DeadLetter.status != "settled").order_by(DeadLetter.id).limit(limit)
    if group is not None:
        query = query.where(DeadLetter.reader_group == group)
    return [_parked(row) for row in await connection.execute(query)]


async def get(connection: AsyncConnection, letter: int) -> Parked:
    """One dead letter, settled or not. Raises `NotFound`."""
    row = (await connection.execute(sa.select(DeadLetter).where(DeadLetter.id == letter))).one_or_none()
    if row is None:
        raise NotFound(f"there is no dead letter {letter}; `redress dead-letters list` shows those that wait")
    return _parked(row)


async def request_replay(connection: AsyncConnection, *, letter: int | None = None, group: str | None = None) -> int:
    """Ask for a dead letter, or all of a group, or all, to be handled again. Returns how many will be.

    Those that wait behind another follow by themselves and are not counted. What was never an event can't be replayed.
    Raises `NotFound` when the one asked for is not parked.
    """
    change = (
        sa.update(DeadLetter)
        .where(DeadLetter.status == "parked", DeadLetter.reason.not_in(("behind", "undecodable")))
        .values(status="replay")
    )
    if letter is not None:
        change = change.where(DeadLetter.id == letter)
    if group is not None:
        change = change.where(DeadLetter.reader_group == group)
    count = (await connection.execute(change)).rowcount
    if letter is not None and not count:
        raise NotFound(f"dead letter {letter} can't be replayed: `redress dead-letters show {letter}` says why")
    return count


def _record(event: Event) -> dict[str, Any]:
    return {
        "id": str(event.id),
        "type": event.type,
        "key": str(event.key),
        "number": event.number,
        "time": event.time.isoformat(),
        "realm": event.realm,
        "data": orjson.loads(event.data),
    }


def _event(record: dict[str, Any]) -> Event:
    return Event(
        id=UUID(record["id"]),
        type=record["type"],
        key=UUID(record["key"]),
        number=record["number"],
        time=datetime.fromisoformat(record["time"]),
        realm=record["realm"],
        data=orjson.dumps(record["data"]),
    )


def _parked(row: Any) -> Parked:
    return Parked(
        id=row.id,
        group=row.reader_group,
        key=row.key,
        number=row.number,
        type=row.type,
        reason=row.reason,
        detail=row.detail,
        attempts=row.attempts,
        status=row.status,
        parked_at=row.parked_at,
        record=row.record,
    )
