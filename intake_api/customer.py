"""What customers decide, as their channel passes it on: adding a message, withdrawing, reopening."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from starlette.requests import Request
from starlette.responses import Response

from services.base.privacy import Privacy
from services.base.stream.bell import Bell
from services.base.texts import PRINTABLE
from services.casework import customer
from services.people.keys import Caller, KeyRing
from services.plan.versions import Plans
from web.answers import json_answer
from web.authentication import caller_of
from web.bodies import parse_body, read_body
from web.case_routes import CaseName, find_for, shown_whole
from web.documentation import ONE_CASE, answers, shows
from web.etags import etag

LARGEST_BODY: Final = 128 * 1024
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000), PRINTABLE]


class Message(BaseModel):
    """What the customer adds."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"text": "设备编号是 HG8145-22187。"}})

    text: Words


class Withdrawal(BaseModel):
    """Why the customer takes it back, if they say."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"reason": "已经自己恢复了。"}})

    reason: Words | None = None


class Reopening(BaseModel):
    """Why it is not settled."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"reason": "今天又断网了。"}})

    reason: Words = Field(description="What is still wrong, in the customer's words.")


Decide = Callable[[AsyncConnection, UUID], Coroutine[Any, Any, None]]


def customer_router(
    *,
    engine: AsyncEngine,
    privacy: Privacy,
    plans: Plans,
    key_ring: KeyRing,
    public_url: str,
    bell: Bell,
    clock: Callable[[], datetime],
) -> APIRouter:
    """``POST /v1/complaints/{name}/messages``, ``/withdraw`` and ``/reopen``, for channels on cases of their own."""
    router = APIRouter(prefix="/v1/complaints", tags=["customer"])
    channel = Depends(caller_of(key_ring, "channel"))
    told = {200: shows("The case as it is now.", ONE_CASE, etag=True), **answers(400, 401, 403, 404, 409, 413, 422)}

    async def decided(name: str, caller: Caller, decide: Decide) -> Response:
        async with engine.begin() as connection:
            view = await find_for(connection, plans, name, caller)
            await decide(connection, view.id)
            view = await find_for(connection, plans, str(view.id), caller)
            content = await shown_whole(connection, plans, view, caller, privacy=privacy, public_url=public_url)
        bell.ring()
        return json_answer(content, headers={"ETag": etag(view.version)})

    @router.post(
        "/{name}/messages",
        summary="Pass on what the customer adds",
        description="A case that waits for its customer goes on.",
        responses=told,
        openapi_extra=_takes(Message),
    )
    async def message(request: Request, name: CaseName, caller: Caller = channel) -> Response:
        body = parse_body(Message, await read_body(request, LARGEST_BODY))
        return await decided(
            name, caller, lambda connection, case: customer.add_message(connection, plans, case, body.text, clock())
        )

    @router.post(
        "/{name}/withdraw", summary="The customer takes it back", responses=told, openapi_extra=_takes(Withdrawal)
    )
    async def withdraw(request: Request, name: CaseName, caller: Caller = channel) -> Response:
        body = parse_body(Withdrawal, await read_body(request, LARGEST_BODY) or b"{}")
        return await decided(
            name, caller, lambda connection, case: customer.withdraw(connection, plans, case, body.reason, clock())
        )

    @router.post(
        "/{name}/reopen",
        summary="The customer is not satisfied",
        description="Possible once the case is resolved, closed, withdrawn or rejected, and after closing for as long "
        "as the plan allows.",
        responses=told,
        openapi_extra=_takes(Reopening),
    )
    async def reopen(request: Request, name: CaseName, caller: Caller = channel) -> Response:
        body = parse_body(Reopening, await read_body(request, LARGEST_BODY))
        return await decided(
            name, caller, lambda connection, case: customer.reopen(connection, plans, case, body.reason, clock())
        )

    return router


def _takes(model: type[BaseModel]) -> dict[str, Any]:
    return {"requestBody": {"content": {"application/json": {"schema": model.model_json_schema()}}}}
