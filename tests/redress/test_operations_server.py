"""A worker tells operations that it is well for as long as its parts show life."""

from __future__ import annotations

import time
from dataclasses import dataclass

import httpx
import pytest

from redress.operations_server import LONGEST_SILENCE, operations_app


@dataclass(frozen=True)
class Part:
    name: str
    last_sign_of_life: float


async def ask(path: str, *silences: float) -> httpx.Response:
    parts = [Part(f"part-{place}", time.monotonic() - silence) for place, silence in enumerate(silences)]
    transport = httpx.ASGITransport(operations_app(parts))
    async with httpx.AsyncClient(transport=transport, base_url="http://worker") as client:
        return await client.get(path)


async def test_parts_that_show_life_are_well() -> None:
    answer = await ask("/healthz", 1, LONGEST_SILENCE - 5)

    assert (answer.status_code, answer.text) == (200, "ok\n")


async def test_a_part_that_was_silent_for_a_minute_is_named() -> None:
    answer = await ask("/healthz", 1, LONGEST_SILENCE + 1)

    assert answer.status_code == 503
    assert "part-1" in answer.text
    assert "part-0" not in answer.text


async def test_metrics_are_those_of_the_process() -> None:
    assert "redress_events_handled_total" in (await ask("/metrics", 1)).text


@pytest.mark.parametrize("path", ["/", "/readyz"])
async def test_other_paths_say_what_there_is(path: str) -> None:
    answer = await ask(path, 1)

    assert answer.status_code == 404
    assert "/healthz" in answer.text
