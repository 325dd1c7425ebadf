"""What travels: an event, its typed payload, and the form in which a reader is given it.

An event has two halves. ``data`` (references, codes, times, amounts; no personal data) goes to streams.
``private`` (what people wrote, notes, grounds) never leaves the database and is not part of `Event`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

REALMS = ("live", "drill", "sandbox")


def topic_of(type_: str) -> str:
    """The topic that events of a type travel on: ``redress.complaint`` for ``redress.complaint.received.v1``."""
    return type_.rsplit(".", 2)[0]


class EventData(BaseModel):
    """The public half of one type of event. Fields are only ever added; a breaking change is a new ``.v2``.

    Unknown fields are passed over, so that a consumer of today reads what a producer of tomorrow writes.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    TYPE: ClassVar[str]
    """The CloudEvents type, such as ``redress.complaint.received.v1``."""
    TOPIC: ClassVar[str]
    """The aggregate's topic, such as ``redress.complaint``."""


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event about to be written, in the transaction that makes it true."""

    key: UUID
    """The aggregate's id: what is said of one key stays in order."""
    number: int
    """The event's number within its aggregate, from 1 without gaps, taken under the aggregate's row lock."""
    data: EventData
    time: datetime
    realm: str
    actor: str
    """Who did it: ``staff:LOGIN``, ``channel:NAME``, ``customer`` or ``system:PROGRAM``."""
    private: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """An event as a reader is given it."""

    id: UUID
    type: str
    key: UUID
    number: int
    time: datetime
    realm: str
    data: bytes
    """The public half, as JSON. Parsed by those who need it: ``Received.model_validate_json(event.data)``."""


@dataclass(frozen=True, slots=True)
class Undecodable:
    """A record that is no event of ours. It is kept, with the reason, for a person to look at."""

    raw: bytes
    headers: Mapping[str, str]
    source: str
    """Where it lay, such as ``redress.complaint/3@1742``."""
    reason: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Events that a reader gave at once: in order for each key. ``token`` is the reader's own note of how far it is."""

    events: Sequence[Event] = ()
    undecodable: Sequence[Undecodable] = ()
    token: object = field(default=None, compare=False)

    def __bool__(self) -> bool:
        return bool(self.events) or bool(self.undecodable)
