"""Both HTTP programs behind one address: which paths go to intake, and all others to the desk.

The same table as the proxy's in ``deploy/Caddyfile``, for the laptop, where there is no proxy. Where only both
together know the answer (what there is, which methods a path takes), it is put together here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web.answers import json_answer
from web.problems import problem

_INTAKE: Final = (
    ("POST", re.compile(r"/v1/complaints(/batch)?|/v1/judgements")),
    ("GET HEAD", re.compile(r"/v1/complaints/[^/]+(/timeline|/attachments(/[^/]+)?)?")),
    ("POST", re.compile(r"/v1/complaints/[^/]+/(messages|withdraw|reopen|attachments)")),
    (
        "",
        re.compile(
            r"/v1/events|/v1/webhooks(/.*)?|/(track|survey|tmf-api)/.*|/(healthz|readyz|metrics)"
            r"|/openapi\.json|/asyncapi\.yaml"
        ),
    ),
)
_READING: Final = ("GET", "HEAD")
_DOCUMENT: Final = "/openapi.json"
_WELCOME: Final = {"service": "redress", "openapi": _DOCUMENT, "health": "/readyz"}
_NOT_ALLOWED: Final = 405


def is_for_intake(method: str, path: str) -> bool:
    """Whether the intake program serves this request; the desk serves all others."""
    return any((not methods or method in methods.split()) and form.fullmatch(path) for methods, form in _INTAKE)


class OneAddress:
    """An ASGI application that hands each request to one of the two."""

    def __init__(self, intake: ASGIApp, desk: ASGIApp) -> None:
        self._intake = intake
        self._desk = desk
        self._document: dict[str, Any] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand over; what concerns both is answered here."""
        method, path = scope["method"], scope["path"]
        if method in _READING and path == "/":
            await json_answer(_WELCOME)(scope, receive, send)
        elif method in _READING and path == _DOCUMENT:
            await json_answer(await self._openapi())(scope, receive, send)
        else:
            await self._hand_over(scope, receive, send)

    async def _hand_over(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = False

        async def unless_refused(message: Message) -> None:
            nonlocal refused
            refused = refused or message.get("status") == _NOT_ALLOWED
            if not refused:
                await send(message)

        method, path = scope["method"], scope["path"]
        app = self._intake if is_for_intake(method, path) else self._desk
        await app(scope, receive, unless_refused)
        if refused:
            allowed = ", ".join(await self._methods(scope))
            detail = f"{method} is not possible at {path}; it takes {allowed}"
            answer = problem(
                _NOT_ALLOWED, "method-not-allowed", "Method Not Allowed", detail, headers={"Allow": allowed}
            )
            await answer(scope, receive, send)

    async def _methods(self, scope: Scope) -> list[str]:
        """What the path of a request takes, each method from the program that it is handed to."""
        methods: set[str] = set()
        for app in (self._intake, self._desk):
            # Neither serves OPTIONS, so that asking with it changes nothing.
            status, headers, _ = await _asked(app, {**scope, "method": "OPTIONS"})
            if status == _NOT_ALLOWED:
                named = re.split(r",\s*", headers.get(b"allow", b"").decode())
                methods |= {name for name in named if self._serves(app, name, scope["path"])}
        return sorted(methods)

    async def _openapi(self) -> dict[str, Any]:
        """Both documents as one: of each program the operations that it is handed."""
        if self._document is None:
            documents = [(app, await _document_of(app)) for app in (self._intake, self._desk)]
            paths: dict[str, dict[str, Any]] = {}
            for app, document in documents:
                for path, operations in document["paths"].items():
                    served = {name: told for name, told in operations.items() if self._serves(app, name.upper(), path)}
                    if served:
                        paths.setdefault(path, {}).update(served)
            first = documents[0][1]
            self._document = {
                "openapi": first["openapi"],
                "info": {
                    "title": "Redress",
                    "summary": "Customer complaints: register them, follow them, work on them.",
                    "version": first["info"]["version"],
                },
                "paths": paths,
                "components": _merged(document.get("components", {}) for _, document in documents),
            }
        return self._document

    def _serves(self, app: ASGIApp, method: str, path: str) -> bool:
        return is_for_intake(method, path) == (app is self._intake)


def _merged(components: Iterable[dict[str, dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    merged: dict[str, dict[str, Any]] = {}
    for each in components:
        for section, entries in each.items():
            merged.setdefault(section, {}).update(entries)
    return merged


async def _document_of(app: ASGIApp) -> dict[str, Any]:
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": _DOCUMENT,
        "raw_path": _DOCUMENT.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [],
    }
    _, _, body = await _asked(app, scope)
    document: dict[str, Any] = orjson.loads(body)
    return document


async def _asked(app: ASGIApp, scope: Scope) -> tuple[int, dict[bytes, bytes], bytes]:
    """Status, headers and body of the answer to a request without a body."""
    messages: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        messages.append(message)

    await app(scope, receive, send)
    start, *parts = messages
    return start["status"], dict(start["headers"]), b"".join(part.get("body", b"") for part in parts)
