"""Every error that a program can meet, as its caller is told of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Literal

import httpx
import pytest
from fastapi import FastAPI, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from services.base import errors
from services.base.errors import FieldProblem
from web import problems
from web.bodies import parse_body, read_body
from web.problems import PreconditionRequired, describe, respond
from web.validation import Malformed

LIMIT = 100


class Address(BaseModel):
    model_config = ConfigDict(extra="forbid")

    city: str | None = None


class Posted(BaseModel):
    model_config = ConfigDict(extra="forbid")

    content: str = Field(min_length=1, max_length=10)
    channel: Literal["hotline", "web"] = "web"
    count: int = Field(0, ge=0)
    at: AwareDatetime | None = None
    address: Address | None = None
    others: list[Address] = []


def small_app() -> FastAPI:
    app = FastAPI()
    problems.install(app)

    @app.post("/echo")
    async def echo(request: Request) -> Response:
        return Response(parse_body(Posted, await read_body(request, LIMIT)).content)

    @app.get("/search")
    async def search(limit: Annotated[int, Query(le=200)] = 10) -> int:
        return limit

    @app.get("/defect")
    async def defect() -> None:
        raise RuntimeError("the customer's name is Li Wei")

    @app.get("/away")
    async def away() -> None:
        raise ConnectionRefusedError("no database")

    return app


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(small_app()), base_url="http://app") as made:
        yield made


@pytest.mark.parametrize(
    ("error", "status", "name"),
    [
        (Malformed("…"), 400, "malformed"),
        (errors.Unauthenticated("…"), 401, "unauthenticated"),
        (errors.Forbidden("…"), 403, "forbidden"),
        (errors.NotFound("…"), 404, "not-found"),
        (errors.WrongState("…", ["note"]), 409, "wrong-state"),
        (errors.AlreadyUsed("…", by="external-id"), 409, "external-id-used"),
        (errors.Changed("…", 4), 412, "changed"),
        (errors.TooLarge("…"), 413, "too-large"),
        (errors.Invalid("…"), 422, "invalid"),
        (errors.AlreadyUsed("…", by="idempotency-key"), 422, "idempotency-key-used"),
        (PreconditionRequired("…"), 428, "precondition-required"),
        (errors.Unavailable("…"), 503, "unavailable"),
        (errors.Misconfigured("the secret is abc"), 500, "internal"),
        (ZeroDivisionError("the secret is abc"), 500, "internal"),
        (TimeoutError("the secret is abc"), 503, "unavailable"),
    ],
)
def test_every_error_has_a_status_and_a_stable_type(error: Exception, status: int, name: str) -> None:
    answer = respond(error)

    told = describe(error)
    assert answer.status_code == told["status"] == status
    assert answer.media_type == "application/problem+json"
    assert told["type"] == f"urn:redress:problem:{name}"
    assert "secret" not in str(told)


def test_what_a_program_needs_to_go_on_is_a_member_of_the_problem() -> None:
    invalid = errors.Invalid("…", [FieldProblem("customer.phone", "is no phone number", "invalid")])

    assert describe(invalid)["errors"] == [
        {"field": "customer.phone", "reason": "is no phone number", "code": "invalid"}
    ]
    assert describe(errors.WrongState("…", ["note", "reopen"]))["possible"] == ("note", "reopen")
    assert describe(errors.Changed("…", 7))["version"] == 7


def test_headers_say_how_to_go_on() -> None:
    assert respond(errors.Unavailable("…", retry_after=2.3)).headers["retry-after"] == "3"
    assert respond(errors.Unavailable("…", retry_after=0.1)).headers["retry-after"] == "1"
    assert respond(errors.Unauthenticated("…")).headers["www-authenticate"] == 'Bearer realm="redress"'
    assert respond(errors.Changed("…", 7)).headers["etag"] == '"7"'


async def test_a_defect_is_told_by_the_id_of_its_log_entry_alone(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await client.get("/defect")

    assert answer.status_code == 500
    assert "Li Wei" not in answer.text
    assert answer.json()["id"] in caplog.messages[-1]
    assert caplog.records[-1].exc_info is not None


async def test_a_database_that_is_away_is_told_as_such(client: httpx.AsyncClient) -> None:
    answer = await client.get("/away")

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"


async def test_unknown_addresses_and_methods_are_problems_too(client: httpx.AsyncClient) -> None:
    address, method = await client.get("/nowhere"), await client.put("/search")

    assert (address.status_code, address.json()["type"]) == (404, "urn:redress:problem:not-found")
    assert (method.status_code, method.headers["allow"]) == (405, "GET")
    assert method.json()["type"] == "urn:redress:problem:method-not-allowed"


async def test_a_wrong_parameter_is_named_without_the_part_it_stands_in(client: httpx.AsyncClient) -> None:
    answer = await client.get("/search", params={"limit": "1000"})

    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": "limit", "reason": "must be at most 200", "code": "out_of_range"}]


@pytest.mark.parametrize(
    ("body", "where"),
    [(b"", "column 0"), (b'{"content": ', "line 1 column"), (b"\xff\xfe", "column 1"), (b'{"content": "\\ud800"}', "")],
)
async def test_a_body_that_is_no_json_is_refused_with_the_place(
    client: httpx.AsyncClient, body: bytes, where: str
) -> None:
    answer = await client.post("/echo", content=body)

    assert answer.status_code == 400
    assert where in answer.json()["detail"]


async def test_every_wrong_field_is_told_at_once_with_a_stable_code(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "/echo",
        json={"channel": "fax", "count": -1, "at": "2026-11-24T10:00:00", "address": 5},
    )

    assert answer.status_code == 422
    assert {error["field"]: error["code"] for error in answer.json()["errors"]} == {
        "content": "missing",
        "channel": "not_one_of",
        "count": "out_of_range",
        "at": "no_time_zone",
        "address": "wrong_type",
    }


@pytest.mark.parametrize(
    ("body", "field", "meant"),
    [
        ({"contnet": "…"}, "contnet", 'did you mean "content"?'),
        ({"address": {"citty": "…"}}, "address.citty", 'did you mean "city"?'),
        ({"others": [{}, {"ciy": "…"}]}, "others.1.ciy", 'did you mean "city"?'),
        ({"zzz": 1}, "zzz", "known: content, channel, count, at, address, others"),
    ],
)
async def test_an_unknown_field_is_answered_with_the_one_that_was_meant(
    client: httpx.AsyncClient, body: dict[str, object], field: str, meant: str
) -> None:
    answer = await client.post("/echo", json={"content": "x", **body})

    (error,) = answer.json()["errors"]
    assert (error["field"], error["code"]) == (field, "unknown_field")
    assert meant in error["reason"]


def test_what_was_sent_is_not_repeated_in_the_reason() -> None:
    with pytest.raises(ValidationError) as wrong:
        Posted.model_validate({"content": "my number is 13800138000", "count": "13800138000x"})

    assert "13800138000" not in str(describe(wrong.value, Posted))


async def test_a_body_over_the_limit_is_refused_whether_its_length_was_declared_or_not(
    client: httpx.AsyncClient,
) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"x" * 50

    declared = await client.post("/echo", content=b"x" * 101)
    undeclared = await client.post("/echo", content=parts())

    assert (declared.status_code, undeclared.status_code) == (413, 413)
    assert "100 bytes" in declared.json()["detail"]


async def test_a_body_that_comes_in_parts_is_read_whole(client: httpx.AsyncClient) -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b'{"content": '
        yield '"网络"}'.encode()

    answer = await client.post("/echo", content=parts())

    assert answer.text == "网络"
