"""A real SMTP server on loopback that keeps what it takes, and can be told to misbehave as mail servers do.

It runs in a thread of its own, so that it serves whatever loop or process the sender runs in. It delivers
nothing.
"""

from __future__ import annotations

import asyncio
import email.policy
import ssl
import threading
import warnings
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from email.message import EmailMessage
from email.parser import BytesParser
from types import SimpleNamespace, TracebackType
from typing import Any, AnyStr, Literal, Self
from urllib.parse import quote

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.servers.process import free_port

CALL_SECONDS = 10.0
USER, PASSWORD = "redress", "p@ss/wörd"
Answer = Literal["take", "defer", "cut"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One mail taken (answered 250, or meant to be): the envelope and the parsed message."""

    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage


def _as_usual(recipient: str) -> Answer:
    return "take"


@dataclass(frozen=True, slots=True)
class Tls:
    """How the line is encrypted: from the first byte (``at_once``), or after STARTTLS."""

    context: ssl.SSLContext
    at_once: bool


def _authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object) -> AuthResult:
    knows = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=knows, handled=knows)


def text_of(message: EmailMessage) -> str:
    """What a mail says, as plain text."""
    plain = message.get_body(("plain",))
    assert plain is not None
    return str(plain.get_content())


class SmtpServer:
    """An SMTP server at ``url``. Its behaviour may be changed at any time, from any thread."""

    def __init__(self, tls: Tls | None = None) -> None:
        """With ``tls`` it takes mail over an encrypted line only, from who knows its password."""
        self.host = "127.0.0.1"
        self.port = free_port()
        self._tls = tls
        self._taken: list[Delivery] = []
        self._arrival = threading.Condition()
        self._answers: dict[str, str] = {}
        self._hang_after_taking = False
        self._chooser: Callable[[str], Answer] = _as_usual
        self._open: set[_Conversation] = set()
        self._listener: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._answering = asyncio.Event()
        self._answering.set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="smtp server", daemon=True)
        self._thread.start()
        self.up()

    @property
    def url(self) -> str:
        if self._tls is None:
            return f"smtp://{self.host}:{self.port}"
        scheme, who = "smtps" if self._tls.at_once else "smtp", f"{USER}:{quote(PASSWORD, safe='')}"
        return f"{scheme}://{who}@{self.host}:{self.port}"

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        """All that was taken so far, in order of arrival."""
        with self._arrival:
            return tuple(self._taken)

    @property
    def messages(self) -> tuple[EmailMessage, ...]:
        return tuple(delivery.message for delivery in self.deliveries)

    async def wait_for(self, number: int, within: float = 5.0) -> tuple[EmailMessage, ...]:
        """The messages, as soon as there are ``number``; ``AssertionError`` after ``within`` seconds."""
        return await asyncio.to_thread(self._wait_for, number, within)

    def forget(self) -> None:
        """Drop what was taken."""
        with self._arrival:
            self._taken.clear()

    def refuse(self, address: str) -> None:
        """Answer 550 (no such mailbox: do not try again) to this recipient."""
        self._answers[address.casefold()] = "550 5.1.1 No such mailbox"

    def defer(self, address: str) -> None:
        """Answer 451 (a failure that passes: try again later) to this recipient."""
        self._answers[address.casefold()] = "451 4.3.0 Try again later"

    def accept(self, address: str) -> None:
        """Take mail for this recipient again."""
        self._answers.pop(address.casefold(), None)

    def whenever(self, chooser: Callable[[str], Answer]) -> None:
        """Let ``chooser`` say what is done with each message, by its recipient. It runs in the server's thread."""
        self._chooser = chooser

    def hang(self) -> None:
        """Say nothing, not even a greeting; connections stay open until ``answer`` or ``down``."""
        self._loop.call_soon_threadsafe(self._answering.clear)

    def hang_after_taking(self) -> None:
        """Take the next message, then say nothing: the sender cannot know that it has arrived."""
        self._hang_after_taking = True

    def answer(self) -> None:
        """End a hang."""
        self._hang_after_taking = False
        self._loop.call_soon_threadsafe(self._answering.set)

    def down(self) -> None:
        """Stop listening and drop every connection."""
        self._run(self._close())

    def up(self) -> None:
        """Listen (again) on the same port."""
        self._run(self._listen())

    def stop(self) -> None:
        """End the server for good."""
        self.down()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CALL_SECONDS)
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def _recipient(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        refusal = self._answers.get(address.casefold())
        if refusal is None:
            envelope.rcpt_tos.append(address)
        return refusal or "250 2.1.5 OK"

    async def _data(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        answer = self._chooser(envelope.rcpt_tos[0])
        if answer == "defer":
            return "451 4.3.0 Try again later"
        content = envelope.content
        message = BytesParser(_class=EmailMessage, policy=email.policy.default).parsebytes(
            content.encode() if isinstance(content, str) else content or b""
        )
        with self._arrival:
            self._taken.append(Delivery(envelope.mail_from or "", tuple(envelope.rcpt_tos), message))
            self._arrival.notify_all()
        if self._hang_after_taking:
            self._answering.clear()
        if answer == "cut" and isinstance(server, _Conversation):
            server.drop()
        return "250 2.0.0 Taken"

    def _wait_for(self, number: int, within: float) -> tuple[EmailMessage, ...]:
        with self._arrival:
            if not self._arrival.wait_for(lambda: len(self._taken) >= number, within):
                raise AssertionError(f"{len(self._taken)} of {number} mails arrived within {within} s")
        return self.messages

    async def _listen(self) -> None:
        if self._listener is None:
            handler = SimpleNamespace(handle_RCPT=self._recipient, handle_DATA=self._data)
            context = self._tls.context if self._tls is not None and self._tls.at_once else None
            self._listener = await self._loop.create_server(
                lambda: _Conversation(handler, self._loop, self._answering, self._open, self._tls),
                self.host,
                self.port,
                ssl=context,
            )

    async def _close(self) -> None:
        if self._listener is None:
            return
        self._listener.close()
        self._listener = None
        for conversation in tuple(self._open):
            conversation.drop()
        while self._open:
            await asyncio.sleep(0)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        """Run ``work`` in the server's thread, and wait for it."""
        asyncio.run_coroutine_threadsafe(work, self._loop).result(CALL_SECONDS)


class _Conversation(SMTP):
    """One connection. It says nothing while ``answering`` is not set."""

    def __init__(
        self,
        handler: object,
        loop: asyncio.AbstractEventLoop,
        answering: asyncio.Event,
        register: set[_Conversation],
        tls: Tls | None,
    ) -> None:
        secured: dict[str, Any] = {}
        if tls is not None:
            secured = {"authenticator": _authenticate, "auth_required": True, "auth_require_tls": not tls.at_once}
            if not tls.at_once:
                secured |= {"tls_context": tls.context, "require_starttls": True}
        with warnings.catch_warnings():
            # It doesn't know that its line is encrypted when it was so from the first byte.
            warnings.filterwarnings("ignore", "Requiring AUTH while not requiring TLS")
            super().__init__(handler, loop=loop, hostname="mail.test", enable_SMTPUTF8=True, **secured)
        self._answering = answering
        self._register = register

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._register.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self._register.discard(self)

    async def push(self, status: AnyStr) -> None:
        await self._answering.wait()
        await super().push(status)

    def drop(self) -> None:
        """Cut the line without a word."""
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()
