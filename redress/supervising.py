"""Keeps a program's parts going: a part that dies is logged and started again, never silently gone.

What it can't mend is a wrong setting: that ends the program, with the message that says what to change.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Protocol

from services.base.errors import Misconfigured

log = logging.getLogger(__name__)

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
# A part that ran for this long had got well: its next failure is counted as a first one.
_WELL_SECONDS = 60.0


class Part(Protocol):
    """Something that works until it is asked to stop."""

    async def run(self) -> None:
        """Work until `stop`; finish what was begun."""

    def stop(self) -> None:
        """Ask it to leave."""


class Supervised:
    """One part, by the recipe to make it anew."""

    def __init__(
        self, name: str, make: Callable[[], Part], *, first_pause: float = FIRST_PAUSE, longest: float = LONGEST_PAUSE
    ) -> None:
        self.name = name
        self._make = make
        self._first_pause = first_pause
        self._longest = longest
        self._stop = asyncio.Event()
        self._part: Part | None = None
        self._last_seen_well = time.monotonic()

    def stop(self) -> None:
        """Ask the part to finish what it has begun and leave."""
        self._stop.set()
        if self._part is not None:
            self._part.stop()

    async def run(self) -> None:
        """Run the part until `stop`. Raises `Misconfigured` when a setting is wrong, and nothing else of its own."""
        pause = self._first_pause
        while not self._stop.is_set():
            started = time.monotonic()
            await self._run_once()
            if self._stop.is_set():
                return
            if time.monotonic() - started > _WELL_SECONDS:
                pause = self._first_pause
            log.info("%s: starting again in %.1f s", self.name, pause)
            try:
                await asyncio.wait_for(self._stop.wait(), pause)
            except TimeoutError:
                pause = min(pause * 2, self._longest)

    @property
    def last_sign_of_life(self) -> float:
        """When the part was last seen at work (``time.monotonic()``)."""
        return float(getattr(self._part, "last_sign_of_life", self._last_seen_well))

    async def _run_once(self) -> None:
        try:
            self._part = self._make()
            await self._part.run()
        except Misconfigured:
            raise
        except Exception:
            log.exception("%s: died", self.name)
        else:
            if not self._stop.is_set():
                log.error("%s: ended without being asked to", self.name)
