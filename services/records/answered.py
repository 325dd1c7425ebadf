"""What was said to the customer and by them: verdicts, offers, contacts, guidance, questions, the survey."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import cast
from uuid import UUID

from services.base.errors import NotFound
from services.casework.compensation import Granted
from services.complaints import events
from services.complaints.events import ComplaintEvent
from services.complaints.queries import Happening
from services.plan.schema import Plan
from services.records.history import History, first_after, time_in, words_of
from services.records.values import (
    Attempt,
    Bilingual,
    Compensation,
    Decision,
    FileSent,
    Guidance,
    Opinion,
    Payment,
    Question,
    Said,
    Satisfaction,
    VerdictGiven,
)


def verdicts(history: History) -> tuple[VerdictGiven, ...]:
    """The reviews of a billing complaint; the newest counts."""
    found = []
    for one in history.of(events.Reviewed):
        data, words = one.data, words_of(one)
        found.append(
            VerdictGiven(
                **history.entry(one),
                misleading=data["misleading"],
                promotion=data.get("promotion"),
                facts=words.get("facts"),
                grounds=words.get("grounds"),
                material=words.get("material"),
                explanation_wanted=data["explanation_wanted"],
                compensation_wanted=data["compensation_wanted"],
                legal_check_wanted=data["legal_check_wanted"],
            )
        )
    return tuple(found)


def legal_opinions(history: History) -> tuple[Opinion, ...]:
    """What legal counsel said."""
    return tuple(
        Opinion(**history.entry(one), outcome=one.data["outcome"], opinion=words_of(one).get("opinion"))
        for one in history.of(events.LegalChecked)
    )


def said(history: History, *types: type[ComplaintEvent]) -> tuple[Said, ...]:
    """The words of all events of these types."""
    return tuple(_said(history, one) for one in history.of(*types))


def _said(history: History, one: Happening) -> Said:
    return Said(**history.entry(one), text=words_of(one).get("text"))


def attachments(history: History) -> tuple[FileSent, ...]:
    """The files that were added, in the order in which they came."""
    return tuple(
        FileSent(
            **history.entry(one),
            id=UUID(one.data["attachment"]),
            name=words_of(one).get("name"),
            media_type=one.data["media_type"],
            size=one.data["size"],
        )
        for one in history.of(events.Attached)
    )


def compensation(history: History, granted: Sequence[Granted] = ()) -> tuple[Compensation, ...]:
    """What the customer was offered, and what became of each offer. ``granted`` says when a payment was made."""
    decided = _by_offer(history, events.CompensationDecided)
    answered = _by_offer(history, events.CustomerAnswered)
    paid = _by_offer(history, events.CompensationPaid)
    paid_at = {str(one.id): one.paid_at for one in granted}
    found = []
    for one in history.of(events.CompensationProposed):
        data = one.data
        key = str(data["compensation"])
        after = (decided.get(key), answered.get(key), paid.get(key))
        found.append(
            Compensation(
                **history.entry(one),
                id=UUID(key),
                kind=data["kind"],
                amount=data["amount"],
                currency=data["currency"],
                needs=data.get("needs"),
                reason=words_of(one).get("reason"),
                status=_status(*after),
                decided=_decision(history, after[0], "decision", "reason"),
                answered=_decision(history, after[1], "answer", "said"),
                paid=_payment(history, after[2], paid_at.get(key)),
            )
        )
    return tuple(found)


def _by_offer(history: History, kind: type[ComplaintEvent]) -> Mapping[str, Happening]:
    return {str(one.data["compensation"]): one for one in history.of(kind)}


def _status(decided: Happening | None, answered: Happening | None, paid: Happening | None) -> str:
    if paid is not None:
        return "paid"
    if answered is not None:
        return str(answered.data["answer"])
    return "proposed" if decided is None else str(decided.data["decision"])


def _decision(history: History, one: Happening | None, name: str, words: str) -> Decision | None:
    if one is None:
        return None
    return Decision(**history.entry(one), decision=one.data[name], words=words_of(one).get(words))


def _payment(history: History, one: Happening | None, at: datetime | None) -> Payment | None:
    if one is None:
        return None
    return Payment(**history.entry(one), paid_at=at or one.time, billing_reference=one.data["billing_reference"])


def contacts(history: History) -> tuple[Attempt, ...]:
    """The attempts to reach the customer."""
    return tuple(
        Attempt(
            **history.entry(one),
            attempted_at=cast(datetime, time_in(one.data, "attempted_at")),
            way=one.data["way"],
            outcome=one.data["outcome"],
            failed=one.data.get("failed", 0),
            said=words_of(one).get("said"),
        )
        for one in history.of(events.Contacted)
    )


def guidance(history: History, plan: Plan) -> tuple[Guidance, ...]:
    """What the customer was told to do, and the visits that were arranged."""
    return tuple(
        Guidance(
            **history.entry(one),
            article=one.data.get("article"),
            title=_title(plan, one.data.get("article")),
            text=words_of(one).get("text"),
            site_visit_wanted=one.data.get("site_visit_wanted", False),
            visit_at=time_in(one.data, "visit_at"),
        )
        for one in history.of(events.Guided, events.VisitArranged)
    )


def _title(plan: Plan, article: str | None) -> Bilingual | None:
    if article is None:
        return None
    try:
        return plan.article(article).title.model_dump()
    except NotFound:
        return {"zh": article, "en": article}


def questions(history: History) -> tuple[Question, ...]:
    """What the customer was asked, with the reminders and replies until the case went on."""
    asked = list(history.of(events.AwaitingCustomer))
    found = []
    for one in asked:
        following = first_after(one, asked)
        resumed = first_after(one, history.of(events.Resumed))
        if resumed is not None and following is not None and resumed.number > following.number:
            resumed = None
        ends = min((other.number for other in (resumed, following) if other is not None), default=None)
        between = [
            other
            for other in history.of(events.Reminded, events.CustomerReplied)
            if other.number > one.number and (ends is None or other.number < ends)
        ]
        found.append(
            Question(
                **history.entry(one),
                question=words_of(one).get("question"),
                reminders=tuple(other.time for other in between if other.type == events.Reminded.TYPE),
                replies=tuple(_said(history, other) for other in between if other.type == events.CustomerReplied.TYPE),
                resumed_at=None if resumed is None else resumed.time,
                resumed=None if resumed is None else resumed.data.get("cause"),
            )
        )
    return tuple(found)


def satisfaction(history: History) -> Satisfaction | None:
    """The newest answer to a survey; None while there is none."""
    newest = max(history.of(events.SurveyAnswered), key=lambda one: one.number, default=None)
    if newest is None:
        return None
    data = newest.data
    return Satisfaction(
        **history.entry(newest),
        satisfaction=data["satisfaction"],
        solved=data["solved"],
        comment=words_of(newest).get("text"),
        group=data.get("group"),
        assignee=data.get("assignee"),
        follow_up=data.get("follow_up"),
    )
