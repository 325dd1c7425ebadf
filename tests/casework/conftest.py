"""The plan in force, with everybody in it on the rota."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.plan.versions import Plans
from tests.casework.factories import sync_duty
from tests.casework.lifecycle_checks import check, snapshot


@pytest.fixture
async def plans(engine: AsyncEngine) -> Plans:
    made = Plans()
    await sync_duty(engine, made)
    return made


@pytest.fixture
async def in_order(engine: AsyncEngine, plans: Plans) -> AsyncIterator[None]:
    """After the test cases, records, clocks and the loads of people must agree with one another."""
    yield
    async with engine.connect() as connection:
        _, plan = await plans.current(connection)
        check(await snapshot(connection), plan)
