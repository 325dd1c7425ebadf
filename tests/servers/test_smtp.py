"""The mail server that the notifier's tests send to."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import EmailMessage

import aiosmtplib
import pytest

from tests.servers.smtp import SmtpServer

CUSTOMER = "li.wei@example.com"


@pytest.fixture
def mail_server() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


async def test_a_mail_is_kept_with_its_envelope_and_its_words(mail_server: SmtpServer) -> None:
    await send(mail_server, "您的投诉已受理")

    (message,) = await mail_server.wait_for(1)
    (delivery,) = mail_server.deliveries
    assert message["Subject"] == "您的投诉已受理"
    assert message.get_content().strip() == "请保留编号。"
    assert delivery.recipients == (CUSTOMER,)
    assert delivery.sender == "redress@example.com"


async def test_a_refused_recipient_is_told_so_until_accepted_again(mail_server: SmtpServer) -> None:
    mail_server.refuse(CUSTOMER.upper())

    with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refusal:
        await send(mail_server)

    assert [one.code for one in refusal.value.recipients] == [550]
    assert mail_server.messages == ()
    mail_server.accept(CUSTOMER)
    await send(mail_server)
    assert len(mail_server.messages) == 1


async def test_a_deferred_recipient_is_told_to_come_again(mail_server: SmtpServer) -> None:
    mail_server.defer(CUSTOMER)

    with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refusal:
        await send(mail_server)

    assert [one.code for one in refusal.value.recipients] == [451]


async def test_a_server_that_was_down_comes_up_on_the_same_port(mail_server: SmtpServer) -> None:
    url = mail_server.url
    mail_server.down()
    with pytest.raises(aiosmtplib.SMTPConnectError):
        await send(mail_server)

    mail_server.up()
    await send(mail_server)

    assert mail_server.url == url
    assert len(mail_server.messages) == 1


async def test_going_down_drops_the_connections(mail_server: SmtpServer) -> None:
    client = aiosmtplib.SMTP(hostname=mail_server.host, port=mail_server.port, timeout=2)
    await client.connect()

    mail_server.down()

    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await client.noop()


async def test_a_hanging_server_says_nothing_until_told_to_answer(mail_server: SmtpServer) -> None:
    mail_server.hang()
    with pytest.raises(aiosmtplib.SMTPTimeoutError):
        await send(mail_server)

    mail_server.answer()
    await send(mail_server)

    assert len(mail_server.messages) == 1


async def test_a_server_may_take_a_mail_and_never_say_so(mail_server: SmtpServer) -> None:
    mail_server.hang_after_taking()

    with pytest.raises(aiosmtplib.SMTPTimeoutError):
        await send(mail_server)

    assert len(mail_server.messages) == 1


async def test_waiting_for_mail_that_does_not_come_says_how_many_came(mail_server: SmtpServer) -> None:
    await send(mail_server)

    with pytest.raises(AssertionError, match="1 of 2 mails arrived"):
        await mail_server.wait_for(2, within=0.05)


async def send(server: SmtpServer, subject: str = "Your complaint") -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "redress@example.com", CUSTOMER, subject
    message.set_content("请保留编号。")
    await aiosmtplib.send(message, hostname=server.host, port=server.port, timeout=0.5)
