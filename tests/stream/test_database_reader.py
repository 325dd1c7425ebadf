"""Reading the log in the database: what the contract does not say because only this adapter can go wrong there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import asyncpg
import orjson
import pytest

from services.base.database import connect
from services.base.errors import Misconfigured, Unavailable
from services.base.identity import new_id
from services.base.stream import database as database_stream
from services.base.stream.database import DatabaseReader, DatabaseStream
from services.base.stream.event import Batch
from services.base.stream.port import ReaderLost
from services.base.stream.shares import Shares
from tests.conftest import fill
from tests.servers.postgres import PostgresServer
from tests.stream.factories import Happened, insert_raw

GROUP = "readers"
TYPES = {Happened.TYPE}
WAIT = 0.05
END_SESSIONS = (
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'redress reader readers'"
)
CURSORS = "select share, epoch, snapshot::text, target::text, position from reader_cursor where shares = $1 order by 1"


@pytest.fixture
async def session(database: str) -> Any:
    """A session of the test's own."""
    connection = await connect(database, "test")
    yield connection
    await connection.close()


async def test_a_slow_transaction_holds_up_nobody_and_is_delivered_when_it_commits(
    database: str, session: asyncpg.Connection
) -> None:
    slow = await connect(database)
    transaction = slow.transaction()
    await transaction.start()
    late = new_id()
    await insert_raw(slow, [(late, 1)])
    quick = [new_id() for _ in range(3)]
    await insert_raw(session, [(key, 1) for key in quick])
    reader = reader_of(database)

    before = await reader.poll(100, WAIT)
    await reader.commit(before)
    await transaction.commit()
    after = await reader.poll(100, WAIT)

    assert [event.key for event in before.events] == quick
    assert [event.key for event in after.events] == [late]
    await reader.close()
    await slow.close()


async def test_a_late_commit_is_delivered_even_when_it_comes_while_a_backlog_is_paged_through(
    database: str, session: asyncpg.Connection
) -> None:
    slow = await connect(database)
    transaction = slow.transaction()
    await transaction.start()
    late, other = new_id(), new_id()
    await insert_raw(slow, [(late, 1)])
    await insert_raw(session, [(other, number) for number in range(1, 8)])
    reader = reader_of(database)
    first = await reader.poll(3, WAIT)
    await reader.commit(first)

    await transaction.commit()
    rest = await drained(reader, limit=3)

    assert [event.number for event in (*first.events, *rest) if event.key == other] == [1, 2, 3, 4, 5, 6, 7]
    assert [event.key for event in rest].count(late) == 1
    await reader.close()
    await slow.close()


async def test_positions_that_were_rolled_back_leave_no_trace(database: str, session: asyncpg.Connection) -> None:
    key = new_id()
    for number in (1, 2, 3):
        transaction = session.transaction()
        await transaction.start()
        await insert_raw(session, [(new_id(), 1)])
        await transaction.rollback()
        await insert_raw(session, [(key, number)])
    reader = reader_of(database)

    events = await drained(reader, limit=1)

    assert [(event.key, event.number) for event in events] == [(key, 1), (key, 2), (key, 3)]
    assert await reader.lag() == 0
    await reader.close()


@pytest.mark.parametrize("caught_up_before", [False, True])
async def test_a_backlog_is_paged_through_completely_and_in_order(
    database: str, session: asyncpg.Connection, caught_up_before: bool
) -> None:
    reader = reader_of(database)
    if caught_up_before:
        await insert_raw(session, [(new_id(), 1)])
        await drained(reader, limit=10)
    keys = [new_id() for _ in range(100)]
    for number in range(1, 201):
        await insert_raw(session, [(key, number) for key in keys])

    numbers: dict[object, list[int]] = {key: [] for key in keys}
    for event in await drained(reader, limit=150):
        numbers[event.key].append(event.number)

    assert all(found == list(range(1, 201)) for found in numbers.values())
    await reader.close()


async def test_a_reader_that_is_caught_up_looks_at_no_more_than_what_is_new(
    database: str, session: asyncpg.Connection
) -> None:
    await write_many(session, 20_000)
    snapshot = await session.fetchval("select pg_current_snapshot()::text")
    await insert_raw(session, [(new_id(), 1) for _ in range(5)])

    plan = await explained(session, database_stream._NEW, snapshot, sorted(TYPES), 0, 1, 100)

    on_event = [node for node in nodes_of(plan) if node.get("Relation Name") == "event"]
    assert {node["Node Type"] for node in on_event} <= {"Index Scan", "Bitmap Heap Scan"}
    assert "ix_event_xid_position" in {node.get("Index Name") for node in nodes_of(plan)}
    assert sum(node["Actual Rows"] for node in on_event) == 5
    assert all(node.get("Rows Removed by Filter", 0) == 0 for node in on_event)
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 50


