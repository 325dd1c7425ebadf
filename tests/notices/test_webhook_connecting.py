"""How channel front ends are connected to: kept connections, allowed addresses, certificates, no proxies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.database import create_engine
from services.notices.channels.port import PeerAway
from services.notices.channels.webhook_addresses import Networks, checked_endpoint
from tests.notices.front_ends import failure_of, known_to, line_of, outgoing, set_up
from tests.servers.certificates import self_signed, server_context
from tests.servers.process import free_port
from tests.servers.webhooks import WebhookServer, answer_in_pieces, answering


@pytest.fixture
def front_end() -> Iterator[WebhookServer]:
    with WebhookServer() as server:
        yield server


async def test_connections_stay_open_between_calls(engine: AsyncEngine, front_end: WebhookServer) -> None:
    await known_to(engine, front_end)
    front_end.once(answering(400), answering(500), answering(204), answer_in_pieces)

    async with line_of(engine) as line:
        for _ in range(20):
            await failure_of(line, outgoing())

    assert len(front_end.calls) == 20
    assert front_end.connections == 1


async def test_a_front_end_that_is_not_there_keeps_only_its_own_notices_waiting(engine: AsyncEngine) -> None:
    await set_up(engine, f"http://127.0.0.1:{free_port()}/")

    async with line_of(engine) as line:
        failure = await failure_of(line, outgoing())

    assert isinstance(failure, PeerAway)
    assert failure.peer == "chat"


async def test_without_the_database_all_calls_wait() -> None:
    away = create_engine(f"postgresql://u@127.0.0.1:{free_port()}/x")

    async with line_of(away) as line:
        failure = await failure_of(line, outgoing())
    await away.dispose()

    assert isinstance(failure, PeerAway)
    assert failure.peer is None


async def test_proxies_of_the_environment_are_not_asked(
    engine: AsyncEngine, front_end: WebhookServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await known_to(engine, front_end)
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")

    async with line_of(engine) as line:
        assert await failure_of(line, outgoing()) is None


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_an_address_that_is_not_allowed_any_more_is_not_connected_to(
    engine: AsyncEngine, front_end: WebhookServer, host: str
) -> None:
    await set_up(engine, front_end.url.replace("127.0.0.1", host))

    async with line_of(engine, networks="10.1.0.0/16") as line:
        failure = await failure_of(line, outgoing())

    assert isinstance(failure, PeerAway)
    assert "127.0.0.1 is loopback; REDRESS_WEBHOOK_NETWORKS" in str(failure)
    assert front_end.connections == 0


@pytest.mark.parametrize("second", [["127.0.0.1"], ["::ffff:127.0.0.1"]])
async def test_a_name_that_leads_inside_after_its_check_is_not_followed(
    engine: AsyncEngine, front_end: WebhookServer, second: list[str]
) -> None:
    answers = iter([["93.184.216.34"], second])

    async def lookup(host: str, port: int) -> Sequence[str]:
        return next(answers)

    url = f"https://rebinding.example.com:{front_end.port}/"
    endpoint = await checked_endpoint(url, Networks(), lookup)
    await set_up(engine, str(endpoint))

    async with line_of(engine, networks="", addresses=lambda: next(answers)) as line:
        failure = await failure_of(line, outgoing())

    assert isinstance(failure, PeerAway)
    assert "127.0.0.1 is loopback" in str(failure)
    assert front_end.connections == 0


async def test_a_name_is_not_called_at_all_when_one_of_its_addresses_is_not_allowed(
    engine: AsyncEngine, front_end: WebhookServer
) -> None:
    await set_up(engine, front_end.url.replace("127.0.0.1", "chat.example.com"))

    async with line_of(engine, addresses=lambda: ["127.0.0.1", "127.0.0.2"]) as line:
        failure = await failure_of(line, outgoing())

    assert isinstance(failure, PeerAway)
    assert "127.0.0.2 is loopback" in str(failure)
    assert front_end.connections == 0


async def test_without_encryption_only_the_allowed_networks_are_called(engine: AsyncEngine) -> None:
    await set_up(engine, "http://chat.example.com/")

    async with line_of(engine, addresses=lambda: ["93.184.216.34"]) as line:
        failure = await failure_of(line, outgoing())

    assert isinstance(failure, PeerAway)
    assert "only https goes there" in str(failure)


async def test_a_certificate_counts_only_when_it_is_vouched_for(
    engine: AsyncEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = self_signed(tmp_path)
    with WebhookServer(tls=server_context(certificate)) as front_end:
        await known_to(engine, front_end)

        async with line_of(engine) as line:
            unknown = await failure_of(line, outgoing())
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        async with line_of(engine) as line:
            vouched_for = await failure_of(line, outgoing())

        assert isinstance(unknown, PeerAway)
        assert "certificate" in str(unknown)
        assert vouched_for is None
        assert len(front_end.calls) == 1
