"""E-mail over SMTP.

A mail server tells a repetition by the message id, so a mail whose fate is not known is sent again with the same one.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from typing import Final
from urllib.parse import unquote, urlsplit

import aiosmtplib
from aiosmtplib import SMTPException, SMTPResponseException

from services.base.errors import Misconfigured
from services.notices.channels.mail import Mail, Mailer, compose
from services.notices.channels.port import Deferred, Line, Outgoing, PeerAway, Rejected, Unconfirmed, Way

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_CONNECT_SECONDS: Final = 10.0
_COMMAND_SECONDS: Final = 60.0
# A server may take its time to confirm a mail; giving up too soon is what sends mails twice (RFC 5321, 4.5.3.2).
_CONFIRMING: Final = 5
# Codes with which a server says that it won't talk to us as we are set up, whoever the mail is for.
_OUR_FAULT: Final = frozenset({530, 534, 535, 538})
_CLOSING: Final = 421


class Smtp:
    """A mail server: ``smtp://user:password@host:587`` or ``smtps://…``.

    ``smtp://`` is encrypted when the server offers it, and has to be when a password would travel. Certificates are
    checked, except on this machine itself.
    """

    way: Final[Way] = "email"
    repeats: Final = True

    def __init__(self, url: str, mailer: Mailer, *, lines: int = 8, seconds: float = _COMMAND_SECONDS) -> None:
        """``lines`` are connections; ``seconds`` bounds the wait for an answer (five times that for a mail).

        Raises `Misconfigured`.
        """
        self.lines = lines
        self._mailer = mailer
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            port = 0
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname or port == 0:
            raise Misconfigured(
                "REDRESS_SMTP_URL: is no address of a mail server; write smtp://host:587 or smtps://host"
            )
        self._host = parts.hostname
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._encrypted = parts.scheme == "smtps"
        self._port = port or (465 if self._encrypted else 587 if self._user else 25)
        self._seconds = seconds

    def line(self) -> Line:
        """A connection of its own, kept open between mails."""
        return _SmtpLine(self._client(), self._mailer, self._seconds)

    async def run(self) -> None:
        """Nothing comes back on these connections; bounces and answers are mails to us."""
        await asyncio.Event().wait()

    def _client(self) -> aiosmtplib.SMTP:
        here = self._host in _LOOPBACK
        return aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            username=self._user,
            password=self._password,
            # Asking the resolver for this machine's name can take seconds; the sender's domain names us as well.
            local_hostname=self._mailer.host,
            timeout=self._seconds,
            use_tls=self._encrypted,
            start_tls=None if here or self._encrypted or not self._password else True,
            validate_certs=not here,
        )


class _SmtpLine:
    def __init__(self, client: aiosmtplib.SMTP, mailer: Mailer, seconds: float) -> None:
        self._client = client
        self._mailer = mailer
        self._seconds = seconds

    async def send(self, out: Outgoing) -> None:
        mail = compose(self._mailer, out)
        fresh = not self._client.is_connected
        if fresh:
            await self._connect()
        try:
            await self._offer(mail)
        except (_Gone, _Cut):
            # The server had closed a connection that stood idle. The mail's text has not left, so nothing is doubled.
            if fresh:
                raise
            await self._connect()
            await self._offer(mail)
        await self._hand_over(mail)

    async def close(self) -> None:
        if self._client.is_connected:
            with suppress(SMTPException, OSError):
                await self._client.quit(timeout=1)
        self._client.close()

    async def _connect(self) -> None:
        self._client.close()
        try:
            await self._client.connect(timeout=min(_CONNECT_SECONDS, self._seconds))
            if self._client.is_ehlo_or_helo_needed:
                await self._client.ehlo()
        except (SMTPException, OSError, ssl.SSLError) as error:
            raise PeerAway(f"the mail server can't be used: {_told(error)}") from error

    async def _offer(self, mail: Mail) -> None:
        """Name sender and recipient. Afterwards the server waits for the text."""
        client = self._client
        beyond_ascii = not mail.recipient.isascii()
        if beyond_ascii and not client.supports_extension("smtputf8"):
            raise Rejected("the mail server takes no address with characters beyond ASCII")
        options = ["SMTPUTF8"] if beyond_ascii else []
        try:
            await client.mail(mail.sender, options=options, encoding="utf-8")
        except SMTPResponseException as error:
            self._client.close()
            if error.code == _CLOSING:
                raise _Gone(f"the mail server is closing: {_told(error)}") from error
            # It refuses the sender, which is the same for all mails.
            raise PeerAway(f"the mail server takes no mail from {self._mailer.address}: {_told(error)}") from error
        except (SMTPException, OSError) as error:
            self._client.close()
            raise _Gone(f"the mail server is gone: {_told(error)}") from error
        try:
            await client.rcpt(mail.recipient, encoding="utf-8")
        except SMTPResponseException as error:
            await self._refused(error, mail)
        except (SMTPException, OSError) as error:
            self._client.close()
            raise _Cut(f"the mail server went away at this address: {_told(error)}") from error

    async def _hand_over(self, mail: Mail) -> None:
        try:
            await self._client.data(mail.content, timeout=_CONFIRMING * self._seconds)
        except SMTPResponseException as error:
            await self._refused(error, mail)
        except (SMTPException, OSError) as error:
            self._client.close()
            raise Unconfirmed(f"the mail server did not confirm the mail: {_told(error)}") from error

    async def _refused(self, error: SMTPResponseException, mail: Mail) -> None:
        """Raise what an answer to recipient or text means, with the connection ready for the next mail."""
        told = _told(error).replace(mail.recipient, "the address")
        if error.code == _CLOSING:
            self._client.close()
            raise _Cut(f"the mail server closed at this mail: {told}") from error
        if error.code in _OUR_FAULT:
            self._client.close()
            raise PeerAway(f"the mail server refuses us: {told}") from error
        try:
            await self._client.rset()
        except (SMTPException, OSError):
            self._client.close()
        if 500 <= error.code < 600:
            raise Rejected(f"the mail server refused it: {told}") from error
        raise Deferred(f"the mail server takes it later: {told}") from error


class _Gone(PeerAway):
    """The connection was lost before anything of this mail was said."""


class _Cut(Deferred):
    """The connection was lost when this mail was offered. On a new connection too, it is this mail that has to wait:
    a server that drops one recipient must not keep all others waiting."""


def _told(error: BaseException) -> str:
    """What the peer said, as a text that the database can keep: one line, no halves of characters."""
    said = f"{error.code} {error.message}" if isinstance(error, SMTPResponseException) else str(error)
    readable = "".join(c if c.isprintable() else " " for c in said.encode("utf-8", "replace").decode())
    return " ".join(readable.split())[:500] or type(error).__name__
