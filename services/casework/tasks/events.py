"""What can happen to a task: the public half of each event. Words of staff and personal data stand elsewhere."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Final
from uuid import UUID

from pydantic import Field, JsonValue

from services.base.stream.event import EventData
from services.plan.vocabulary import RungHolder, TaskKind

TOPIC: Final = "redress.task"


class TaskEvent(EventData):
    """Said of a task: what is owed, by which group, and about which case or directive."""

    TOPIC: ClassVar[str] = TOPIC
    kind: TaskKind
    group: str
    complaint: UUID | None = None
    directive: UUID | None = None


class Opened(TaskEvent):
    """A group owes something. ``facts`` are codes, amounts and references; its title is in the private half."""

    TYPE: ClassVar[str] = "redress.task.opened.v1"
    assignee: str | None = None
    cause: UUID | None = None
    due_at: datetime
    facts: dict[str, JsonValue] = Field(default_factory=dict)


class Assigned(TaskEvent):
    """Another person has it now; ``taken`` says that they took it themselves."""

    TYPE: ClassVar[str] = "redress.task.assigned.v1"
    assignee: str
    previous: str | None = None
    taken: bool


class Done(TaskEvent):
    """It was done. ``by_case`` says that an action on the case did the work. The outcome is in the private half."""

    TYPE: ClassVar[str] = "redress.task.done.v1"
    by_case: bool
    late: bool


class Cancelled(TaskEvent):
    """It need not be done any more. The reason is in the private half."""

    TYPE: ClassVar[str] = "redress.task.cancelled.v1"


class Overdue(TaskEvent):
    """It is not done in time, and somebody was told; again with higher ``times`` while it is not.

    ``rung`` counts the plan's ladder from 0.
    """

    TYPE: ClassVar[str] = "redress.task.overdue.v1"
    due_at: datetime
    rung: int
    to: RungHolder
    told: tuple[str, ...]
    acknowledge_by: datetime
    times: int


class Acknowledged(TaskEvent):
    """Somebody has taken notice that it is overdue, and sees to it."""

    TYPE: ClassVar[str] = "redress.task.acknowledged.v1"
    rung: int
    by: str


EVENTS: Final[tuple[type[TaskEvent], ...]] = (Opened, Assigned, Done, Cancelled, Overdue, Acknowledged)
