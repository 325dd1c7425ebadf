"""The message centre that the text channel's tests send to, seen through smpplib's own client."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from smpplib import consts, gsm
from smpplib.client import Client
from smpplib.exceptions import PDUError

from tests.servers.smsc import PASSWORD, SHORT_CODE, SYSTEM_ID, Smsc

CUSTOMER = "+8613800138000"


@pytest.fixture
def centre() -> Iterator[Smsc]:
    with Smsc() as server:
        yield server


async def test_a_text_in_parts_is_put_together_and_receipted(centre: Smsc) -> None:
    heard: list[Any] = []

    def send() -> None:
        with bound(centre) as client:
            client.set_message_received_handler(lambda pdu: heard.append(pdu))
            for part in gsm.make_parts("您的投诉已受理。" * 10)[0]:
                submit(client, part, esm_class=consts.SMPP_GSMFEAT_UDHI, data_coding=consts.SMPP_ENCODING_ISO10646)
            for _ in range(4):  # an answer and a receipt for each part
                client.read_once()

    centre.confirm_all()
    await asyncio.to_thread(send)

    (text,) = await centre.wait_for(1)
    assert (text.recipient, text.text, len(text.parts)) == (CUSTOMER, "您的投诉已受理。" * 10, 2)
    assert heard[-1].receipted_message_id.decode() in {part.message_id for part in text.parts}
    assert b"stat:DELIVRD" in heard[-1].short_message


async def test_what_is_refused_is_not_kept(centre: Smsc) -> None:
    centre.refuse(CUSTOMER)

    def send() -> None:
        with bound(centre) as client:
            submit(client, b"Hello")
            with pytest.raises(PDUError):
                client.read_once()
            centre.accept(CUSTOMER)
            submit(client, b"Hello again")
            client.read_once()

    await asyncio.to_thread(send)

    assert [text.text for text in centre.texts] == ["Hello again"]


async def test_only_who_knows_the_password_is_bound(centre: Smsc) -> None:
    def bind() -> None:
        with pytest.raises(PDUError), bound(centre, password="wrong"):
            pass

    await asyncio.to_thread(bind)

    assert centre.binds == 0


async def test_waiting_for_a_text_that_does_not_come_says_how_many_came(centre: Smsc) -> None:
    with pytest.raises(AssertionError, match="0 of 1 texts arrived"):
        await centre.wait_for(1, within=0.05)


@contextmanager
def bound(centre: Smsc, password: str = PASSWORD) -> Iterator[Any]:
    """A client of smpplib, bound."""
    client = Client(centre.host, centre.port, timeout=2, allow_unknown_opt_params=True)
    client.connect()
    try:
        client.bind_transceiver(system_id=SYSTEM_ID, password=password)
        yield client
        client.unbind()
    finally:
        client.disconnect()


def submit(client: Any, data: bytes, **fields: Any) -> None:
    client.send_message(
        source_addr=SHORT_CODE,
        dest_addr_ton=consts.SMPP_TON_INTL,
        destination_addr=CUSTOMER.removeprefix("+"),
        short_message=data,
        registered_delivery=1,
        **fields,
    )
