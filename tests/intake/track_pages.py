"""The page of a case as its customers use it, and cases that they use it on."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from intake_api.attachments import Attacher
from intake_api.track import track_router
from services.base.files.receiving import FileDoor
from services.base.files.store import LocalFiles
from services.base.stream.bell import Bell
from services.casework.handlers.conversing import AwaitCustomer
from services.plan.versions import Plans
from tests.casework import factories
from tests.casework.factories import ENGINEER, NOW, PRIVACY, do

LATER = NOW + timedelta(hours=1)
QUESTION = "请提供设备编号，并告知 LOS 灯是否亮红灯。"
WORDS = "编号 HG8145-22187，红灯在闪 🔴\n𠮷田"
MIB = 1024 * 1024


class Clock:
    """The time that the page goes by."""

    def __init__(self) -> None:
        self.time = LATER

    def __call__(self) -> datetime:
        return self.time


@pytest.fixture
def now() -> Clock:
    return Clock()


@pytest.fixture
async def browser(engine: AsyncEngine, plans: Plans, tmp_path: Path, now: Clock) -> AsyncIterator[httpx.AsyncClient]:
    async with browsing(engine, plans, tmp_path, now) as client:
        yield client


@asynccontextmanager
async def browsing(
    engine: AsyncEngine, plans: Plans, folder: Path, clock: Callable[[], datetime] = lambda: LATER
) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    files = FileDoor(LocalFiles(folder / "files"))
    app.include_router(track_router(Attacher(engine, plans, files, Bell(), clock), PRIVACY))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="https://care.example.com") as client:
        yield client


async def waiting(engine: AsyncEngine, plans: Plans) -> UUID:
    """A case that waits for its customer's answer."""
    case = await factories.accepted_case(engine, plans)
    await do(engine, plans, case, AwaitCustomer(question=QUESTION), ENGINEER)
    return case


def link(case: UUID, epoch: int = 0) -> str:
    return f"/track/{PRIVACY.track_token(case, epoch)}"


def written_in(answer: httpx.Response, field: str) -> str:
    """What stands in a field for words, as a browser reads it: the line end after the tag is no part of it."""
    (found,) = re.findall(rf'<textarea id="{field}".*?>\n(.*?)</textarea>', answer.text, re.DOTALL)
    return html.unescape(found).replace("\r\n", "\n")
