"""On a laptop one address serves both programs, dividing the paths exactly as the proxy in front of a cluster does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx
import pytest
from pydantic import SecretStr

from redress.composition import opened
from redress.dispatching import OneAddress, is_for_intake
from services.base.settings import Settings
from tests.deploy.test_proxy import TO_DESK, TO_INTAKE


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """Somebody at the one address; no database is behind it."""
    settings = Settings(database_url="postgresql://nobody@/nothing?host=/nowhere", secret=SecretStr("-" * 32))
    async with opened(settings) as composition:
        transport = httpx.ASGITransport(OneAddress(composition.intake(), composition.desk()))
        async with httpx.AsyncClient(transport=transport, base_url="http://laptop") as one:
            yield one


@pytest.mark.parametrize(("method", "address"), TO_INTAKE)
def test_the_laptop_sends_to_intake_what_the_proxy_sends_there(method: str, address: str) -> None:
    assert is_for_intake(method, urlsplit(address).path)


@pytest.mark.parametrize(("method", "address"), TO_DESK)
def test_the_laptop_sends_to_the_desk_what_the_proxy_sends_there(method: str, address: str) -> None:
    assert not is_for_intake(method, urlsplit(address).path)


def test_metrics_are_served_on_a_laptop() -> None:
    assert is_for_intake("GET", "/metrics")


async def test_the_openapi_document_tells_of_both_programs(client: httpx.AsyncClient) -> None:
    answer = await client.get("/openapi.json")
    again = await client.get("/openapi.json")

    document = answer.json()
    assert sorted(document["paths"]["/v1/complaints"]) == ["get", "post"]
    assert "/v1/complaints/{name}/actions" in document["paths"]
    assert "/v1/complaints/batch" in document["paths"]
    assert "PostedComplaint" in document["components"]["schemas"]
    assert again.content == answer.content


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/complaints", "GET, POST"),
        ("PUT", "/v1/complaints/batch", "POST"),
        ("DELETE", "/v1/complaints/RD-1", "GET"),
        ("POST", "/readyz", "GET"),
    ],
)
async def test_a_method_that_a_path_does_not_take_is_answered_with_those_of_both_programs(
    client: httpx.AsyncClient, method: str, path: str, allowed: str
) -> None:
    answer = await client.request(method, path)

    assert answer.status_code == 405
    assert answer.headers["allow"] == allowed
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == f"{method} is not possible at {path}; it takes {allowed}"


async def test_the_address_itself_says_where_to_go_on(client: httpx.AsyncClient) -> None:
    answer = await client.get("/")

    assert answer.json() == {"service": "redress", "openapi": "/openapi.json", "health": "/readyz"}
