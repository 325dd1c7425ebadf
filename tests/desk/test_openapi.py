"""The desk's OpenAPI document."""

from __future__ import annotations

import httpx

from services.casework.registry import BODIES

METHODS = ("get", "post")


async def test_every_call_names_its_key_and_shows_an_example_of_every_answer(desk: httpx.AsyncClient) -> None:
    document = (await desk.get("/openapi.json")).json()

    calls = [
        (path, path_item[method])
        for path, path_item in document["paths"].items()
        for method in METHODS
        if method in path_item and path.startswith("/v1")
    ]
    assert {path for path, _ in calls} >= {
        "/v1/complaints",
        "/v1/complaints/{name}",
        "/v1/complaints/{name}/timeline",
        "/v1/complaints/{name}/actions",
        "/v1/complaints/{name}/actions/{action}",
    }
    for path, call in calls:
        assert call["security"] == [{"key": []}], path
        assert call["summary"], path
        for status, answer in call["responses"].items():
            if set(answer["content"]) == {"application/octet-stream"}:
                continue
            media = "application/json" if status.startswith("2") else "application/problem+json"
            assert "example" in answer["content"][media], (path, status)
    assert "HTTPValidationError" not in document.get("components", {}).get("schemas", {})


async def test_the_body_of_every_action_is_described_with_an_example(desk: httpx.AsyncClient) -> None:
    document = (await desk.get("/openapi.json")).json()

    body = document["paths"]["/v1/complaints/{name}/actions/{action}"]["post"]["requestBody"]
    content = body["content"]["application/json"]
    assert list(content["examples"]) == list(BODIES)
    assert len(content["schema"]["anyOf"]) == len(BODIES)


async def test_no_page_that_loads_from_another_host_is_served(desk: httpx.AsyncClient) -> None:
    assert (await desk.get("/docs")).status_code == 404
    assert (await desk.get("/redoc")).status_code == 404
