"""The intake program on a database of its own, started once; each test is a channel that nobody has seen before."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from services.base.database import create_engine
from services.base.files.receiving import FileDoor
from services.base.files.store import LocalFiles
from tests.conftest import fill
from tests.intake.factories import Service, running_service
from tests.servers.postgres import PostgresServer


@pytest.fixture(scope="session")
async def running_intake(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    url = postgres.create_database(template=postgres.create_template("redress_template", fill), prefix="intake")
    engine = create_engine(url)
    files = FileDoor(LocalFiles(tmp_path_factory.mktemp("files")))
    async with running_service(engine, url, files=files) as service:
        yield service
    await engine.dispose()
    postgres.drop_database(url)


@pytest.fixture
async def intake(running_intake: Service) -> Service:
    """The program, asked by a channel with a key of its own."""
    return await running_intake.with_another_key()
