"""Who is asking: the key in the ``Authorization`` header, and whether its role may do this."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import Final

from fastapi import Security
from fastapi.security import HTTPBearer
from starlette.requests import Request

from services.base.errors import Forbidden, Unauthenticated
from services.people.keys import Caller, KeyRing
from web.bodies import header

ADMIN: Final = "admin"
SCHEME: Final = HTTPBearer(
    scheme_name="key",
    auto_error=False,
    description="A key made with `redress keys create`. Its role is one of channel, integrator, staff and admin; "
    "admin may do everything.",
)
"""What OpenAPI says about keys. It documents; `authenticate` decides."""


def bearer(request: Request) -> str:
    """The key that the request carries. Raises `Unauthenticated` when there is none."""
    scheme, _, key = (header(request, b"authorization") or "").partition(" ")
    key = key.strip()
    if scheme.lower() != "bearer" or not key:
        raise Unauthenticated("the request has no key; send it in the header 'Authorization: Bearer KEY'")
    return key


async def authenticate(request: Request, key_ring: KeyRing, roles: Collection[str]) -> Caller:
    """The caller, whose role is one of ``roles`` or admin.

    Raises `Unauthenticated` without a valid key, `Forbidden` with the roles that may do this, `Unavailable` when the
    key can't be checked now.
    """
    key = bearer(request)
    caller = key_ring.remembered(key) or await key_ring.caller(key)
    if caller.role != ADMIN and caller.role not in roles:
        allowed = " or ".join(sorted({*roles, ADMIN}))
        raise Forbidden(f"this needs a key of role {allowed}, and '{caller.name}' has the role {caller.role}")
    return caller


def caller_of(key_ring: KeyRing, *roles: str) -> Callable[..., Awaitable[Caller]]:
    """A FastAPI dependency that gives the caller: `authenticate`, with the key shown in OpenAPI."""
    allowed = frozenset(roles)

    async def caller(request: Request, _: object = Security(SCHEME)) -> Caller:
        return await authenticate(request, key_ring, allowed)

    return caller
