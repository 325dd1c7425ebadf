"""Reading surveys: the one that a customer's link opens, and what is kept of those whose cases are locked."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.privacy import Privacy
from services.complaints.model import Complaint
from services.surveys.model import Survey


@dataclass(frozen=True, slots=True)
class SurveyView:
    """A survey as its customer sees it. ``satisfaction`` and ``solved`` are what they answered."""

    id: UUID
    complaint_id: UUID
    reference: str
    realm: str
    language: str
    status: str
    plan_version: int | None
    expires_at: datetime | None
    closed_at: datetime
    satisfaction: int | None
    solved: bool | None

    def is_open(self, now: datetime) -> bool:
        """Whether it can be answered. It expires at its time, also when the handler has not noted that yet."""
        return self.status == "asked" and self.expires_at is not None and now < self.expires_at


@dataclass(frozen=True, slots=True)
class KeptSurvey:
    """A survey whose case is locked, as it is kept. ``case_closed_at`` is when its case was closed last."""

    id: UUID
    complaint_id: UUID
    status: str
    closed_at: datetime
    group_code: str | None
    assignee: str | None
    asked_at: datetime | None
    reminded_at: datetime | None
    expires_at: datetime | None
    answered_at: datetime | None
    satisfaction: int | None
    solved: bool | None
    comment: str | None
    follow_up: str | None
    next_at: datetime | None
    case_closed_at: datetime | None


_VIEW: Final = (
    sa.select(
        *(
            Complaint.reference if name == "reference" else getattr(Survey, name)
            for name in SurveyView.__dataclass_fields__
        )
    )
    .join(Complaint, Complaint.id == Survey.complaint_id)
    .where(Survey.id == sa.bindparam("survey", type_=sa.Uuid))
)
_KEPT: Final = sa.select(
    *(
        Complaint.closed_at if name == "case_closed_at" else getattr(Survey, name)
        for name in KeptSurvey.__dataclass_fields__
    )
).join(Complaint, Complaint.id == Survey.complaint_id)
_ONE: Final = _KEPT.where(Survey.id == sa.bindparam("survey", type_=sa.Uuid))
_DUE: Final = _KEPT.where(
    Survey.complaint_id == sa.any_(sa.bindparam("cases", type_=ARRAY(sa.Uuid))),
    Survey.next_at <= sa.bindparam("now"),
).order_by(Survey.next_at, Survey.id)


async def find(connection: AsyncConnection, privacy: Privacy, token: str) -> SurveyView | None:
    """The survey that this link was made for; None for a token that was never ours.

    The token says which survey, and so in which realm: there is no other way to it.
    """
    survey = privacy.survey_of_token(token)
    return None if survey is None else await view(connection, survey)


async def view(connection: AsyncConnection, survey: UUID) -> SurveyView | None:
    """The survey of this id, of whichever realm; None when there is none."""
    row = (await connection.execute(_VIEW, {"survey": survey})).one_or_none()
    return None if row is None else SurveyView(*row)


async def kept(connection: AsyncConnection, survey: UUID) -> KeptSurvey:
    """A survey that is there, whose case the caller has locked."""
    return KeptSurvey(*(await connection.execute(_ONE, {"survey": survey})).one())


async def due(connection: AsyncConnection, cases: Collection[UUID], now: datetime) -> list[KeptSurvey]:
    """What must be looked at now of these cases, which the caller has locked; the longest due first."""
    return [KeptSurvey(*row) for row in await connection.execute(_DUE, {"cases": sorted(cases), "now": now})]
