"""Running a program's parts and its HTTP server in one event loop, until a signal ends them in good order.

The first SIGINT or SIGTERM lets requests and batches in hand finish; a second one ends at once. What was cut off
then comes again by itself: nothing is confirmed before it is on disk.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any

import uvicorn
import uvloop
from starlette.types import ASGIApp, Message

from redress.supervising import Supervised
from services.base.errors import Misconfigured

log = logging.getLogger(__name__)

DRAIN_SECONDS = 20
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling: the whole program stops together, not only its server."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


class HttpServer:
    """An ASGI application on a listening socket. ``apps`` are those whose lifespans it opens and closes."""

    def __init__(self, app: ASGIApp, listener: socket.socket, apps: Sequence[ASGIApp] = ()) -> None:
        config = uvicorn.Config(
            app,
            http="httptools",
            ws="none",
            lifespan="off",  # opened here, so that a failure is raised as what it is
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=DRAIN_SECONDS,
        )
        logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
        self._server = _Server(config)
        self._listener = listener
        self._apps = apps

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Serve while the block runs; afterwards finish the requests in hand."""
        async with AsyncExitStack() as stack:
            for app in self._apps:
                await stack.enter_async_context(_lifespan(app))
            task = asyncio.create_task(self._server.serve(sockets=[self._listener]), name="http server")
            try:
                await _first_of(self._server.ready, task)
                yield
            finally:
                self._server.should_exit = True
                await task

    def cut_off(self) -> None:
        """Wait for no request any more."""
        self._server.should_exit = self._server.force_exit = True


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises `Misconfigured` when the address can't be had."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        raise Misconfigured(
            f"cannot listen on {host}:{port}: {error.strerror or error}; choose another address with --host and --port"
        ) from error
    listener.setblocking(False)
    return listener


async def serve(
    parts: Sequence[Supervised], server: HttpServer | None = None, when_ready: Callable[[], None] = lambda: None
) -> None:
    """Run everything until a signal comes (or a part finds a wrong setting), then stop in good order."""
    async with _stopping_signals() as stopping, AsyncExitStack() as stack:
        tasks = [asyncio.create_task(part.run(), name=part.name) for part in parts]
        stack.push_async_callback(_finish, parts, tasks)
        if server is not None:
            stopping.at_second_signal = server.cut_off
            await stack.enter_async_context(server.serving())
        when_ready()
        waiting = asyncio.create_task(stopping.first.wait())
        await asyncio.wait([waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        log.info("stopping; what was begun is finished")
        # The parts leave while the server answers its last requests.
        for part in parts:
            part.stop()


def run_to_the_end(main: Coroutine[Any, Any, None]) -> None:
    """Run a program's coroutine. Raises ``KeyboardInterrupt`` when it was told a second time to stop."""
    try:
        uvloop.run(main)
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


@asynccontextmanager
async def _lifespan(app: ASGIApp) -> AsyncIterator[None]:
    """The application's own beginning and end. What fails there is raised as it is."""
    stop, started = asyncio.Event(), asyncio.Event()
    wanted: list[Message] = [{"type": "lifespan.startup"}]

    async def receive() -> Message:
        if wanted:
            return wanted.pop()
        await stop.wait()
        return {"type": "lifespan.shutdown"}

    async def send(message: Message) -> None:
        if message["type"] == "lifespan.startup.complete":
            started.set()

    scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}
    task = asyncio.ensure_future(app(scope, receive, send))
    await _first_of(started, task)
    try:
        yield
    finally:
        stop.set()
        await task


async def _first_of(event: asyncio.Event, task: asyncio.Future[None]) -> None:
    """Wait for the event; when the task ends first, raise what it raised."""
    waiting: asyncio.Future[Any] = asyncio.ensure_future(event.wait())
    await asyncio.wait([waiting, task], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if not event.is_set():
        await task


class _Stopping:
    """What signals have asked for."""

    def __init__(self) -> None:
        self.first = asyncio.Event()
        self.at_second_signal: Callable[[], None] = lambda: None
        self._main = asyncio.current_task()

    def signalled(self) -> None:
        if not self.first.is_set():
            self.first.set()
            return
        log.warning("stopping at once; what was begun comes again")
        self.at_second_signal()
        if self._main is not None:
            self._main.cancel()


@asynccontextmanager
async def _stopping_signals() -> AsyncIterator[_Stopping]:
    loop = asyncio.get_running_loop()
    stopping = _Stopping()
    for number in _SIGNALS:
        loop.add_signal_handler(number, stopping.signalled)
    try:
        yield stopping
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


async def _finish(parts: Sequence[Supervised], tasks: Sequence[asyncio.Task[None]]) -> None:
    for part in parts:
        part.stop()
    try:
        ended = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), DRAIN_SECONDS)
    except TimeoutError:
        log.warning("a part did not finish within %d s and was cut off; its work comes again", DRAIN_SECONDS)
        return
    for outcome in ended:
        if isinstance(outcome, BaseException) and not isinstance(outcome, asyncio.CancelledError):
            raise outcome
