"""Telling staff outside their inbox: look at new alerts, claim the contacts for which something waits, tell each.

Contacts are independent of one another: each is spoken to in a thread of its own, for a bounded time, so that a peer
that hangs stalls nobody else. A contact hears at least once of each thing: what it took is never told to it again, and
only a sender that dies, or a peer that is silent for too long, between taking and answering makes a message come twice.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.base import telemetry
from services.base.failures import is_passing
from services.base.stream.bell import Bell
from services.notices.staff import claims, peers
from services.notices.staff.claims import OLDEST, Due, Outcome
from services.notices.staff.contacts import URGENT, Contact, Contacts, ContactsFile, FollowedFile, bind
from services.notices.staff.peers import Answer, Message
from services.notices.staff.routing import Delivery, Waiting, deliveries_of
from services.notices.staff.words import Told, say
from services.plan.schema import Plan
from services.plan.versions import Plans
from services.plan.vocabulary import Language

log = logging.getLogger(__name__)

FIRST_RETRY: Final = timedelta(seconds=15)
LONGEST_RETRY: Final = timedelta(minutes=15)
# The robots of DingTalk, WeCom and Feishu take twenty messages a minute. What comes in between is told together.
GAP: Final = timedelta(seconds=3)
TOO_FAST: Final = timedelta(seconds=60)
SEND_SECONDS: Final = 30.0
# Leadership must hear at once, whatever the pause is that suits the reading of events.
_LONGEST_POLL: Final = 0.2
_FOLLOW_SECONDS: Final = 2.0
_LOOKED_AT_ONCE: Final = 500
_TOLD_AT_ONCE: Final = 200
# Of one service (mail, Slack, …), so that one whose server is away leaves the others their threads.
_PER_SERVICE: Final = 6
_STOP_SECONDS: Final = 10.0
_DATABASE_PAUSE: Final = 0.2


@dataclass(frozen=True, slots=True)
class _Bound:
    """A version of the file and one of the plan, and the contacts that they make."""

    file: ContactsFile
    plan: Plan
    contacts: Contacts


class StaffAlerts:
    """Tells staff what the contacts file asks for, until it is asked to stop. Several may run side by side."""

    def __init__(
        self,
        engine: AsyncEngine,
        plans: Plans,
        contacts_file: Path,
        *,
        public_url: str,
        poll: float,
        bell: Bell | None = None,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        """``poll``: seconds between looks, 0.2 at most. Without a ``clock`` the database's counts.

        Raises `Misconfigured` with every mistake in the file.
        """
        peers.keep_secrets_out_of_logs()
        self._engine = engine
        self._plans = plans
        self._file = FollowedFile(contacts_file)
        self._public_url = public_url
        self._poll = min(poll, _LONGEST_POLL)
        self._bell = bell or Bell()
        self._clock = clock
        self._bound: _Bound | None = None
        self._follow_at = 0.0
        self._busy: dict[str, Contact] = {}
        self._telling: set[asyncio.Task[None]] = set()
        self._stop = asyncio.Event()
        self._wake = asyncio.Event()
        self.last_sign_of_life = time.monotonic()

    def stop(self) -> None:
        """Ask it to finish what it has begun to tell, record it and leave."""
        self._stop.set()
        self._wake.set()

    async def run(self) -> None:
        """Tell until `stop`."""
        listener = asyncio.create_task(self._listen(), name="staff alerts bell")
        try:
            while not self._stop.is_set():
                self.last_sign_of_life = time.monotonic()
                self._wake.clear()
                if not await self._look():
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._wake.wait(), self._poll)
            if self._telling:
                await asyncio.wait(self._telling, timeout=_STOP_SECONDS)
        finally:
            # What is still being told then has its lease; whoever claims it after that tells it again.
            for task in (listener, *self._telling):
                task.cancel()
            await asyncio.gather(listener, *self._telling, return_exceptions=True)

    async def _listen(self) -> None:
        while True:
            if await self._bell.wait(60):
                self._wake.set()

    # --- looking

    async def _look(self) -> bool:
        """Give new alerts to their contacts, and begin to tell those that wait; whether to look again at once."""
        try:
            bound = await self._follow()
            contacts, room = self._free(bound.contacts)
            async with self._engine.begin() as connection:
                now = await self._time(connection)
                found = await claims.waiting(connection, now, _LOOKED_AT_ONCE)
                if found:
                    await claims.give(connection, found, _deliveries(found, bound, now), now)
                due, held = await claims.claim(connection, contacts, room, now, _TOLD_AT_ONCE)
        except Exception as error:
            if not is_passing(error):
                raise
            log.warning("alerts to staff can't be looked for now: %r", error)
            return False
        for contact, things in due.items():
            self._begin(bound, bound.contacts.by_id[contact], things, held)
        return len(found) == _LOOKED_AT_ONCE

    async def _follow(self) -> _Bound:
        """The contacts as they stand with the newest file and plan."""
        if self._bound is not None and time.monotonic() < self._follow_at:
            return self._bound
        await asyncio.to_thread(self._file.look)
        async with self._engine.begin() as connection:
            _, plan = await self._plans.current(connection)
            bound = self._bound
            if bound is None or bound.file is not self._file.current or bound.plan is not plan:
                contacts, warnings = bind(self._file.current, plan)
                for warning in warnings:
                    log.warning("the contacts of staff: %s", warning)
                await claims.drop_mislaid(connection, contacts.by_id)
                bound = _Bound(self._file.current, plan, contacts)
        self._bound, self._follow_at = bound, time.monotonic() + _FOLLOW_SECONDS
        return bound

    async def _time(self, connection: AsyncConnection) -> datetime:
        return await claims.database_time(connection) if self._clock is None else self._clock()

    def _free(self, contacts: Contacts) -> tuple[Mapping[str, str], Mapping[str, int]]:
        """The contacts that nobody here speaks to, with their services, and how many of each service may be begun."""
        room = Counter(dict.fromkeys((one.service for one in contacts.by_id.values()), _PER_SERVICE))
        room.subtract(contact.service for contact in self._busy.values())
        free = {one.id: one.service for one in contacts.by_id.values() if one.id not in self._busy}
        return free, +room

    # --- telling

    def _begin(self, bound: _Bound, contact: Contact, things: Sequence[Due], held: datetime) -> None:
        self._busy[contact.id] = contact
        task = asyncio.create_task(self._tell(bound, contact, things, held), name="staff alert")
        self._telling.add(task)
        task.add_done_callback(self._told)

    def _told(self, task: asyncio.Task[None]) -> None:
        self._telling.discard(task)
        self._wake.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("an alert to staff is told again when its lease has ended", exc_info=error)

    async def _tell(self, bound: _Bound, contact: Contact, things: Sequence[Due], held: datetime) -> None:
        """Tell a contact what can be told together, and record what came of it."""
        seen = [one for one in things if one.seen]
        together = _together([one for one in things if not one.seen])
        thread: asyncio.Future[Answer] | None = None
        answer = Answer("taken")
        try:
            if together:
                thread = _in_thread(partial(_speak, bound, contact, together, self._public_url))
                done, _ = await asyncio.wait([thread], timeout=SEND_SECONDS)
                answer = thread.result() if done else Answer("refused", f"no answer in {SEND_SECONDS:.0f} s")
            await self._record(contact, together, seen, answer, held)
        finally:
            if thread is None or thread.done():
                del self._busy[contact.id]
            else:
                # Nothing can end the thread but its peer. Until then nobody here speaks to this contact.
                thread.add_done_callback(lambda _: self._busy.pop(contact.id))

    async def _record(
        self, contact: Contact, told: Sequence[Due], seen: Sequence[Due], answer: Answer, held: datetime
    ) -> None:
        pause = TOO_FAST if answer.outcome == "throttled" else GAP

        async def settle() -> list[Outcome]:
            async with self._engine.begin() as connection:
                now = await self._time(connection)
                outcomes = _outcomes(told, answer, now)
                outcomes += [Outcome(one.id, "dropped", one.attempts, now, failure="seen in the inbox") for one in seen]
                await claims.settle(connection, contact.id, outcomes, held, now + pause)
                return outcomes

        while True:
            try:
                outcomes = await settle()
                break
            except Exception as error:
                if not is_passing(error):
                    raise
                log.warning("what came of an alert to staff can't be recorded now: %r", error)
                await asyncio.sleep(_DATABASE_PAUSE)
        for one in outcomes:
            telemetry.ALERTS.labels(contact.service, "deferred" if one.status == "pending" else one.status).inc()
        if answer.outcome != "taken":
            log.warning("%s took no alert for %s: %s", contact.service, contact.login or "a group", answer.reason)


def retry_after(attempts: int, delivery: UUID) -> timedelta:
    """The pause after the ``attempts``-th failure: doubling, a quarter of an hour at most, and up to half as long again
    by the chance that lies in the id.
    """
    doubled = min(LONGEST_RETRY, FIRST_RETRY * 2.0 ** min(attempts - 1, 20))
    return doubled * (1 + (delivery.int & 0xFFFF) / 0x20000)


def _outcomes(told: Sequence[Due], answer: Answer, now: datetime) -> list[Outcome]:
    """What was told together is tried again together."""
    if answer.outcome == "taken":
        return [Outcome(one.id, "sent", one.attempts + 1, now) for one in told]
    late = [one for one in told if now - one.since >= OLDEST]
    failure = f"given up after a day: {answer.reason}"
    outcomes = [Outcome(one.id, "failed", one.attempts + 1, now, failure=failure) for one in late]
    for one in told:
        if one in late:
            continue
        # To be too fast is not the fault of what was said, so that it is no attempt.
        attempts = one.attempts + (answer.outcome == "refused")
        pause = TOO_FAST if answer.outcome == "throttled" else retry_after(attempts, told[0].id)
        outcomes.append(Outcome(one.id, "pending", attempts, now, now + pause, answer.reason))
    return outcomes


def _together(things: Sequence[Due]) -> list[Due]:
    """What goes into one message, the most pressing first. Drills stand apart from what is real, and what failed before
    from what didn't, so that something which a peer never takes keeps nothing else back.
    """
    if not things:
        return []
    first = min(things, key=lambda one: (one.attempts, not _is_urgent(one), one.told_at))
    alike = [one for one in things if (one.realm, one.attempts) == (first.realm, first.attempts)]
    return sorted(alike, key=lambda one: (not _is_urgent(one), one.told_at))


def _is_urgent(one: Due) -> bool:
    return one.kind in URGENT or one.severity == "critical"


def _language(contact: Contact, plan: Plan) -> Language:
    """A person's first language; where a group is told, the plan's."""
    known = {person.login: person.languages[0] for person in plan.staff}
    return known.get(contact.login or "", plan.plan.default_language)


def _deliveries(alerts: Sequence[Waiting], bound: _Bound, now: datetime) -> list[Delivery]:
    found: list[Delivery] = []
    for alert in alerts:
        try:
            found += deliveries_of(alert, bound.contacts, bound.plan, now)
        except Exception:
            log.exception("alert %s (%s) can't be given to its contacts and stays in the inbox", alert.id, alert.kind)
    return found


def _speak(bound: _Bound, contact: Contact, things: Sequence[Due], public_url: str) -> Answer:
    """Say these things to a contact; in a thread. Raises nothing."""
    try:
        return peers.send(contact.url, _message(bound, contact, things, public_url))
    except Exception as error:
        log.exception("what waits for %s (%s) can't be told now", contact.login or "a group", contact.service)
        return Answer("refused", f"{type(error).__name__} in the notifier; its log says more")


def _message(bound: _Bound, contact: Contact, things: Sequence[Due], public_url: str) -> Message:
    link = bound.file.link
    told = [Told(*(getattr(one, name) for name in Told.__dataclass_fields__)) for one in things]
    said = say(
        told,
        _language(contact, bound.plan),
        bound.plan,
        link and link.replace("{public_url}", public_url),
        drill=things[0].realm != "live",
    )
    return Message(str(things[0].id), said.title, said.body, _is_urgent(things[0]))


def _in_thread(work: Callable[[], Answer]) -> asyncio.Future[Answer]:
    """The result of ``work``, which raises nothing, in a thread that nothing waits for when the process ends; an
    executor's would be.
    """
    loop = asyncio.get_running_loop()
    result: asyncio.Future[Answer] = loop.create_future()

    def give(answer: Answer) -> None:
        if not result.cancelled():
            result.set_result(answer)

    def run() -> None:
        answer = work()
        # The loop may be gone, and with it all who wanted to know.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(give, answer)

    threading.Thread(target=run, name="staff alert", daemon=True).start()
    return result
