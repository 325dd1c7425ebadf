"""Posting rows to the service in batches, as often as it takes, and sorting its answers.

Every row has an external id, so that sending it again is safe: what was registered already is found again. A batch
that the service can't take now, or whose answer was lost, is sent again; a refused row is not.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import httpx
import orjson

from redress.importing.rows import Row
from services.base.errors import Invalid, Unauthenticated, Unavailable

MOST_ROWS: Final = 500
_LARGEST_ROW: Final = 1024 * 1024
_MOST_BYTES: Final = 8 * 1024 * 1024
_AT_ONCE: Final = 2
_NOT_NOW: Final = frozenset({429, 502, 503, 504})
_LONGEST_PAUSE: Final = 15.0


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that was not taken, and why."""

    row: Row
    reasons: tuple[str, ...]


# A row and its complaint as it is sent.
_Ready = tuple[Row, bytes]


@dataclass(slots=True)
class Tally:
    """What became of the rows so far."""

    registered: int = 0
    already_there: int = 0
    rejected: int = 0
    at: int = field(default=0)


class Poster:
    """Posts to one service with one key.

    ``reject`` is told of every row that is not taken, ``tell`` once, in words, that the service does not answer.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        key: str,
        reject: Callable[[Rejected], None],
        progress: Callable[[Tally], None],
        tell: Callable[[str], None],
        *,
        patience: float = 300.0,
        first_pause: float = 0.5,
    ) -> None:
        """``client`` has the service's address as its base; ``patience``: seconds without success until it gives up."""
        self._client = client
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/x-ndjson"}
        self._reject = reject
        self._progress = progress
        self._tell = tell
        self._has_told = False
        self._patience = patience
        self._first_pause = first_pause
        self._last_success = time.monotonic()
        self.tally = Tally()

    async def post(self, rows: Iterable[Row]) -> Tally:
        """Post all of ``rows``, a few batches at a time.

        Raises `Unauthenticated` or `Invalid` when the service refuses the key or the whole request, `Unavailable`
        when it could not be reached for too long. What was sent until then stays.
        """
        batches: asyncio.Queue[list[_Ready] | None] = asyncio.Queue(maxsize=1)
        try:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(_AT_ONCE):
                    tasks.create_task(self._work(batches))
                await self._deal_out(rows, batches)
        except* (Unauthenticated, Invalid, Unavailable) as group:
            raise group.exceptions[0] from None
        return self.tally

    async def _deal_out(self, rows: Iterable[Row], batches: asyncio.Queue[list[_Ready] | None]) -> None:
        batch: list[_Ready] = []
        size = 0
        for row in rows:
            self.tally.at = row.at
            body = None if row.complaint is None else orjson.dumps(row.complaint)
            if body is None or len(body) > _LARGEST_ROW:
                self._refuse(row, (row.reason or "is larger than 1 MiB; shorten its content",))
                continue
            batch.append((row, body))
            size += len(body)
            if len(batch) == MOST_ROWS or size > _MOST_BYTES:
                await batches.put(batch)
                batch, size = [], 0
        if batch:
            await batches.put(batch)
        for _ in range(_AT_ONCE):
            await batches.put(None)

    async def _work(self, batches: asyncio.Queue[list[_Ready] | None]) -> None:
        while (batch := await batches.get()) is not None:
            waiting: Sequence[_Ready] = batch
            pause = self._first_pause
            while waiting:
                waiting, wanted = await self._try(waiting)
                self._progress(self.tally)
                if waiting:
                    self._check_patience()
                    await asyncio.sleep(max(wanted, pause))
                    pause = min(pause * 2, _LONGEST_PAUSE)

    async def _try(self, rows: Sequence[_Ready]) -> tuple[Sequence[_Ready], float]:
        """Send once. Returns the rows to send again, and the pause that the service asked for."""
        content = b"\n".join(body for _, body in rows)
        try:
            answer = await self._client.post("/v1/complaints/batch", content=content, headers=self._headers)
        except httpx.TransportError:
            self._tell_once()
            return rows, 0.0
        if answer.status_code in _NOT_NOW:
            return rows, _seconds(answer)
        if answer.status_code != httpx.codes.OK:
            raise _refusal(answer)
        self._last_success = time.monotonic()
        return self._sort(rows, answer.json()["items"]), 0.0

    def _sort(self, rows: Sequence[_Ready], items: Sequence[dict[str, Any]]) -> list[_Ready]:
        again = []
        for (row, body), item in zip(rows, items, strict=True):
            match item["status"]:
                case 201:
                    self.tally.registered += 1
                case 200:
                    self.tally.already_there += 1
                case status if status in _NOT_NOW:
                    again.append((row, body))
                case _:
                    self._refuse(row, _reasons(item["problem"]))
        return again

    def _refuse(self, row: Row, reasons: tuple[str, ...]) -> None:
        self.tally.rejected += 1
        self._reject(Rejected(row, reasons))

    def _tell_once(self) -> None:
        left = self._patience - (time.monotonic() - self._last_success)
        if self._has_told or left <= 0:
            return
        self._has_told = True
        until = datetime.now().astimezone() + timedelta(seconds=left)
        self._tell(f"{self._client.base_url} does not answer; trying again until {until:%H:%M:%S}")

    def _check_patience(self) -> None:
        waited = time.monotonic() - self._last_success
        if waited > self._patience:
            raise Unavailable(
                f"the service at {self._client.base_url} has taken nothing for {waited:.0f} s. "
                "Run the same import again later: what is registered is not registered twice"
            )


def _reasons(problem: dict[str, Any]) -> tuple[str, ...]:
    errors = problem.get("errors") or ()
    found = tuple(f"{error['field']}: {error['reason']}".removeprefix(": ") for error in errors)
    return found or (str(problem.get("detail") or problem.get("title")),)


def _seconds(answer: httpx.Response) -> float:
    wanted = answer.headers.get("retry-after", "")
    return min(float(wanted), _LONGEST_PAUSE) if wanted.isdecimal() else 0.0


def _refusal(answer: httpx.Response) -> Unauthenticated | Invalid:
    try:
        told = str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        told = answer.text[:200]
    words = f"{answer.request.url} answers {answer.status_code}: {told}"
    return Unauthenticated(words) if answer.status_code == httpx.codes.UNAUTHORIZED else Invalid(words)
