"""What can happen to a notice: the public half of each event. No personal data stands here."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Final, get_args
from uuid import UUID

from services.base.stream.event import EventData
from services.plan.vocabulary import NoticeKind

TOPIC: Final = "redress.notice"

KINDS: Final[tuple[NoticeKind, ...]] = get_args(NoticeKind)


class NoticeEvent(EventData):
    """Said of a notice about a case."""

    TOPIC: ClassVar[str] = TOPIC
    complaint: UUID
    kind: str
    way: str


class Requested(NoticeEvent):
    """It was written down to be sent."""

    TYPE: ClassVar[str] = "redress.notice.requested.v1"
    cause: UUID
    language: str


class Sent(NoticeEvent):
    """The peer took it."""

    TYPE: ClassVar[str] = "redress.notice.sent.v1"
    sent_at: datetime
    attempts: int


class Failed(NoticeEvent):
    """It cannot be delivered. What the peer said is in the private half."""

    TYPE: ClassVar[str] = "redress.notice.failed.v1"
    attempts: int


EVENTS: Final[tuple[type[NoticeEvent], ...]] = (Requested, Sent, Failed)
