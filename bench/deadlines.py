"""How late deadlines fire: many open ones, many due in one minute, two handlers.

    python bench/deadlines.py [--open 1000000] [--due 10000] [--seconds 60] [--handlers 2]

A real PostgreSQL (fsync, ``synchronous_commit=on``) is filled with cases that have four clocks each, all due in weeks
but one in each of ``--due`` cases, which are due evenly over the seconds that follow. Handler programs run as processes
of their own. A reader of the event log notes when each missed deadline becomes visible to others: its lateness is that
moment less the time at which it was due. Afterwards it is counted whether any fired twice, and how many statements a
batch takes.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import threading
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import asyncpg
import sqlalchemy as sa

from bench.intake import prepare
from services.base.database import create_engine
from services.base.stream.database import DatabaseStream
from services.casework import firing
from services.complaints.events import DeadlineMissed
from services.plan.versions import Plans
from tests.servers.postgres import PostgresServer
from tests.servers.programs import Installation, Program

CLOCKS = 4
# Time for the readers to get through what was filled in.
LEAD = 45.0

_CASES = """
    insert into complaint (id, reference, realm, version, status, api_key_id, body_hash, channel, service_type,
    language, received_at, personal, content, category, sub_category, severity, plan_version, group_code, assignee,
    handling) select lpad(to_hex(n), 32, '0')::uuid, 'RD-' || n, 'live', 3, 'dispatched', gen_random_uuid(), '',
    'hotline', 'broadband', 'zh', now(), '{"name": "李伟"}', '宽带断网。', 'outage', 'no_service', 'major', 1,
    'technical_support', 'xu.lei', '{"playbook": "outage", "done": [], "skipped": [], "wants": {}, "failed_contacts": 0,
    "broken": 0, "reminded": 0, "legally_checked": false}' from generate_series($1::int, $2::int) n
"""
_EVENTS = """
    insert into event (id, type, topic, key, number, realm, time, actor, data)
    select gen_random_uuid(), 'redress.complaint.received.v1', 'redress.complaint', lpad(to_hex(n), 32, '0')::uuid, k,
    'live', now(), 'system:bench', '{}' from generate_series($1::int, $2::int) n, generate_series(1, 3) k
"""
_DEADLINES = """
    insert into deadline (complaint_id, kind, realm, started_at, allowed, calendar, used, since, due_at, next_at)
    select lpad(to_hex(n), 32, '0')::uuid, kind, 'live', now(), '720h', 'elapsed', 0, now(),
           now() + interval '30 days', now() + interval '20 days' + n * interval '1 second'
    from generate_series($1::int, $2::int) n, unnest(array['respond', 'estimate', 'resolve', 'regulator']) kind
"""
# Evenly over the time, and passed unmet: warned before.
_DUE = """
    update deadline
    set due_at = $2::timestamptz + (n * $3::float8 / $1) * interval '1 second', warned_at = now(),
        next_at = $2::timestamptz + (n * $3::float8 / $1) * interval '1 second'
    from generate_series(1, $1::int) n
    where complaint_id = lpad(to_hex(n), 32, '0')::uuid and kind = 'respond'
