"""JSON answers: written by orjson, times in RFC 3339 with ``Z``, ids as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

import orjson
from starlette.responses import Response

_OPTIONS: Final = orjson.OPT_UTC_Z


def to_json(content: object) -> bytes:
    """The content as JSON. UUIDs, dataclasses and times (UTC, with time zone) are taken as they are."""
    return orjson.dumps(content, _plain, _OPTIONS)


def json_answer(
    content: object,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    media_type: str = "application/json",
) -> Response:
    """An answer with ``content`` as its JSON body."""
    return Response(to_json(content), status, headers, media_type)


def _plain(value: object) -> str:
    # The database's driver has a UUID class of its own below the standard one; orjson knows the standard one only.
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")
