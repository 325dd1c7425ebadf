"""From posted to acknowledged: how many complaints a second go through, and how long one takes.

    python bench/pipeline.py [--events database|kafka] [--complaints 5000] [--rate 100] [--seconds 20]

One process per program (intake, classifier, handler, notifier, and the relay on Kafka), PostgreSQL with fsync and
``synchronous_commit=on``, mails to a local SMTP server or, by default, kept as files. First all complaints are posted
as fast as they are taken and the time until the last one is acknowledged is measured; then complaints are posted at a
steady rate, and for each the time from the post until its acknowledgement was sent.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Sequence
from contextlib import ExitStack

import asyncpg
import httpx

from bench.intake import BODY, prepare
from tests.servers.kafka import KafkaServer
from tests.servers.postgres import PostgresServer
from tests.servers.programs import Installation

TEXTS = (
    ("zh", "家里宽带从昨晚开始断网，一直没人来修。"),
    ("en", "I was charged twice this month and nobody refunds me."),
    ("zh", "办了携号转网一直不成功，客服电话打不通。"),
    ("en", "No signal at home since Monday, calls drop all the time."),
    ("zh", "没订过的增值业务每个月扣我20元，要求退费！"),
)
PATIENCE = 120.0
WORKERS = ("classifier", "handler", "notifier")


def main() -> None:
    """Measure both and print what was seen."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--events", choices=("database", "kafka"), default="database")
    options.add_argument("--complaints", type=int, default=5000)
    options.add_argument("--rate", type=int, default=100)
    options.add_argument("--seconds", type=int, default=20)
    chosen = options.parse_args()
    with ExitStack() as stack:
        postgres = stack.enter_context(PostgresServer(durable=True))
        events = "database"
        if chosen.events == "kafka":
            events = f"kafka://{stack.enter_context(KafkaServer()).bootstrap}"
        url = postgres.create_database()
        key = asyncio.run(prepare(url))
        installation = stack.enter_context(Installation(url, events=events, log_level="warning"))
        if chosen.events == "kafka":
            installation.run("topics", "ensure")
            installation.start("relay")
        api = installation.start("api")
        workers = {name: installation.start("worker", name) for name in WORKERS}
        asyncio.run(measure(url, api.url, key, chosen.complaints, chosen.rate, chosen.seconds))
        for name, program in {"intake": api, **workers}.items():
            print(f"memory of {name}: {program.resident_bytes() / 2**20:.0f} MiB")


async def measure(url: str, api: str, key: str, complaints: int, rate: int, seconds: int) -> None:
    """The two measurements, on a running installation."""
    connection = await asyncpg.connect(url)
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=api, headers=headers, timeout=60) as client:
        await post_batch(client, [complaint(number) for number in range(200)])  # warm up
        await until_acknowledged(connection, 200)
        began = time.monotonic()
        for start in range(0, complaints, 500):
            await post_batch(client, [complaint(number) for number in range(start, min(start + 500, complaints))])
        posted = time.monotonic() - began
        await until_acknowledged(connection, 200 + complaints)
        through = time.monotonic() - began
        await until_told(connection, 2 * (200 + complaints))
        told = time.monotonic() - began
        print(
            f"{complaints} complaints posted in {posted:.1f} s ({complaints / posted:.0f}/s), "
            f"all acknowledged after {through:.1f} s: {complaints / through:.0f}/s (aim 500/s)"
        )
        print(f"all dispatched and told who handles them after {told:.1f} s: {complaints / told:.0f}/s")
        ids = await post_steadily(client, rate, seconds)
    await until_acknowledged(connection, 200 + complaints + len(ids))
    await report_times(connection, ids, rate)
    await connection.close()


async def post_batch(client: httpx.AsyncClient, batch: Sequence[dict[str, object]]) -> None:
    """Post many at once; all must be registered."""
    answer = await client.post("/v1/complaints/batch", json=list(batch))
    answer.raise_for_status()
    refused = [item for item in answer.json()["items"] if item["status"] != 201]
    assert not refused, refused[0]


async def post_steadily(client: httpx.AsyncClient, rate: int, seconds: int) -> list[str]:
    """Post one by one, ``rate`` a second; returns the ids."""
    began = time.monotonic()

    async def post(number: int) -> str:
        await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
        answer = await client.post("/v1/complaints", json=complaint(number))
        answer.raise_for_status()
        return str(answer.json()["id"])

    return list(await asyncio.gather(*(post(number) for number in range(rate * seconds))))


async def report_times(connection: asyncpg.Connection, ids: Sequence[str], rate: int) -> None:
    """Print how long it took from post to acknowledgement, and to dispatch."""
    acknowledged = await times(
        connection,
        "select n.sent_at - c.received_at from complaint c join notice n on n.complaint_id = c.id "
        "where c.id = any($1::uuid[]) and n.kind = 'acknowledgement'",
        ids,
    )
    dispatched = await times(
        connection,
        "select e.time - c.received_at from complaint c join event e on e.key = c.id "
        "where c.id = any($1::uuid[]) and e.type = 'redress.complaint.dispatched.v1'",
        ids,
    )
    for name, found in (("acknowledged", acknowledged), ("dispatched", dispatched)):
        print(
            f"at {rate}/s, from post to {name}: median {found[len(found) // 2] * 1000:.0f} ms, "
            f"99th percentile {found[int(len(found) * 0.99)] * 1000:.0f} ms, worst {found[-1] * 1000:.0f} ms "
            f"({len(found)} complaints)"
        )


async def times(connection: asyncpg.Connection, query: str, ids: Sequence[str]) -> list[float]:
    """Durations in seconds, shortest first."""
    return sorted(row[0].total_seconds() for row in await connection.fetch(query, ids))


async def until_acknowledged(connection: asyncpg.Connection, count: int) -> None:
    """Wait until so many acknowledgements have been sent."""
    await until(connection, "select count(*) from notice where kind = 'acknowledgement' and status = 'sent'", count)


async def until_told(connection: asyncpg.Connection, count: int) -> None:
    """Wait until so many notices have been sent."""
    await until(connection, "select count(*) from notice where status = 'sent'", count)


async def until(connection: asyncpg.Connection, query: str, count: int) -> None:
    give_up = time.monotonic() + PATIENCE
    while (found := await connection.fetchval(query)) < count:
        if time.monotonic() > give_up:
            raise SystemExit(f"stuck: {query}: {found} of {count}")
        await asyncio.sleep(0.05)


def complaint(number: int) -> dict[str, object]:
    """A complaint that is not quite like the others."""
    language, content = TEXTS[number % len(TEXTS)]
    customer = {"name": f"客户{number}", "email": f"customer{number}@example.com", "language": language}
    return {**BODY, "customer": customer, "content": content}


if __name__ == "__main__":
    main()
