"""How fast complaints are registered, beside two servers that bound what can be expected.

    python bench/intake.py [--seconds 10]

In one run, one process each, keep-alive, PostgreSQL with ``synchronous_commit=on`` and ``fsync=on``:
``redress`` registers for real (authentication, validation, complaint and event on disk before the answer);
``two-inserts`` is a bare Starlette handler doing two INSERTs in a transaction through an asyncpg pool;
``no-database`` answers without any database. Load comes from wrk, or from a client in this script where wrk is not
installed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from intake_api.posting import EXAMPLE
from migrations.running import migrate
from services.base.database import create_engine
from services.judgements.artefact import shipped
from services.judgements.models import ensure_shipped
from services.people.keys import create_key
from services.plan.loading import shipped_plan_text
from services.plan.versions import Plans
from tests.servers.postgres import PostgresServer
from tests.servers.process import free_port

# The example of the API's documentation, without the id of its own that would make it one complaint.
BODY = {name: value for name, value in EXAMPLE.items() if name != "external_id"}
SECRET = "a secret that is only used by this benchmark"
SERVERS = ("no-database", "two-inserts", "redress")


def main() -> None:
    """Measure all three and print the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=int, default=10)
    options.add_argument("--serve", choices=SERVERS, help=argparse.SUPPRESS)
    options.add_argument("--port", type=int, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.serve:
        serve(chosen.serve, chosen.port)
        return
    with PostgresServer(durable=True) as postgres:
        url = postgres.create_database()
        key = asyncio.run(prepare(url))
        results: dict[tuple[str, int], tuple[float, str]] = {}
        memory = 0.0
        for server in SERVERS:
            with running(server, url) as (port, process):
                for connections in (1, 64):
                    load(port, key, connections, 2)  # warm up
                    results[server, connections] = load(port, key, connections, chosen.seconds)
                if server == "redress":
                    memory = psutil.Process(process.pid).memory_info().rss / 2**20
        rows = asyncio.run(count(url))
    report(results, memory, rows)


def report(results: dict[tuple[str, int], tuple[float, str]], memory: float, rows: int) -> None:
    """Print what was seen."""
    print(f"{'server':<14}{'connections':>12}{'requests/s':>12}{'latency':>34}")
    for (server, connections), (rate, latency) in results.items():
        print(f"{server:<14}{connections:>12}{rate:>12.0f}{latency:>34}")
    ours = results["redress", 64][0]
    print(
        f"\nredress at 64 connections: {ours / results['two-inserts', 64][0]:.2f} x two-inserts (aim 2), "
        f"{ours / results['no-database', 64][0]:.2f} x no-database (aim 0.6)"
    )
    print(f"memory of the intake process after the load: {memory:.0f} MiB (aim below 200)")
    print(f"complaints in the database: {rows}")


async def prepare(url: str) -> str:
    """Migrate, store plan and model, make a key, and the table of the reference server."""
    engine = create_engine(url)
    await migrate(engine)
    async with engine.begin() as connection:
        await Plans().ensure(connection, shipped_plan_text())
        await ensure_shipped(connection, shipped())
        key = await create_key(connection, "channel", "bench")
        await connection.exec_driver_sql("create table bare_complaint (id uuid primary key, body jsonb)")
        await connection.exec_driver_sql(
            "create table bare_event (id bigserial primary key, complaint uuid, data jsonb)"
        )
    await engine.dispose()
    return key


async def count(url: str) -> int:
    """How many complaints were registered."""
    engine = create_engine(url)
    async with engine.connect() as connection:
        found = (await connection.exec_driver_sql("select count(*) from complaint")).scalar_one()
    await engine.dispose()
    return int(found)


@contextmanager
def running(server: str, url: str) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """One of the servers in a process of its own, ready to answer."""
    port = free_port()
    command = [sys.executable, __file__, "--serve", server, "--port", str(port)]
    process = subprocess.Popen(command, env={**os.environ, "BENCH_DATABASE": url})
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1)
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        yield port, process
    finally:
        process.terminate()
        process.wait(15)


