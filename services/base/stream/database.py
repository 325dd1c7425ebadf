"""Reading the event log straight from PostgreSQL: the laptop's stream, and the relay's source.

A position cursor would miss events, because positions are taken before transactions commit. The cursor here is a
snapshot: what is visible now and was not visible in the cursor's snapshot is new, whatever its position. Delivering
that in position order keeps each case in order, because a case's events are numbered under its row lock.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NoReturn

import asyncpg

from services.base.database import connect
from services.base.errors import Unavailable
from services.base.failures import is_passing
from services.base.stream.bell import Bell
from services.base.stream.event import Batch, Event
from services.base.stream.port import ReaderLost
from services.base.stream.shares import Shares

_BALANCE_SECONDS = 1.0
_KEEP_SECONDS = 10.0
_BEGINNING = "1:1:"
# What asyncpg raises when the server has ended the session while nothing was asked of it, as in a restart.
_SESSION_ENDED = asyncpg.InternalClientError

_COLUMNS = "position, id, type, key, number, realm, time, data::text as data"
_MINE = "($2::text[] is null or type = any($2::text[])) and ($4 = 1 or mod(hashtext(key::text) & 2147483647, $4) = $3)"

# What is new since the cursor $1, found by transaction id (index xid, position). Materialised, because the planner
# would otherwise be tempted to walk all positions from the beginning in search of the first few.
_NEW = f"""
    with target as (select pg_current_snapshot() as snapshot),
    fresh as materialized (
        select {_COLUMNS} from event
        where (xid >= pg_snapshot_xmax($1::text::pg_snapshot)
               or xid = any(array(select pg_snapshot_xip($1::text::pg_snapshot))))
          and {_MINE}
    )
    select target.snapshot::text as snapshot, page.*
    from target left join lateral (select * from fresh order by position limit $5) page on true
"""

# The next page towards the snapshot $6, after position $7. By position, since nearly all that follow are new.
_PAGE = f"""
    select {_COLUMNS} from event
    where position > $7 and pg_visible_in_snapshot(xid, $6::text::pg_snapshot)
      and not pg_visible_in_snapshot(xid, $1::text::pg_snapshot) and {_MINE}
    order by position limit $5
"""

# All shares of a division get their cursors at once, so that none is without one when the division changes again.
# They begin where the earlier division that is furthest behind was: redelivery, never loss. Of two snapshots with the
# same bounds the earlier one has more transactions in progress.
_DIVIDE = """
    insert into reader_cursor (reader_group, shares, share, epoch, snapshot, target, position)
    select $1, $2, share, 0, coalesce(
        (select snapshot from reader_cursor where reader_group = $1 and shares <> $2
         order by pg_snapshot_xmin(snapshot), pg_snapshot_xmax(snapshot),
                  (select count(*) from pg_snapshot_xip(snapshot)) desc
         limit 1),
        '1:1:'::pg_snapshot), null, 0
    from generate_series(0, $2 - 1) as share
    on conflict do nothing
"""

_SNAPSHOT = "select pg_current_snapshot()::text"

_OPEN = """
    update reader_cursor set epoch = epoch + 1, updated_at = now()
    where reader_group = $1 and shares = $2 and share = $3
    returning epoch, snapshot::text as snapshot, target::text as target, position
"""

_STORE = """
    update reader_cursor c
    set snapshot = moved.snapshot::pg_snapshot, target = moved.target::pg_snapshot, position = moved.position,
        updated_at = now()
    from unnest($3::int[], $4::int8[], $5::text[], $6::text[], $7::int8[])
         as moved (share, epoch, snapshot, target, position)
    where c.reader_group = $1 and c.shares = $2 and c.share = moved.share and c.epoch = moved.epoch
"""

_LAG = """
    select count(*)::int from (
        select 1 from event e, reader_cursor c
        where c.reader_group = $1 and c.shares = (
                select shares from reader_cursor where reader_group = $1 order by updated_at desc limit 1)
          and (e.xid >= pg_snapshot_xmax(c.snapshot) or e.xid = any(array(select pg_snapshot_xip(c.snapshot))))
          and (c.target is null or not pg_visible_in_snapshot(e.xid, c.target) or e.position > c.position)
          and ($2::text[] is null or e.type = any($2::text[]))
          and (c.shares = 1 or mod(hashtext(e.key::text) & 2147483647, c.shares) = c.share)
        limit $3
    ) waiting
