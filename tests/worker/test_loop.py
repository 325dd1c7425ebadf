"""The worker's loop on a real log and a real database, while things fail."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
import sqlalchemy as sa
from prometheus_client import REGISTRY
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.database import create_engine
from services.base.errors import Misconfigured, Refused
from services.base.identity import new_id
from services.base.stream.database import DatabaseStream
from services.base.worker import dead_letters
from services.base.worker.dead_letters import Parked
from services.base.worker.loop import Pauses
from tests.conftest import fill
from tests.servers.postgres import PostgresServer
from tests.worker.effects import (
    GROUP,
    Effects,
    carried_out,
    create_tables,
    effects,
    of_new_keys,
    running,
    total,
    until,
    worker_of,
    write,
)


@pytest.fixture(autouse=True)
async def tables(engine: AsyncEngine) -> None:
    await create_tables(engine)


@pytest.fixture(scope="module")
def mortal_server() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        server.create_template("redress_template", fill)
        yield server


@pytest.fixture
async def mortal(mortal_server: PostgresServer) -> AsyncIterator[Mortal]:
    """A database on a server that may be killed."""
    if not mortal_server.running:
        mortal_server.restart()
    url = mortal_server.create_database(template="redress_template")
    engine = create_engine(url)
    await create_tables(engine)
    yield Mortal(mortal_server, url, engine)
    await engine.dispose()


@dataclass
class Mortal:
    server: PostgresServer
    url: str
    engine: AsyncEngine


async def test_what_is_delivered_twice_changes_nothing(engine: AsyncEngine, database: str) -> None:
    keys = [new_id() for _ in range(10)]
    written = await write(engine, [(key, number) for number in range(1, 11) for key in keys])
    for _ in range(2):
        handler = Effects()
        await start_over(engine)
        async with running(worker_of(engine, database, handler)):
            await until(nothing_waits(database))
        assert all(handler.given[event] == 1 for event in written)

    assert await total(engine) == 100


async def test_a_worker_drops_what_it_has_handled_itself(engine: AsyncEngine, database: str) -> None:
    handler = Effects()
    written = await write(engine, of_new_keys(20))
    async with running(worker_of(engine, database, handler)):
        await until(carried_out(engine, written))
        await start_over(engine)  # under its hands, so that its session is refused and it begins again
        more = await write(engine, of_new_keys(1))
        await until(carried_out(engine, more))
        await until(nothing_waits(database))

    assert set(handler.given.values()) == {1}


async def test_the_neighbours_of_a_poison_event_go_on_and_its_followers_wait_behind_it(
    engine: AsyncEngine, database: str
) -> None:
    poison = new_id()
    others = of_new_keys(95)
    await write(engine, [*others[:40], *((poison, number) for number in range(1, 6)), *others[40:]])
    handler = Effects()
    handler.failures[poison, 2] = ValueError("cannot be read\x00")

    async with running(worker_of(engine, database, handler, attempts=3)):
        await until(nothing_waits(database))

    assert set(await effects(engine)) == {*others, (poison, 1)}
    letters = await parked(engine)
    assert [(letter.number, letter.reason, letter.attempts) for letter in letters] == [
        (2, "failed", 3),
        (3, "behind", 0),
        (4, "behind", 0),
        (5, "behind", 0),
    ]
    assert letters[0].detail == "ValueError: cannot be read\ufffd"
    assert {letter.key for letter in letters} == {poison}
    assert len(handler.batches) < 20  # halves, not one by one


async def test_later_events_of_a_parked_key_are_parked_behind_it_and_other_keys_go_on(
    engine: AsyncEngine, database: str
) -> None:
    poison, healthy = new_id(), new_id()
    handler = Effects()
    handler.failures[poison, 1] = ValueError("poison")
    await write(engine, [(poison, 1), (healthy, 1)])
    async with running(worker_of(engine, database, handler)):
        await until(carried_out(engine, [(healthy, 1)]))
        await write(engine, [(poison, 2), (healthy, 2)])
        await until(carried_out(engine, [(healthy, 2)]))
        await until(nothing_waits(database))

    assert [(letter.number, letter.reason) for letter in await parked(engine)] == [(1, "failed"), (2, "behind")]


async def test_what_breaks_a_rule_is_parked_at_once(engine: AsyncEngine, database: str) -> None:
    [event] = await write(engine, of_new_keys(1))
    handler = Effects()
    handler.failures[event] = Refused("the case is closed")

    async with running(worker_of(engine, database, handler, attempts=5)):
        await until(nothing_waits(database))

    [letter] = await parked(engine)
    assert (letter.reason, letter.attempts, letter.detail) == ("refused", 1, "Refused: the case is closed")
    assert handler.given[event] == 1


async def test_a_wrong_setting_ends_the_worker_and_leaves_the_events_where_they_are(
    engine: AsyncEngine, database: str
) -> None:
    written = await write(engine, of_new_keys(2))
    handler = Effects()
    handler.failures[written[0]] = Misconfigured("this setting is wrong")

    with pytest.raises(Misconfigured, match="this setting"):
        await asyncio.wait_for(worker_of(engine, database, handler).run(), 10)
    async with engine.connect() as connection:
        assert await dead_letters.find(connection) == []
    async with running(worker_of(engine, database, Effects())):
        await until(carried_out(engine, written))


async def test_a_failure_that_passes_is_waited_for_and_splits_no_batch(engine: AsyncEngine, database: str) -> None:
    written = await write(engine, of_new_keys(50))
    handler = Effects()
    handler.failures[written[20]] = asyncpg.DeadlockDetectedError("deadlock detected")
    async with running(worker_of(engine, database, handler, attempts=2)):
        await until(is_true(lambda: handler.given[written[20]] > 5))
        del handler.failures[written[20]]
        await until(carried_out(engine, written))

    assert set(handler.batches) == {50}
    assert await parked(engine) == []


async def test_a_batch_is_one_transaction(engine: AsyncEngine, database: str) -> None:
    handler = Effects()
    await write(engine, of_new_keys(1))
    commits: list[object] = []
    worker = worker_of(engine, database, handler, pauses=Pauses(poll=0.05, replay=60, lag=60))
    async with running(worker):
        await until(nothing_waits(database))
        round_before = worker.last_sign_of_life
        await until(is_true(lambda: worker.last_sign_of_life > round_before))  # it has looked at the dead letters too
        second = of_new_keys(100)
        writer = create_engine(database)
        sa.event.listen(engine.sync_engine, "commit", commits.append)
        await write(writer, second)
        await until(carried_out(writer, second))
        await until(nothing_waits(database))
        await writer.dispose()

    assert handler.batches == [1, 100]
    assert len(commits) == 1


async def test_a_database_killed_in_the_middle_of_a_batch_costs_nothing(
    mortal: Mortal,
) -> None:
    server, engine = mortal.server, mortal.engine
    written = await write(engine, of_new_keys(100))
    handler = Effects()
    handler.go_on.clear()
    async with running(worker_of(engine, mortal.url, handler, attempts=2)) as task:
        await handler.began.wait()
        server.kill()
        handler.go_on.set()
        await asyncio.sleep(0.3)  # for it to try more often than the attempts that an event has
        assert not task.done()
        server.restart()
        await until(carried_out(engine, written))
        await until(nothing_waits(mortal.url))

    assert await total(engine) == 100
    assert await parked(engine) == []


async def test_a_worker_goes_on_when_the_database_is_restarted_in_order(
    mortal: Mortal,
) -> None:
    server, engine = mortal.server, mortal.engine
    handler = Effects()
    first = await write(engine, of_new_keys(5))
    async with running(worker_of(engine, mortal.url, handler)):
        await until(carried_out(engine, first))
        await asyncio.to_thread(server.restart)
        second = await write(engine, of_new_keys(5))
        await until(carried_out(engine, second))

    assert await total(engine) == 10


async def test_a_worker_that_waits_for_the_database_can_be_stopped_and_commits_nothing(
    mortal: Mortal,
) -> None:
    server, engine = mortal.server, mortal.engine
    written = await write(engine, of_new_keys(10))
    handler = Effects()
    handler.go_on.clear()
    worker = worker_of(engine, mortal.url, handler, pauses=Pauses(poll=0.05, first_retry=60, longest_retry=60))
    async with running(worker) as task:
        await handler.began.wait()
        server.kill()
        handler.go_on.set()
        await asyncio.sleep(0.2)
        assert not task.done()
    assert task.done()

    server.restart()
    again = Effects()
    async with running(worker_of(engine, mortal.url, again)):
        await until(carried_out(engine, written))
    assert set(again.given.values()) == {1}


async def test_a_worker_that_is_stopped_finishes_and_commits_the_batch_in_hand(
    engine: AsyncEngine, database: str
) -> None:
    written = await write(engine, of_new_keys(10))
    handler = Effects()
    handler.go_on.clear()
    worker = worker_of(engine, database, handler)
    async with running(worker) as task:
        await handler.began.wait()
        worker.stop()
        await asyncio.sleep(0.05)
        assert not task.done()
        handler.go_on.set()

    assert await effects(engine) == written
    assert await nothing_waits(database)()


async def test_a_worker_that_is_stopped_does_not_park_what_it_would_have_tried_again(
    engine: AsyncEngine, database: str
) -> None:
    [event] = await write(engine, of_new_keys(1))
    handler = Effects()
    handler.failures[event] = ValueError("not yet")
    worker = worker_of(engine, database, handler, pauses=Pauses(poll=0.05, first_retry=60, longest_retry=60))
    async with running(worker):
        await until(is_true(lambda: handler.given[event] > 0))
    assert await parked(engine) == []

    async with running(worker_of(engine, database, Effects())):
        await until(carried_out(engine, [event]))


@pytest.mark.parametrize("ahead", [timedelta(hours=3), timedelta(days=-400)])
async def test_a_clock_that_jumps_makes_no_lag_negative_and_stops_nothing(
    engine: AsyncEngine, database: str, ahead: timedelta
) -> None:
    written = await write(engine, of_new_keys(3), time=datetime.now(UTC) + ahead)
    worker = worker_of(engine, database, Effects())
    before = time.monotonic()
    async with running(worker):
        await until(carried_out(engine, written))
        await until(nothing_waits(database))

    lag = REGISTRY.get_sample_value("redress_lag_seconds", {"group": GROUP})
    assert lag is not None
    assert lag == pytest.approx(max(0.0, -ahead.total_seconds()), abs=60)
    assert before <= worker.last_sign_of_life <= time.monotonic()


def nothing_waits(database: str) -> Callable[[], Awaitable[bool]]:
    stream = DatabaseStream(database, shares=1)

    async def condition() -> bool:
        return await stream.lag(GROUP, Effects().types) == 0

    return condition


def is_true(condition: Callable[[], bool]) -> Callable[[], Awaitable[bool]]:
    async def asked() -> bool:
        return condition()

    return asked


async def parked(engine: AsyncEngine) -> list[Parked]:
    async with engine.connect() as connection:
        return await dead_letters.find(connection, group=GROUP)


async def start_over(engine: AsyncEngine) -> None:
    """The group's memory, as a person resets it."""
    async with engine.begin() as connection:
        await connection.execute(
            sa.text("update reader_cursor set snapshot = '1:1:', target = null, position = 0, epoch = epoch + 1")
        )
