"""`redress up`: everything in one process, with a PostgreSQL of its own, for a laptop or a small installation."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from redress import postgres
from redress.bringing_up import bring_up, read_plan
from redress.composition import TOPICS, WORKERS, Composition, opened
from redress.credentials import ensure_credentials
from redress.dispatching import OneAddress
from redress.home import Home, Running
from redress.postgres import EmbeddedPostgres
from redress.serving import HttpServer, listen, run_to_the_end, serve
from redress.supervising import Supervised
from services.base.failures import is_passing
from services.base.settings import Settings
from services.base.stream.kafka import ensure_topics
from services.plan.loading import load_plan

log = logging.getLogger(__name__)

_DATABASE_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Ready:
    """What the one who started it needs to know."""

    url: str
    mail: str
    credentials: Path
    plan: str
    adopted: bool


def up(settings: Settings, host: str, port: int, tell: Callable[[Ready], None]) -> None:
    """Run everything until a signal comes; ``tell`` is called when it serves.

    Port 0 is a free one. Raises `Conflict` when the home is in use, `Misconfigured` for an address that can't be had,
    `PlanInvalid` with every mistake in the plan.
    """
    # Until the loop has its own handlers: a SIGTERM while starting unwinds what was begun, as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    home = Home(settings.home.absolute())
    plan_text, _ = read_plan(settings.plan)
    with home.taken(), listen(host, port) as listener, _database(settings, home) as server:
        run_to_the_end(_run(_settings_of_up(settings, home, server, listener), home, listener, server, plan_text, tell))


async def _run(
    settings: Settings,
    home: Home,
    listener: socket.socket,
    server: EmbeddedPostgres | None,
    plan_text: str,
    tell: Callable[[Ready], None],
) -> None:
    url = _url(listener)
    plan = load_plan(plan_text)
    async with opened(settings, "redress up") as composition:
        await _until_it_answers(composition.engine)
        brought = await bring_up(composition.engine, plan_text, plan)
        async with composition.engine.begin() as connection:
            await ensure_credentials(connection, plan, home.credentials, url)
        shown = f"{plan.plan.name.en}, edition {plan.plan.edition}, version {brought.plan_version}"

        def ready() -> None:
            home.announce(Running(url, os.getpid(), composition.database_url))
            tell(Ready(url, _mail(settings), home.credentials, shown, server is not None and server.adopted))

        await _serve_all(composition, listener, server, ready)


def _settings_of_up(
    settings: Settings, home: Home, server: EmbeddedPostgres | None, listener: socket.socket
) -> Settings:
    return settings.model_copy(
        update={
            "database_url": settings.database_url if server is None else server.url,
            "secret": settings.secret or SecretStr(home.secret()),
            # One process reads it all: several shares would only mean more queries.
            "shares": 1,
            "mail_dir": settings.mail_dir or home.mail,
            "public_url": settings.public_url if "public_url" in settings.model_fields_set else _url(listener),
        }
    )


@contextmanager
def _database(settings: Settings, home: Home) -> Iterator[EmbeddedPostgres | None]:
    """The embedded server, stopped at the end; None when the operator has named a database."""
    if settings.database_url is not None:
        yield None
        return
    server = postgres.start(home.postgres)
    try:
        yield server
    finally:
        server.stop()


async def _until_it_answers(engine: AsyncEngine) -> None:
    # A server that was taken over may still be replaying what it had written before it was killed.
    give_up = time.monotonic() + _DATABASE_SECONDS
    while True:
        try:
            async with engine.connect():
                return
        except Exception as error:
            if not is_passing(error) or time.monotonic() > give_up:
                raise
        await asyncio.sleep(0.2)


async def _serve_all(
    composition: Composition, listener: socket.socket, server: EmbeddedPostgres | None, ready: Callable[[], None]
) -> None:
    settings = composition.settings
    parts = [part for name in WORKERS for part in composition.worker(name)]
    if server is not None:
        parts.append(Supervised("postgres", lambda: postgres.Watch(server)))
    if settings.kafka_servers is not None:
        await ensure_topics(
            settings.kafka_servers,
            TOPICS,
            partitions=settings.topic_partitions,
            replication=settings.topic_replication,
        )
        parts.append(composition.relay())
    intake, desk = composition.intake(), composition.desk()
    await serve(parts, HttpServer(OneAddress(intake, desk), listener, (intake, desk)), ready)


def _url(listener: socket.socket) -> str:
    """The address under which this machine reaches a listener, also one that listens on all addresses."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104  # compared with, not listened on
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _mail(settings: Settings) -> str:
    return f"kept in {settings.mail_dir}" if settings.smtp_url is None else "sent through REDRESS_SMTP_URL"
