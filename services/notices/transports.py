"""How mails leave: over SMTP, or as files where there is no mail server.

A transport opens channels; a channel carries one mail at a time. What can go wrong is told apart here, because each
kind wants something else done: `Rejected` is final for this mail, `Deferred` is for this mail and passes, `PeerAway`
has nothing to do with the mail at all.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import unquote, urlsplit

import aiosmtplib
from aiosmtplib import SMTPException, SMTPResponseException

from services.base.errors import Misconfigured, RedressError
from services.notices.mail import Mail

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_CONNECT_SECONDS: Final = 10.0
_COMMAND_SECONDS: Final = 60.0
# A server may take its time to confirm a mail; giving up too soon is what sends mails twice (RFC 5321, 4.5.3.2).
_CONFIRMING: Final = 5
# Codes with which a server says that it won't talk to us as we are set up, whoever the mail is for.
_OUR_FAULT: Final = frozenset({530, 534, 535, 538})
_CLOSING: Final = 421


class Rejected(RedressError):
    """The peer will never take this mail."""


class Deferred(RedressError):
    """The peer doesn't take this mail now."""


class PeerAway(RedressError):
    """The peer can't be used now, whatever the mail. It did not take this one."""


class Channel(Protocol):
    """One line to the peer, used by one task at a time; reconnects by itself."""

    async def send(self, mail: Mail) -> None:
        """Hand over the mail; on return the peer has taken it. Raises `Rejected`, `Deferred` or `PeerAway`."""

    async def close(self) -> None:
        """Say goodbye."""


class Transport(Protocol):
    """A peer that takes mails."""

    @property
    def eight_bit(self) -> bool:
        """Whether mails may hold bytes beyond ASCII."""

    def channel(self) -> Channel:
        """A line to the peer, opened when it is first used."""


class Smtp:
    """A mail server: ``smtp://user:password@host:587`` or ``smtps://…``.

    ``smtp://`` is encrypted when the server offers it, and has to be when a password would travel. Certificates are
    checked, except on this machine itself.
    """

    eight_bit: Final = False

    def __init__(self, url: str, sender: str, *, seconds: float = _COMMAND_SECONDS) -> None:
        """``sender`` is the envelope's address; ``seconds`` bounds the wait for an answer (five times that for a mail).

        Raises `Misconfigured`.
        """
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
        self._sender = sender
        self._seconds = seconds

    def channel(self) -> Channel:
        """A connection of its own, kept open between mails."""
        return _SmtpChannel(self._client(), self._sender, self._seconds)

    def _client(self) -> aiosmtplib.SMTP:
        here = self._host in _LOOPBACK
        return aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            username=self._user,
            password=self._password,
            # Asking the resolver for this machine's name can take seconds; the sender's domain names us as well.
            local_hostname=self._sender.rpartition("@")[2],
            timeout=self._seconds,
            use_tls=self._encrypted,
            start_tls=None if here or self._encrypted or not self._password else True,
            validate_certs=not here,
        )


class Files:
    """A folder that keeps each mail as ``<notice id>.eml``, readable by its owner only."""

    eight_bit: Final = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waiting: list[tuple[Mail, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    def channel(self) -> Channel:
        """A way into the folder, which is made when the first mail comes."""
        return _FileChannel(self)

    async def keep(self, mail: Mail) -> None:
        """Write the mail. Raises `PeerAway` when the folder can't be written to.

        Files are made in a thread, since that may take a disk's time; all that wait go at once, since handing work to
        a thread takes longer than a file.
        """
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((mail, kept))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        await kept

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            failures = await asyncio.to_thread(_keep_all, self._folder, [mail for mail, _ in batch])
            for (_, kept), failure in zip(batch, failures, strict=True):
                if kept.done():
                    continue
                if failure is None:
                    kept.set_result(None)
                else:
                    kept.set_exception(PeerAway(f"mails can't be kept in {self._folder}: {failure}"))


class _FileChannel:
    def __init__(self, files: Files) -> None:
        self._files = files

    async def send(self, mail: Mail) -> None:
        await self._files.keep(mail)

    async def close(self) -> None:
        return


class _SmtpChannel:
    def __init__(self, client: aiosmtplib.SMTP, sender: str, seconds: float) -> None:
        self._client = client
        self._sender = sender
        self._seconds = seconds

    async def send(self, mail: Mail) -> None:
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
            await client.mail(self._sender, options=options, encoding="utf-8")
        except SMTPResponseException as error:
            self._client.close()
            if error.code == _CLOSING:
                raise _Gone(f"the mail server is closing: {_told(error)}") from error
            # It refuses the sender, which is the same for all mails.
            raise PeerAway(f"the mail server takes no mail from {self._sender}: {_told(error)}") from error
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
            # It may have arrived or not. It is sent again, with the same message id.
            self._client.close()
            raise Deferred(f"the mail server did not confirm the mail: {_told(error)}") from error

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


def _keep_all(folder: Path, mails: Sequence[Mail]) -> list[OSError | None]:
    """Write the mails; for each, what prevented it."""
    failures: list[OSError | None] = []
    for mail in mails:
        try:
            _keep(folder, mail)
            failures.append(None)
        except OSError as error:
            failures.append(error)
    return failures


def _keep(folder: Path, mail: Mail) -> None:
    """Write the mail so that whoever looks sees all of it or nothing."""
    unfinished = folder / f".{mail.notice}.part"
    try:
        _write(unfinished, mail.content)
    except FileNotFoundError:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(unfinished, mail.content)
    unfinished.rename(folder / f"{mail.notice}.eml")


def _write(path: Path, content: bytes) -> None:
    with open(path, "wb", opener=_for_the_owner) as file:
        file.write(content)


def _for_the_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _told(error: BaseException) -> str:
    """What the peer said, as a text that the database can keep: one line, no halves of characters."""
    said = f"{error.code} {error.message}" if isinstance(error, SMTPResponseException) else str(error)
    readable = "".join(c if c.isprintable() else " " for c in said.encode("utf-8", "replace").decode())
    return " ".join(readable.split())[:500] or type(error).__name__