"""
# Counting more would hold up the reader for seconds, and says no more.
_LAG_LIMIT = 100_000
_KNOWN = "select exists (select from reader_cursor where reader_group = $1)"


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a share is: all that ``snapshot`` shows was delivered, and of ``target`` what is up to ``position``."""

    epoch: int
    snapshot: str
    target: str | None
    position: int


class DatabaseStream:
    """Events read from the log in the database."""

    def __init__(self, url: str, *, shares: int, bell: Bell | None = None, pause: float = 0.1) -> None:
        """``pause`` is the time between polls that find nothing, in seconds; the ``bell`` cuts it short."""
        self._url = url
        self._shares = shares
        self._bell = bell or Bell()
        self._pause = pause

    def reader(self, group: str, types: Collection[str]) -> DatabaseReader:
        """A new member of ``group``."""
        return DatabaseReader(self._url, group, sorted(types), self._shares, self._bell, self._pause)

    def everything(self, group: str) -> DatabaseReader:
        """A new member of a group that wants every event, also of types that this version does not know yet."""
        return DatabaseReader(self._url, group, None, self._shares, self._bell, self._pause)

    async def lag(self, group: str, types: Collection[str] | None) -> int:
        """Events that wait for the group; -1 when it has never read. Counts up to 100,000.

        Raises `Unavailable` when the database cannot be reached.
        """
        try:
            connection = await connect(self._url, "redress lag")
            try:
                known = await connection.fetchval(_KNOWN, group)
                return await connection.fetchval(_LAG, group, types and sorted(types), _LAG_LIMIT) if known else -1
            finally:
                await connection.close()
        except Exception as error:
            if is_passing(error):
                raise Unavailable(f"the event log cannot be read: {error}") from error
            raise

    async def close(self) -> None:
        """Nothing is held by the stream itself."""


