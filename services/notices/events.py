"""What can happen to a notice: the public half of each event. No personal data stands here."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Final, Literal, get_args
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
    """The peer took it. ``merged_into`` is the notice in which it was told together with others."""

    TYPE: ClassVar[str] = "redress.notice.sent.v1"
    sent_at: datetime
    attempts: int
    merged_into: UUID | None = None


class Failed(NoticeEvent):
    """It cannot be delivered. What the peer said is in the private half."""

    TYPE: ClassVar[str] = "redress.notice.failed.v1"
    attempts: int


class Delivered(NoticeEvent):
    """It reached the customer, says the peer's receipt."""

    TYPE: ClassVar[str] = "redress.notice.delivered.v1"
    delivered_at: datetime


class Unconfirmed(NoticeEvent):
    """It was handed over and nobody knows whether it went. A receipt may still tell."""

    TYPE: ClassVar[str] = "redress.notice.unconfirmed.v1"
    attempts: int


class Rerouted(NoticeEvent):
    """``way`` failed for good, or wasn't confirmed; it goes ``to`` the next. The reason is in the private half."""

    TYPE: ClassVar[str] = "redress.notice.rerouted.v1"
    to: str
    attempts: int


DropCause = Literal["superseded", "opted_out"]


class Dropped(NoticeEvent):
    """It was not sent, since a newer one says more, or the customer wants no messages."""

    TYPE: ClassVar[str] = "redress.notice.dropped.v1"
    cause: DropCause


EVENTS: Final[tuple[type[NoticeEvent], ...]] = (
    Requested,
    Sent,
    Delivered,
    Unconfirmed,
    Rerouted,
    Dropped,
    Failed,
)
