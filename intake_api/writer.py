"""Writing complaints as they come in: whatever waits is written in one statement, and answered after its commit.

A few tasks, each with a connection of its own, drain one bounded queue. Under little load a statement holds one
complaint; under much load, as many as came while the last one was on its way to the disk.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence

import asyncpg

from services.base import telemetry
from services.base.database import connect
from services.base.errors import Unavailable
from services.base.failures import is_passing
from services.base.identity import new_reference
from services.base.stream.bell import Bell
from services.complaints.registering import Registered, Registration, register

log = logging.getLogger(__name__)

_LARGEST_BATCH = 256
_CLOSE_SECONDS = 5.0
# More than once, because a connection that was lost is often lost for several at the same time.
_TRIES = 3
_Answer = asyncio.Future[Registered]


class Writer:
    """The way from a validated complaint to the disk."""

    def __init__(self, url: str, *, connections: int, queue: int, bell: Bell | None = None) -> None:
        self._url = url
        self._connections = connections
        self._limit = queue
        self._bell = bell or Bell()
        self._waiting: deque[tuple[Registration, _Answer]] = deque()
        self._arrived = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False

    def start(self) -> None:
        """Begin to write. Connections are opened when the first complaint comes."""
        self._tasks = [asyncio.create_task(self._drain(), name=f"intake writer {n}") for n in range(self._connections)]

    async def stop(self) -> None:
        """Write what waits, then end."""
        self._stopping = True
        self._arrived.set()
        await asyncio.gather(*self._tasks)

    async def register(self, registration: Registration) -> Registered:
        """Register one complaint; returns after the commit.

        Raises `Unavailable` when the queue is full or the database can't be reached, and then the same complaint may
        be posted again; with an idempotency key or external id that is safe even if it was written after all.
        """
        if self._stopping or len(self._waiting) >= self._limit:
            raise Unavailable("more complaints are waiting than can be written now; post this one again", retry_after=1)
        answer: _Answer = asyncio.get_running_loop().create_future()
        self._waiting.append((registration, answer))
        self._arrived.set()
        return await answer

    async def _drain(self) -> None:
        connection: asyncpg.Connection | None = None
        while True:
            while not self._waiting:
                if self._stopping:
                    if connection is not None:
                        await connection.close(timeout=_CLOSE_SECONDS)
                    return
                self._arrived.clear()
                await self._arrived.wait()
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), _LARGEST_BATCH))]
            telemetry.INTAKE_WAITING.set(len(self._waiting))
            telemetry.INTAKE_BATCH.observe(len(batch))
            connection = await self._write(connection, batch)
            self._bell.ring()

    async def _write(
        self, connection: asyncpg.Connection | None, batch: Sequence[tuple[Registration, _Answer]]
    ) -> asyncpg.Connection | None:
        """Write the batch, answer those who wait, and return the connection to go on with."""
        failure: Exception | None = None
        for _ in range(_TRIES):
            try:
                if connection is None or connection.is_closed():
                    connection = await connect(self._url, "redress intake")
                answers = await register(connection, [registration for registration, _ in batch])
            except Exception as error:
                failure = error
                # Without an open connection it is the database that refuses us, not a row.
                if not (connection is None or connection.is_closed() or is_passing(error)):
                    return await self._write_halves(connection, batch, error)
                # The statement can be sent again: the ids were chosen before, so what was written is found again.
                if connection is not None:
                    connection.terminate()
                connection = None
            else:
                return await self._answer(connection, batch, answers)
        log.warning("the database cannot be reached; %d complaints are answered 503: %s", len(batch), failure)
        _fail(batch, Unavailable("the database cannot be reached now; post this complaint again", retry_after=2))
        return None

    async def _answer(
        self,
        connection: asyncpg.Connection,
        batch: Sequence[tuple[Registration, _Answer]],
        answers: Sequence[Registered | None],
    ) -> asyncpg.Connection | None:
        again: list[tuple[Registration, _Answer]] = []
        for (registration, waiter), answer in zip(batch, answers, strict=True):
            if answer is None:
                # The random reference was taken, which happens once in many millions.
                prefix = registration.reference.partition("-")[0]
                again.append((registration._replace(reference=new_reference(prefix)), waiter))
            elif not waiter.done():
                waiter.set_result(answer)
        return await self._write(connection, again) if again else connection

    async def _write_halves(
        self, connection: asyncpg.Connection | None, batch: Sequence[tuple[Registration, _Answer]], error: Exception
    ) -> asyncpg.Connection | None:
        # The statement failed as a whole, and for a reason that will come again: a bad row fails alone.
        if len(batch) == 1:
            log.error("a complaint cannot be written", exc_info=error)
            _fail(batch, error)
            return connection
        middle = len(batch) // 2
        connection = await self._write(connection, batch[:middle])
        return await self._write(connection, batch[middle:])


def _fail(batch: Sequence[tuple[Registration, _Answer]], error: Exception) -> None:
    for _, waiter in batch:
        if not waiter.done():
            waiter.set_exception(error)
