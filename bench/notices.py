"""How many notices one notifier sends a second on each channel, and whether its memory stays flat.

    python bench/notices.py [--ways email sms webhook] [--notices 20000] [--flat 100000]

PostgreSQL with fsync and ``synchronous_commit=on``, one notifier process with its usual settings, and a peer in a
process of its own (`bench/peers.py`). The notices wait in the database when the notifier starts; the middle four
fifths of what it records as sent are timed. ``--flat`` notices go by mail, and its memory is read along the way.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg

from bench.intake import prepare
from tests.servers.postgres import PostgresServer
from tests.servers.process import free_port
from tests.servers.programs import Installation, Program

AIMS = {"email": 500, "sms": 1000, "webhook": 1000}
PEERS = {"email": "smtp", "sms": "smpp", "webhook": "http"}
PATIENCE = 600.0

CASES = """
    insert into complaint (id, reference, realm, version, status, api_key_id, body_hash, channel, service_type,
                           language, received_at, personal, content, plan_version, external_id)
    select gen_random_uuid(), 'BN-' || $1 || n, 'live', 3, 'dispatched',
           (select id from api_key where role = 'channel'), '', 'app', 'broadband',
           case n % 2 when 0 then 'zh' else 'en' end, now(),
           jsonb_build_object('name', '李伟', 'email', 'c' || n || '@example.com',
                              'phone', '+86138' || lpad(n::text, 8, '0')),
           '宽带从昨晚开始断网。', 1, $1 || n
    from generate_series(1, $2::int) n
"""
NOTICES = """
    insert into notice (id, complaint_id, kind, cause, number, realm, language, way, urgent, required, recipient, facts,
                        status, version, requested_at, due_at)
    select gen_random_uuid(), c.id, 'acknowledgement', gen_random_uuid(), 1, 'live', c.language, $2, true, true,
           decode(md5(c.reference), 'hex'),
           jsonb_build_object('reference', c.reference, 'operator', '示例电信',
                              'received_at', '2026-11-24T10:30:00+08:00', 'respond_by', '2026-11-24T18:30:00+08:00'),
           'pending', 1, now(), now()
    from complaint c where c.reference like 'BN-' || $1 || '%'
"""


def main() -> None:
    """Measure what was asked for and print what was seen."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--ways", nargs="*", choices=sorted(AIMS), default=sorted(AIMS))
    options.add_argument("--notices", type=int, default=20_000)
    options.add_argument("--flat", type=int, default=100_000)
    chosen = options.parse_args()
    with PostgresServer(durable=True) as postgres:
        for way in chosen.ways:
            measure(postgres, way, chosen.notices)
        if chosen.flat:
            measure(postgres, "email", chosen.flat, flat=True)


def measure(postgres: PostgresServer, way: str, count: int, *, flat: bool = False) -> None:
    """Send ``count`` notices one way by one notifier."""
    url, port = postgres.create_database(), free_port()
    asyncio.run(prepare(url))
    asyncio.run(fill(url, way, count))
    settings = {
        "smtp_url": f"smtp://127.0.0.1:{port}",
        "smpp_url": f"smpp://redress:secret@127.0.0.1:{port}",
        "sms_per_second": "10000",
        "webhook_networks": "127.0.0.0/8",
    }
    with peer(PEERS[way], port), Installation(url, log_level="warning", **settings) as installation:
        if way == "webhook":
            installation.run("callbacks", "set", asyncio.run(channel_name(url)), f"http://127.0.0.1:{port}/notices")
        notifier = installation.start("worker", "notifier")
        seen = asyncio.run(watch(url, notifier, count))
    postgres.drop_database(url)
    report(way, count, seen, flat=flat)


async def fill(url: str, way: str, count: int) -> None:
    """Cases and the notices that wait, each for a customer of their own."""
    connection = await asyncpg.connect(url)
    await connection.execute(CASES, way, count)
    await connection.execute(NOTICES, way, way)
    await connection.execute("analyze")
    await connection.close()


async def channel_name(url: str) -> str:
    connection = await asyncpg.connect(url)
    name = await connection.fetchval("select name from api_key where role = 'channel'")
    await connection.close()
    return str(name)


async def watch(url: str, notifier: Program, count: int) -> list[tuple[float, int, int]]:
    """Time, notices sent and memory in bytes, until all are sent."""
    connection = await asyncpg.connect(url)
    seen: list[tuple[float, int, int]] = []
    give_up = time.monotonic() + PATIENCE
    while not seen or seen[-1][1] < count:
        assert time.monotonic() < give_up, f"{seen[-1]} of {count} after {PATIENCE} s\n{notifier.log_tail()}"
        sent = await connection.fetchval("select count(*) from notice where status = 'sent'")
        seen.append((time.monotonic(), sent, notifier.resident_bytes()))
        await asyncio.sleep(0.25)
    await connection.close()
    return seen


def report(way: str, count: int, seen: list[tuple[float, int, int]], *, flat: bool) -> None:
    """Print the rate between a tenth and nine tenths, and the memory."""
    began = next(at for at in seen if at[1] >= count * 0.1)
    ended = next(at for at in seen if at[1] >= count * 0.9)
    rate = (ended[1] - began[1]) / (ended[0] - began[0])
    if not flat:
        print(f"{way}: {rate:.0f} notices a second (aim {AIMS[way]}), {count} in all")
        return
    shares = (0.1, 0.25, 0.5, 0.75, 1.0)
    memory = [next(at[2] for at in seen if at[1] >= count * share) / 2**20 for share in shares]
    shown = ", ".join(f"{share:.0%}: {mib:.0f}" for share, mib in zip(shares, memory, strict=True))
    print(f"{way}: {count} notices at {rate:.0f} a second; memory in MiB at {shown}")


@contextmanager
def peer(kind: str, port: int) -> Iterator[None]:
    """A peer in a process of its own."""
    script = Path(__file__).parent / "peers.py"
    with subprocess.Popen([sys.executable, str(script), kind, str(port)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        try:
            yield
        finally:
            process.kill()


if __name__ == "__main__":
    main()
