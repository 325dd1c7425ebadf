"""The judge of the moment: the plan and the category model in force, made ready once for each pair of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from services.judgements.judge import Judge
from services.judgements.models import CategoryModels
from services.plan.schema import Plan
from services.plan.versions import Plans

_FRESH_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Bench:
    """A judge, with the plan by which it judges and that plan's version."""

    judge: Judge
    plan: Plan
    plan_version: int


class Judges:
    """Follows the plan and the model; a change of either is seen within two seconds, by `remembered` within four."""

    def __init__(self, plans: Plans, models: CategoryModels, clock: Callable[[], float] = time.monotonic) -> None:
        self._plans = plans
        self._models = models
        self._clock = clock
        self._sitting: tuple[int, str, Bench] | None = None
        self._fresh_until = 0.0

    def remembered(self) -> Bench | None:
        """Who judged within the last two seconds; no database, no waiting."""
        if self._sitting is None or self._clock() >= self._fresh_until:
            return None
        return self._sitting[2]

    async def current(self, connection: AsyncConnection) -> Bench:
        """Who judges now. Raises `Misconfigured` when no plan or no model is stored, or for another release."""
        version, plan = await self._plans.current(connection)
        model = await self._models.current(connection)
        if self._sitting is None or self._sitting[:2] != (version, model.name):
            judge = await asyncio.to_thread(Judge, plan, model)
            self._sitting = version, model.name, Bench(judge, plan, version)
        self._fresh_until = self._clock() + _FRESH_SECONDS
        return self._sitting[2]
