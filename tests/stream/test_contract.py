"""What every event stream promises (see `services.base.stream.port`), tried on each adapter."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from uuid import UUID

import pytest

from services.base.stream.event import Event
from services.base.stream.log import append
from tests.stream.conftest import Carried
from tests.stream.factories import happened, other


def numbers_by_key(events: list[Event]) -> dict[UUID, list[int]]:
    found: dict[UUID, list[int]] = defaultdict(list)
    for event in events:
        found[event.key].append(event.number)
    return dict(found)


async def test_what_was_committed_is_delivered_and_what_was_rolled_back_is_not(carried: Carried) -> None:
    kept, dropped = carried.key(), carried.key()
    connection = await carried.engine.connect()
    await append(connection, [happened(dropped, 1)])
    await connection.rollback()
    await connection.close()
    await carried.write([(kept, 1), (kept, 2)])
    reader = carried.reader()
    events = await carried.take(reader, 2)
    await reader.close()
    assert numbers_by_key(events) == {kept: [1, 2]}


async def test_the_events_of_a_key_come_in_the_order_of_their_numbers(carried: Carried) -> None:
    keys = [carried.key() for _ in range(7)]
    for number in range(1, 11):
        await carried.write([(key, number) for key in keys])
    reader = carried.reader()
    events = await carried.take(reader, 70, limit=9)
    await reader.close()
    assert numbers_by_key(events) == {key: list(range(1, 11)) for key in keys}


async def test_an_event_says_the_same_on_arrival_as_when_it_was_written(carried: Carried) -> None:
    key = carried.key()
    written = happened(key, 1, word="断网 📡", private={"note": "what the customer said"})
    async with carried.engine.begin() as connection:
        await append(connection, [written])
    reader = carried.reader()
    [event] = await carried.take(reader, 1)
    await reader.close()
    assert (event.type, event.key, event.number, event.realm) == (written.data.TYPE, key, 1, "live")
    assert event.time == written.time
    assert type(written.data).model_validate_json(event.data) == written.data
    assert b"what the customer said" not in event.data


async def test_what_was_committed_by_a_reader_does_not_come_again(carried: Carried) -> None:
    key = carried.key()
    await carried.write([(key, 1), (key, 2)])
    first = carried.reader()
    await carried.take(first, 2)
    await first.close()
    await carried.write([(key, 3)])
    second = carried.reader()
    events = await carried.take(second, 1)
    await second.close()
    assert [event.number for event in events] == [3]


async def test_what_was_not_committed_comes_again_to_the_next_reader(carried: Carried) -> None:
    key = carried.key()
    await carried.write([(key, number) for number in range(1, 6)])
    first = carried.reader()
    seen: list[Event] = []
    async with asyncio.timeout(30):
        while not seen:
            seen = [event for event in (await first.poll(100, 0.5)).events if event.key == key]
    await first.close()
    second = carried.reader()
    events = await carried.take(second, 5)
    await second.close()
    assert [event.number for event in events] == [1, 2, 3, 4, 5]


async def test_a_reader_that_polls_without_committing_is_given_the_same_again(carried: Carried) -> None:
    key = carried.key()
    await carried.write([(key, 1), (key, 2)])
    reader = carried.reader()
    seen: list[Event] = []
    async with asyncio.timeout(30):
        while not seen:
            seen = [event for event in (await reader.poll(100, 0.5)).events if event.key == key]
    again = await carried.take(reader, len(seen))
    await reader.close()
    assert [event.number for event in again][: len(seen)] == [event.number for event in seen]


async def test_events_of_other_types_are_passed_over(carried: Carried) -> None:
    key = carried.key()
    async with carried.engine.begin() as connection:
        await append(connection, [happened(key, 1), other(key, 2), happened(key, 3)])
    reader = carried.reader()
    events = await carried.take(reader, 2)
    await reader.close()
    assert [event.number for event in events] == [1, 3]


async def test_every_group_is_given_everything(carried: Carried) -> None:
    key = carried.key()
    await carried.write([(key, 1), (key, 2)])
    for group in (carried.group, carried.group + "-other"):
        reader = carried.reader(group)
        assert [event.number for event in await carried.take(reader, 2)] == [1, 2]
        await reader.close()


async def test_two_readers_divide_the_keys_and_one_takes_over_from_the_other(carried: Carried) -> None:
    keys = [carried.key() for _ in range(40)]
    readers = [carried.reader(), carried.reader()]
    taken: list[list[Event]] = [[], []]

    async def read(which: int, until: int) -> None:
        while sum(map(len, taken)) < until:
            taken[which] += await carried._round(readers[which], 50, 0.2, commit=True)

    async with asyncio.timeout(60):
        # Until both have a part of the keys, each round writes one more event of every key.
        number = 0
        while not all(taken):
            number += 1
            await carried.write([(key, number) for key in keys])
            await asyncio.gather(read(0, number * 40), read(1, number * 40))
        last = [numbers_by_key(part) for part in taken]
        newest = [{key for key, numbers in part.items() if number in numbers} for part in last]
        assert not newest[0] & newest[1]
        await readers[0].close()
        await carried.write([(key, number + 1) for key in keys])
        await read(1, (number + 1) * 40)
    await readers[1].close()
    final = numbers_by_key(taken[1])
    assert all(number + 1 in final[key] for key in keys)


async def test_lag_counts_what_waits_and_falls_to_nothing(carried: Carried) -> None:
    key = carried.key()
    types = {"redress.test.happened.v1"}
    assert await carried.stream.lag(carried.group, types) == -1
    await carried.write([(key, 1)])
    reader = carried.reader()
    await carried.take(reader, 1)
    await carried.take_all(reader)
    await carried.write([(key, number) for number in range(2, 7)])
    async with asyncio.timeout(20):
        while await carried.stream.lag(carried.group, types) < 5:
            await asyncio.sleep(0.05)
    await carried.take(reader, 5)
    await carried.take_all(reader)
    await reader.close()


@pytest.mark.parametrize("limit", [1, 3, 1000])
async def test_any_size_of_page_gives_the_same(carried: Carried, limit: int) -> None:
    keys = [carried.key() for _ in range(3)]
    await carried.write([(key, number) for number in range(1, 8) for key in keys])
    reader = carried.reader()
    events = await carried.take(reader, 21, limit=limit)
    await reader.close()
    assert numbers_by_key(events) == {key: list(range(1, 8)) for key in keys}
