"""From a posted complaint to a told customer, with every program a process of its own, on both carriers of events.

Complaints are brought in by the import command while each program is killed and started again; then it is counted
what became of them, in the database and at the mail server.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from email.message import EmailMessage
from pathlib import Path

import asyncpg
import pytest

from tests.servers.kafka import KafkaServer
from tests.servers.programs import Installation
from tests.servers.smtp import SmtpServer

PATIENCE = 60.0
COUNT = 300
WORKERS = (("worker", "classifier"), ("worker", "handler"), ("worker", "notifier"))


@pytest.fixture(params=["database", pytest.param("kafka", marks=pytest.mark.kafka)])
def events(request: pytest.FixtureRequest) -> str:
    if request.param == "database":
        return "database"
    kafka: KafkaServer = request.getfixturevalue("kafka")
    return f"kafka://{kafka.bootstrap}"


@pytest.fixture
def mail_server() -> Iterator[SmtpServer]:
    server = SmtpServer()
    yield server
    server.stop()


def written_complaints(folder: Path, count: int) -> Path:
    """A file of complaints about all sorts of things, half of them Chinese."""
    texts = (
        ("zh", "家里宽带从昨晚开始断网，一直没人来修。"),
        ("en", "I was charged twice this month and nobody refunds me."),
        ("zh", "办了携号转网一直不成功，客服电话打不通。"),
        ("en", "No signal at home since Monday, calls drop all the time."),
        ("zh", "没订过的增值业务每个月扣我20元，要求退费！"),
        ("en", "Hello there."),
    )
    file = folder / "complaints.jsonl"
    with file.open("w") as lines:
        for number in range(count):
            language, content = texts[number % len(texts)]
            complaint = {
                "external_id": f"case-{number}",
                "customer": {"name": f"客户{number}", "email": f"customer{number}@example.com", "language": language},
                "channel": "web",
                "service_type": "broadband",
                "content": content,
            }
            lines.write(json.dumps(complaint, ensure_ascii=False) + "\n")
    return file


async def test_every_complaint_is_dispatched_and_acknowledged_once_while_programs_are_killed(
    database: str, events: str, mail_server: SmtpServer, tmp_path: Path
) -> None:
    real = os.environ.get("REDRESS_REAL_DATA")
    file = Path(real) / "complaints.jsonl" if real else written_complaints(tmp_path, COUNT)
    count = len(file.read_text().splitlines())
    with Installation(database, events=events, smtp_url=mail_server.url, batch_size="20") as installation:
        if events != "database":
            installation.run("topics", "ensure")
        key = installation.run("keys", "create", "--role", "channel", "importer").splitlines()[-1]
        api = installation.start("api")
        programs = [installation.start(*arguments) for arguments in WORKERS for _ in range(2)]
        if events != "database":
            programs.append(installation.start("relay"))
        bring_in = ("complaints", "import", str(file), "--url", api.url, "--key", key)
        importing = asyncio.create_task(asyncio.to_thread(installation.run, *bring_in))
        for program in programs:
            await asyncio.to_thread(program.kill)
            await asyncio.to_thread(program.restart)
        await asyncio.wait_for(importing, PATIENCE)

        connection = await asyncpg.connect(database)
        await until(connection, "select count(*) from complaint where status = 'dispatched'", count)
        await until(connection, "select count(*) from notice where status = 'sent'", 2 * count)
        await nothing_doubled(connection, count)
        again = installation.run(*bring_in)
        assert str(count) in again
        assert await connection.fetchval("select count(*) from complaint") == count
        assert await connection.fetchval("select count(*) from dead_letter") == 0
        await connection.close()
    each_told_once(mail_server.messages, count)


async def until(connection: asyncpg.Connection, query: str, wanted: int) -> None:
    """Wait until a count is reached."""
    give_up = time.monotonic() + PATIENCE
    while (found := await connection.fetchval(query)) != wanted:
        assert time.monotonic() < give_up, f"{query}: {found} instead of {wanted}; {await where(connection)}"
        await asyncio.sleep(0.1)


async def where(connection: asyncpg.Connection) -> str:
    """Where everything stands, for the message of a failure."""
    queries = (
        "select status, count(*) from complaint group by 1",
        "select status, failure, count(*) from notice group by 1, 2",
        "select reader_group, reason, detail, count(*) from dead_letter group by 1, 2, 3",
        "select reader_group, share, snapshot::text, target::text, position from reader_cursor order by 1, 2",
        "select pid, application_name, state, wait_event_type, left(query, 90) from pg_stat_activity "
        "where application_name like 'redress%' and state <> 'idle'",
    )
    return "; ".join([str([tuple(row) for row in await connection.fetch(query)]) for query in queries])


async def nothing_doubled(connection: asyncpg.Connection, count: int) -> None:
    """Each case was judged and dispatched once, its events are numbered without gaps, and loads add up."""
    events = Counter(
        {row["type"]: row["n"] for row in await connection.fetch("select type, count(*) n from event group by type")}
    )
    for type_ in ("received", "classified", "dispatched"):
        assert events[f"redress.complaint.{type_}.v1"] == count
    assert events["redress.notice.requested.v1"] == events["redress.notice.sent.v1"] == 2 * count
    numbers = "select max(number) = count(*) and min(number) = 1 from event group by key"
    assert all(row[0] for row in await connection.fetch(numbers))
    versions = "select count(*) from complaint c where version <> (select max(number) from event where key = c.id)"
    assert await connection.fetchval(versions) == 0
    assert await connection.fetchval("select sum(open_cases) from duty") == count
    clocks = "select count(*) from deadline where kind in ('acknowledge', 'respond', 'resolve', 'regulator')"
    assert await connection.fetchval(clocks) == 4 * count
    assert await connection.fetchval("select count(*) from deadline where kind = 'acknowledge' and met_at is null") == 0


def each_told_once(messages: Sequence[EmailMessage], count: int) -> None:
    """Every customer has one acknowledgement and one word of who handles it; a repeated mail has the same id."""
    by_notice: dict[str, set[str]] = defaultdict(set)
    told: dict[str, Counter[str]] = defaultdict(Counter)
    for message in messages:
        kind, notice = (part.strip() for part in message["Redress-Notice"].split(";"))
        if notice not in by_notice:
            told[message["To"]][kind] += 1
        by_notice[notice].add(message["Message-ID"])
    assert all(len(ids) == 1 for ids in by_notice.values())
    assert len(told) == count
    assert all(kinds == {"acknowledgement": 1, "dispatched": 1} for kinds in told.values())
