"""What is known of received complaints when they are judged: their words, masked, and the facts beside them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.privacy import Privacy
from services.complaints.model import Complaint
from services.complaints.queries import EarlierCase, earlier_of
from services.judgements.values import Concerns, Earlier, Facts
from services.plan.schema import Plan

_WORDS = (
    sa.select(
        Complaint.id,
        Complaint.content,
        Complaint.personal,
        Complaint.service_type,
        Complaint.channel,
        Complaint.language,
        Complaint.region,
        Complaint.occurred_at,
        Complaint.concerns,
        Complaint.received_at,
    )
    .where(
        Complaint.status == "received",
        Complaint.id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid))),
    )
    .order_by(Complaint.id)
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A complaint that waits to be judged, with the earlier ones of its customer."""

    id: UUID
    row: Any
    earlier: Sequence[EarlierCase]


async def waiting(connection: AsyncConnection, ids: Collection[UUID]) -> list[Waiting]:
    """Those of the cases that wait to be judged, oldest first. Two statements, however many there are."""
    rows = (await connection.execute(_WORDS, {"ids": list(ids)})).all()
    if not rows:
        return []
    earlier = await earlier_of(connection, [row.id for row in rows])
    return [Waiting(row.id, row, earlier.get(row.id, ())) for row in rows]


def masked_words(one: Waiting, privacy: Privacy) -> str:
    """The copy of the complaint's words on which judging works."""
    return privacy.mask(one.row.content, [privacy.open(one.row.personal).name])


def facts_of(one: Waiting, privacy: Privacy, plan: Plan, categories: Mapping[UUID, str]) -> Facts:
    """The facts beside the words. ``categories`` are those of complaints that were judged a moment ago."""
    row = one.row
    person = privacy.open(row.personal)
    return Facts(
        service_type=row.service_type,
        channel=row.channel,
        language_hint=row.language,
        concerns=_concerns(row.concerns),
        standing=plan.standing_of(person.standing, person.account),
        earlier=tuple(
            Earlier(case.category or categories.get(case.id), case.service_type, case.received_at)
            for case in one.earlier
        ),
        occurred_at=row.occurred_at,
        received_at=row.received_at,
    )


def _concerns(kept: dict[str, Any] | None) -> Concerns:
    if kept is None:
        return Concerns()
    amount = kept.get("amount")
    return Concerns(**{**kept, "amount": None if amount is None else Decimal(amount)})
