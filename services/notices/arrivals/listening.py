"""Hearing what comes back: each message is kept, recognised, and put where it belongs, in one transaction.

On return it is on disk. A message that is delivered twice is one: its row is written first, and who finds it there has
nothing left to do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.base import telemetry
from services.base.errors import WrongState
from services.base.files.receiving import FileDoor
from services.base.identity import new_id
from services.base.privacy import Incoming, IncomingFile, Privacy
from services.base.stream.bell import Bell
from services.casework import attaching
from services.complaints.model import Complaint
from services.notices import receipts
from services.notices.arrivals import wishes
from services.notices.arrivals.charsets import cleaned
from services.notices.arrivals.commands import ArrivalWay, Kept, ask_a_person, keep, put_to_case
from services.notices.arrivals.matching import REAL, Clues, Match, Sender, WhyNot, match, match_notice, sender_of
from services.notices.arrivals.reading import ArrivedMail
from services.notices.arrivals.receiving import receive
from services.notices.arrivals.recognising import Kind
from services.notices.arrivals.wishes import Wished
from services.notices.channels.port import Arrived, Receipt
from services.notices.opting import OptOutCause, opt_in, opt_out, opted_out
from services.plan.schema import Plan
from services.plan.versions import Plans

_CAUSES: Final[dict[ArrivalWay, OptOutCause]] = {"email": "unsubscribed", "sms": "stop"}


class Arrivals:
    """Hears receipts and messages of all channels. ``files`` keeps what comes with mails; ``bell`` wakes workers in the
    same process.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        plans: Plans,
        privacy: Privacy,
        *,
        files: FileDoor | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        bell: Bell | None = None,
    ) -> None:
        self._engine = engine
        self._plans = plans
        self._privacy = privacy
        self._files = files
        self._clock = clock
        self._bell = bell or Bell()

    async def receipt(self, receipt: Receipt) -> None:
        """A receipt for a notice. One for none of ours changes nothing."""
        async with self._engine.begin() as connection:
            await receipts.note(connection, self._privacy, self._plans, receipt, self._clock())
        self._bell.ring()

    async def arrived(self, message: Arrived) -> None:
        """A message of a customer, or of whoever writes to us. Raises the database's errors, and `Unavailable` while
        its files can't be kept; it can be sent again.
        """
        files = await self._received(message)
        async with self._engine.begin() as connection:
            told = await _Arriving(connection, self._plans, self._privacy, self._clock()).take(message, files)
        if told is not None:
            telemetry.ARRIVALS.labels(*told).inc()
            self._bell.ring()

    async def _received(self, message: Arrived) -> list[IncomingFile]:
        """Its files, kept as far as they may be; what machines send along is only named."""
        if not isinstance(message, ArrivedMail) or not message.files:
            return []
        async with self._engine.connect() as connection:
            limits = await attaching.limits(connection, self._plans)
        by_a_machine = message.automatic or message.ours or message.bounce is not None
        return await receive(message.files, None if by_a_machine else self._files, limits)


