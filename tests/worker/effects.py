"""A handler to test the worker with: its effects can be counted, and it fails where it is told to."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.base.identity import new_id
from services.base.stream.database import DatabaseStream
from services.base.stream.event import Event, NewEvent
from services.base.stream.log import append
from services.base.worker.loop import Pauses, Worker
from tests.stream.factories import NOW, Happened

GROUP = "effects"
SHORT = Pauses(poll=0.05, replay=0.05, lag=0.2, first_retry=0.005, longest_retry=0.1)

_TABLES = (
    "create table effect (place bigint generated always as identity, key uuid, number int, primary key (key, number))",
    "create table total (effects int not null)",
    "insert into total values (0)",
)
# The total counts how often an effect was new, so that an effect that happened twice would show.
_APPLY = sa.text("""
    with fresh as (
        insert into effect (key, number) values (:key, :number) on conflict do nothing returning 1
    )
    update total set effects = effects + (select count(*) from fresh)
""")


class Effects:
    """Notes each event once. ``failures`` says what is raised for an event, until it is taken out again."""

    group = GROUP

    def __init__(self) -> None:
        self.types: Collection[str] = {Happened.TYPE}
        self.failures: dict[tuple[UUID, int], Exception] = {}
        self.given: Counter[tuple[UUID, int]] = Counter()
        self.batches: list[int] = []
        self.began = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def handle(self, connection: AsyncConnection, events: Sequence[Event]) -> None:
        self.batches.append(len(events))
        for event in events:
            self.given[event.key, event.number] += 1
            if failure := self.failures.get((event.key, event.number)):
                raise failure
            await connection.execute(_APPLY, {"key": event.key, "number": event.number})
        self.began.set()
        await self.go_on.wait()


async def create_tables(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        for statement in _TABLES:
            await connection.execute(sa.text(statement))


def worker_of(
    engine: AsyncEngine, database: str, handler: Effects, *, attempts: int = 3, pauses: Pauses = SHORT
) -> Worker:
    reader = DatabaseStream(database, shares=1, pause=0.01).reader(handler.group, handler.types)
    return Worker(engine, reader, handler, batch_size=100, attempts=attempts, pauses=pauses)


@asynccontextmanager
async def running(worker: Worker) -> AsyncIterator[asyncio.Task[None]]:
    """The worker at work; asked to stop at the end."""
    task = asyncio.create_task(worker.run())
    try:
        yield task
    finally:
        worker.stop()
        await asyncio.wait_for(task, 15)


async def until(condition: Callable[[], Awaitable[bool]], within: float = 20.0) -> None:
    async with asyncio.timeout(within):
        while not await condition():
            await asyncio.sleep(0.01)


async def write(
    engine: AsyncEngine, numbered: Sequence[tuple[UUID, int]], time: datetime = NOW
) -> list[tuple[UUID, int]]:
    """Events in this order, in one transaction; returns what was written."""
    events = [NewEvent(key, number, Happened(), time, "live", "system:test") for key, number in numbered]
    async with engine.begin() as connection:
        await append(connection, events)
    return list(numbered)


def of_new_keys(count: int) -> list[tuple[UUID, int]]:
    """The first event of each of ``count`` keys."""
    return [(new_id(), 1) for _ in range(count)]


async def effects(engine: AsyncEngine) -> list[tuple[UUID, int]]:
    """What was carried out, in the order in which it was."""
    async with engine.connect() as connection:
        rows = await connection.execute(sa.text("select key, number from effect order by place"))
        return [(row.key, row.number) for row in rows]


async def total(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        return int((await connection.execute(sa.text("select effects from total"))).scalar_one())


def carried_out(engine: AsyncEngine, wanted: Collection[tuple[UUID, int]]) -> Callable[[], Awaitable[bool]]:
    async def condition() -> bool:
        return set(wanted) <= set(await effects(engine))

    return condition
