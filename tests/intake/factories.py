"""Complaints as channels post them, the intake program as they meet it, and what it left in the database."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import httpx
import sqlalchemy as sa
import uvicorn
from sqlalchemy.ext.asyncio import AsyncEngine

from intake_api.app import create_app
from intake_api.writer import Writer
from services.base.files.receiving import FileDoor
from services.base.files.store import LocalFiles
from services.base.privacy import Privacy
from services.judgements.judges import Judges
from services.judgements.models import CategoryModels
from services.people.keys import KeyRing, create_key, hash_key
from services.people.model import ApiKey
from services.plan.versions import Plans
from tests.conftest import SECRET
from web.direct import Direct

PUBLIC_URL = "https://complaints.example.com"
PRIVACY = Privacy(SECRET)
COMPLAINTS = "/v1/complaints"
BATCH = f"{COMPLAINTS}/batch"

Headers = dict[str, str]


def complaint(**changes: Any) -> dict[str, Any]:
    """A complaint with every usual field. ``customer`` is merged; ``...`` takes a field away."""
    customer = {
        "name": "李伟",
        "phone": "+8613800138000",
        "email": "li.wei@example.com",
        "account": "BJ-5520-7781",
    }
    posted = {
        "customer": customer,
        "channel": "online_chat",
        "service_type": "broadband",
        "region": "北京/海淀",
        "content": "宽带从昨晚开始断网，一直没人来修。",
        "occurred_at": "2026-11-22T20:10:00+08:00",
    }
    of_customer = changes.pop("customer", {})
    if isinstance(of_customer, dict):
        changes["customer"] = _without_absent({**customer, **of_customer})
    else:
        changes["customer"] = of_customer
    return _without_absent({**posted, **changes})


def with_raw(field: bytes) -> bytes:
    """A good complaint with one more field, as it stands in JSON."""
    return json.dumps(complaint(content="x")).encode()[:-1] + b", " + field + b"}"


@dataclass(frozen=True)
class Service:
    """A running intake program: who posts to it, and the database behind it."""

    app: Direct
    client: httpx.AsyncClient
    engine: AsyncEngine
    url: str
    channel: Headers
    key_id: UUID

    async def post(self, body: Any, *, key: str | None = None, headers: Headers | None = None) -> httpx.Response:
        """Post one complaint: a value to write as JSON, or bytes as they are."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.client.post(COMPLAINTS, content=content, headers=self._headers(headers, key))

    async def post_batch(
        self, bodies: Sequence[Any], *, key: str | None = None, headers: Headers | None = None
    ) -> httpx.Response:
        """Post several as a JSON array."""
        content = json.dumps(bodies).encode()
        return await self.client.post(BATCH, content=content, headers=self._headers(headers, key))

    async def post_lines(
        self, lines: list[Any] | bytes | AsyncIterator[bytes], *, key: str | None = None, headers: Headers | None = None
    ) -> httpx.Response:
        """Post several as NDJSON; bytes among them are lines as they are."""
        if isinstance(lines, list):
            lines = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
        sent = {"Content-Type": "application/x-ndjson", **self._headers(headers, key)}
        return await self.client.post(BATCH, content=lines, headers=sent)

    async def get(self, path: str, headers: Headers | None = None) -> httpx.Response:
        return await self.client.get(path, headers=headers or self.channel)

    async def rows(self, query: str, **values: Any) -> list[dict[str, Any]]:
        """What the database holds. ``:key_id`` in the query is the channel's key."""
        async with self.engine.connect() as connection:
            found = await connection.execute(sa.text(query), {"key_id": self.key_id, **values})
            return [dict(row) for row in found.mappings()]

    async def written(self) -> tuple[int, int]:
        """How many complaints this channel has, and how many events these have."""
        [row] = await self.rows(
            "select count(distinct c.id) as complaints, count(e.id) as events"
            " from complaint c left join event e on e.key = c.id where c.api_key_id = :key_id"
        )
        return row["complaints"], row["events"]

    async def with_another_key(self, role: str = "channel", realm: str = "live") -> Service:
        """The same program, asked by somebody else."""
        headers, key_id = await _new_key(self.engine, role, realm)
        return replace(self, channel=headers, key_id=key_id)

    def _headers(self, headers: Headers | None, key: str | None) -> Headers:
        return {**(self.channel if headers is None else headers), **({"Idempotency-Key": key} if key else {})}


@asynccontextmanager
async def running_service(
    engine: AsyncEngine,
    url: str,
    *,
    key_ring: KeyRing | None = None,
    writer: Writer | None = None,
    files: FileDoor | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> AsyncIterator[Service]:
    """The intake program on a migrated database, in this process, from its start to its end.

    Without ``files`` it keeps none: the place is a folder that can't be made.
    """
    plans = Plans()
    app = create_app(
        engine=engine,
        privacy=PRIVACY,
        plans=plans,
        judges=Judges(plans, CategoryModels()),
        key_ring=key_ring or KeyRing(engine),
        writer=writer or Writer(url, connections=2, queue=2000),
        files=files or FileDoor(LocalFiles(Path("/dev/null/files"))),
        public_url=PUBLIC_URL,
        clock=clock,
    )
    headers, key_id = await _new_key(engine, "channel", "live")
    transport = httpx.ASGITransport(cast(Any, app))
    async with (
        app.app.router.lifespan_context(app.app),
        httpx.AsyncClient(transport=transport, base_url="http://intake") as client,
    ):
        yield Service(app, client, engine, url, headers, key_id)


@asynccontextmanager
async def listening(app: Direct) -> AsyncIterator[int]:
    """The port of 127.0.0.1 on which uvicorn serves ``app``, without starting it a second time."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(cast(Any, app), lifespan="off", log_level="warning", access_log=False)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server._serve([listener]))
        while not server.started:
            await asyncio.sleep(0.01)
        yield int(listener.getsockname()[1])
        server.should_exit = True
        await asyncio.wait_for(serving, 10)


async def _new_key(engine: AsyncEngine, role: str, realm: str) -> tuple[Headers, UUID]:
    login = "wang.fang" if role == "staff" else None
    async with engine.begin() as connection:
        key = await create_key(connection, role, f"{role} front end", login=login, realm=realm)
        key_id = await connection.scalar(sa.select(ApiKey.id).where(ApiKey.hash == hash_key(key)))
    assert key_id is not None
    return {"Authorization": f"Bearer {key}"}, key_id


def _without_absent(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not ...}
