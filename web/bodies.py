"""Reading request bodies: bounded, and checked against a model with reasons that a person understands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request

from services.base.errors import TooLarge
from web.validation import refusal

_Model = TypeVar("_Model", bound=BaseModel)


def header(request: Request, name: bytes) -> str | None:
    """The first value of a header, by its name in small letters. Cheaper than building the mapping of all of them."""
    for found, value in request.scope["headers"]:
        if found == name:
            return str(value, "latin-1")
    return None


async def read_body(request: Request, limit: int) -> bytes:
    """The body, of ``limit`` bytes at most.

    Raises `TooLarge` as early as it is known: from the declared length, or while reading.
    """
    declared = header(request, b"content-length") or ""
    if declared.isdecimal() and int(declared) > limit:
        raise _too_large(limit)
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
        if not message.get("more_body"):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def parse_body(model: type[_Model], body: bytes, context: Mapping[str, object] | None = None) -> _Model:
    """The value that a JSON body describes.

    Raises `web.validation.Malformed` when it is no JSON, `services.base.errors.Invalid` with every wrong field
    otherwise.
    """
    try:
        return model.model_validate_json(body, context=None if context is None else dict(context))
    except ValidationError as error:
        raise refusal(error, model) from None


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the body is larger than {_readable(limit)}; send it in smaller parts")


def _readable(size: int) -> str:
    for unit, name in ((1024 * 1024, "MiB"), (1024, "KiB")):
        if size >= unit and size % unit == 0:
            return f"{size // unit} {name}"
    return f"{size} bytes"
