"""A text channel that runs against the tests' message centre, and what is sent and heard over it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from services.notices.channels.port import Arrived, Outgoing, PeerAway, Receipt, Words
from services.notices.channels.sms import Sms
from tests.servers.smsc import SHORT_CODE, Smsc

CUSTOMER = "+8613800138000"
AT = datetime(2026, 2, 11, 9, 0, tzinfo=UTC)


class Heard:
    """Keeps what it is told. ``fails`` times it can't."""

    def __init__(self, fails: int = 0) -> None:
        self.receipts: list[Receipt] = []
        self.messages: list[Arrived] = []
        self._fails = fails

    async def receipt(self, receipt: Receipt) -> None:
        self._fail()
        self.receipts.append(receipt)

    async def arrived(self, message: Arrived) -> None:
        self._fail()
        self.messages.append(message)

    def _fail(self) -> None:
        if self._fails:
            self._fails -= 1
            raise ConnectionError("the database is away")


def notice(text: str = "Hello", address: str = CUSTOMER) -> Outgoing:
    return Outgoing(
        notice=uuid4(),
        complaint=uuid4(),
        reference="R-2026-0007",
        kind="acknowledgement",
        language="zh",
        realm="live",
        name="李伟",
        address=address,
        words=Words("", text),
        track_url="https://care.example.com/track/x",
        requested_at=AT,
    )


def channel(centre: Smsc, heard: Heard, **settings: Any) -> Sms:
    given = {"sender": SHORT_CODE, "per_second": 1000, "window": 4, "seconds": 5.0, "pause": 0.01, **settings}
    return Sms(centre.url, listener=heard, clock=lambda: AT, **given)


@asynccontextmanager
async def running(centre: Smsc, heard: Heard | None = None, **settings: Any) -> AsyncIterator[Sms]:
    sms = channel(centre, heard or Heard(), **settings)
    task = asyncio.create_task(sms.run())
    try:
        if centre.listening and not centre.refuses_binds:
            await centre.bound()
        yield sms
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def sent(sms: Sms, out: Outgoing) -> None:
    """Send as the sender does: again and again while the centre is away, and then once."""
    async with asyncio.timeout(5):
        while True:
            try:
                await sms.line().send(out)
                return
            except PeerAway:
                await asyncio.sleep(0.005)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.005)
