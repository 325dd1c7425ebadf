"""How many staff actions a second the desk does, and how long one takes, with many open cases.

    python bench/casework.py [--cases 100000] [--seconds 20] [--connections 16]

A real PostgreSQL (fsync, ``synchronous_commit=on``) with that many open cases, and the desk as a process of its own.
Each connection takes up a case of its own over HTTP and works through its playbook: accept, diagnose, estimate, note,
repair, contact, resolve; every action with ``If-Match``. Then one connection does the same alone.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx

from bench.deadlines import fill
from bench.intake import prepare
from services.base.database import create_engine
from services.people.keys import create_key
from tests.servers.postgres import PostgresServer
from tests.servers.programs import Installation

LOGIN = "zheng.kai"


def main() -> None:
    """Measure and print what was seen."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--cases", type=int, default=100_000)
    options.add_argument("--seconds", type=int, default=20)
    options.add_argument("--connections", type=int, default=16)
    chosen = options.parse_args()
    with PostgresServer(durable=True) as postgres:
        url = postgres.create_database()
        asyncio.run(prepare(url))
        asyncio.run(fill(url, chosen.cases))
        key = asyncio.run(staff_key(url))
        with Installation(url, log_level="warning") as installation:
            desk = installation.start("desk")
            cases = itertools.count(1)
            for connections in (chosen.connections, 1):
                asyncio.run(measure(desk.url, key, cases, connections, chosen.seconds))
            print(f"memory of the desk: {desk.resident_bytes() / 2**20:.0f} MiB, {chosen.cases:,} open cases")


async def staff_key(url: str) -> str:
    """A key of somebody in the group that has the cases."""
    engine = create_engine(url)
    async with engine.begin() as connection:
        key = await create_key(connection, "staff", "bench", login=LOGIN)
    await engine.dispose()
    return key


async def measure(url: str, key: str, cases: Iterator[int], connections: int, seconds: int) -> None:
    """Work through cases for so long, and print how it went."""
    times: dict[str, list[float]] = defaultdict(list)
    until = time.monotonic() + seconds
    headers = {"Authorization": f"Bearer {key}"}

    async def work() -> None:
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30) as client:
            while time.monotonic() < until:
                await work_through(client, f"{next(cases):032x}", times)

    began = time.monotonic()
    await asyncio.gather(*(work() for _ in range(connections)))
    took = time.monotonic() - began
    every = sorted(itertools.chain.from_iterable(times.values()))
    print(
        f"{connections} at once: {len(every) / took:.0f} actions/s, median {statistics.median(every) * 1000:.1f} ms, "
        f"99th percentile {every[int(len(every) * 0.99)] * 1000:.1f} ms, worst {every[-1] * 1000:.0f} ms"
    )
    for action, found in times.items():
        found.sort()
        print(f"  {action}: median {statistics.median(found) * 1000:.1f} ms, 99th percentile "
              f"{found[int(len(found) * 0.99)] * 1000:.1f} ms ({len(found)})")  # fmt: skip


async def work_through(client: httpx.AsyncClient, case: str, times: dict[str, list[float]]) -> None:
    """One case from acceptance to the result."""
    tag = '"3"'
    for action, body in steps():
        started = time.perf_counter()
        answer = await client.post(f"/v1/complaints/{case}/actions/{action}", json=body, headers={"If-Match": tag})
        times[action].append(time.perf_counter() - started)
        if answer.status_code != 200:
            raise SystemExit(f"{action}: {answer.status_code} {answer.text}")
        tag = answer.headers["ETag"]


def steps() -> list[tuple[str, dict[str, object]]]:
    """What is done with each case."""
    estimate = (datetime.now(UTC) + timedelta(hours=4)).isoformat()
    return [
        ("accept", {}),
        ("diagnose", {"cause": "cable", "finding": "小区主干光缆被施工挖断。"}),
        ("set-eta", {"estimated_repair_at": estimate}),
        ("note", {"text": "抢修人员已到场。"}),
        ("repair", {"what": "光缆已熔接。"}),
        ("contact", {"way": "phone", "outcome": "reached", "said": "客户确认恢复。"}),
        ("resolve", {"text": "光缆已修复，您的宽带已恢复正常。"}),
    ]


if __name__ == "__main__":
    main()
