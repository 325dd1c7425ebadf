"""Dead letters: how they are replayed by their worker, and what may be asked of them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.errors import NotFound, Refused
from services.base.identity import new_id
from services.base.stream.event import Event, Undecodable
from services.base.stream.kafka import KafkaStream, ensure_topics
from services.base.stream.publisher import KafkaPublisher
from services.base.worker import dead_letters
from services.base.worker.dead_letters import Parked, Reason
from services.base.worker.loop import Worker
from tests.servers.kafka import KafkaServer
from tests.stream.factories import NOW
from tests.stream.records import put_rubbish
from tests.worker.effects import (
    GROUP,
    SHORT,
    Effects,
    carried_out,
    create_tables,
    effects,
    of_new_keys,
    running,
    until,
    worker_of,
    write,
)


@pytest.fixture(autouse=True)
async def tables(engine: AsyncEngine) -> None:
    await create_tables(engine)


async def test_after_a_replay_the_poison_event_and_those_behind_it_are_handled_in_order(
    engine: AsyncEngine, database: str
) -> None:
    poison = new_id()
    written = await write(engine, [(poison, number) for number in range(1, 6)])
    handler = Effects()
    handler.failures[poison, 2] = ValueError("poison")
    async with running(worker_of(engine, database, handler)):
        await until(lambda: parked_are(engine, 4))

        handler.failures.clear()
        asked = await request_replay(engine)
        await until(carried_out(engine, written))
        await until(lambda: parked_are(engine, 0))
        later = await write(engine, [(poison, 6)])
        await until(carried_out(engine, later))

    assert asked == 1
    assert await effects(engine) == [*written, (poison, 6)]


async def test_a_replay_that_fails_again_is_parked_again_and_holds_those_behind_it(
    engine: AsyncEngine, database: str
) -> None:
    poison = new_id()
    await write(engine, [(poison, 1), (poison, 2)])
    handler = Effects()
    handler.failures[poison, 1] = ValueError("poison")
    async with running(worker_of(engine, database, handler, attempts=2)):
        await until(lambda: parked_are(engine, 2))

        handler.failures[poison, 1] = Refused("the case is closed")
        await request_replay(engine)
        await until(lambda: first_has_attempts(engine, 3))
        healthy = await write(engine, of_new_keys(1))
        await until(carried_out(engine, healthy))

    [first, behind] = await parked(engine)
    assert (first.number, first.status, first.reason, first.attempts) == (1, "parked", "refused", 3)
    assert first.detail == "Refused: the case is closed"
    assert (behind.number, behind.status, behind.reason) == (2, "parked", "behind")
    assert await effects(engine) == healthy


async def test_one_that_waited_behind_and_fails_itself_is_parked_as_failed(engine: AsyncEngine, database: str) -> None:
    poison = new_id()
    await write(engine, [(poison, number) for number in (1, 2, 3)])
    handler = Effects()
    handler.failures = {(poison, 1): ValueError("first"), (poison, 2): ValueError("second")}
    async with running(worker_of(engine, database, handler)):
        await until(lambda: parked_are(engine, 3))
        del handler.failures[poison, 1]
        await request_replay(engine)
        await until(lambda: parked_are(engine, 2))
        await until(lambda: first_has_attempts(engine, 1))

    assert [(letter.number, letter.reason, letter.detail) for letter in await parked(engine)] == [
        (2, "failed", "ValueError: second"),
        (3, "behind", "an earlier event is parked"),
    ]


async def test_nothing_is_handled_again_before_a_person_asks(engine: AsyncEngine, database: str) -> None:
    [event] = await write(engine, of_new_keys(1))
    handler = Effects()
    handler.failures[event] = ValueError("poison")
    async with running(worker_of(engine, database, handler)):
        await until(lambda: parked_are(engine, 1))
        handler.failures.clear()
        healthy = await write(engine, of_new_keys(1))
        await until(carried_out(engine, healthy))

    assert await effects(engine) == healthy


async def test_two_workers_never_have_two_events_of_a_key_at_once(engine: AsyncEngine) -> None:
    key, other = new_id(), new_id()
    await park(engine, "failed", event(key, 1), event(other, 1))
    await park(engine, "behind", event(key, 2))
    await request_replay(engine)

    async with engine.begin() as first, engine.begin() as second, engine.begin() as third:
        found = [await dead_letters.next_to_replay(connection, GROUP) for connection in (first, second, third)]

    assert [taken and (taken[1].key, taken[1].number) for taken in found] == [(key, 1), (other, 1), None]


async def test_a_replayed_event_is_the_one_that_was_parked(engine: AsyncEngine) -> None:
    written = event(new_id(), 7, data='{"word":"断网"}'.encode())
    await park(engine, "failed", written)
    await request_replay(engine)

    async with engine.begin() as connection:
        found = await dead_letters.next_to_replay(connection, GROUP)

    assert found is not None
    assert found[1] == written


async def test_parking_what_is_parked_changes_nothing(engine: AsyncEngine) -> None:
    again = event(new_id(), 1)
    await park(engine, "failed", again)
    await park(engine, "behind", again)
    for _ in range(2):
        async with engine.begin() as connection:
            await dead_letters.park_undecodable(connection, GROUP, [RUBBISH])

    assert [(letter.reason, letter.attempts) for letter in await parked(engine)] == [("failed", 1), ("undecodable", 1)]


async def test_more_events_than_a_statement_has_parameters_for_are_parked_at_once(engine: AsyncEngine) -> None:
    events = [Event(new_id(), "redress.test.happened.v1", new_id(), 1, NOW, "live", b"{}") for _ in range(5_000)]

    async with engine.begin() as connection:
        await dead_letters.park(connection, GROUP, events, "behind", "an earlier event is parked", 0)

    async with engine.connect() as connection:
        assert len(await dead_letters.find(connection, limit=10_000)) == 5_000


async def test_new_events_do_not_wait_until_all_dead_letters_are_replayed(engine: AsyncEngine, database: str) -> None:
    parked = [Event(new_id(), "redress.test.happened.v1", new_id(), 1, NOW, "live", b"{}") for _ in range(3)]
    async with engine.begin() as connection:
        await dead_letters.park(connection, GROUP, parked, "failed", "for a test", 1)
    await request_replay(engine)
    handler = Effects()
    handler.go_on.clear()

    async with running(worker_of(engine, database, handler, pauses=replace(SHORT, longest_replay=0.0))):
        await asyncio.wait_for(handler.began.wait(), 10)
        fresh = await write(engine, of_new_keys(1))
        handler.go_on.set()
        await until(lambda: parked_are(engine, 0))

    first, *others = [(event.key, event.number) for event in parked]
    assert await effects(engine) == [first, *fresh, *others]


async def test_groups_park_for_themselves(engine: AsyncEngine) -> None:
    parked_here = event(new_id(), 1)
    await park(engine, "failed", parked_here)

    async with engine.connect() as connection:
        here = await dead_letters.blocked_keys(connection, GROUP, [parked_here.key])
        there = await dead_letters.blocked_keys(connection, "another", [parked_here.key])

    assert (here, there) == ({parked_here.key}, set())


async def test_what_waits_behind_and_what_was_no_event_cannot_be_replayed(engine: AsyncEngine) -> None:
    await park(engine, "behind", event(new_id(), 2))
    async with engine.begin() as connection:
        await dead_letters.park_undecodable(connection, GROUP, [RUBBISH])

    for letter in await parked(engine):
        async with engine.begin() as connection:
            with pytest.raises(NotFound, match=f"dead letter {letter.id} can't be replayed"):
                await dead_letters.request_replay(connection, letter=letter.id)
    assert await request_replay(engine) == 0


async def test_a_dead_letter_that_is_not_there_is_said_not_to_be(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        with pytest.raises(NotFound, match="there is no dead letter 42"):
            await dead_letters.get(connection, 42)


@pytest.mark.kafka
async def test_records_that_are_no_events_are_parked_and_their_neighbours_handled(
    engine: AsyncEngine, kafka: KafkaServer
) -> None:
    topic = f"redress.t{new_id().hex}"
    handler = Effects()
    handler.types = {f"{topic}.happened.v1"}
    await ensure_topics(kafka.bootstrap, [topic], partitions=1, replication=1)
    events = [event(new_id(), 1, type_=f"{topic}.happened.v1") for _ in range(10)]
    publisher = KafkaPublisher(kafka.bootstrap)
    await publisher.publish(events[:5])
    kinds = await put_rubbish(kafka.bootstrap, topic, f"{topic}.happened.v1")
    await publisher.publish(events[5:])
    await publisher.close()
    reader = KafkaStream(kafka.bootstrap).reader(GROUP, handler.types)

    async with running(Worker(engine, reader, handler, batch_size=4, pauses=SHORT)):
        await until(carried_out(engine, [(event.key, 1) for event in events]))

    letters = await parked(engine)
    assert {letter.reason for letter in letters} == {"undecodable"}
    assert len(letters) == kinds
    assert all(topic in letter.detail for letter in letters)


RUBBISH = Undecodable(b"\xff\x00", {"ce_id": "?"}, "redress.test/0@7", "the value is no JSON object")


def event(key: UUID, number: int, *, type_: str = "redress.test.happened.v1", data: bytes = b"{}") -> Event:
    return Event(new_id(), type_, key, number, datetime(2026, 11, 23, 8, tzinfo=UTC), "live", data)


async def park(engine: AsyncEngine, reason: Reason, *events: Event) -> None:
    async with engine.begin() as connection:
        await dead_letters.park(connection, GROUP, events, reason, "a test", 1)


async def request_replay(engine: AsyncEngine) -> int:
    async with engine.begin() as connection:
        return await dead_letters.request_replay(connection, group=GROUP)


async def parked(engine: AsyncEngine) -> list[Parked]:
    async with engine.connect() as connection:
        return await dead_letters.find(connection, group=GROUP)


async def parked_are(engine: AsyncEngine, count: int) -> bool:
    return len(await parked(engine)) == count


async def first_has_attempts(engine: AsyncEngine, attempts: int) -> bool:
    return (await parked(engine))[0].attempts == attempts