class DatabaseReader:
    """A member of a reader group on the log. Holds one session for as long as it reads."""

    def __init__(
        self, url: str, group: str, types: Sequence[str] | None, shares: int, bell: Bell, pause: float
    ) -> None:
        self._url = url
        self._group = group
        self._types = types
        self._count = shares
        self._bell = bell
        self._pause = pause
        self._connection: asyncpg.Connection | None = None
        self._shares: Shares | None = None
        self._cursors: dict[int, Cursor] = {}
        self._next_balance = 0.0
        self._next_keep = 0.0
        self._kept: dict[int, Cursor] = {}
        self._turn = 0

    async def poll(self, limit: int, wait: float) -> Batch:
        """See `EventReader.poll`."""
        deadline = time.monotonic() + wait
        while True:
            try:
                batch = await self._poll_once(limit)
            except Exception as error:
                await self._fail(error)
            remaining = deadline - time.monotonic()
            if batch or remaining <= 0:
                return batch
            await self._bell.wait(min(self._pause, remaining))

    async def commit(self, batch: Batch) -> None:
        """See `EventReader.commit`."""
        moved = batch.token
        if not isinstance(moved, dict) or not moved:
            return
        try:
            await self._store(moved)
        except ReaderLost:
            await self._drop()
            raise
        except Exception as error:
            await self._drop()
            if is_passing(error) or isinstance(error, _SESSION_ENDED):
                raise ReaderLost("the session that held the shares is gone") from error
            raise

    async def lag(self) -> int:
        """See `EventReader.lag`: what waits for the whole group, up to 100,000."""
        try:
            connection = await self._open()
            return int(await connection.fetchval(_LAG, self._group, self._types, _LAG_LIMIT))
        except Exception as error:
            await self._fail(error)

    async def close(self) -> None:
        """See `EventReader.close`."""
        await self._drop()

    async def _poll_once(self, limit: int) -> Batch:
        connection = await self._open()
        if time.monotonic() >= self._next_balance:
            await self._balance()
        if time.monotonic() >= self._next_keep:
            await self._keep()
        events: list[Event] = []
        moved: dict[int, Cursor] = {}
        shares = sorted(self._cursors)
        self._turn += 1  # a different share comes first each time, so that a busy one starves none
        for offset in range(len(shares)):
            share = shares[(self._turn + offset) % len(shares)]
            rows, cursor = await self._read(connection, share, limit - len(events))
            events += [_event(row) for row in rows]
            if rows:
                moved[share] = cursor
            else:
                # Nothing for us up to here. Stored now and then: on a restart the same nothing is found again.
                self._cursors[share] = cursor
            if len(events) >= limit:
                break
        return Batch(events=events, token=moved)

    async def _read(
        self, connection: asyncpg.Connection, share: int, limit: int
    ) -> tuple[list[asyncpg.Record], Cursor]:
        cursor = self._cursors[share]
        arguments = (cursor.snapshot, self._types, share, self._count, limit)
        if cursor.snapshot == _BEGINNING and cursor.target is None:
            # Everything is new: to gather it all for the first page would take as long as the log is.
            target = await connection.fetchval(_SNAPSHOT)
            rows = await connection.fetch(_PAGE, *arguments, target, 0)
        elif cursor.target is None:
            found = await connection.fetch(_NEW, *arguments)
            target, rows = found[0]["snapshot"], [row for row in found if row["position"] is not None]
        else:
            target, rows = cursor.target, await connection.fetch(_PAGE, *arguments, cursor.target, cursor.position)
        if len(rows) < limit:
            return rows, Cursor(cursor.epoch, target, None, 0)
        return rows, Cursor(cursor.epoch, cursor.snapshot, target, rows[-1]["position"])

    async def _open(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            await self._drop()
            self._connection = await connect(self._url, f"redress reader {self._group}")
            # A lost cursor update means redelivery, not loss, so it need not wait for the disk.
            await self._connection.execute("set synchronous_commit = off")
            # What a page holds can't be estimated from its conditions, and the planner believes that it is little: it
            # would read and sort the whole log for each page. Without sorting it walks along the positions and stops.
            await self._connection.execute("set enable_sort = off")
            self._shares = Shares(self._connection, self._group, self._count)
            await self._shares.join()
            await self._connection.execute(_DIVIDE, self._group, self._count)
            self._next_balance = 0.0
        return self._connection

    async def _balance(self) -> None:
        assert self._connection is not None
        assert self._shares is not None
        taken, given_up = await self._shares.balance()
        for share in given_up:
            self._cursors.pop(share, None)
            self._kept.pop(share, None)
        for share in taken:
            row = await self._connection.fetchrow(_OPEN, self._group, self._count, share)
            assert row is not None
            self._cursors[share] = Cursor(row["epoch"], row["snapshot"], row["target"], row["position"])
            self._kept[share] = self._cursors[share]
        self._next_balance = time.monotonic() + _BALANCE_SECONDS

    async def _keep(self) -> None:
        # A group of rare events would otherwise count its lag, and begin after a restart, from long ago.
        ahead = {share: cursor for share, cursor in self._cursors.items() if cursor != self._kept[share]}
        if ahead:
            await self._store(ahead)
        self._next_keep = time.monotonic() + _KEEP_SECONDS

    async def _store(self, moved: dict[int, Cursor]) -> None:
        connection = self._connection
        if connection is None or any(share not in self._cursors for share in moved):
            raise ReaderLost("the shares of this batch have passed to another reader")
        cursors = moved.values()
        done = await connection.execute(
            _STORE,
            self._group,
            self._count,
            list(moved),
            [cursor.epoch for cursor in cursors],
            [cursor.snapshot for cursor in cursors],
            [cursor.target for cursor in cursors],
            [cursor.position for cursor in cursors],
        )
        if done != f"UPDATE {len(moved)}":
            raise ReaderLost(f"shares of '{self._group}' have passed to another reader")
        self._cursors.update(moved)
        self._kept.update(moved)

    async def _fail(self, error: Exception) -> NoReturn:
        await self._drop()
        if is_passing(error) or isinstance(error, (ReaderLost, _SESSION_ENDED)):
            raise Unavailable(f"the event log cannot be read: {error}") from error
        raise error

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        self._shares = None
        self._cursors.clear()
        self._kept.clear()
        if connection is None:
            return
        try:
            await connection.close(timeout=2)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
            connection.terminate()


def _event(row: asyncpg.Record) -> Event:
    return Event(row["id"], row["type"], row["key"], row["number"], row["time"], row["realm"], row["data"].encode())
