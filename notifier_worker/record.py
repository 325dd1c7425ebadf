"""What the record says of an event beyond what travels: the words in its private half, and what happened after it.

Customers are told words that staff wrote for them. Streams don't carry those, so they are read here, one statement
for a batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.database import Json, Timestamp
from services.base.stream.event import Event
from services.complaints.events import (
    AwaitingCustomer,
    EstimateMissed,
    EstimateSet,
    Explained,
    Guided,
    Rejected,
    Reminded,
    Reviewed,
    SurveyAsked,
    SurveyReminded,
)


@dataclass(frozen=True, slots=True)
class Record:
    """``private`` is the event's private half, ``later`` the types of what happened to its case since.

    ``question`` and ``asked_at`` are of the question that was open with the customer at the event, its own included;
    ``survey_expires_at`` is of the survey that the event reminds of, ``verdict`` of the review before the explanation
    (whether a promotion misled the customer).
    """

    private: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    later: frozenset[str] = frozenset()
    question: str | None = None
    asked_at: datetime | None = None
    survey_expires_at: datetime | None = None
    verdict: str | None = None


NOTHING: Final = Record()

_WANTED: Final = frozenset(
    event.TYPE
    for event in (
        AwaitingCustomer,
        EstimateMissed,
        EstimateSet,
        Explained,
        Guided,
        Rejected,
        Reminded,
        SurveyAsked,
        SurveyReminded,
    )
)

# By case and number, which the log is indexed by; its ids are not.
_READ = (
    sa.text(
        """
        select e.id, e.private, asked.private ->> 'question' as question, asked.time as asked_at, survey.expires_at,
               reviewed.verdict,
               array(select distinct later.type from event later where later.key = e.key and later.number > e.number)
                   as later
        from unnest(:keys, :numbers) as wanted (key, number)
        join event e on e.key = wanted.key and e.number = wanted.number
        left join lateral (
            select question.private, question.time from event question
            where question.key = e.key and question.number <= e.number and question.type = :asking
            order by question.number desc limit 1
        ) asked on e.type in (:asking, :reminding)
        left join lateral (
            select cast(survey.data ->> 'expires_at' as timestamptz) as expires_at from event survey
            where survey.key = e.key and survey.number < e.number and survey.type = :survey_asking
            and survey.data ->> 'survey' = e.data ->> 'survey'
            order by survey.number desc limit 1
        ) survey on e.type = :survey_reminding
        left join lateral (
            select review.data ->> 'misleading' as verdict from event review
            where review.key = e.key and review.number < e.number and review.type = :reviewing
            order by review.number desc limit 1
        ) reviewed on e.type = :explaining
        """
    )
    .bindparams(
        sa.bindparam("keys", type_=ARRAY(sa.Uuid)),
        sa.bindparam("numbers", type_=ARRAY(sa.Integer)),
        asking=AwaitingCustomer.TYPE,
        reminding=Reminded.TYPE,
        survey_asking=SurveyAsked.TYPE,
        survey_reminding=SurveyReminded.TYPE,
        reviewing=Reviewed.TYPE,
        explaining=Explained.TYPE,
    )
    .columns(
        sa.column("id", sa.Uuid),
        sa.column("private", Json),
        sa.column("question", sa.Text),
        sa.column("asked_at", Timestamp),
        sa.column("expires_at", Timestamp),
        sa.column("verdict", sa.Text),
        sa.column("later", ARRAY(sa.Text)),
    )
)


async def read_records(connection: AsyncConnection, events: Sequence[Event]) -> Mapping[UUID, Record]:
    """By event, what is recorded of those whose notices need it. No statement when none does."""
    wanted = [event for event in events if event.type in _WANTED]
    if not wanted:
        return {}
    parameters = {"keys": [event.key for event in wanted], "numbers": [event.number for event in wanted]}
    return {
        row.id: Record(row.private or {}, frozenset(row.later), row.question, row.asked_at, row.expires_at, row.verdict)
        for row in await connection.execute(_READ, parameters)
    }
