"""A letter as a mail: the bytes of the message, made once and sent unchanged however often it takes.

Headers are written here, because ``email.message`` takes many times as long. Whatever comes from outside passes
through `_phrase`, `_subject` or `_address`, which leave no way to end a header line. Nothing here speaks to a server.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime, parseaddr
from typing import Final
from uuid import UUID

from email_validator import EmailNotValidError, validate_email

from services.base.errors import Invalid, Misconfigured
from services.notices.rendering import Letter

# RFC 5322 allows lines of 998 bytes; an encoded word (RFC 2047) has 75 characters at most, 12 of them its frame.
_LONGEST_LINE: Final = 998
_WORD_BYTES: Final = 45
_PLAIN_PHRASE = re.compile(r"[A-Za-z0-9 !#$%&'*+/?^_{|}~-]{1,60}", re.ASCII)
_PLAIN_SUBJECT = re.compile(r"(?!.*=\?)[\x20-\x7e]{1,900}", re.ASCII)
_NO_ADDRESS = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029<>\"(),;:\\\[\]]")
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail ready to go. ``recipient`` is the bare address; ``content`` has CRLF line ends."""

    notice: UUID
    recipient: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Mailer:
    """Who writes: the address in the envelope, the header that shows it, and the host in message ids."""

    address: str
    header: str
    host: str

    @classmethod
    def from_setting(cls, mail_from: str) -> Mailer:
        """From ``Name <address>`` or a bare address. Raises `Misconfigured`."""
        name, address = parseaddr(mail_from)
        local, _, host = address.rpartition("@")
        if not local or not host or _NO_ADDRESS.search(address) or not address.isascii():
            raise Misconfigured(
                f"REDRESS_MAIL_FROM: '{mail_from}' is no sender; write for example Redress <care@example.com>"
            )
        return cls(address, f"{_phrase(name)} <{address}>" if name else address, host)


def compose(
    mailer: Mailer,
    letter: Letter,
    *,
    notice: UUID,
    kind: str,
    language: str,
    name: str,
    address: str,
    at: datetime,
    eight_bit: bool = False,
) -> Mail:
    """The mail for one notice. Its message id is made of the notice's, so that a mail sent again can be told.

    ``eight_bit`` leaves the text readable in a file; without it only ASCII goes over the line. Raises `Invalid` when
    the address can't be written to.
    """
    recipient = _address(address)
    encoding, body = _body(letter.text, eight_bit)
    # An answer to what the customer did is "auto-replied" (RFC 3834); all else is said of our own accord.
    automatic = "auto-replied" if kind == "acknowledgement" else "auto-generated"
    head = (
        f"Date: {format_datetime(at)}\r\n"
        f"From: {mailer.header}\r\n"
        f"To: {_phrase(name)} <{recipient}>\r\n"
        f"Message-ID: <{notice}@{mailer.host}>\r\n"
        f"Subject: {_subject(letter.subject)}\r\n"
        f"Redress-Notice: {kind}; {notice}\r\n"
        f"Auto-Submitted: {automatic}\r\n"
        "MIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        f"Content-Language: {language}\r\n"
        f"Content-Transfer-Encoding: {encoding}\r\n"
        "\r\n"
    )
    return Mail(notice, recipient, head.encode() + body)


def _address(text: str) -> str:
    """The address with its domain in ASCII. The part before the @ may be of any script (RFC 6531)."""
    if _NO_ADDRESS.search(text) or "@" not in text[1:-1]:
        raise Invalid("the e-mail address can't be written to; correct it in the case")
    if text.isascii():
        return text
    try:
        checked = validate_email(text, check_deliverability=False)
    except EmailNotValidError as error:
        raise Invalid(f"the e-mail address can't be written to; correct it in the case: {error}") from None
    return f"{checked.local_part}@{checked.ascii_domain}"


def _phrase(name: str) -> str:
    """A person's name in a header: as it is where that is safe, else in encoded words."""
    name = _UNSEEN.sub(" ", name).strip()
    return name if _PLAIN_PHRASE.fullmatch(name) else _encoded(name)


def _subject(subject: str) -> str:
    return subject if _PLAIN_SUBJECT.fullmatch(subject) else _encoded(_UNSEEN.sub(" ", subject))


def _encoded(text: str) -> str:
    words = (base64.b64encode(part).decode("ascii") for part in _parts(text))
    return "\r\n ".join(f"=?utf-8?b?{word}?=" for word in words)


def _parts(text: str) -> Iterator[bytes]:
    """The text in UTF-8, cut between characters into parts that fit an encoded word."""
    part = b""
    for character in text:
        coded = character.encode("utf-8", "replace")
        if len(part) + len(coded) > _WORD_BYTES:
            yield part
            part = b""
        part += coded
    yield part


def _body(text: str, eight_bit: bool) -> tuple[str, bytes]:
    lines = text.encode("utf-8", "replace").splitlines()
    body = b"\r\n".join(lines) + b"\r\n"
    short = max(map(len, lines), default=0) <= _LONGEST_LINE
    if short and body.isascii():
        return "7bit", body
    if short and eight_bit:
        return "8bit", body
    return "base64", base64.encodebytes(body).replace(b"\n", b"\r\n")
