"""Registering complaints: many at once, in one durable round trip.

The statement is atomic and its commit is its end: when it has answered, the complaints and their events are on disk.
It can be repeated after a lost connection, because the ids were chosen before it was sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

import asyncpg

from services.complaints.events import Received

Outcome = Literal[
    "registered", "same_external_id", "same_idempotency_key", "other_external_id", "other_idempotency_key"
]


class Registration(NamedTuple):
    """A validated complaint, ready to be written. ``personal`` is sealed; the hashes are keyed fingerprints."""

    id: UUID
    event_id: UUID
    reference: str
    realm: str
    api_key_id: UUID
    actor: str
    external_id: str | None
    idempotency_key: str | None
    body_hash: bytes
    channel: str
    service_type: str
    language: str
    region: str | None
    occurred_at: datetime | None
    received_at: datetime
    concerns: str | None
    personal: str
    content: str
    phone_hash: bytes | None
    email_hash: bytes | None
    account_hash: bytes | None

    def event(self) -> str:
        """The public half of its `Received` event, as JSON."""
        return Received(
            reference=self.reference,
            channel=self.channel,
            service_type=self.service_type,
            language=self.language,
            received_at=self.received_at,
            occurred_at=self.occurred_at,
            external_id=self.external_id,
        ).model_dump_json(exclude_none=True)


@dataclass(frozen=True, slots=True)
class Registered:
    """What became of a registration: the case that stands for it now, this one or an earlier one."""

    outcome: Outcome
    id: UUID
    reference: str
    status: str
    received_at: datetime


_COLUMNS = (
    ("id", "uuid"),
    ("reference", "text"),
    ("realm", "text"),
    ("api_key_id", "uuid"),
    ("external_id", "text"),
    ("idempotency_key", "text"),
    ("body_hash", "bytea"),
    ("channel", "text"),
    ("service_type", "text"),
    ("language", "text"),
    ("region", "text"),
    ("occurred_at", "timestamptz"),
    ("received_at", "timestamptz"),
    ("concerns", "jsonb"),
    ("personal", "jsonb"),
    ("content", "text"),
    ("phone_hash", "bytea"),
    ("email_hash", "bytea"),
    ("account_hash", "bytea"),
)
_NAMES = ", ".join(name for name, _ in _COLUMNS)
_ARRAYS = ", ".join(f"${place}::{kind}[]" for place, (_, kind) in enumerate(_COLUMNS, start=1))
_NEXT = len(_COLUMNS) + 1

_REGISTER = f"""
    with posted as (
        select * from unnest({_ARRAYS}, ${_NEXT}::uuid[], ${_NEXT + 1}::text[], ${_NEXT + 2}::jsonb[])
        as posted ({_NAMES}, event_id, actor, event)
    ),
    written as (
        insert into complaint ({_NAMES}, version, status)
        select {_NAMES}, 1, 'received' from posted
        on conflict do nothing
        returning id
    )
    insert into event (id, type, topic, key, number, realm, time, actor, data)
    select event_id, '{Received.TYPE}', '{Received.TOPIC}', posted.id, 1, realm, received_at, actor, event
    from posted join written using (id)
    returning key
"""

# Registrations that were not written meet a case that stands already: their own (the statement was repeated),
# or one with the same idempotency key or external id. The key is asked first, because it is the stronger promise.
_STANDING = """
    select asked.place::int as place, case_.id, case_.reference, case_.status, case_.received_at, case_.body_hash,
           case_.id = asked.id as own,
           case_.idempotency_key is not null and case_.idempotency_key = asked.idempotency_key as by_key
    from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[])
         with ordinality as asked (id, api_key_id, idempotency_key, external_id, place)
    cross join lateral (
        select * from (
            select 1 as rank, c.* from complaint c where c.id = asked.id
            union all
            select 2, c.* from complaint c
            where c.api_key_id = asked.api_key_id and c.idempotency_key = asked.idempotency_key
            union all
            select 3, c.* from complaint c
            where c.api_key_id = asked.api_key_id and c.external_id = asked.external_id
        ) found order by rank limit 1
    ) case_
"""


async def register(connection: asyncpg.Connection, batch: Sequence[Registration]) -> list[Registered | None]:
    """Write complaints and their events; answers in the order of ``batch``, after the commit.

    None stands where a random reference was taken already: try again with another. Raises asyncpg's errors when the
    statement failed, and then nothing of the batch was written.
    """
    arrays = [[getattr(registration, name) for registration in batch] for name, _ in _COLUMNS]
    rows = await connection.fetch(
        _REGISTER,
        *arrays,
        [registration.event_id for registration in batch],
        [registration.actor for registration in batch],
        [registration.event() for registration in batch],
    )
    written = {row["key"] for row in rows}
    answers: list[Registered | None] = [
        Registered("registered", registration.id, registration.reference, "received", registration.received_at)
        if registration.id in written
        else None
        for registration in batch
    ]
    if len(written) < len(batch):
        await _find_standing(connection, batch, answers)
    return answers


async def _find_standing(
    connection: asyncpg.Connection, batch: Sequence[Registration], answers: list[Registered | None]
) -> None:
    places = [place for place, answer in enumerate(answers) if answer is None]
    rows = await connection.fetch(
        _STANDING,
        [batch[place].id for place in places],
        [batch[place].api_key_id for place in places],
        [batch[place].idempotency_key for place in places],
        [batch[place].external_id for place in places],
    )
    for row in rows:
        place = places[row["place"] - 1]
        answers[place] = Registered(
            _outcome(row, batch[place]), row["id"], row["reference"], row["status"], row["received_at"]
        )


def _outcome(row: asyncpg.Record, registration: Registration) -> Outcome:
    if row["own"]:
        return "registered"
    same = row["body_hash"] == registration.body_hash
    if row["by_key"]:
        return "same_idempotency_key" if same else "other_idempotency_key"
    return "same_external_id" if same else "other_external_id"
