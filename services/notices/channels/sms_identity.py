"""By what a customer's text message is known when it is brought twice.

SMPP gives a message that comes in no id and no time. What it has is its content; but two equal messages, "1" today and
"1" tomorrow, are two. So the id is made of the content and of the ten minutes in which it first came, and

- one that comes again within a minute, or after the connection broke within a minute of it, is the same message: the
  centre may not have heard our answer, and brings it again for as long as a day;
- an equal one besides is another message, and gets another id;
- another process, or this one after a crash, makes the same id in the same ten minutes without knowing of the first.

What is left: an equal message in the same ten minutes on another process counts as the same, and one that is brought
again to another process across the end of the ten minutes counts as another. A centre that gives its own id (in
``receipted_message_id``, as some do) leaves neither.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from services.notices.channels.sms_pdu import RECEIPTED_ID, REFERENCE, Deliver

_WINDOW: Final = timedelta(minutes=10)
_ANSWERED: Final = timedelta(minutes=1)
_BROUGHT_AGAIN: Final = timedelta(days=1)
_MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class Content:
    """What two messages must have in common to be the same. ``named``: the centre gave an id of its own."""

    digest: bytes
    named: bool


@dataclass(slots=True)
class _Seen:
    id: str
    window: int
    ordinal: int
    until: datetime


def content_of(deliver: Deliver, text: str) -> Content:
    """All that identifies a message. ``deliver`` is its first part, ``text`` the whole."""
    place = deliver.place
    fields = (
        deliver.source.number,
        deliver.destination.number,
        str(deliver.coding),
        f"{place.reference}/{place.total}" if place else "",
        str(deliver.number(REFERENCE)),
        deliver.text(RECEIPTED_ID) or "",
        text,
    )
    digest = hashlib.sha256("\0".join(fields).encode("utf-8", "replace")).digest()
    return Content(digest, RECEIPTED_ID in deliver.parameters)


class Identities:
    """The ids given lately. Holds no more than the last ten thousand."""

    def __init__(self) -> None:
        self._seen: OrderedDict[bytes, _Seen] = OrderedDict()

    def of(self, content: Content, at: datetime) -> str:
        """The id of a message that comes at ``at``: a new one, or that of the message which it is again."""
        if content.named:
            return _id(content, 0, 0)
        seen = self._seen.get(content.digest)
        if seen is None or seen.until <= at:
            window = int(at.timestamp() / _WINDOW.total_seconds())
            ordinal = seen.ordinal + 1 if seen is not None and seen.window == window else 0
            seen = self._seen[content.digest] = _Seen(_id(content, window, ordinal), window, ordinal, at)
        seen.until = max(seen.until, at + _ANSWERED)
        self._seen.move_to_end(content.digest)
        if len(self._seen) > _MOST:
            self._seen.popitem(last=False)
        return seen.id

    def line_broke(self, at: datetime) -> None:
        """The connection ended at ``at``: the centre may not have heard our last answers."""
        for seen in self._seen.values():
            if seen.until > at:
                seen.until = max(seen.until, at + _BROUGHT_AGAIN)


def _id(content: Content, window: int, ordinal: int) -> str:
    return hashlib.sha256(content.digest + f"{window}/{ordinal}".encode()).hexdigest()[:32]
