"""The customer's page: where their complaint stands, without a login and without JavaScript.

Whoever has the link sees the page, so it shows what the customer was told and no more: no name, no contact, nothing
of what they wrote or of what staff noted.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from fastapi import APIRouter
from jinja2 import Environment, PackageLoader, StrictUndefined
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from starlette.requests import Request
from starlette.responses import HTMLResponse

from intake_api.track_words import WORDS
from services.base.failures import is_passing
from services.base.privacy import Privacy
from services.base.stream.model import EventRow
from services.casework.model import Deadline
from services.complaints.lifecycle import OPEN
from services.complaints.model import Complaint
from services.notices.rendering import language_of, moment, money
from services.plan.schema import Plan
from services.plan.versions import Plans
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
_RETRY_SECONDS: Final = "10"
# What an event is told by, beside its type: `Words.happened`.
_TOLD_BY: Final = ("outcome", "decision", "answer", "cause")
_TIMES: Final = ("estimated_repair_at", "visit_at")
# Whether a fault is still to be repaired is told by the newest of these; after a reopening by neither.
_OF_THE_REPAIR: Final = frozenset({"estimate_set", "repaired", "reopened"})
# What changes the status is shown also where the customer was not written to about it.
_OF_THE_STATUS: Final = frozenset({"resolved", "closed"})

_NOT_FOUND: Final = {
    "title_zh": "找不到这个页面",
    "text_zh": "链接可能不完整，或者已经失效。请从最近收到的通知中重新打开链接；如仍无法打开，请联系客服并报投诉编号。",
    "title_en": "We can't find this page",
    "text_en": "The link may be incomplete, or it is no longer valid. Please open the link in the last message "
    "that you had from us. If that doesn't help, call us and give the reference of your complaint.",
}
_UNAVAILABLE: Final = {
    "title_zh": "暂时无法显示",
    "text_zh": "系统繁忙，请稍后刷新页面。您的投诉不受影响。",
    "title_en": "Not available right now",
    "text_en": "Please reload this page in a moment. Your complaint isn't affected.",
}


@dataclass(frozen=True, slots=True)
class TrackedCase:
    """What is read of a case for its page. ``respond_by`` is the time of the answer that is still owed."""

    id: UUID
    reference: str
    status: str
    language: str
    service_type: str
    received_at: datetime
    plan_version: int | None
    group_code: str | None
    estimated_repair_at: datetime | None
    resolution: str | None
    track_epoch: int
    respond_by: datetime | None


_COLUMNS: Final[list[Any]] = [
    Deadline.due_at if name == "respond_by" else getattr(Complaint, name) for name in TrackedCase.__dataclass_fields__
]
_CASE: Final = sa.select(*_COLUMNS).outerjoin(
    Deadline,
    sa.and_(Deadline.complaint_id == Complaint.id, Deadline.kind == "respond", Deadline.met_at.is_(None)),
)


@dataclass(frozen=True, slots=True)
class Step:
    """A milestone of the case."""

    name: str
    reached: bool
    current: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the record. ``shown`` is ``time`` as people write it."""

    words: str
    time: datetime
    shown: str


@dataclass(frozen=True, slots=True)
class Page:
    """All that the page shows, in the language asked for; the record with the newest first."""

    operator: str
    reference: str
    status: str
    next: str
    settled: bool
    steps: Sequence[Step]
    resolution: str | None
    facts: Sequence[tuple[str, str]]
    record: Sequence[Line]


