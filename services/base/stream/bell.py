"""A bell inside one process: who has written rings it, who waits for something to read hears it.

It only saves the pause until the next poll. Nothing depends on it: a ring that nobody hears costs a poll's pause.
"""

from __future__ import annotations

import asyncio


class Bell:
    """Wakes every waiter at once. To be used within one event loop."""

    def __init__(self) -> None:
        self._waiters: set[asyncio.Future[None]] = set()

    def ring(self) -> None:
        """Wake all who wait."""
        waiters, self._waiters = self._waiters, set()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def wait(self, seconds: float) -> bool:
        """Whether it rang within ``seconds``."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        try:
            await asyncio.wait_for(waiter, seconds)
        except TimeoutError:
            return False
        finally:
            self._waiters.discard(waiter)
        return True
