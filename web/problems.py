"""Answers to what went wrong: Problem Details (RFC 9457), from one table for the whole tree of errors.

``type`` is stable; programs may rely on it and on the ``code`` of each wrong field. What is not meant for the caller
(the inside of a failure) goes to the log, under the id that the answer names.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import asdict
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.base.errors import (
    AlreadyUsed,
    Changed,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    RedressError,
    Refused,
    TooLarge,
    Unauthenticated,
    Unavailable,
    WrongState,
)
from services.base.failures import is_passing
from services.base.identity import new_id
from web.answers import json_answer
from web.validation import Malformed, refusal, refusal_of

log = logging.getLogger(__name__)

MEDIA_TYPE: Final = "application/problem+json"
_RETRY_SECONDS: Final = 2.0


class PreconditionRequired(Refused):
    """The request changes something, and does not say which version of it was seen."""


# class of error -> status, name of the problem type, title. The first one that fits counts: special before general.
_KINDS: Final[tuple[tuple[type[RedressError], int, str, str], ...]] = (
    (Malformed, 400, "malformed", "The request can't be read"),
    (PreconditionRequired, 428, "precondition-required", "If-Match is missing"),
    (Invalid, 422, "invalid", "A value is wrong"),
    (NotFound, 404, "not-found", "Not found"),
    (Forbidden, 403, "forbidden", "Not allowed"),
    (Unauthenticated, 401, "unauthenticated", "No valid key"),
    (WrongState, 409, "wrong-state", "Not possible in this status"),
    (Changed, 412, "changed", "Changed in the meantime"),
    (Conflict, 409, "conflict", "Not possible now"),
    (TooLarge, 413, "too-large", "Too large"),
    (Refused, 400, "refused", "Not possible"),
    (Unavailable, 503, "unavailable", "Try again shortly"),
)
_ALREADY_USED: Final[Mapping[str, tuple[int, str, str]]] = MappingProxyType(
    {
        "idempotency-key": (422, "idempotency-key-used", "The idempotency key belongs to another request"),
        "external-id": (409, "external-id-used", "The external id belongs to another complaint"),
    }
)
_STATUS_NAMES: Final[Mapping[int, str]] = MappingProxyType(
    {404: "not-found", 405: "method-not-allowed", 400: "malformed", 413: "too-large"}
)


def problem(
    status: int,
    name: str,
    title: str,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    **extra: object,
) -> Response:
    """A problem answer. ``name`` ends its ``type``; ``extra`` are further members."""
    return json_answer(_details(status, name, title, detail, **extra), status, headers, MEDIA_TYPE)


def describe(error: Exception, model: type[BaseModel] | None = None) -> dict[str, object]:
    """The problem that tells of ``error``, for answers that hold several.

    An error that was not raised on purpose is logged, and described by the id of its log entry alone. ``model``
    helps to name the field that was meant, when ``error`` is pydantic's.
    """
    return _described(_known(error, model))


def respond(error: Exception, model: type[BaseModel] | None = None) -> Response:
    """The answer that tells of ``error``, with the headers that belong to it."""
    known = _known(error, model)
    content = _described(known)
    status = content["status"]
    assert isinstance(status, int)
    return json_answer(content, status, _headers(known), MEDIA_TYPE)


def from_validation_error(error: ValidationError, model: type[BaseModel] | None = None) -> Response:
    """The answer to a body that does not fit its model: 422 with every wrong field, 400 when it is no JSON."""
    return respond(error, model)


def install(app: FastAPI) -> None:
    """Let ``app`` answer every error with a problem."""
    app.add_exception_handler(RedressError, _answer)
    app.add_exception_handler(ValidationError, _answer)
    app.add_exception_handler(RequestValidationError, _answer_request)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_middleware(_LastResort)


class _LastResort:
    """Answers what no handler knew: a passing failure of the database, or a defect of ours."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except ClientDisconnect:
            return
        except Exception as error:
            if started:
                raise
            await respond(error)(scope, receive, send)


def _details(status: int, name: str, title: str, detail: str, **extra: object) -> dict[str, object]:
    return {"type": f"urn:redress:problem:{name}", "title": title, "status": status, "detail": detail, **extra}


def _known(error: Exception, model: type[BaseModel] | None = None) -> Exception:
    """The error as one of ours where it stands for one."""
    if isinstance(error, ValidationError):
        return refusal(error, model)
    if not isinstance(error, RedressError) and is_passing(error):
        log.warning("the database cannot be reached: %s", error)
        return Unavailable("the database cannot be reached now; send the same request again", _RETRY_SECONDS)
    return error


def _described(error: Exception) -> dict[str, object]:
    if isinstance(error, AlreadyUsed):
        return _details(*_ALREADY_USED[error.by], str(error))
    for kind, status, name, title in _KINDS:
        if isinstance(error, kind):
            return _details(status, name, title, str(error), **_extra(error))
    incident = new_id()
    log.error("request failed, id %s", incident, exc_info=error)
    return _details(
        500,
        "internal",
        "A defect of ours",
        f"this should not have happened; the log has it under {incident}",
        id=incident,
    )


def _extra(error: Exception) -> dict[str, Any]:
    if isinstance(error, Invalid):
        return {"errors": [asdict(found) for found in error.problems]}
    if isinstance(error, WrongState):
        return {"possible": error.possible}
    if isinstance(error, Changed):
        return {"version": error.version}
    return {}


def _headers(error: Exception) -> dict[str, str]:
    if isinstance(error, Unauthenticated):
        return {"WWW-Authenticate": 'Bearer realm="redress"'}
    if isinstance(error, Unavailable):
        return {"Retry-After": str(max(1, math.ceil(error.retry_after)))}
    if isinstance(error, Changed):
        return {"ETag": f'"{error.version}"'}
    return {}


async def _answer(request: Request, error: Exception) -> Response:
    return respond(error)


async def _answer_request(request: Request, error: Exception) -> Response:
    # FastAPI names the part of the request (query, path, body) first; the caller knows where the field stands.
    assert isinstance(error, RequestValidationError)
    return respond(refusal_of([{**detail, "loc": detail["loc"][1:]} for detail in error.errors()]))


async def _answer_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    title = HTTPStatus(error.status_code).phrase
    name = _STATUS_NAMES.get(error.status_code, title.lower().replace(" ", "-"))
    detail = str(error.detail)
    if error.status_code == HTTPStatus.NOT_FOUND:
        detail = f"there is nothing at {request.url.path}; /openapi.json lists what there is"
    elif error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (error.headers or {}).get("Allow", "another method")
        detail = f"{request.method} is not possible at {request.url.path}; it takes {allowed}"
    return problem(error.status_code, name, title, detail, headers=error.headers)
