"""Receipts and customers' messages from a real message centre on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from smpplib import consts

from services.notices.channels.port import reference_of
from tests.notices.sms_channel import AT, CUSTOMER, Heard, notice, running, sent, until
from tests.servers.smsc import SHORT_CODE, Smsc
from tests.servers.smsc_packets import EXPIRED, UNDELIVERABLE


@pytest.fixture
def centre() -> Iterator[Smsc]:
    with Smsc() as server:
        yield server


@pytest.mark.parametrize("form", ["parameters", "text", "both"])
@pytest.mark.parametrize(
    ("state", "meaning", "detail"),
    [(2, "delivered", "DELIVRD"), (EXPIRED, "failed", "EXPIRED"), (UNDELIVERABLE, "failed", "UNDELIV")],
)
async def test_a_receipt_is_heard_in_every_form(centre: Smsc, form: Any, state: int, meaning: str, detail: str) -> None:
    heard = Heard()
    async with running(centre, heard) as sms:
        out = notice()
        message_id = await sms.line().send(out)
        status = await centre.confirm(centre.texts[0], state, form)

    (receipt,) = heard.receipts
    assert status == consts.SMPP_ESME_ROK
    assert (receipt.state, receipt.peer_id, receipt.address, receipt.at) == (meaning, message_id, CUSTOMER, AT)
    assert receipt.reference == (None if form == "text" else reference_of(out.notice))
    assert (receipt.detail or "").split(",")[0] == detail


async def test_what_a_customer_writes_is_heard_whole(centre: Smsc) -> None:
    heard = Heard()
    words = "宽带还是不通😀！" * 20
    async with running(centre, heard):
        statuses = await centre.say(CUSTOMER, words, coding=consts.SMPP_ENCODING_ISO10646)

    (message,) = heard.messages
    assert set(statuses) == {consts.SMPP_ESME_ROK}
    assert len(statuses) > 1
    assert (message.text, message.sender, message.recipient, message.at) == (words, CUSTOMER, SHORT_CODE, AT)


async def test_what_can_not_be_kept_is_brought_again_under_the_same_id(centre: Smsc) -> None:
    heard = Heard(fails=1)
    async with running(centre, heard):
        first = await centre.say(CUSTOMER, "1")
        second = await centre.say(CUSTOMER, "1")
        third = await centre.say(CUSTOMER, "1")

    assert (first, second, third) == ([consts.SMPP_ESME_RX_T_APPN], [0], [0])
    assert len({message.id for message in heard.messages}) == 1


async def test_a_receipt_that_can_not_be_kept_comes_again(centre: Smsc) -> None:
    heard = Heard(fails=1)
    centre.confirm_all()
    async with running(centre, heard) as sms:
        await sms.line().send(notice())
        await until(lambda: bool(heard.receipts))

    assert [receipt.state for receipt in heard.receipts] == ["delivered"]


async def test_parts_whose_others_do_not_come_are_passed_on(centre: Smsc) -> None:
    heard = Heard()
    async with running(centre, heard, gather=0.05):
        status = await centre.say_bytes(CUSTOMER, b"\x05\x00\x03\x09\x03\x02no internet", 0, kind=0x40)

    assert status == consts.SMPP_ESME_ROK
    assert [message.text for message in heard.messages] == ["no internet"]


async def test_rubbish_is_answered_and_the_line_goes_on(centre: Smsc) -> None:
    heard = Heard()
    async with running(centre, heard) as sms:
        broken = await centre.ask_raw(0x00000005, b"\0\1\1861380")
        unknown = await centre.ask_raw(0x00000103, b"whatever")
        empty = await centre.say_bytes(CUSTOMER, b"", 0x0B)
        await sms.line().send(notice())

    assert broken == (0x80000000, consts.SMPP_ESME_RINVCMDLEN)
    assert unknown == (0x80000000, consts.SMPP_ESME_RINVCMDID)
    assert (empty, [message.text for message in heard.messages]) == (0, [""])
    assert centre.binds == 1


@pytest.mark.parametrize("rubbish", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0\0\0\4\0\0\0\5" * 2])
async def test_a_peer_that_does_not_speak_smpp_is_left_and_tried_again(centre: Smsc, rubbish: bytes) -> None:
    async with running(centre) as sms:
        centre.send_raw(rubbish)
        await centre.bound(2)
        await sent(sms, notice())

    assert len(centre.texts) == 1


async def test_a_number_without_its_country_stays_as_it_came(centre: Smsc) -> None:
    heard = Heard()
    async with running(centre, heard):
        await centre.say("13800138000", "TD")

    assert [message.sender for message in heard.messages] == ["13800138000"]
