"""A channel front end as the tests of webhooks have it: its callback, notices for it, a line to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.identity import new_id
from services.notices.callbacks import commands
from services.notices.callbacks.queries import CallbackView
from services.notices.callbacks.signing import secret_of
from services.notices.channels.port import Line, NotSent, Outgoing, Words
from services.notices.channels.webhook import Webhook
from services.notices.channels.webhook_addresses import Endpoint, parsed
from services.people.keys import create_key
from tests.notices.factories import PRIVACY
from tests.servers.webhooks import WebhookServer

HERE = "127.0.0.1/32"
PATIENT = 10.0
HASTY = 0.4


def outgoing(notice: UUID | None = None, **values: Any) -> Outgoing:
    """A notice for the front end ``chat``."""
    given: dict[str, Any] = {
        "notice": notice or new_id(),
        "complaint": new_id(),
        "reference": "RD-7KQ2-M4XA",
        "kind": "estimate",
        "language": "zh",
        "realm": "live",
        "name": "李伟",
        "address": "chat-71f3",
        "words": Words("预计修复时间", "您好，宽带预计今天18:00前修复。🙏𠮷\n"),
        "track_url": "https://care.example.com/track/abc",
        "requested_at": datetime(2025, 11, 24, 2, 30, tzinfo=UTC),
        "front_end": "chat",
        **values,
    }
    return Outgoing(**given)


async def set_up(engine: AsyncEngine, url: str, realm: str = "live", name: str = "chat") -> CallbackView:
    """A key and a callback, as they are even where the networks allowed have changed since."""
    async with engine.begin() as connection:
        await create_key(connection, "channel", name, realm=realm)
        return await commands.put(connection, realm, name, Endpoint(parsed(url)))


async def known_to(engine: AsyncEngine, front_end: WebhookServer) -> CallbackView:
    """The receiver is the front end ``chat``, and has its secret."""
    callback = await set_up(engine, front_end.url)
    front_end.secrets = (secret_of(PRIVACY, "chat", callback.epoch),)
    return callback


@asynccontextmanager
async def line_of(
    engine: AsyncEngine,
    *,
    networks: str = HERE,
    seconds: float = PATIENT,
    addresses: Callable[[], Sequence[str]] | None = None,
    clock: Callable[[], datetime] | None = None,
) -> AsyncIterator[Line]:
    """A line of a new channel. ``addresses`` is what names stand for, each time that they are looked up."""

    async def lookup(host: str, port: int) -> Sequence[str]:
        assert addresses is not None
        return addresses()

    channel = Webhook(
        engine,
        PRIVACY,
        connections=4,
        networks=networks,
        seconds=seconds,
        lookup=lookup if addresses else None,
        clock=clock,
    )
    line = channel.line()
    try:
        yield line
    finally:
        await line.close()


async def failure_of(line: Line, out: Outgoing) -> NotSent | None:
    """What became of a notice when it did not go."""
    try:
        await line.send(out)
    except NotSent as error:
        return error
    return None
