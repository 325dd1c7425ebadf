"""Senders as the settings want them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier_worker.senders import Outside, Senders
from services.base.files.receiving import FileDoor
from services.base.files.store import file_store
from services.base.settings import Settings, load_settings
from services.base.stream.bell import Bell
from services.plan.versions import Plans
from tests.notices.factories import PRIVACY, kept_mails, requested
from tests.notices.test_sending import settled, until_true
from tests.servers.smtp import SmtpServer


async def test_with_a_mail_server_only_real_customers_are_written_to(engine: AsyncEngine, tmp_path: Path) -> None:
    with SmtpServer() as mail_server:
        settings = load_settings(smtp_url=mail_server.url, mail_dir=tmp_path, mail_from="Care <care@example.com>")
        await requested(engine, 2, realm="live")
        await requested(engine, realm="drill")
        await requested(engine, realm="sandbox")

        await _send_all(engine, settings)

        assert len(mail_server.messages) == 2
        assert len(kept_mails(tmp_path)) == 2


async def test_without_a_mail_server_everything_is_kept_in_the_home(engine: AsyncEngine, tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path, smtp_url=None, mail_dir=None)
    await requested(engine)
    await requested(engine, realm="sandbox")

    await _send_all(engine, settings)

    assert len(kept_mails(tmp_path / "mail")) == 2


async def test_a_ring_of_the_bell_sends_at_once(engine: AsyncEngine, tmp_path: Path) -> None:
    bell = Bell()
    senders = outside(engine, load_settings(home=tmp_path, poll_ms=10_000), bell)
    made_at = senders.last_sign_of_life
    running = asyncio.create_task(senders.run())
    await until_true(lambda: senders.last_sign_of_life > made_at)

    await requested(engine)
    bell.ring()
    await settled(engine)

    senders.stop()
    await asyncio.wait_for(running, 5)


def outside(engine: AsyncEngine, settings: Settings, bell: Bell | None = None) -> Senders:
    files = FileDoor(file_store((settings.home / "files").resolve().as_uri()))
    return Outside(engine, PRIVACY, Plans(), settings, files=files, bell=bell).senders()


async def _send_all(engine: AsyncEngine, settings: Settings) -> None:
    senders = outside(engine, settings)
    running = asyncio.create_task(senders.run())
    await settled(engine)
    senders.stop()
    await asyncio.wait_for(running, 10)
