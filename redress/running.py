"""Running one program alone: the intake API, the desk, a worker, the relay."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from starlette.types import ASGIApp

from redress.composition import Composition, WorkerName, opened
from redress.operations_server import operations_app
from redress.resolving import resolved
from redress.schema import check_schema
from redress.serving import HttpServer, listen, run_to_the_end, serve
from redress.supervising import Supervised
from services.base.settings import Settings

log = logging.getLogger(__name__)


def run_intake(settings: Settings, host: str, port: int) -> None:
    """Take complaints in until a signal comes."""
    _run_app(settings, "redress api", host, port, lambda composition: composition.intake())


def run_desk(settings: Settings, host: str, port: int) -> None:
    """Serve the staff until a signal comes."""
    _run_app(settings, "redress desk", host, port, lambda composition: composition.desk())


def run_worker(settings: Settings, name: WorkerName) -> None:
    """Work until a signal comes."""
    _run_parts(settings, f"redress {name}", lambda composition: composition.worker(name))


def run_relay(settings: Settings) -> None:
    """Carry events to Kafka until a signal comes. Raises `Misconfigured` where events do not travel on Kafka."""
    _run_parts(settings, "redress relay", lambda composition: [composition.relay()])


def _run_app(settings: Settings, name: str, host: str, port: int, make: Callable[[Composition], ASGIApp]) -> None:
    settings = resolved(settings)

    async def main() -> None:
        async with opened(settings, name) as composition:
            app = make(composition)
            await check_schema(composition.engine)
            with listen(host, port) as listener:
                at = "{}:{}".format(*listener.getsockname()[:2])
                await serve((), HttpServer(app, listener, (app,)), lambda: log.info("%s: ready at %s", name, at))

    run_to_the_end(main())


def _run_parts(settings: Settings, name: str, make: Callable[[Composition], Sequence[Supervised]]) -> None:
    settings = resolved(settings)

    async def main() -> None:
        async with opened(settings, name) as composition:
            parts = make(composition)
            await check_schema(composition.engine)
            if settings.metrics_port is None:
                await serve(parts, None, lambda: log.info("%s: at work", name))
                return
            with listen(settings.metrics_host, settings.metrics_port) as listener:
                server = HttpServer(operations_app(parts), listener)
                await serve(parts, server, lambda: log.info("%s: at work", name))

    run_to_the_end(main())
