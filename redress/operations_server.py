"""What a worker or the relay tells operations over HTTP: ``/metrics``, and ``/healthz`` while its parts show life."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final, Protocol

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

LONGEST_SILENCE: Final = 60.0


class Living(Protocol):
    """Something that shows life while it works."""

    @property
    def name(self) -> str:
        """What operations knows it by."""

    @property
    def last_sign_of_life(self) -> float:
        """On the monotonic clock."""


def operations_app(parts: Sequence[Living]) -> ASGIApp:
    """The application. ``/healthz`` answers 503, naming them, when parts were silent for over a minute."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await _answer(Request(scope), parts)(scope, receive, send)

    return app


def _answer(request: Request, parts: Sequence[Living]) -> Response:
    match request.url.path:
        case "/metrics":
            return Response(generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})
        case "/healthz":
            silent = [part.name for part in parts if time.monotonic() - part.last_sign_of_life > LONGEST_SILENCE]
            if silent:
                return PlainTextResponse(f"no sign of life for a minute: {', '.join(silent)}\n", 503)
            return PlainTextResponse("ok\n")
    return PlainTextResponse("there is /metrics and /healthz\n", 404)
