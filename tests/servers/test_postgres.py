"""The PostgreSQL that all tests stand on."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator

import asyncpg
import psutil
import pytest

from tests.servers.postgres import PostgresServer


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


async def test_a_fresh_database_is_empty_and_apart_from_the_others(postgres: PostgresServer) -> None:
    one, other = postgres.create_database(), postgres.create_database()

    await execute(one, "create table complaint (id int)")

    assert await value(one, "select to_regclass('complaint')::text") == "complaint"
    assert await value(other, "select to_regclass('complaint')::text") is None


async def test_a_template_is_filled_once_and_its_copies_hold_what_it_holds(postgres: PostgresServer) -> None:
    fillings: list[str] = []

    def fill(url: str) -> None:
        fillings.append(url)
        asyncio.run(execute(url, "create table plan (version int); insert into plan values (7)"))

    for _ in range(2):
        await asyncio.to_thread(postgres.create_template, "filled", fill)
    copy = postgres.create_database(template="filled")

    assert len(fillings) == 1
    assert await value(copy, "select version from plan") == 7


async def test_a_template_whose_filling_fails_can_be_made_again(postgres: PostgresServer) -> None:
    def fail(url: str) -> None:
        raise ValueError("the migration is wrong")

    with pytest.raises(ValueError, match="the migration is wrong"):
        postgres.create_template("second_try", fail)

    assert postgres.create_template("second_try", lambda url: None) == "second_try"


async def test_a_dropped_database_is_gone_although_somebody_is_connected(postgres: PostgresServer) -> None:
    url = postgres.create_database()
    connection = await asyncpg.connect(url)

    postgres.drop_database(url)

    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await asyncpg.connect(url)
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await connection.fetchval("select 1")


async def test_what_was_committed_outlives_a_kill_and_what_was_not_does_not() -> None:
    with PostgresServer() as server:
        url = server.create_database()
        await execute(url, "create table kept (n int); insert into kept values (1)")
        connection = await asyncpg.connect(url)
        await connection.execute("begin; insert into kept values (2)")

        server.kill()

        assert not server.running
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            await connection.fetchval("select 1")
        server.restart()
        assert await value(url, "select array_agg(n) from kept") == [1]


async def test_only_a_durable_server_waits_for_the_disk(postgres: PostgresServer) -> None:
    with PostgresServer(durable=True) as durable:
        assert await value(durable.url(), "show fsync") == "on"
    assert await value(postgres.url(), "show fsync") == "off"
    assert await value(postgres.url(), "show synchronous_commit") == "on"


def test_the_server_does_not_outlive_a_test_run_that_was_killed() -> None:
    run = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys\nfrom tests.servers.postgres import PostgresServer\n"
            "server = PostgresServer()\nprint(server.pid, flush=True)\nsys.stdin.read()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with run:
        assert run.stdout is not None
        server = psutil.Process(int(run.stdout.readline()))
        run.kill()

    psutil.wait_procs([server], timeout=10)
    assert not server.is_running() or server.status() == psutil.STATUS_ZOMBIE


async def execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def value(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()
