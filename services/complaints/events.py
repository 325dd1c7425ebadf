"""What can happen to a case: the public half of each event. No personal data stands here."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Final, Literal
from uuid import UUID

from services.base.stream.event import EventData
from services.plan.vocabulary import Category, ClockKind, CompensationKind, EscalationCause, RungHolder, Severity

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
    """A person overruled the judgement. ``playbook`` and ``clocks`` are what it runs under from here on; None while it
    waits to be dispatched."""

    TYPE: ClassVar[str] = "redress.complaint.reclassified.v1"
    category_before: Category | None = None
    severity_before: Severity | None = None
    category: Category
    severity: Severity
    reportable: bool | None = None
    redispatched: bool | None = None
    playbook: str | None = None
    clocks: tuple[ClockKind, ...] | None = None


Rule = Literal[
    "least_loaded",
    "substitute",
    "group_head",
    "leadership_deputy",
    "by_hand",
    "taken",
    "accepted",
    "reopened",
    "kept",
]
"""Why this person: chosen among those on duty, standing in for somebody absent, nobody else on duty (the head, then the
leadership deputy), given by a person, taken by themselves, or because they had it before."""

ContactWay = Literal["phone", "email", "sms", "chat", "visit", "shop", "other"]
ContactOutcome = Literal["reached", "no_answer", "busy", "wrong_number", "refused", "message_left"]
Relation = Literal["repeat", "duplicate", "child", "related"]


class Dispatched(ComplaintEvent):
    """It was given to a group and a person. ``rule`` says why this person."""

    TYPE: ClassVar[str] = "redress.complaint.dispatched.v1"
    group: str
    assignee: str
    rule: Rule
    category: Category
    severity: Severity
    respond_by: datetime
    resolve_by: datetime
    plan_version: int
    playbook: str | None = None
    clocks: tuple[ClockKind, ...] = ()


class Reassigned(ComplaintEvent):
    """Another person has it now, of the same group. Why, in the words of who decided it, is in the private half."""

    TYPE: ClassVar[str] = "redress.complaint.reassigned.v1"
    assignee: str
    previous: str | None = None
    rule: Rule


class HandedOver(ComplaintEvent):
    """It was sent to another group, where it is dispatched anew. The reason is in the private half."""

    TYPE: ClassVar[str] = "redress.complaint.handed_over.v1"
    group: str
    previous: str


class StepEvent(ComplaintEvent):
    """Something that a step of the playbook asks for was done. ``step`` is the step that it settled, if it did;
    ``told`` whether the customer is to hear of it; ``again`` are the steps that must be done anew after it."""

    step: str | None = None
    told: bool = True
    again: tuple[str, ...] | None = None


class Accepted(StepEvent):
    """The person has taken it up. The customer was not spoken to yet."""

    TYPE: ClassVar[str] = "redress.complaint.accepted.v1"
    assignee: str


class Diagnosed(StepEvent):
    """What the fault is was found out. The finding's words are in the private half."""

    TYPE: ClassVar[str] = "redress.complaint.diagnosed.v1"
    cause: str


class EstimateSet(StepEvent):
    """The time by which the fault should be repaired was set or changed. The reason is in the private half."""

    TYPE: ClassVar[str] = "redress.complaint.estimate_set.v1"
    estimated_repair_at: datetime
    previous: datetime | None = None


class EstimateMissed(ComplaintEvent):
    """The time that the customer was told passed, and the fault is not repaired: a broken promise."""

    TYPE: ClassVar[str] = "redress.complaint.estimate_missed.v1"
    estimated_repair_at: datetime
    broken: int


class Repaired(StepEvent):
    """The fault was repaired. ``estimate_kept`` is None when the customer was told no time."""

    TYPE: ClassVar[str] = "redress.complaint.repaired.v1"
    repaired_at: datetime
    estimate_kept: bool | None = None


class Reviewed(StepEvent):
    """The complaint was reviewed. Facts, grounds and the material that the verdict rests on are in the private half."""

    TYPE: ClassVar[str] = "redress.complaint.reviewed.v1"
    misleading: Literal["yes", "no", "partly"]
    explanation_wanted: bool
    compensation_wanted: bool
    legal_check_wanted: bool
    promotion: str | None = None


class LegalChecked(StepEvent):
    """Legal counsel looked at it. The opinion is in the private half."""

    TYPE: ClassVar[str] = "redress.complaint.legal_checked.v1"
    outcome: Literal["lawful", "unlawful", "risk"]


class Explained(StepEvent):
    """The tariff policy was explained. The words are in the private half."""

    TYPE: ClassVar[str] = "redress.complaint.explained.v1"


class CompensationProposed(StepEvent):
    """Compensation was proposed; ``needs`` is whose decision it waits for. The reason is in the private half."""

    TYPE: ClassVar[str] = "redress.complaint.compensation_proposed.v1"
    compensation: UUID
    kind: CompensationKind
    amount: str
    currency: str
    needs: Literal["head", "leadership"] | None = None


