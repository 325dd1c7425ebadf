"""The stress of the event log: many writers, rollbacks, slow transactions, and readers that are killed.

Run by the test with a few seconds, and by ``bench/log_stress.py`` for as long as one likes. Writers keep the rules of
the real ones: a case's number is taken under the case's row lock, and an event is written in the transaction that
changes the case.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg

from services.base.database import connect
from services.base.errors import Unavailable
from services.base.identity import new_id
from services.base.stream.database import DatabaseStream
from services.base.stream.port import EventReader, EventStream, ReaderLost
from tests.stream.factories import Happened, insert_raw

_TYPES = {Happened.TYPE}


@dataclass
class Outcome:
    """What the stress saw."""

    written: int = 0
    rolled_back: int = 0
    delivered: int = 0
    repeated: int = 0
    missed: int = 0
    invented: int = 0
    out_of_order: int = 0
    readers_killed: int = 0
    milliseconds: list[float] = field(default_factory=list)

    def describe(self) -> str:
        """One line of counts, and the time from writing to delivery."""
        ordered = sorted(self.milliseconds) or [0.0]
        median, p99 = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]
        return (
            f"written {self.written}, rolled back {self.rolled_back}, delivered {self.delivered} "
            f"(repeated {self.repeated}), readers killed {self.readers_killed}: missed {self.missed}, "
            f"invented {self.invented}, out of order {self.out_of_order}; "
            f"from insert to delivery median {median:.0f} ms, 99th percentile {p99:.0f} ms"
        )


class Stress:
    """Writers and readers on one database until the time is over; then the count."""

    def __init__(
        self, url: str, *, cases: int = 200, shares: int = 3, seed: int = 7, stream: EventStream | None = None
    ) -> None:
        """``stream``: what reads the log, when it is not to be `DatabaseStream`."""
        self._url = url
        self._cases = [new_id() for _ in range(cases)]
        self._random = random.Random(seed)
        self._stream = stream or DatabaseStream(url, shares=shares, pause=0.01)
        self._committed: dict[UUID, int] = {}
        self._delivered: dict[UUID, list[int]] = defaultdict(list)
        self._times: dict[tuple[UUID, int], float] = {}
        self._outcome = Outcome()

    async def run(self, seconds: float, *, writers: int = 6, readers: int = 3) -> Outcome:
        """Everything at once for ``seconds``; then the readers catch up, and the deliveries are compared."""
        await self._prepare()
        end = time.monotonic() + seconds
        reading = [asyncio.create_task(self.read(end)) for _ in range(readers)]
        await asyncio.gather(*(self._write(end) for _ in range(writers)), self._dawdle(end))
        await asyncio.gather(*reading)
        await self._catch_up()
        return self._compare()

    async def read(self, end: float) -> None:
        """One reader after another until ``end``, each killed with a batch in its hands."""
        reader = self._stream.reader("stress", _TYPES)
        while time.monotonic() < end:
            try:
                await self._take(reader, self._random.randint(1, 80), 0.05)
            except (ReaderLost, Unavailable):
                continue
            if self._random.random() < 0.02:
                await self._kill(reader)
                reader = self._stream.reader("stress", _TYPES)
        await reader.close()

    def note_killed(self) -> None:
        """A reader was killed."""
        self._outcome.readers_killed += 1

    def note_delivered(self, key: UUID, number: int, at: float) -> None:
        """An event was given to a reader, at ``at`` by the monotonic clock. To be told in the order of delivery."""
        self._delivered[key].append(number)
        written_at = self._times.pop((key, number), None)
        if written_at is not None:
            self._outcome.milliseconds.append(max(0.0, at - written_at) * 1000)

    async def _prepare(self) -> None:
        connection = await connect(self._url)
        await connection.execute("create table stress_case (id uuid primary key, version int not null)")
        await connection.executemany("insert into stress_case values ($1, 0)", [(case,) for case in self._cases])
        await connection.close()

    async def _write(self, end: float) -> None:
        connection = await connect(self._url)
        while time.monotonic() < end:
            chosen = self._random.sample(self._cases, self._random.randint(1, 12))
            pause = self._random.choice((0, 0, 0, 0.002, 0.02))
            await self._transaction(connection, chosen, pause, self._random.random() < 0.15)
        await connection.close()

    async def _dawdle(self, end: float) -> None:
        # A transaction that stays open for long after it took its positions, as a slow batch would.
        connection = await connect(self._url)
        case = new_id()
        await connection.execute("insert into stress_case values ($1, 0)", case)
        while time.monotonic() < end:
            await self._transaction(connection, [case], min(1.0, max(0.0, end - time.monotonic())), False)
        await connection.close()

    async def _transaction(
        self, connection: asyncpg.Connection, chosen: list[UUID], pause: float, roll_back: bool
    ) -> None:
        transaction = connection.transaction()
        await transaction.start()
        rows = await connection.fetch(
            "select id, version from stress_case where id = any($1) order by id for update", chosen
        )
        numbered = [(row["id"], row["version"] + 1) for row in rows]
        await connection.execute("update stress_case set version = version + 1 where id = any($1)", chosen)
        await insert_raw(connection, numbered)
        written_at = time.monotonic()
        if pause:
            await asyncio.sleep(pause)
        if roll_back:
            await transaction.rollback()
            self._outcome.rolled_back += len(numbered)
            return
        # Noted before the commit, since a reader may be told before this task goes on.
        for case, number in numbered:
            self._times[case, number] = written_at + pause
        await transaction.commit()
        for case, number in numbered:
            self._committed[case] = max(number, self._committed.get(case, 0))
        self._outcome.written += len(numbered)

    async def _kill(self, reader: EventReader) -> None:
        # As a process dies: with a batch in its hands, its session gone, nothing said.
        self.note_killed()
        with suppress(Unavailable):
            await reader.poll(50, 0.05)
        await reader.close()

    async def _take(self, reader: EventReader, limit: int, wait: float) -> int:
        batch = await reader.poll(limit, wait)
        now = time.monotonic()
        for event in batch.events:
            self.note_delivered(event.key, event.number, now)
        await reader.commit(batch)
        return len(batch.events)

    async def _catch_up(self) -> None:
        reader = self._stream.reader("stress", _TYPES)
        quiet = 0
        while quiet < 3:
            quiet = 0 if await self._take(reader, 5000, 0.3) else quiet + 1
        await reader.close()

    def _compare(self) -> Outcome:
        outcome = self._outcome
        for case, last in self._committed.items():
            outcome.missed += len(set(range(1, last + 1)) - set(self._delivered[case]))
        for case, numbers in self._delivered.items():
            outcome.delivered += len(numbers)
            outcome.repeated += len(numbers) - len(set(numbers))
            outcome.invented += sum(number > self._committed.get(case, 0) for number in set(numbers))
            outcome.out_of_order += _skips(numbers)
        return outcome


def _skips(numbers: list[int]) -> int:
    """How often a number came while an earlier one had not been delivered yet. Repetition is not counted."""
    seen = 0
    skips = 0
    for number in numbers:
        if number > seen + 1:
            skips += 1
        seen = max(seen, number)
    return skips