def load(port: int, key: str, connections: int, seconds: int) -> tuple[float, str]:
    """Requests per second, and latency in words."""
    wrk = shutil.which("wrk")
    if wrk is None:
        return asyncio.run(own_load(port, key, connections, seconds))
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(
            f"wrk.method = 'POST'\nwrk.body = {lua(json.dumps(BODY, ensure_ascii=False))}\n"
            f"wrk.headers['Content-Type'] = 'application/json'\nwrk.headers['Authorization'] = 'Bearer {key}'\n"
        )
        script.flush()
        command = [wrk, "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", script.name]
        printed = subprocess.run(
            [*command, f"http://127.0.0.1:{port}/v1/complaints"], capture_output=True, text=True, check=True
        ).stdout
    if "Non-2xx" in printed or "Socket errors" in printed:
        raise SystemExit(f"the load was not answered as it should be:\n{printed}")
    rate = float(re.findall(r"Requests/sec:\s+([\d.]+)", printed)[0])
    percentiles = dict(re.findall(r"(50|99)%\s+(\S+)", printed))
    return rate, f"median {percentiles['50']}, p99 {percentiles['99']}"


def lua(text: str) -> str:
    """A Lua string."""
    return "[==[" + text + "]==]"


async def own_load(port: int, key: str, connections: int, seconds: int) -> tuple[float, str]:
    """The same load without wrk; the client is Python too, so the server gets less of the machine."""
    body = json.dumps(BODY, ensure_ascii=False).encode()
    head = (
        f"POST /v1/complaints HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    took: list[float] = []
    end = time.monotonic() + seconds

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.monotonic() < end:
            began = time.perf_counter()
            writer.write(head + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 201"), answer
            await reader.readexactly(int(re.findall(rb"content-length: (\d+)", answer)[0]))
            took.append(time.perf_counter() - began)
        writer.close()

    await asyncio.gather(*(client() for _ in range(connections)))
    took.sort()
    median, p99 = took[len(took) // 2] * 1000, took[int(len(took) * 0.99)] * 1000
    return len(took) / seconds, f"median {median:.2f}ms, p99 {p99:.2f}ms"


def serve(server: str, port: int) -> None:
    """Run one of the servers in this process until it is terminated."""
    import uvicorn

    app = {"no-database": without_database, "two-inserts": two_inserts, "redress": redress}[server]()
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
        proxy_headers=False,
    )


def without_database() -> Callable[..., Any]:
    """The bound that HTTP sets: read the body, parse it, answer."""
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route

    async def register(request: Request) -> Response:
        json.loads(await request.body())
        return JSONResponse({"id": "x"}, 201)

    async def healthz(_: Request) -> Response:
        return Response("ok")

    return Starlette(routes=[Route("/v1/complaints", register, methods=["POST"]), Route("/healthz", healthz)])


def two_inserts() -> Callable[..., Any]:
    """What a careful developer writes first: a pool, a transaction, two INSERTs."""
    import contextlib
    import uuid
    from collections.abc import AsyncIterator

    import asyncpg
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.pool = await asyncpg.create_pool(os.environ["BENCH_DATABASE"], min_size=10, max_size=20)
        yield
        await app.state.pool.close()

    async def register(request: Request) -> Response:
        body = (await request.body()).decode()
        json.loads(body)
        identity = uuid.uuid4()
        async with request.app.state.pool.acquire() as connection, connection.transaction():
            await connection.execute("insert into bare_complaint (id, body) values ($1, $2)", identity, body)
            await connection.execute("insert into bare_event (complaint, data) values ($1, $2)", identity, body)
        return JSONResponse({"id": str(identity)}, 201)

    async def healthz(_: Request) -> Response:
        return Response("ok")

    routes = [Route("/v1/complaints", register, methods=["POST"]), Route("/healthz", healthz)]
    return Starlette(routes=routes, lifespan=lifespan)


def redress() -> Callable[..., Any]:
    """The real thing."""
    from intake_api.app import create_app
    from intake_api.writer import Writer
    from services.base.files.receiving import FileDoor
    from services.base.files.store import LocalFiles
    from services.base.privacy import Privacy
    from services.judgements.judges import Judges
    from services.judgements.models import CategoryModels
    from services.people.keys import KeyRing

    url = os.environ["BENCH_DATABASE"]
    engine, plans = create_engine(url), Plans()
    return create_app(
        engine=engine,
        privacy=Privacy(SECRET),
        plans=plans,
        judges=Judges(plans, CategoryModels()),
        key_ring=KeyRing(engine),
        writer=Writer(url, connections=2, queue=2000),
        files=FileDoor(LocalFiles(Path("/nonexistent"))),
        public_url="http://127.0.0.1",
    )


if __name__ == "__main__":
    main()
