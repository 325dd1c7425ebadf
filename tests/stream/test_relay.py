"""The relay between the log and Kafka, while one or the other is killed."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from services.base.database import connect
from services.base.identity import new_id
from services.base.stream import publisher
from services.base.stream.cloudevents import event_of
from services.base.stream.database import DatabaseStream
from services.base.stream.event import Event
from services.base.stream.kafka import ensure_topics
from services.base.stream.relay import GROUP, Relay
from tests.servers.kafka import KafkaServer
from tests.stream.factories import Happened, insert_raw

pytestmark = pytest.mark.kafka

PARTITIONS = 4
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SIZES = [*range(0, 450_000, 30_000), *([100] * 1_500)]
HELD = """
    select count(*)::int as shares from pg_locks join pg_stat_activity using (pid)
    where locktype = 'advisory' and mode = 'ExclusiveLock' and granted and application_name = 'redress reader relay'
      and pg_stat_activity.datname = current_database()
    group by pid order by 1
"""


async def test_while_kafka_is_away_events_wait_and_then_arrive_in_order(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Shorter than the outage, so that the relay gives up producers that have events in doubt.
    monkeypatch.setattr(publisher, "_PUBLISH_SECONDS", 1.0)
    monkeypatch.setattr(publisher, "_STOP_SECONDS", 0.5)
    keys = [new_id() for _ in range(20)]
    with KafkaServer() as mortal:
        await ensure_topics(mortal.bootstrap, [Happened.TOPIC], partitions=PARTITIONS, replication=1)
        relay = Relay(DatabaseStream(database, shares=2, pause=0.01), mortal.bootstrap, batch_size=50)
        running = asyncio.create_task(relay.run())
        writing = asyncio.create_task(write(database, keys, 60, pause=0.03))
        await arrived(mortal, keys, until=100, quiet=False)

        mortal.kill()
        await writing
        await asyncio.to_thread(mortal.restart)
        found = await arrived(mortal, keys, until=20 * 60)
        relay.stop()
        await asyncio.wait_for(running, 10)

    assert_complete(found, keys, 60)


async def test_what_a_killed_relay_had_not_noted_is_published_again(kafka: KafkaServer, database: str) -> None:
    await ensure_topics(kafka.bootstrap, [Happened.TOPIC], partitions=PARTITIONS, replication=1)
    keys = [new_id() for _ in range(20)]
    writing = asyncio.create_task(write(database, keys, 40, pause=0.02))
    for turn in range(6):
        killed = asyncio.create_task(Relay(source(database), kafka.bootstrap, batch_size=30).run())
        await asyncio.sleep(0.1 + 0.03 * turn)
        killed.cancel()
        await asyncio.wait([killed])
    await writing
    relay = Relay(source(database), kafka.bootstrap)
    running = asyncio.create_task(relay.run())

    found = await arrived(kafka, keys, until=20 * 40)

    relay.stop()
    await running
    assert_complete(found, keys, 40)


async def test_what_was_published_and_not_noted_arrives_twice(kafka: KafkaServer, database: str) -> None:
    await ensure_topics(kafka.bootstrap, [Happened.TOPIC], partitions=PARTITIONS, replication=1)
    key = new_id()
    await write(database, [key], 5, pause=0)
    reader, sender = source(database).everything(GROUP), publisher.KafkaPublisher(kafka.bootstrap)
    batch = await reader.poll(100, 1.0)
    await sender.publish(batch.events)
    await sender.close()
    await reader.close()
    relay = Relay(source(database), kafka.bootstrap)
    running = asyncio.create_task(relay.run())

    found = await arrived(kafka, [key], until=5, at_least=10)

    relay.stop()
    await running
    assert found[key] == [1, 2, 3, 4, 5, 1, 2, 3, 4, 5]


async def test_two_relays_share_the_work_and_publish_everything_once(kafka: KafkaServer, database: str) -> None:
    await ensure_topics(kafka.bootstrap, [Happened.TOPIC], partitions=PARTITIONS, replication=1)
    relays = [Relay(source(database), kafka.bootstrap) for _ in range(2)]
    running = [asyncio.create_task(relay.run()) for relay in relays]
    session = await connect(database)
    async with asyncio.timeout(10):
        while await shares_held(session) != [2, 2]:
            await asyncio.sleep(0.05)
    await session.close()
    keys = [new_id() for _ in range(40)]

    await write(database, keys, 10, pause=0.005)
    found = await arrived(kafka, keys, until=40 * 10)

    for relay in relays:
        relay.stop()
    await asyncio.gather(*running)
    assert found == {key: list(range(1, 11)) for key in keys}


def test_what_is_sent_at_once_fits_into_one_batch_of_a_partition() -> None:
    events = [Event(new_id(), "redress.test.happened.v1", new_id(), 1, NOON, "live", b"x" * size) for size in SIZES]

    chunks = list(publisher._chunks(events))

    assert [event for chunk in chunks for event in chunk] == events
    assert all(len(chunk) == 1 or sum(len(event.data) for event in chunk) <= 400_000 for chunk in chunks)
    assert max(map(len, chunks)) == 1_000


def source(database: str) -> DatabaseStream:
    return DatabaseStream(database, shares=4, pause=0.01)


async def write(database: str, keys: Sequence[UUID], count: int, *, pause: float) -> None:
    """``count`` events of every key, one of each at a time."""
    connection = await connect(database)
    for number in range(1, count + 1):
        await insert_raw(connection, [(key, number) for key in keys])
        await asyncio.sleep(pause)
    await connection.close()


async def arrived(
    kafka: KafkaServer, keys: Collection[UUID], *, until: int, at_least: int = 0, quiet: bool = True
) -> dict[UUID, list[int]]:
    """The numbers of every key as they lie on the topic, once ``until`` different events of ``keys`` are there
    (and nothing more comes, when ``quiet``)."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    consumer.assign([TopicPartition(Happened.TOPIC, part) for part in range(PARTITIONS)])
    found: dict[UUID, list[int]] = defaultdict(list)
    try:
        async with asyncio.timeout(30):
            while True:
                records = await consumer.getmany(timeout_ms=300)
                for record in (record for part in records.values() for record in part):
                    event = event_of(record)
                    if isinstance(event, Event) and event.key in keys:
                        found[event.key].append(event.number)
                enough = sum(len(set(numbers)) for numbers in found.values()) >= until
                if enough and sum(map(len, found.values())) >= at_least and not (quiet and records):
                    return dict(found)
    finally:
        await consumer.stop()


async def shares_held(session: asyncpg.Connection) -> list[int]:
    return [row["shares"] for row in await session.fetch(HELD)]


def assert_complete(found: dict[UUID, list[int]], keys: Sequence[UUID], count: int) -> None:
    """Nothing is missing, and no number came before one below it; repetition is allowed."""
    assert set(found) == set(keys)
    for numbers in found.values():
        first = list(dict.fromkeys(numbers))
        assert first == list(range(1, count + 1))