class _Arriving:
    """One message on its way in, within one transaction."""

    def __init__(self, connection: AsyncConnection, plans: Plans, privacy: Privacy, now: datetime) -> None:
        self._connection = connection
        self._plans = plans
        self._privacy = privacy
        self._now = now

    async def take(self, message: Arrived, files: Sequence[IncomingFile]) -> tuple[str, str, str] | None:
        """Keep the message and do what it means; its way, kind and status, or None when it was taken before."""
        _, plan = await self._plans.current(self._connection)
        sender = sender_of(self._privacy, message.way, message.sender, plan.plan.phone_region)
        found = await self._match(plan, sender, message)
        belongs = found if isinstance(found, Match) else None
        wished = await self._wish(message, sender, belongs)
        kept = _kept(message, files, _kind(message, wished), REAL if belongs is None else belongs.realm)
        if not await keep(self._connection, self._privacy, kept, message.id, belongs):
            return None
        if kept.kind == "bounce" and isinstance(message, ArrivedMail):
            await self._note_bounce(message, belongs)
        if kept.kind in ("stop", "start"):
            await self._opt(kept, sender, belongs)
        return kept.way, kept.kind, await self._settle(plan, kept, found)

    async def _match(self, plan: Plan, sender: Sender | None, message: Arrived) -> Match | WhyNot:
        if isinstance(message, ArrivedMail) and message.bounce is not None:
            # Its sender is a mail server.
            named = () if message.bounce.notice is None else (message.bounce.notice,)
            return await match_notice(self._connection, Clues(self._notices(message), named)) or "nobody"
        clues = Clues(self._notices(message), _uuids(message.answers), _texts(message))
        return await match(self._connection, self._privacy, plan, sender, clues, self._now)

    def _notices(self, message: Arrived) -> list[UUID]:
        tokens = message.tokens if isinstance(message, ArrivedMail) else ()
        named = (self._privacy.notice_of_mail_token(token) for token in tokens)
        return [notice for notice in named if notice is not None]

    async def _wish(self, message: Arrived, sender: Sender | None, found: Match | None) -> Wished | None:
        """What the message wishes; where its word is also an answer, only when nobody waits for one."""
        if isinstance(message, ArrivedMail):
            return wishes.of_mail(message.subject, message.said, to_a_token=bool(self._notices(message)))
        wished = wishes.of_text_message(message.text)
        if wished is None or not wished.or_answer:
            return wished
        if wished.wish == "start":
            return wished if await self._is_opted_out(sender, found) else None
        status = None
        if found is not None:
            status = await self._connection.scalar(sa.select(Complaint.status).where(Complaint.id == found.complaint))
        return None if status == "awaiting_customer" else wished

    async def _is_opted_out(self, sender: Sender | None, found: Match | None) -> bool:
        if sender is None:
            return False
        realm = REAL if found is None else found.realm
        return bool(await opted_out(self._connection, {sender.way: sender.recipient}, realm))

    async def _opt(self, kept: Kept, sender: Sender | None, found: Match | None) -> None:
        """Do as wished: for the address that the notice went to, where a token proves which, else for the sender's."""
        told = None if found is None else found.told
        who = told or (None if sender is None else sender.recipient)
        if who is None:
            return
        if kept.kind == "stop":
            await opt_out(self._connection, who, kept.way, kept.realm, _CAUSES[kept.way], self._now)
        else:
            await opt_in(self._connection, who, kept.way, kept.realm)

    async def _note_bounce(self, message: ArrivedMail, found: Match | None) -> None:
        """A mail that can't be delivered failed; one that is only late is on its way."""
        bounce = message.bounce
        if bounce is None or not bounce.hard or found is None or found.notice is None:
            return
        receipt = Receipt(
            way="email",
            state="failed",
            at=message.at,
            address=bounce.address,
            peer_id=str(found.notice),
            detail=self._privacy.mask(bounce.detail) or "the mail was sent back",
        )
        await receipts.note(self._connection, self._privacy, self._plans, receipt, self._now)

    async def _settle(self, plan: Plan, kept: Kept, found: Match | WhyNot) -> str:
        """Put the message to its case, or have a person look at it; returns its status."""
        if not isinstance(found, Match):
            if kept.kind == "message":
                await ask_a_person(self._connection, plan, kept, found, None, self._now)
            return "unmatched"
        try:
            await put_to_case(self._connection, self._plans, self._privacy, kept, found, self._now)
        except WrongState:
            await ask_a_person(self._connection, plan, kept, "case_over", found.complaint, self._now)
            return "unmatched"
        status = await self._connection.scalar(sa.select(Complaint.status).where(Complaint.id == found.complaint))
        if kept.kind == "message" and status == "closed":
            await ask_a_person(self._connection, plan, kept, "case_closed", found.complaint, self._now)
        return "matched"


def _kind(message: Arrived, wished: Wished | None) -> Kind:
    """What the message is. Who asks for no more messages is heard, whatever program wrote it."""
    if isinstance(message, ArrivedMail):
        if message.bounce is not None:
            return "bounce"
        if message.ours:
            return "automatic"
    if wished is not None:
        return wished.wish
    return "automatic" if message.automatic else "message"


def _kept(message: Arrived, files: Sequence[IncomingFile], kind: Kind, realm: str) -> Kept:
    mail = message if isinstance(message, ArrivedMail) else None
    incoming = Incoming(
        sender=cleaned(message.sender),
        recipient=cleaned(message.recipient),
        subject=None if message.subject is None else cleaned(message.subject),
        said=cleaned(message.text if mail is None else mail.said),
        files=tuple(files),
    )
    way: ArrivalWay = "email" if message.way == "email" else "sms"
    return Kept(new_id(), realm, way, kind, incoming, cleaned(message.text), message.at)


def _texts(message: Arrived) -> list[str]:
    said = [message.said] if isinstance(message, ArrivedMail) else []
    return [message.subject or "", *said, message.text]


def _uuids(message_ids: Sequence[str]) -> list[UUID]:
    """The ids of notices that message ids of ours are made of."""
    found = []
    for message_id in message_ids:
        try:
            found.append(UUID(message_id.strip("<> ").partition("@")[0]))
        except ValueError:
            continue
    return found