@pytest.mark.parametrize("start", [0, 10_000])
async def test_a_page_of_a_backlog_costs_as_much_as_the_page_is_long(
    database: str, session: asyncpg.Connection, start: int
) -> None:
    await write_many(session, 20_000)
    target = await session.fetchval("select pg_current_snapshot()::text")

    plan = await explained(
        session, database_stream._PAGE, database_stream._BEGINNING, sorted(TYPES), 0, 1, 100, target, start
    )

    on_event = [node for node in nodes_of(plan) if node.get("Relation Name") == "event"]
    assert [node["Node Type"] for node in on_event] == ["Index Scan"]
    assert on_event[0]["Actual Rows"] == 100
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 50


async def test_a_poll_and_a_commit_cost_a_bounded_number_of_statements(
    database: str, session: asyncpg.Connection
) -> None:
    shares = 4
    reader = reader_of(database, shares=shares)
    await insert_raw(session, [(new_id(), 1) for _ in range(50)])
    await drained(reader, limit=100)
    statements: list[str] = []
    reader_connection(reader).add_query_logger(lambda record: statements.append(record.query))
    await insert_raw(session, [(new_id(), 1) for _ in range(50)])

    batch = await reader.poll(100, WAIT)
    polled = len(statements)
    await reader.commit(batch)

    assert len(batch.events) == 50
    assert polled <= shares + 1, statements  # one for each share; once a second one more that counts the members
    assert len(statements) - polled == 1
    await reader.close()


async def test_a_reader_whose_session_was_ended_says_so_and_recovers(
    database: str, session: asyncpg.Connection
) -> None:
    key = new_id()
    await insert_raw(session, [(key, 1), (key, 2)])
    reader = reader_of(database)
    for turn in range(8):  # the driver finds out in one way or another, as the moment has it
        batch = await reader.poll(100, WAIT)

        await session.execute(END_SESSIONS)
        time.sleep(0.01 * (turn % 2))  # with the loop held up, the farewell and the end of the session come at once

        with pytest.raises(ReaderLost):
            await reader.commit(batch)
    assert [event.number for event in await drained(reader, limit=100)] == [1, 2]
    await reader.close()


async def test_a_poll_goes_on_when_its_session_is_ended(database: str, session: asyncpg.Connection) -> None:
    reader = reader_of(database)
    await reader.poll(100, WAIT)
    polling = asyncio.create_task(drained(reader, limit=100, until=1))

    for _ in range(5):
        await session.execute(END_SESSIONS)
        await asyncio.sleep(0.02)
    await insert_raw(session, [(new_id(), 1)])

    assert len(await polling) == 1
    await reader.close()


async def test_a_late_commit_does_not_move_the_cursor_of_the_one_who_took_over(
    database: str, session: asyncpg.Connection
) -> None:
    await insert_raw(session, [(new_id(), 1)])
    reader = reader_of(database)
    batch = await reader.poll(100, WAIT)
    # As the one who takes over does: it opens the cursor under a new epoch.
    await session.execute("update reader_cursor set epoch = epoch + 1")
    before = await session.fetch(CURSORS, 1)

    with pytest.raises(ReaderLost):
        await reader.commit(batch)

    assert await session.fetch(CURSORS, 1) == before
    assert len(await drained(reader, limit=100)) == 1
    await reader.close()


async def test_processes_that_divide_a_group_differently_are_refused(database: str) -> None:
    first, second = reader_of(database, shares=4), reader_of(database, shares=3)
    await first.poll(1, WAIT)

    with pytest.raises(Misconfigured, match=r"REDRESS_SHARES is 3 here, and 4 in a running process"):
        await second.poll(1, WAIT)

    await first.close()
    assert not await second.poll(1, WAIT)
    await second.close()


@pytest.mark.parametrize("then", [2, 7])
async def test_nothing_is_lost_when_the_number_of_shares_is_changed(
    database: str, session: asyncpg.Connection, then: int
) -> None:
    keys = [new_id() for _ in range(30)]
    await insert_raw(session, [(key, 1) for key in keys])
    before = reader_of(database, shares=4)
    await before.commit(await before.poll(10, WAIT))
    await before.close()
    await insert_raw(session, [(key, 2) for key in keys])

    after = reader_of(database, shares=then)
    events = await drained(after, limit=7)

    assert {(event.key, event.number) for event in events} >= {(key, 2) for key in keys}
    assert len({event.key for event in events}) == 30
    await after.close()


async def test_a_share_that_nobody_has_read_yet_is_not_lost_when_the_number_of_shares_is_changed(
    database: str, session: asyncpg.Connection
) -> None:
    keys = [new_id() for _ in range(30)]
    await insert_raw(session, [(key, 1) for key in keys])
    holder = Shares(session, GROUP, 2)  # a member that holds a share and never gets to read
    await holder.join()
    await holder.balance()
    reader = reader_of(database, shares=2)
    await reader.poll(100, 0)
    await holder.balance()
    half = await polled(reader)
    await reader.commit(half)
    await reader.close()
    await session.execute("select pg_advisory_unlock_all()")

    after = reader_of(database, shares=1)
    events = await drained(after, limit=100)

    assert 0 < len(half.events) < 30
    assert {event.key for event in events} == set(keys)
    await after.close()


