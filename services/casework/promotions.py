"""Misleading promotions: after such a verdict the marketing department looks into the promotion, and is told which
other complaints are about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.stream.event import Event
from services.casework.tasks.commands import NewTask
from services.casework.work import Work
from services.complaints.events import Reviewed

LOOKED_BACK: Final = timedelta(days=365)
MOST_NAMED: Final = 100
_SHORTEST: Final = 2

# What a complaint names counts; one that names nothing is searched for the name in its (masked) words.
_CONCERNING = sa.text(
    """
    select reference, count(*) over () as of
    from complaint
    where realm = :realm and id <> :case and category = 'billing' and received_at >= :since
      and status not in ('withdrawn', 'rejected')
      and case when concerns ->> 'promotion' is not null
               then lower(concerns ->> 'promotion') = lower(:promotion)
               else position(lower(:promotion) in lower(coalesce(masked, ''))) > 0 end
    order by id desc
    limit :most
    """
)


@dataclass(frozen=True, slots=True)
class PromotionFound:
    """A verdict, and the other complaints about the same promotion: the newest references, and how many in all."""

    work: Work
    event: Event
    verdict: Reviewed
    references: tuple[str, ...]
    count: int


async def concerning(connection: AsyncConnection, reviewed: Sequence[tuple[Work, Event]]) -> list[PromotionFound]:
    """For each verdict of misleading (wholly or partly) the other complaints about that promotion.

    A statement for each such verdict; a promotion without a name finds none.
    """
    found = []
    for work, event in reviewed:
        verdict = Reviewed.model_validate_json(event.data)
        if verdict.misleading == "no":
            continue
        rows = await _search(connection, work, verdict.promotion)
        found.append(
            PromotionFound(work, event, verdict, tuple(row.reference for row in rows), rows[0].of if rows else 0)
        )
    return found


def look_into(found: PromotionFound) -> None:
    """Have the marketing department look into it. Asked again for the same verdict, nothing more is owed."""
    work = found.work
    work.tasks.append(
        NewTask(
            kind="promotion_review",
            realm=work.case.realm,
            opened_by=work.actor,
            complaint_id=work.case.id,
            cause=found.event.id,
            facts={
                "reference": work.case.reference,
                "promotion": found.verdict.promotion,
                "misleading": found.verdict.misleading,
                "others": found.count,
                "complaints": list(found.references),
            },
        )
    )


async def _search(connection: AsyncConnection, work: Work, promotion: str | None) -> Sequence[sa.Row[tuple[str, int]]]:
    if promotion is None or len(promotion.strip()) < _SHORTEST:
        return []
    rows = await connection.execute(
        _CONCERNING,
        {
            "realm": work.case.realm,
            "case": work.case.id,
            "since": work.now - LOOKED_BACK,
            "promotion": promotion.strip(),
            "most": MOST_NAMED,
        },
    )
    return rows.all()
