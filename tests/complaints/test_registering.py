"""Registering on disk: one statement for many, safe to repeat, and everything or nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.base.database import connect
from services.base.identity import new_id, new_reference
from services.base.privacy import Person, Privacy
from services.complaints.registering import Registered, Registration, register
from tests.conftest import SECRET

CHANNEL, OTHER_CHANNEL = UUID(int=7), UUID(int=8)
RECEIVED_AT = datetime(2026, 11, 23, 8, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
async def connection(database: str) -> AsyncIterator[asyncpg.Connection]:
    made = await connect(database)
    yield made
    await made.close()


def registration(**changes: Any) -> Registration:
    """A complaint that stands for itself alone."""
    one = Registration(
        id=new_id(),
        event_id=new_id(),
        reference=new_reference(),
        realm="live",
        api_key_id=CHANNEL,
        actor="channel:hotline",
        external_id=None,
        idempotency_key=None,
        body_hash=b"body",
        channel="hotline",
        service_type="broadband",
        language="zh",
        region="北京/海淀",
        occurred_at=None,
        received_at=RECEIVED_AT,
        concerns='{"bill": "2026-10"}',
        personal=Privacy(SECRET).seal(Person(name="李伟", phone="+8613800138000")),
        content="断网 \\ \" ' , { } \n",
        phone_hash=b"p" * 16,
        email_hash=None,
        account_hash=None,
    )
    return one._replace(**changes)


async def register_all(connection: asyncpg.Connection, *batch: Registration) -> list[Registered]:
    answers = await register(connection, batch)
    assert None not in answers
    return [answer for answer in answers if answer is not None]


async def counted(connection: asyncpg.Connection) -> tuple[int, int]:
    """Complaints and events."""
    row = await connection.fetchrow("select (select count(*) from complaint) c, (select count(*) from event) e")
    assert row is not None
    return row["c"], row["e"]


async def test_everything_is_written_as_it_was_given(connection: asyncpg.Connection) -> None:
    posted = registration(external_id="CC-1", idempotency_key="key-1", occurred_at=RECEIVED_AT)

    [answer] = await register_all(connection, posted)

    row = await connection.fetchrow("select * from complaint")
    assert row is not None
    assert answer == Registered("registered", posted.id, posted.reference, "received", RECEIVED_AT)
    for name in set(Registration._fields) - {"event_id", "actor", "personal", "concerns"}:
        assert row[name] == getattr(posted, name), name
    assert (row["status"], row["version"], row["track_epoch"]) == ("received", 1, 0)


async def test_answers_stand_in_the_order_of_the_batch(connection: asyncpg.Connection) -> None:
    old = registration(external_id="old")
    await register_all(connection, old)
    batch = [registration(), registration(external_id="old"), registration(), registration()]

    answers = await register_all(connection, *batch)

    assert [answer.outcome for answer in answers] == ["registered", "same_external_id", "registered", "registered"]
    assert [answer.id for answer in answers] == [batch[0].id, old.id, batch[2].id, batch[3].id]
    assert await counted(connection) == (4, 4)


async def test_a_statement_sent_twice_writes_once_and_answers_the_same(connection: asyncpg.Connection) -> None:
    batch = [registration(idempotency_key=f"key-{n}", external_id=f"CC-{n}") for n in range(5)]

    first = await register_all(connection, *batch)
    again = await register_all(connection, *batch)

    assert again == first
    assert await counted(connection) == (5, 5)


@pytest.mark.parametrize(
    ("name", "same", "other"),
    [
        ("idempotency_key", "same_idempotency_key", "other_idempotency_key"),
        ("external_id", "same_external_id", "other_external_id"),
    ],
)
async def test_a_name_used_before_gives_the_case_that_has_it(
    connection: asyncpg.Connection, name: str, same: str, other: str
) -> None:
    first = registration(**{name: "n"})
    await register_all(connection, first)

    answers = await register_all(
        connection,
        registration(**{name: "n"}),
        registration(**{name: "n"}, body_hash=b"other"),
        registration(**{name: "n"}, api_key_id=OTHER_CHANNEL),
        registration(**{name: "m"}),
    )

    assert [answer.outcome for answer in answers] == [same, other, "registered", "registered"]
    assert [answer.id == first.id for answer in answers] == [True, True, False, False]


async def test_a_name_used_twice_in_one_batch_is_written_once(connection: asyncpg.Connection) -> None:
    batch = [registration(idempotency_key="key-1") for _ in range(3)]

    answers = await register_all(connection, *batch)

    assert [answer.outcome for answer in answers] == ["registered", *["same_idempotency_key"] * 2]
    assert len({answer.id for answer in answers}) == 1
    assert await counted(connection) == (1, 1)


async def test_the_key_is_asked_before_the_external_id(connection: asyncpg.Connection) -> None:
    by_key = registration(idempotency_key="key-1")
    by_external_id = registration(external_id="CC-1")
    await register_all(connection, by_key, by_external_id)

    [answer] = await register_all(connection, registration(idempotency_key="key-1", external_id="CC-1"))

    assert (answer.outcome, answer.id) == ("same_idempotency_key", by_key.id)


async def test_a_reference_that_is_taken_is_answered_with_none_and_leaves_nothing(
    connection: asyncpg.Connection,
) -> None:
    taken = registration()
    await register_all(connection, taken)

    answers = await register(connection, [registration(), registration(reference=taken.reference)])

    assert [answer is None for answer in answers] == [False, True]
    assert await counted(connection) == (2, 2)


async def test_a_case_that_has_moved_on_is_told_with_its_status(connection: asyncpg.Connection) -> None:
    await register_all(connection, registration(external_id="CC-1"))
    await connection.execute("update complaint set status = 'dispatched', version = 3")

    [answer] = await register_all(connection, registration(external_id="CC-1"))

    assert (answer.outcome, answer.status) == ("same_external_id", "dispatched")


async def test_one_bad_row_leaves_nothing_of_the_batch(connection: asyncpg.Connection) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await register(connection, [registration(), registration(realm="nowhere"), registration()])

    assert await counted(connection) == (0, 0)


async def test_the_public_half_of_the_event_holds_no_personal_data() -> None:
    event = registration(external_id="CC-1").event()

    for private in ("李伟", "13800138000", "断网", "海淀"):
        assert private not in event
    assert '"external_id":"CC-1"' in event
