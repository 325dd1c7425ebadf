"""``POST /v1/complaints/batch``: up to a thousand complaints, each with an answer of its own.

A JSON array is read whole; NDJSON is registered as it comes, so that a sender needs no memory for it and a broken
line costs only itself.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import orjson
from fastapi import APIRouter
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from intake_api.complaints import IDEMPOTENCY_KEY, LARGEST_BODY, REGISTERED, ROLES, SECURITY
from intake_api.posting import PostedComplaint, read_complaint
from intake_api.registration import Intake, Make, Taken
from services.base.errors import Invalid, RedressError, TooLarge
from services.people.keys import Caller, KeyRing
from web.answers import json_answer
from web.authentication import authenticate
from web.bodies import read_body
from web.documentation import answers, shows
from web.idempotency import checked_key
from web.problems import describe
from web.validation import Malformed

MOST_ITEMS: Final = 1000
LARGEST_BATCH: Final = 16 * 1024 * 1024
_AT_ONCE: Final = 250
NDJSON: Final = "application/x-ndjson"
_EXAMPLE: Final = {
    "items": [
        {"index": 0, "status": 201, "complaint": REGISTERED},
        {
            "index": 1,
            "status": 422,
            "problem": {
                "type": "urn:redress:problem:invalid",
                "title": "A value is wrong",
                "status": 422,
                "detail": "a field is wrong: channel: is missing",
                "errors": [{"field": "channel", "reason": "is missing", "code": "missing"}],
            },
        },
    ]
}

_COMPLAINT = {"$ref": "#/components/schemas/PostedComplaint"}


def batch_router(intake: Intake, key_ring: KeyRing) -> APIRouter:
    """The route on which channels post many at once."""
    router = APIRouter(prefix="/v1/complaints", tags=["intake"])

    @router.post(
        "/batch",
        summary="Register up to 1,000 complaints",
        description="Each item is registered or refused for itself and answered in the order posted: `complaint` as "
        "a single post would answer, or `problem`. With an `Idempotency-Key` each place in the batch has a key of "
        "its own. 16 MiB in all, 1 MiB an item.",
        responses={
            200: shows("An answer for each item.", _EXAMPLE),
            **answers(400, 401, 403, 413, 422),
        },
        openapi_extra={
            "security": SECURITY,
            "parameters": [IDEMPOTENCY_KEY],
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {"schema": {"type": "array", "maxItems": MOST_ITEMS, "items": _COMPLAINT}},
                    NDJSON: {"schema": {"type": "string", "description": "One complaint a line."}},
                },
            },
        },
    )
    async def register_many(request: Request) -> Response:
        caller = await authenticate(request, key_ring, ROLES)
        key = checked_key(request.headers.get("idempotency-key"))
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        items: list[dict[str, Any]] = []
        if media_type == NDJSON:
            async for group in _grouped(_lines(request)):
                items += await _take_all(intake, group, caller, key, len(items))
        else:
            makers = _array(await read_body(request, LARGEST_BATCH))
            for start in range(0, len(makers), _AT_ONCE):
                items += await _take_all(intake, makers[start : start + _AT_ONCE], caller, key, start)
        return json_answer({"items": items})

    return router


async def _take_all(
    intake: Intake, makers: Sequence[Make], caller: Caller, key: str | None, start: int
) -> list[dict[str, Any]]:
    # A line break can't be part of a header, so these keys never meet those of single posts.
    keys = [None if key is None else f"{key}\n{index}" for index in range(start, start + len(makers))]
    outcomes = await intake.take_all(list(zip(makers, keys, strict=True)), caller)
    return [_item(index, outcome) for index, outcome in enumerate(outcomes, start=start)]


def _item(index: int, outcome: Taken | BaseException) -> dict[str, Any]:
    if isinstance(outcome, Taken):
        return {"index": index, "status": outcome.status, "complaint": outcome.body}
    if not isinstance(outcome, Exception):
        raise outcome
    problem = describe(outcome, PostedComplaint)
    return {"index": index, "status": problem["status"], "problem": problem}


def _array(body: bytes) -> list[Make]:
    try:
        values = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Malformed(f"the body is not JSON in UTF-8: {error}") from None
    if not isinstance(values, list):
        raise Invalid(f"the body must be a JSON array of complaints, or lines of JSON sent as {NDJSON}")
    if len(values) > MOST_ITEMS:
        raise TooLarge(f"the batch has {len(values)} complaints; {MOST_ITEMS} is the most")
    return [_value_maker(value) for value in values]


def _value_maker(value: object) -> Make:
    # Written out again, so that each item is judged as a single post of it would be.
    return lambda region: _read(orjson.dumps(value), region)


def _line_maker(line: bytes) -> Make:
    return lambda region: _read(line, region)


def _read(body: bytes, region: str) -> PostedComplaint:
    if len(body) > LARGEST_BODY:
        raise TooLarge("the complaint is larger than 1 MiB; shorten its content")
    return read_complaint(body, region)


async def _grouped(lines: AsyncIterator[Make]) -> AsyncIterator[list[Make]]:
    group: list[Make] = []
    async for line in lines:
        group.append(line)
        if len(group) == _AT_ONCE:
            yield group
            group = []
    if group:
        yield group


async def _lines(request: Request) -> AsyncIterator[Make]:
    """A maker for each line that is not empty, a thousand at most; what is too much becomes an item that says so."""
    count = 0
    async for line in _split(request):
        count += 1
        if count > MOST_ITEMS:
            yield _refused(TooLarge(f"lines after the first {MOST_ITEMS} were not read; post them again"))
            return
        yield line


async def _split(request: Request) -> AsyncIterator[Make]:
    size = 0
    rest = b""
    passing_over = False  # the rest of a line that is too long
    try:
        async for chunk in request.stream():
            size += len(chunk)
            *whole, rest = (rest + chunk).split(b"\n")
            if passing_over and whole:
                whole, passing_over = whole[1:], False
            elif passing_over:
                rest = b""
            for line in filter(bytes.strip, whole):
                yield _line_maker(line)
            if len(rest) > LARGEST_BODY:
                yield _line_maker(rest)
                rest, passing_over = b"", True
            if size > LARGEST_BATCH:
                yield _refused(TooLarge("the batch is larger than 16 MiB; post the lines from here on again"))
                return
    except ClientDisconnect:
        return
    if rest.strip():
        yield _line_maker(rest)


def _refused(error: RedressError) -> Make:
    def make(_: str) -> PostedComplaint:
        raise error

    return make
