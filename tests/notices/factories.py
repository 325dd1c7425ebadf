"""Cases, events and senders for the tests of notices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier_worker.handler import NotifierHandler
from services.base.identity import new_id, new_reference
from services.base.privacy import Person, Privacy
from services.base.stream import log
from services.base.stream.event import Event, EventData, NewEvent
from services.base.stream.model import EventRow
from services.complaints.events import Dispatched, Received
from services.complaints.model import Complaint
from services.notices.channels import port
from services.notices.channels.mail import Mailer
from services.notices.channels.port import Channel, Outgoing, Way
from services.notices.channels.smtp import Smtp
from services.notices.sending import Sender
from services.notices.ways import WAYS
from services.plan.versions import Plans
from tests.conftest import SECRET

NOW = datetime(2025, 11, 24, 2, 30, tzinfo=UTC)
PRIVACY = Privacy(SECRET)
Words = Mapping[str, object]
PUBLIC_URL = "https://care.example.com"
MAILER = Mailer.from_setting("Redress <care@example.com>")


async def case(
    engine: AsyncEngine,
    *,
    name: str = "李伟",
    email: str | None = "li.wei@example.com",
    language: str = "zh",
    realm: str = "live",
    channel: str = "web",
    values: Mapping[str, object] | None = None,
) -> UUID:
    """A received complaint; ``values`` are further columns. Returns its id."""
    new = new_id()
    row = {
        "id": new,
        "reference": new_reference(),
        "realm": realm,
        "version": 1,
        "status": "received",
        "api_key_id": new_id(),
        "body_hash": b"",
        "channel": channel,
        "service_type": "broadband",
        "language": language,
        "received_at": NOW,
        "personal": orjson.loads(PRIVACY.seal(Person(name=name, email=email, phone="+8613800138000"))),
        "content": "宽带从昨晚开始断网。",
        **(values or {}),
    }
    async with engine.begin() as connection:
        await connection.execute(sa.insert(Complaint).values(**row))
    return new


async def change(engine: AsyncEngine, case_id: UUID, **values: object) -> None:
    """Set columns of a case."""
    async with engine.begin() as connection:
        await connection.execute(sa.update(Complaint).where(Complaint.id == case_id).values(**values))


def happened(case_id: UUID, data: EventData, number: int = 1, time: datetime = NOW, realm: str = "live") -> Event:
    """An event as a reader is given it."""
    return Event(
        id=new_id(),
        type=data.TYPE,
        key=case_id,
        number=number,
        time=time,
        realm=realm,
        data=data.model_dump_json(exclude_none=True).encode(),
    )


def received(case_id: UUID, number: int = 1) -> Event:
    data = Received(reference="RD", channel="web", service_type="broadband", language="zh", received_at=NOW)
    return happened(case_id, data, number)


def dispatched_data() -> Dispatched:
    return Dispatched(
        reference="RD",
        group="technical_support",
        assignee="chen.guoqiang",
        rule="least_loaded",
        category="outage",
        severity="major",
        respond_by=NOW + timedelta(hours=2),
        resolve_by=NOW + timedelta(hours=24),
        plan_version=1,
    )


def dispatched(case_id: UUID, number: int = 3) -> Event:
    return happened(case_id, dispatched_data(), number)


async def record(engine: AsyncEngine, case_id: UUID, *data: EventData) -> None:
    """Write events of a case to the log, numbered from 1."""
    await recorded(engine, case_id, *data)


async def recorded(
    engine: AsyncEngine, case_id: UUID, *happenings: EventData | tuple[EventData, Words | None]
) -> list[Event]:
    """Write events of a case to the log, numbered from 1, each with its private half if given one; returns them."""
    pairs = [one if isinstance(one, tuple) else (one, None) for one in happenings]
    async with engine.begin() as connection:
        events = [
            NewEvent(case_id, number, data, NOW + timedelta(minutes=number), "live", "system:test", private)
            for number, (data, private) in enumerate(pairs, start=1)
        ]
        await log.append(connection, events)
        written = sa.select(EventRow).where(EventRow.key == case_id).order_by(EventRow.number)
        return [
            Event(row.id, row.type, row.key, row.number, row.time, row.realm, orjson.dumps(row.data))
            for row in await connection.execute(written)
        ]


async def handle(
    engine: AsyncEngine, events: Sequence[Event], now: datetime = NOW, ways: Sequence[Way] = ("email",)
) -> None:
    """Let a notifier's handler handle a batch, with these ways set up."""
    handler = NotifierHandler(Plans(), PRIVACY, lambda realm: ways if realm == "live" else WAYS, clock=lambda: now)
    async with engine.begin() as connection:
        await handler.handle(connection, events)


async def requested(engine: AsyncEngine, count: int = 1, **of_case: object) -> list[UUID]:
    """That many cases, each with a pending acknowledgement; returns the cases."""
    cases = [await case(engine, **of_case) for _ in range(count)]  # type: ignore[arg-type]  # passed on as given
    await handle(engine, [received(one) for one in cases])
    return cases


def sender(
    engine: AsyncEngine,
    channel: Channel,
    *,
    now: datetime = NOW,
    realms: Sequence[str] = ("live",),
    ways: Sequence[Way] | None = None,
    clock: Callable[[], datetime] | None = None,
) -> Sender:
    """A sender that looks often and rests shortly, on ``clock``, or on one that stands at ``now``."""
    return Sender(
        engine,
        PRIVACY,
        Plans(),
        channel,
        public_url=PUBLIC_URL,
        realms=realms,
        ways=ways,
        poll=0.02,
        pause=0.05,
        clock=clock or (lambda: now),
    )


def outgoing(
    *,
    notice: UUID | None = None,
    subject: str = "您的投诉已受理",
    text: str = "您好！\n",
    html: str | None = None,
    name: str = "李伟",
    address: str = "li.wei@example.com",
    kind: str = "acknowledgement",
    merged: Sequence[UUID] = (),
) -> Outgoing:
    """A notice ready to be said."""
    return Outgoing(
        notice=notice or new_id(),
        complaint=new_id(),
        reference="RD-7K3M-9PQ2-X",
        kind=kind,
        language="zh",
        realm="live",
        name=name,
        address=address,
        words=port.Words(subject, text, html),
        track_url=f"{PUBLIC_URL}/track/x",
        requested_at=NOW,
        merged=merged,
    )


def smtp(url: str, seconds: float = 5.0, lines: int = 2) -> Smtp:
    return Smtp(url, MAILER, lines=lines, seconds=seconds)


async def notices(engine: AsyncEngine) -> list[sa.Row[tuple[object, ...]]]:
    """All notices, in the order of their requests."""
    async with engine.connect() as connection:
        return list(
            await connection.execute(sa.text("select * from notice order by requested_at, complaint_id, number"))
        )


async def told_events(engine: AsyncEngine) -> list[tuple[str, int]]:
    """The short names and numbers of the events on notices, in the order of the log."""
    query = sa.text("select type, number from event where topic = 'redress.notice' order by position")
    async with engine.connect() as connection:
        return [(row.type.split(".")[2], row.number) for row in await connection.execute(query)]


def kept_mails(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.eml"))
