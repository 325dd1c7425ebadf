"""The life of a worker: poll, handle, commit; and what happens when handling fails.

A batch is handled in one transaction. A passing failure (database away, deadlock) is retried until it passes, while
the batch waits. Any other failure splits the batch until the bad event stands alone, so that its neighbours go on; it
is tried again a few times and then parked as a dead letter, with the later events of its key behind it. Effects are
idempotent by the handlers' own guards, so a batch that is delivered again changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.base import telemetry
from services.base.errors import Misconfigured, Refused, Unavailable
from services.base.failures import is_passing
from services.base.stream.bell import Bell
from services.base.stream.event import Batch, Event
from services.base.stream.port import EventReader, ReaderLost
from services.base.worker import dead_letters
from services.base.worker.dead_letters import Reason

log = logging.getLogger(__name__)

_REMEMBERED = 100_000


class Handler(Protocol):
    """What a worker does with events. ``group`` is its name as a reader group; ``types`` the events it wants."""

    @property
    def group(self) -> str:
        """The reader group."""

    @property
    def types(self) -> Collection[str]:
        """CloudEvents types that this handler wants."""

    async def handle(self, connection: AsyncConnection, events: Sequence[Event]) -> None:
        """Carry out all of ``events``, in order, on the transaction of ``connection``. The loop commits.

        Being given an event again must change nothing. Raises `Refused` when an event breaks a rule and trying
        again is of no use; any other exception means that it may be tried again.
        """


@dataclass(frozen=True, slots=True)
class Pauses:
    """How long a worker waits, and how long it stays away from new events, in seconds."""

    poll: float = 0.5
    """For events, before it looks around."""
    replay: float = 1.0
    """Between looks at the dead letters that may be handled again."""
    longest_replay: float = 1.0
    """Spent on dead letters at a time, before it looks for new events again."""
    lag: float = 5.0
    """Between two counts of what waits."""
    first_retry: float = 0.05
    """Before the first retry; twice as long before each further one."""
    longest_retry: float = 5.0
    """Before a retry at most."""


class Stopping(Exception):
    """The worker was asked to stop while it waited for a failure to pass."""


class Worker:
    """Runs one handler on one reader until it is asked to stop."""

    def __init__(
        self,
        engine: AsyncEngine,
        reader: EventReader,
        handler: Handler,
        *,
        batch_size: int = 200,
        attempts: int = 5,
        bell: Bell | None = None,
        pauses: Pauses = Pauses(),
    ) -> None:
        self._engine = engine
        self._reader = reader
        self._handler = handler
        self._batch_size = batch_size
        self._attempts = attempts
        self._bell = bell or Bell()
        self._pauses = pauses
        self._stop = asyncio.Event()
        self._handled: OrderedDict[UUID, int] = OrderedDict()
        self._next_replay = 0.0
        self._next_lag = 0.0
        self.last_sign_of_life = time.monotonic()

    def stop(self) -> None:
        """Ask the worker to finish what it has begun, commit it and leave."""
        self._stop.set()

    async def run(self) -> None:
        """Work until `stop`. What was begun is finished and committed; then the reader is closed."""
        try:
            while not self._stop.is_set():
                await self._round()
        except Stopping:
            log.info("%s: stopped while waiting for a failure to pass; the batch will be delivered again", self._group)
        finally:
            await self._reader.close()

    @property
    def _group(self) -> str:
        return self._handler.group

    async def _round(self) -> None:
        self._alive()
        try:
            batch = await self._reader.poll(self._batch_size, self._pauses.poll)
            if batch:
                await self._process(batch)
                await self._reader.commit(batch)
            await self._look_around()
        except ReaderLost as lost:
            log.info("%s: %s; its events come again to whoever has it now", self._group, lost)
        except Unavailable as error:
            log.warning("%s: %s", self._group, error)
            await self._pause(self._pauses.longest_retry / 5)

    async def _process(self, batch: Batch) -> None:
        started = time.perf_counter()
        if batch.undecodable:
            await self._until_it_passes(lambda: self._park_undecodable(batch))
        events = self._not_yet_handled(batch.events)
        if events:
            await self._handle(events)
            self._remember(events)
            age = datetime.now(UTC) - events[-1].time
            telemetry.LAG_SECONDS.labels(self._group).set(max(0.0, age.total_seconds()))
        telemetry.BATCH_SECONDS.labels(self._group).observe(time.perf_counter() - started)

    async def _handle(self, events: Sequence[Event]) -> None:
        try:
            await self._until_it_passes(lambda: self._attempt(events))
        except (Stopping, Misconfigured):
            # A wrong setting is no fault of the event: it ends the program and leaves the events where they are.
            raise
        except Exception as error:
            telemetry.RETRIES.labels(self._group).inc()
            if len(events) == 1:
                await self._handle_alone(events[0], error)
                return
            log.warning("%s: a batch of %d failed and is split: %r", self._group, len(events), error)
            middle = len(events) // 2
            await self._handle(events[:middle])
            await self._handle(events[middle:])

    async def _handle_alone(self, event: Event, error: Exception) -> None:
        attempt = 1
        while attempt < self._attempts and not isinstance(error, Refused):
            await self._back_off(attempt)
            attempt += 1
            try:
                await self._until_it_passes(lambda: self._attempt([event]))
                return
            except (Stopping, Misconfigured):
                raise
            except Exception as again:
                error = again
        reason: Reason = "refused" if isinstance(error, Refused) else "failed"
        log.error("%s: %s %s is parked (%s): %r", self._group, event.type, event.key, reason, error, exc_info=error)
        await self._until_it_passes(lambda: self._park(event, reason, error, attempt))

    async def _attempt(self, events: Sequence[Event]) -> None:
        async with self._engine.begin() as connection:
            blocked = await dead_letters.blocked_keys(connection, self._group, {event.key for event in events})
            if blocked:
                behind = [event for event in events if event.key in blocked]
                await dead_letters.park(connection, self._group, behind, "behind", "an earlier event is parked", 0)
                telemetry.PARKED.labels(self._group, "behind").inc(len(behind))
                events = [event for event in events if event.key not in blocked]
            if events:
                await self._handler.handle(connection, events)
        telemetry.HANDLED.labels(self._group).inc(len(events))
        self._bell.ring()

    async def _park(self, event: Event, reason: Reason, error: Exception, attempts: int) -> None:
        async with self._engine.begin() as connection:
            await dead_letters.park(connection, self._group, [event], reason, _told(error), attempts)
        telemetry.PARKED.labels(self._group, reason).inc()

    async def _park_undecodable(self, batch: Batch) -> None:
        async with self._engine.begin() as connection:
            await dead_letters.park_undecodable(connection, self._group, batch.undecodable)
        telemetry.PARKED.labels(self._group, "undecodable").inc(len(batch.undecodable))

    async def _look_around(self) -> None:
        now = time.monotonic()
        if now >= self._next_replay:
            self._next_replay = now + self._pauses.replay
            try:
                # Not until none is left: after a long outage there may be thousands, and what is new must not wait.
                while not self._stop.is_set() and await self._replay_one():
                    self._alive()
                    if time.monotonic() - now > self._pauses.longest_replay:
                        self._next_replay = 0.0
                        break
            except Exception as error:
                if not is_passing(error):
                    raise
                log.warning("%s: dead letters cannot be looked at now: %r", self._group, error)
        if now >= self._next_lag:
            self._next_lag = now + self._pauses.lag
            telemetry.LAG_EVENTS.labels(self._group).set(await self._reader.lag())

    async def _replay_one(self) -> bool:
        failure: Exception | None = None
        letter = 0
        try:
            async with self._engine.begin() as connection:
                found = await dead_letters.next_to_replay(connection, self._group)
                if found is None:
                    return False
                letter, event = found
                await self._handler.handle(connection, [event])
                await dead_letters.settle(connection, letter)
        except Misconfigured:
            raise
        except Exception as error:
            if is_passing(error):
                raise
            failure = error
        if failure is not None:
            log.warning("%s: the replay of dead letter %d failed: %r", self._group, letter, failure)
            reason: Reason = "refused" if isinstance(failure, Refused) else "failed"
            async with self._engine.begin() as connection:
                await dead_letters.repark(connection, letter, reason, _told(failure))
        self._bell.ring()
        return True

    async def _until_it_passes(self, work: _Work) -> None:
        attempt = 0
        while True:
            self._alive()
            try:
                await work()
                return
            except Exception as error:
                if not is_passing(error):
                    raise
                attempt += 1
                telemetry.RETRIES.labels(self._group).inc()
                log.warning("%s: waiting for a failure to pass (attempt %d): %s", self._group, attempt, _told(error))
            await self._back_off(attempt)

    async def _back_off(self, attempt: int) -> None:
        longest = min(self._pauses.longest_retry, self._pauses.first_retry * 2.0 ** min(attempt, 10))
        # Half of it by chance, so that workers that failed together do not come back together.
        await self._pause(longest / 2 + random.uniform(0, longest / 2))  # noqa: S311  # jitter, not a secret
        if self._stop.is_set():
            raise Stopping

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stop.wait(), seconds)
        except TimeoutError:
            return

    def _not_yet_handled(self, events: Sequence[Event]) -> list[Event]:
        fresh = []
        newest = dict[UUID, int]()
        for event in events:
            if event.number <= max(self._handled.get(event.key, 0), newest.get(event.key, 0)):
                telemetry.REPEATED.labels(self._group).inc()
                continue
            newest[event.key] = event.number
            fresh.append(event)
        return fresh

    def _remember(self, events: Sequence[Event]) -> None:
        for event in events:
            self._handled[event.key] = event.number
            self._handled.move_to_end(event.key)
        while len(self._handled) > _REMEMBERED:
            self._handled.popitem(last=False)

    def _alive(self) -> None:
        self.last_sign_of_life = time.monotonic()
        telemetry.LAST_POLL.labels(self._group).set_to_current_time()


class _Work(Protocol):
    async def __call__(self) -> None: ...


def _told(error: BaseException) -> str:
    # No NUL: PostgreSQL keeps none, and an error may quote what it stumbled over.
    return f"{type(error).__name__}: {error}"[:2000].replace("\x00", "\ufffd")
