"""What the plan gives names to: itself, categories, severities, channels, services, statuses, notices."""

from __future__ import annotations

from pydantic import Field

from services.plan.clocks import Jurisdiction
from services.plan.values import Code, Entry, Flag, PhoneRegion, ReferencePrefix, Sentence, Text, TimeZone
from services.plan.vocabulary import (
    AnswerWay,
    Category,
    Channel,
    Language,
    NoticeKind,
    Severity,
    Status,
    TellingEvent,
)


class About(Entry):
    """Whose plan this is, which edition, and what holds where a complaint says nothing else."""

    name: Text
    operator: Text
    edition: Sentence
    default_language: Language = "zh"
    time_zone: TimeZone = "Asia/Shanghai"
    phone_region: PhoneRegion = "CN"
    jurisdiction: Jurisdiction = "cn"
    reference_prefix: ReferencePrefix = "RD"


class Subcategory(Entry):
    """A finer kind within a category. Its code is unique in the whole plan."""

    code: Code
    name: Text
    description: Text


class CategoryEntry(Entry):
    """What kind of complaint, and the group that it goes to."""

    code: Category
    name: Text
    description: Text
    group: Code
    subcategories: tuple[Subcategory, ...] = ()


class SeverityEntry(Entry):
    """How grave a complaint is."""

    code: Severity
    name: Text
    description: Text


class ChannelEntry(Entry):
    """A way in, and the ways to answer, best first."""

    code: Channel
    name: Text
    answer_by: tuple[AnswerWay, ...] = Field(min_length=1)


class ServiceEntry(Entry):
    """What the customer has bought."""

    code: Code
    name: Text


class StatusEntry(Entry):
    """What a case's status is called, and what the customer can expect next."""

    code: Status
    name: Text
    next: Text


class NoticeEntry(Entry):
    """What the customer is told after which event. ``tell: false`` silences a notice without removing it.

    ``urgent`` ones are told at any hour, however many came before. ``required`` ones are told also to a customer who
    wants no messages, because the law demands it.
    """

    kind: NoticeKind
    name: Text
    after: TellingEvent
    tell: Flag = True
    urgent: Flag = False
    required: Flag = False
