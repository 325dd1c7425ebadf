"""Following the event log shows every event once, in order, also one whose transaction was slow."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from redress.tailing import LoggedEvent, tail
from services.base.identity import new_id
from services.base.stream.event import NewEvent
from services.base.stream.log import append
from services.complaints.events import Noted, Received

NOW = datetime(2026, 11, 24, 2, 30, tzinfo=UTC)


async def write(connection: AsyncConnection, count: int = 1) -> list[UUID]:
    keys = [new_id() for _ in range(count)]
    received = Received(
        reference="RD-1111-1111-1", channel="web", service_type="mobile", language="en", received_at=NOW
    )
    events = [NewEvent(key, 1, received, NOW, "live", "channel:web", {"secret": "words"}) for key in keys]
    await append(connection, events)
    return keys


async def read(url: str, types: Sequence[str] = ()) -> list[LoggedEvent]:
    pages = tail(url, types, from_start=True, follow=False, pause=0)
    return [event async for page in pages for event in page]


async def test_from_the_start_every_event_is_shown_in_order_over_many_pages(engine: AsyncEngine, database: str) -> None:
    async with engine.begin() as connection:
        keys = await write(connection, 2500)

    assert [event.key for event in await read(database)] == keys


async def test_a_type_may_be_given_by_its_short_name_or_in_full(engine: AsyncEngine, database: str) -> None:
    async with engine.begin() as connection:
        [key] = await write(connection)
        await append(connection, [NewEvent(key, 2, Noted(reference="x"), NOW, "live", "staff:wang.fang")])

    for name in ("received", "complaint.received", "redress.complaint.received.v1"):
        assert [event.number for event in await read(database, [name])] == [1]
    assert [event.number for event in await read(database, ["noted", "received"])] == [1, 2]
    assert await read(database, ["re_eived"]) == []


async def test_only_the_public_half_is_shown(engine: AsyncEngine, database: str) -> None:
    async with engine.begin() as connection:
        await write(connection)

    [event] = await read(database)

    shown = orjson.loads(event.as_json())
    assert shown["data"]["channel"] == "web"
    assert shown["time"] == "2026-11-24T02:30:00Z"
    assert "words" not in event.as_json()


async def test_following_shows_what_is_new_and_a_late_commit_with_an_earlier_position(
    engine: AsyncEngine, database: str
) -> None:
    async with engine.begin() as connection:
        await write(connection)
    pages = tail(database, (), from_start=False, follow=True, pause=0.01)
    slow = await engine.connect()
    following = asyncio.ensure_future(anext(pages))
    try:
        await asyncio.sleep(0.1)  # for the reader to take its first snapshot; nothing tells when it has
        [late] = await write(slow)
        async with engine.begin() as connection:
            [early] = await write(connection)
        first = await asyncio.wait_for(following, 10)
        await slow.commit()
        second = await asyncio.wait_for(anext(pages), 10)
    finally:
        await slow.close()
        await pages.aclose()  # type: ignore[attr-defined]  # it is a generator

    assert [event.key for event in first] == [early]
    assert [event.key for event in second] == [late]
    assert second[0].position < first[0].position
