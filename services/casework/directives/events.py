"""What can happen to a directive: the public half of each event. Words of staff stand in the private half."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Final
from uuid import UUID

from services.base.stream.event import EventData

TOPIC: Final = "redress.directive"


class DirectiveEvent(EventData):
    """Said of a directive to groups; ``complaint`` is the case that it is about, if it is about one."""

    TOPIC: ClassVar[str] = TOPIC
    groups: tuple[str, ...]
    complaint: UUID | None = None


class Issued(DirectiveEvent):
    """The leadership group asks something of groups by a time. ``people`` are all who were told."""

    TYPE: ClassVar[str] = "redress.directive.issued.v1"
    due_at: datetime
    people: tuple[str, ...]


class Acknowledged(DirectiveEvent):
    """One of those addressed has taken notice."""

    TYPE: ClassVar[str] = "redress.directive.acknowledged.v1"
    by: str
    group: str


class Progressed(DirectiveEvent):
    """One of those addressed said how far it is, and has thereby taken notice of it."""

    TYPE: ClassVar[str] = "redress.directive.progressed.v1"
    by: str
    group: str


class Overdue(DirectiveEvent):
    """It is still open past its time; told again with higher ``times`` while it is."""

    TYPE: ClassVar[str] = "redress.directive.overdue.v1"
    due_at: datetime
    told: tuple[str, ...]
    times: int


class Closed(DirectiveEvent):
    """The leadership group has closed it. ``acknowledged`` of ``people`` had taken notice."""

    TYPE: ClassVar[str] = "redress.directive.closed.v1"
    late: bool
    acknowledged: int
    people: int


EVENTS: Final[tuple[type[DirectiveEvent], ...]] = (Issued, Acknowledged, Progressed, Overdue, Closed)
