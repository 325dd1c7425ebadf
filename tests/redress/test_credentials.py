"""`redress up` keeps working keys for everybody in one file, whatever happens to the file."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from redress.credentials import ensure_credentials
from services.base.errors import Unauthenticated
from services.people.keys import KeyRing, create_key
from services.plan.loading import load_plan, shipped_plan_text

PLAN = load_plan(shipped_plan_text())
URL = "http://127.0.0.1:8000"


async def ensure(engine: AsyncEngine, file: Path, url: str = URL) -> dict[str, Any]:
    async with engine.begin() as connection:
        await ensure_credentials(connection, PLAN, file, url)
    content: dict[str, Any] = json.loads(file.read_text())
    return content


async def test_the_file_holds_a_working_key_for_each_role_and_for_all_staff(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    made = await ensure(engine, tmp_path / "credentials.json")

    ring = KeyRing(engine)
    for role in ("channel", "integrator", "admin"):
        assert (await ring.caller(made[f"{role}_key"])).role == role
    assert [person["login"] for person in made["staff"]] == [person.login for person in PLAN.staff]
    for person in made["staff"]:
        caller = await ring.caller(person["key"])
        assert (caller.role, caller.login) == ("staff", person["login"])
        assert person["group"] == PLAN.home_group(person["login"]).code
        assert person["role"] in ("head", "deputy", "member")
        assert len(person["password"]) >= 16
    assert stat.S_IMODE((tmp_path / "credentials.json").stat().st_mode) == 0o600


async def test_a_second_start_changes_nothing_but_the_address(engine: AsyncEngine, tmp_path: Path) -> None:
    first = await ensure(engine, tmp_path / "credentials.json")

    second = await ensure(engine, tmp_path / "credentials.json", "http://127.0.0.1:9000")

    assert second == {**first, "base_url": "http://127.0.0.1:9000"}


@pytest.mark.parametrize("left", [None, "", "{broken", "[]", '{"staff": null}', '{"staff": ["x"], "admin_key": 5}'])
async def test_keys_of_a_lost_file_are_made_anew_and_the_old_ones_revoked(
    engine: AsyncEngine, tmp_path: Path, left: str | None
) -> None:
    file = tmp_path / "credentials.json"
    first = await ensure(engine, file)
    file.unlink()
    if left is not None:
        file.write_text(left)

    second = await ensure(engine, file)

    ring = KeyRing(engine)
    assert (await ring.caller(second["channel_key"])).role == "channel"
    for lost in (first["channel_key"], first["admin_key"], first["staff"][0]["key"]):
        with pytest.raises(Unauthenticated):
            await ring.caller(lost)


async def test_keys_that_people_made_themselves_are_left_alone(engine: AsyncEngine, tmp_path: Path) -> None:
    async with engine.begin() as connection:
        own = await create_key(connection, "channel", "hotline-desk")
    await ensure(engine, tmp_path / "credentials.json")
    (tmp_path / "credentials.json").unlink()

    await ensure(engine, tmp_path / "credentials.json")

    assert (await KeyRing(engine).caller(own)).name == "hotline-desk"


async def test_a_file_that_came_from_another_database_gets_keys_that_work_here(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    file = tmp_path / "credentials.json"
    made = await ensure(engine, file)
    foreign = {**made, "channel_key": "rd_channel_of_another_database"}
    file.write_text(json.dumps(foreign))

    now = await ensure(engine, file)

    assert now["channel_key"] != foreign["channel_key"]
    assert now["admin_key"] == made["admin_key"]
