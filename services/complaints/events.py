"""What can happen to a case: the public half of each event. No personal data stands here."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Final, Literal

from services.base.stream.event import EventData
from services.plan.vocabulary import Category, Severity

TOPIC: Final = "redress.complaint"


class ComplaintEvent(EventData):
    """Said of a case. ``reference`` is what people call it."""

    TOPIC: ClassVar[str] = TOPIC
    reference: str


class Received(ComplaintEvent):
    """A complaint was registered."""

    TYPE: ClassVar[str] = "redress.complaint.received.v1"
    channel: str
    service_type: str
    language: str
    received_at: datetime
    occurred_at: datetime | None = None
    external_id: str | None = None


class Classified(ComplaintEvent):
    """Its category and severity were judged by the workers."""

    TYPE: ClassVar[str] = "redress.complaint.classified.v1"
    category: Category
    best_guess: Category
    sub_category: str | None = None
    severity: Severity
    confidence: float
    reportable: bool
    region_code: str | None = None
    model: str
    plan_version: int


class Reclassified(ComplaintEvent):
    """A person overruled the judgement."""

    TYPE: ClassVar[str] = "redress.complaint.reclassified.v1"
    category_before: Category | None = None
    severity_before: Severity | None = None
    category: Category
    severity: Severity


class Dispatched(ComplaintEvent):
    """It was given to a group and a person. ``rule`` says why this person."""

    TYPE: ClassVar[str] = "redress.complaint.dispatched.v1"
    group: str
    assignee: str
    rule: Literal["least_loaded", "group_head", "leadership_deputy", "kept"]
    category: Category
    severity: Severity
    respond_by: datetime
    resolve_by: datetime
    plan_version: int


class Accepted(ComplaintEvent):
    """The person has taken it up."""

    TYPE: ClassVar[str] = "redress.complaint.accepted.v1"
    assignee: str


class EstimateSet(ComplaintEvent):
    """The time by which the fault should be repaired was set or changed."""

    TYPE: ClassVar[str] = "redress.complaint.estimate_set.v1"
    estimated_repair_at: datetime
    previous: datetime | None = None


class Noted(ComplaintEvent):
    """A note was made. Its words are in the private half."""

    TYPE: ClassVar[str] = "redress.complaint.noted.v1"


class Resolved(ComplaintEvent):
    """It was settled; the customer is told the result, whose words are in the private half."""

    TYPE: ClassVar[str] = "redress.complaint.resolved.v1"


class Closed(ComplaintEvent):
    """It was closed."""

    TYPE: ClassVar[str] = "redress.complaint.closed.v1"
    decision: Literal["customer_accepted", "customer_silent", "final_decision"]


class Reopened(ComplaintEvent):
    """It was taken up again. The reason is in the private half."""

    TYPE: ClassVar[str] = "redress.complaint.reopened.v1"
    status_before: str


EVENTS: Final[tuple[type[ComplaintEvent], ...]] = (
    Received,
    Classified,
    Reclassified,
    Dispatched,
    Accepted,
    EstimateSet,
    Noted,
    Resolved,
    Closed,
    Reopened,
)
