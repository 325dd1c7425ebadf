"""Text messages over SMPP 3.4: one connection to the operator's message centre, shared by all lines.

A text message is never repeated blindly (``repeats`` is False), so what `send` raises is true: `PeerAway` when it was
surely not handed over, `Unconfirmed` when it was written and the answer did not come. aiosmpplib writes the packets;
the session is ours, for the reason given in `sms_session`.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, NoReturn
from urllib.parse import unquote, urlsplit

from services.base.errors import Misconfigured
from services.notices.channels import sms_answers as answers
from services.notices.channels import sms_pdu as pdus
from services.notices.channels.port import (
    Deferred,
    Line,
    Listener,
    Outgoing,
    PeerAway,
    Rejected,
    Unconfirmed,
    Way,
    reference_of,
)
from services.notices.channels.sms_encoding import encode
from services.notices.channels.sms_identity import Identities
from services.notices.channels.sms_incoming import Incoming
from services.notices.channels.sms_pdu import Address
from services.notices.channels.sms_session import AnswerLost, NotWritten, Session

log = logging.getLogger(__name__)

_PORT: Final = 2775
# SMPP 3.4, 4.1.5: fields of 16 and 9 bytes with the byte that ends them.
_SYSTEM_ID: Final = re.compile(r"[\x21-\x7e]{1,15}")
_PASSWORD: Final = re.compile(r"[\x20-\x7e]{0,8}")
_E164: Final = re.compile(r"\+([1-9][0-9]{6,14})", re.ASCII)
_SHORT_CODE: Final = re.compile(r"[0-9]{3,20}", re.ASCII)
_NAME: Final = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 ._&-]{1,11}", re.ASCII)
_UNKNOWN, _INTERNATIONAL, _ALPHANUMERIC = 0, 1, 5
_ISDN: Final = 1
# How long a notice waits for the first connection of a notifier that just started.
_FIRST_BIND_SECONDS: Final = 2.0
_LONGEST_PAUSE: Final = 30.0
# A connection that lasted so long was a good one: the next is tried soon.
_STEADY_SECONDS: Final = 10.0
# Timers are late by a millisecond or so; what was missed may be caught up with.
_CATCH_UP_SECONDS: Final = 0.02

_Packet = Callable[[int], bytes]


class Sms:
    """The message centre at ``smpp://system_id:password@host:2775``. Works while `run` does."""

    way: Final[Way] = "sms"
    repeats: Final = False

    def __init__(
        self,
        url: str,
        *,
        sender: str,
        per_second: int,
        window: int,
        listener: Listener,
        clock: Callable[[], datetime] | None = None,
        seconds: float = 20.0,
        pause: float = 1.0,
        enquire: float = 30.0,
        gather: float = 4.0,
    ) -> None:
        """``per_second`` counts messages as they are charged: each part of a long one. ``window`` is how many may wait
        for their answer at once. ``seconds`` bounds the wait for an answer, ``pause`` is the first rest when the centre
        is away and the one that it gets when it wants us to be slower, ``enquire`` the seconds between looks whether it
        is there, ``gather`` those that the parts of a customer's message wait for the others; a centre gives up on
        us when that takes long.

        Raises `Misconfigured`.
        """
        self._host, self._port, self._system_id, self._password = _parsed(url)
        self._sender = _sender(sender)
        self._listener = listener
        self._clock = clock or _now
        self._seconds = seconds
        self._pause = pause
        self._enquire = enquire
        self._gather = gather
        self._window = asyncio.Semaphore(window)
        self._pace = Pace(per_second)
        self._identities = Identities()
        self._text_number = secrets.randbelow(256)  # tells texts apart across restarts
        self._session: Session | None = None
        self._away: str | None = None
        self._took = False
        self._tried = asyncio.Event()
        self.lines: Final = window

    def line(self) -> Line:
        """A line; it shares the one connection with all others."""
        return _Line(self)

    async def run(self) -> None:
        """Keep the connection, and pass on what comes over it, until cancelled. End the lines first: what still waits
        for its answer then is `Unconfirmed`.
        """
        loop, failures = asyncio.get_running_loop(), 0
        while True:
            began = loop.time()
            try:
                await self._connected()
            except PeerAway as error:
                self._away = str(error)
                self._tried.set()
                log.warning("no text messages now: %s", error)
            # A connection that lasted, or over which something was taken, was a good one.
            was_good, self._took = self._took or loop.time() - began >= _STEADY_SECONDS, False
            failures = 0 if was_good else failures + 1
            longest = self._pause * min(2.0 ** (failures - 1), _LONGEST_PAUSE)
            # By chance, so that those that lost it together don't come back together.
            await asyncio.sleep(longest * (0.5 + secrets.randbelow(500) / 1000))

    async def hand_over(self, out: Outgoing) -> str | None:
        """Hand over a notice; returns the centre's id of its last part, which the receipt will name.

        Raises the kinds of `NotSent`. Once a part of a long text is taken, the missing ones are tried again for a
        while, and the text is `Unconfirmed` when that fails: what was taken can't be taken back.
        """
        first, *others = self._packets(out)
        peer_id = await self._submit(first)
        until = asyncio.get_running_loop().time() + self._seconds
        for number, packet in enumerate(others, 2):
            peer_id = await self._complete(packet, f"part {number} of {1 + len(others)}", until)
        return peer_id

    # --- the connection

    async def _connected(self) -> NoReturn:
        """Connect, bind, and serve the connection to its end. Raises `PeerAway` with the reason."""
        incoming: Incoming | None = None

        def on_deliver(packet: pdus.Pdu) -> None:
            if incoming is not None:
                incoming.take(packet)

        session = Session(on_deliver, self._seconds)
        incoming = Incoming(self._listener, session.write, self._identities, self._clock, self._gather)
        try:
            await self._bind(session)
            self._session, self._away = session, None
            self._tried.set()
            log.info("connected to the message centre")
            async with asyncio.TaskGroup() as tasks:
                beside = [
                    tasks.create_task(incoming.run(), name="text messages in"),
                    tasks.create_task(session.keep_alive(self._enquire), name="message centre alive"),
                ]
                reason = await session.ended()
                for task in beside:
                    task.cancel()
        finally:
            self._session = None
            self._identities.line_broke(self._clock())
            await session.unbind()
        raise PeerAway(reason)

    async def _bind(self, session: Session) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._seconds):
                await loop.create_connection(lambda: session, self._host, self._port)
                status = await session.bind(self._system_id, self._password)
        except (OSError, TimeoutError, NotWritten, AnswerLost) as error:
            said = str(error) or f"no answer within {self._seconds:g} s"
            raise PeerAway(f"the message centre can't be reached: {said}") from error
        if status != answers.OK:
            raise PeerAway(
                f"the message centre refuses us: {answers.named(status)}; "
                "look whether REDRESS_SMPP_URL has the right system_id and password"
            )

    async def _bound(self) -> Session:
        """The session. Waits a little for the first one ever. Raises `PeerAway`."""
        if not self._tried.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(min(_FIRST_BIND_SECONDS, self._seconds)):
                    await self._tried.wait()
        session = self._session
        if session is None:
            raise PeerAway(self._away or "there is no connection to the message centre yet")
        if not session.usable:
            raise PeerAway("the message centre does not answer")
        return session

    # --- messages

    def _packets(self, out: Outgoing) -> list[_Packet]:
        """The messages that the notice is made of. Raises `Rejected`."""
        number = _E164.fullmatch(out.address)
        if number is None:
            raise Rejected("the number is not in international form, such as +8613800138000")
        text = out.words.text.replace("\r\n", "\n").strip()
        if not text:
            raise Rejected("the text is empty: look at the template")
        encoded = encode(text, self._next_text())
        last = len(encoded.parts) - 1
        return [
            partial(
                pdus.submit,
                sender=self._sender,
                recipient=Address(number[1], _INTERNATIONAL, _ISDN),
                coding=encoded.coding,
                data=data,
                has_header=last > 0,
                receipt=place == last,
                reference=reference_of(out.notice),
            )
            for place, data in enumerate(encoded.parts)
        ]

    def _next_text(self) -> int:
        self._text_number = (self._text_number + 1) % 256
        return self._text_number

    async def _submit(self, packet: _Packet) -> str | None:
        """Hand over one message, once. Returns the centre's id of it."""
        session = await self._bound()
        async with self._window:
            await self._pace.wait()
            try:
                answer = await session.request(pdus.SUBMIT_SM, packet)
            except NotWritten as error:
                raise PeerAway(str(error)) from error
            except AnswerLost as error:
                raise Unconfirmed(str(error)) from error
        if answer.status == answers.NOT_BOUND:
            session.cut("the message centre says that we are not connected")
        if answer.status != answers.OK:
            raise answers.refusal(answer.status, timedelta(seconds=self._pause))
        self._took = True
        return answer.text or None

    async def _complete(self, packet: _Packet, which: str, until: float) -> str | None:
        """Hand over a further part of a text whose first is taken; try until ``until`` (the loop's time)."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                return await self._submit(packet)
            except Unconfirmed as error:
                raise Unconfirmed(f"{which}: {error}") from error
            except Rejected as error:
                raise Unconfirmed(f"handed over in part: {which}: {error}") from error
            except (PeerAway, Deferred) as error:
                if loop.time() + self._pause > until:
                    raise Unconfirmed(f"handed over in part: {which}: {error}") from error
            await asyncio.sleep(self._pause)


class Pace:
    """Lets ``per_second`` through in a second, evenly."""

    def __init__(self, per_second: int) -> None:
        self._interval = 1 / per_second
        self._next = float("-inf")

    def reserve(self, now: float) -> float:
        """Take the next turn; returns in how many seconds it is. ``now`` is in seconds of any clock."""
        turn = max(self._next, now - _CATCH_UP_SECONDS)
        self._next = turn + self._interval
        return max(0.0, turn - now)

    async def wait(self) -> None:
        """Wait for the next turn."""
        seconds = self.reserve(asyncio.get_running_loop().time())
        if seconds:
            await asyncio.sleep(seconds)


class _Line:
    def __init__(self, channel: Sms) -> None:
        self._channel = channel

    async def send(self, out: Outgoing) -> str | None:
        return await self._channel.hand_over(out)

    async def close(self) -> None:
        return


def _parsed(url: str) -> tuple[str, int, str, str]:
    """Host, port, system_id, password. Raises `Misconfigured`."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    else:
        if parts.scheme != "smpp" or parts.path.strip("/") or parts.query or parts.fragment:
            host = None
    if not host or port == 0:
        raise Misconfigured(
            "REDRESS_SMPP_URL: is no address of a message centre; write smpp://system_id:password@host:2775, with "
            "signs such as / # ? @ in the password as %2F %23 %3F %40"
        )
    system_id, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not _SYSTEM_ID.fullmatch(system_id) or not _PASSWORD.fullmatch(password):
        raise Misconfigured(
            "REDRESS_SMPP_URL: SMPP wants a system_id of 1 to 15 letters, digits and signs of ASCII, and a password "
            "of 8 at most; write smpp://system_id:password@host:2775"
        )
    return host, port or _PORT, system_id, password


def _sender(written: str) -> Address:
    """The address that messages come from. Raises `Misconfigured`."""
    number = _E164.fullmatch(written)
    if number is not None:
        return Address(number[1], _INTERNATIONAL, _ISDN)
    if _SHORT_CODE.fullmatch(written):
        return Address(written, _UNKNOWN, _ISDN)
    if _NAME.fullmatch(written):
        return Address(written, _ALPHANUMERIC)
    raise Misconfigured(
        f"REDRESS_SMS_SENDER: '{written}' can't be a sender; write a short code such as 10086, a number such as "
        "+8613800138000, or a name of 11 letters and digits at most, such as Redress"
    )


def _now() -> datetime:
    return datetime.now(UTC)
