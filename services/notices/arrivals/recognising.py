"""What a mail is: a person's words, or an answering machine's, or one of our own that came back.

By the standard's marks (RFC 3834), by those that mail programs had before it, and by what their subjects begin with.
"""

from __future__ import annotations

import re
from email.message import Message
from typing import Final, Literal

from services.notices.arrivals.charsets import header

Kind = Literal["message", "automatic", "bounce", "stop", "start"]

OURS: Final = "Redress-Notice"
_MARKS: Final = ("X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Mail-Autoreply", "X-AutoReply-From")
_MASS: Final = frozenset({"bulk", "junk", "list", "auto_reply"})
_SUBJECT: Final = re.compile(
    r"[\[【(（]?\s?(?:自动(?:回复|答复|应答)|自動(?:回覆|答覆)|外出(?:自动)?(?:回复|答复|通知|期间)|外出\s?[:：]|外出$"
    r"|休假(?:自动)?(?:回复|通知)|休假\s?[:：]|(?:不在|离开)办公室|已读\s?[:：]|read\s?:"
    r"|auto(?:matic)?[ -]?(?:reply|response|answer)\b|out[ -]of[ -](?:the[ -])?office\b"
    r"|vacation (?:reply|response|notice)\b|away from (?:my|the) (?:desk|office)\b)",
    re.IGNORECASE,
)


def is_ours(mail: Message) -> bool:
    """Whether it is a mail of ours that came back, by a redirection or a loop."""
    return mail.get(OURS) is not None


def is_automatic(mail: Message, *, null_sender: bool) -> bool:
    """Whether no person wrote it."""
    if null_sender or mail.get_content_type() == "multipart/report":
        return True
    submitted = header(mail, "Auto-Submitted").partition(";")[0].strip().lower()
    if submitted not in ("", "no"):
        return True
    if any(mail.get(mark) is not None for mark in _MARKS):
        return True
    if header(mail, "Precedence").strip().lower() in _MASS:
        return True
    return _SUBJECT.match(header(mail, "Subject")) is not None
