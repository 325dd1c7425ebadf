"""Events and keys for tests of the stream, with a type of their own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import ClassVar
from uuid import UUID

import asyncpg

from services.base.identity import new_id
from services.base.stream.event import EventData, NewEvent

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


class Happened(EventData):
    """A test's event."""

    TYPE: ClassVar[str] = "redress.test.happened.v1"
    TOPIC: ClassVar[str] = "redress.test"
    word: str = ""


class Other(EventData):
    """An event of another type on the same topic."""

    TYPE: ClassVar[str] = "redress.test.other.v1"
    TOPIC: ClassVar[str] = "redress.test"


def happened(key: UUID, number: int, word: str = "", private: dict[str, object] | None = None) -> NewEvent:
    return NewEvent(key, number, Happened(word=word), NOW, "live", "system:test", private)


def other(key: UUID, number: int) -> NewEvent:
    return NewEvent(key, number, Other(), NOW, "live", "system:test")


_INSERT = """
    insert into event (id, type, topic, key, number, realm, time, actor, data)
    select id, 'redress.test.happened.v1', 'redress.test', key, number, 'live', clock_timestamp(), 'system:test', '{}'
    from unnest($1::uuid[], $2::uuid[], $3::int[]) as e (id, key, number)
"""


async def insert_raw(connection: asyncpg.Connection, numbered: Sequence[tuple[UUID, int]]) -> None:
    """Write events the quick way, for tests that need many."""
    await connection.execute(
        _INSERT, [new_id() for _ in numbered], [key for key, _ in numbered], [number for _, number in numbered]
    )
