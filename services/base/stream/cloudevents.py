"""An event as a Kafka record and back: CloudEvents 1.0 in the binary content mode of its Kafka protocol binding.

The attributes are headers, the value is the public half as JSON. A record that does not say all of that in full is
no event; structured mode is not read, because nobody writes it to these topics.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

import orjson
from aiokafka.structs import ConsumerRecord

from services.base.stream.event import REALMS, Event, Undecodable

SOURCE: Final = "/redress"
_LARGEST_NUMBER: Final = 2**31 - 1
# An escaped NUL, unless its backslash is itself escaped. PostgreSQL keeps none, so no event of the log holds one.
_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


def headers_of(event: Event) -> list[tuple[str, bytes]]:
    """The CloudEvents attributes of an event as Kafka headers."""
    attributes = {
        "ce_specversion": "1.0",
        "ce_id": str(event.id),
        "ce_source": SOURCE,
        "ce_type": event.type,
        "ce_time": event.time.isoformat().replace("+00:00", "Z"),
        "ce_subject": str(event.key),
        "ce_sequence": str(event.number),
        "ce_realm": event.realm,
        "content-type": "application/json",
    }
    return [(name, value.encode()) for name, value in attributes.items()]


def type_of(record: ConsumerRecord) -> str | None:
    """The type that a record says it has, without parsing anything else; None when it says none."""
    for name, value in record.headers:
        if name == "ce_type" and value is not None:
            return _text(value)
    return None


def event_of(record: ConsumerRecord) -> Event | Undecodable:
    """The event in a Kafka record, or why there is none."""
    headers = {name: _text(value) for name, value in record.headers if value is not None}
    try:
        return _event(headers, record.value)
    except (KeyError, ValueError) as error:
        reason = f"the header {error} is missing" if isinstance(error, KeyError) else str(error)
        source = f"{record.topic}/{record.partition}@{record.offset}"
        return Undecodable(record.value or b"", headers, source, reason)


def _event(headers: Mapping[str, str], value: bytes | None) -> Event:
    if headers["ce_specversion"] != "1.0":
        raise ValueError(f"CloudEvents {headers['ce_specversion']} is not 1.0")
    if headers["ce_realm"] not in REALMS:
        raise ValueError(f"there is no realm {headers['ce_realm']}")
    number = int(headers["ce_sequence"])
    if not 0 < number <= _LARGEST_NUMBER:
        raise ValueError(f"{number} is no number of an event: they go from 1 to {_LARGEST_NUMBER}")
    time = datetime.fromisoformat(headers["ce_time"])
    if time.tzinfo is None:
        raise ValueError(f"the time {headers['ce_time']} does not say its offset from UTC")
    return Event(
        id=UUID(headers["ce_id"]),
        type=headers["ce_type"],
        key=UUID(headers["ce_subject"]),
        number=number,
        time=time,
        realm=headers["ce_realm"],
        data=_json_object(value),
    )


def _json_object(value: bytes | None) -> bytes:
    # Looked at in full here, because what comes out of here is taken for an event by all that follow.
    if value is None or not isinstance(orjson.loads(value), dict):
        raise ValueError("the value is no JSON object")
    if b"\\u0000" in value and _NUL.search(value):
        raise ValueError("the value holds a NUL character")
    return value


def _text(value: bytes) -> str:
    # No NUL: what is read here is kept as a dead letter if need be, and PostgreSQL keeps none.
    return value.decode("utf-8", "replace").replace("\x00", "\ufffd")
