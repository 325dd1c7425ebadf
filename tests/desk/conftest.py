"""The desk as an HTTP program on a fresh database, and keys of those who call it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from desk.app import create_app
from services.base.files.receiving import FileDoor
from services.base.files.store import LocalFiles
from services.people.keys import KeyRing
from services.plan.versions import Plans
from tests.casework.factories import NOW, PRIVACY, sync_duty


@pytest.fixture
async def plans(engine: AsyncEngine) -> Plans:
    made = Plans()
    await sync_duty(engine, made)
    return made


@pytest.fixture
def files(tmp_path: Path) -> FileDoor:
    return FileDoor(LocalFiles(tmp_path / "files"))


@pytest.fixture
async def desk(engine: AsyncEngine, plans: Plans, files: FileDoor) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(
        engine=engine,
        privacy=PRIVACY,
        plans=plans,
        key_ring=KeyRing(engine),
        files=files,
        public_url="https://complaints.example.com",
        clock=lambda: NOW,
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://desk") as client:
        yield client
