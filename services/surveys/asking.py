"""Asking customers whether it was settled: planned with the closing, asked some time later, reminded once, let expire.

A survey is planned once for a closing, and for a case not again within the plan's time. What is due is done under the
lock of its case, and written with the next time to look in one transaction: each customer is asked once, however many
handlers there are and whenever one dies. A batch takes a constant number of statements.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.identity import new_id
from services.casework.actions import works_on
from services.casework.work import Work, write
from services.complaints.commands import to_rows
from services.complaints.events import SurveyAsked, SurveyReminded
from services.complaints.model import Complaint
from services.plan.versions import Plans
from services.surveys import commands, queries
from services.surveys.model import Survey
from services.surveys.queries import KeptSurvey

ACTOR: Final = "system:handler"

# A survey that was cancelled was never asked, so the next closing may plan another.
_PLAN: Final = sa.text(
    """
    insert into survey (id, complaint_id, realm, cause, status, channel, language, plan_version, closed_at, next_at)
    select id, complaint_id, realm, cause, 'planned', channel, language, plan_version, closed_at, next_at
    from jsonb_to_recordset(cast(:rows as jsonb)) as new (
        id uuid, complaint_id uuid, realm text, cause uuid, channel text, language text, plan_version integer,
        closed_at timestamptz, next_at timestamptz, not_since timestamptz)
    where not exists (
        select from survey old where old.complaint_id = new.complaint_id
          and (old.status = 'planned' or old.asked_at > new.not_since))
    order by complaint_id
    on conflict (complaint_id, cause) do nothing
    """
)
# Of every realm: what is due in a drill is asked in that drill.
_CLAIM: Final = (
    sa.select(Complaint.id)
    .join(Survey, Survey.complaint_id == Complaint.id)
    .where(Survey.next_at <= sa.bindparam("now"))
    .order_by(Survey.next_at)
    .limit(sa.bindparam("most"))
    # Skipping never waits, so locks may be taken in the order of what is due.
    .with_for_update(key_share=True, skip_locked=True, of=Complaint)
)


@dataclass(frozen=True, slots=True)
class Closing:
    """A case that was closed at ``closed_at`` (UTC). ``cause`` is the event that says so."""

    work: Work
    cause: UUID
    closed_at: datetime


async def plan_surveys(connection: AsyncConnection, closings: Collection[Closing]) -> None:
    """Have the customers of these locked cases asked, where their plans say so; one statement. The caller commits.

    Nobody is asked about a case that was taken up again meanwhile, or that only followed another; nor when the closing
    is so old that the survey would have expired, as when the log is read again from its beginning.
    """
    rows = [_row(one) for one in closings if _is_asked_about(one)]
    if rows:
        await connection.execute(_PLAN, {"rows": to_rows(rows)})


async def fire(connection: AsyncConnection, plans: Plans, now: datetime, limit: int) -> int:
    """Ask, remind and let expire what is due, in up to ``limit`` cases, longest due first; returns of how many.

    ``now`` is UTC. What is due in cases that others have locked is left for the next time. The caller commits.
    """
    claimed = set((await connection.execute(_CLAIM, {"now": now, "most": limit})).scalars())
    if not claimed:
        return 0
    _, in_force = await plans.current(connection)
    works = await works_on(connection, plans, in_force, claimed, ACTOR, now)
    # Read under the locks: another handler may have done it since it was found to be due.
    surveys = await queries.due(connection, claimed, now)
    done = [_DUE[survey.status](works[survey.complaint_id], survey) for survey in surveys]
    await write(connection, list(works.values()))
    await commands.store(connection, done)
    return len(claimed)


def _is_asked_about(closing: Closing) -> bool:
    work = closing.work
    surveys = work.plan.surveys
    if not surveys.ask or work.status != "closed" or work.case.merged_into is not None:
        return False
    return work.now <= closing.closed_at + surveys.after + surveys.expires_after


def _row(closing: Closing) -> dict[str, object]:
    case, surveys = closing.work.case, closing.work.plan.surveys
    next_at = closing.closed_at + surveys.after
    return {
        "id": new_id(),
        "complaint_id": case.id,
        "realm": case.realm,
        "cause": closing.cause,
        "channel": case.channel,
        "language": case.language,
        "plan_version": case.plan_version,
        "closed_at": closing.closed_at,
        "next_at": next_at,
        "not_since": next_at - surveys.not_again_within,
    }


def _ask(work: Work, survey: KeptSurvey) -> KeptSurvey:
    """The customer is asked, if the case is closed now. One that was closed again is asked about from then on."""
    surveys, closed_at = work.plan.surveys, survey.case_closed_at
    # A case that was taken up again has no time of closing.
    if closed_at is None or work.case.merged_into is not None:
        return replace(survey, status="cancelled", next_at=None)
    if closed_at > survey.closed_at and closed_at + surveys.after > work.now:
        return replace(survey, closed_at=closed_at, next_at=closed_at + surveys.after)
    expires_at = work.now + surveys.expires_after
    work.happened(
        SurveyAsked(
            reference=work.case.reference,
            survey=survey.id,
            expires_at=expires_at,
            group=work.group,
            assignee=work.assignee,
        )
    )
    reminds_at = expires_at if surveys.remind_after is None else work.now + surveys.remind_after
    return replace(
        survey,
        status="asked",
        closed_at=closed_at,
        group_code=work.group,
        assignee=work.assignee,
        asked_at=work.now,
        expires_at=expires_at,
        next_at=min(reminds_at, expires_at),
    )


def _remind_or_end(work: Work, survey: KeptSurvey) -> KeptSurvey:
    """Once more, unless the case was taken up again meanwhile; at last it expires."""
    expires_at = survey.expires_at
    if expires_at is None or expires_at <= work.now:
        return replace(survey, status="expired", next_at=None)
    # After the reminder, or in its place, the next look is the last.
    waits = replace(survey, next_at=expires_at)
    if work.status != "closed":
        return waits
    work.happened(SurveyReminded(reference=work.case.reference, survey=survey.id))
    return replace(waits, reminded_at=work.now)


_DUE: Final[Mapping[str, Callable[[Work, KeptSurvey], KeptSurvey]]] = MappingProxyType(
    {"planned": _ask, "asked": _remind_or_end}
)
