"""A letter as a mail: the bytes of the message, made once and sent unchanged however often it takes.

Headers are written here, because ``email.message`` takes many times as long. Whatever comes from outside passes
through `_phrase`, `_subject` or `_address`, which leave no way to end a header line. Nothing here speaks to a server.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import format_datetime, parseaddr
from typing import Final
from uuid import UUID

from email_validator import EmailNotValidError, validate_email

from services.base.errors import Invalid, Misconfigured
from services.base.privacy import Privacy
from services.notices.channels.port import Outgoing, Words

# RFC 5322 allows lines of 998 bytes; an encoded word (RFC 2047) has 75 characters at most, 12 of them its frame.
_LONGEST_LINE: Final = 998
_WORD_BYTES: Final = 45
_PLAIN_PHRASE = re.compile(r"[A-Za-z0-9 !#$%&'*+/?^_{|}~-]{1,60}", re.ASCII)
_PLAIN_SUBJECT = re.compile(r"(?!.*=\?)[\x20-\x7e]{1,900}", re.ASCII)
_NO_ADDRESS = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029<>\"(),;:\\\[\]]")
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail ready to go. ``sender`` (where bounces go) and ``recipient`` are bare addresses; ``content`` has CRLF line
    ends."""

    notice: UUID
    sender: str
    recipient: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Mailer:
    """Who writes: the address in the envelope, the header that shows it, and the host in message ids.

    ``answers_to`` is where customers' answers and bounces are taken in; None when they aren't.
    """

    address: str
    header: str
    host: str
    answers_to: str | None = None
    privacy: Privacy | None = None

    @classmethod
    def from_setting(cls, mail_from: str, answers_to: str | None = None, privacy: Privacy | None = None) -> Mailer:
        """From ``Name <address>`` or a bare address, and where answers go. Raises `Misconfigured`."""
        name, address = parseaddr(mail_from)
        if not _is_plain(address):
            raise Misconfigured(
                f"REDRESS_MAIL_FROM: '{mail_from}' is no sender; write for example Redress <care@example.com>"
            )
        if answers_to is not None and (not _is_plain(answers_to) or "+" in answers_to):
            raise Misconfigured(
                f"REDRESS_MAIL_ANSWERS: '{answers_to}' is no address; write one such as care@example.com"
            )
        host = address.rpartition("@")[2]
        return cls(address, f"{_phrase(name)} <{address}>" if name else address, host, answers_to, privacy)

    def answers(self, notice: UUID) -> str | None:
        """The address for answers to this notice's mail, and for its bounce: it names the notice, unforgeably."""
        if self.answers_to is None or self.privacy is None:
            return None
        local, _, host = self.answers_to.rpartition("@")
        return f"{local}+{self.privacy.mail_token(notice)}@{host}"


def compose(mailer: Mailer, out: Outgoing, *, eight_bit: bool = False) -> Mail:
    """The mail for one notice. Its message id is made of the notice's, so that a mail sent again can be told.

    ``eight_bit`` leaves the text readable in a file; without it only ASCII goes over the line. Raises `Invalid` when
    the address can't be written to.
    """
    recipient = _address(out.address)
    answers = mailer.answers(out.notice)
    # An answer to what the customer did is "auto-replied" (RFC 3834); all else is said of our own accord.
    automatic = "auto-replied" if out.kind == "acknowledgement" else "auto-generated"
    merged = "".join(f"Redress-Merged: {notice}\r\n" for notice in out.merged)
    head = (
        f"Date: {format_datetime(out.requested_at)}\r\n"
        f"From: {mailer.header}\r\n"
        f"To: {_phrase(out.name)} <{recipient}>\r\n"
        f"Message-ID: <{out.notice}@{mailer.host}>\r\n"
        f"Subject: {_subject(out.words.subject)}\r\n"
        f"Redress-Notice: {out.kind}; {out.notice}\r\n"
        f"{merged}"
        f"{'' if answers is None else _ways_back(answers, out.track_url)}"
        f"Auto-Submitted: {automatic}\r\n"
        "MIME-Version: 1.0\r\n"
        f"Content-Language: {out.language}\r\n"
    )
    content = head.encode() + _content(out.words, f"={out.notice.hex}", eight_bit)
    return Mail(out.notice, mailer.address if answers is None else answers, recipient, content)


def _ways_back(answers: str, track_url: str) -> str:
    """Where answers go, and how to say that one wants no more of these (RFC 2369)."""
    leave = f"List-Unsubscribe: <mailto:{answers}?subject=unsubscribe>,\r\n <{track_url}>\r\n"
    return f"Reply-To: <{answers}>\r\n{leave}"


def _content(words: Words, boundary: str, eight_bit: bool) -> bytes:
    """Plain text, with the same in HTML beside it where there is any (RFC 2046, the best last)."""
    plain = _part("plain", words.text, eight_bit)
    if words.html is None:
        return plain
    html = _part("html", words.html, eight_bit)
    edge = boundary.encode()
    return b"".join(
        (
            b'Content-Type: multipart/alternative; boundary="' + edge + b'"\r\n\r\n',
            b"--" + edge + b"\r\n" + plain,
            b"\r\n--" + edge + b"\r\n" + html,
            b"\r\n--" + edge + b"--\r\n",
        )
    )


def _part(subtype: str, text: str, eight_bit: bool) -> bytes:
    encoding, body = _body(text, eight_bit)
    head = f"Content-Type: text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return head.encode() + body


def _is_plain(address: str) -> bool:
    local, _, host = address.rpartition("@")
    return bool(local and host) and address.isascii() and not _NO_ADDRESS.search(address)


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
