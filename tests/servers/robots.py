"""A robot of a chat on loopback: takes messages over HTTP, keeps them, and can be told to misbehave."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Self

from aiohttp import web


class Robot:
    """Keeps what it took at any path (the JSON bodies, with the path as ``path``). To be used within one event loop."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.status = 200
        self.answer: object = {"errcode": 0, "errmsg": "ok"}
        self.hanging: set[str] = set()
        self._released = asyncio.Event()
        self._port = 0
        app = web.Application()
        app.router.add_post("/{path:.*}", self._called)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._port}"

    def at(self, path: str) -> list[dict[str, Any]]:
        """What came to this path, in order."""
        return [call for call in self.calls if call["path"] == path]

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._released.set()
        await self._runner.cleanup()

    async def _called(self, request: web.Request) -> web.StreamResponse:
        self.calls.append({"path": request.path, "query": dict(request.query), **(await request.json())})
        if request.path in self.hanging:
            await self._released.wait()
        return web.json_response(self.answer, status=self.status)
