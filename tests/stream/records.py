"""Records as they may lie on a topic: events in their proper form, and what is none."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from aiokafka import AIOKafkaProducer
from aiokafka.structs import ConsumerRecord

from services.base.identity import new_id
from services.base.stream.cloudevents import headers_of
from services.base.stream.event import Event

Headers = Sequence[tuple[str, bytes | None]]

KEY = UUID("01990000-0000-7000-8000-000000000001")
TIME = datetime(2018, 4, 5, 3, 56, 24, tzinfo=UTC)


def event_with(
    type_: str = "redress.test.happened.v1", number: int = 1, *, key: UUID = KEY, data: bytes = b"{}"
) -> Event:
    return Event(new_id(), type_, key, number, TIME, "live", data)


def without_header(name: str) -> list[tuple[str, bytes | None]]:
    return [(other, value) for other, value in headers_of(event_with()) if other != name]


def with_header(name: str, value: bytes) -> list[tuple[str, bytes | None]]:
    return [*without_header(name), (name, value)]


def record_of(headers: Headers, value: bytes | None) -> ConsumerRecord:
    return ConsumerRecord("redress.test", 3, 1742, 0, 0, None, value, None, 0, 0, tuple(headers))


def rubbish() -> dict[str, tuple[Headers, bytes | None, str]]:
    """What may lie on a topic and is no event: headers, value, and what the reason says."""
    good = headers_of(event_with())
    return {
        "no headers": ([], b"{}", "ce_specversion"),
        "another version": (with_header("ce_specversion", b"0.3"), b"{}", "0.3 is not 1.0"),
        "no id": (without_header("ce_id"), b"{}", "'ce_id' is missing"),
        "an id that is none": (with_header("ce_id", b"1234-1234-1234"), b"{}", "UUID"),
        "a key that is none": (with_header("ce_subject", b"RD-7K3M"), b"{}", "UUID"),
        "no number": (with_header("ce_sequence", b"first"), b"{}", "int"),
        "number nought": (with_header("ce_sequence", b"0"), b"{}", "0 is no number"),
        "a number beyond all": (with_header("ce_sequence", b"2147483648"), b"{}", "is no number"),
        "no realm of ours": (with_header("ce_realm", b"test"), b"{}", "no realm test"),
        "no time": (with_header("ce_time", b"yesterday"), b"{}", "yesterday"),
        "a time without offset": (with_header("ce_time", b"2018-04-05T03:56:24"), b"{}", "offset from UTC"),
        "a header without value": ([*without_header("ce_type"), ("ce_type", None)], b"{}", "ce_type"),
        "bytes in a header": (with_header("ce_realm", b"\x00\xff"), b"{}", "no realm"),
        "no value": (good, None, "no JSON object"),
        "an empty value": (good, b"", ""),
        "broken JSON": (good, b'{"word": ', ""),
        "JSON that is no object": (good, b"[1]", "no JSON object"),
        "text that is no UTF-8": (good, b'{"word": "\xff"}', ""),
        "a NUL in the text": (good, rb'{"word": "a\u0000b"}', "NUL"),
    }


async def put_rubbish(servers: str, topic: str, type_: str) -> int:
    """Put all of `rubbish` on a topic, where it has a type under the name ``type_``; returns how many there are."""
    producer = AIOKafkaProducer(bootstrap_servers=servers)
    await producer.start()
    for headers, value, _ in rubbish().values():
        named = [(name, type_.encode() if name == "ce_type" and given else given) for name, given in headers]
        await producer.send_and_wait(topic, value, key=b"any", headers=named)
    await producer.stop()
    return len(rubbish())