def track_router(
    engine: AsyncEngine,
    privacy: Privacy,
    plans: Plans,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> APIRouter:
    """The route ``/track/{token}``. ``?lang=zh|en`` shows the page in a language other than the customer's."""
    router = APIRouter()
    pages = _Pages()

    @router.api_route("/track/{token}", methods=["GET", "HEAD"], include_in_schema=False)
    async def track(token: str, request: Request) -> HTMLResponse:
        try:
            async with engine.connect() as connection:
                case = await _find(connection, privacy, token)
                if case is None:
                    return pages.sorry(404, _NOT_FOUND)
                plan = await _plan_of(connection, plans, case)
                record = await _record(connection, case)
        except Exception as error:
            if not is_passing(error):
                raise
            return pages.sorry(503, _UNAVAILABLE)
        return pages.of_case(case, plan, record, request.query_params.get("lang"), clock())

    return router


async def _find(connection: AsyncConnection, privacy: Privacy, token: str) -> TrackedCase | None:
    """The case that the token opens; None for a token that was never ours or has been revoked."""
    claimed = privacy.case_of_token(token) if token.isascii() else None
    if claimed is None:
        return None
    row = (await connection.execute(_CASE.where(Complaint.id == claimed))).one_or_none()
    case = None if row is None else TrackedCase(*row)
    return case if case is not None and privacy.token_matches(token, case.id, case.track_epoch) else None


async def _plan_of(connection: AsyncConnection, plans: Plans, case: TrackedCase) -> Plan:
    if case.plan_version is not None:
        return await plans.get(connection, case.plan_version)
    _, plan = await plans.current(connection)
    return plan


async def _record(connection: AsyncConnection, case: TrackedCase) -> Sequence[sa.Row[Any]]:
    query = sa.select(EventRow.type, EventRow.time, EventRow.data).where(EventRow.key == case.id)
    return (await connection.execute(query.order_by(EventRow.number.desc()))).all()


class _Pages:
    """The templates, and the headers that keep a page between the customer and us."""

    def __init__(self) -> None:
        loader = PackageLoader("intake_api", "pages")
        templates = Environment(
            loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        style = templates.get_template("track.css").render()
        self._track = templates.get_template("track.html")
        self._sorry = templates.get_template("sorry.html")
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        self._headers = {
            "Cache-Control": "no-store",
            "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; "
            "form-action 'none'; frame-ancestors 'none'",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Robots-Tag": "noindex",
        }

    def of_case(
        self, case: TrackedCase, plan: Plan, record: Sequence[sa.Row[Any]], asked: str | None, now: datetime
    ) -> HTMLResponse:
        """The page of a case in the language ``asked`` for, or the customer's."""
        language = language_of(asked if asked in ("zh", "en") else case.language)
        words = WORDS[language]
        content = self._track.render(page=_page(case, plan, record, language, now), words=words)
        return HTMLResponse(content, headers={**self._headers, "Content-Language": words.tag})

    def sorry(self, status: int, texts: Mapping[str, str]) -> HTMLResponse:
        """A page in both languages, for when there is no case to show."""
        headers = {**self._headers, "Retry-After": _RETRY_SECONDS} if status == 503 else self._headers
        return HTMLResponse(self._sorry.render(texts), status, headers)


def _page(case: TrackedCase, plan: Plan, record: Sequence[sa.Row[Any]], language: Language, now: datetime) -> Page:
    status = plan.status(case.status)
    reached = _REACHED.get(case.status)
    return Page(
        operator=plan.plan.operator.in_language(language),
        reference=case.reference,
        status=status.name.in_language(language),
        next=status.next.in_language(language),
        settled=case.status in ("resolved", "closed"),
        steps=[] if reached is None else _steps(plan, reached, language),
        resolution=case.resolution,
        facts=_facts(case, plan, record, language, now),
        record=_lines(record, plan, language),
    )


def _steps(plan: Plan, reached: int, language: Language) -> list[Step]:
    return [
        Step(plan.name_of("status", code, language), place <= reached, place == reached)
        for place, code in enumerate(_MILESTONES)
    ]


def _facts(
    case: TrackedCase, plan: Plan, record: Sequence[sa.Row[Any]], language: Language, now: datetime
) -> list[tuple[str, str]]:
    words = WORDS[language]

    def shown(time: datetime) -> str:
        return _shown(time, plan, language)

    facts = [(words.received, shown(case.received_at))]
    facts.append((words.service, plan.name_of("service", case.service_type, language)))
    if case.group_code is not None:
        facts.append((words.group, plan.name_of("group", case.group_code, language)))
    if case.status in OPEN:
        if case.respond_by is not None and case.respond_by > now:
            facts.append((words.respond_by, shown(case.respond_by)))
        repaired_at, estimate = _repaired_at(record), case.estimated_repair_at
        if repaired_at is not None:
            facts.append((words.repaired, shown(repaired_at)))
        elif estimate is not None:
            told = shown(estimate)
            facts.append((words.estimate, told if estimate > now else words.overdue.format(time=told)))
    return facts


def _repaired_at(record: Sequence[sa.Row[Any]]) -> datetime | None:
    """When the fault was repaired; None while it is not, or is said not to be any more."""
    newest = next((event for event in record if _short(event.type) in _OF_THE_REPAIR), None)
    return None if newest is None or _short(newest.type) != "repaired" else _time(newest.data["repaired_at"])


def _lines(record: Sequence[sa.Row[Any]], plan: Plan, language: Language) -> list[Line]:
    lines = []
    for event in record:
        words = _words(_short(event.type), event.data, language)
        if words is None:
            # What happens inside the operator's house (notes, reports to the leadership) isn't the customer's affair.
            continue
        told = words.format_map(_details(event.data, plan, language))
        lines.append(Line(told, event.time, _shown(event.time, plan, language)))
    return lines


def _words(short: str, data: Mapping[str, Any], language: Language) -> str | None:
    """What the page says of an event; None for one that it doesn't show."""
    if data.get("told") is False and short not in _OF_THE_STATUS:
        return None
    happened = WORDS[language].happened
    special = (happened.get(f"{short}.{data[field]}") for field in _TOLD_BY if field in data)
    return next((words for words in special if words is not None), happened.get(short))


def _details(data: Mapping[str, Any], plan: Plan, language: Language) -> dict[str, str]:
    """What can stand in the words for an event, as far as it has it."""
    details = {name: _shown(_time(data[name]), plan, language) for name in _TIMES if name in data}
    if "group" in data:
        details["group"] = plan.name_of("group", data["group"], language)
    if "amount" in data:
        details["money"] = money(data["amount"], data["currency"], language)
    return details


def _short(event_type: str) -> str:
    return event_type.split(".")[2]


def _time(written: str) -> datetime:
    return datetime.fromisoformat(written)


def _shown(time: datetime, plan: Plan, language: Language) -> str:
    return moment(time.astimezone(ZoneInfo(plan.plan.time_zone)), language)
