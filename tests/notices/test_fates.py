"""What becomes of a notice: the next way, the call, and what nobody knows until a receipt tells."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notices import claims, outcomes
from services.notices.channels.port import Receipt, ReceiptState, Way, reference_of
from services.notices.claims import LEASE, Claimed
from services.notices.receipts import note
from services.plan.versions import Plans
from tests.notices.factories import NOW, PRIVACY, case, dispatched, handle, notices, received, smtp, told_events
from tests.notices.test_sending import JUDGED, sending, until
from tests.servers.smtp import SmtpServer

MAIL, PHONE = "li.wei@example.com", "+8613800138000"
WAIT = timedelta(minutes=15)


@pytest.fixture
def mail_server() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


async def test_a_refused_address_is_told_the_next_way(engine: AsyncEngine, mail_server: SmtpServer) -> None:
    await handle(engine, [received(await case(engine))], ways=("email", "sms"))
    mail_server.refuse(MAIL)

    async with sending(engine, smtp(mail_server.url)):
        await until(engine, "select way = 'sms' from notice")

    (notice,) = await notices(engine)
    assert (notice.status, notice.way, notice.ways, notice.attempts) == ("pending", "sms", [], 0)
    assert notice.recipient == PRIVACY.fingerprint("sms", PHONE)
    assert "550" in notice.failure
    assert MAIL not in notice.failure
    assert await told_events(engine) == [("requested", 1), ("rerouted", 2)]
    assert await calls(engine) == []


async def test_who_can_not_be_told_on_any_way_is_called_once_for_all_of_it(
    engine: AsyncEngine, mail_server: SmtpServer
) -> None:
    new = await case(engine, values=JUDGED)
    await handle(engine, [received(new), dispatched(new)])
    mail_server.refuse(MAIL)

    async with sending(engine, smtp(mail_server.url)):
        await until(engine, "select bool_and(status = 'failed') from notice")

    first, _ = await notices(engine)
    assert await calls(engine) == [(new, first.id, {"notice": "acknowledgement", "why": "failed"})]


async def test_who_has_no_way_at_all_is_called(engine: AsyncEngine) -> None:
    new = await case(engine, email=None)
    events = [received(new)]

    await handle(engine, events)
    await handle(engine, events)

    ((called, _, facts),) = await calls(engine)
    assert (called, facts["why"]) == (new, "no_way")


async def test_a_text_message_whose_sender_died_is_not_sent_again_and_goes_the_next_way_in_time(
    engine: AsyncEngine,
) -> None:
    await text_message(engine)
    await begun(engine)

    async with engine.begin() as connection:
        claimed, _, _ = await claims.claim(connection, ["sms"], ["live"], NOW + LEASE * 2, 10)
    assert claimed == []
    await settle_unknown(engine, NOW + LEASE / 2)
    assert [one.status for one in await notices(engine)] == ["pending"]
    await settle_unknown(engine, NOW + LEASE)
    (notice,) = await notices(engine)
    assert (notice.status, notice.due_at) == ("unconfirmed", NOW + LEASE + WAIT)
    await settle_unknown(engine, NOW + LEASE + WAIT)

    (notice,) = await notices(engine)
    assert (notice.status, notice.way, notice.begun_at) == ("pending", "email", None)
    assert await told_events(engine) == [("requested", 1), ("unconfirmed", 2), ("rerouted", 3)]


async def test_without_another_way_nobody_knows_and_the_customer_is_called(engine: AsyncEngine) -> None:
    await text_message(engine, email=None)
    await begun(engine)

    for at in (NOW + LEASE, NOW + LEASE + WAIT, NOW + LEASE + WAIT * 2):
        await settle_unknown(engine, at)

    (notice,) = await notices(engine)
    assert (notice.status, notice.due_at) == ("unconfirmed", None)
    ((_, cause, facts),) = await calls(engine)
    assert (cause, facts["why"]) == (notice.id, "unconfirmed")


async def test_what_may_have_gone_holds_up_what_follows_it_until_it_is_known(engine: AsyncEngine) -> None:
    new = await text_message(engine)
    await begun(engine)
    await settle_unknown(engine, NOW + LEASE)
    await handle(engine, [dispatched(new)], ways=("sms", "email"))

    assert await claimable(engine, "sms", NOW + LEASE) == []
    await receipt(engine, "delivered", await number(engine))

    assert [one.kind for one in await claimable(engine, "sms", NOW + LEASE)] == ["dispatched"]


@pytest.mark.parametrize("known_by", ["peer_id", "reference"])
async def test_a_receipt_says_that_it_arrived_whatever_was_known_before(engine: AsyncEngine, known_by: str) -> None:
    await text_message(engine)
    notice = await begun(engine)
    if known_by == "peer_id":
        await record_sent(engine, notice, "smsc-7")
        assert await receipt(engine, "delivered", None, "smsc-7")
    else:
        await settle_unknown(engine, NOW + LEASE)
        assert await receipt(engine, "delivered", reference_of(notice.id), "an id that was never recorded")

    (told,) = await notices(engine)
    assert (told.status, told.delivered_at, told.sent_at is not None) == ("delivered", NOW + LEASE, True)
    assert [event for event, _ in await told_events(engine)][-2:] == ["sent", "delivered"]


async def test_a_receipt_that_comes_before_the_record_of_sending_counts(engine: AsyncEngine) -> None:
    await text_message(engine)
    notice = await begun(engine)

    assert await receipt(engine, "delivered", reference_of(notice.id))
    await record_sent(engine, notice, "smsc-7")

    (told,) = await notices(engine)
    assert told.status == "delivered"
    assert await told_events(engine) == [("requested", 1), ("sent", 2), ("delivered", 3)]


async def test_a_receipt_of_failure_sends_it_the_next_way_once(engine: AsyncEngine) -> None:
    await text_message(engine)
    await record_sent(engine, await begun(engine), "smsc-7")

    said = [await receipt(engine, "failed", None, "smsc-7") for _ in range(2)]

    assert said == [True, False]
    (told,) = await notices(engine)
    assert (told.status, told.way) == ("pending", "email")
    assert await told_events(engine) == [("requested", 1), ("sent", 2), ("rerouted", 3)]


async def test_a_receipt_that_waits_for_the_record_of_sending_is_not_lost(engine: AsyncEngine) -> None:
    await text_message(engine)
    notice = await begun(engine)

    async with engine.begin() as recording:
        await outcomes.move(recording, [outcomes.sent(notice, NOW, "smsc-7")], {}, {})
        said = asyncio.create_task(receipt(engine, "delivered", reference_of(notice.id), "smsc-7"))
        await asyncio.sleep(0.2)
    assert await said

    (told,) = await notices(engine)
    assert (told.status, told.delivered_at) == ("delivered", NOW + LEASE)
    assert await told_events(engine) == [("requested", 1), ("sent", 2), ("delivered", 3)]


async def test_a_receipt_of_failure_before_the_record_of_sending_sends_it_the_next_way(engine: AsyncEngine) -> None:
    await text_message(engine)
    notice = await begun(engine)

    assert await receipt(engine, "failed", reference_of(notice.id))
    await record_sent(engine, notice, "smsc-7")

    (told,) = await notices(engine)
    assert told.way == "email"


@pytest.mark.parametrize("state", ["delivered", "failed", "on_the_way"])
async def test_a_receipt_for_none_of_ours_changes_nothing(engine: AsyncEngine, state: ReceiptState) -> None:
    await text_message(engine)
    notice = await begun(engine)

    assert not await receipt(engine, state, reference_of(notice.id) ^ 1, "unknown")
    assert not await receipt(engine, state, reference_of(notice.id), address="+8613900139000")

    (told,) = await notices(engine)
    assert told.status == "pending"


async def test_what_was_told_along_shares_the_fate_of_the_message(engine: AsyncEngine) -> None:
    first = await text_message(engine)
    await handle(engine, [dispatched(first)], ways=("sms", "email"))
    lead, along = [one.id for one in await notices(engine)]
    statement = "update notice set status = 'sent', sent_at = now(), peer_id = 'smsc-7', begun_at = now()"
    async with engine.begin() as connection:
        await connection.execute(
            sa.text(f"{statement}, merged_into = case when id = :along then cast(:lead as uuid) end"),
            {"along": along, "lead": lead},
        )

    assert await receipt(engine, "delivered", None, "smsc-7")

    assert [one.status for one in await notices(engine)] == ["delivered", "delivered"]


async def text_message(engine: AsyncEngine, email: str | None = MAIL) -> UUID:
    """A case with an acknowledgement that waits to be sent as a text message, then by mail."""
    new = await case(engine, email=email, channel="hotline", values=JUDGED)
    await handle(engine, [received(new)], ways=("sms", "email"))
    return new


async def begun(engine: AsyncEngine) -> Claimed:
    """The notice as a sender has it that is about to hand it over."""
    async with engine.begin() as connection:
        (notice,), _, until_ = await claims.claim(connection, ["sms"], ["live"], NOW, 1)
        assert await claims.begin(connection, {notice.id: until_}, NOW) == {notice.id}
    return notice


async def claimable(engine: AsyncEngine, way: Way, now: datetime) -> list[Claimed]:
    async with engine.connect() as connection:
        found, _, _ = await claims.claim(connection, [way], ["live"], now, 10)
        await connection.rollback()
    return found


async def record_sent(engine: AsyncEngine, notice: Claimed, peer_id: str) -> None:
    async with engine.begin() as connection:
        await outcomes.move(connection, [outcomes.sent(notice, NOW, peer_id)], {}, {})


async def settle_unknown(engine: AsyncEngine, now: datetime) -> None:
    """What a sender of text messages does every second for what has no fate yet."""
    async with engine.begin() as connection:
        await outcomes.settle_unknown(connection, PRIVACY, Plans(), ["sms"], ["live"], now, 100)


async def number(engine: AsyncEngine) -> int:
    (notice, *_) = await notices(engine)
    return reference_of(notice.id)


async def receipt(
    engine: AsyncEngine,
    state: ReceiptState,
    reference: int | None,
    peer_id: str | None = None,
    address: str = PHONE,
) -> bool:
    said = Receipt("sms", state, NOW + LEASE, address, peer_id, reference, "the phone is off")
    async with engine.begin() as connection:
        return await note(connection, PRIVACY, Plans(), said, NOW + LEASE)


async def calls(engine: AsyncEngine) -> list[tuple[UUID, UUID, dict[str, str]]]:
    query = sa.text("select complaint_id, cause, facts from task where kind = 'call_customer' order by opened_at")
    async with engine.connect() as connection:
        return [(row.complaint_id, row.cause, row.facts) for row in await connection.execute(query)]
