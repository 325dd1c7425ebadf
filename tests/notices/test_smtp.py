"""What a mail server says, and what it means for the mail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from services.base.errors import Misconfigured
from services.notices.channels.files import Files
from services.notices.channels.mail import compose
from services.notices.channels.port import Deferred, Line, PeerAway, Rejected
from services.notices.channels.smtp import Smtp
from tests.notices.factories import MAILER, outgoing
from tests.servers.certificates import self_signed, server_context
from tests.servers.smtp import SmtpServer, Tls, text_of

FINE = {
    "": "220 ready",
    "EHLO": "250 mail.test",
    "MAIL": "250 ok",
    "RCPT": "250 ok",
    "DATA": "354 go on",
    ".": "250 taken",
    "RSET": "250 ok",
    "QUIT": "221 bye",
}


async def test_a_server_that_closes_an_idle_connection_gets_the_mail_on_a_new_one() -> None:
    async with server(FINE, closes_after=1) as (url, taken), connected(url) as line:
        await line.send(outgoing())
        await line.send(outgoing())

    assert taken == [1, 2]


@pytest.mark.parametrize(
    ("command", "answer", "meaning"),
    [
        ("", "554 no service", PeerAway),
        ("", "421 too busy", PeerAway),
        ("MAIL", "451 try later", PeerAway),
        ("MAIL", "550 you may not send", PeerAway),
        ("RCPT", "530 authentication needed", PeerAway),
        ("RCPT", "421 closing", Deferred),
        (".", "421 closing", Deferred),
        ("RCPT", "550 no such mailbox", Rejected),
        ("RCPT", "450 greylisted", Deferred),
        ("DATA", "451 no room", Deferred),
        (".", "554 looks like spam", Rejected),
        (".", "452 no room", Deferred),
    ],
)
async def test_each_answer_means_what_it_is_about(command: str, answer: str, meaning: type[Exception]) -> None:
    async with server({**FINE, command: answer}) as (url, _), connected(url) as line:
        with pytest.raises(meaning, match=answer[:3]):
            await line.send(outgoing())


async def test_a_refused_mail_leaves_the_connection_fit_for_the_next() -> None:
    answers = dict(FINE, RCPT="550 no such mailbox")
    async with server(answers) as (url, taken), connected(url) as line:
        with pytest.raises(Rejected):
            await line.send(outgoing())
        answers["RCPT"] = "250 ok"
        await line.send(outgoing())

    assert taken == [1]


async def test_what_a_server_says_is_kept_without_the_address_and_in_a_form_that_can_be_stored() -> None:
    answer = "550 <li.wei@example.com> \x00\x07 gone\udcff"
    async with server({**FINE, "RCPT": answer}) as (url, _), connected(url) as line:
        with pytest.raises(Rejected) as refusal:
            await line.send(outgoing())

    assert str(refusal.value) == "the mail server refused it: 550 <the address> gone?"


async def test_an_address_beyond_ascii_is_not_offered_to_a_server_that_can_not_take_it() -> None:
    async with server(FINE) as (url, taken), connected(url) as line:
        with pytest.raises(Rejected, match="beyond ASCII"):
            await line.send(outgoing(address="李伟@example.com"))

    assert taken == []


@pytest.mark.parametrize("url", ["mail.example.com", "http://mail.example.com", "smtp://", "smtp://host:many"])
def test_what_is_no_address_of_a_mail_server_is_a_wrong_setting(url: str) -> None:
    with pytest.raises(Misconfigured, match="REDRESS_SMTP_URL"):
        Smtp(url, MAILER)


@pytest.mark.parametrize("at_once", [True, False], ids=["smtps", "starttls"])
async def test_a_server_that_wants_encryption_and_a_password_gets_both(tmp_path: Path, at_once: bool) -> None:
    context = server_context(self_signed(tmp_path))
    with SmtpServer(Tls(context, at_once)) as mail_server:
        async with connected(mail_server.url) as line:
            await line.send(outgoing(text="您好！\n", html="<p>您好！</p>"))
        async with connected(mail_server.url.replace("redress:", "redress:not")) as line:
            with pytest.raises(PeerAway, match="535"):
                await line.send(outgoing())

        (message,) = mail_server.messages
        assert text_of(message).strip() == "您好！"


async def test_mails_that_come_together_are_all_kept_whole(tmp_path: Path) -> None:
    files = Files(tmp_path, MAILER)
    messages = [outgoing(subject=f"第 {n} 条") for n in range(50)]

    await asyncio.gather(*(files.line().send(one) for one in messages))

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        f"{one.notice}.eml": compose(MAILER, one, eight_bit=True).content for one in messages
    }


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Line]:
    line = Smtp(url, MAILER, seconds=2).line()
    try:
        yield line
    finally:
        await line.close()


@asynccontextmanager
async def server(answers: Mapping[str, str], closes_after: int | None = None) -> AsyncIterator[tuple[str, list[int]]]:
    """A mail server with a fixed answer to each command; yields its address and, for each mail taken, its connection.

    After ``closes_after`` mails a connection answers the next command with 421 and ends, as servers do to idle ones.
    """
    taken: list[int] = []
    connections = 0

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        number, in_text, mails = connections, False, 0

        def say(answer: str) -> None:
            writer.write(f"{answer}\r\n".encode(errors="surrogateescape"))

        say(answers[""])
        while received := await reader.readline():
            line = received.decode().rstrip("\r\n")
            command = line if in_text else line.split(" ")[0].upper()
            if in_text and command != ".":
                continue
            if closes_after is not None and mails == closes_after:
                say("421 idle for too long")
                break
            if command == ".":
                mails += 1
                if answers["."].startswith("250"):
                    taken.append(number)
            in_text = command == "DATA" and answers["DATA"].startswith("354")
            say(answers[command])
        writer.close()

    listening = await asyncio.start_server(converse, "127.0.0.1", 0)
    try:
        yield f"smtp://127.0.0.1:{listening.sockets[0].getsockname()[1]}", taken
    finally:
        listening.close()
