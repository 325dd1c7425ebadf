"""The customer's page as a value: what it shows of a case, in one language. Reads nothing, decides nothing.

It shows what the customer was told and no more: no name, no contact, nothing of what they wrote or of what staff
noted.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from intake_api.customer_pages import TAGS
from intake_api.track_words import WORDS
from intake_api.tracked import MOST_SHOWN, Tracked
from services.base.errors import NotFound
from services.complaints.lifecycle import OPEN
from services.notices.queries import NoticeView
from services.notices.writing import language_of, moment, money
from services.plan.schema import Plan
from services.plan.vocabulary import Language

# How far along the way through the plan's four milestones each status is.
_MILESTONES: Final = ("received", "in_progress", "resolved", "closed")
_REACHED: Final[Mapping[str, int]] = MappingProxyType(
    {
        "received": 0,
        "classified": 0,
        "dispatched": 0,
        "in_progress": 1,
        "awaiting_customer": 1,
        "resolved": 2,
        "closed": 3,
    }
)
# What an event is told by, beside its type: `Words.happened`.
_TOLD_BY: Final = ("outcome", "decision", "answer", "cause")
_TIMES: Final = ("estimated_repair_at", "visit_at")
# Whether a fault is still to be repaired is told by the newest of these; after a reopening by neither.
_OF_THE_REPAIR: Final = frozenset({"estimate_set", "repaired", "reopened"})
# What changes the status is shown also where the customer was not written to about it.
_OF_THE_STATUS: Final = frozenset({"resolved", "closed"})


@dataclass(frozen=True, slots=True)
class Step:
    """A milestone of the case."""

    name: str
    reached: bool
    current: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the record. ``shown`` is ``time`` as people write it; ``said`` are the words that the customer was
    told; ``notice`` says that it tells how a notice went.
    """

    words: str
    time: datetime
    shown: str
    said: str | None = None
    notice: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """What the case waits for, and by when an answer would help; None when that has passed."""

    words: str
    answer_by: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """All that the page shows, in the language asked for; the record with the newest first. ``promised`` are the times
    that the customer waits for; question and resolution are in the language ``written`` (its tag).
    """

    operator: str
    reference: str
    status: str
    next: str
    settled: bool
    waiting: bool
    steps: Sequence[Step]
    written: str
    question: Question | None
    resolution: str | None
    promised: Sequence[tuple[str, str]]
    facts: Sequence[tuple[str, str]]
    record: Sequence[Line]
    cut: bool
    merged: str | None


def page_of(tracked: Tracked, language: Language, now: datetime) -> Page:
    """The page of a case in this language."""
    case, plan = tracked.case, tracked.plan
    status = plan.status(case.status)
    reached = _REACHED.get(case.status)
    return Page(
        operator=plan.plan.operator.in_language(language),
        reference=case.reference,
        status=status.name.in_language(language),
        next=status.next.in_language(language),
        settled=case.status in ("resolved", "closed"),
        waiting=case.status == "awaiting_customer",
        steps=[] if reached is None else _steps(plan, reached, language),
        written=TAGS[language_of(case.language)],
        question=_question(tracked, language, now),
        resolution=case.resolution,
        promised=_promised(tracked, language, now) if case.status in OPEN else [],
        facts=_facts(tracked, language),
        record=_lines(tracked, language),
        cut=len(tracked.record) == MOST_SHOWN,
        merged=case.merged,
    )


def shown(time: datetime, plan: Plan, language: Language) -> str:
    """A time as people write it, on the operator's clock."""
    return moment(time.astimezone(ZoneInfo(plan.plan.time_zone)), language)


def _steps(plan: Plan, reached: int, language: Language) -> list[Step]:
    return [
        Step(plan.name_of("status", code, language), place <= reached, place == reached)
        for place, code in enumerate(_MILESTONES)
    ]


def _question(tracked: Tracked, language: Language, now: datetime) -> Question | None:
    """The newest question, while the case waits for its answer."""
    if tracked.case.status != "awaiting_customer":
        return None
    asked = next((event for event in tracked.record if _short(event.type) == "awaiting_customer"), None)
    words = asked is not None and (asked.words or {}).get("question")
    if asked is None or not words:
        return None
    until = asked.time + tracked.plan.awaiting.give_back_after
    return Question(words, shown(until, tracked.plan, language) if until > now else None)


