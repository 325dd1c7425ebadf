"""The door for mail: an SMTP server to which the operator's own mail server passes on what customers answer.

A mail is answered 250 when it is on disk, and not before; while it can't be kept it is answered 451, and the mail
server tries again. It takes mail for our own address only. It knows neither TLS nor passwords: it listens where the
mail server alone can reach it. What a mail is and where it belongs is decided by who listens.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Final
from urllib.parse import urlsplit

from aiosmtpd.smtp import SMTP, Envelope, Session

from services.base.errors import Misconfigured, Unavailable
from services.base.failures import is_passing
from services.notices.arrivals.reading import read_mail
from services.notices.channels.port import Listener

log = logging.getLogger(__name__)

LARGEST: Final = 30 * 1024 * 1024
_CONNECTIONS: Final = 50
_BEAT: Final = 1.0
_FINISH_SECONDS: Final = 10.0
_LEAVE_SECONDS: Final = 2.0
_BUSY: Final = b"421 4.3.2 Too many connections; try again later\r\n"
_LEAVING: Final = b"421 4.3.2 The service is stopping; try again later\r\n"
_LATER: Final = "451 4.3.0 The message can't be kept now; try again later"


class MailDoor:
    """An SMTP server at ``listen`` (``host:port``) for mail to ``answers`` (``care@example.com``) and its ``+`` forms.

    It is a part of a program: `run` serves until `stop`. Raises `Misconfigured` for addresses that can't be.
    """

    def __init__(
        self,
        listen: str,
        listener: Listener,
        answers: str,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        largest: int = LARGEST,
        connections: int = _CONNECTIONS,
    ) -> None:
        self.host, self.port = _host_and_port(listen)
        self.listening = asyncio.Event()
        self.last_sign_of_life = time.monotonic()
        name, _, at_host = answers.rpartition("@")
        if not name or not at_host or "+" in name:
            raise Misconfigured(
                f"REDRESS_MAIL_ANSWERS: '{answers}' is no address to answer to; write for example care@example.com"
            )
        self._greeting = at_host
        self._taking = _Taking(listener, answers, clock)
        self._largest = largest
        self._most = connections
        self._open = _Open()
        self._stopping = asyncio.Event()
        # What aiosmtpd tells of each mail at the level below is who wrote to whom.
        logging.getLogger("mail.log").setLevel(logging.WARNING)

    async def run(self) -> None:
        """Take in mail until `stop`; what is being kept then is finished. Raises `Misconfigured` for a taken port."""
        loop = asyncio.get_running_loop()
        try:
            server = await loop.create_server(self._conversation, self.host, self.port)
        except OSError as error:
            raise Misconfigured(
                f"REDRESS_MAIL_LISTEN: cannot listen on {self.host}:{self.port}: {error.strerror or error}"
            ) from error
        self.listening.set()
        try:
            while not self._stopping.is_set():
                self.last_sign_of_life = time.monotonic()
                await _wait(self._stopping, _BEAT)
        finally:
            self.listening.clear()
            server.close()
            await self._finish()
            await server.wait_closed()

    def stop(self) -> None:
        """Ask it to leave."""
        self._stopping.set()

    def _conversation(self) -> asyncio.Protocol:
        if len(self._open) >= self._most:
            return _TurnedAway()
        return _Conversation(self._taking, self._largest, self._greeting, self._open)

    async def _finish(self) -> None:
        """What is being kept is kept and answered; all else is cut off, and comes again."""
        if not await _wait(self._taking.idle, _FINISH_SECONDS):
            log.warning("mails could not be kept within %d s of stopping; they come again", _FINISH_SECONDS)
        for conversation in tuple(self._open.conversations):
            conversation.leave()
        if not await _wait(self._open.none, _LEAVE_SECONDS):
            for conversation in tuple(self._open.conversations):
                conversation.drop()
            await self._open.none.wait()


class _Open:
    """The connections that are open. ``none`` is set while there is none."""

    def __init__(self) -> None:
        self.conversations: set[_Conversation] = set()
        self.none = asyncio.Event()
        self.none.set()

    def __len__(self) -> int:
        return len(self.conversations)

    def add(self, conversation: _Conversation) -> None:
        self.conversations.add(conversation)
        self.none.clear()

    def discard(self, conversation: _Conversation) -> None:
        self.conversations.discard(conversation)
        if not self.conversations:
            self.none.set()


class _Taking:
    """What to do with a mail, as aiosmtpd asks for it. ``idle`` is set while none is being kept."""

    def __init__(self, listener: Listener, answers: str, clock: Callable[[], datetime]) -> None:
        self.idle = asyncio.Event()
        self.idle.set()
        self._listener = listener
        self._answers = answers
        self._clock = clock
        self._keeping = 0

    @property
    def hooks(self) -> object:
        """By the names that aiosmtpd looks for."""
        return SimpleNamespace(
            handle_RCPT=self.recipient, handle_DATA=self.data, handle_exception=self.failed
        )  # fmt: skip

    async def recipient(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Whether there is such an address here."""
        if not self._is_ours(address):
            return "550 5.1.1 No such address here"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def data(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep the mail; 250 means that it is on disk."""
        self._keeping += 1
        self.idle.clear()
        try:
            await self._keep(envelope)
        except Exception as error:
            return await self.failed(error)
        finally:
            self._keeping -= 1
            if not self._keeping:
                self.idle.set()
        return "250 2.0.0 Kept"

    async def failed(self, error: Exception) -> str:
        """Whatever went wrong, the mail is not lost: the mail server has it, and tries again."""
        if is_passing(error) or isinstance(error, Unavailable):
            log.warning("a mail can't be kept now: %s", type(error).__name__)
        else:
            log.error("a mail could not be kept", exc_info=error)
        return _LATER

    async def _keep(self, envelope: Envelope) -> None:
        content = envelope.content
        raw = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content or b""
        mail = await asyncio.to_thread(
            read_mail,
            raw,
            sender=(envelope.mail_from or "").strip("<>"),
            recipients=tuple(envelope.rcpt_tos),
            at=self._clock(),
            answers=self._answers,
        )
        await self._listener.arrived(mail)

    def _is_ours(self, address: str) -> bool:
        name, _, host = self._answers.casefold().rpartition("@")
        local, _, at_host = address.casefold().rpartition("@")
        return at_host == host and local.partition("+")[0] == name


class _Conversation(SMTP):
    """One connection of the mail server. A line may be as long as a mail: nothing is refused for its form."""

    line_length_limit = LARGEST

    def __init__(self, taking: _Taking, largest: int, greeting: str, register: _Open) -> None:
        super().__init__(
            taking.hooks,
            data_size_limit=largest,
            enable_SMTPUTF8=True,
            hostname=greeting,
            ident="Redress",
            loop=asyncio.get_running_loop(),
        )
        self._register = register

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._register.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self._register.discard(self)

    def leave(self) -> None:
        """Say that there will be no more, and close."""
        if isinstance(self.transport, asyncio.WriteTransport) and not self.transport.is_closing():
            self.transport.write(_LEAVING)
            self.transport.close()

    def drop(self) -> None:
        """Cut the line to one that doesn't listen."""
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()


class _TurnedAway(asyncio.Protocol):
    """One connection too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.WriteTransport):
            transport.write(_BUSY)
            transport.close()


def _host_and_port(listen: str) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{listen}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port or parts.username or parts.path:
        raise Misconfigured(f"REDRESS_MAIL_LISTEN: '{listen}' is no host:port; write for example 127.0.0.1:2525")
    return host, port


async def _wait(event: asyncio.Event, seconds: float) -> bool:
    """Whether the event came within the time."""
    try:
        return await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
