"""What customers decide themselves, through the channel that they complained on: adding words, withdrawing,
reopening.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.database import set_lock_timeout
from services.base.errors import Forbidden, WrongState
from services.casework import compensation, links
from services.casework.actions import works_on
from services.casework.handlers import conversing, settling
from services.casework.work import Work, write
from services.complaints.model import Complaint
from services.plan.versions import Plans

ACTOR: Final = "customer"
MessageWay = Literal["email", "sms", "page"]
_LOCK_MS: Final = 5_000


async def add_message(
    connection: AsyncConnection,
    plans: Plans,
    case: UUID,
    text: str,
    now: datetime,
    way: MessageWay | None = None,
) -> None:
    """What the customer adds to their case; one that waited for it goes on. The caller commits.

    ``way`` is how it came; None through the channel that they complained on. Raises `WrongState` when the case is over
    for good.
    """
    await _decide(connection, plans, case, now, lambda work, followers: conversing.reply(work, text, way))


async def withdraw(connection: AsyncConnection, plans: Plans, case: UUID, reason: str | None, now: datetime) -> None:
    """The customer takes the complaint back. Raises `WrongState` when it is settled already."""

    def decide(work: Work, followers: Sequence[Work]) -> None:
        settling.withdraw(work, reason)
        for follower in followers:
            settling.follow_withdrawn(follower, reason)

    await _decide(connection, plans, case, now, decide)


async def reopen(connection: AsyncConnection, plans: Plans, case: UUID, reason: str, now: datetime) -> None:
    """The customer is not satisfied, or it happened again. Somebody further up hears of it.

    Raises `WrongState` while the case is open, `Forbidden` after the plan's time for it.
    """
    closed_at = await connection.scalar(sa.select(Complaint.closed_at).where(Complaint.id == case))

    def decide(work: Work, followers: Sequence[Work]) -> None:
        if closed_at is not None and now - closed_at > work.plan.reopen_within:
            raise Forbidden(
                f"the case was closed more than {work.plan.reopen_within.days} days ago; "
                "post a new complaint, which is linked with this one by itself"
            )
        settling.reopen(work, reason, by_customer=True)

    await _decide(connection, plans, case, now, decide)


async def _decide(
    connection: AsyncConnection,
    plans: Plans,
    case: UUID,
    now: datetime,
    decide: Callable[[Work, Sequence[Work]], None],
) -> None:
    """``decide`` is given the case, and the duplicates that were merged into it."""
    _, in_force = await plans.current(connection)
    following = await links.followers(connection, case)
    await set_lock_timeout(connection, _LOCK_MS)
    works = await works_on(connection, plans, in_force, [case, *following], ACTOR, now)
    work = works[case]
    if work.case.merged_into is not None:
        other = await connection.scalar(sa.select(Complaint.reference).where(Complaint.id == work.case.merged_into))
        raise WrongState(f"this complaint was merged into {other} of the same customer; write to that one", ())
    work.grants = await compensation.of_case(connection, case)
    decide(work, [one for one in works.values() if one.case.merged_into == case])
    await write(connection, list(works.values()))
