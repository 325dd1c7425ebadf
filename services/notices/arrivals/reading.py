"""A mail as it comes over the line, made into what Redress knows of it. Rubbish is read as far as it goes.

Nothing is run, loaded or written to disk. Heavy for a large mail: call it off the event loop.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes
from email.message import Message
from email.utils import getaddresses
from typing import Final

from services.notices.arrivals.bounces import Bounce, bounce_of
from services.notices.arrivals.charsets import decoded, header, header_text, raw_headers
from services.notices.arrivals.markup import text_of
from services.notices.arrivals.quoting import new_words
from services.notices.arrivals.recognising import is_automatic, is_ours
from services.notices.channels.port import Arrived

_MESSAGE_ID: Final = re.compile(r"<([^<>\s]{1,250})>")
_IDENTIFYING: Final = ("Message-ID", "From", "Date", "Subject")
_ADDRESSED: Final = ("Delivered-To", "X-Original-To", "Envelope-To", "To", "Cc")
# The parser takes a minute for a million of them.
_MOST_BOUNDARIES: Final = 20_000
_MOST_ANSWERS: Final = 20
_LONGEST_ADDRESS: Final = 320
_LONGEST_SUBJECT: Final = 1_000
_LONGEST_NAME: Final = 250


@dataclass(frozen=True, slots=True)
class MailFile:
    """A file in a mail: its name and what it is, as its sender says."""

    name: str
    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ArrivedMail(Arrived):
    """A mail that came in. ``text`` is all of it, ``said`` what is new in it. ``tokens`` are what stands behind the +
    of our address where it is addressed to one. ``ours``: it is a mail of ours that came back.
    """

    said: str = ""
    files: Sequence[MailFile] = ()
    tokens: Sequence[str] = ()
    bounce: Bounce | None = None
    ours: bool = False


@dataclass(slots=True)
class _Read:
    plain: list[str] = field(default_factory=list)
    files: list[MailFile] = field(default_factory=list)


def read_mail(content: bytes, *, sender: str, recipients: Sequence[str], at: datetime, answers: str) -> ArrivedMail:
    """The mail of these bytes. ``sender`` and ``recipients`` are the envelope's (an empty sender is nobody's: a
    program's), ``answers`` is our own address.
    """
    peer_id = hashlib.sha256(content).hexdigest()
    try:
        if content.count(b"\n--") > _MOST_BOUNDARIES:
            raise ValueError("more parts than a mail has")
        mail = message_from_bytes(content)
        return _read(mail, _identity(mail, content), sender, recipients, at, answers)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, AssertionError):
        # The parser takes nearly everything. What breaks it is kept as it is, for a person.
        text = decoded(content, None)
        return ArrivedMail(
            way="email", id=peer_id, sender=sender, recipient=next(iter(recipients), ""), text=text, at=at, said=text,
            tokens=_tokens(recipients, answers), automatic=not sender,
        )  # fmt: skip


def _read(
    mail: Message, peer_id: str, envelope: str, recipients: Sequence[str], at: datetime, answers: str
) -> ArrivedMail:
    found = _Read()
    _gather(mail, found)
    text = "\n".join(part for part in found.plain if part.strip()).strip()
    author = next((address for _, address in getaddresses(raw_headers(mail, "From")) if "@" in address), envelope)
    addressed = [*recipients, *(address for _, address in getaddresses(raw_headers(mail, *_ADDRESSED)))]
    tokens = _tokens(addressed, answers)
    null_sender = not envelope
    return ArrivedMail(
        way="email",
        id=peer_id,
        sender=header_text(author)[:_LONGEST_ADDRESS],
        recipient=next(iter(recipients), "")[:_LONGEST_ADDRESS],
        text=text,
        at=at,
        subject=header(mail, "Subject")[:_LONGEST_SUBJECT] or None,
        answers=_answered(mail),
        automatic=is_automatic(mail, null_sender=null_sender),
        said=new_words(text),
        files=found.files,
        tokens=tokens,
        bounce=bounce_of(mail, text, author, null_sender=null_sender),
        ours=is_ours(mail),
    )


def _identity(mail: Message, content: bytes) -> str:
    """What is the same when a mail is delivered again, and differs for every other: its id alone is its author's word.

    Without the lines that servers add on the way.
    """
    head = "\n".join(f"{name}: {value}" for name in _IDENTIFYING for value in raw_headers(mail, name))
    _, blank, body = content.replace(b"\r\n", b"\n").partition(b"\n\n")
    body = body if blank else content
    return hashlib.sha256(head.encode("utf-8", "surrogateescape") + b"\0" + body).hexdigest()


def _answered(mail: Message) -> list[str]:
    """The ids of the mails that it answers, the nearest first."""
    nearest = _MESSAGE_ID.findall(" ".join(raw_headers(mail, "In-Reply-To")))
    earlier = _MESSAGE_ID.findall(" ".join(raw_headers(mail, "References")))
    return list(dict.fromkeys([*nearest, *reversed(earlier)]))[:_MOST_ANSWERS]


def _tokens(addresses: Sequence[str], answers: str) -> list[str]:
    """What stands behind the ``+`` of those addresses that are ours."""
    name, _, host = answers.lower().rpartition("@")
    found = []
    for address in addresses:
        local, _, at_host = address.rpartition("@")
        base, plus, token = local.partition("+")
        if plus and base.lower() == name and at_host.lower() == host:
            found.append(token)
    return list(dict.fromkeys(found))


def _gather(part: Message, found: _Read) -> None:
    """The words and files of a part and of all within it."""
    kind = part.get_content_type()
    if kind in ("message/rfc822", "message/global") and part.is_multipart():
        _add_file(part, found)
    elif kind == "multipart/alternative" and part.is_multipart():
        _gather_best(part, found)
    elif part.is_multipart():
        for child in _children(part):
            _gather(child, found)
    elif _is_file(part, kind):
        _add_file(part, found)
    else:
        found.plain.append(_words(part, kind))


def _gather_best(part: Message, found: _Read) -> None:
    """The same said in several forms: the plain one, unless it is empty."""
    forms = []
    for child in _children(part):
        form = _Read()
        _gather(child, form)
        found.files += form.files
        forms.append((child.get_content_type() != "text/plain", "\n".join(form.plain)))
    worded = [form for form in forms if form[1].strip()]
    found.plain += [text for _, text in sorted(worded, key=lambda form: form[0])[:1]]


def _children(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [child for child in payload if isinstance(child, Message)] if isinstance(payload, list) else []


def _is_file(part: Message, kind: str) -> bool:
    if part.get_content_disposition() == "attachment" or part.get_filename() is not None:
        return True
    # A multipart without parts is broken; its text is all there is.
    return not kind.startswith(("text/", "multipart/")) or kind in ("text/calendar", "text/rfc822-headers")


def _add_file(part: Message, found: _Read) -> None:
    kind = part.get_content_type()
    if kind in ("message/delivery-status", "message/global-delivery-status"):
        return
    name = header_text(part.get_filename() or "") or ("message.eml" if kind.startswith("message/") else "file")
    payload = part.get_payload(decode=True)
    raw = payload if isinstance(payload, bytes) else part.as_bytes()
    found.files.append(MailFile(name[-_LONGEST_NAME:], kind[:100], raw))


def _words(part: Message, kind: str) -> str:
    payload = part.get_payload(decode=True)
    raw = payload if isinstance(payload, bytes) else b""
    text = decoded(raw, part.get_content_charset())
    return text_of(text) if kind == "text/html" else text
