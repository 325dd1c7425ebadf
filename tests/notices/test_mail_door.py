"""The door for mail, in real conversations: what it takes, what it answers, and what is on disk then."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import aiosmtplib
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier_worker.mail_door import MailDoor
from services.base.database import create_engine
from services.base.errors import Misconfigured
from services.notices.arrivals.listening import Arrivals
from services.notices.channels.port import Listener
from services.plan.versions import Plans
from tests.casework.factories import NOW, PRIVACY
from tests.conftest import SECRET
from tests.notices import letters_in
from tests.notices.arriving import arrivals, customers_case, kept, replies, token_address, told
from tests.notices.letters_in import CARE, CUSTOMER, mail
from tests.servers.process import free_port
from tests.servers.programs import REPOSITORY

DOOR = """
import asyncio, sys
from notifier_worker.mail_door import MailDoor
from services.base.database import create_engine
from services.base.privacy import Privacy
from services.notices.arrivals.listening import Arrivals
from services.plan.versions import Plans

url, secret, listen, answers = sys.argv[1:]
asyncio.run(MailDoor(listen, Arrivals(create_engine(url), Plans(), Privacy(secret)), answers).run())
"""


@asynccontextmanager
async def open_door(listener: Listener, answers: str = CARE, largest: int = 1024 * 1024) -> AsyncIterator[MailDoor]:
    """A door that is open while the block runs."""
    door = MailDoor(f"127.0.0.1:{free_port()}", listener, answers, clock=lambda: NOW, largest=largest, connections=3)
    running = asyncio.create_task(door.run())
    await asyncio.wait_for(door.listening.wait(), 5)
    try:
        yield door
    finally:
        door.stop()
        await asyncio.wait_for(running, 15)


async def send(port: int, content: bytes, *, to: str | list[str] = CARE, sender: str = CUSTOMER) -> tuple[int, str]:
    """Hand over a mail; the answer to it, or to its recipient."""
    client = aiosmtplib.SMTP(hostname="127.0.0.1", port=port, timeout=10)
    async with client:
        try:
            _, said = await client.sendmail(sender, to, content)
        except aiosmtplib.SMTPRecipientsRefused as refused:
            return refused.recipients[0].code, refused.recipients[0].message
        except aiosmtplib.SMTPResponseException as refused:
            return refused.code, refused.message
        return 250, said


async def test_what_was_answered_250_is_on_disk(engine: AsyncEngine) -> None:
    case = await customers_case(engine)
    notice = await told(engine, case)
    async with open_door(arrivals(engine, Plans())) as door:
        answer = await send(door.port, mail("红灯亮", charset="gb18030"), to=token_address(notice))

        assert answer == (250, "2.0.0 Kept")
        assert await replies(engine, case) == [("email", "红灯亮")]


async def test_a_bounce_comes_without_a_sender(engine: AsyncEngine) -> None:
    notice = await told(engine, await customers_case(engine))
    async with open_door(arrivals(engine, Plans())) as door:
        to = token_address(notice)
        code, _ = await send(door.port, letters_in.postfix_bounce(notice, to=to), to=to, sender="")

    (row,) = await kept(engine)
    assert (code, row.kind, row.status) == (250, "bounce", "matched")


async def test_a_mail_that_is_sent_again_after_a_lost_answer_is_kept_once(engine: AsyncEngine) -> None:
    async with open_door(arrivals(engine, Plans())) as door:
        answers = [await send(door.port, mail()) for _ in range(2)]

    assert [code for code, _ in answers] == [250, 250]
    assert len(await kept(engine)) == 1


@pytest.mark.parametrize(
    ("to", "code"),
    [
        (CARE, 250),
        ("CARE+anything@Example.COM", 250),
        ("other@example.com", 550),
        ("care@example.net", 550),
        ("careless@example.com", 550),
    ],
)
async def test_only_our_address_is_known_here(engine: AsyncEngine, to: str, code: int) -> None:
    async with open_door(arrivals(engine, Plans())) as door:
        assert (await send(door.port, mail(), to=to))[0] == code
    assert len(await kept(engine)) == (1 if code == 250 else 0)


async def test_of_several_addresses_of_ours_the_one_that_says_most_counts(engine: AsyncEngine) -> None:
    case = await customers_case(engine)
    notice = await told(engine, case)
    async with open_door(arrivals(engine, Plans())) as door:
        await send(door.port, mail(sender="x@home.example"), to=[CARE, token_address(notice)])

    assert [row.complaint_id for row in await kept(engine)] == [case]


@pytest.mark.parametrize("declares", [True, False])
async def test_a_mail_that_is_too_large_is_refused(engine: AsyncEngine, declares: bool) -> None:
    async with open_door(arrivals(engine, Plans()), largest=10_000) as door:
        if declares:
            answer = await send(door.port, mail("断" * 10_000))
            assert answer[0] == 552
        else:
            said = await converse(door.port, mail("断" * 10_000))
            assert said.startswith("552")
        assert (await send(door.port, mail()))[0] == 250


@pytest.mark.parametrize(
    "content",
    [b"x" * 200_000, b"\x00\xff\xfe\r\n" * 100, b"Subject: \xbf\xed\xb4\xf8\r\n\r\n\xb6\xcf\xcd\xf8", b"\r\n"],
)
async def test_nothing_is_refused_for_its_form(engine: AsyncEngine, content: bytes) -> None:
    async with open_door(arrivals(engine, Plans())) as door:
        assert (await converse(door.port, content)).startswith("250")
    assert len(await kept(engine)) == 1


async def test_who_goes_half_way_leaves_nothing(engine: AsyncEngine) -> None:
    async with open_door(arrivals(engine, Plans())) as door:
        await converse(door.port, mail(), finish=False)
        assert (await send(door.port, mail("乙")))[0] == 250
    assert len(await kept(engine)) == 1


async def test_one_connection_too_many_is_asked_to_come_later(engine: AsyncEngine) -> None:
    async with open_door(arrivals(engine, Plans())) as door:
        lines = [await asyncio.open_connection("127.0.0.1", door.port) for _ in range(4)]
        greetings = [(await reader.readline())[:3] for reader, _ in lines]
        for _, writer in lines:
            writer.close()
            await writer.wait_closed()

    assert greetings == [b"220", b"220", b"220", b"421"]


async def test_while_the_database_is_away_the_mail_server_tries_again(database: str, tmp_path: Path) -> None:
    host = parse_qs(urlsplit(database).query)["host"][0]
    way = tmp_path / ".s.PGSQL.5432"
    engine = create_engine(database.replace(host, str(tmp_path)))
    async with open_door(Arrivals(engine, Plans(), PRIVACY, clock=lambda: NOW)) as door:
        away = await send(door.port, mail())
        way.symlink_to(Path(host) / way.name)
        back = await send(door.port, mail())

    assert (away[0], back[0]) == (451, 250)
    assert len(await kept(engine)) == 1
    await engine.dispose()


async def test_a_door_that_is_killed_before_the_commit_has_kept_nothing_and_said_nothing(
    engine: AsyncEngine, database: str
) -> None:
    case = await customers_case(engine)
    port = free_port()
    async with engine.connect() as held:
        process = await door_process(database, port)
        await held.execute(sa.text("lock table arrival in access exclusive mode"))
        sending = asyncio.create_task(converse(port, mail("甲")))
        await until(lambda: waits_for_lock(engine))
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()
        said = await asyncio.wait_for(sending, 10)
    assert (said, await kept(engine)) == ("", [])

    process = await door_process(database, port)
    answers = [await send(port, mail("甲")) for _ in range(2)]
    process.terminate()
    await process.wait()

    assert [code for code, _ in answers] == [250, 250]
    assert await replies(engine, case) == [("email", "甲")]


async def test_a_door_that_leaves_answers_what_it_is_keeping(engine: AsyncEngine) -> None:
    case = await customers_case(engine)
    door = MailDoor(f"127.0.0.1:{free_port()}", arrivals(engine, Plans()), CARE, clock=lambda: NOW)
    running = asyncio.create_task(door.run())
    await door.listening.wait()
    async with engine.connect() as held:
        await held.execute(sa.text("lock table arrival in access exclusive mode"))
        sending = asyncio.create_task(converse(door.port, mail("甲")))
        await until(lambda: waits_for_lock(engine))
        door.stop()
    said = await asyncio.wait_for(sending, 10)
    await asyncio.wait_for(running, 15)

    assert said.startswith("250")
    assert await replies(engine, case) == [("email", "甲")]


@pytest.mark.parametrize(
    ("listen", "answers", "named"),
    [
        ("2525", CARE, "REDRESS_MAIL_LISTEN"),
        ("127.0.0.1:smtp", CARE, "REDRESS_MAIL_LISTEN"),
        ("127.0.0.1:99999", CARE, "REDRESS_MAIL_LISTEN"),
        ("127.0.0.1:2525", "care", "REDRESS_MAIL_ANSWERS"),
        ("127.0.0.1:2525", "care+x@example.com", "REDRESS_MAIL_ANSWERS"),
    ],
)
async def test_a_wrong_setting_is_named(engine: AsyncEngine, listen: str, answers: str, named: str) -> None:
    with pytest.raises(Misconfigured, match=named):
        MailDoor(listen, arrivals(engine, Plans()), answers)


async def test_a_port_that_is_taken_is_named(engine: AsyncEngine) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        door = MailDoor(f"127.0.0.1:{taken.getsockname()[1]}", arrivals(engine, Plans()), CARE)

        with pytest.raises(Misconfigured, match="REDRESS_MAIL_LISTEN"):
            await door.run()


async def converse(port: int, content: bytes, *, finish: bool = True) -> str:
    """Hand over a mail without declaring its size, byte for byte; the last answer, or nothing when the line is cut."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        await reader.readline()
        for command in ("HELO mx.example.com", f"MAIL FROM:<{CUSTOMER}>", f"RCPT TO:<{CARE}>", "DATA"):
            writer.write(f"{command}\r\n".encode())
            await reader.readline()
        writer.write(content + (b"\r\n.\r\n" if finish else b""))
        await writer.drain()
        return (await reader.readline()).decode() if finish else ""
    except ConnectionError:
        return ""
    finally:
        writer.close()


async def door_process(database: str, port: int) -> asyncio.subprocess.Process:
    """A door in a process of its own."""
    arguments = (sys.executable, "-c", DOOR, database, SECRET, f"127.0.0.1:{port}", CARE)
    process = await asyncio.create_subprocess_exec(*arguments, cwd=REPOSITORY)

    async def answers() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        return True

    await until(answers)
    return process


async def waits_for_lock(engine: AsyncEngine) -> bool:
    """Whether somebody waits for the table of arrivals."""
    query = sa.text("select exists (select from pg_locks where not granted and relation = 'arrival'::regclass)")
    async with engine.connect() as connection:
        return bool(await connection.scalar(query))


async def until(holds: Callable[[], Awaitable[bool]], within: float = 20.0) -> None:
    """Return as soon as it holds."""
    async with asyncio.timeout(within):
        while not await holds():
            await asyncio.sleep(0.02)