"""


def main() -> None:
    """Measure and print what was seen."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--open", type=int, default=1_000_000)
    options.add_argument("--due", type=int, default=10_000)
    options.add_argument("--seconds", type=int, default=60)
    options.add_argument("--handlers", type=int, default=2)
    options.add_argument("--kill", type=int, default=0, help="kill (SIGKILL) and restart a handler so many times")
    chosen = options.parse_args()
    with PostgresServer(durable=True) as postgres:
        url = postgres.create_database()
        asyncio.run(prepare(url))
        asyncio.run(fill(url, chosen.open // CLOCKS))
        statements = asyncio.run(statements_per_batch(url))
        with Installation(url, log_level="warning") as installation:
            handlers = [installation.start("worker", "handler") for _ in range(chosen.handlers)]
            killer = threading.Thread(target=kill, args=(handlers, chosen.kill, chosen.seconds), daemon=True)
            killer.start()
            lateness, fired = asyncio.run(measure(url, chosen.due, chosen.seconds))
            killer.join()
        asyncio.run(report(url, chosen.open, chosen.due, chosen.seconds, lateness, fired, statements))


def kill(handlers: Sequence[Program], times: int, seconds: int) -> None:
    """Kill and restart one handler after the other while deadlines fire."""
    time.sleep(LEAD if times else 0)
    for number in range(times):
        handler = handlers[number % len(handlers)]
        handler.kill()
        handler.restart()
        time.sleep(seconds / times / 2)


async def fill(url: str, cases: int) -> None:
    """So many cases, each with clocks that are due in weeks."""
    connection = await asyncpg.connect(url)
    for start in range(1, cases + 1, 25_000):
        end = min(start + 24_999, cases)
        for statement in (_CASES, _EVENTS, _DEADLINES):
            await connection.execute(statement, start, end)
    # What the disk and the planner have to do for so many new rows is done before anything is measured.
    for table in ("complaint", "deadline", "event"):
        await connection.execute(f"vacuum (analyze) {table}", timeout=300)
    await connection.execute("checkpoint", timeout=300)
    await connection.close()


async def measure(url: str, due: int, seconds: int) -> tuple[list[float], Counter[tuple[str, int]]]:
    """How late each missed deadline became visible, in seconds, and how often each was told."""
    connection = await asyncpg.connect(url)
    first = datetime.now(UTC) + timedelta(seconds=LEAD)
    await connection.execute(_DUE, due, first, float(seconds))
    await connection.close()
    stream = DatabaseStream(url, shares=1, pause=0.02)
    reader = stream.reader("bench", {DeadlineMissed.TYPE})
    lateness: list[float] = []
    fired: Counter[tuple[str, int]] = Counter()
    give_up = time.monotonic() + LEAD + seconds + 120
    while len(lateness) < due and time.monotonic() < give_up:
        batch = await reader.poll(5_000, 0.05)
        seen = datetime.now(UTC)
        if batch:
            for event in batch.events:
                missed = DeadlineMissed.model_validate_json(event.data)
                lateness.append((seen - missed.due_at).total_seconds())
                fired[str(event.key), missed.times] += 1
            await reader.commit(batch)
    await asyncio.sleep(3)
    await reader.close()
    await stream.close()
    return sorted(lateness), fired


async def statements_per_batch(url: str) -> int:
    """How many statements a batch takes, tried on hundred cases and rolled back."""
    engine = create_engine(url)
    counted = 0

    def count(*_: object) -> None:
        nonlocal counted
        counted += 1

    plans = Plans()
    async with engine.connect() as connection:
        await plans.current(connection)
        await plans.get(connection, 1)
        await connection.execute(
            sa.text(
                "update deadline set next_at = now(), due_at = now() from generate_series(1, 100) n "
                "where complaint_id = lpad(to_hex(n), 32, '0')::uuid and kind = 'respond'"
            )
        )
        sa.event.listen(engine.sync_engine, "before_cursor_execute", count)
        done = await firing.fire(connection, plans, datetime.now(UTC) + timedelta(seconds=1))
        assert done == 100, done
        await connection.rollback()
    await engine.dispose()
    return counted


async def report(
    url: str,
    opened: int,
    due: int,
    seconds: int,
    lateness: Sequence[float],
    fired: Counter[tuple[str, int]],
    statements: int,
) -> None:
    """Print what was seen, and check it against the record."""
    connection = await asyncpg.connect(url)
    twice = await connection.fetchval(
        "select count(*) from (select key, data->>'clock', data->>'times' from event where type = $1 "
        "group by 1, 2, 3 having count(*) > 1) as twice",
        DeadlineMissed.TYPE,
    )
    await connection.close()
    twice += sum(1 for count in fired.values() if count > 1)
    print(f"{opened:,} open deadlines, {due:,} due in {seconds} s, fired {len(lateness):,}")
    if lateness:
        print(
            f"late by: median {statistics.median(lateness) * 1000:.0f} ms, "
            f"99th percentile {lateness[int(len(lateness) * 0.99)] * 1000:.0f} ms, "
            f"worst {lateness[-1] * 1000:.0f} ms (aim 2,000 ms)"
        )
    print(f"fired twice: {twice} (aim 0); never: {due - len(lateness)} (aim 0)")
    print(f"statements for a batch of 100: {statements}")


if __name__ == "__main__":
    main()
