"""Handling technical support: reaching the customer, guiding them, arranging a visit."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, timedelta
from typing import Any, ClassVar, Final
from uuid import uuid5

from pydantic import AwareDatetime, Field, model_validator
from pydantic_core import PydanticCustomError

from services.base.errors import NotFound
from services.casework.action import ActionBody, CodeOf, Words, not_ahead, wrong
from services.casework.tasks.commands import NewTask
from services.casework.work import Work
from services.complaints.events import Contacted, ContactOutcome, ContactWay, Guided, VisitArranged
from services.plan.values import Text

FURTHEST_VISIT: Final = timedelta(days=90)


class Contact(ActionBody):
    """Note an attempt to reach the customer, and what came of it."""

    ACTION: ClassVar[str] = "contact"
    NAME: ClassVar[Text] = Text(zh="登记联系记录", en="Contact the customer")
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        "way": "phone",
        "outcome": "reached",
        "said": "客户今晚在家，可以配合测试。",
    }

    way: ContactWay
    outcome: ContactOutcome
    said: Words | None = Field(None, description="What was said; needed when the customer was reached.")
    attempted_at: AwareDatetime | None = Field(None, description="When it was; now unless said.")

    @model_validator(mode="after")
    def _reached_is_told(self) -> Contact:
        if self.outcome == "reached" and self.said is None:
            raise PydanticCustomError("not_said", "the customer was reached; write in said what was said")
        return self


class Guide(ActionBody):
    """Tell the customer what to do: an article of the knowledge base, your own words, or both. They are sent to
    them.
    """

    ACTION: ClassVar[str] = "guide"
    NAME: ClassVar[Text] = Text(zh="提供指导", en="Guide the customer")
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"text": "请先关闭光猫电源，等待 30 秒后重新打开，再看 PON 灯是否常亮。"}

    article: CodeOf | None = Field(None, description="The code of an article of the knowledge base.")
    text: Words | None = Field(None, description="In the customer's language.")
    site_visit_wanted: bool = Field(False, description="Guidance alone won't do: somebody must go there.")

    @model_validator(mode="after")
    def _says_something(self) -> Guide:
        if self.article is None and self.text is None:
            raise PydanticCustomError("no_guidance", "write the guidance in text, or name an article")
        return self


class SiteVisit(ActionBody):
    """Arrange a visit to the customer. The group gets a task for it."""

    ACTION: ClassVar[str] = "site-visit"
    NAME: ClassVar[Text] = Text(zh="安排上门", en="Arrange a visit")
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"visit_at": "2026-11-25T09:30:00+08:00", "text": "更换光猫。"}

    visit_at: AwareDatetime = Field(description="In the future, within 90 days, with time zone.")
    text: Words | None = Field(None, description="What is to be done there.")


def contact(work: Work, body: Contact) -> None:
    """An attempt. After as many failures in a row as the plan has, the customer is written to, and again after as
    many.
    """
    attempted_at = not_ahead("attempted_at", body.attempted_at, work.now, work.case.received_at).astimezone(UTC)
    reached = body.outcome == "reached"
    failed = 0 if reached else work.handling.failed_contacts + 1
    private = {"said": body.said} if body.said else None
    said: dict[str, Any] = {
        "way": body.way,
        "outcome": body.outcome,
        "attempted_at": attempted_at,
        "failed": failed,
        "write": not reached and failed % work.plan.contact.attempts == 0,
    }
    # Only reaching the customer settles a step that asks for it.
    work.done(
        Contacted,
        "contact" if reached else "contact-failed",
        private,
        change=lambda handling: handling.contacted(failed),
        **said,
    )
    if reached:
        work.answered_customer()


def guide(work: Work, body: Guide) -> None:
    """The guidance. Raises `Invalid` for an article that the plan does not have for this kind of complaint."""
    if body.article is not None:
        _require_article(work, body.article)
    work.done(
        Guided,
        "guide",
        {"text": body.text} if body.text else None,
        change=lambda handling: handling.want("site_visit_wanted", body.site_visit_wanted),
        article=body.article,
        site_visit_wanted=body.site_visit_wanted,
    )
    work.answered_customer()


def site_visit(work: Work, body: SiteVisit) -> None:
    """The visit, and the task that it is. Raises `Invalid` when it is past or too far ahead."""
    if body.visit_at <= work.now:
        raise wrong("visit_at", "is in the past; say when somebody will be there", "past")
    if body.visit_at > work.now + FURTHEST_VISIT:
        raise wrong("visit_at", "is more than 90 days ahead", "too_far")
    visit_at = body.visit_at.astimezone(UTC)
    work.done(
        VisitArranged,
        "site-visit",
        {"text": body.text} if body.text else None,
        step=work.handling.step_if_wanted(work.plan, "site_visit_wanted", "site-visit"),
        change=lambda handling: handling.want("site_visit_wanted", True),
        visit_at=visit_at,
    )
    work.tasks.append(
        NewTask(
            kind="site_visit",
            realm=work.case.realm,
            complaint_id=work.case.id,
            cause=uuid5(work.case.id, str(work.number)),
            group=work.group,
            title=body.text,
            facts={"reference": work.case.reference, "visit_at": visit_at.isoformat()},
            due_at=visit_at,
            opened_by=work.actor,
        )
    )
    work.answered_customer()


def _require_article(work: Work, code: str) -> None:
    try:
        work.plan.article(code)
    except NotFound:
        fitting = [one.code for one in work.plan.articles_for(work.category or "", work.now_is("sub_category"))]
        raise wrong(
            "article",
            f"is none of the knowledge base; for this complaint there are {', '.join(fitting) or 'none'}",
            "unknown",
        ) from None
