"""Both HTTP programs behind one address: which paths go to intake, and all others to the desk.

The same table as the proxy's in ``deploy/Caddyfile``, for the laptop, where there is no proxy.
"""

from __future__ import annotations

import re
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

_INTAKE: Final = (
    ("POST", re.compile(r"/v1/complaints(/batch)?")),
    ("GET HEAD", re.compile(r"/v1/complaints/[^/]+(/timeline)?")),
    ("POST", re.compile(r"/v1/complaints/[^/]+/(messages|withdraw|reopen)")),
    (
        "",
        re.compile(
            r"/v1/events|/v1/webhooks(/.*)?|/(track|survey|tmf-api)/.*|/(healthz|readyz|metrics)"
            r"|/openapi\.json|/asyncapi\.yaml"
        ),
    ),
)


def is_for_intake(method: str, path: str) -> bool:
    """Whether the intake program serves this request; the desk serves all others."""
    return any((not methods or method in methods.split()) and form.fullmatch(path) for methods, form in _INTAKE)


class OneAddress:
    """An ASGI application that hands each request to one of the two."""

    def __init__(self, intake: ASGIApp, desk: ASGIApp) -> None:
        self._intake = intake
        self._desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand over."""
        app = self._intake if is_for_intake(scope["method"], scope["path"]) else self._desk
        await app(scope, receive, send)
