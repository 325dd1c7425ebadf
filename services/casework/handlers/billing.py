"""Handling a billing complaint: review, legal check, explanation. What follows from it is in `compensating`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from services.base.errors import Forbidden
from services.casework.action import ActionBody, ShortWords, Words
from services.casework.work import Work
from services.complaints.events import (
    Explained,
    LegalChecked,
    Reviewed,
)
from services.plan.values import Text
from services.plan.vocabulary import Verdict


class Review(ActionBody):
    """Review the complaint: what was charged, and whether promotion was misleading."""

    ACTION: ClassVar[str] = "review"
    NAME: ClassVar[Text] = Text(zh="审核", en="Review")
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        "facts": "客户 10 月被扣 59 元，套餐为“畅享 39”，宣传页未注明首月按全月计费。",
        "misleading": "partly",
        "grounds": "宣传页仅在第二屏以小字说明首月资费。",
        "material": "“畅享 39”宣传页 2026-09 版",
        "promotion": "畅享 39",
        "explanation_wanted": True,
        "compensation_wanted": True,
    }

    facts: Words = Field(description="What was charged, under which tariff and which promotion.")
    misleading: Verdict = Field(description="Was the promotion misleading?")
    grounds: Words = Field(description="Why.")
    material: Words | None = Field(None, description="What the verdict rests on; needed for yes and partly.")
    promotion: ShortWords | None = Field(None, description="Which one; that of the complaint unless said.")
    explanation_wanted: bool = Field(True, description="The customer needs the tariff explained.")
    compensation_wanted: bool = Field(False, description="The customer should be compensated.")
    legal_check_wanted: bool = Field(
        False, description="Legal counsel should look at it, also where the plan doesn't ask."
    )

    @model_validator(mode="after")
    def _rests_on_something(self) -> Review:
        if self.misleading != "no" and self.material is None:
            raise PydanticCustomError("no_material", "name in material what the verdict rests on")
        return self


class LegalCheck(ActionBody):
    """Give legal counsel's opinion."""

    ACTION: ClassVar[str] = "legal-check"
    NAME: ClassVar[Text] = Text(zh="法律审核", en="Legal check")
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        "outcome": "risk",
        "opinion": "宣传未以显著方式提示，存在被认定误导的风险。",
    }

    outcome: Literal["lawful", "unlawful", "risk"]
    opinion: Words


class Explain(ActionBody):
    """Explain the tariff policy. The customer is sent these words."""

    ACTION: ClassVar[str] = "explain"
    NAME: ClassVar[Text] = Text(zh="解释资费政策", en="Explain the tariff")
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"text": "您的套餐首月按全月计费，次月起按自然月计费。"}

    text: Words = Field(description="In the customer's language.")


def review(work: Work, body: Review, concerned: str | None) -> None:
    """The verdict, and what it asks for. ``concerned`` is the promotion that the complaint names.

    Reviewed again, the newest verdict counts; steps that it does not ask for any more fall away.
    """
    check = body.legal_check_wanted or body.misleading in work.plan.review.legal_check_on
    private = {"facts": body.facts, "grounds": body.grounds} | ({"material": body.material} if body.material else {})
    work.done(
        Reviewed,
        "review",
        private,
        change=lambda handling: (
            handling.want("legal_check_wanted", check)
            .want("explanation_wanted", body.explanation_wanted)
            .want("compensation_wanted", body.compensation_wanted)
        ),
        misleading=body.misleading,
        explanation_wanted=body.explanation_wanted,
        compensation_wanted=body.compensation_wanted,
        legal_check_wanted=check,
        promotion=body.promotion or concerned,
    )


def legal_check(work: Work, body: LegalCheck) -> None:
    """Counsel's opinion. Raises `Forbidden` for anybody who is not legal counsel in the plan."""
    require_counsel(work)
    work.done(
        LegalChecked,
        "legal-check",
        {"opinion": body.opinion},
        change=lambda handling: replace(handling, legally_checked=True),
        outcome=body.outcome,
    )


def require_counsel(work: Work) -> None:
    """Raises `Forbidden` unless the one who acts is legal counsel, or an administrator."""
    if work.login is None or work.in_force.person(work.login).legal_counsel:
        return
    counsel = [person.login for person in work.in_force.staff if person.legal_counsel]
    raise Forbidden(f"'{work.login}' is not legal counsel; ask {', '.join(counsel) or 'for one in the plan'}")


def explain(work: Work, body: Explain) -> None:
    """The explanation, in the words that the customer is sent."""
    work.done(Explained, "explain", {"text": body.text})
    work.answered_customer()
