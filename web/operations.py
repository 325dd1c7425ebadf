"""What operations asks a running program: is it alive, can it serve, what does it count."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

import sqlalchemy as sa
from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.responses import Response

from migrations.running import head_revision
from web.answers import json_answer
from web.problems import problem

log = logging.getLogger(__name__)

_PATIENCE: Final = 1.0
_REVISION: Final = sa.text("select version_num from alembic_version")


def operations_router(engine: AsyncEngine) -> APIRouter:
    """``/healthz``, ``/readyz`` and ``/metrics``, without a key."""
    router = APIRouter(tags=["operations"])
    head = head_revision()

    @router.get("/healthz", summary="Is the process alive?")
    async def healthz() -> Response:
        return json_answer({"status": "ok"})

    @router.get(
        "/readyz",
        summary="Can it serve?",
        description="The database answers within a second, and its schema is the one that this program knows.",
        responses={503: {"description": "Not ready; `check` and `detail` say why."}},
    )
    async def readyz() -> Response:
        failed = await _failed_check(engine, head)
        if failed is None:
            return json_answer({"status": "ready", "schema": head})
        check, detail = failed
        return problem(503, "not-ready", "Not ready", detail, headers={"Retry-After": "2"}, check=check)

    @router.get("/metrics", summary="Counters for Prometheus.", response_class=Response)
    async def metrics() -> Response:
        return Response(generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return router


async def _failed_check(engine: AsyncEngine, head: str) -> tuple[str, str] | None:
    """The name of the check that failed and what it found; None when the program can serve."""
    try:
        async with asyncio.timeout(_PATIENCE), engine.connect() as connection:
            revision = await connection.scalar(_REVISION)
    except sa.exc.ProgrammingError:
        return "schema", "the database has no tables of Redress; run `redress migrate`"
    except Exception as error:
        log.warning("not ready: %s: %s", type(error).__name__, error)
        return "database", "the database does not answer within a second"
    if revision != head:
        return "schema", f"the schema is at revision {revision}, this program needs {head}; run `redress migrate`"
    return None
