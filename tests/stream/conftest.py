"""Streams to test: each adapter, fed as in production."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.errors import Unavailable
from services.base.identity import new_id
from services.base.stream.database import DatabaseStream
from services.base.stream.event import Event
from services.base.stream.kafka import KafkaStream, ensure_topics
from services.base.stream.log import append
from services.base.stream.port import EventReader, EventStream, ReaderLost
from services.base.stream.relay import Relay
from tests.servers.kafka import KafkaServer
from tests.stream.factories import Happened, happened

PATIENCE = 30.0


@dataclass
class Carried:
    """A stream, the database whose events it carries, and a reader group of its own.

    Topics outlive tests, so only events of keys made with `key` are counted.
    """

    stream: EventStream
    engine: AsyncEngine
    group: str = field(default_factory=lambda: f"readers-{new_id()}")
    keys: set[UUID] = field(default_factory=set)
    readers: list[EventReader] = field(default_factory=list)

    def key(self) -> UUID:
        key = new_id()
        self.keys.add(key)
        return key

    async def write(self, numbered: Collection[tuple[UUID, int]]) -> None:
        async with self.engine.begin() as connection:
            await append(connection, [happened(key, number) for key, number in numbered])

    def reader(self, group: str | None = None) -> EventReader:
        """A reader, which is closed with the test at the latest, so that one that fails leaves none to the next."""
        reader = self.stream.reader(group or self.group, {Happened.TYPE})
        self.readers.append(reader)
        return reader

    async def close(self) -> None:
        for reader in self.readers:
            await reader.close()

    async def take_all(self, reader: EventReader) -> None:
        """Poll until nothing waits for the group: what other tests have left on the topic waits for it too."""
        async with asyncio.timeout(PATIENCE):
            while await self.stream.lag(self.group, {Happened.TYPE}) != 0:
                await self._round(reader, 100, 0.2, commit=True)

    async def take(self, reader: EventReader, count: int, *, limit: int = 100, commit: bool = True) -> list[Event]:
        """Poll until ``count`` events of our keys have come, and then once more for what is too much."""
        taken: list[Event] = []
        async with asyncio.timeout(PATIENCE):
            while len(taken) < count:
                taken += await self._round(reader, limit, 0.5, commit)
        return taken + await self._round(reader, limit, 0.2, commit)

    async def _round(self, reader: EventReader, limit: int, wait: float, commit: bool) -> list[Event]:
        try:
            batch = await reader.poll(limit, wait)
            if commit:
                await reader.commit(batch)
        except (ReaderLost, Unavailable):
            return []
        return [event for event in batch.events if event.key in self.keys]


@pytest.fixture(params=["database", pytest.param("kafka", marks=pytest.mark.kafka)])
async def carried(request: pytest.FixtureRequest, engine: AsyncEngine, database: str) -> AsyncIterator[Carried]:
    if request.param == "database":
        carried = Carried(DatabaseStream(database, shares=4, pause=0.01), engine)
        yield carried
        await carried.close()
        return
    kafka: KafkaServer = request.getfixturevalue("kafka")
    await ensure_topics(kafka.bootstrap, [Happened.TOPIC], partitions=4, replication=1)
    relay = Relay(DatabaseStream(database, shares=2, pause=0.01), kafka.bootstrap)
    running = asyncio.create_task(relay.run())
    carried = Carried(KafkaStream(kafka.bootstrap), engine)
    yield carried
    await carried.close()
    relay.stop()
    await running
