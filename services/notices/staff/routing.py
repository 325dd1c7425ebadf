"""Which contacts an alert is for: those of the person whom it was written for, and those of the groups it concerns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from services.notices.staff.contacts import Contact, Contacts
from services.plan.schema import Plan
from services.plan.vocabulary import LEADERSHIP


@dataclass(frozen=True, slots=True)
class Waiting:
    """An alert that nobody has looked at yet; ``severity`` and ``group`` are of its case, None without one."""

    id: UUID
    login: str
    realm: str
    kind: str
    subject: str
    subject_id: UUID
    number: int
    facts: Mapping[str, Any]
    severity: str | None
    group: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """An alert for a contact, not to be told before ``since`` (UTC)."""

    alert: Waiting
    contact: Contact
    since: datetime


def deliveries_of(alert: Waiting, contacts: Contacts, plan: Plan, now: datetime) -> list[Delivery]:
    """Each contact that wants the alert, once; none for what is not real, unless the file asks for drills."""
    if alert.realm != "live" and not (alert.realm == "drill" and contacts.drills):
        return []
    local = now.astimezone(ZoneInfo(plan.plan.time_zone))
    found: dict[str, Delivery] = {}
    for contact in _contacts_for(alert, contacts, plan):
        if not contact.route.wants(alert.kind, alert.severity):
            continue
        until = contact.route.holds_until(alert.kind, alert.severity, local)
        since = now if until is None else until.astimezone(now.tzinfo)
        # Where two routes lead to the same place, the one that tells first counts.
        if contact.id not in found or since < found[contact.id].since:
            found[contact.id] = Delivery(alert, contact, since)
    return list(found.values())


def _contacts_for(alert: Waiting, contacts: Contacts, plan: Plan) -> Iterator[Contact]:
    yield from contacts.people.get(alert.login, ())
    for group in dict.fromkeys(_concerned(alert, plan)):
        yield from contacts.groups.get(group, ())


def _concerned(alert: Waiting, plan: Plan) -> Iterator[str]:
    """The groups whose matter it is. Leadership's is what was reported or escalated to it, and its directives."""
    if alert.kind in ("reported", "directive_progress", "directive_overdue"):
        yield LEADERSHIP
    if alert.kind in ("escalated", "task_overdue") and plan.role_in(alert.login, LEADERSHIP) is not None:
        yield LEADERSHIP
    match alert.subject:
        case "complaint" if alert.kind != "reported" and alert.group is not None:
            yield alert.group
        case "task" if alert.facts.get("group"):
            yield str(alert.facts["group"])
        case "directive" if alert.kind != "directive_progress":
            yield from map(str, alert.facts.get("groups") or ())
