"""The import posts rows to a running service until each is registered or refused, and repeats nothing twice."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from redress.importing.posting import Poster, Rejected, Tally
from redress.importing.rows import Row
from redress.importing.running import Rejects
from services.base.errors import Unauthenticated, Unavailable
from tests.intake.factories import Service, complaint, running_service


@pytest.fixture
async def service(engine: AsyncEngine, database: str) -> AsyncIterator[Service]:
    async with running_service(engine, database) as running:
        yield running


@dataclass
class Faulty:
    """The way to the service, with faults on it: each is used up by one request."""

    app: ASGIApp
    faults: list[str] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "503":
            await PlainTextResponse("later", 503, {"Retry-After": "0"})(scope, receive, send)
            return
        if fault == "lost answer":

            async def nowhere(_: Any) -> None: ...

            await self.app(scope, receive, nowhere)
            raise httpx.ReadError("the connection was lost")
        if fault == "away":
            raise httpx.ConnectError("nobody listens")
        await self.app(scope, receive, send)


def row(line: int, **changes: Any) -> Row:
    return Row(line, {"line": line}, complaint(external_id=f"A-{line}", **changes), None, line)


async def post(
    service: Service,
    rows: Sequence[Row] | Iterator[Row],
    *faults: str,
    key: str = "",
    patience: float = 60,
    told: list[str] | None = None,
) -> tuple[Tally, list[Rejected]]:
    rejected: list[Rejected] = []
    told = [] if told is None else told
    transport = httpx.ASGITransport(Faulty(service.app, list(faults)))
    async with httpx.AsyncClient(transport=transport, base_url="http://intake") as client:
        key = key or service.channel["Authorization"].removeprefix("Bearer ")
        poster = Poster(client, key, rejected.append, lambda _: None, told.append, patience=patience, first_pause=0.001)
        return await poster.post(rows), rejected


async def test_every_row_is_registered_in_batches(service: Service) -> None:
    tally, rejected = await post(service, [row(line) for line in range(1200)])

    assert (tally.registered, tally.already_there, tally.rejected, rejected) == (1200, 0, 0, [])
    assert await service.written() == (1200, 1200)


async def test_importing_again_registers_nothing_twice(service: Service) -> None:
    await post(service, [row(line) for line in range(20)])

    tally, _ = await post(service, [row(line) for line in range(25)])

    assert (tally.registered, tally.already_there) == (5, 20)
    assert await service.written() == (25, 25)


async def test_a_row_that_the_service_refuses_is_rejected_with_every_reason(service: Service) -> None:
    tally, [rejected] = await post(service, [row(1), row(2, channel="fax", customer={"phone": "12"}), row(3)])

    assert (tally.registered, tally.rejected) == (2, 1)
    assert rejected.row.line == 2
    assert sorted(reason.partition(":")[0] for reason in rejected.reasons) == ["channel", "customer.phone"]


async def test_an_external_id_of_another_complaint_is_rejected(service: Service) -> None:
    await post(service, [row(1)])

    tally, [rejected] = await post(service, [row(1, content="Something else entirely")])

    assert tally.rejected == 1
    assert "external_id was used for another complaint" in rejected.reasons[0]


async def test_a_row_that_could_not_be_read_is_rejected_without_being_posted(service: Service) -> None:
    tally, [rejected] = await post(service, [Row(1, "{", None, "is not JSON", 1), row(2)])

    assert (tally.registered, tally.rejected) == (1, 1)
    assert rejected.reasons == ("is not JSON",)


async def test_a_row_larger_than_the_service_takes_is_rejected_and_its_neighbours_go_on(service: Service) -> None:
    tally, [rejected] = await post(service, [row(1), row(2, content="x" * 1_100_000), row(3)])

    assert (tally.registered, tally.rejected) == (2, 1)
    assert "larger than 1 MiB" in rejected.reasons[0]


@pytest.mark.parametrize("faults", [("503",), ("away", "away"), ("lost answer",), ("503", "lost answer", "away")])
async def test_what_fails_on_the_way_is_sent_again_until_it_is_there_once(
    service: Service, faults: tuple[str, ...]
) -> None:
    tally, _ = await post(service, [row(line) for line in range(700)], *faults)

    assert tally.registered + tally.already_there == 700
    assert await service.written() == (700, 700)


async def test_that_a_service_does_not_answer_is_told_at_once_and_once(service: Service) -> None:
    told: list[str] = []

    await post(service, [row(1)], "away", "away", "away", told=told)

    [words] = told
    assert re.fullmatch(r"http://intake/? does not answer; trying again until \d\d:\d\d:\d\d", words)


async def test_a_service_that_stays_away_ends_the_import_with_what_to_do(service: Service) -> None:
    with pytest.raises(Unavailable, match="Run the same import again later"):
        await post(service, [row(1)], "away", patience=0)


async def test_a_key_that_is_not_valid_ends_the_import_at_once(service: Service) -> None:
    with pytest.raises(Unauthenticated, match="401"):
        await post(service, [row(line) for line in range(2000)], key="rd_channel_wrong")


async def test_rows_are_read_no_faster_than_they_are_posted(service: Service) -> None:
    read = 0
    ahead = 0

    def rows() -> Iterator[Row]:
        nonlocal read, ahead
        for line in range(5000):
            read += 1
            ahead = max(ahead, read - poster.tally.registered)
            yield row(line)

    key = service.channel["Authorization"].removeprefix("Bearer ")
    poster = Poster(service.client, key, lambda _: None, lambda _: None, lambda _: None)
    tally = await poster.post(rows())

    assert tally.registered == 5000
    assert ahead <= 4 * 500


def test_the_rejects_file_is_in_the_order_of_the_imported_file(tmp_path: Path) -> None:
    file = tmp_path / "rejects.jsonl"
    file.write_text("of an earlier import\n")
    rejects = Rejects(file)

    for line in (700, 2, 1001, 30):
        rejects.add(Rejected(row(line), ("姓名" * line,)))
    rejects.close()

    entries = [json.loads(text) for text in file.read_text("utf-8").splitlines()]
    assert [entry["line"] for entry in entries] == [2, 30, 700, 1001]
    assert all(entry["reasons"] == ["姓名" * entry["line"]] for entry in entries)
    assert list(tmp_path.iterdir()) == [file]


def test_no_rejects_leave_no_file(tmp_path: Path) -> None:
    Rejects(tmp_path / "rejects.jsonl").close()

    assert list(tmp_path.iterdir()) == []
