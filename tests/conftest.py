"""What most tests stand on: a real PostgreSQL for the whole run, and a fresh migrated database for each test."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from migrations.running import migrate
from services.base.database import create_engine
from services.judgements.artefact import shipped
from services.judgements.models import ensure_shipped
from services.plan.loading import shipped_plan_text
from services.plan.versions import Plans
from tests.servers.kafka import KafkaServer, kafka_unavailable
from tests.servers.postgres import PostgresServer

SECRET = "a secret of thirty-two characters or more"


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The server. Tests that kill it start one of their own."""
    with PostgresServer() as server:
        yield server


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[str]:
    """The URL of a fresh database at the newest migration, with the shipped plan as version 1."""
    template = postgres.create_template("redress_template", fill)
    url = postgres.create_database(template=template)
    yield url
    postgres.drop_database(url)


@pytest.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    """An engine on `database`."""
    made = create_engine(database)
    yield made
    await made.dispose()


def fill(url: str) -> None:
    """Bring an empty database to where tests begin."""
    failed: list[BaseException] = []

    def work() -> None:
        try:
            asyncio.run(_fill(url))
        except BaseException as error:
            failed.append(error)

    # In a thread of its own, because the test that asks first may be running a loop in this one.
    thread = threading.Thread(target=work)
    thread.start()
    thread.join(60)
    if failed:
        raise failed[0]


async def _fill(url: str) -> None:
    engine = create_engine(url)
    await migrate(engine)
    async with engine.begin() as connection:
        await Plans().ensure(connection, shipped_plan_text())
        await ensure_shipped(connection, shipped())
    await engine.dispose()


@pytest.fixture(scope="session")
def kafka() -> Iterator[KafkaServer]:
    """A real Apache Kafka, where Java and Maven are; tests that need it say so when they skip."""
    reason = kafka_unavailable()
    if reason is not None:
        pytest.skip(f"no Apache Kafka here: {reason}")
    with KafkaServer() as server:
        yield server
