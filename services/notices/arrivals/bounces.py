"""Mails that say that a mail of ours did not arrive: the standard's form (RFC 3464), and what older servers write."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from email import message_from_string
from email.message import Message
from itertools import islice
from typing import Final
from uuid import UUID

from services.notices.arrivals.charsets import header

_UUID: Final = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
_OUR_HEADER: Final = re.compile(rf"Redress-Notice:\s{{0,3}}[a-z_]{{1,40}};\s{{0,3}}({_UUID})")
_OUR_MESSAGE_ID: Final = re.compile(rf"<({_UUID})@")
_DAEMON: Final = re.compile(r"(?:mailer-daemon|postmaster|mail-daemon|microsoftexchange[0-9a-f]+)@", re.IGNORECASE)
_BOUNCED: Final = re.compile(
    r"undeliver|delivery (?:status notification|has failed|failure|problem)|failure notice|returned mail|mail delivery"
    r"|message not delivered|退信|无法送达|无法投递|未送达|未传递|投递失败|发送失败",
    re.IGNORECASE,
)
_DELAYED: Final = re.compile(r"delay|warning|延迟|暂时", re.IGNORECASE)
_STATUS: Final = re.compile(r"\b([245])\.\d{1,3}\.\d{1,3}\b")
_HARD_REPLY: Final = re.compile(r"\b55[0-4][ -]")
_HARD_WORDS: Final = re.compile(
    r"user unknown|unknown user|no such (?:user|mailbox|recipient)|does(?:n't| not) exist|couldn'?t be found"
    r"|mailbox (?:unavailable|not found|is full)|account (?:is )?disabled|permanent(?:ly)? (?:error|failure|fatal)"
    r"|(?:用户|收件人|邮箱|邮件地址|账号)(?:名)?(?:不存在|已停用|被停用|已满)|找不到(?:收件人|用户)",
    re.IGNORECASE,
)
_MOST_RECIPIENTS: Final = 100
_LONGEST_TEXT: Final = 50_000
_LONGEST_DETAIL: Final = 300


@dataclass(frozen=True, slots=True)
class Bounce:
    """A mail did not arrive (``hard``), or not yet. ``address`` is whom it was for, as far as it is said; ``notice``
    the notice that it speaks of; ``detail`` what the server said, which may hold the address.
    """

    hard: bool
    address: str
    notice: UUID | None
    detail: str


def bounce_of(mail: Message, text: str, sender: str, *, null_sender: bool) -> Bounce | None:
    """What the mail says of a mail of ours; None when it is no bounce. ``text`` is what people read in it."""
    notice = next(_notices_in(mail, text), None)
    reported = list(islice(_recipients(mail), _MOST_RECIPIENTS))
    if reported:
        return _as_reported(reported, notice)
    if not (null_sender or _DAEMON.match(sender)) or not _BOUNCED.search(header(mail, "Subject")):
        return None
    return _as_written(header(mail, "Subject"), text[:_LONGEST_TEXT], notice)


def _as_reported(recipients: Sequence[Message], notice: UUID | None) -> Bounce | None:
    """By the report's fields. Whose server says ``failed`` has given up, whatever the status."""
    for recipient in sorted(recipients, key=lambda one: _action(one) != "failed"):
        action = _action(recipient)
        if action in ("delivered", "relayed", "expanded"):
            continue
        status = header(recipient, "Status")
        hard = action == "failed" or (not action and status.startswith("5"))
        named = header(recipient, "Original-Recipient") or header(recipient, "Final-Recipient")
        said = header(recipient, "Diagnostic-Code").partition(";")[2].strip()
        address = named.partition(";")[2].strip()
        return Bounce(hard, address, notice, f"{status} {said}".strip()[:_LONGEST_DETAIL])
    return None


def _as_written(subject: str, text: str, notice: UUID | None) -> Bounce:
    """By what a server wrote for people."""
    status = next((found for found in _STATUS.finditer(text) if found[1] != "2"), None)
    worded = _HARD_WORDS.search(text) or _HARD_REPLY.search(text)
    hard = (status[1] == "5" if status else worded is not None) and not _DELAYED.search(subject)
    found = status or worded
    detail = subject if found is None else text[max(0, found.start() - 40) : found.end() + 160]
    return Bounce(hard, "", notice, " ".join(detail.split())[:_LONGEST_DETAIL])


def _action(recipient: Message) -> str:
    return header(recipient, "Action").partition(" ")[0].lower()


def _recipients(mail: Message) -> Iterator[Message]:
    """The blocks of a report that speak of a recipient each."""
    for part in mail.walk():
        if part.get_content_type() in ("message/delivery-status", "message/global-delivery-status"):
            blocks = part.get_payload()
            for block in blocks if isinstance(blocks, list) else _blocks(str(blocks)):
                if isinstance(block, Message) and ("Action" in block or "Final-Recipient" in block):
                    yield block


def _blocks(text: str) -> Iterable[Message]:
    return (message_from_string(block) for block in re.split(r"\r?\n\r?\n", text))


def _notices_in(mail: Message, text: str) -> Iterator[UUID]:
    """The notices of ours that the mail names: by the copy that it brings back, by what it answers, in its text."""
    for part in mail.walk():
        if part is not mail:
            yield from _all(_OUR_HEADER, f"Redress-Notice: {header(part, 'Redress-Notice')}")
            yield from _all(_OUR_MESSAGE_ID, header(part, "Message-ID"))
        if part.get_content_type() == "text/rfc822-headers":
            copied = str(part.get_payload())[:_LONGEST_TEXT]
            yield from _all(_OUR_HEADER, copied)
            yield from _all(_OUR_MESSAGE_ID, copied)
    yield from _all(_OUR_MESSAGE_ID, header(mail, "In-Reply-To"))
    yield from _all(_OUR_HEADER, text[:_LONGEST_TEXT])
    yield from _all(_OUR_MESSAGE_ID, text[:_LONGEST_TEXT])


def _all(pattern: re.Pattern[str], text: str) -> Iterator[UUID]:
    return (UUID(found[1]) for found in pattern.finditer(text))
