"""Customers are told once, in order, and in the end, while the notifier is killed and its peers fail one time in three.

Counted at the peers, by the ids that they were given. REDRESS_CHAOS_CASES says how many complaints (200 by default;
2,000 is what the product is measured by, and takes some minutes).
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import TypeVar
from uuid import UUID

import orjson
import pytest
import sqlalchemy as sa
from aiohttp import web
from smpplib import consts
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.identity import new_id
from services.base.privacy import Person
from services.base.stream import log
from services.base.stream.event import NewEvent
from services.complaints.events import Received
from services.complaints.model import Complaint
from services.notices.channels.port import reference_of
from services.people.keys import create_key
from services.plan.loading import shipped_plan_text
from services.plan.versions import Plans
from tests.notices.factories import NOW, PRIVACY, dispatched_data
from tests.servers.programs import Installation
from tests.servers.smsc import Fault, Smsc
from tests.servers.smtp import SmtpServer
from tests.servers.webhooks import WebhookServer, answering, close_half_way, close_without_a_word

CASES = int(os.environ.get("REDRESS_CHAOS_CASES", "200"))
KILLS = 10
PATIENCE = 180.0 + CASES / 4
FRONT_END = "the app"
CHANCE = random.Random(7)
T = TypeVar("T")
# Sooner than in life, so that a test sees the end of it; and no night, no limit.
SOONER = (
    ('  quiet: {since: "22:00", until: "08:00", ways: [sms, webhook]}\n', ""),
    ("most_per_hour: 6", "most_per_hour: 1000"),
    ("  retry_after: 30s", "  retry_after: 1s"),
    ("unconfirmed_after: 15m", "unconfirmed_after: 5s"),
)


@pytest.mark.slow
async def test_nobody_is_forgotten_or_told_twice_whoever_dies(engine: AsyncEngine, database: str) -> None:
    await set_up(engine)
    with misbehaving() as (smtp, smsc, front_end):
        settings = {"smtp_url": smtp.url, "smpp_url": smsc.url, "webhook_networks": "127.0.0.0/8"}
        with Installation(database, log_level="error", **settings) as installation:
            front_end.secrets = (installation.run("callbacks", "set", FRONT_END, front_end.url).split()[-1],)
            notifier = installation.start("worker", "notifier")
            for _ in range(KILLS):
                await asyncio.sleep(CHANCE.uniform(0.5, 2.5))
                notifier.kill()
                notifier.restart()
            await until_over(engine)
            notifier.stop()

        told = await outcome(engine)
        mails = [message["Redress-Notice"].partition("; ")[2] for message in smtp.messages]
        texts = Counter((text.recipient.lstrip("+"), text.parts[-1].reference) for text in smsc.texts)
        calls = list(front_end.taken)

    print(f"fates: {dict(Counter((one.way, one.status) for one in told))}")
    print(
        f"at the peers: {len(mails)} mails of {len(set(mails))} notices, {len(calls)} calls, {len(texts)} text messages"
    )
    assert len(told) == 2 * CASES
    lost = [one for one in told if one.status not in ("sent", "delivered") and not one.has_task]
    assert lost == [], "not told, and nobody is asked to call"
    assert {one.status for one in told} <= {"sent", "delivered", "failed", "unconfirmed"}
    assert any(one.status == "delivered" for one in told), "receipts are heard"
    went = {way: {str(one.id) for one in told if one.way == way and one.went} for way in ("email", "webhook")}
    assert went["email"] <= set(mails), "recorded as sent, and no mail came"
    assert went["webhook"] <= set(calls), "recorded as sent, and no call came"
    assert len({message["Message-ID"] for message in smtp.messages}) == len(set(mails)), "one id for each mail"
    assert [text for text, times in texts.items() if times > 1] == [], "a text message came twice"
    by_text = {
        (one.phone.lstrip("+"), reference_of(one.id)) for one in told if one.way == "sms" and one.went and one.phone
    }
    assert by_text <= set(texts), "recorded as sent, and no text message came"
    assert out_of_order(told) == []


async def set_up(engine: AsyncEngine) -> None:
    """The plan, the front end, and complaints that were received and dispatched, of customers of every kind."""
    plan = shipped_plan_text()
    for before, after in SOONER:
        assert before in plan
        plan = plan.replace(before, after)
    async with engine.begin() as connection:
        assert await Plans().ensure(connection, plan) == 2
        key = await create_key(connection, role="channel", name=FRONT_END)
        key_id = await connection.scalar(sa.text("select id from api_key where name = :name"), {"name": FRONT_END})
        assert key
        cases = [row(number, key_id) for number in range(CASES)]
        await connection.execute(sa.insert(Complaint), cases)
        events = [event for one in cases for event in happenings(UUID(str(one["id"])))]
        for start in range(0, len(events), 1000):
            await log.append(connection, events[start : start + 1000])


def row(number: int, key_id: UUID) -> dict[str, object]:
    phone, email = f"+86138{number:08}", f"c{number}@example.com"
    channel, person = (
        ("web", Person(name="李伟", email=email)),
        ("hotline", Person(name="李伟", phone=phone, email=email)),
        ("hotline", Person(name="Li Wei", phone=phone)),
        ("app", Person(name="李伟", phone=phone, reply_channel="webhook", reply_address=f"chat-{number}")),
    )[number % 4]
    return {
        "id": new_id(),
        "reference": f"CH-{number}",
        "realm": "live",
        "version": 2,
        "status": "dispatched",
        "api_key_id": key_id,
        "body_hash": b"",
        "channel": channel,
        "service_type": "broadband",
        "language": "en" if number % 3 else "zh",
        "received_at": NOW,
        "personal": orjson.loads(PRIVACY.seal(person)),
        "content": "宽带从昨晚开始断网。",
        "plan_version": 2,
        "category": "outage",
        "severity": "major",
        "group_code": "technical_support",
        "assignee": "chen.guoqiang",
    }


def happenings(case: UUID) -> list[NewEvent]:
    received = Received(reference="CH", channel="web", service_type="broadband", language="zh", received_at=NOW)
    return [
        NewEvent(case, 1, received, NOW, "live", "channel:test"),
        NewEvent(case, 2, dispatched_data(), NOW, "live", "system:handler"),
    ]


@contextmanager
def misbehaving() -> Iterator[tuple[SmtpServer, Smsc, WebhookServer]]:
    """Peers that fail one time in three: before they take something, or after, without saying so."""
    with SmtpServer() as smtp, Smsc() as smsc, WebhookServer() as front_end:
        smtp.whenever(one_in_three("take", "defer", "cut"))
        smsc.whenever(one_in_three(None, consts.SMPP_ESME_RSYSERR, consts.SMPP_ESME_RTHROTTLED, Fault.CUT))
        smsc.confirm_all()
        choose = one_in_three(None, answering(503), answering(500), close_without_a_word, close_half_way)
        take = answering(204)

        async def behave(request: web.Request) -> web.StreamResponse:
            return await (choose(request) or take)(request)

        front_end.always(behave)
        yield smtp, smsc, front_end


def one_in_three(usual: T, *failures: T) -> Callable[[object], T]:
    def choose(_: object) -> T:
        return CHANCE.choice(failures) if CHANCE.random() < 1 / 3 else usual

    return choose


@dataclass(frozen=True, slots=True)
class Told:
    """What the database says of a notice."""

    id: UUID
    case: UUID
    number: int
    way: str
    status: str
    phone: str | None
    sent_at: datetime | None
    has_task: bool

    @property
    def went(self) -> bool:
        return self.status in ("sent", "delivered")


async def outcome(engine: AsyncEngine) -> list[Told]:
    query = sa.text(
        """
        select n.id, n.complaint_id, n.number, n.way, n.status, c.personal ->> 'phone', n.sent_at,
               exists (select from task t where t.complaint_id = c.id and t.kind = 'call_customer')
        from notice n join complaint c on c.id = n.complaint_id
        order by n.complaint_id, n.number
        """
    )
    async with engine.connect() as connection:
        return [Told(*row) for row in await connection.execute(query)]


async def until_over(engine: AsyncEngine) -> None:
    """Wait until every notice is written and has its fate."""
    query = sa.text(
        """
        select count(*) = :all and bool_and(status not in ('pending', 'unconfirmed') or due_at is null) as over,
               count(*) as written, count(*) filter (where status = 'pending') as pending
        from notice
        """
    )
    give_up = time.monotonic() + PATIENCE
    while True:
        async with engine.connect() as connection:
            now = (await connection.execute(query, {"all": 2 * CASES})).one()
        if now.over:
            return
        assert time.monotonic() < give_up, f"not over after {PATIENCE} s: {now}"
        await asyncio.sleep(0.5)


def out_of_order(told: Sequence[Told]) -> list[tuple[Told, Told]]:
    """Pairs of notices of one case of which the later was sent before the earlier."""
    return [
        (first, second)
        for first, second in pairwise(told)
        if first.case == second.case and first.sent_at and second.sent_at and second.sent_at < first.sent_at
    ]
