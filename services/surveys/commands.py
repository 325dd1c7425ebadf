"""What customers answer: kept once, told in the record of their case, and followed up as the plan says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

import sqlalchemy as sa
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.database import set_lock_timeout
from services.base.errors import NotFound, WrongState
from services.base.texts import PRINTABLE
from services.casework.actions import works_on
from services.casework.handlers import settling
from services.casework.tasks.commands import NewTask
from services.casework.work import Work, write
from services.complaints.commands import to_rows
from services.complaints.events import SurveyAnswered
from services.plan.telling import FollowUp, Surveys
from services.plan.values import Text
from services.plan.versions import Plans
from services.surveys import queries
from services.surveys.queries import KeptSurvey, SurveyView

ACTOR: Final = "customer"
LONGEST_COMMENT: Final = 2_000
"""Characters."""
_LOCK_MS: Final = 5_000
# Why a case is taken up again, when the customer did not say it in words of their own.
_UNSOLVED: Final = Text(
    zh="客户在满意度回访中表示问题未解决。", en="The customer said in the survey that it was not solved."
)
_LOW: Final = Text(
    zh="客户在满意度回访中表示不满意。", en="The customer said in the survey that they were not satisfied."
)

_CHANGING: Final = tuple(
    name
    for name in KeptSurvey.__dataclass_fields__
    if name not in ("id", "complaint_id", "case_closed_at")
)  # fmt: skip
_STORE: Final = sa.text(
    f"update survey set {', '.join(f'{name} = new.{name}' for name in _CHANGING)} "
    "from jsonb_populate_recordset(null::survey, cast(:rows as jsonb)) as new where survey.id = new.id"
)


class Answer(BaseModel):
    """What a customer answers: 1 (not satisfied at all) to 5 (very), whether it was solved, and what they add to it.

    An empty comment is none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    satisfaction: Annotated[int, Field(ge=1, le=5)]
    solved: bool
    comment: Annotated[
        Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST_COMMENT), PRINTABLE] | None,
        AfterValidator(lambda comment: comment or None),
    ] = None


async def answer(connection: AsyncConnection, plans: Plans, survey: UUID, answer: Answer, now: datetime) -> SurveyView:
    """Keep what the customer answers, and have it followed up as the plan says. The caller commits.

    ``now`` is UTC. The same answer once more, as by a second click, changes nothing and is answered the same. Raises
    `NotFound` for a survey that is not there, `WrongState` for one that has another answer, has expired, or was not
    asked.
    """
    asked = await queries.view(connection, survey)
    if asked is None:
        raise NotFound("there is no such survey; use the link that you were sent")
    _, in_force = await plans.current(connection)
    await set_lock_timeout(connection, _LOCK_MS)
    works = await works_on(connection, plans, in_force, [asked.complaint_id], ACTOR, now)
    work = works[asked.complaint_id]
    kept = await queries.kept(connection, survey)
    if not _is_kept(kept, answer):
        _require_open(kept, now)
        await store(connection, [_answered(work, kept, answer)])
        await write(connection, [work])
    return replace(asked, status="answered", satisfaction=answer.satisfaction, solved=answer.solved)


async def store(connection: AsyncConnection, surveys: Sequence[KeptSurvey]) -> None:
    """Write surveys as they are now, one statement for all; the caller holds the locks of their cases."""
    if surveys:
        await connection.execute(_STORE, {"rows": to_rows([asdict(survey) for survey in surveys])})


def _is_kept(kept: KeptSurvey, answer: Answer) -> bool:
    """Whether this very answer was given before."""
    told = kept.satisfaction, kept.solved, kept.comment
    return kept.status == "answered" and told == (answer.satisfaction, answer.solved, answer.comment)


def _require_open(kept: KeptSurvey, now: datetime) -> None:
    if kept.status == "answered":
        raise WrongState("this survey was answered already, and can be answered once; thank you", ())
    if kept.status in ("planned", "cancelled"):
        raise WrongState("this survey was not asked", ())
    if kept.status == "expired" or kept.expires_at is None or kept.expires_at <= now:
        raise WrongState("the time to answer this survey is over; reopen the case, or post a new complaint", ())


def _answered(work: Work, kept: KeptSurvey, answer: Answer) -> KeptSurvey:
    """The answer in the record, and what follows from it."""
    follow_up = _follow_up(work, kept, answer)
    work.happened(
        SurveyAnswered(
            reference=work.case.reference,
            survey=kept.id,
            satisfaction=answer.satisfaction,
            solved=answer.solved,
            group=kept.group_code,
            assignee=kept.assignee,
            follow_up=follow_up,
        ),
        {"text": answer.comment} if answer.comment else None,
    )
    if follow_up == "reopened":
        why = (_LOW if answer.solved else _UNSOLVED).in_language(work.case.language)
        settling.reopen(work, answer.comment or why, by_customer=True)
    elif follow_up == "task":
        work.tasks.append(_task(work, kept, answer))
    return replace(
        kept,
        status="answered",
        answered_at=work.now,
        satisfaction=answer.satisfaction,
        solved=answer.solved,
        comment=answer.comment,
        follow_up=follow_up,
        next_at=None,
    )


def _follow_up(work: Work, kept: KeptSurvey, answer: Answer) -> Literal["reopened", "task"] | None:
    match _wanted(work.plan.surveys, answer):
        case "nothing":
            return None
        case "reopen" if _may_reopen(work, kept):
            return "reopened"
    return "task"


def _wanted(surveys: Surveys, answer: Answer) -> FollowUp:
    """That it was not solved weighs more than how many points there were."""
    if not answer.solved:
        return surveys.on_unsolved
    return surveys.on_low if answer.satisfaction <= surveys.low else "nothing"


def _may_reopen(work: Work, kept: KeptSurvey) -> bool:
    """As the customer may by themselves: while it is closed, follows no other case, and not after the plan's time."""
    # One that was taken up again has no time of closing.
    if kept.case_closed_at is None or work.case.merged_into is not None:
        return False
    return work.now - kept.case_closed_at <= work.plan.reopen_within


def _task(work: Work, kept: KeptSurvey, answer: Answer) -> NewTask:
    surveys = work.plan.surveys
    return NewTask(
        kind="call_customer",
        realm=work.case.realm,
        opened_by=ACTOR,
        group=surveys.group,
        complaint_id=work.case.id,
        cause=kept.id,
        facts={"survey": str(kept.id), "satisfaction": answer.satisfaction, "solved": answer.solved},
        within=surveys.within,
    )
