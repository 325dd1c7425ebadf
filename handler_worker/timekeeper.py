"""The handler's clock: does what is due, moves urgent cases away from people who have gone, again and again.

Several handlers may do this side by side; whatever is due is claimed, so each thing happens once.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.base import telemetry
from services.base.failures import is_passing
from services.base.stream.bell import Bell
from services.casework import firing, moving
from services.casework.directives import firing as directives
from services.casework.tasks import firing as tasks
from services.plan.versions import Plans
from services.surveys import asking as surveys

log = logging.getLogger(__name__)

Fire = Callable[[AsyncConnection, Plans, datetime, int], Awaitable[int]]

_PAUSE: Final = 0.25
"""Seconds between two looks while nothing is due. Also the most that a deadline is late when little is due."""
_PEOPLE_PAUSE: Final = 5.0
_BATCH: Final = 500


class Timekeeper:
    """Runs until it is asked to stop."""

    def __init__(
        self,
        engine: AsyncEngine,
        plans: Plans,
        bell: Bell,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._engine = engine
        self._plans = plans
        self._bell = bell
        self._clock = clock
        self._stop = asyncio.Event()
        self._next_people = 0.0
        self.last_sign_of_life = time.monotonic()

    def stop(self) -> None:
        """Ask it to finish the batch in hand and leave."""
        self._stop.set()

    async def run(self) -> None:
        """Work until `stop`. A batch that fails was not written, and is done at the next look."""
        while not self._stop.is_set():
            self.last_sign_of_life = time.monotonic()
            try:
                busy = await self.round()
            except Exception as error:
                # Whatever it is, what is due stays due; the loop must outlive it.
                log.warning("what is due could not be done: %r", error, exc_info=not is_passing(error))
                busy = False
            if not busy:
                await self._pause()

    async def round(self) -> bool:
        """One look at everything that may be due; returns whether there is more at once."""
        full = False
        for name, fire in _FIRES:
            done = await self._batch(fire)
            if done:
                telemetry.FIRED.labels(name).inc(done)
                self._bell.ring()
            full = full or done >= _BATCH
        if time.monotonic() >= self._next_people:
            self._next_people = time.monotonic() + _PEOPLE_PAUSE
            await self._batch(moving.move_urgent)
        return full

    async def _batch(self, fire: Fire) -> int:
        async with self._engine.begin() as connection:
            return await fire(connection, self._plans, self._clock(), _BATCH)

    async def _pause(self) -> None:
        try:
            await asyncio.wait_for(self._stop.wait(), _PAUSE)
        except TimeoutError:
            return


_FIRES: Final[tuple[tuple[str, Fire], ...]] = (
    ("complaint", firing.fire),
    ("task", tasks.fire),
    ("directive", directives.fire),
    ("survey", surveys.fire),
)
