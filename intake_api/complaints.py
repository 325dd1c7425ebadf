"""``POST /v1/complaints``: one complaint, registered on disk before it is answered.

The handler reads and parses the body itself, which is what the speed needs; OpenAPI describes it all the same.
"""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from intake_api.posting import PostedComplaint, read_complaint
from intake_api.registration import Intake, Taken
from services.people.keys import KeyRing
from web.answers import json_answer
from web.authentication import SCHEME, authenticate
from web.bodies import header, read_body
from web.direct import Endpoint
from web.documentation import CASE, answers, shows
from web.etags import etag
from web.idempotency import checked_key

LARGEST_BODY: Final = 1024 * 1024
ROLES: Final = frozenset({"channel"})
REGISTERED: Final = {
    "id": CASE["id"],
    "reference": CASE["reference"],
    "status": "received",
    "received_at": CASE["received_at"],
    "track_url": CASE["track_url"],
}
SECURITY: Final[list[dict[str, list[str]]]] = [{SCHEME.scheme_name: []}]
IDEMPOTENCY_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Makes sending again safe: the same key and body give the first answer again.",
    "schema": {"type": "string", "maxLength": 255, "examples": ["5f0c9c0e-7f5b-4f39-b1b0-0d3c5f6a8e11"]},
}


def complaint_schema() -> dict[str, Any]:
    """The JSON schema of a posted complaint, whole, for OpenAPI's request bodies."""
    return PostedComplaint.model_json_schema(ref_template="#/components/schemas/{model}")


def complaints_router(endpoint: Endpoint) -> APIRouter:
    """The route on which channels post."""
    router = APIRouter(prefix="/v1/complaints", tags=["intake"])

    @router.post(
        "",
        status_code=201,
        summary="Register a complaint",
        description="Answered when the complaint is on disk. With an `Idempotency-Key`, or an `external_id` of your "
        "own, it can be sent again safely after a lost connection or a 503.",
        responses={
            201: shows("Registered, or registered before with the same Idempotency-Key.", REGISTERED, etag=True),
            200: shows("Registered before with the same external_id: the case as it stands.", CASE, etag=True),
            **answers(400, 401, 403, 409, 413, 422),
        },
        openapi_extra={
            "security": SECURITY,
            "parameters": [IDEMPOTENCY_KEY],
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/PostedComplaint"}}},
            },
        },
    )
    async def register(request: Request) -> Response:
        return await endpoint(request)

    return router


def register_endpoint(intake: Intake, key_ring: KeyRing) -> Endpoint:
    """The handler itself, for the router that documents it and for the direct way that spares the framework."""

    async def register(request: Request) -> Response:
        caller = await authenticate(request, key_ring, ROLES)
        idempotency_key = checked_key(header(request, b"idempotency-key"))
        body = await read_body(request, LARGEST_BODY)
        return answer(await intake.take(lambda region: read_complaint(body, region), caller, idempotency_key))

    return register


def answer(taken: Taken) -> Response:
    """The HTTP answer that tells what became of a complaint."""
    headers = {"Location": f"/v1/complaints/{taken.body['id']}", "ETag": etag(taken.version)}
    if taken.replayed:
        headers["Idempotent-Replayed"] = "true"
    return json_answer(taken.body, taken.status, headers)
