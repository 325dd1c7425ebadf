"""A real browser before the real program: Chromium, driven by Playwright, where it is installed."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright

from services.base.database import create_engine
from services.base.files.receiving import FileDoor
from services.base.files.store import LocalFiles
from services.plan.versions import Plans
from tests.browser.scenes import OPENED_AT, Addresses, addresses
from tests.casework.factories import sync_duty
from tests.conftest import fill
from tests.intake.factories import listening, running_service
from tests.servers.postgres import PostgresServer


@dataclass(frozen=True)
class Site:
    """The program as customers reach it: where it listens, and the addresses of their pages."""

    url: str
    addresses: Addresses

    def at(self, name: str, language: str) -> str:
        """The page of this name in a language."""
        return f"{self.url}{self.addresses[name]}?lang={language}"


@pytest.fixture(scope="session")
async def site(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    url = postgres.create_database(template=postgres.create_template("redress_template", fill), prefix="pages")
    engine, plans = create_engine(url), Plans()
    await sync_duty(engine, plans)
    files = FileDoor(LocalFiles(tmp_path_factory.mktemp("files")))
    async with (
        running_service(engine, url, files=files, clock=lambda: OPENED_AT) as service,
        listening(service.app) as port,
    ):
        yield Site(f"http://127.0.0.1:{port}", await addresses(engine, plans))
    await engine.dispose()
    postgres.drop_database(url)


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("needs a browser: none of chromium, chromium-browser, google-chrome is installed")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=Path(program), args=["--no-sandbox"])
        yield browser
        await browser.close()
