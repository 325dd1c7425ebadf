"""Telling staff: one row per person and thing told, written in the transaction that makes it true.

An alert is seen in the person's inbox at once. Other ways to reach staff read these rows; nothing is sent from here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.errors import NotFound
from services.base.identity import new_id
from services.casework.model import Alert
from services.complaints.commands import to_rows

Subject = Literal["complaint", "task", "directive"]
AlertKind = Literal[
    "assigned",
    "deadline_warned",
    "deadline_missed",
    "escalated",
    "reported",
    "customer_replied",
    "repeated",
    "task_given",
    "task_overdue",
    "directive_issued",
    "directive_progress",
    "directive_overdue",
]


@dataclass(frozen=True, slots=True)
class NewAlert:
    """What somebody is told: of the event ``number`` of a subject. ``facts`` hold codes and times, no personal data."""

    login: str
    kind: AlertKind
    subject: Subject
    subject_id: UUID
    number: int
    realm: str
    facts: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class AlertView:
    """An alert as its reader sees it."""

    id: UUID
    kind: str
    subject: str
    subject_id: UUID
    facts: dict[str, Any]
    told_at: datetime
    seen_at: datetime | None


_TELL = sa.text(
    """
    insert into alert (id, login, realm, kind, subject, subject_id, number, facts, told_at, due_at)
    select id, login, realm, kind, subject, subject_id, number, facts, told_at, told_at
    from jsonb_populate_recordset(null::alert, cast(:rows as jsonb))
    on conflict (subject_id, number, kind, login) do nothing
    """
)


async def tell(connection: AsyncConnection, alerts: Sequence[NewAlert], now: datetime) -> None:
    """Write alerts down, one statement for all. What somebody was told already is passed over."""
    if not alerts:
        return
    rows = [
        {
            "id": new_id(),
            "login": alert.login,
            "realm": alert.realm,
            "kind": alert.kind,
            "subject": alert.subject,
            "subject_id": alert.subject_id,
            "number": alert.number,
            "facts": alert.facts,
            "told_at": now,
        }
        for alert in alerts
    ]
    await connection.execute(_TELL, {"rows": to_rows(rows)})


async def inbox(
    connection: AsyncConnection, login: str, realm: str, *, unseen: bool, limit: int, before: UUID | None
) -> tuple[list[AlertView], UUID | None]:
    """What this person was told, the newest first, and where the next page begins (None at the end)."""
    query = (
        sa.select(*(getattr(Alert, name) for name in AlertView.__dataclass_fields__))
        .where(Alert.login == login, Alert.realm == realm)
        .order_by(Alert.id.desc())
        .limit(limit + 1)
    )
    if unseen:
        query = query.where(Alert.seen_at.is_(None))
    if before is not None:
        query = query.where(Alert.id < before)
    rows = [AlertView(*row) for row in await connection.execute(query)]
    return rows[:limit], rows[limit - 1].id if len(rows) > limit else None


async def mark_seen(connection: AsyncConnection, login: str, alert: UUID, now: datetime) -> None:
    """Note that the person has seen it; the first time counts. Raises `NotFound` when it isn't theirs."""
    seen = await connection.execute(
        sa.update(Alert)
        .where(Alert.id == alert, Alert.login == login)
        .values(seen_at=sa.func.coalesce(Alert.seen_at, now))
    )
    if not seen.rowcount:
        raise NotFound(f"there is no alert {alert} for '{login}'")