async def test_a_new_division_begins_at_the_earlier_of_two_snapshots_with_the_same_bounds(
    database: str, session: asyncpg.Connection
) -> None:
    before = reader_of(database, shares=2)
    await before.poll(1, 0)
    await before.close()
    await session.execute("update reader_cursor set snapshot = '100:200:120' where share = 0")
    await session.execute("update reader_cursor set snapshot = '100:200:120,130' where share = 1")

    after = reader_of(database, shares=3)
    await after.poll(1, 0)

    assert [row["snapshot"] for row in await session.fetch(CURSORS, 3)] == ["100:200:120,130"] * 3
    await after.close()


async def test_what_is_of_no_interest_is_passed_for_good(
    database: str, session: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_stream, "_KEEP_SECONDS", 0.0)
    await insert_raw(session, [(new_id(), 1)])
    reader = DatabaseStream(database, shares=1, pause=0.01).reader(GROUP, {"redress.test.rare.v1"})

    await reader.poll(10, 0)
    await reader.poll(10, 0)

    [cursor] = await session.fetch(CURSORS, 1)
    assert cursor["snapshot"] != "1:1:"
    await reader.close()


async def test_a_database_that_is_away_is_unavailable_and_read_on_when_it_is_back() -> None:
    with PostgresServer() as server:
        fill(server.url())
        stream = DatabaseStream(server.url(), shares=1)
        reader = stream.reader(GROUP, TYPES)
        await reader.poll(10, WAIT)

        server.kill()
        for ask in (reader.lag, lambda: reader.poll(10, WAIT), lambda: stream.lag(GROUP, TYPES)):
            with pytest.raises(Unavailable):
                await ask()
        server.restart()
        connection = await connect(server.url())
        await insert_raw(connection, [(new_id(), 1)])
        await connection.close()

        assert len((await reader.poll(10, WAIT)).events) == 1
        await reader.close()


async def polled(reader: DatabaseReader) -> Batch:
    """The next batch with something in it."""
    async with asyncio.timeout(10):
        while not (batch := await reader.poll(100, WAIT)):
            pass
    return batch


def reader_of(database: str, shares: int = 1) -> DatabaseReader:
    return DatabaseStream(database, shares=shares, pause=0.01).reader(GROUP, TYPES)


def reader_connection(reader: DatabaseReader) -> asyncpg.Connection:
    connection = reader._connection
    assert connection is not None
    return connection


async def drained(reader: DatabaseReader, *, limit: int, until: int = 0) -> list[Any]:
    """Everything that is there, and ``until`` events at least, committed page by page."""
    taken: list[Any] = []
    quiet = 0
    async with asyncio.timeout(30):
        while quiet < 2 or len(taken) < until:
            try:
                batch: Batch = await reader.poll(limit, WAIT)
            except Unavailable:
                continue
            await reader.commit(batch)
            assert len(batch.events) <= limit
            taken += batch.events
            quiet = 0 if batch else quiet + 1
    return taken


async def write_many(session: asyncpg.Connection, count: int) -> None:
    """Many events in twenty transactions, and statistics as autovacuum would have made them by then."""
    for _ in range(20):
        await insert_raw(session, [(new_id(), 1) for _ in range(count // 20)])
    await session.execute("analyze event")


async def explained(session: asyncpg.Connection, query: str, *arguments: object) -> dict[str, Any]:
    text = await session.fetchval(f"explain (analyze, buffers, format json) {query}", *arguments)
    plan: dict[str, Any] = orjson.loads(text)[0]["Plan"]
    return plan


def nodes_of(plan: dict[str, Any]) -> list[dict[str, Any]]:
    children: Sequence[dict[str, Any]] = plan.get("Plans", ())
    return [plan, *(node for child in children for node in nodes_of(child))]


async def test_a_reader_that_catches_up_walks_along_the_log_instead_of_reading_it_whole_for_each_page(
    database: str,
) -> None:
    writer = await asyncpg.connect(database)
    await insert_raw(writer, [(new_id(), 1) for _ in range(20_000)])
    await writer.execute("analyze event")
    name = "redress reader catching-up"
    whole = "select seq_scan from pg_stat_user_tables where relname = 'event'"
    before = await writer.fetchval(whole)
    reader = DatabaseStream(database, shares=4, pause=0.01).reader("catching-up", [Happened.TYPE])

    for _ in range(8):
        await reader.commit(await reader.poll(20, 1.0))
    await reader.close()

    # A session's figures are there once it has ended.
    while await writer.fetchval("select exists (select from pg_stat_activity where application_name = $1)", name):
        await asyncio.sleep(0.01)
    await writer.execute("select pg_stat_clear_snapshot()")
    assert await writer.fetchval(whole) == before
    await writer.close()
