"""Who may post and read: keys, roles, and how soon a revoked key stops."""

from __future__ import annotations

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.people.keys import KeyRing
from tests.intake.factories import BATCH, COMPLAINTS, Service, complaint, running_service


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": "Basic dXNlcjpwYXNzd29yZA=="},
        {"Authorization": "rd_channel_x"},
        {"Authorization": "Bearer rd_channel_unknown"},
        {"Authorization": "Bearer \xff\xfe"},
        {"X-Api-Key": "rd_channel_x"},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", [COMPLAINTS, BATCH])
async def test_without_a_valid_key_nothing_is_registered(intake: Service, path: str, headers: dict[str, str]) -> None:
    sent = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]

    answer = await intake.client.post(path, json=complaint(), headers=sent)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="redress"'
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:redress:problem:unauthenticated"


async def test_the_scheme_is_taken_in_any_case(intake: Service) -> None:
    _, _, key = intake.channel["Authorization"].partition(" ")

    answer = await intake.post(complaint(), headers={"Authorization": f"bearer   {key}"})

    assert answer.status_code == 201


async def test_a_key_is_asked_for_before_the_body_is_read(intake: Service) -> None:
    answer = await intake.post(b"no json at all", headers={})

    assert answer.status_code == 401


@pytest.mark.parametrize("role", ["integrator", "staff"])
@pytest.mark.parametrize("path", [COMPLAINTS, BATCH])
async def test_roles_that_only_read_may_not_post(intake: Service, role: str, path: str) -> None:
    reader = await intake.with_another_key(role)

    answer = await reader.client.post(path, json=complaint(), headers=reader.channel)

    assert answer.status_code == 403
    assert "a key of role admin or channel" in answer.json()["detail"]
    assert await reader.written() == (0, 0)


async def test_an_admin_may_post(intake: Service) -> None:
    admin = await intake.with_another_key("admin")

    assert (await admin.post(complaint())).status_code == 201


async def test_a_revoked_key_stops_within_seconds(engine: AsyncEngine, database: str) -> None:
    now = 1000.0
    key_ring = KeyRing(engine, clock=lambda: now)
    async with running_service(engine, database, key_ring=key_ring) as service:
        before = await service.post(complaint())
        async with engine.begin() as connection:
            await connection.exec_driver_sql("update api_key set revoked_at = now()")
        now += 5.1

        after = await service.post(complaint())

        assert (before.status_code, after.status_code) == (201, 401)
        assert "revoked" in after.json()["detail"]
        assert await service.written() == (1, 1)
