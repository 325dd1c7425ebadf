"""Closed cases, their surveys, and what is done with them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from handler_worker.handler import DispatchHandler
from services.base.stream.event import Event
from services.base.stream.model import EventRow
from services.complaints.events import Closed
from services.plan.versions import Plans
from services.surveys import asking, commands
from services.surveys.commands import Answer
from services.surveys.model import Survey
from services.surveys.queries import SurveyView
from tests.casework.factories import NOW, closed_case
from tests.casework.scenes import DAY, HOUR

ASKED_AT = NOW + HOUR
"""When the customers of cases that were closed at `NOW` are asked."""


async def asked(engine: AsyncEngine, plans: Plans) -> tuple[UUID, UUID]:
    """A closed case whose customer was asked at `ASKED_AT`; the case and the survey."""
    case = await closed_case(engine, plans)
    await hear(engine, case)
    await fire(engine, plans, ASKED_AT)
    (survey,) = await surveys(engine, case)
    return case, survey.id


async def hear(engine: AsyncEngine, *cases: UUID, now: datetime = NOW) -> None:
    """The handler worker is given the closings of these cases, all that there were."""
    query = sa.select(EventRow).where(EventRow.key.in_(cases), EventRow.type == Closed.TYPE).order_by(EventRow.position)
    async with engine.begin() as connection:
        rows = (await connection.execute(query)).all()
        events = [
            Event(row.id, row.type, row.key, row.number, row.time, row.realm, orjson.dumps(row.data)) for row in rows
        ]
        await DispatchHandler(Plans(), clock=lambda: now).handle(connection, events)


async def fire(engine: AsyncEngine, plans: Plans, now: datetime, limit: int = 500) -> int:
    """Do what is due at ``now``, in a transaction of its own."""
    async with engine.begin() as connection:
        return await asking.fire(connection, plans, now, limit)


async def answer(
    engine: AsyncEngine, plans: Plans, survey: UUID, now: datetime = ASKED_AT + DAY, **said: Any
) -> SurveyView:
    """The customer answers, in a transaction of its own: satisfied, unless something else is said."""
    given = Answer.model_validate({"satisfaction": 5, "solved": True, **said})
    async with engine.begin() as connection:
        return await commands.answer(connection, plans, survey, given, now)


async def surveys(engine: AsyncEngine, case: UUID) -> list[Any]:
    """The surveys of a case, in the order in which they were planned."""
    async with engine.connect() as connection:
        query = sa.select(*Survey.__table__.c).where(Survey.complaint_id == case).order_by(Survey.id)
        return list(await connection.execute(query))
