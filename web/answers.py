"""JSON answers: written by orjson, times in RFC 3339 with ``Z``, ids as text."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from starlette.responses import Response

_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS


def to_json(content: object) -> bytes:
    """The content as JSON. UUIDs, dataclasses and times (UTC, with time zone) are taken as they are."""
    return orjson.dumps(content, option=_OPTIONS)


def json_answer(
    content: object,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    media_type: str = "application/json",
) -> Response:
    """An answer with ``content`` as its JSON body."""
    return Response(to_json(content), status, headers, media_type)
