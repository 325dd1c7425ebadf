"""How things stand, in a few queries: cases by status, what waits for whom, what is late, what failed.

Only the ``live`` realm is counted; drills and the sandbox are nobody's work.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from redress.composition import WORKERS, Composition
from services.base.errors import Unavailable
from services.base.stream.relay import GROUP as RELAY
from services.judgements.models import stored
from services.plan.vocabulary import STATUSES

_CASES = sa.text("select status, count(*) as cases from complaint where realm = 'live' group by status")
_LATE = sa.text(
    """
    select d.kind, count(*) as cases from deadline d join complaint c on c.id = d.complaint_id
    where d.realm = 'live' and d.met_at is null and d.due_at < now()
      and c.status not in ('closed', 'withdrawn', 'rejected')
    group by d.kind
    """
)
_TOLD = ("pending", "sent", "delivered", "unconfirmed", "failed")
_NOTICES = sa.text("select status, count(*) as notices from notice where realm = 'live' group by status")
_LETTERS = sa.text("select reader_group, count(*) as letters from dead_letter where status <> 'settled' group by 1")


@dataclass(frozen=True, slots=True)
class Standing:
    """The answer. ``waiting`` counts the events that wait for each reader group: -1 when it has never read, None when
    it can't be asked now. ``model`` is the category model in force, None when there is none."""

    complaints: dict[str, int]
    deadlines_passed: dict[str, int]
    waiting: dict[str, int | None]
    dead_letters: dict[str, int]
    notices: dict[str, int]
    model: str | None


async def standing(composition: Composition) -> Standing:
    """How things stand now."""
    async with composition.engine.connect() as connection:
        cases = await _counts(connection, _CASES)
        return Standing(
            complaints={status: cases[status] for status in STATUSES if status in cases},
            deadlines_passed=await _counts(connection, _LATE),
            waiting=await _waiting(composition),
            dead_letters=await _counts(connection, _LETTERS),
            notices=dict.fromkeys(_TOLD, 0) | await _counts(connection, _NOTICES),
            model=next((one.name for one in await stored(connection) if one.in_force is not None), None),
        )


async def _waiting(composition: Composition) -> dict[str, int | None]:
    waiting: dict[str, int | None] = {}
    for name in WORKERS:
        handler = composition.handler(name)
        try:
            waiting[name] = await composition.stream.lag(handler.group, handler.types)
        except Unavailable:
            waiting[name] = None
    if composition.settings.kafka_servers is not None:
        waiting[RELAY] = await composition.log.lag(RELAY, None)
    return waiting


async def _counts(connection: AsyncConnection, query: sa.TextClause) -> dict[str, int]:
    return {row[0]: row[1] for row in await connection.execute(query)}
