"""A way past the framework for the few routes where its layers cost more than the work itself.

A direct route is a plain ASGI handler for one method and path. The same handler stands in the FastAPI app, which
documents it; the direct way only spares routing, middleware and dependency layers, and answers errors the same.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from fastapi import FastAPI
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from web.problems import respond

Endpoint = Callable[[Request], Awaitable[Response]]


class Direct:
    """An app with direct routes in front: requests for those go to their endpoint, all others to ``app``."""

    def __init__(self, app: FastAPI, routes: Mapping[tuple[str, str], Endpoint]) -> None:
        """``routes``: (method, path) -> endpoint. Paths are matched as they are."""
        self.app = app
        self._routes = dict(routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = self._routes.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if endpoint is None:
            await self.app(scope, receive, send)
            return
        try:
            response = await endpoint(Request(scope, receive, send))
        except ClientDisconnect:
            return
        except Exception as error:
            response = respond(error)
        await response(scope, receive, send)
