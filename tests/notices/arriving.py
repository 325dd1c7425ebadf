"""Cases, notices and messages for the tests of what comes in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.files.receiving import FileDoor
from services.base.identity import new_id
from services.casework.tasks.model import Task
from services.complaints.model import Complaint
from services.notices.arrivals.listening import Arrivals
from services.notices.arrivals.model import Arrival
from services.notices.arrivals.reading import read_mail
from services.notices.channels.port import Arrived
from services.notices.model import Notice, OptOut
from services.plan.versions import Plans
from tests.casework import factories
from tests.casework.factories import NOW, PRIVACY, received_case
from tests.notices.letters_in import CARE, CUSTOMER

PHONE = "+8613800138000"
HOUR = timedelta(hours=1)


def arrivals(engine: AsyncEngine, plans: Plans, now: datetime = NOW, files: FileDoor | None = None) -> Arrivals:
    return Arrivals(engine, plans, PRIVACY, files=files, clock=lambda: now)


async def customers_case(engine: AsyncEngine, case: UUID | None = None, *, email: str = CUSTOMER) -> UUID:
    """A case of the customer, found by their phone number and e-mail address; a received one unless given."""
    case = case or await received_case(engine, customer=PHONE)
    values = {"email_hash": PRIVACY.fingerprint("email", email), "phone_hash": PRIVACY.fingerprint("phone", PHONE)}
    async with engine.begin() as connection:
        await connection.execute(sa.update(Complaint).where(Complaint.id == case).values(**values))
    return case


async def case_in(engine: AsyncEngine, plans: Plans, status: str) -> UUID:
    """A case of the customer in this status."""
    return await customers_case(engine, await factories.case_in(engine, plans, status))


async def told(
    engine: AsyncEngine,
    case: UUID,
    way: str = "email",
    *,
    address: str | None = None,
    at: datetime = NOW - HOUR,
    realm: str = "live",
) -> UUID:
    """A notice that was sent on this way, as the sender leaves it; returns its id."""
    notice = new_id()
    to = address or (CUSTOMER if way == "email" else PHONE)
    row = {
        "id": notice,
        "complaint_id": case,
        "kind": "question",
        "cause": new_id(),
        "number": 1,
        "realm": realm,
        "language": "zh",
        "way": way,
        "ways": [way],
        "facts": {},
        "status": "sent",
        "version": 2,
        "requested_at": at,
        "due_at": at,
        "sent_at": at,
        "attempts": 1,
        "recipient": PRIVACY.fingerprint(way, to),
        "peer_id": str(notice),
    }
    async with engine.begin() as connection:
        await connection.execute(sa.insert(Notice).values(**row))
    return notice


def token_address(notice: UUID) -> str:
    """Where an answer to the notice, or its bounce, goes."""
    return CARE.replace("@", f"+{PRIVACY.mail_token(notice)}@")


async def mail_in(
    engine: AsyncEngine,
    plans: Plans,
    content: bytes,
    *,
    to: str = CARE,
    sender: str = CUSTOMER,
    now: datetime = NOW,
    files: FileDoor | None = None,
) -> None:
    """A mail comes in, as the door hands it over."""
    mail = read_mail(content, sender=sender, recipients=(to,), at=now, answers=CARE)
    await arrivals(engine, plans, now, files).arrived(mail)


async def text_in(
    engine: AsyncEngine,
    plans: Plans,
    text: str,
    *,
    sender: str = PHONE,
    peer_id: str | None = None,
    now: datetime = NOW,
) -> None:
    """A text message comes in, as its channel hands it over."""
    message = Arrived(way="sms", id=peer_id or str(new_id()), sender=sender, recipient="10086", text=text, at=now)
    await arrivals(engine, plans, now).arrived(message)


async def kept(engine: AsyncEngine) -> list[sa.Row[Any]]:
    """All messages that are kept, in the order in which they came."""
    async with engine.connect() as connection:
        return list(await connection.execute(sa.select(Arrival.__table__).order_by(Arrival.id)))


async def the_one(engine: AsyncEngine) -> sa.Row[Any]:
    (row,) = await kept(engine)
    return row


async def replies(engine: AsyncEngine, case: UUID) -> list[tuple[str | None, str]]:
    """What the customer said: how it came, and the words."""
    query = sa.text(
        "select data ->> 'way' as way, private ->> 'text' as said from event"
        " where key = :case and type = 'redress.complaint.customer_replied.v1' order by number"
    )
    async with engine.connect() as connection:
        return [(row.way, row.said) for row in await connection.execute(query, {"case": case})]


async def open_tasks(engine: AsyncEngine) -> list[sa.Row[Any]]:
    async with engine.connect() as connection:
        return list(await connection.execute(sa.select(Task.__table__).where(Task.status == "open").order_by(Task.id)))


async def opted_out(engine: AsyncEngine) -> Mapping[bytes, tuple[str, str, str]]:
    """Who wants no messages: way, realm and cause."""
    async with engine.connect() as connection:
        rows = await connection.execute(sa.select(OptOut.__table__))
        return {row.recipient: (row.way, row.realm, row.cause) for row in rows}


async def notice_of(engine: AsyncEngine, notice: UUID) -> sa.Row[Any]:
    async with engine.connect() as connection:
        return (await connection.execute(sa.select(Notice.__table__).where(Notice.id == notice))).one()
