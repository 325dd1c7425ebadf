"""When the database fails: nothing that was answered 201 is lost, nothing is written by halves, nothing twice."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import count

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from intake_api.writer import Writer
from services.base.database import create_engine
from tests.conftest import fill
from tests.intake.factories import Service, complaint, running_service
from tests.servers.postgres import PostgresServer

CLIENTS = 20
KEYS = "select id, idempotency_key as key from complaint where api_key_id = :key_id and idempotency_key is not null"
CUT_WRITERS = (
    "select pg_terminate_backend(pid) from pg_stat_activity"
    " where application_name = 'redress intake' and datname = current_database()"
)
PATIENCE = 20.0


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


class Load:
    """Channels that post without a pause, and what they were answered, by Idempotency-Key."""

    def __init__(self, service: Service) -> None:
        self.answers: dict[str, httpx.Response] = {}
        self._service = service
        self._numbers = count()
        self._done = False
        self._clients = [asyncio.create_task(self._post_on()) for _ in range(CLIENTS)]

    def keys(self, status: int) -> set[str]:
        return {key for key, answer in self.answers.items() if answer.status_code == status}

    async def until_more(self, status: int, number: int) -> None:
        """Wait for so many more answers of that status."""
        before = len(self.keys(status))
        async with asyncio.timeout(PATIENCE):
            while len(self.keys(status)) < before + number:
                await asyncio.sleep(0.005)

    async def end(self) -> None:
        self._done = True
        await asyncio.gather(*self._clients)

    async def _post_on(self) -> None:
        while not self._done:
            key = f"key-{next(self._numbers)}"
            self.answers[key] = await self._service.post(complaint(content=key), key=key)
            await asyncio.sleep(0)


async def test_nothing_answered_is_lost_and_nothing_is_twice_when_the_database_is_killed(
    own_postgres: PostgresServer,
) -> None:
    url = own_postgres.create_database(template=own_postgres.create_template("filled", fill))
    engine = create_engine(url)
    async with running_service(engine, url) as service:
        load = Load(service)
        await load.until_more(201, 200)
        own_postgres.kill()
        await load.until_more(503, 100)
        await asyncio.to_thread(own_postgres.restart)
        await load.until_more(201, 200)
        await load.end()

        refused = load.keys(503)
        assert load.keys(201) | refused == set(load.answers)
        for key in refused:
            assert int(load.answers[key].headers["retry-after"]) >= 1
            assert load.answers[key].json()["type"] == "urn:redress:problem:unavailable"
        written = {row["key"]: str(row["id"]) for row in await service.rows(KEYS)}
        assert {key: load.answers[key].json()["id"] for key in load.keys(201)}.items() <= written.items()
        assert await service.written() == (len(written), len(written))

        again = await asyncio.gather(*(service.post(complaint(content=key), key=key) for key in refused))

        assert {answer.status_code for answer in again} == {201}
        assert await service.written() == (len(load.answers), len(load.answers))
        assert {row["key"] for row in await service.rows(KEYS)} == set(load.answers)
    await engine.dispose()


async def test_a_full_queue_is_answered_at_once(engine: AsyncEngine, database: str) -> None:
    async with running_service(engine, database, writer=Writer(database, connections=1, queue=5)) as service:
        await service.post(complaint())  # the writer has its connection
        async with engine.begin() as connection:
            await connection.exec_driver_sql("lock table complaint in exclusive mode")
            being_written = asyncio.create_task(service.post(complaint()))
            while not await waiting_for_lock(service):
                await asyncio.sleep(0.01)
            six = [asyncio.create_task(service.post(complaint())) for _ in range(6)]

            answered, waiting = await asyncio.wait(six, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)

        [refused] = [await task for task in answered]
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "1"
        assert {answer.status_code for answer in await asyncio.gather(being_written, *waiting)} == {201}
        assert await service.written() == (7, 7)


async def waiting_for_lock(service: Service) -> bool:
    [row] = await service.rows("select count(*) as n from pg_locks where not granted")
    return bool(row["n"])


async def test_a_lost_connection_costs_nobody_anything(engine: AsyncEngine, database: str) -> None:
    async with running_service(engine, database) as service:
        load = Load(service)
        for _ in range(5):
            await load.until_more(201, 40)
            await service.rows(CUT_WRITERS)
        await load.until_more(201, 40)
        await load.end()

        assert load.keys(201) == set(load.answers)
        assert await service.written() == (len(load.answers), len(load.answers))


async def test_a_row_that_the_database_refuses_fails_alone(engine: AsyncEngine, database: str) -> None:
    async with engine.begin() as connection:
        await connection.exec_driver_sql("alter table complaint add check (content <> 'poison')")
    async with running_service(engine, database, writer=Writer(database, connections=1, queue=1000)) as service:
        contents = [f"第{n}条" for n in range(60)]
        contents[7] = contents[8] = contents[41] = "poison"

        answers = await asyncio.gather(*(service.post(complaint(content=content)) for content in contents))

        assert [answer.status_code for answer in answers] == [
            500 if content == "poison" else 201 for content in contents
        ]
        assert await service.written() == (57, 57)
        assert (await service.post(complaint())).status_code == 201
        problem = answers[7].json()
        assert problem["type"] == "urn:redress:problem:internal"
        assert "poison" not in answers[7].text


async def test_a_refused_event_takes_its_complaint_with_it(engine: AsyncEngine, database: str) -> None:
    async with engine.begin() as connection:
        await connection.exec_driver_sql("alter table event add check (data->>'external_id' <> 'poison')")
    async with running_service(engine, database) as service:
        bad, good = await asyncio.gather(
            service.post(complaint(external_id="poison")), service.post(complaint(external_id="CC-1"))
        )

        assert (bad.status_code, good.status_code) == (500, 201)
        assert await service.written() == (1, 1)


async def test_without_its_database_the_program_lives_and_says_so(own_postgres: PostgresServer) -> None:
    url = own_postgres.create_database(template=own_postgres.create_template("filled", fill))
    engine = create_engine(url)
    async with running_service(engine, url) as service:
        await service.post(complaint())
        own_postgres.kill()

        answers = {
            "post": await service.post(complaint()),
            "read": await service.get("/v1/complaints/RD-1111-1111-1"),
            "ready": await service.get("/readyz"),
        }

        assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(answers, 503)
        assert all("retry-after" in answer.headers for answer in answers.values())
        assert (await service.get("/healthz")).status_code == 200
    await engine.dispose()


async def test_what_waits_when_the_program_stops_is_written(engine: AsyncEngine, database: str) -> None:
    async with running_service(engine, database, writer=Writer(database, connections=1, queue=1000)) as service:
        waiting = [asyncio.create_task(service.post(complaint(), key=f"key-{n}")) for n in range(50)]
        while not any(task.done() for task in waiting):
            await asyncio.sleep(0)

    answers = await asyncio.gather(*waiting)
    told = {answer.status_code for answer in answers}
    async with engine.connect() as connection:
        written = (await connection.exec_driver_sql("select count(*) from complaint")).scalar_one()
    assert told <= {201, 503}
    assert written == sum(answer.status_code == 201 for answer in answers)
