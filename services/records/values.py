"""What the record of a case holds, as frozen values: plain types only, so that it is written as JSON as it stands.

Times are UTC. Lengths of time are in whole seconds. Amounts are texts with the decimals of their currency. Codes are
the plan's. Whatever came from an event has its number, and the corrections that were made of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from services.plan.vocabulary import Verdict

Bilingual = Mapping[str, str]
"""Words in both languages, under ``zh`` and ``en``."""
ClockState = Literal["running", "waiting", "met", "missed", "ended"]
"""``waiting``: it stands. ``missed``: met late, or not at all. ``ended``: the case was over before it was met."""
StepState = Literal["done", "skipped", "open", "not_wanted"]
EstimateState = Literal["open", "kept", "broken", "replaced", "dropped"]


@dataclass(frozen=True, slots=True)
class Correction:
    """An addition that says what was wrong with an event."""

    number: int
    at: datetime
    by: str
    text: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What every value that came from an event begins with."""

    number: int
    at: datetime
    by: str
    corrections: tuple[Correction, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """What case it is and where it stands."""

    id: UUID
    reference: str
    external_id: str | None
    realm: str
    version: int
    status: str
    category: str | None
    sub_category: str | None
    severity: str | None
    reportable: bool
    channel: str
    service_type: str
    region: str | None
    region_code: str | None
    language: str
    received_at: datetime
    occurred_at: datetime | None
    group: str | None
    assignee: str | None
    resolution: str | None
    resolved_at: datetime | None
    closed_at: datetime | None
    plan_version: int | None
    plan_edition: str


@dataclass(frozen=True, slots=True)
class Customer:
    """Who complained. ``masked``: names, numbers and addresses are out."""

    name: str
    phone: str | None
    email: str | None
    account: str | None
    standing: str | None
    masked: bool


@dataclass(frozen=True, slots=True)
class Words:
    """What the customer wrote, and what they named. ``masked``: names, numbers and addresses are out."""

    content: str | None
    concerns: Mapping[str, Any] | None
    masked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged(Entry):
    """What the workers judged, and why."""

    category: str
    best_guess: str
    sub_category: str | None
    severity: str
    reportable: bool
    confidence: float
    model: str
    reasons: tuple[Mapping[str, Any], ...]
    severity_reasons: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reclassification(Entry):
    """A person's judgement in place of the one before."""

    category_before: str | None
    category: str
    severity_before: str | None
    severity: str
    redispatched: bool
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Held(Entry):
    """Who had the case from ``at`` to ``until`` (None: still). Without ``assignee`` it waited in the group."""

    group: str | None
    assignee: str | None
    until: datetime | None
    rule: str
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDone(Entry):
    """A step that was done or skipped; ``words`` are what was recorded, or why it was left out."""

    state: StepState
    type: str
    words: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PlaybookStep:
    """A step of the playbook; done again after a dispute or a reopening, it has several entries."""

    code: str
    name: Bilingual
    playbook: str | None
    state: StepState
    entries: tuple[StepDone, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate(Entry):
    """A repair time that the customer was promised. ``told_at``: when the notice of it was sent."""

    estimated_repair_at: datetime
    previous: datetime | None
    reason: str | None
    told_at: datetime | None
    state: EstimateState
    repaired_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictGiven(Entry):
    """The review of a billing complaint: was the promotion misleading?"""

    misleading: Verdict
    promotion: str | None
    facts: str | None
    grounds: str | None
    material: str | None
    explanation_wanted: bool
    compensation_wanted: bool
    legal_check_wanted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion(Entry):
    """What legal counsel said."""

    outcome: str
    opinion: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Said(Entry):
    """Words that were spoken, sent or noted: an explanation, a question, a reply."""

    text: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSent(Entry):
    """A file that was added to the case: ``size`` in bytes; its content is not part of the record."""

    id: UUID
    name: str | None
    media_type: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision(Entry):
    """What somebody, or the customer, decided about an offer."""

    decision: str
    words: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment(Entry):
    """That it was paid: when, and under which reference of the billing system."""

    paid_at: datetime
    billing_reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Compensation(Entry):
    """What the customer was offered (``at`` and ``by`` are the proposal's), and what became of it."""

    id: UUID
    kind: str
    amount: str
    currency: str
    needs: str | None
    reason: str | None
    status: str
    decided: Decision | None
    answered: Decision | None
    paid: Payment | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt(Entry):
    """An attempt to reach the customer."""

    attempted_at: datetime
    way: str
    outcome: str
    failed: int
    said: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Guidance(Entry):
    """What the customer was told to do; or the visit that was arranged."""

    article: str | None
    title: Bilingual | None
    text: str | None
    site_visit_wanted: bool
    visit_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question(Entry):
    """What the customer was asked, how often they were reminded, and how it went on."""

    question: str | None
    reminders: tuple[datetime, ...]
    replies: tuple[Said, ...]
    resumed_at: datetime | None
    resumed: str | None


@dataclass(frozen=True, slots=True)
class Missed:
    """A deadline that passed unmet, as it was told."""

    number: int
    at: datetime
    due_at: datetime
    times: int


@dataclass(frozen=True, slots=True)
class DeadlineKept:
    """A clock: what was due by when, and how it came out. ``early_seconds`` is below zero when it was late.

    ``met_at`` is None for one that only ended because the case did.

    A clock that began anew (an update, a step, a case that was reopened) shows its last round; earlier misses stand in
    ``missed``.
    """

    kind: str
    due_at: datetime | None
    met_at: datetime | None
    missed_at: datetime | None
    state: ClockState
    early_seconds: int | None
    warned_at: datetime | None
    missed: tuple[Missed, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationTold(Entry):
    """Who was told that the case needs them, and when they took notice."""

    cause: str
    rung: int
    to: str
    told: tuple[str, ...]
    clock: str | None
    times: int
    reason: str | None
    acknowledge_by: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportMade(Entry):
    """A major complaint (重大投诉) was reported to the leadership group."""

    cause: str
    severity: str
    told: tuple[str, ...]
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkMade(Entry):
    """Another case that it hangs together with; ``ended_at`` when it was parted from it again."""

    other: UUID
    other_reference: str
    relation: str
    outward: bool
    reason: str | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Told:
    """A notice to the customer."""

    kind: str
    way: str
    status: str
    requested_at: datetime
    sent_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending(Entry):
    """How it was settled, refused, taken back, closed or taken up again."""

    kind: Literal["resolved", "rejected", "withdrawn", "closed", "reopened"]
    decision: str | None
    words: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Satisfaction(Entry):
    """What the customer answered when they were asked whether it was settled: ``satisfaction`` is 1 to 5.

    ``group`` and ``assignee`` had the case when they were asked; ``follow_up`` is what came of the answer.
    """

    satisfaction: int
    solved: bool
    comment: str | None
    group: str | None
    assignee: str | None
    follow_up: Literal["reopened", "task"] | None


@dataclass(frozen=True, slots=True)
class Times:
    """How long it took, in seconds from the receipt of the complaint; None for what has not been yet.

    ``awaiting_customer`` is the time for which it waited for the customer, over what is past.
    """

    first_response_at: datetime | None
    first_response: int | None
    resolution: int | None
    total: int | None
    awaiting_customer: int
    reopenings: int
    broken_estimates: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Line(Entry):
    """An event of the timeline, with a sentence in both languages, and the words behind it."""

    type: str
    sentence: Bilingual
    corrects: int | None
    data: Mapping[str, Any]
    details: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The record (记录) of a case."""

    heading: Heading
    customer: Customer | None
    complaint: Words
    judgement: Judged | None
    reclassifications: tuple[Reclassification, ...]
    holders: tuple[Held, ...]
    playbook: str | None
    steps: tuple[PlaybookStep, ...]
    estimates: tuple[Estimate, ...]
    verdicts: tuple[VerdictGiven, ...]
    legal_opinions: tuple[Opinion, ...]
    explanations: tuple[Said, ...]
    compensation: tuple[Compensation, ...]
    contacts: tuple[Attempt, ...]
    guidance: tuple[Guidance, ...]
    questions: tuple[Question, ...]
    replies: tuple[Said, ...]
    attachments: tuple[FileSent, ...]
    notes: tuple[Said, ...]
    notices: tuple[Told, ...]
    deadlines: tuple[DeadlineKept, ...]
    escalations: tuple[EscalationTold, ...]
    reports: tuple[ReportMade, ...]
    links: tuple[LinkMade, ...]
    endings: tuple[Ending, ...]
    satisfaction: Satisfaction | None
    times: Times
    timeline: tuple[Line, ...]
