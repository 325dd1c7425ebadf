"""Sending the notices that wait: claim what is due, speak to the peer over several connections, record what came of it.

A peer that is away stops the sender and nothing else: the notices stay as they are until it is back. Several senders
share the work. Between a mail's acceptance and the record of it lie a few milliseconds; only a sender that dies just
then sends a mail twice, and then with the same message id.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.base import telemetry
from services.base.errors import Invalid
from services.base.failures import is_passing
from services.base.privacy import Privacy
from services.base.stream.bell import Bell
from services.base.stream.event import REALMS
from services.notices import claims
from services.notices.claims import LEASE, Claimed, Outcome
from services.notices.mail import Mail, Mailer, compose
from services.notices.rendering import Letters, language_of
from services.notices.transports import Channel, Deferred, PeerAway, Rejected, Transport
from services.notices.ways import email_address

log = logging.getLogger(__name__)

GIVE_UP_AFTER: Final = timedelta(days=3)
FIRST_RETRY: Final = timedelta(seconds=30)
LONGEST_RETRY: Final = timedelta(hours=1)
_PER_CONNECTION: Final = 8
_LONGEST_PAUSE: Final = 30.0
_STOP_SECONDS: Final = 10.0
_DATABASE_PAUSE: Final = 0.2


class Sender:
    """Sends the notices of ``realms`` through one transport until it is asked to stop."""

    def __init__(
        self,
        engine: AsyncEngine,
        privacy: Privacy,
        transport: Transport,
        mailer: Mailer,
        *,
        public_url: str,
        realms: Collection[str] = REALMS,
        connections: int = 8,
        poll: float = 0.2,
        pause: float = 1.0,
        bell: Bell | None = None,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        """``poll``: seconds between looks for due notices; ``pause``: seconds of rest when the peer is first away."""
        self._engine = engine
        self._privacy = privacy
        self._transport = transport
        self._mailer = mailer
        self._letters = Letters()
        self._public_url = public_url
        self._realms = tuple(realms)
        self._connections = connections
        self._poll = poll
        self._pause = pause
        self._bell = bell or Bell()
        self._clock = clock or _now
        # Leases go by the database's clock unless a time is passed in: this machine's may differ from the others'.
        self._lease_time: Callable[[], datetime | None] = clock or _database_time
        self._waiting: asyncio.Queue[Claimed | None] = asyncio.Queue()
        self._outcomes: list[Outcome] = []
        self._held: dict[UUID, datetime] = {}
        self._recording: Collection[UUID] = ()
        self._stop = asyncio.Event()
        self._wake = asyncio.Event()
        self._settle = asyncio.Event()
        self._all_sent = False
        self._failures_in_a_row = 0
        self._resume_at = 0.0
        self.last_sign_of_life = time.monotonic()

    def stop(self) -> None:
        """Ask the sender to finish the mails that it has begun, record them and leave."""
        self._stop.set()
        self._wake.set()

    async def run(self) -> None:
        """Send until `stop`. What was claimed and not begun is given back."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_record(), name="notices record")
            listener = tasks.create_task(self._listen(), name="notices bell")
            channels = [tasks.create_task(self._use_channel(), name="notices send") for _ in range(self._connections)]
            await self._claim_until_stopped()
            self._give_back()
            _, late = await asyncio.wait(channels, timeout=_STOP_SECONDS)
            for task in (*late, listener):
                task.cancel()
            self._all_sent = True
            self._settle.set()

    # --- claiming

    async def _claim_until_stopped(self) -> None:
        while not self._stop.is_set():
            self.last_sign_of_life = time.monotonic()
            self._wake.clear()
            found = await self._claim(self._room())
            if not found:
                await _wait(self._wake, self._poll)

    def _room(self) -> int:
        """How many notices to claim now. After a failure of the peer a single one finds out whether it is back."""
        if time.monotonic() < self._resume_at:
            return 0
        most = 1 if self._failures_in_a_row else self._connections * _PER_CONNECTION
        room = most - len(self._held)
        # Few large claims cost less than many small ones.
        return room if room * 2 >= most else 0

    async def _claim(self, most: int) -> bool:
        """Claim up to ``most``; whether there is reason to look again at once."""
        if not most:
            return False
        try:
            async with self._engine.begin() as connection:
                found, until = await claims.claim(connection, self._realms, self._lease_time(), most)
        except Exception as error:
            if not is_passing(error):
                raise
            log.warning("notices can't be claimed now: %r", error)
            return False
        for notice in found:
            # A lease can end under our hands, for example while the database is away. What we hold still is on its way
            # already, and only its lease is new; what is being recorded needs none.
            if notice.id in self._recording:
                continue
            if notice.id not in self._held:
                self._waiting.put_nowait(notice)
            self._held[notice.id] = until
        return len(found) == most

    def _give_back(self) -> None:
        while not self._waiting.empty():
            notice = self._waiting.get_nowait()
            if notice is not None:
                self._finish(self._not_tried(notice))
        for _ in range(self._connections):
            self._waiting.put_nowait(None)

    async def _listen(self) -> None:
        while True:
            if await self._bell.wait(60):
                self._wake.set()

    # --- sending

    async def _use_channel(self) -> None:
        channel = self._transport.channel()
        try:
            while (notice := await self._waiting.get()) is not None:
                self._finish(await self._try(channel, notice))
        finally:
            await channel.close()

    async def _try(self, channel: Channel, notice: Claimed) -> Outcome:
        if time.monotonic() < self._resume_at:
            return self._not_tried(notice)
        try:
            await channel.send(self._mail(notice))
        except PeerAway as error:
            self._rest(error)
            return self._not_tried(notice)
        except (Invalid, Rejected) as error:
            outcome = Outcome(notice, "failed", self._clock(), notice.attempts + 1, str(error))
        except Deferred as error:
            outcome = self._later(notice, str(error))
        except Exception as error:
            log.exception("notice %s (%s) can't be sent and is tried again later", notice.id, notice.kind)
            outcome = self._later(notice, f"{type(error).__name__} in the notifier; its log says more")
        else:
            outcome = Outcome(notice, "sent", self._clock(), notice.attempts + 1)
        self._failures_in_a_row = 0
        return outcome

    def _mail(self, notice: Claimed) -> Mail:
        """Name, address and link are put in now: they may have changed since the notice was requested."""
        person = self._privacy.open(notice.personal)
        address = email_address(person)
        if address is None:
            raise Invalid("the customer has no e-mail address any more")
        token = self._privacy.track_token(notice.complaint, notice.track_epoch)
        name = " ".join(person.name.split())
        facts = {**notice.facts, "name": name, "track_url": f"{self._public_url}/track/{token}"}
        return compose(
            self._mailer,
            self._letters.write(notice.kind, notice.language, facts),
            notice=notice.id,
            kind=notice.kind,
            language=language_of(notice.language),
            name=name,
            address=address,
            at=self._clock(),
            eight_bit=self._transport.eight_bit,
        )

    def _not_tried(self, notice: Claimed) -> Outcome:
        return Outcome(notice, "pending", self._clock(), notice.attempts)

    def _later(self, notice: Claimed, reason: str) -> Outcome:
        now, attempts = self._clock(), notice.attempts + 1
        if now - notice.requested_at >= GIVE_UP_AFTER:
            return Outcome(notice, "failed", now, attempts, f"given up after {GIVE_UP_AFTER.days} days: {reason}")
        return Outcome(notice, "pending", now, attempts, reason, now + retry_after(attempts, notice.id))

    def _rest(self, error: PeerAway) -> None:
        """Stop sending for a while, longer each time. Failures that come together count as one."""
        now = time.monotonic()
        if now < self._resume_at:
            return
        pause = min(_LONGEST_PAUSE, self._pause * 2.0 ** min(self._failures_in_a_row, 10))
        self._failures_in_a_row += 1
        self._resume_at = now + pause
        log.warning("sending rests for %.1f s, the notices wait: %s", pause, error)

    # --- recording

    def _finish(self, outcome: Outcome) -> None:
        self._outcomes.append(outcome)
        self._settle.set()

    async def _keep_record(self) -> None:
        """Record whatever is ready, in one statement at a time, and keep the claims of what is not."""
        renew_at = time.monotonic() + LEASE.total_seconds() / 3
        while not (self._all_sent and not self._outcomes):
            await _wait(self._settle, max(0.0, renew_at - time.monotonic()))
            self._settle.clear()
            if self._outcomes:
                await self._record()
            if time.monotonic() >= renew_at:
                renew_at = time.monotonic() + LEASE.total_seconds() / 3
                await self._until_it_passes(self._renew)

    async def _record(self) -> None:
        outcomes, self._outcomes = self._outcomes, []
        # Let go of them first: a notice that is given back may be claimed again as soon as this is committed.
        held = {outcome.notice.id: self._held.pop(outcome.notice.id) for outcome in outcomes}
        self._recording = held.keys()
        await self._until_it_passes(partial(claims.settle, outcomes=outcomes, held=held))
        self._recording = ()
        _count(outcomes)
        self._wake.set()

    async def _renew(self, connection: AsyncConnection) -> None:
        held = dict(self._held)
        if not held:
            return
        self._held.update(await claims.renew(connection, held, self._lease_time()))

    async def _until_it_passes(self, work: _Work) -> None:
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
            if self._all_sent:
                give_up_at = give_up_at or time.monotonic() + _STOP_SECONDS
                if time.monotonic() > give_up_at:
                    log.error("stopped without recording what was sent last; it will be sent again")
                    return
            await asyncio.sleep(_DATABASE_PAUSE)


def retry_after(attempts: int, notice: UUID) -> timedelta:
    """The pause after the ``attempts``-th failure: doubling, an hour at most, and up to half as long again by chance.

    The chance is the notice's own (its id ends in random bits), so that notices that failed together come apart.
    """
    doubled = min(LONGEST_RETRY, FIRST_RETRY * 2.0 ** min(attempts - 1, 20))
    return doubled * (1 + (notice.int & 0xFFFF) / 0x20000)


def _count(outcomes: Collection[Outcome]) -> None:
    for outcome in outcomes:
        notice = outcome.notice
        if outcome.status != "pending":
            telemetry.NOTICES.labels(notice.way, outcome.status).inc()
        elif outcome.attempts > notice.attempts:
            telemetry.NOTICES.labels(notice.way, "deferred").inc()
        if outcome.status == "sent":
            waited = (outcome.at - notice.requested_at).total_seconds()
            telemetry.NOTICE_SECONDS.labels(notice.way).observe(max(0.0, waited))


def _now() -> datetime:
    return datetime.now(UTC)


def _database_time() -> None:
    return None


_Work = Callable[[AsyncConnection], Awaitable[None]]


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
