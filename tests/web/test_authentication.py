"""Whose key it is, and what its role may do."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request

from services.base.errors import Forbidden, Unauthenticated
from services.people.keys import ROLES, KeyRing, create_key
from services.people.model import ApiKey
from web.authentication import authenticate, bearer


def request_with(authorization: str | None) -> Request:
    headers = [] if authorization is None else [(b"authorization", authorization.encode("latin-1"))]
    return Request({"type": "http", "headers": headers})


@pytest.mark.parametrize("header", ["Bearer abc", "bearer abc", "BEARER  abc "])
def test_the_key_is_read_from_the_header(header: str) -> None:
    assert bearer(request_with(header)) == "abc"


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic abc", "abc"])
def test_without_a_key_the_answer_says_how_to_send_one(header: str | None) -> None:
    with pytest.raises(Unauthenticated, match="Authorization: Bearer KEY"):
        bearer(request_with(header))


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_may_do_what_is_its_own_and_an_administrator_everything(engine: AsyncEngine, role: str) -> None:
    async with engine.begin() as connection:
        key = await create_key(connection, role, "somebody", login="xu.lei" if role == "staff" else None)
    key_ring, request = KeyRing(engine), request_with(f"Bearer {key}")

    assert (await authenticate(request, key_ring, {role})).role == role
    if role == "admin":
        assert (await authenticate(request, key_ring, frozenset())).role == "admin"
    else:
        with pytest.raises(Forbidden, match=f"role admin or other, and 'somebody' has the role {role}"):
            await authenticate(request, key_ring, {"other"})


async def test_a_key_that_was_seen_lately_costs_no_query(engine: AsyncEngine) -> None:
    now = [0.0]
    async with engine.begin() as connection:
        key = await create_key(connection, "channel", "hotline")
    key_ring, request = KeyRing(engine, lambda: now[0]), request_with(f"Bearer {key}")
    await authenticate(request, key_ring, {"channel"})
    async with engine.begin() as connection:
        await connection.execute(sa.update(ApiKey).values(revoked_at=sa.func.now()))

    assert (await authenticate(request, key_ring, {"channel"})).name == "hotline"
    now[0] = 6.0
    with pytest.raises(Unauthenticated, match="revoked"):
        await authenticate(request, key_ring, {"channel"})


async def test_characters_that_no_key_has_are_an_unknown_key(engine: AsyncEngine) -> None:
    with pytest.raises(Unauthenticated):
        await authenticate(request_with("Bearer \xe9\xff"), KeyRing(engine), {"channel"})
