"""What a channel is: a way to the outside that carries notices, and what it can say of each.

A new channel is one module with a class of this shape, a way in `services.plan.vocabulary.AnswerWay`, and a setting.
What can go wrong is told apart here, because each kind wants something else done:

=============  ======================================================  =============================================
`Rejected`     the peer will never take this notice on this way        it goes the next way
`Deferred`     the peer doesn't take this notice now                   tried again, later each time
`Throttled`    the peer wants us to be slower                          the channel pauses; no attempt is counted
`PeerAway`     nothing to do with the notice; it was not handed over   the channel rests, the queue waits
`Unconfirmed`  handed over, and the answer was lost                    the channel's policy: repeated, or ``unknown``
=============  ======================================================  =============================================
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol
from uuid import UUID

from services.base.errors import RedressError
from services.plan.vocabulary import Language

Way = Literal["email", "sms", "webhook"]


@dataclass(frozen=True, slots=True)
class Words:
    """What is said, made for one way. ``subject`` is one line; ``html`` the same for a mail program, or None."""

    subject: str
    text: str
    html: str | None = None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One notice ready to be said. ``address`` is an e-mail address, a number in E.164 form, or the front end's own id
    of the conversation; ``front_end`` is the name of the channel that posted the case, for `webhook`.

    ``notice`` is the stable id to the outside, the same however often it is tried; ``attempt`` counts from 1.
    ``merged`` are the notices that are told in it besides.
    """

    notice: UUID
    complaint: UUID
    reference: str
    kind: str
    language: Language
    realm: str
    name: str
    address: str
    words: Words
    track_url: str
    requested_at: datetime
    attempt: int = 1
    front_end: str | None = None
    way: Way = "email"
    merged: Sequence[UUID] = field(default=())


class NotSent(RedressError):
    """A notice did not go, or is not known to have gone. ``str()`` is the reason for staff, without the address."""


class Rejected(NotSent):
    """The peer will never take this notice on this way."""


class Deferred(NotSent):
    """The peer doesn't take this notice now. ``after``: how long it wants us to wait, if it says."""

    def __init__(self, reason: str, after: timedelta | None = None) -> None:
        super().__init__(reason)
        self.after = after


class Throttled(Deferred):
    """The peer wants us to be slower, whatever the notice. It did not take this one."""


class PeerAway(NotSent):
    """The peer can't be used now, whatever the notice. It did not take this one.

    ``peer`` names which, on a channel that speaks to several (a front end's name): only that one's notices wait.
    """

    def __init__(self, reason: str, peer: str | None = None) -> None:
        super().__init__(reason)
        self.peer = peer


class Unconfirmed(NotSent):
    """The notice was handed over and the answer was lost: nobody knows whether the peer has it."""


class Line(Protocol):
    """One line to the peer, used by one task at a time; reconnects by itself."""

    async def send(self, out: Outgoing) -> str | None:
        """Hand over the notice; on return the peer has taken it. Returns the peer's own id of it, by which a later
        receipt names it; None where there is none. Raises one of the kinds of `NotSent`.
        """

    async def close(self) -> None:
        """Say goodbye."""


class Channel(Protocol):
    """A way to the outside.

    ``repeats``: whether a notice whose fate is not known is handed over again, because the peer tells a repetition by
    the id. Where it is False, such a notice becomes ``unknown`` and is never repeated blindly.
    """

    @property
    def way(self) -> Way: ...

    @property
    def repeats(self) -> bool: ...

    @property
    def lines(self) -> int:
        """How many notices it carries at once."""

    def line(self) -> Line:
        """A line to the peer, opened when it is first used."""

    async def run(self) -> None:
        """What the channel does beside its lines (hear receipts and replies), until cancelled. May do nothing."""


ReceiptState = Literal["delivered", "failed", "on_the_way"]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the peer says later of a notice that it took: ``peer_id`` is the id that it gave, ``reference`` the number
    (16 bits) that we gave, ``address`` whom it was for. ``detail`` is the reason for staff, without the address.
    """

    way: Way
    state: ReceiptState
    at: datetime
    address: str
    peer_id: str | None = None
    reference: int | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message that came in. ``id`` is the peer's, by which one that is delivered twice is known as the same.

    ``sender`` and ``recipient`` are addresses as written. ``answers`` are the message ids that it says it answers.
    """

    way: Way
    id: str
    sender: str
    recipient: str
    text: str
    at: datetime
    subject: str | None = None
    answers: Sequence[str] = ()
    automatic: bool = False


class Listener(Protocol):
    """Who hears what comes back. On return it is kept for good; when it raises, the peer must be told to try again."""

    async def receipt(self, receipt: Receipt) -> None:
        """A receipt for a notice."""

    async def arrived(self, message: Arrived) -> None:
        """A message of a customer, or of whoever writes to us."""


def reference_of(notice: UUID) -> int:
    """The number (16 bits) by which a text message's receipt can name the notice: the end of its id, which is random.
    Together with the address it is as good as unique.
    """
    return notice.int & 0xFFFF