def _promised(tracked: Tracked, language: Language, now: datetime) -> list[tuple[str, str]]:
    case, plan, words = tracked.case, tracked.plan, WORDS[language]
    promised = []
    repaired_at, estimate = _repaired_at(tracked.record), case.estimated_repair_at
    if repaired_at is not None:
        promised.append((words.repaired, shown(repaired_at, plan, language)))
    elif estimate is not None:
        told = shown(estimate, plan, language)
        promised.append((words.estimate, told if estimate > now else words.overdue.format(time=told)))
    if case.respond_by is not None and case.respond_by > now:
        promised.append((words.respond_by, shown(case.respond_by, plan, language)))
    return promised


def _facts(tracked: Tracked, language: Language) -> list[tuple[str, str]]:
    case, plan, words = tracked.case, tracked.plan, WORDS[language]
    facts = [(words.received, shown(case.received_at, plan, language))]
    facts.append((words.service, plan.name_of("service", case.service_type, language)))
    if case.group_code is not None:
        facts.append((words.group, plan.name_of("group", case.group_code, language)))
    return facts


def _repaired_at(record: Sequence[sa.Row[Any]]) -> datetime | None:
    """When the fault was repaired; None while it is not, or is said not to be any more."""
    newest = next((event for event in record if _short(event.type) in _OF_THE_REPAIR), None)
    return None if newest is None or _short(newest.type) != "repaired" else _time(newest.data["repaired_at"])


def _lines(tracked: Tracked, language: Language) -> list[Line]:
    plan = tracked.plan
    lines = [line for event in tracked.record if (line := _line(event, plan, language)) is not None]
    oldest = tracked.record[-1].time if len(tracked.record) == MOST_SHOWN else None
    told = [line for notice in reversed(tracked.notices) if (line := _notice(notice, plan, language)) is not None]
    told = [line for line in told if oldest is None or line.time >= oldest]
    told.sort(key=lambda line: line.time, reverse=True)
    # Merging leaves events in the order of their numbers, whatever the clocks of the machines that wrote them said.
    return list(heapq.merge(told, lines, key=lambda line: line.time, reverse=True))


def _line(event: sa.Row[Any], plan: Plan, language: Language) -> Line | None:
    words = _words(_short(event.type), event.data, language)
    if words is None:
        # What happens inside the operator's house (notes, reports to the leadership) isn't the customer's affair.
        return None
    told = words.format_map(_details(event.data, plan, language))
    return Line(told, event.time, shown(event.time, plan, language), _said(event, plan, language))


def _words(short: str, data: Mapping[str, Any], language: Language) -> str | None:
    """What the page says of an event; None for one that it doesn't show."""
    if data.get("told") is False and short not in _OF_THE_STATUS:
        return None
    happened = WORDS[language].happened
    special = (happened.get(f"{short}.{data[field]}") for field in _TOLD_BY if field in data)
    return next((words for words in special if words is not None), happened.get(short))


def _details(data: Mapping[str, Any], plan: Plan, language: Language) -> dict[str, str]:
    """What can stand in the words for an event, as far as it has it."""
    details = {name: shown(_time(data[name]), plan, language) for name in _TIMES if name in data}
    if "group" in data:
        details["group"] = plan.name_of("group", data["group"], language)
    if "amount" in data:
        details["money"] = money(data["amount"], data["currency"], language)
    return details


def _said(event: sa.Row[Any], plan: Plan, language: Language) -> str | None:
    """The question, explanation or guidance, as the customer was told it."""
    words = event.words or {}
    parts = [words.get("question"), words.get("text"), _article(event.data.get("article"), plan, language)]
    return "\n\n".join(part for part in parts if part) or None


def _article(code: str | None, plan: Plan, language: Language) -> str | None:
    if code is None:
        return None
    try:
        article = plan.article(code)
    except NotFound:
        return None
    steps = [f"{place}. {step.in_language(language)}" for place, step in enumerate(article.steps, start=1)]
    return "\n".join([article.title.in_language(language), *steps])


def _notice(notice: NoticeView, plan: Plan, language: Language) -> Line | None:
    """How a notice went; None for one that was never to reach the customer."""
    words = WORDS[language]
    told = words.told.get(notice.status)
    if told is None:
        return None
    name = plan.name_of("notice", notice.kind, language)
    time = notice.sent_at or notice.requested_at
    said = told.format(name=name, way=words.ways.get(notice.way, words.ways["none"]))
    return Line(said, time, shown(time, plan, language), notice=True)


def _short(event_type: str) -> str:
    return event_type.split(".")[2]


def _time(written: str) -> datetime:
    return datetime.fromisoformat(written)
