"""The record that a sender keeps: what it has in hand and until when, what it has begun, what came of it.

Results are written as they come, a few at a time, so that the moment between a peer's acceptance and its record stays
short. Leases of what is still in hand are renewed. One task does all of it, so that it never disagrees with itself.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.base import telemetry
from services.base.failures import is_passing
from services.notices import claims, outcomes
from services.notices.claims import LEASE, Claimed
from services.notices.outcomes import Outcome
from services.plan.schema import Plan

log = logging.getLogger(__name__)

_STOP_SECONDS: Final = 10.0
_DATABASE_PAUSE: Final = 0.2
_RENEW_EVERY: Final = LEASE.total_seconds() / 3


class Recorder:
    """Keeps the record of one sender. ``recorded`` is set whenever there is room for more."""

    def __init__(self, engine: AsyncEngine, lease_time: Callable[[], datetime | None], recorded: asyncio.Event) -> None:
        self._engine = engine
        self._lease_time = lease_time
        self._recorded = recorded
        self._held: dict[UUID, datetime] = {}
        self._plans: dict[UUID, Plan] = {}
        self._recording: Collection[UUID] = ()
        self._outcomes: list[Outcome] = []
        self._beginning: list[tuple[Sequence[UUID], asyncio.Future[bool]]] = []
        self._something = asyncio.Event()
        self._finishing = False

    @property
    def in_hand(self) -> int:
        """How many notices are claimed and not settled."""
        return len(self._held)

    def hold(self, notice: Claimed, plan: Plan, until: datetime) -> None:
        """A notice was claimed until then."""
        self._held[notice.id] = until
        self._plans[notice.id] = plan

    def renewed(self, notice: UUID, until: datetime) -> bool:
        """Whether a notice that was claimed is one that we have already: a lease can end under our hands, for example
        while the database is away. What we hold is on its way, and only its lease is new."""
        if notice in self._held:
            self._held[notice] = until
            return True
        return notice in self._recording

    def finished(self, became: Sequence[Outcome]) -> None:
        """Record these soon."""
        self._outcomes += became
        self._something.set()

    def forget(self, notices: Collection[UUID]) -> None:
        """They are another's now."""
        for notice in notices:
            self._held.pop(notice, None)
            self._plans.pop(notice, None)
        self._recorded.set()

    async def begun(self, notices: Sequence[Claimed]) -> bool:
        """Record that they are about to be handed over; whether they are all still ours. On return it is committed."""
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._beginning.append(([notice.id for notice in notices], answer))
        self._something.set()
        return await answer

    def finish(self) -> None:
        """Record what is left, and end."""
        self._finishing = True
        self._something.set()

    async def run(self) -> None:
        """Keep the record until `finish`."""
        renew_at = time.monotonic() + _RENEW_EVERY
        while not (self._finishing and not self._outcomes):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._something.wait(), max(0.0, renew_at - time.monotonic()))
            self._something.clear()
            if self._beginning:
                await self._begin()
            if self._outcomes:
                await self._record()
            if time.monotonic() >= renew_at:
                renew_at = time.monotonic() + _RENEW_EVERY
                await self._until_it_passes(self._renew)

    async def _begin(self) -> None:
        beginning, self._beginning = self._beginning, []
        ours: set[UUID] = set()

        async def begin(connection: AsyncConnection) -> None:
            held = {id_: self._held[id_] for ids, _ in beginning for id_ in ids if id_ in self._held}
            ours.update(await claims.begin(connection, held, self._lease_time()))

        await self._until_it_passes(begin)
        for ids, answer in beginning:
            if not answer.done():
                answer.set_result(ours.issuperset(ids))

    async def _record(self) -> None:
        became, self._outcomes = self._outcomes, []
        # Let go of them first: a notice that is given back may be claimed again as soon as this is committed.
        held = {one.notice.id: self._held.pop(one.notice.id) for one in became}
        plans = {one.notice.id: self._plans.pop(one.notice.id) for one in became}
        self._recording = held.keys()

        async def record(connection: AsyncConnection) -> None:
            await outcomes.move(connection, became, held, plans)

        await self._until_it_passes(record)
        self._recording = ()
        count(became)
        self._recorded.set()

    async def _renew(self, connection: AsyncConnection) -> None:
        held = dict(self._held)
        if held:
            self._held.update(await claims.renew(connection, held, self._lease_time()))

    async def _until_it_passes(self, work: Callable[[AsyncConnection], Awaitable[None]]) -> None:
        give_up_at: float | None = None
        while True:
            try:
                async with self._engine.begin() as connection:
                    await work(connection)
                return
            except Exception as error:
                if not is_passing(error):
                    raise
                log.warning("the notices' record can't be kept now: %r", error)
            if self._finishing:
                give_up_at = give_up_at or time.monotonic() + _STOP_SECONDS
                if time.monotonic() > give_up_at:
                    log.error("stopped without recording what was sent last; it stands as if it had not been sent")
                    return
            await asyncio.sleep(_DATABASE_PAUSE)


def count(became: Collection[Outcome]) -> None:
    """Show what became of notices in the metrics."""
    for outcome in became:
        notice = outcome.notice
        if outcome.status != "pending":
            telemetry.NOTICES.labels(notice.way, outcome.status).inc()
        elif outcome.event is not None:
            telemetry.NOTICES.labels(notice.way, "rerouted").inc()
        elif outcome.values.get("held"):
            telemetry.NOTICES.labels(notice.way, "held").inc()
        elif "attempts" in outcome.values:
            telemetry.NOTICES.labels(notice.way, "deferred").inc()
        if outcome.status == "sent":
            waited = (outcome.at - notice.requested_at).total_seconds()
            telemetry.NOTICE_SECONDS.labels(notice.way).observe(max(0.0, waited))
