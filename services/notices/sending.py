"""Sending the notices that wait: claim what is due, speak to the peer over several lines, record what came of it.

One sender serves one channel, so that a peer that is away stops its channel and nothing else: the notices stay as they
are until it is back. Several senders of a channel share the work. Between a peer's acceptance and the record of it lie
a few milliseconds. Who dies just then leaves a notice whose fate nobody knows: where the peer tells repetitions by the
id (mail, webhook) it is sent again; a text message is not (`services.notices.outcomes`).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.failures import is_passing
from services.base.privacy import Privacy
from services.base.stream.bell import Bell
from services.base.stream.event import REALMS
from services.notices import claims, outcomes
from services.notices.breaker import Breakers
from services.notices.channels.port import Channel, Line, Way
from services.notices.claims import Claimed, Look
from services.notices.considering import Wait, consider
from services.notices.delivering import Bundle, Delivering
from services.notices.outcomes import Outcome
from services.notices.recording import Recorder, count
from services.plan.schema import Plan
from services.plan.versions import Plans

log = logging.getLogger(__name__)

_PER_LINE: Final = 8
_MOST_AT_ONCE: Final = 512
_STOP_SECONDS: Final = 10.0
# How often what has no fate yet is looked at: begun by the dead, or without a receipt in time.
_LOOK_AROUND: Final = 1.0


class Sender:
    """Sends the notices of ``realms`` that go by ``ways`` through one channel until it is asked to stop."""

    def __init__(
        self,
        engine: AsyncEngine,
        privacy: Privacy,
        plans: Plans,
        channel: Channel,
        *,
        public_url: str,
        ways: Collection[Way] | None = None,
        realms: Collection[str] = REALMS,
        answerable: bool = False,
        poll: float = 0.2,
        pause: float = 1.0,
        bell: Bell | None = None,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        """``poll``: seconds between looks for due notices; ``pause``: seconds of rest when the peer is first away.

        ``ways`` are other than the channel's own only for what is kept as files. ``answerable``: customers may answer
        what comes by this channel.
        """
        self._engine = engine
        self._privacy = privacy
        self._plans = plans
        self._channel = channel
        self._ways: Collection[Way] = ways or (channel.way,)
        self._realms = tuple(realms)
        self._poll = poll
        self._bell = bell or Bell()
        self._clock = clock or _now
        # Leases go by the database's clock unless a time is passed in: this machine's may differ from the others'.
        self._lease_time: Callable[[], datetime | None] = clock or _database_time
        self._breakers = Breakers(pause, channel.way, careful=not channel.repeats)
        self._wake = asyncio.Event()
        self._recorder = Recorder(engine, self._lease_time, self._wake)
        self._delivering = Delivering(privacy, channel, public_url, answerable, self._breakers, self._clock)
        self._waiting: asyncio.Queue[Bundle | None] = asyncio.Queue()
        self._in_hand: Counter[bytes] = Counter()
        self._stop = asyncio.Event()
        self._look_around_at = 0.0
        self.last_sign_of_life = time.monotonic()

    def stop(self) -> None:
        """Ask the sender to finish what it has begun, record it and leave."""
        self._stop.set()
        self._wake.set()

    async def run(self) -> None:
        """Send until `stop`. What was claimed and not begun is given back."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._recorder.run(), name="notices record")
            listener = tasks.create_task(self._listen(), name="notices bell")
            beside = tasks.create_task(self._channel.run(), name="notices channel")
            lines = [tasks.create_task(self._use_line(), name="notices send") for _ in range(self._channel.lines)]
            await self._claim_until_stopped()
            self._give_back()
            _, late = await asyncio.wait(lines, timeout=_STOP_SECONDS)
            # The channel goes last, since what is on its way is answered through it.
            for task in (*late, listener, beside):
                task.cancel()
            self._recorder.finish()

    # --- claiming

    async def _claim_until_stopped(self) -> None:
        while not self._stop.is_set():
            self.last_sign_of_life = time.monotonic()
            self._wake.clear()
            try:
                await self._settle_the_unknown()
                found = await self._claim(self._room())
            except Exception as error:
                if not is_passing(error):
                    raise
                log.warning("notices can't be claimed now: %r", error)
                found = False
            if not found:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), self._poll)

    def _room(self) -> int:
        """How many notices to claim now."""
        if self._breakers.resting():
            return 0
        most = self._breakers.allows(min(_MOST_AT_ONCE, self._channel.lines * _PER_LINE))
        room = most - self._recorder.in_hand
        # Few large claims cost less than many small ones.
        return room if room * 2 >= most else 0

    async def _claim(self, most: int) -> bool:
        """Claim up to ``most``; whether there is reason to look again at once."""
        if not most:
            return False
        async with self._engine.begin() as connection:
            found, now, until = await claims.claim(connection, self._ways, self._realms, self._lease_time(), most)
            new = [notice for notice in found if not self._recorder.renewed(notice.id, until)]
            looks = await claims.look(connection, new, now)
            plans = await outcomes.plans_of(connection, self._plans, new)
            bundles, not_now = self._considered(new, looks, plans, now)
            leads = [bundle.lead for bundle in bundles if looks.get(bundle.lead.id, Look()).held]
            along = await claims.claim_along(connection, leads, now, until)
        # Only now is it certain that they are ours.
        for notice in new:
            self._recorder.hold(notice, plans[notice.id], until)
        self._recorder.finished(not_now)
        for bundle in bundles:
            for notice in along.get(bundle.lead.id, ()):
                self._recorder.hold(notice, bundle.plan, until)
                bundle.along.append(notice)
            if bundle.lead.recipient is not None:
                self._in_hand[bundle.lead.recipient] += 1
            self._waiting.put_nowait(bundle)
        return len(found) >= most

    def _considered(
        self, notices: Sequence[Claimed], looks: Mapping[UUID, Look], plans: Mapping[UUID, Plan], now: datetime
    ) -> tuple[list[Bundle], list[Outcome]]:
        """What is told now, and what becomes of the rest. What had been held back for one customer goes in one
        message."""
        bundles: dict[object, Bundle] = {}
        not_now: list[Outcome] = []
        told = self._in_hand.copy()
        for notice in notices:
            together = bundles.get(notice.recipient) if notice.held is not None else None
            if together is not None:
                together.along.append(notice)
                continue
            look = looks.get(notice.id, Look())
            if notice.recipient is not None:
                look = replace(look, told=look.told + told[notice.recipient])
            decided = consider(notice, look, plans[notice.id], now)
            if isinstance(decided, Wait):
                not_now.append(outcomes.not_tried(notice, now, decided.until, decided.held))
            elif decided == "unwanted":
                not_now.append(self._unwanted(notice, now))
            else:
                if notice.recipient is not None:
                    told[notice.recipient] += 1
                # One that was not held back is told by itself; it may lead those that were.
                key = notice.recipient if notice.recipient not in bundles else notice.id
                bundles[key] = Bundle(notice, plans[notice.id])
        return list(bundles.values()), not_now

    def _unwanted(self, notice: Claimed, now: datetime) -> Outcome:
        reason = f"the customer wants no messages by {notice.way}"
        on = outcomes.on_to_next(notice, self._privacy, now, reason, attempts=notice.attempts)
        return outcomes.dropped(notice, now, "opted_out", reason) if on.status == "failed" else on

    async def _settle_the_unknown(self) -> None:
        """What has no fate yet, on a way that must not be repeated (`services.notices.outcomes.settle_unknown`)."""
        if self._channel.repeats or time.monotonic() < self._look_around_at:
            return
        now = self._lease_time()
        async with self._engine.begin() as connection:
            settled = await outcomes.settle_unknown(
                connection, self._privacy, self._plans, self._ways, self._realms, now, _MOST_AT_ONCE
            )
        if len(settled) < _MOST_AT_ONCE:
            self._look_around_at = time.monotonic() + _LOOK_AROUND
        count(settled)

    def _give_back(self) -> None:
        while not self._waiting.empty():
            bundle = self._waiting.get_nowait()
            if bundle is not None:
                self._done(bundle, [outcomes.not_tried(notice, self._clock()) for notice in bundle.notices])
        for _ in range(self._channel.lines):
            self._waiting.put_nowait(None)

    async def _listen(self) -> None:
        while True:
            await self._bell.wait(60)
            self._wake.set()

    # --- sending

    async def _use_line(self) -> None:
        line = self._channel.line()
        try:
            while (bundle := await self._waiting.get()) is not None:
                self._done(bundle, await self._send(line, bundle))
        finally:
            await line.close()

    async def _send(self, line: Line, bundle: Bundle) -> list[Outcome]:
        if self._breakers.resting():
            return [outcomes.not_tried(notice, self._clock()) for notice in bundle.notices]
        if not self._channel.repeats and not await self._recorder.begun(bundle.notices):
            # Another has them: our lease had ended.
            return []
        return await self._delivering.deliver(line, bundle)

    def _done(self, bundle: Bundle, became: Sequence[Outcome]) -> None:
        recipient = bundle.lead.recipient
        if recipient is not None:
            self._in_hand[recipient] -= 1
            if self._in_hand[recipient] <= 0:
                del self._in_hand[recipient]
        if became:
            self._recorder.finished(became)
        else:
            self._recorder.forget([notice.id for notice in bundle.notices])


def _now() -> datetime:
    return datetime.now(UTC)


def _database_time() -> None:
    return None
