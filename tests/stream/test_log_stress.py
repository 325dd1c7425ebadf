"""The event log under stress: what the snapshot cursor promises, and that the stress would notice if it did not."""

from __future__ import annotations

from collections.abc import Collection

import asyncpg

from services.base.database import connect
from services.base.stream.event import Batch, Event
from tests.stream.log_stress import Outcome, Stress

_COLUMNS = "xid::text::int8 as xid, position, id, type, key, number, realm, time, data::text as data"
BY_POSITION = f"select {_COLUMNS} from event where position > $2 and $1::int8 >= 0 order by position limit $3"
BELOW_A_WATERMARK = f"""
    select {_COLUMNS} from event
    where (xid, position) > ($1::int8::text::xid8, $2) and xid < pg_snapshot_xmin(pg_current_snapshot())
    order by xid, position limit $3
"""


async def test_under_stress_nothing_is_missed_invented_or_out_of_order(database: str) -> None:
    outcome = await Stress(database).run(5)

    assert (outcome.missed, outcome.invented, outcome.out_of_order) == (0, 0, 0), outcome.describe()
    assert outcome.delivered > 1000, outcome.describe()
    assert outcome.rolled_back > 0, outcome.describe()
    assert outcome.readers_killed > 0, outcome.describe()


async def test_the_stress_catches_a_reader_that_follows_positions(database: str) -> None:
    outcome = await stress_of(database, BY_POSITION)

    assert outcome.missed > 0, outcome.describe()


async def test_the_stress_catches_a_reader_that_follows_transaction_ids(database: str) -> None:
    outcome = await stress_of(database, BELOW_A_WATERMARK)

    assert outcome.out_of_order > 0, outcome.describe()


async def test_the_promises_hold_with_more_shares_than_readers(database: str) -> None:
    outcome = await Stress(database, shares=5).run(1.5)

    assert (outcome.missed, outcome.invented, outcome.out_of_order) == (0, 0, 0), outcome.describe()


async def stress_of(database: str, query: str) -> Outcome:
    stream = NaiveStream(database, query)
    return await Stress(database, cases=40, stream=stream).run(2, readers=1)


class NaiveStream:
    """Readers with one of the cursors that look right: the last position, or the last of an order."""

    def __init__(self, url: str, query: str) -> None:
        self.url = url
        self.query = query
        self.cursor = (0, 0)

    def reader(self, group: str, types: Collection[str]) -> NaiveReader:
        return NaiveReader(self)

    async def lag(self, group: str, types: Collection[str]) -> int:
        return 0

    async def close(self) -> None: ...


class NaiveReader:
    """Reads after the stream's cursor, which moves when a batch is committed."""

    def __init__(self, stream: NaiveStream) -> None:
        self._stream = stream
        self._connection: asyncpg.Connection | None = None

    async def poll(self, limit: int, wait: float) -> Batch:
        self._connection = self._connection or await connect(self._stream.url)
        rows = await self._connection.fetch(self._stream.query, *self._stream.cursor, limit)
        events = [
            Event(row["id"], row["type"], row["key"], row["number"], row["time"], row["realm"], row["data"].encode())
            for row in rows
        ]
        return Batch(events, token=(rows[-1]["xid"], rows[-1]["position"]) if rows else None)

    async def commit(self, batch: Batch) -> None:
        if isinstance(batch.token, tuple):
            self._stream.cursor = batch.token

    async def lag(self) -> int:
        return 0

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()
