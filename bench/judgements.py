"""How long ``POST /v1/judgements`` takes while somebody types, and how much memory the programs that judge need.

    python bench/judgements.py [complaints.jsonl] [--seconds 10]

The intake program and a classifier run as processes of their own on a real PostgreSQL. One connection posts the texts
of the file (or a few written here), one after the other; then four do so at once.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import itertools
import json
import statistics
import threading
import time
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path

import httpx
import psutil

from bench.intake import prepare
from bench.pipeline import TEXTS
from services.judgements.training.files import read_complaints
from tests.servers.postgres import PostgresServer
from tests.servers.programs import Installation

WARM_UP = 50


def main() -> None:
    """Measure and print what was seen."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("complaints", type=Path, nargs="?")
    options.add_argument("--seconds", type=int, default=10)
    chosen = options.parse_args()
    texts = [text for _, text in TEXTS]
    if chosen.complaints:
        texts = [case.text for case in read_complaints(chosen.complaints)]
    with PostgresServer(durable=True) as postgres:
        url = postgres.create_database()
        key = asyncio.run(prepare(url))
        with Installation(url, log_level="warning") as installation:
            api = installation.start("api")
            classifier = installation.start("worker", "classifier")
            for connections in (1, 4):
                times = load(api.port, key, texts, connections, chosen.seconds)
                report(connections, times)
            asyncio.run(register(api.url, key, texts))
            for name, program in (("intake", api), ("classifier", classifier)):
                memory = psutil.Process(program.pid).memory_info().rss / 2**20
                print(f"memory of the {name} process: {memory:.0f} MiB")


def load(port: int, key: str, texts: Sequence[str], connections: int, seconds: int) -> list[float]:
    """How long each request took, in seconds. A plain client: a comfortable one takes as long as the server."""
    times: list[float] = []
    until = time.monotonic() + seconds
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def ask(start: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        for number in itertools.count(start):
            if time.monotonic() > until:
                break
            body = json.dumps({"content": texts[number % len(texts)]})
            began = time.perf_counter()
            connection.request("POST", "/v1/judgements", body, headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status != HTTPStatus.OK:
                raise SystemExit(f"answered {answer.status}")
            times.append(time.perf_counter() - began)

    threads = [threading.Thread(target=ask, args=(17 * number,)) for number in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times[WARM_UP:]


async def register(url: str, key: str, texts: Sequence[str]) -> None:
    """Give the classifier something to do."""
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=30) as client:
        for start in range(0, len(texts), 200):
            bodies = [
                {"customer": {"name": "x", "email": "x@example.com"}, "channel": "web", "content": text}
                for text in texts[start : start + 200]
            ]
            (await client.post("/v1/complaints/batch", json=bodies)).raise_for_status()
    await asyncio.sleep(5)


def report(connections: int, times: list[float]) -> None:
    """Print one line."""
    times.sort()
    p99 = times[int(len(times) * 0.99)]
    print(
        f"{connections} connection(s): {len(times)} judgements, median {1e3 * statistics.median(times):.1f} ms, "
        f"99th percentile {1e3 * p99:.1f} ms (aim below 20), worst {1e3 * times[-1]:.1f} ms"
    )


if __name__ == "__main__":
    main()
