"""The one form in which a case and its record are shown, to whichever program asks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from services.base.masking import Unmasked
from services.base.privacy import Person, Privacy
from services.casework.queries import DeadlineView
from services.complaints.queries import CaseView, Happening
from services.notices.queries import NoticeView

_JUDGEMENT: Final = ("category", "best_guess", "confidence", "reasons", "model")
_REASONS: Final = ("reasons", "severity_reasons")


def case_json(
    view: CaseView,
    deadlines: Sequence[DeadlineView] = (),
    *,
    privacy: Privacy,
    public_url: str,
    internal: bool = True,
) -> dict[str, Any]:
    """The case as JSON values. Times are UTC; what is not known yet is null.

    ``internal``: also who was told of it further up, which is none of a channel's business.
    """
    person = view.customer(privacy)
    return {
        "id": view.id,
        "reference": view.reference,
        "external_id": view.external_id,
        "version": view.version,
        "status": view.status,
        "category": view.category,
        "sub_category": view.sub_category,
        "severity": view.severity,
        "reportable": view.reportable,
        "judgement": _judgement(view),
        "group": view.group_code,
        "assignee": view.assignee,
        "assignment": view.assignment,
        "incident": None,
        "channel": view.channel,
        "service_type": view.service_type,
        "region": view.region,
        "region_code": view.region_code,
        "received_at": view.received_at,
        "occurred_at": view.occurred_at,
        "customer": _customer(person, view.language),
        "reply_to": _reply_to(person),
        "content": view.content,
        "concerns": view.concerns,
        "deadlines": [
            {
                "kind": deadline.kind,
                "due_at": deadline.due_at,
                "met_at": deadline.met_at,
                "missed_at": deadline.missed_at,
            }
            for deadline in deadlines
        ],
        "estimated_repair_at": view.estimated_repair_at,
        "resolution": view.resolution,
        "resolved_at": view.resolved_at,
        "closed_at": view.closed_at,
        "handling": view.handling if internal else None,
        "escalation": view.escalation if internal else None,
        "reported_at": view.reported_at if internal else None,
        "merged_into": view.merged_into,
        "plan_version": view.plan_version,
        "track_url": track_url(view, privacy=privacy, public_url=public_url),
    }


def track_url(view: CaseView, *, privacy: Privacy, public_url: str) -> str:
    """The address at which the customer follows the case without a login."""
    return f"{public_url}/track/{privacy.track_token(view.id, view.track_epoch)}"


def timeline_json(
    record: Iterable[Happening], notices: Iterable[NoticeView] = (), *, details: bool = True
) -> list[dict[str, Any]]:
    """The record of a case and what the customer was told, oldest first.

    ``details`` are the words behind an event (notes, grounds); without them they are null.
    """
    events = [
        {
            "number": happening.number,
            "type": happening.type,
            "time": happening.time,
            "actor": happening.actor,
            "data": happening.data,
            "details": happening.private if details else None,
        }
        for happening in record
    ]
    told = [
        {
            "number": None,
            "type": "notice",
            "time": notice.requested_at,
            "actor": "system:notifier",
            "data": {
                "kind": notice.kind,
                "way": notice.way,
                "status": notice.status,
                "sent_at": notice.sent_at,
                "delivered_at": notice.delivered_at,
                "about": notice.number,
            },
            "details": {"reason": notice.failure} if details and notice.failure is not None else None,
        }
        for notice in notices
    ]
    # Events keep their own order, whatever the clocks of the processes that wrote them said.
    return _merged(events, told)


def _merged(events: list[dict[str, Any]], told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    merged: list[dict[str, Any]] = []
    waiting = iter(told)
    notice = next(waiting, None)
    for event in events:
        while notice is not None and notice["time"] < event["time"]:
            merged.append(notice)
            notice = next(waiting, None)
        merged.append(event)
    if notice is not None:
        merged += [notice, *waiting]
    return merged


def _judgement(view: CaseView) -> dict[str, Any] | None:
    if view.judgement is None:
        return None
    judgement = {**dict.fromkeys(_JUDGEMENT), **view.judgement}
    return judgement if view.masked is None else placed(judgement, view.content, view.masked)


def placed(judgement: dict[str, Any], content: str, masked: str) -> dict[str, Any]:
    """The judgement with the positions of its reasons led from the masked copy back to the words as written."""
    unmasked = Unmasked(content, masked)
    return {
        **judgement,
        **{
            name: [_placed(reason, unmasked) if reason.get("words") else reason for reason in judgement.get(name) or ()]
            for name in _REASONS
        },
    }


def _placed(reason: dict[str, Any], unmasked: Unmasked) -> dict[str, Any]:
    start, end = unmasked.span(reason["start"], reason["end"])
    return {**reason, "start": start, "end": end}


def _customer(person: Person, language: str) -> dict[str, str | None]:
    return {
        "name": person.name,
        "phone": person.phone,
        "email": person.email,
        "account": person.account,
        "standing": person.standing,
        "language": language,
    }


def _reply_to(person: Person) -> dict[str, str | None] | None:
    if person.reply_address is None:
        return None
    return {"channel": person.reply_channel, "address": person.reply_address}
