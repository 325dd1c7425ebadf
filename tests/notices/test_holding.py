"""What is held back: at night, when a customer was told much, when they want nothing; and what is told together."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.stream.event import Event
from services.complaints.events import Accepted, EstimateSet
from services.notices.channels.files import Files
from services.notices.model import OptOut
from services.plan.loading import shipped_plan_text
from services.plan.versions import Plans
from tests.notices.factories import (
    MAILER,
    NOW,
    PRIVACY,
    case,
    dispatched,
    handle,
    happened,
    kept_mails,
    notices,
    received,
    smtp,
    told_events,
)
from tests.notices.test_sending import JUDGED, sending, until
from tests.servers.smtp import SmtpServer, text_of

MAIL = "li.wei@example.com"
NIGHT = datetime(2025, 11, 24, 15, 0, tzinfo=UTC)  # 23:00 in Shanghai
MORNING = datetime(2025, 11, 25, 0, 0, tzinfo=UTC)


@pytest.fixture
def mail_server() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


async def test_what_comes_at_night_is_told_together_in_the_morning(
    engine: AsyncEngine, mail_server: SmtpServer
) -> None:
    new = await quiet_case(engine)
    await handle(engine, [dispatched(new, 3), accepted(new, 4)], now=NIGHT)

    async with sending(engine, smtp(mail_server.url), now=NIGHT):
        await until(engine, "select count(*) filter (where held = 'quiet') = 2 from notice")
    assert not mail_server.messages
    async with sending(engine, smtp(mail_server.url), now=MORNING):
        (message,) = await mail_server.wait_for(1)
        await until(engine, "select bool_and(status = 'sent') from notice")

    first, second = await notices(engine)
    assert [notice.due_at for notice in (first, second)] == [MORNING, MORNING]
    assert (first.merged_into, second.merged_into) in [(None, first.id), (second.id, None)]
    assert "技术支持组" in text_of(message)
    assert "陈国强" in text_of(message)
    assert len(mail_server.messages) == 1
    assert await told_events(engine) == [("requested", 1), ("requested", 1), ("sent", 2), ("sent", 2)]


async def test_what_is_urgent_at_night_takes_along_what_was_held_back_before_it(
    engine: AsyncEngine, mail_server: SmtpServer
) -> None:
    new = await quiet_case(engine)
    await handle(engine, [dispatched(new, 3)], now=NIGHT)
    async with sending(engine, smtp(mail_server.url), now=NIGHT):
        await until(engine, "select held = 'quiet' from notice")

    estimate = EstimateSet(reference="RD", estimated_repair_at=NIGHT + timedelta(hours=4))
    await handle(engine, [happened(new, estimate, 4)], now=NIGHT)
    async with sending(engine, smtp(mail_server.url), now=NIGHT + timedelta(minutes=1)):
        (message,) = await mail_server.wait_for(1)
        await until(engine, "select bool_and(status = 'sent') from notice")

    dispatch_notice, estimate_notice = await notices(engine)
    assert message["Redress-Notice"] == f"estimate; {estimate_notice.id}"
    assert message["Redress-Merged"] == str(dispatch_notice.id)
    assert dispatch_notice.merged_into == estimate_notice.id
    text = text_of(message)
    assert text.index("技术支持组") < text.index("2025年11月25日 03:00")


async def test_a_customer_of_many_cases_is_written_to_so_often_an_hour_and_then_told_all_at_once(
    engine: AsyncEngine, mail_server: SmtpServer
) -> None:
    await plan(engine, "most_per_hour: 6", "most_per_hour: 2")
    cases = [await case(engine, values={**JUDGED, "plan_version": 2}) for _ in range(6)]
    await handle(engine, [dispatched(one) for one in cases])

    async with sending(engine, smtp(mail_server.url)):
        await until(engine, "select count(*) filter (where held = 'limit') = 4 from notice")
    assert len(mail_server.deliveries) == 2
    async with sending(engine, smtp(mail_server.url), now=NOW + timedelta(hours=1)):
        messages = await mail_server.wait_for(3)
        await until(engine, "select bool_and(status = 'sent') from notice")

    assert len(mail_server.messages) == 3
    last = messages[2]
    told = [last["Redress-Notice"].partition("; ")[2], *last.get_all("Redress-Merged", [])]
    assert len(set(told)) == 4
    assert all(notice.status == "sent" for notice in await notices(engine))


async def test_others_are_not_held_back_by_one_customers_limit(engine: AsyncEngine, mail_server: SmtpServer) -> None:
    await plan(engine, "most_per_hour: 6", "most_per_hour: 1")
    judged = {**JUDGED, "plan_version": 2}
    mine = [await case(engine, values=judged) for _ in range(3)]
    other = await case(engine, values=judged, email="zhang.san@example.com")
    await handle(engine, [dispatched(one) for one in (*mine, other)])

    async with sending(engine, smtp(mail_server.url)):
        await until(engine, "select count(*) filter (where status = 'sent') = 2 from notice")

    recipients = {message["To"].addresses[0].addr_spec for message in mail_server.messages}
    assert recipients == {MAIL, "zhang.san@example.com"}


async def test_who_wants_no_mail_gets_only_what_the_law_demands_and_the_rest_says_why(
    engine: AsyncEngine, mail_server: SmtpServer
) -> None:
    new = await case(engine, values=JUDGED)
    await opted_out(engine, "live")
    await handle(engine, [received(new), dispatched(new)])

    async with sending(engine, smtp(mail_server.url)):
        await until(engine, "select bool_and(status <> 'pending') from notice")

    acknowledgement, dispatch_notice = await notices(engine)
    assert (acknowledgement.status, dispatch_notice.status) == ("sent", "dropped")
    assert dispatch_notice.failure == "the customer wants no messages by email"
    assert len(mail_server.messages) == 1
    assert await told_events(engine) == [("requested", 1), ("requested", 1), ("sent", 2), ("dropped", 2)]


async def test_a_customers_wish_in_the_sandbox_says_nothing_of_the_real_one(
    engine: AsyncEngine, mail_server: SmtpServer
) -> None:
    await opted_out(engine, "sandbox")
    await handle(engine, [dispatched(await case(engine, values=JUDGED))])

    async with sending(engine, smtp(mail_server.url)):
        await mail_server.wait_for(1)


async def test_a_drill_tells_nobody_whatever_way_it_would_go(engine: AsyncEngine, tmp_path: Path) -> None:
    new = await case(engine, realm="drill", channel="hotline", values=JUDGED)
    await handle(engine, [received(new)])

    async with sending(engine, Files(tmp_path, MAILER), realms=("drill",), ways=("email", "sms", "webhook")):
        await until(engine, "select bool_and(status = 'sent') from notice")

    (notice,) = await notices(engine)
    assert notice.way == "sms"
    (kept,) = tmp_path.iterdir()
    assert kept.name == f"{notice.id}.txt"
    assert "To: +8613800138000" in kept.read_text()
    assert kept_mails(tmp_path) == []


def accepted(case_id: UUID, number: int) -> Event:
    return happened(case_id, Accepted(reference="RD", assignee="chen.guoqiang"), number)


async def quiet_case(engine: AsyncEngine) -> UUID:
    """A case whose customer is not to be disturbed at night, not even by mail."""
    await plan(engine, "ways: [sms, webhook]}", "ways: [email, sms, webhook]}")
    return await case(engine, values={**JUDGED, "plan_version": 2})


async def plan(engine: AsyncEngine, before: str, after: str) -> None:
    text = shipped_plan_text()
    assert before in text
    async with engine.begin() as connection:
        assert await Plans().ensure(connection, text.replace(before, after)) == 2


async def opted_out(engine: AsyncEngine, realm: str) -> None:
    recipient = PRIVACY.fingerprint("email", MAIL)
    async with engine.begin() as connection:
        await connection.execute(
            sa.insert(OptOut).values(recipient=recipient, way="email", realm=realm, since=NOW, cause="stop")
        )
