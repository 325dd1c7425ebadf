"""The company in which the stories are played: every program a process of its own, once for all stories."""

from __future__ import annotations

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from services.base.database import create_engine
from tests.conftest import fill
from tests.e2e.stories import Company, make_keys
from tests.servers.postgres import PostgresServer
from tests.servers.programs import Installation
from tests.servers.smtp import SmtpServer

PROGRAMS = (("api",), ("desk",), ("worker", "classifier"), ("worker", "handler"), ("worker", "notifier"))


@pytest.fixture(scope="package")
async def company(postgres: PostgresServer) -> AsyncIterator[Company]:
    """It begins under the shipped plan; each story puts its own in force with `Company.work_by`."""
    database = postgres.create_database(template=postgres.create_template("redress_template", fill))
    engine = create_engine(database)
    keys = await make_keys(engine)
    with (
        SmtpServer() as mail_server,
        Installation(database, smtp_url=mail_server.url, poll_ms="50") as installation,
        ThreadPoolExecutor(len(PROGRAMS)) as together,
    ):
        programs = list(together.map(lambda arguments: installation.start(*arguments), PROGRAMS))
        api, desk = programs[:2]
        with Company(engine, keys, mail_server, api_url=api.url, desk_url=desk.url, programs=programs) as opened:
            yield opened
        list(together.map(lambda program: program.stop(), programs))
    await engine.dispose()
    postgres.drop_database(database)
