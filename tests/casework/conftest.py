"""The plan in force, with everybody in it on the rota."""

from __future__ import annotations

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.plan.versions import Plans
from tests.casework.factories import sync_duty


@pytest.fixture
async def plans(engine: AsyncEngine) -> Plans:
    made = Plans()
    await sync_duty(engine, made)
    return made
