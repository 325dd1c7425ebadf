"""What the database says of cases and people after an action, and a notice of a result."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.identity import new_id
from services.casework.queries import deadlines_of
from services.complaints.model import Complaint
from services.complaints.queries import CaseView, find, record
from services.notices.model import Notice
from services.people.model import Duty
from tests.casework.factories import NOW, case_of


async def view(engine: AsyncEngine, case: UUID) -> CaseView:
    async with engine.connect() as connection:
        return await find(connection, str(case), "live")


async def record_of(engine: AsyncEngine, case: UUID) -> Any:
    async with engine.connect() as connection:
        return await record(connection, case)


async def loads(engine: AsyncEngine) -> dict[str, int]:
    """Who has how many cases on hand; people with none left out."""
    async with engine.connect() as connection:
        rows = await connection.execute(sa.select(Duty.login, Duty.open_cases).where(Duty.open_cases != 0))
        return {row.login: row.open_cases for row in rows}


async def on_hand(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        # What was merged into another case is nobody's work.
        counted = (
            Complaint.status.in_(["dispatched", "in_progress", "awaiting_customer"]),
            Complaint.merged_into.is_(None),
        )
        return await connection.scalar(sa.select(sa.func.count()).select_from(Complaint).where(*counted)) or 0


async def met(engine: AsyncEngine, case: UUID) -> dict[str, datetime | None]:
    async with engine.connect() as connection:
        return {deadline.kind: deadline.met_at for deadline in (await deadlines_of(connection, [case]))[case]}


async def consistent(engine: AsyncEngine, case: UUID) -> bool:
    """Whether the record has one event for each version, numbered without gaps."""
    numbers = [happening.number for happening in await record_of(engine, case)]
    return numbers == list(range(1, (await case_of(engine, case)).version + 1))


async def result_notice(engine: AsyncEngine, case: UUID, status: str, requested_at: datetime = NOW) -> None:
    """A notice of the result that the case has now."""
    number = (await case_of(engine, case)).version
    async with engine.begin() as connection:
        await connection.execute(
            sa.insert(Notice).values(
                id=new_id(),
                complaint_id=case,
                kind="result",
                cause=new_id(),
                number=number,
                realm="live",
                language="zh",
                way="email",
                facts={},
                status=status,
                version=1,
                requested_at=requested_at,
                due_at=NOW,
            )
        )
