"""The ``Idempotency-Key`` header of requests that create something: its form, and what OpenAPI says of it."""

from __future__ import annotations

import re
from typing import Annotated, Final

from fastapi import Header

from services.base.errors import FieldProblem, Invalid

_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")

IdempotencyKey = Annotated[
    str | None,
    Header(
        description="Makes sending again safe: the same key and body give the first answer again.",
        examples=["5f0c9c0e-7f5b-4f39-b1b0-0d3c5f6a8e11"],
    ),
]
"""The header, as a parameter of a route."""


def checked_key(header: str | None) -> str | None:
    """The idempotency key of a request. Raises `Invalid` when it can't be one."""
    if header is not None and not _KEY.fullmatch(header):
        reason = "must have 1 to 255 visible ASCII characters, such as a UUID"
        raise Invalid(f"Idempotency-Key {reason}", [FieldProblem("Idempotency-Key", reason, "invalid")])
    return header
