"""Calls to channel front ends, against a real receiver: what it gets, and what each of its answers comes to."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.identity import new_id
from services.notices.callbacks import commands
from services.notices.callbacks.signing import BOTH_SIGN, secret_of
from services.notices.channels.port import Deferred, NotSent, Outgoing, PeerAway, Rejected, Unconfirmed
from services.notices.channels.webhook_addresses import Endpoint, parsed
from tests.notices.factories import PRIVACY
from tests.notices.front_ends import HASTY, failure_of, known_to, line_of, outgoing
from tests.servers.webhooks import Behaviour, WebhookServer, answering, close_half_way, close_without_a_word


@pytest.fixture
def front_end() -> Iterator[WebhookServer]:
    with WebhookServer() as server:
        yield server


async def test_a_front_end_gets_the_words_and_its_conversation_and_not_the_name(
    engine: AsyncEngine, front_end: WebhookServer
) -> None:
    await known_to(engine, front_end)
    conversation = "会话😀" * 250
    out = outgoing(address=conversation, merged=(new_id(),))

    async with line_of(engine) as line:
        peer_id = await line.send(out)

    (call,) = front_end.calls
    assert call.verified_by == front_end.secrets
    assert call.id == str(out.notice)
    assert call.headers["Content-Type"] == "application/json"
    assert call.headers["User-Agent"].startswith("Redress/")
    assert '"type":"notice.estimate","timestamp":"2025-11-24T02:30:00Z"' in call.body
    assert call.data == {
        "notice": str(out.notice),
        "complaint": str(out.complaint),
        "reference": "RD-7KQ2-M4XA",
        "realm": "live",
        "kind": "estimate",
        "language": "zh",
        "conversation": conversation,
        "subject": "预计修复时间",
        "text": "您好，宽带预计今天18:00前修复。🙏𠮷\n",
        "track_url": "https://care.example.com/track/abc",
        "merged": [str(out.merged[0])],
    }
    assert "李伟" not in call.body
    assert peer_id is None


async def test_after_a_rotation_both_secrets_sign_for_a_day_and_then_the_new_one(
    engine: AsyncEngine, front_end: WebhookServer
) -> None:
    old = await known_to(engine, front_end)
    async with engine.begin() as connection:
        new = await commands.rotate(connection, "live", "chat")
    old_secret, new_secret = (secret_of(PRIVACY, "chat", callback.epoch) for callback in (old, new))
    front_end.secrets = (old_secret, new_secret)

    async with line_of(engine) as line:
        await line.send(outgoing())
    async with engine.begin() as connection:
        await connection.execute(sa.text("update callback set rotated_at = :at"), {"at": datetime.now(UTC) - BOTH_SIGN})
    async with line_of(engine) as line:
        await line.send(outgoing())

    assert old_secret != new_secret
    assert [call.verified_by for call in front_end.calls] == [(old_secret, new_secret), (new_secret,)]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, None),
        (204, None),
        (299, None),
        (400, Rejected),
        (413, Rejected),
        (422, Rejected),
        (301, PeerAway),
        (304, PeerAway),
        (401, PeerAway),
        (404, PeerAway),
        (405, PeerAway),
        (429, PeerAway),
        (503, PeerAway),
        (403, Deferred),
        (409, Deferred),
        (418, Deferred),
        (500, Deferred),
        (502, Deferred),
        (599, Deferred),
    ],
)
async def test_each_answer_comes_to_what_the_table_says(
    engine: AsyncEngine, front_end: WebhookServer, status: int, kind: type[NotSent] | None
) -> None:
    await known_to(engine, front_end)
    front_end.once(answering(status))

    async with line_of(engine) as line:
        failure = await failure_of(line, outgoing())
        after = await failure_of(line, outgoing())

    assert type(failure) is (kind or type(None))
    if failure is not None:
        assert str(status) in str(failure)
        assert "chat-71f3" not in str(failure)
    if isinstance(failure, PeerAway):
        assert failure.peer == "chat"
    # One bad answer keeps nobody else waiting.
    assert after is None


@pytest.mark.parametrize("as_date", [False, True])
async def test_a_front_end_that_asks_for_patience_is_not_called_before_it_is_over(
    engine: AsyncEngine, front_end: WebhookServer, as_date: bool
) -> None:
    await known_to(engine, front_end)
    now = datetime.now(UTC).replace(microsecond=0)
    after = format_datetime(now + timedelta(seconds=120), usegmt=True) if as_date else "120"
    front_end.once(answering(429, Retry_After=after))

    async with line_of(engine, clock=lambda: now) as line:
        asked = await failure_of(line, outgoing())
        now += timedelta(seconds=119)
        early = await failure_of(line, outgoing())
        calls_before = len(front_end.calls)
        now += timedelta(seconds=1)
        in_time = await failure_of(line, outgoing())

    assert isinstance(asked, PeerAway)
    assert isinstance(early, PeerAway)
    assert "429 Too Many Requests" in str(early)
    assert calls_before == 1
    assert in_time is None


async def test_a_front_end_that_fails_again_and_again_rests_and_one_call_at_a_time_finds_out_when_it_is_back(
    engine: AsyncEngine, front_end: WebhookServer
) -> None:
    await known_to(engine, front_end)
    now = datetime.now(UTC)
    front_end.always(answering(500))

    async with line_of(engine, clock=lambda: now) as line:
        first = [type(await failure_of(line, outgoing())) for _ in range(5)]
        called_first = len(front_end.calls)
        now += timedelta(seconds=1)
        together = await asyncio.gather(*(failure_of(line, outgoing()) for _ in range(4)))
        called_together = len(front_end.calls) - called_first
        front_end.always(None)
        now += timedelta(seconds=2)
        back = await failure_of(line, outgoing())
        at_once = await asyncio.gather(*(failure_of(line, outgoing()) for _ in range(4)))

    assert first == [Deferred, Deferred, Deferred, PeerAway, PeerAway]
    assert called_first == 3
    assert sorted(type(failure).__name__ for failure in together) == ["Deferred", "PeerAway", "PeerAway", "PeerAway"]
    assert called_together == 1
    assert back is None
    assert at_once == [None] * 4


async def test_410_disables_the_callback_until_it_is_enabled_again(
    engine: AsyncEngine, front_end: WebhookServer
) -> None:
    await known_to(engine, front_end)
    front_end.once(answering(410))

    async with line_of(engine) as line:
        gone = await failure_of(line, outgoing())
        afterwards = await failure_of(line, outgoing())
    async with engine.begin() as connection:
        reason = await connection.scalar(sa.text("select disabled_reason from callback where disabled_at is not null"))
        await commands.enable(connection, "live", "chat")
    async with line_of(engine) as line:
        enabled = await failure_of(line, outgoing())

    assert type(gone) is Rejected
    assert type(afterwards) is Rejected
    assert reason == "chat answered 410 Gone"
    assert len(front_end.calls) == 2
    assert enabled is None


async def test_410_from_a_url_that_was_replaced_meanwhile_disables_nothing(
    engine: AsyncEngine, front_end: WebhookServer
) -> None:
    called = await known_to(engine, front_end)
    async with engine.begin() as connection:
        await commands.put(connection, "live", "chat", Endpoint(parsed("https://chat.example.com/new")))
        await commands.disable(connection, called, "chat answered 410 Gone")
        state = (await connection.execute(sa.text("select url, disabled_at from callback"))).one()

    assert state == ("https://chat.example.com/new", None)


@pytest.mark.parametrize(
    "out",
    [
        outgoing(front_end="nobody"),
        outgoing(front_end=None),
        outgoing(realm="drill"),
    ],
    ids=["no callback", "no front end", "a drill, where only live has a callback"],
)
async def test_a_notice_for_nobody_that_can_be_called_goes_the_next_way(
    engine: AsyncEngine, front_end: WebhookServer, out: Outgoing
) -> None:
    await known_to(engine, front_end)

    async with line_of(engine) as line:
        failure = await failure_of(line, out)

    assert type(failure) is Rejected
    assert front_end.calls == []


async def test_a_redirect_is_not_followed(engine: AsyncEngine, front_end: WebhookServer) -> None:
    await known_to(engine, front_end)
    with WebhookServer(*front_end.secrets) as elsewhere:
        front_end.once(answering(307, Location=elsewhere.url))
        async with line_of(engine) as line:
            failure = await failure_of(line, outgoing())

        assert type(failure) is PeerAway
        assert "307 Temporary Redirect; its callback is set up wrongly" in str(failure)
        assert elsewhere.calls == []


@pytest.mark.parametrize("behaviour", ["hang", close_without_a_word, close_half_way])
async def test_a_call_without_an_answer_is_unconfirmed_and_its_repetition_is_known_by_the_id(
    engine: AsyncEngine, front_end: WebhookServer, behaviour: str | Behaviour
) -> None:
    await known_to(engine, front_end)
    front_end.once(front_end.hang if isinstance(behaviour, str) else behaviour)
    out = outgoing()

    async with line_of(engine, seconds=HASTY) as line:
        failure = await failure_of(line, out)
        again = await failure_of(line, out)

    assert type(failure) is Unconfirmed
    assert again is None
    assert [call.id for call in front_end.calls] == [str(out.notice)] * 2
    assert front_end.calls[0].body == front_end.calls[1].body
    assert list(front_end.taken) == [str(out.notice)]


async def test_once_the_answer_says_taken_the_rest_of_it_matters_no_more(
    engine: AsyncEngine, front_end: WebhookServer
) -> None:
    await known_to(engine, front_end)
    front_end.once(front_end.answer_slowly)

    async with line_of(engine, seconds=HASTY) as line:
        failure = await failure_of(line, outgoing())
        after = await failure_of(line, outgoing())

    assert failure is None
    assert after is None


async def test_of_a_long_answer_no_more_is_read_than_what_is_under_way(
    engine: AsyncEngine, front_end: WebhookServer
) -> None:
    await known_to(engine, front_end)
    front_end.once(front_end.answer_at_length)

    async with line_of(engine) as line:
        failure = await failure_of(line, outgoing())

    assert failure is None
    # What the buffers of both sides take; the answer itself has no end.
    assert front_end.written < 32 * 1024 * 1024