class CompensationDecided(StepEvent):
    """Compensation was approved or declined."""

    TYPE: ClassVar[str] = "redress.complaint.compensation_decided.v1"
    compensation: UUID
    decision: Literal["approved", "declined"]
    kind: CompensationKind
    amount: str
    currency: str


class CustomerAnswered(StepEvent):
    """The customer accepted or disputed what they were offered. Their words are in the private half."""

    TYPE: ClassVar[str] = "redress.complaint.customer_answered.v1"
    compensation: UUID
    answer: Literal["accepted", "disputed"]


class CompensationPaid(StepEvent):
    """Compensation was paid, under the reference of the billing system."""

    TYPE: ClassVar[str] = "redress.complaint.compensation_paid.v1"
    compensation: UUID
    kind: CompensationKind
    amount: str
    currency: str
    billing_reference: str
    paid_at: datetime | None = None


class Contacted(StepEvent):
    """Somebody tried to reach the customer. ``failed`` counts the attempts in a row that failed; ``write`` is set when
    they are so many that the customer is written to. What was said is in the private half."""

    TYPE: ClassVar[str] = "redress.complaint.contacted.v1"
    way: ContactWay
    outcome: ContactOutcome
    attempted_at: datetime
    failed: int = 0
    write: bool = False


class Guided(StepEvent):
    """The customer was told what to do. The words are in the private half."""

    TYPE: ClassVar[str] = "redress.complaint.guided.v1"
    article: str | None = None
    site_visit_wanted: bool = False


class VisitArranged(StepEvent):
    """A visit to the customer was arranged."""

    TYPE: ClassVar[str] = "redress.complaint.visit_arranged.v1"
    visit_at: datetime


class StepSkipped(ComplaintEvent):
    """A step of the playbook was left out. The reason is in the private half."""

    TYPE: ClassVar[str] = "redress.complaint.step_skipped.v1"
    step: str


class Noted(ComplaintEvent):
    """A note was made. Its words are in the private half."""

    TYPE: ClassVar[str] = "redress.complaint.noted.v1"


class LinkRenewed(ComplaintEvent):
    """The customer's link to the page of the case was made anew; those before it open nothing any more. The reason is
    in the private half."""

    TYPE: ClassVar[str] = "redress.complaint.link_renewed.v1"


class Corrected(ComplaintEvent):
    """Something in the record was put right by an addition. ``corrects`` is the number of the event that was wrong."""

    TYPE: ClassVar[str] = "redress.complaint.corrected.v1"
    corrects: int


class AwaitingCustomer(ComplaintEvent):
    """The customer was asked for something. The question is in the private half."""

    TYPE: ClassVar[str] = "redress.complaint.awaiting_customer.v1"


class Reminded(ComplaintEvent):
    """The customer was reminded of the question, for the ``times``-th time."""

    TYPE: ClassVar[str] = "redress.complaint.reminded.v1"
    times: int


class CustomerReplied(ComplaintEvent):
    """The customer said something more. The words are in the private half."""

    TYPE: ClassVar[str] = "redress.complaint.customer_replied.v1"
    status_before: str
    way: Literal["email", "sms", "page"] | None = None


class Resumed(ComplaintEvent):
    """The case goes on: the customer answered, or was silent for as long as the plan waits."""

    TYPE: ClassVar[str] = "redress.complaint.resumed.v1"
    cause: Literal["answered", "silent", "by_hand"]


class Reported(ComplaintEvent):
    """The leadership group was told of it, with a brief that is in the private half."""

    TYPE: ClassVar[str] = "redress.complaint.reported.v1"
    cause: Literal["judged", "reclassified", "by_hand"]
    severity: Severity
    told: tuple[str, ...]


class Escalated(ComplaintEvent):
    """Somebody further up was told that it needs them. ``rung`` counts the plan's ladder from 0."""

    TYPE: ClassVar[str] = "redress.complaint.escalated.v1"
    cause: EscalationCause
    rung: int
    to: RungHolder
    told: tuple[str, ...]
    acknowledge_by: datetime
    clock: ClockKind | None = None
    times: int = 1


class EscalationAcknowledged(ComplaintEvent):
    """Who was told of an escalation has taken notice and acts."""

    TYPE: ClassVar[str] = "redress.complaint.escalation_acknowledged.v1"
    rung: int
    login: str


class DeadlineWarned(ComplaintEvent):
    """A deadline comes near."""

    TYPE: ClassVar[str] = "redress.complaint.deadline_warned.v1"
    clock: ClockKind
    due_at: datetime


