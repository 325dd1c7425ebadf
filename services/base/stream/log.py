"""Writing to the event log, in the transaction that makes the events true."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.identity import new_id
from services.base.stream.event import NewEvent

_APPEND = sa.text(
    """
    insert into event (id, type, topic, key, number, realm, time, actor, data, private)
    select id, type, topic, key, number, realm, time, actor, data::jsonb, private::jsonb
    from unnest(:ids, :types, :topics, :keys, :numbers, :realms, :times, :actors, :data, :private)
         with ordinality as e (id, type, topic, key, number, realm, time, actor, data, private, place)
    order by place
    """
).bindparams(
    sa.bindparam("ids", type_=ARRAY(sa.Uuid)),
    sa.bindparam("types", type_=ARRAY(sa.Text)),
    sa.bindparam("topics", type_=ARRAY(sa.Text)),
    sa.bindparam("keys", type_=ARRAY(sa.Uuid)),
    sa.bindparam("numbers", type_=ARRAY(sa.Integer)),
    sa.bindparam("realms", type_=ARRAY(sa.Text)),
    sa.bindparam("times", type_=ARRAY(sa.TIMESTAMP(timezone=True))),
    sa.bindparam("actors", type_=ARRAY(sa.Text)),
    sa.bindparam("data", type_=ARRAY(sa.Text)),
    sa.bindparam("private", type_=ARRAY(sa.Text)),
)


async def append(connection: AsyncConnection, events: Sequence[NewEvent]) -> None:
    """Write events in the order given, one statement for all of them.

    The caller holds the row locks of the aggregates whose numbers it uses. Raises SQLAlchemy's ``IntegrityError``
    when a number is taken, which means that a lock was not held.
    """
    if not events:
        return
    await connection.execute(
        _APPEND,
        {
            "ids": [new_id() for _ in events],
            "types": [event.data.TYPE for event in events],
            "topics": [event.data.TOPIC for event in events],
            "keys": [event.key for event in events],
            "numbers": [event.number for event in events],
            "realms": [event.realm for event in events],
            "times": [event.time for event in events],
            "actors": [event.actor for event in events],
            "data": [event.data.model_dump_json(exclude_none=True) for event in events],
            "private": [
                None if event.private is None else orjson.dumps(event.private, default=str).decode() for event in events
            ],
        },
    )
