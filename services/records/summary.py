"""The summary (总结) of a case, made of its events, clocks and notices: the plan's record of how it was handled.

It is a pure function: the same events give the same value. Nothing of it is stored, so it cannot differ from what
happened, and a correction stands beside what it corrects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from services.base.privacy import Person, Privacy
from services.casework.compensation import Granted
from services.casework.queries import DeadlineView
from services.complaints import events
from services.complaints.queries import CaseView, Happening
from services.notices.queries import NoticeView
from services.plan.schema import Plan
from services.plan.vocabulary import LANGUAGES
from services.records import answered, handled, kept
from services.records.history import WORDS, History
from services.records.naming import Naming
from services.records.sentences import sentence_of
from services.records.values import Customer, Heading, Judged, Line, Summary, Told, Words

Personal = Literal["shown", "masked", "withheld"]
"""How personal data is given: as it is; with names, numbers and addresses out; or not at all, nor what people wrote."""


@dataclass(frozen=True, slots=True)
class Material:
    """Everything that a record is made of.

    ``plan`` is the one that the case ran under last, ``in_force`` that of today, which knows people who came later.
    """

    view: CaseView
    happenings: Sequence[Happening]
    clocks: Sequence[DeadlineView]
    notices: Sequence[NoticeView]
    granted: Sequence[Granted]
    plan: Plan
    in_force: Plan


def summarise(material: Material, privacy: Privacy, personal: Personal) -> Summary:
    """The record of a case."""
    view, plan = material.view, material.plan
    reader = _Reader(personal, view.customer(privacy), privacy)
    history = History([reader.happening(one) for one in material.happenings])
    notices = tuple(Told(one.kind, one.way, one.status, one.requested_at, one.sent_at) for one in material.notices)
    estimates = handled.estimates(history, notices)
    return Summary(
        heading=_heading(view, plan, reader),
        customer=reader.customer(),
        complaint=reader.complaint(view),
        judgement=_judged(history, view),
        reclassifications=handled.reclassifications(history),
        holders=handled.holders(history),
        playbook=(view.handling or {}).get("playbook"),
        steps=handled.steps(history, view, plan),
        estimates=estimates,
        verdicts=answered.verdicts(history),
        legal_opinions=answered.legal_opinions(history),
        explanations=answered.said(history, events.Explained),
        compensation=answered.compensation(history, material.granted),
        contacts=answered.contacts(history),
        guidance=answered.guidance(history, plan),
        questions=answered.questions(history),
        replies=answered.said(history, events.CustomerReplied),
        attachments=answered.attachments(history),
        notes=answered.said(history, events.Noted),
        notices=notices,
        deadlines=kept.deadlines(history, material.clocks),
        escalations=kept.escalations(history),
        reports=kept.reports(history),
        links=kept.links(history),
        endings=handled.endings(history),
        satisfaction=answered.satisfaction(history),
        times=kept.times(history, view, sum(one.state == "broken" for one in estimates)),
        timeline=_timeline(history, plan, material.in_force),
    )


_GIVEN: Final = ("group", "plan_edition", "resolution")
_HEADING: Final = tuple(name for name in Heading.__dataclass_fields__ if name not in _GIVEN)


def _heading(view: CaseView, plan: Plan, reader: _Reader) -> Heading:
    fields = {name: getattr(view, name) for name in _HEADING}
    resolution = reader.words(view.resolution)
    return Heading(**fields, group=view.group_code, plan_edition=plan.plan.edition, resolution=resolution)


class _Reader:
    """What of the customer and of people's words this reader is given."""

    def __init__(self, personal: Personal, person: Person, privacy: Privacy) -> None:
        self._personal = personal
        self._person = person
        self._privacy = privacy

    def words(self, written: str | None) -> str | None:
        """What somebody wrote."""
        if written is None or self._personal == "withheld":
            return None
        return written if self._personal == "shown" else self._privacy.mask(written, (self._person.name,))

    def happening(self, one: Happening) -> Happening:
        """The event with what may be seen of its private half."""
        if self._personal == "shown" or one.private is None:
            return one
        private = None
        if self._personal == "masked":
            private = {name: self.words(value) if name in WORDS else value for name, value in one.private.items()}
        return Happening(one.number, one.type, one.time, one.actor, one.data, private)

    def complaint(self, view: CaseView) -> Words:
        """The complaint: as it was written, or the masked copy."""
        if self._personal == "shown":
            return Words(view.content, view.concerns, masked=False)
        content = self.words(view.content) if self._personal == "masked" else view.masked
        return Words(content, None, masked=True)

    def customer(self) -> Customer | None:
        """Who complained."""
        person = self._person
        match self._personal:
            case "withheld":
                return None
            case "shown":
                return Customer(person.name, person.phone, person.email, person.account, person.standing, masked=False)
            case "masked":
                return Customer(
                    f"{person.name[:1]}**",
                    _last(person.phone),
                    None if person.email is None else f"{person.email[:1]}***@{person.email.rpartition('@')[2]}",
                    _last(person.account),
                    person.standing,
                    masked=True,
                )


def _last(value: str | None) -> str | None:
    """A number of which only the end can be read, and of a short one nothing."""
    if value is None:
        return None
    return f"****{value[-4:]}" if len(value) > 8 else "****"


def _judged(history: History, view: CaseView) -> Judged | None:
    """The workers' judgement. Its reasons are kept with the case, with the words of the masked copy."""
    one = next(history.of(events.Classified), None)
    if one is None:
        return None
    data, kept_with_case = one.data, view.judgement or {}
    return Judged(
        **history.entry(one),
        category=data["category"],
        best_guess=data["best_guess"],
        sub_category=data.get("sub_category"),
        severity=data["severity"],
        reportable=data["reportable"],
        confidence=data["confidence"],
        model=data["model"],
        reasons=tuple(kept_with_case.get("reasons") or ()),
        severity_reasons=tuple(kept_with_case.get("severity_reasons") or ()),
    )


def _timeline(history: History, plan: Plan, in_force: Plan) -> tuple[Line, ...]:
    naming = {language: Naming(plan, language, in_force) for language in LANGUAGES}
    return tuple(
        Line(
            **history.entry(one),
            type=one.type,
            sentence={language: sentence_of(one.type, one.data, names) for language, names in naming.items()},
            corrects=one.data.get("corrects"),
            data=one.data,
            details=one.private,
        )
        for one in history.all
    )
