"""The plan's versions as programs of several releases find them."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.errors import Misconfigured
from services.plan.loading import shipped_plan_text
from services.plan.model import PlanVersion
from services.plan.versions import Plans


async def test_a_plan_that_a_newer_release_stored_is_nobodys_mistake_but_that_of_the_installation(
    engine: AsyncEngine,
) -> None:
    newer = shipped_plan_text() + "\nforecasts: []\n"

    async with engine.begin() as connection:
        await connection.execute(sa.insert(PlanVersion).values(version=2, digest="newer", text=newer))
        with pytest.raises(Misconfigured, match=r"version 2 .* another release"):
            await Plans().current(connection)
