"""Sending what waits: to a real mail server that misbehaves, to files, and through the deaths of senders."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.base.identity import new_id
from services.complaints.events import Accepted, EstimateSet
from services.notices import claims, outcomes
from services.notices.channels.files import Files
from services.notices.channels.port import Channel, Outgoing, Way
from services.notices.claims import LEASE
from services.notices.delivering import LONGEST_RETRY, retry_after
from services.plan.schema import Plan
from services.plan.telling import Telling
from services.plan.versions import Plans
from tests.notices.factories import (
    MAILER,
    NOW,
    PRIVACY,
    PUBLIC_URL,
    case,
    change,
    dispatched,
    handle,
    happened,
    kept_mails,
    notices,
    received,
    requested,
    sender,
    smtp,
    told_events,
)
from tests.servers.smtp import SmtpServer, text_of

FIRST_RETRY = Telling().retry_after
JUDGED = {
    "status": "in_progress",
    "plan_version": 1,
    "category": "outage",
    "severity": "major",
    "group_code": "technical_support",
}


@pytest.fixture
def mail_server() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


async def test_a_notice_arrives_with_name_reference_and_link_and_is_recorded_as_sent(
    engine: AsyncEngine, mail_server: SmtpServer
) -> None:
    (new,) = await requested(engine)

    async with sending(engine, smtp(mail_server.url)):
        (message,) = await mail_server.wait_for(1)
        await settled(engine)

    (notice,) = await notices(engine)
    assert message["To"] == "李伟 <li.wei@example.com>"
    assert message["Subject"].startswith("您的投诉已受理")
    assert message["Redress-Notice"] == f"acknowledgement; {notice.id}"
    assert f"{PUBLIC_URL}/track/{PRIVACY.track_token(new, 0)}" in text_of(message)
    assert (notice.status, notice.attempts, notice.version, notice.claimed_until) == ("sent", 1, 2, None)
    assert notice.sent_at == NOW
    assert await told_events(engine) == [("requested", 1), ("sent", 2)]


async def test_many_notices_are_each_sent_once_by_several_senders(engine: AsyncEngine, mail_server: SmtpServer) -> None:
    await requested(engine, 60)

    async with sending(engine, smtp(mail_server.url)), sending(engine, smtp(mail_server.url)):
        await settled(engine)

    assert len(mail_server.messages) == 60
    assert len({message["Message-ID"] for message in mail_server.messages}) == 60


async def test_a_case_is_told_in_order_even_when_the_first_notice_has_to_wait(
    engine: AsyncEngine, mail_server: SmtpServer
) -> None:
    new = await case(engine, values=JUDGED)
    estimate = happened(new, EstimateSet(reference="RD", estimated_repair_at=NOW + timedelta(hours=1)), 4)
    accepted = happened(new, Accepted(reference="RD", assignee="chen.guoqiang"), 5)
    await handle(engine, [accepted, received(new), estimate, dispatched(new)])
    mail_server.defer("li.wei@example.com")

    async with sending(engine, smtp(mail_server.url)):
        await until(engine, "select attempts > 0 from notice where kind = 'acknowledgement'")
    mail_server.accept("li.wei@example.com")
    async with sending(engine, smtp(mail_server.url), now=NOW + FIRST_RETRY * 2):
        messages = await mail_server.wait_for(4)

    assert kinds(messages) == ["acknowledgement", "dispatched", "estimate", "contacted"]
    assert "2025年11月24日 11:30" in text_of(messages[2])


async def test_what_a_killed_sender_had_claimed_is_sent_when_its_lease_has_ended(
    engine: AsyncEngine, mail_server: SmtpServer
) -> None:
    await requested(engine)
    async with engine.begin() as connection:
        claimed, _, until_ = await claims.claim(connection, ["email"], ["live"], NOW, 10)
    assert (len(claimed), until_) == (1, NOW + LEASE)

    async with engine.begin() as connection:
        too_early, _, _ = await claims.claim(
            connection, ["email"], ["live"], NOW + LEASE - timedelta(milliseconds=1), 10
        )
    assert too_early == []
    async with sending(engine, smtp(mail_server.url), now=NOW + LEASE):
        await settled(engine)

    assert len(mail_server.messages) == 1


async def test_a_sender_whose_lease_has_passed_to_another_changes_nothing_of_it(engine: AsyncEngine) -> None:
    await requested(engine)
    async with engine.begin() as connection:
        (mine,), _, mine_until = await claims.claim(connection, ["email"], ["live"], NOW, 1)
        _, _, other_until = await claims.claim(connection, ["email"], ["live"], NOW + LEASE, 1)

    async with engine.begin() as connection:
        renewed = await claims.renew(connection, {mine.id: mine_until}, NOW + LEASE)
        failed = outcomes.on_to_next(mine, PRIVACY, NOW + LEASE, "too late", attempts=1)
        await outcomes.move(connection, [failed], {mine.id: mine_until}, {mine.id: await plan_1(connection)})

    (notice,) = await notices(engine)
    assert renewed == {}
    assert (notice.status, notice.claimed_until) == ("pending", other_until)


async def test_a_mail_that_outlives_its_lease_is_not_sent_again_by_the_same_sender(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    await requested(engine)
    door = Door(tmp_path)
    clock = [NOW]
    slow = sender(engine, door, clock=lambda: clock[0])
    task = asyncio.create_task(slow.run())
    await asyncio.wait_for(door.knocked.wait(), 10)

    clock[0] = NOW + 2 * LEASE
    await until(engine, f"select claimed_until = '{clock[0] + LEASE}' from notice")
    door.open.set()
    await settled(engine)
    slow.stop()
    await asyncio.wait_for(task, 10)

    assert door.sent == 1
    assert await told_events(engine) == [("requested", 1), ("sent", 2)]


async def test_a_clock_that_runs_a_day_ahead_or_behind_delays_no_notice_and_ends_no_lease(engine: AsyncEngine) -> None:
    cases = [await case(engine) for _ in range(2)]
    real = datetime.now(UTC)
    await handle(engine, [received(cases[0])], real + timedelta(days=1))
    await handle(engine, [received(cases[1])], real - timedelta(days=1))

    async with engine.begin() as connection:
        claimed, _, _ = await claims.claim(connection, ["email"], ["live"], None, 10)
        again, _, _ = await claims.claim(connection, ["email"], ["live"], None, 10)

    assert {notice.complaint for notice in claimed} == set(cases)
    assert again == []


async def test_a_notice_that_was_sent_twice_is_recorded_once(engine: AsyncEngine) -> None:
    await requested(engine)
    async with engine.begin() as connection:
        (mine,), _, until_ = await claims.claim(connection, ["email"], ["live"], NOW, 1)
        for _ in range(2):
            await outcomes.move(connection, [outcomes.sent(mine, NOW)], {mine.id: until_}, {})

    assert await told_events(engine) == [("requested", 1), ("sent", 2)]


async def test_a_refused_recipient_fails_at_once_and_others_go_on(engine: AsyncEngine, mail_server: SmtpServer) -> None:
    mail_server.refuse("gone@example.com")
    await requested(engine, email="gone@example.com")
    await requested(engine, 3)

    async with sending(engine, smtp(mail_server.url)):
        await settled(engine)

    failed = [notice for notice in await notices(engine) if notice.status == "failed"]
    assert len(mail_server.messages) == 3
    assert [(notice.attempts, "550" in notice.failure) for notice in failed] == [(1, True)]
    assert "gone@example.com" not in failed[0].failure
    assert sorted(name for name, _ in await told_events(engine)) == ["failed"] + ["requested"] * 4 + ["sent"] * 3


async def test_a_deferred_recipient_is_tried_again_later_and_given_up_after_days(
    engine: AsyncEngine, mail_server: SmtpServer
) -> None:
    mail_server.defer("li.wei@example.com")
    await requested(engine)

    async with sending(engine, smtp(mail_server.url)):
        await until(engine, "select attempts = 1 from notice")
    (notice,) = await notices(engine)
    assert (notice.status, notice.claimed_until) == ("pending", None)
    assert NOW + FIRST_RETRY <= notice.due_at <= NOW + FIRST_RETRY * 1.5

    async with sending(engine, smtp(mail_server.url), now=NOW + timedelta(days=3)):
        await settled(engine)
    (notice,) = await notices(engine)
    assert (notice.status, notice.attempts) == ("failed", 2)
    assert "given up after 3 days" in notice.failure


async def test_a_server_that_is_down_costs_no_attempt_and_loses_nothing(
    engine: AsyncEngine, mail_server: SmtpServer, caplog: pytest.LogCaptureFixture
) -> None:
    mail_server.down()
    await requested(engine, 20)

    async with sending(engine, smtp(mail_server.url)):
        await until_true(lambda: "sending rests" in caplog.text)
        assert {notice.status for notice in await notices(engine)} == {"pending"}
        mail_server.up()
        await settled(engine)

    assert len(mail_server.messages) == 20
    assert {notice.attempts for notice in await notices(engine)} == {1}


async def test_a_server_that_restarts_between_mails_is_not_noticed_by_anybody(
    engine: AsyncEngine, mail_server: SmtpServer
) -> None:
    await requested(engine)

    async with sending(engine, smtp(mail_server.url)):
        await settled(engine)
        mail_server.down()
        mail_server.up()
        await requested(engine)
        await settled(engine)

    assert len(mail_server.messages) == 2
    assert {notice.attempts for notice in await notices(engine)} == {1}


async def test_a_mail_that_was_taken_without_an_answer_is_sent_again_with_the_same_message_id(
    engine: AsyncEngine, mail_server: SmtpServer
) -> None:
    mail_server.hang_after_taking()
    await requested(engine)

    async with sending(engine, smtp(mail_server.url, seconds=0.1)):
        await until(engine, "select attempts = 1 from notice")
    (notice,) = await notices(engine)
    assert "did not confirm" in notice.failure

    mail_server.answer()
    async with sending(engine, smtp(mail_server.url), now=NOW + FIRST_RETRY * 2):
        await settled(engine)
    first, second = mail_server.messages
    assert first["Message-ID"] == second["Message-ID"]


async def test_an_address_that_can_not_be_written_to_fails_without_a_word_to_the_server(
    engine: AsyncEngine, mail_server: SmtpServer
) -> None:
    await requested(engine, email="a@example.com\r\nBcc: b@example.com")

    async with sending(engine, smtp(mail_server.url)):
        await settled(engine)

    (notice,) = await notices(engine)
    assert (notice.status, mail_server.messages) == ("failed", ())


async def test_a_name_with_line_ends_adds_no_header(engine: AsyncEngine, mail_server: SmtpServer) -> None:
    await requested(engine, name="Li\r\nBcc: b@example.com")

    async with sending(engine, smtp(mail_server.url)):
        (message,) = await mail_server.wait_for(1)

    assert message["Bcc"] is None
    assert mail_server.deliveries[0].recipients == ("li.wei@example.com",)


async def test_an_address_beyond_ascii_is_written_to_where_the_server_can(
    engine: AsyncEngine, mail_server: SmtpServer
) -> None:
    await requested(engine, email="李伟@example.com")

    async with sending(engine, smtp(mail_server.url)):
        await settled(engine)

    assert mail_server.deliveries[0].recipients == ("李伟@example.com",)


async def test_the_link_and_the_address_are_those_of_the_moment_of_sending(
    engine: AsyncEngine, mail_server: SmtpServer
) -> None:
    (new,) = await requested(engine)
    await change(engine, new, track_epoch=1, personal={"name": "李伟", "email": "new@example.com"})

    async with sending(engine, smtp(mail_server.url)):
        (message,) = await mail_server.wait_for(1)

    assert mail_server.deliveries[0].recipients == ("new@example.com",)
    assert PRIVACY.track_token(new, 1) in text_of(message)


async def test_a_notice_without_its_facts_waits_and_holds_up_nobody(
    engine: AsyncEngine, mail_server: SmtpServer, caplog: pytest.LogCaptureFixture
) -> None:
    (broken,) = await requested(engine)
    async with engine.begin() as connection:
        await connection.execute(sa.text("update notice set facts = '{}' where complaint_id = :id"), {"id": broken})
    await requested(engine)

    async with sending(engine, smtp(mail_server.url)):
        await mail_server.wait_for(1)
        await until(engine, "select bool_and(attempts = 1) from notice")

    assert sorted(notice.status for notice in await notices(engine)) == ["pending", "sent"]
    assert "can't be written and is tried again later" in caplog.text
    assert "li.wei" not in caplog.text


async def test_only_notices_of_the_senders_realms_are_sent(engine: AsyncEngine, tmp_path: Path) -> None:
    await requested(engine, realm="drill")
    await requested(engine, realm="live")

    async with sending(engine, Files(tmp_path, MAILER), realms=("drill",)):
        await until(engine, "select bool_or(status = 'sent') from notice")

    assert sorted((notice.realm, notice.status) for notice in await notices(engine)) == [
        ("drill", "sent"),
        ("live", "pending"),
    ]


async def test_without_a_mail_server_mails_are_kept_as_files_for_the_owner_alone(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    folder = tmp_path / "home" / "mail"
    await requested(engine, 5)

    async with sending(engine, Files(folder, MAILER)):
        await settled(engine)

    assert [file.stem for file in kept_mails(folder)] == sorted(str(notice.id) for notice in await notices(engine))
    assert {file.suffix for file in folder.iterdir()} == {".eml"}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    assert "尊敬的李伟" in kept_mails(folder)[0].read_text()


async def test_a_folder_that_can_not_be_written_to_costs_no_attempt(
    engine: AsyncEngine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    in_the_way = tmp_path / "mail"
    in_the_way.write_text("a file where the folder should be")
    await requested(engine)

    async with sending(engine, Files(in_the_way, MAILER)):
        await until_true(lambda: "sending rests" in caplog.text)
        in_the_way.unlink()
        await settled(engine)

    assert [notice.attempts for notice in await notices(engine)] == [1]


async def test_stopping_gives_back_what_was_not_begun(engine: AsyncEngine, mail_server: SmtpServer) -> None:
    mail_server.hang()
    await requested(engine, 10)

    async with sending(engine, smtp(mail_server.url, seconds=0.2, lines=1)):
        await until(engine, "select count(*) > 1 from notice where claimed_until is not null")

    assert {(notice.status, notice.claimed_until) for notice in await notices(engine)} == {("pending", None)}


async def test_a_claim_that_fails_before_its_commit_is_made_again(
    engine: AsyncEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await requested(engine, 3)
    claim_along, failures = claims.claim_along, [ConnectionError("the database went away")]

    async def failing_once(*arguments: Any) -> Mapping[UUID, list[claims.Claimed]]:
        if failures:
            raise failures.pop()
        return await claim_along(*arguments)

    monkeypatch.setattr(claims, "claim_along", failing_once)
    async with sending(engine, Files(tmp_path, MAILER)):
        await settled(engine)

    assert failures == []
    assert len(kept_mails(tmp_path)) == 3


def test_pauses_between_tries_double_up_to_an_hour_and_come_apart() -> None:
    one = new_id()

    assert FIRST_RETRY <= retry_after(1, one, FIRST_RETRY) <= FIRST_RETRY * 1.5
    assert FIRST_RETRY * 2 <= retry_after(2, one, FIRST_RETRY) <= FIRST_RETRY * 3
    assert LONGEST_RETRY <= retry_after(500, one, FIRST_RETRY) <= LONGEST_RETRY * 1.5
    assert len({retry_after(1, new_id(), FIRST_RETRY) for _ in range(20)}) > 10


@asynccontextmanager
async def sending(
    engine: AsyncEngine,
    channel: Channel,
    *,
    now: datetime = NOW,
    realms: tuple[str, ...] = ("live",),
    ways: Sequence[Way] | None = None,
) -> AsyncIterator[None]:
    """A sender at work for as long as the block lasts."""
    working = sender(engine, channel, now=now, realms=realms, ways=ways)
    task = asyncio.create_task(working.run())
    try:
        yield
    finally:
        working.stop()
        await asyncio.wait_for(task, 15)


async def plan_1(connection: AsyncConnection) -> Plan:
    return await Plans().get(connection, 1)


async def until(engine: AsyncEngine, question: str) -> None:
    """Wait until the database answers yes."""
    for _ in range(500):
        async with engine.connect() as connection:
            if await connection.scalar(sa.text(question)):
                return
        await asyncio.sleep(0.01)
    raise AssertionError(f"still not so: {question}")


async def settled(engine: AsyncEngine) -> None:
    """Wait until no notice is pending."""
    await until(engine, "select not exists (select from notice where status = 'pending')")


async def until_true(condition: Callable[[], bool]) -> None:
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("still not so")


def kinds(messages: tuple[EmailMessage, ...]) -> list[str]:
    return [message["Redress-Notice"].partition(";")[0] for message in messages]


class Door:
    """Files behind a door: a mail waits until it is open. ``sent`` counts the mails that went through."""

    way: Way = "email"
    repeats = True
    lines = 1

    def __init__(self, folder: Path) -> None:
        self._files = Files(folder, MAILER)
        self.knocked = asyncio.Event()
        self.open = asyncio.Event()
        self.sent = 0

    def line(self) -> Door:
        return self

    async def send(self, out: Outgoing) -> None:
        self.knocked.set()
        await self.open.wait()
        await self._files.keep(out)
        self.sent += 1

    async def run(self) -> None:
        await asyncio.Event().wait()

    async def close(self) -> None:
        return
