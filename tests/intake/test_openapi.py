"""What /openapi.json says of intake: well formed, and true of the program that serves it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake_api.posting import PostedComplaint, read_complaint
from tests.intake.factories import COMPLAINTS, Service, complaint
from tests.intake.test_accepting import QUICK
from web.documentation import CASE

METHODS = {"get", "post", "put", "delete", "patch"}


@pytest.fixture
async def document(intake: Service) -> dict[str, Any]:
    answer = await intake.client.get("/openapi.json")
    described: dict[str, Any] = answer.json()
    return described


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in METHODS & set(item):
            yield f"{method.upper()} {path}", item[method]


def inside(value: object) -> Iterator[dict[str, Any]]:
    """Every object of the document, however deep."""
    if isinstance(value, dict):
        yield value
        for part in value.values():
            yield from inside(part)
    elif isinstance(value, list):
        for part in value:
            yield from inside(part)


def test_the_document_has_the_form_of_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    assert {"title", "version"} <= set(document["info"])
    for name, operation in operations(document):
        assert operation["responses"], name
        assert all(status.isdecimal() or status == "default" for status in operation["responses"]), name
        assert all("description" in response for response in operation["responses"].values()), name
        assert all({"name", "in"} <= set(parameter) for parameter in operation.get("parameters", [])), name


def test_every_operation_has_a_name_and_a_summary(document: dict[str, Any]) -> None:
    named = [operation["operationId"] for _, operation in operations(document)]

    assert len(named) == len(set(named))
    assert all(operation.get("summary") for _, operation in operations(document))


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    references = {found["$ref"] for found in inside(document) if isinstance(found.get("$ref"), str)}

    assert references
    for reference in references:
        target: Any = document
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]


def test_both_posts_describe_their_bodies_and_their_key(document: dict[str, Any]) -> None:
    single = document["paths"][COMPLAINTS]["post"]
    batch = document["paths"][f"{COMPLAINTS}/batch"]["post"]

    whole = {"$ref": "#/components/schemas/PostedComplaint"}
    assert single["requestBody"]["content"]["application/json"]["schema"] == whole
    assert batch["requestBody"]["content"]["application/json"]["schema"]["items"] == whole
    assert "application/x-ndjson" in batch["requestBody"]["content"]
    for operation in (single, batch):
        assert operation["security"] == [{"key": []}]
        assert [parameter["name"] for parameter in operation["parameters"]] == ["Idempotency-Key"]
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"


def test_the_schema_requires_what_the_program_requires(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]

    assert schemas["PostedComplaint"]["required"] == ["customer", "channel", "content"]
    assert schemas["PostedComplaint"]["additionalProperties"] is False
    assert schemas["PostedCustomer"]["required"] == ["name"]
    assert schemas["PostedComplaint"]["properties"]["content"]["maxLength"] == 20_000


async def test_every_example_of_a_complaint_is_taken(intake: Service, document: dict[str, Any]) -> None:
    schema = document["components"]["schemas"]["PostedComplaint"]
    examples = [schema["example"]] if "example" in schema else schema["examples"]

    for example in examples:
        answer = await intake.post(example)
        assert answer.status_code == 201, answer.text


async def test_the_examples_of_answers_have_the_fields_of_the_answers(
    intake: Service, document: dict[str, Any]
) -> None:
    registered = await intake.post(complaint(external_id="CC-1"))
    case = await intake.post(complaint(external_id="CC-1"))
    [item] = (await intake.post_batch([complaint(channel="fax")])).json()["items"]
    responses = document["paths"][COMPLAINTS]["post"]["responses"]
    of_batch = document["paths"][f"{COMPLAINTS}/batch"]["post"]["responses"]["200"]["content"]["application/json"]

    assert set(responses["201"]["content"]["application/json"]["example"]) == set(registered.json())
    assert set(CASE) == set(case.json())
    # FastAPI leaves out of the document what is null in an example.
    assert set(responses["200"]["content"]["application/json"]["example"]) == {
        name for name, value in CASE.items() if value is not None
    }
    assert set(of_batch["example"]["items"][1]["problem"]) == set(item["problem"])


async def test_every_status_that_posting_answers_is_described(intake: Service, document: dict[str, Any]) -> None:
    described = set(document["paths"][COMPLAINTS]["post"]["responses"])

    answered = {
        str(answer.status_code)
        for answer in (
            await intake.post(complaint(external_id="CC-1")),
            await intake.post(complaint(external_id="CC-1")),
            await intake.post(complaint(external_id="CC-1", channel="app")),
            await intake.post(b"{"),
            await intake.post([]),
            await intake.post(complaint(), headers={}),
            await (await intake.with_another_key("staff")).post(complaint()),
            await intake.post(b" " * (1024 * 1024 + 1)),
        )
    }

    assert answered == {"200", "201", "400", "401", "403", "409", "413", "422"}
    assert answered | {"503"} == described


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
ANYTHING = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=8
)
FIELDS = st.sampled_from([*PostedComplaint.model_fields, "unknown"])
OF_CUSTOMER = st.sampled_from(["name", "phone", "email", "account", "language", "unknown"])
NEARLY_RIGHT = st.builds(
    lambda changes, of_customer: {**complaint(customer=of_customer), **changes},
    st.dictionaries(FIELDS, ANYTHING, max_size=2),
    st.dictionaries(OF_CUSTOMER, ANYTHING, max_size=2),
)


@QUICK
@given(body=ANYTHING | NEARLY_RIGHT)
async def test_no_json_makes_the_program_fail(intake: Service, body: object) -> None:
    answer = await intake.post(json.dumps(body).encode())

    assert answer.status_code in {200, 201, 400, 409, 422}, answer.text


@QUICK
@given(body=st.binary(max_size=300))
async def test_no_bytes_make_the_program_fail(intake: Service, body: bytes) -> None:
    answer = await intake.post(body)

    assert answer.status_code in {400, 422}


@QUICK
@given(body=ANYTHING | st.lists(ANYTHING | NEARLY_RIGHT, max_size=3))
async def test_no_batch_makes_the_program_fail(intake: Service, body: object) -> None:
    array = await intake.client.post(f"{COMPLAINTS}/batch", content=json.dumps(body), headers=intake.channel)
    line = await intake.post_lines(json.dumps(body).encode())

    assert array.status_code in {200, 400, 422}
    items = [*line.json()["items"], *(array.json()["items"] if array.status_code == 200 else [])]
    assert {item["status"] for item in items} <= {200, 201, 400, 409, 422}


def test_the_example_is_read_by_the_model() -> None:
    schema: Any = PostedComplaint.model_config["json_schema_extra"]

    posted = read_complaint(json.dumps(schema["example"]).encode(), "CN")

    assert posted.customer.phone == "+8613800138000"
