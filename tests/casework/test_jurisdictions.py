"""The same plan under another law: its limits, on its calendar, for cases that run under it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.plan.versions import Plans
from services.plan.vocabulary import Severity
from tests.casework import factories
from tests.casework.factories import RECEIVED_AT
from tests.casework.scenes import HOUR, another_plan, clock, due_at

AUSTRALIA = ("jurisdiction: cn", "jurisdiction: au")


@pytest.mark.parametrize(
    ("severity", "due"),
    [
        # Received on Monday 23 November at 19:00 in Sydney; the day of receipt does not count. The tenth working day
        # is Monday 7 December, the second one Wednesday 25 November, and they end at 17:00, six hours UTC.
        ("major", datetime(2026, 12, 7, 6, 0, tzinfo=UTC)),
        ("critical", datetime(2026, 11, 25, 6, 0, tzinfo=UTC)),
    ],
)
async def test_in_australia_a_complaint_is_answered_within_working_days(
    engine: AsyncEngine, plans: Plans, severity: Severity, due: datetime
) -> None:
    await another_plan(engine, AUSTRALIA)

    case = await factories.accepted_case(engine, Plans(), severity=severity, plan_version=2)

    assert await due_at(engine, case, "regulator") == due


async def test_in_australia_the_law_says_how_often_customers_hear_of_a_fault_and_not_by_when_it_is_repaired(
    engine: AsyncEngine, plans: Plans
) -> None:
    await another_plan(engine, AUSTRALIA)
    here = await factories.accepted_case(engine, plans, severity="low")

    there = await factories.accepted_case(engine, Plans(), severity="low", plan_version=2)

    assert await due_at(engine, there, "update") == RECEIVED_AT + 6 * HOUR
    assert await clock(engine, there, "repair") is None
    assert await clock(engine, here, "update") is None
    assert await due_at(engine, here, "repair") == RECEIVED_AT + 48 * HOUR
