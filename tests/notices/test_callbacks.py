"""The callbacks of front ends: the commands on a real database, and whom the notifier can reach."""

from __future__ import annotations

import os
import subprocess
import sys
from base64 import b64decode
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.errors import NotFound
from services.notices.callbacks import commands
from services.notices.callbacks.queries import Callbacks, find, reachable
from services.notices.callbacks.signing import secret_of
from services.notices.channels.webhook_addresses import Endpoint, parsed
from services.people.keys import create_key
from tests.conftest import SECRET
from tests.notices.factories import PRIVACY

URL = Endpoint(parsed("https://chat.example.com/redress"))
OTHER_URL = Endpoint(parsed("https://chat.example.com/new"))


def redress(folder: Path, database: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line, with callbacks allowed on 127.0.0.1."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("REDRESS_")}
    settings = {
        "REDRESS_DATABASE_URL": database,
        "REDRESS_SECRET": SECRET,
        "REDRESS_WEBHOOK_NETWORKS": "127.0.0.1/32",
        "COLUMNS": "200",
    }
    command = [str(Path(sys.executable).with_name("redress")), *arguments]
    return subprocess.run(
        command, env=inherited | settings, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


async def test_the_commands_set_rotate_show_and_remove(engine: AsyncEngine, database: str, tmp_path: Path) -> None:
    def run(*arguments: str) -> str:
        done = redress(tmp_path, database, "callbacks", *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    async with engine.begin() as connection:
        await create_key(connection, "channel", "chat")
    first = run("set", "chat", "http://localhost:8080/redress")
    second = run("rotate", "chat")
    table = run("list")
    async with engine.connect() as connection:
        (kept,) = await find(connection)
    run("remove", "chat")

    assert len(b64decode(first.strip().removeprefix("whsec_"))) == 32
    assert first.strip() == secret_of(PRIVACY, "chat", kept.previous_epoch or 0)
    assert second.strip() == secret_of(PRIVACY, "chat", kept.epoch)
    assert "http://localhost:8080/redress" in table
    assert "on; two secrets sign until" in table
    assert "whsec_" not in table
    async with engine.connect() as connection:
        assert await find(connection) == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["set", "chta", "http://127.0.0.1:8080/"],
            "no channel key is named 'chta' in the realm live; there are: none",
        ),
        (["set", "chat", "http://192.168.0.1/"], "the address 192.168.0.1 is private"),
    ],
)
def test_what_has_to_be_changed_is_said_in_a_line(
    database: str, tmp_path: Path, arguments: list[str], told: str
) -> None:
    done = redress(tmp_path, database, "callbacks", *arguments)

    assert done.returncode == 2
    assert done.stderr.startswith("redress: ")
    assert told in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


async def test_setting_again_changes_the_url_and_keeps_the_secret(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await create_key(connection, "channel", "chat")
        first = await commands.put(connection, "live", "chat", URL)
        again = await commands.put(connection, "live", "chat", OTHER_URL)

        with pytest.raises(NotFound, match="'shop' has no callback in the realm live; those that have one: chat"):
            await commands.rotate(connection, "live", "shop")

    assert (again.url, again.epoch) == (str(OTHER_URL), first.epoch)


async def test_only_a_channel_key_of_the_realm_that_is_valid_can_have_a_callback(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await create_key(connection, "channel", "chat")
        await create_key(connection, "channel", "old")
        await create_key(connection, "channel", "simulator", realm="drill")
        await create_key(connection, "integrator", "crm")
        await connection.execute(sa.text("update api_key set revoked_at = now() where name = 'old'"))

        for name in ("old", "simulator", "crm"):
            with pytest.raises(NotFound, match=f"no channel key is named '{name}' in the realm live; there are: chat"):
                await commands.put(connection, "live", name, URL)
        callback = await commands.put(connection, "live", "chat", URL)

    assert callback.url == str(URL)


async def test_a_secret_that_was_removed_or_rotated_away_never_returns(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        for realm in ("live", "drill"):
            await create_key(connection, "channel", "chat", realm=realm)
        first = await commands.put(connection, "live", "chat", URL)
        drill = await commands.put(connection, "drill", "chat", URL)
        second = await commands.rotate(connection, "live", "chat")
        third = await commands.rotate(connection, "live", "chat")
        await commands.remove(connection, "live", "chat")
        fourth = await commands.put(connection, "live", "chat", URL)

    callbacks = (first, drill, second, third, fourth)
    assert len({secret_of(PRIVACY, callback.name, callback.epoch) for callback in callbacks}) == 5
    assert (second.previous_epoch, third.previous_epoch) == (first.epoch, second.epoch)
    assert fourth.previous_epoch is None


async def test_reachable_are_those_of_the_realm_whose_callback_is_not_disabled(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        for name in ("chat", "app", "forum"):
            await create_key(connection, "channel", name)
            await commands.put(connection, "live", name, URL)
        await create_key(connection, "channel", "simulator", realm="drill")
        await commands.put(connection, "drill", "simulator", URL)
        await commands.disable(connection, (await find(connection))[-1], "forum answered 410 Gone")

        live = await reachable(connection, "live")
        drill = await reachable(connection, "drill")
        await commands.put(connection, "live", "forum", OTHER_URL)
        set_again = await reachable(connection, "live")

    assert live == {"chat", "app"}
    assert drill == {"simulator"}
    assert set_again == {"chat", "app", "forum"}


async def test_a_change_is_seen_after_two_seconds_and_nothing_is_asked_before(engine: AsyncEngine) -> None:
    time = 0.0
    callbacks = Callbacks(engine, clock=lambda: time)
    async with engine.begin() as connection:
        await create_key(connection, "channel", "chat")
        await commands.put(connection, "live", "chat", URL)

    first = await callbacks.get("live", "chat")
    async with engine.begin() as connection:
        await commands.remove(connection, "live", "chat")
    remembered = await callbacks.get("live", "chat")
    time = 2.0
    seen = await callbacks.get("live", "chat")

    assert first is not None
    assert remembered is first
    assert seen is None
