"""What operations is told: alive, ready, counters."""

from __future__ import annotations

import httpx
import sqlalchemy as sa
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from migrations.running import head_revision
from services.base import telemetry
from services.base.database import create_engine
from tests.servers.postgres import PostgresServer
from web.operations import operations_router


def client_on(engine: AsyncEngine) -> httpx.AsyncClient:
    app = FastAPI()
    app.include_router(operations_router(engine))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app")


async def test_a_program_on_a_migrated_database_is_ready(engine: AsyncEngine) -> None:
    async with client_on(engine) as client:
        answer = await client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {"status": "ready", "schema": head_revision()}


async def test_a_program_on_another_schema_is_not_ready_and_says_what_to_run(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(sa.text("update alembic_version set version_num = '9999'"))

    async with client_on(engine) as client:
        answer = await client.get("/readyz")

    assert (answer.status_code, answer.json()["check"]) == (503, "schema")
    assert "revision 9999" in answer.json()["detail"]
    assert "redress migrate" in answer.json()["detail"]


async def test_a_program_on_an_empty_database_is_not_ready(postgres: PostgresServer) -> None:
    url = postgres.create_database()
    engine = create_engine(url)

    async with client_on(engine) as client:
        answer = await client.get("/readyz")

    await engine.dispose()
    postgres.drop_database(url)
    assert (answer.status_code, answer.json()["check"]) == (503, "schema")


async def test_without_a_database_a_program_is_alive_and_not_ready() -> None:
    engine = create_engine("postgresql://nobody@/nothing?host=/nowhere")

    async with client_on(engine) as client:
        alive, ready = await client.get("/healthz"), await client.get("/readyz")

    await engine.dispose()
    assert (alive.status_code, alive.json()) == (200, {"status": "ok"})
    assert (ready.status_code, ready.json()["check"]) == (503, "database")
    assert ready.headers["content-type"] == "application/problem+json"


async def test_the_counters_are_there_for_prometheus(engine: AsyncEngine) -> None:
    telemetry.HANDLED.labels("test of the counters").inc(3)

    async with client_on(engine) as client:
        answer = await client.get("/metrics")

    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert 'redress_events_handled_total{group="test of the counters"} 3.0' in answer.text
