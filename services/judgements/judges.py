"""The judge of the moment: the plan and the category model in force, made ready once for each pair of them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from services.judgements.judge import Judge
from services.judgements.models import CategoryModels
from services.plan.schema import Plan
from services.plan.versions import Plans


@dataclass(frozen=True, slots=True)
class Bench:
    """A judge, with the plan by which it judges and that plan's version."""

    judge: Judge
    plan: Plan
    plan_version: int


class Judges:
    """Follows the plan and the model; a change of either is seen within two seconds."""

    def __init__(self, plans: Plans, models: CategoryModels) -> None:
        self._plans = plans
        self._models = models
        self._sitting: tuple[int, str, Bench] | None = None

    async def current(self, connection: AsyncConnection) -> Bench:
        """Who judges now. Raises `Misconfigured` when no plan or no model is stored, or for another release."""
        version, plan = await self._plans.current(connection)
        model = await self._models.current(connection)
        if self._sitting is None or self._sitting[:2] != (version, model.name):
            judge = await asyncio.to_thread(Judge, plan, model)
            self._sitting = version, model.name, Bench(judge, plan, version)
        return self._sitting[2]
