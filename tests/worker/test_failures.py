"""Which failures pass by themselves: tried with what PostgreSQL and its driver really raise."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from services.base.database import connect, create_engine, set_lock_timeout
from services.base.errors import Refused
from services.base.failures import is_passing

LOCK = sa.text("select id from thing where id = :id for update")


@pytest.fixture(autouse=True)
async def thing(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(sa.text("create table thing (id int primary key, name text not null)"))
        await connection.execute(sa.text("insert into thing values (1, 'one'), (2, 'two')"))


@pytest.fixture
async def two(engine: AsyncEngine) -> AsyncIterator[tuple[AsyncConnection, AsyncConnection]]:
    """Two transactions."""
    async with engine.connect() as first, engine.connect() as second:
        yield first, second


async def test_a_lock_that_is_not_available_passes(two: tuple[AsyncConnection, AsyncConnection]) -> None:
    first, second = two
    await first.execute(LOCK, {"id": 1})
    await set_lock_timeout(second, 20)

    with pytest.raises(DBAPIError) as raised:
        await second.execute(LOCK, {"id": 1})

    assert is_passing(raised.value)


async def test_a_deadlock_passes(two: tuple[AsyncConnection, AsyncConnection]) -> None:
    first, second = two
    for connection, id_ in ((first, 1), (second, 2)):
        await connection.execute(sa.text("set local deadlock_timeout = '20ms'"))
        await connection.execute(LOCK, {"id": id_})

    outcomes = await asyncio.gather(
        first.execute(LOCK, {"id": 2}), second.execute(LOCK, {"id": 1}), return_exceptions=True
    )

    [error] = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert is_passing(error)


async def test_a_statement_that_took_too_long_passes(two: tuple[AsyncConnection, AsyncConnection]) -> None:
    await two[0].execute(sa.text("set local statement_timeout = '20ms'"))

    with pytest.raises(DBAPIError) as raised:
        await two[0].execute(sa.text("select pg_sleep(5)"))

    assert is_passing(raised.value)


async def test_a_transaction_that_did_not_serialise_passes(two: tuple[AsyncConnection, AsyncConnection]) -> None:
    first, second = two
    await first.execute(sa.text("set transaction isolation level repeatable read"))
    await first.execute(sa.text("select * from thing"))
    await second.execute(sa.text("update thing set name = 'changed' where id = 1"))
    await second.commit()

    with pytest.raises(DBAPIError) as raised:
        await first.execute(sa.text("update thing set name = 'too late' where id = 1"))

    assert is_passing(raised.value)


async def test_a_session_that_was_ended_in_a_transaction_passes(
    two: tuple[AsyncConnection, AsyncConnection],
) -> None:
    first, second = two
    pid = (await first.execute(sa.text("select pg_backend_pid()"))).scalar_one()
    await second.execute(sa.text("select pg_terminate_backend(:pid)"), {"pid": pid})

    with pytest.raises(DBAPIError) as raised:
        await first.execute(sa.text("select 1"))

    assert is_passing(raised.value)


async def test_a_pooled_session_that_was_ended_is_replaced_without_a_failure(
    engine: AsyncEngine, database: str
) -> None:
    async with engine.connect() as connection:
        pid = (await connection.execute(sa.text("select pg_backend_pid()"))).scalar_one()
    session = await connect(database)
    await session.execute("select pg_terminate_backend($1)", pid)
    await session.close()

    async with engine.connect() as connection:
        assert (await connection.execute(sa.text("select pg_backend_pid()"))).scalar_one() != pid


@pytest.mark.parametrize("address", ["postgresql://postgres@127.0.0.1:1/x", "postgresql://postgres@/x?host=/nowhere"])
async def test_a_server_that_is_not_there_passes(address: str) -> None:
    unreachable = create_engine(address)

    with pytest.raises(OSError, match=r".") as raised:
        async with unreachable.connect():
            pass

    assert is_passing(raised.value)


async def test_an_engine_whose_connections_are_all_in_use_passes(database: str) -> None:
    small = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: connect(database), pool_size=1, max_overflow=0, pool_timeout=0.02
    )
    async with small.connect():
        with pytest.raises(sa.exc.TimeoutError) as raised:
            async with small.connect():
                pass
    await small.dispose()

    assert is_passing(raised.value)


@pytest.mark.parametrize(
    "statement",
    [
        "insert into thing values (1, 'again')",
        "insert into thing values (3, null)",
        "select * from nothing",
        "selct 1",
        "select 1 / 0",
        "select cast(99999999999 as int)",
        "select '{'::jsonb",
    ],
)
async def test_what_is_wrong_with_a_statement_does_not_pass(
    two: tuple[AsyncConnection, AsyncConnection], statement: str
) -> None:
    with pytest.raises(DBAPIError) as raised:
        await two[0].execute(sa.text(statement))

    assert not is_passing(raised.value)


@pytest.mark.parametrize("value", [2**40, "one", "a\x00b"])
async def test_a_value_that_the_driver_refuses_does_not_pass(
    two: tuple[AsyncConnection, AsyncConnection], value: object
) -> None:
    column = "name" if value == "a\x00b" else "id"
    with pytest.raises(DBAPIError) as raised:
        await two[0].execute(sa.text(f"select * from thing where {column} = :value"), {"value": value})

    assert not is_passing(raised.value)


@pytest.mark.parametrize("error", [Refused("no"), ValueError("no"), KeyError("no"), AssertionError()])
def test_what_has_nothing_to_do_with_the_database_does_not_pass(error: Exception) -> None:
    assert not is_passing(error)
