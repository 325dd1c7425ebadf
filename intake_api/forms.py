"""Reading the forms of the customer's pages: bounded, and keeping what was written when the rest is too large."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from starlette.datastructures import UploadFile
from starlette.formparsers import FormParser, MultiPartException, MultiPartParser
from starlette.requests import Request

from services.base.errors import RedressError
from web.validation import Malformed

MIB: Final = 1024 * 1024
# A field of a form: ten times the longest text that is taken, so that one that is too long comes back to its writer.
_LARGEST_FIELD: Final = MIB
_MOST_FIELDS: Final = 10
# Longer than that nobody's connection takes for ten MiB.
_LONGEST_SECONDS: Final = 600.0
# Browsers show their own failure when a body isn't read to its end, so what is too large is read and thrown away.
_THROWN_AWAY: Final = 256 * MIB


@dataclass(slots=True)
class Form:
    """What was filled in. ``file`` is open for as long as the form is; ``too_large``: it was, and is not there."""

    fields: dict[str, str] = field(default_factory=dict)
    file: UploadFile | None = None
    too_large: bool = False


class _TooLong(RedressError):
    """The body is longer than is read."""


@asynccontextmanager
async def reading(request: Request, largest: int) -> AsyncIterator[Form]:
    """The form in the body of a request, of ``largest`` bytes at most with its file.

    Raises `Malformed` when it is none.
    """
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    try:
        async with asyncio.timeout(_LONGEST_SECONDS):
            if kind == "multipart/form-data":
                form = await _with_file(request, largest + _LARGEST_FIELD)
            elif kind == "application/x-www-form-urlencoded":
                form = await _without_file(request)
            else:
                raise Malformed("the body is no form")
    except (MultiPartException, ValueError, TimeoutError) as error:
        raise Malformed("the body is no form, or did not come to its end") from error
    try:
        yield form
    finally:
        if form.file is not None:
            await form.file.close()


async def _with_file(request: Request, most: int) -> Form:
    form = Form()
    body = _bounded(request, most)
    limits = {"max_files": 1, "max_fields": _MOST_FIELDS, "max_part_size": _LARGEST_FIELD}
    parser = MultiPartParser(request.headers, body, **limits)
    try:
        await parser.parse()
    except _TooLong:
        form.too_large = True
        await _throw_away(request)
    for name, value in parser.items:
        if isinstance(value, str):
            form.fields.setdefault(name, value)
        elif not form.too_large and (value.filename or value.size):
            form.file = value
        else:
            await value.close()
    return form


async def _without_file(request: Request) -> Form:
    # Written in the form's way, a character takes up to twelve bytes.
    body = _bounded(request, 3 * _MOST_FIELDS * _LARGEST_FIELD)
    parser = FormParser(request.headers, body, max_fields=_MOST_FIELDS, max_part_size=3 * _LARGEST_FIELD)
    try:
        found = await parser.parse()
    except _TooLong as error:
        raise Malformed("the form is too long") from error
    return Form({name: value for name, value in found.items() if isinstance(value, str)})


async def _bounded(request: Request, most: int) -> AsyncGenerator[bytes, None]:
    size = 0
    async with aclosing(request.stream()) as chunks:
        async for chunk in chunks:
            size += len(chunk)
            if size > most:
                raise _TooLong(f"the body is larger than {most} bytes")
            yield chunk


async def _throw_away(request: Request) -> None:
    size = 0
    while size < _THROWN_AWAY:
        message = await request.receive()
        size += len(message.get("body", b""))
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            return
