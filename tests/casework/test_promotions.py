"""Misleading promotions: after the verdict the marketing department looks into it, once, with what it needs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.stream.event import Event
from services.casework import customer
from services.casework.handlers.billing import Review
from services.complaints.events import Reviewed
from services.complaints.model import Complaint
from services.plan.versions import Plans
from tests.casework import factories
from tests.casework.factories import LAWYER, NOW, RECEIVED_AT, case_of, do
from tests.casework.scenes import DAY, alerts, billing_case, events, handle, name_promotion, of, tasks

pytestmark = pytest.mark.usefixtures("in_order")

CARD = "畅享 39"


async def verdict(
    engine: AsyncEngine, plans: Plans, case: UUID, misleading: str, promotion: str | None = CARD
) -> Event:
    """The event of a review with this outcome, as the handler is given it."""
    review = Review.model_validate(
        {"facts": "…", "grounds": "…", "material": "宣传页", "misleading": misleading, "promotion": promotion}
    )
    await do(engine, plans, case, review, LAWYER)
    reviewed = (await events(engine, case, "reviewed"))[-1]
    return of(case, Reviewed.model_validate(reviewed.data), reviewed.number)


async def other_complaint(
    engine: AsyncEngine, promotion: str | None = CARD, *, masked: str | None = None, **received: Any
) -> UUID:
    """Another complaint about money that names the promotion, or has these words."""
    case = await factories.received_case(engine, **received)
    await factories.classify(engine, case, category="billing")
    if promotion is not None:
        await name_promotion(engine, case, promotion)
    async with engine.begin() as connection:
        await connection.execute(sa.update(Complaint).where(Complaint.id == case).values(masked=masked))
    return case


@pytest.mark.parametrize("misleading", ["yes", "partly"])
async def test_marketing_looks_into_a_misleading_promotion(engine: AsyncEngine, plans: Plans, misleading: str) -> None:
    case = await billing_case(engine, plans)

    await handle(engine, await verdict(engine, plans, case, misleading))

    (task,) = await tasks(engine, case)
    assert (task.kind, task.group_code, task.status) == ("promotion_review", "marketing", "open")
    assert (task.facts["promotion"], task.facts["misleading"]) == (CARD, misleading)
    assert (task.facts["others"], task.facts["complaints"]) == (0, [])
    assert await alerts(engine, task.id, "task_given") == ["lin.xiaoyan"]


async def test_a_promotion_that_misled_nobody_is_not_looked_into(engine: AsyncEngine, plans: Plans) -> None:
    case = await billing_case(engine, plans)

    await handle(engine, await verdict(engine, plans, case, "no"))

    assert await tasks(engine, case) == []


async def test_delivered_twice_it_is_looked_into_once(engine: AsyncEngine, plans: Plans) -> None:
    case = await billing_case(engine, plans)
    event = await verdict(engine, plans, case, "yes")

    for _ in range(3):
        await handle(engine, event)

    assert len(await tasks(engine, case)) == 1


async def test_the_other_complaints_about_the_promotion_are_named_the_newest_first(
    engine: AsyncEngine, plans: Plans
) -> None:
    named = await other_complaint(engine, CARD.upper())
    written = await other_complaint(engine, None, masked="办了畅享 39，结果多扣钱。")
    await other_complaint(engine, "青春卡", masked="畅享 39 的邻居。")
    async with engine.begin() as connection:
        await customer.withdraw(connection, plans, await other_complaint(engine), None, NOW)
    await other_complaint(engine, realm="drill")
    await other_complaint(engine, received_at=RECEIVED_AT - 366 * DAY)
    case = await billing_case(engine, plans)

    await handle(engine, await verdict(engine, plans, case, "yes"), now=NOW)

    (task,) = await tasks(engine, case)
    references = [(await case_of(engine, other)).reference for other in (written, named)]
    assert (task.facts["others"], task.facts["complaints"]) == (2, references)


@pytest.mark.parametrize("promotion", [None, "卡"])
async def test_a_promotion_without_a_name_is_looked_into_without_others(
    engine: AsyncEngine, plans: Plans, promotion: str | None
) -> None:
    await other_complaint(engine, "卡", masked="卡")
    case = await billing_case(engine, plans)

    await handle(engine, await verdict(engine, plans, case, "yes", promotion))

    (task,) = await tasks(engine, case)
    assert task.facts["complaints"] == []


async def test_what_a_promotion_is_called_is_searched_for_as_it_is(engine: AsyncEngine, plans: Plans) -> None:
    await other_complaint(engine, None, masked="九折优惠，没有那个词。")
    case = await billing_case(engine, plans)

    await handle(engine, await verdict(engine, plans, case, "yes", "%折_惠"))

    assert (await tasks(engine, case))[0].facts["complaints"] == []