class DeadlineMissed(ComplaintEvent):
    """A deadline passed unmet; told again with higher ``times`` while it is. ``next_by`` is by when the customer is
    promised to hear of it instead."""

    TYPE: ClassVar[str] = "redress.complaint.deadline_missed.v1"
    clock: ClockKind
    due_at: datetime
    times: int = 1
    next_by: datetime | None = None


class Updated(ComplaintEvent):
    """The customer is told that work goes on: nobody told them anything for as long as the plan allows."""

    TYPE: ClassVar[str] = "redress.complaint.updated.v1"
    times: int


class Attached(ComplaintEvent):
    """A file was added. Its name is in the private half."""

    TYPE: ClassVar[str] = "redress.complaint.attached.v1"
    attachment: UUID
    media_type: str
    size: int


class SurveyAsked(ComplaintEvent):
    """The customer is asked whether it was settled. ``group`` and ``assignee`` are those who had the case."""

    TYPE: ClassVar[str] = "redress.complaint.survey_asked.v1"
    survey: UUID
    expires_at: datetime
    group: str | None = None
    assignee: str | None = None


class SurveyReminded(ComplaintEvent):
    """The customer is asked once more."""

    TYPE: ClassVar[str] = "redress.complaint.survey_reminded.v1"
    survey: UUID


class SurveyAnswered(ComplaintEvent):
    """The customer says how satisfied they are, 1 to 5, and whether it was solved. A comment is in the private half.
    ``group`` and ``assignee`` as in `SurveyAsked`; ``follow_up`` is what the plan makes of it."""

    TYPE: ClassVar[str] = "redress.complaint.survey_answered.v1"
    survey: UUID
    satisfaction: int
    solved: bool
    group: str | None = None
    assignee: str | None = None
    follow_up: Literal["reopened", "task"] | None = None


class Linked(ComplaintEvent):
    """It hangs together with another case: ``outward``, it is the other's repeat, duplicate or child; else the other is
    its."""

    TYPE: ClassVar[str] = "redress.complaint.linked.v1"
    other: UUID
    other_reference: str
    relation: Relation
    outward: bool = True


class Unlinked(ComplaintEvent):
    """It does not hang together with another case after all. ``outward`` as in `Linked`."""

    TYPE: ClassVar[str] = "redress.complaint.unlinked.v1"
    other: UUID
    other_reference: str
    relation: Relation
    outward: bool | None = None


class PlanMoved(ComplaintEvent):
    """It runs under another version of the plan from here on. ``playbook`` and ``clocks`` as in `Reclassified`."""

    TYPE: ClassVar[str] = "redress.complaint.plan_moved.v1"
    plan_version: int
    previous: int | None = None
    playbook: str | None = None
    clocks: tuple[ClockKind, ...] | None = None


class Resolved(StepEvent):
    """It was settled; the customer is told the result, whose words are in the private half."""

    TYPE: ClassVar[str] = "redress.complaint.resolved.v1"


class Rejected(ComplaintEvent):
    """It is not taken up: no complaint, or not ours. The reason, which the customer is told, is in the private half."""

    TYPE: ClassVar[str] = "redress.complaint.rejected.v1"
    told: bool = True


class Withdrawn(ComplaintEvent):
    """The customer has taken it back."""

    TYPE: ClassVar[str] = "redress.complaint.withdrawn.v1"
    status_before: str
    told: bool = True


class Closed(ComplaintEvent):
    """It was closed."""

    TYPE: ClassVar[str] = "redress.complaint.closed.v1"
    decision: Literal["customer_accepted", "customer_silent", "final_decision"]
    told: bool = True


class Reopened(ComplaintEvent):
    """It was taken up again. The reason is in the private half, and who has it now. ``clocks`` are those that begin
    again."""

    TYPE: ClassVar[str] = "redress.complaint.reopened.v1"
    status_before: str
    by_customer: bool = False
    clocks: tuple[ClockKind, ...] | None = None


EVENTS: Final[tuple[type[ComplaintEvent], ...]] = (
    Received,
    Classified,
    Reclassified,
    Dispatched,
    Reassigned,
    HandedOver,
    Accepted,
    Diagnosed,
    EstimateSet,
    EstimateMissed,
    Repaired,
    Reviewed,
    LegalChecked,
    Explained,
    CompensationProposed,
    CompensationDecided,
    CustomerAnswered,
    CompensationPaid,
    Contacted,
    Guided,
    VisitArranged,
    StepSkipped,
    Noted,
    LinkRenewed,
    Corrected,
    AwaitingCustomer,
    Reminded,
    CustomerReplied,
    Resumed,
    Reported,
    Escalated,
    EscalationAcknowledged,
    DeadlineWarned,
    DeadlineMissed,
    Updated,
    Attached,
    SurveyAsked,
    SurveyReminded,
    SurveyAnswered,
    Linked,
    Unlinked,
    PlanMoved,
    Resolved,
    Rejected,
    Withdrawn,
    Closed,
    Reopened,
)
