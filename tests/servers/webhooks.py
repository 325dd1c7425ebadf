"""A real HTTP receiver on loopback, as a channel front end would have it: it verifies signatures with the
`standardwebhooks` package, keeps what it took by id, and can be told to misbehave as such receivers do.

It runs in a thread of its own, so that it serves whatever loop or process the sender runs in.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import orjson
from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

CALL_SECONDS: Final = 10.0
PIECE: Final = b"x" * 65_536

_Result = TypeVar("_Result")
Behaviour = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Call:
    """One call: its body as text, and which of the receiver's secrets verified it (empty: none)."""

    id: str
    headers: dict[str, str]
    body: str
    verified_by: tuple[str, ...]

    @property
    def data(self) -> dict[str, Any]:
        """What stands in ``data``."""
        found: dict[str, Any] = orjson.loads(self.body)["data"]
        return found


class WebhookServer:
    """A front end at ``url``. Secrets and behaviour may be changed at any time, from any thread.

    A call that no secret verifies is answered 401. What is answered 2xx is taken: kept once by its ``webhook-id``.
    """

    def __init__(self, *secrets: str, tls: ssl.SSLContext | None = None) -> None:
        self.secrets: tuple[str, ...] = secrets
        self.calls: list[Call] = []
        self.taken: dict[str, Call] = {}
        self.connections = 0
        self.written = 0
        self._tls = tls
        self._next: deque[Behaviour] = deque()
        self._always: Behaviour | None = None
        self._loop = asyncio.new_event_loop()
        self._released = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_forever, name="webhook server", daemon=True)
        self._thread.start()
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._called)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        self._listener = self._run(self._listen())
        self.port: int = self._listener.sockets[0].getsockname()[1]

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/redress?at=1"

    def once(self, *behaviours: Behaviour) -> None:
        """Behave so at the next calls, one each."""
        self._next.extend(behaviours)

    def always(self, behaviour: Behaviour | None) -> None:
        """Behave so from now on; None: take what comes."""
        self._always = behaviour

    def release(self) -> None:
        """End all hangs."""
        self._loop.call_soon_threadsafe(self._released.set)

    async def hang(self, request: web.Request) -> web.StreamResponse:
        """Say nothing until `release`."""
        await self._released.wait()
        return web.Response()

    async def answer_slowly(self, request: web.Request) -> web.StreamResponse:
        """Answer 200, and leave the body unfinished until `release`."""
        response = web.StreamResponse(headers={"Content-Length": "2"})
        await response.prepare(request)
        await response.write(b"o")
        await self._released.wait()
        return response

    async def answer_at_length(self, request: web.Request) -> web.StreamResponse:
        """Answer 200 with a body that does not end before the line is closed, and count it in ``written`` (bytes)."""
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(PIECE)
                self.written += len(PIECE)
        except ConnectionError:
            return response

    def stop(self) -> None:
        """End the server for good."""
        self.release()
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CALL_SECONDS)
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def _called(self, request: web.Request) -> web.StreamResponse:
        body = (await request.read()).decode()
        verified = tuple(secret for secret in self.secrets if _verifies(secret, body, request))
        call = Call(request.headers.get("webhook-id", ""), dict(request.headers), body, verified)
        self.calls.append(call)
        if not verified:
            return web.Response(status=401)
        behaviour = self._next.popleft() if self._next else self._always
        response = web.Response() if behaviour is None else await behaviour(request)
        if 200 <= response.status < 300:
            self.taken.setdefault(call.id, call)
        return response

    async def _listen(self) -> asyncio.Server:
        await self._runner.setup()
        return await self._loop.create_server(self._accept, "127.0.0.1", 0, ssl=self._tls)

    def _accept(self) -> asyncio.BaseProtocol:
        # Asked at every connection, whether or not anything is ever said on it.
        self.connections += 1
        assert self._runner.server is not None
        return self._runner.server()

    async def _close(self) -> None:
        self._listener.close()
        await self._runner.cleanup()

    def _run(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(CALL_SECONDS)


def answering(status: int, **headers: str) -> Behaviour:
    """Answer so; ``Retry_After="5"`` becomes the header Retry-After."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers=named)

    return answer


async def answer_in_pieces(request: web.Request) -> web.StreamResponse:
    """Answer 200, with a body that comes a little later than the head."""
    response = web.StreamResponse(headers={"Content-Length": "2"})
    await response.prepare(request)
    await asyncio.sleep(0.02)
    await response.write(b"ok")
    return response


async def close_without_a_word(request: web.Request) -> web.StreamResponse:
    """Cut the line when the call has been read."""
    _cut(request)
    return web.Response(status=500)


async def close_half_way(request: web.Request) -> web.StreamResponse:
    """Begin the head of an answer, and cut the line."""
    assert request.transport is not None
    request.transport.write(b"HTTP/1.1 200 OK\r\nContent-Le")
    await asyncio.sleep(0)
    _cut(request, politely=True)
    return web.Response(status=500)


def _cut(request: web.Request, politely: bool = False) -> None:
    assert request.transport is not None
    request.transport.close() if politely else request.transport.abort()


def _verifies(secret: str, body: str, request: web.Request) -> bool:
    try:
        Webhook(secret).verify(body, dict(request.headers))
    except WebhookVerificationError:
        return False
    return True
