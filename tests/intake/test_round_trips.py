"""The promise behind the speed: what waits together is written by one statement. Counted, never timed."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from intake_api import writer
from intake_api.writer import Writer
from services.base.database import connect
from tests.intake.factories import Service, complaint, running_service

MANY = 240


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement that intake writers send from here on."""
    sent: list[str] = []

    async def connect_and_listen(url: str, application: str) -> asyncpg.Connection:
        connection = await connect(url, application)
        connection.add_query_logger(note)
        return connection

    def note(query: asyncpg.connection.LoggedQuery) -> None:
        # Once for each connection, the driver asks for the form of array types, with `jit` switched off meanwhile.
        if "typeinfo" not in query.query and "'jit'" not in query.query:
            sent.append(query.query)

    monkeypatch.setattr(writer, "connect", connect_and_listen)
    return sent


async def post_many(service: Service) -> None:
    answers = await asyncio.gather(*(service.post(complaint(content=f"第{n}条")) for n in range(MANY)))
    assert {answer.status_code for answer in answers} == {201}


async def test_one_complaint_is_one_statement(engine: AsyncEngine, database: str, statements: list[str]) -> None:
    async with running_service(engine, database) as service:
        await service.post(complaint())
        await service.post(complaint())

    assert len(statements) == 2
    assert all("insert into complaint" in statement for statement in statements)
    assert all("insert into event" in statement for statement in statements)


async def test_many_complaints_at_once_take_far_fewer_statements(
    engine: AsyncEngine, database: str, statements: list[str]
) -> None:
    async with running_service(engine, database, writer=Writer(database, connections=2, queue=1000)) as service:
        await service.post(complaint())  # the key and the connection are known from here on
        statements.clear()

        await post_many(service)

        assert await service.written() == (MANY + 1, MANY + 1)
    assert len(statements) <= MANY / 8
    assert all("insert into complaint" in statement for statement in statements)


async def test_repetitions_take_one_more_statement_a_batch(
    engine: AsyncEngine, database: str, statements: list[str]
) -> None:
    async with running_service(engine, database, writer=Writer(database, connections=1, queue=1000)) as service:
        await service.post(complaint(), key="key-1")
        statements.clear()

        answers = await asyncio.gather(*(service.post(complaint(), key="key-1") for _ in range(MANY)))

    assert {answer.status_code for answer in answers} == {201}
    registering = [statement for statement in statements if "insert into complaint" in statement]
    assert len(statements) == 2 * len(registering)
    assert len(registering) <= MANY / 8
