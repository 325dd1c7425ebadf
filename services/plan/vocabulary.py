"""The codes that the plan and the programs share: categories, severities, channels, services, statuses.

The plan gives these codes their names, people and deadlines; it can't invent others where the programs act
on the code itself. Codes that only the plan knows (sub-categories, signals, regions) are not listed here.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

Language = Literal["zh", "en"]
Category = Literal["outage", "billing", "technical_support", "unclear"]
Severity = Literal["critical", "major", "minor", "low"]
Channel = Literal["hotline", "online_chat", "social_media", "app", "web", "email", "store", "regulator"]
AnswerWay = Literal["reply_to", "email", "sms", "webhook"]
Status = Literal[
    "received",
    "classified",
    "dispatched",
    "in_progress",
    "awaiting_customer",
    "resolved",
    "closed",
    "withdrawn",
    "rejected",
]
NoticeKind = Literal[
    "acknowledgement",
    "dispatched",
    "estimate",
    "estimate_missed",
    "repaired",
    "explanation",
    "compensation",
    "compensation_paid",
    "unreached",
    "guidance",
    "visit",
    "question",
    "reminder",
    "result",
    "rejected",
    "withdrawn",
    "closed",
    "reopened",
    "contacted",
    "update",
    "deadline_missed",
    "rights",
    "survey",
    "survey_reminder",
]
Role = Literal["head", "deputy", "member"]
RegionKind = Literal["town", "country"]
GroupKind = Literal["response", "department"]

# The clocks of a case, each with a deadline: docs/clocks.md says what starts, stops, pauses and restarts each.
ClockKind = Literal["acknowledge", "respond", "estimate", "update", "repair", "resolve", "regulator", "step", "promise"]
# What a step of a playbook is done with.
StepAction = Literal[
    "accept",
    "diagnose",
    "set-eta",
    "repair",
    "review",
    "legal-check",
    "explain",
    "compensate",
    "customer-answer",
    "pay",
    "contact",
    "guide",
    "site-visit",
    "resolve",
]
# What must hold for a step to be wanted at all.
StepCondition = Literal[
    "legal_check_wanted", "explanation_wanted", "compensation_wanted", "compensation_agreed", "site_visit_wanted"
]
CompensationKind = Literal["refund", "credit", "waiver"]
Verdict = Literal["yes", "no", "partly"]
TaskKind = Literal["call_customer", "pay", "promotion_review", "site_visit", "other"]
# Who stands on which rung when a case is escalated.
RungHolder = Literal["assignee", "group_head", "leadership_deputy", "leadership_head", "senior_management"]
EscalationCause = Literal[
    "deadline_missed", "estimate_missed", "regulator_limit", "reopened", "by_hand", "unacknowledged", "task_overdue"
]

# The facts of a case (short names of its events) after which a customer can be told something.
TellingEvent = Literal[
    "received",
    "classified",
    "dispatched",
    "accepted",
    "diagnosed",
    "estimate_set",
    "estimate_missed",
    "repaired",
    "explained",
    "compensation_decided",
    "compensation_paid",
    "contacted",
    "guided",
    "visit_arranged",
    "awaiting_customer",
    "reminded",
    "resumed",
    "resolved",
    "closed",
    "reopened",
    "withdrawn",
    "rejected",
    "deadline_missed",
    "updated",
    "survey_asked",
    "survey_reminded",
]

LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
CATEGORIES: Final[tuple[Category, ...]] = get_args(Category)
SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)
CHANNELS: Final[tuple[Channel, ...]] = get_args(Channel)
STATUSES: Final[tuple[Status, ...]] = get_args(Status)
CLOCK_KINDS: Final[tuple[ClockKind, ...]] = get_args(ClockKind)

# An operator may add services and groups of its own; these must be there because the programs name them.
REQUIRED_SERVICES: Final = ("mobile", "fixed_line", "broadband", "tv", "other")
# The signals of severity that the category model learns to hear, beside their phrases.
LEARNED_SIGNALS: Final = ("danger_to_life", "emergency_calls", "mass_outage")
LEADERSHIP: Final = "leadership"
CUSTOMER_SERVICE: Final = "customer_service"
SENIOR_MANAGEMENT: Final = "senior_management"
REQUIRED_GROUPS: Final = (LEADERSHIP, CUSTOMER_SERVICE, "technical_support", "market_legal")
