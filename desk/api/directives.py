"""Directives over HTTP: those of the leadership group to the others, issuing one, and acting on one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from starlette.requests import Request
from starlette.responses import Response

from desk.api.examples import DIRECTIVE, DIRECTIVES, body_examples, one_body
from desk.api.listing import conditions
from desk.api.shown import directive_details_json, directive_json
from services.base.stream.bell import Bell
from services.casework.action import CaseName, CodeOf, Login
from services.casework.directives.actions import perform
from services.casework.directives.bodies import BODIES, Issue, body_of
from services.casework.directives.commands import issue
from services.casework.directives.queries import Filter, find, page, progress_of
from services.people.keys import Caller, KeyRing
from services.plan.versions import Plans
from web.answers import json_answer
from web.authentication import caller_of
from web.bodies import parse_body, read_body
from web.documentation import answers, shows
from web.etags import etag, parse_if_match
from web.idempotency import IdempotencyKey, checked_key

LARGEST_BODY: Final = 256 * 1024

DirectiveId = Annotated[UUID, Path(description="The directive's id.")]


class Wanted(BaseModel):
    """Which directives a page holds."""

    model_config = ConfigDict(extra="forbid")

    status: Literal["open", "closed"] | None = None
    group: CodeOf | None = Field(None, description="A group that they are addressed to.")
    login: Login | None = Field(None, description="Somebody whom they are addressed to.")
    overdue: bool | None = Field(None, description="true: open past their time; false: the others.")
    complaint: CaseName | None = Field(None, description="The id or reference of a case.")
    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = Field(None, max_length=40, description="`next_cursor` of the page before.")


def directives_router(
    *, engine: AsyncEngine, plans: Plans, key_ring: KeyRing, bell: Bell, clock: Callable[[], datetime]
) -> APIRouter:
    """``/v1/directives``: the list, issuing one, showing one, and the actions on one."""
    router = APIRouter(prefix="/v1/directives", tags=["directives"])
    staff = Depends(caller_of(key_ring, "staff"))

    @router.get(
        "",
        summary="Directives",
        description="Directives, the newest first, that meet all the conditions given.",
        responses={200: shows("A page of directives.", DIRECTIVES), **answers(401, 403, 422)},
    )
    async def listed(wanted: Annotated[Wanted, Query()], caller: Caller = staff) -> Response:
        now = clock()
        async with engine.connect() as connection:
            filters = await conditions(connection, plans, wanted, wanted.complaint, caller)
            views, cursor = await page(
                connection, Filter(**filters), caller.realm, now, limit=wanted.limit, cursor=wanted.cursor
            )
        return json_answer({"items": [directive_json(view, now) for view in views], "next_cursor": cursor})

    @router.post(
        "",
        status_code=201,
        summary="Issue a directive",
        description="For the leadership group. Everybody who is in the groups now is told, and asked to acknowledge.",
        responses={
            201: shows("The directive as it was issued.", DIRECTIVE, etag=True),
            **answers(400, 401, 403, 413, 422),
        },
        openapi_extra={"requestBody": one_body(Issue)},
    )
    async def issued(request: Request, idempotency_key: IdempotencyKey = None, caller: Caller = staff) -> Response:
        key = checked_key(idempotency_key)
        body = parse_body(Issue, await read_body(request, LARGEST_BODY))
        async with engine.begin() as connection:
            directive, replayed = await issue(connection, plans, body, caller, key, clock())
            view = (await find(connection, directive, caller.realm)).as_issued()
        bell.ring()
        headers = {"Location": f"/v1/directives/{directive}", "ETag": etag(view.version)}
        if replayed:
            headers["Idempotent-Replayed"] = "true"
        return json_answer(directive_details_json(view, (), view.issued_at), 201, headers)

    @router.get(
        "/{directive}",
        summary="A directive",
        description="With everybody whom it is addressed to, and what they said of how far it is.",
        responses={200: shows("The directive.", DIRECTIVE, etag=True), **answers(401, 403, 404, 422)},
    )
    async def shown(directive: DirectiveId, caller: Caller = staff) -> Response:
        async with engine.connect() as connection:
            version, content = await _details(connection, directive, caller, clock())
        return json_answer(content, headers={"ETag": etag(version)})

    @router.post(
        "/{directive}/{action}",
        summary="Act on a directive",
        description="Those addressed acknowledge it and report progress, the leadership group closes it. Many "
        "acknowledge at once, and overwrite nothing: `If-Match: *` suits them.",
        responses={
            200: shows("The directive as it is now.", DIRECTIVE, etag=True),
            **answers(400, 401, 403, 404, 409, 412, 413, 422, 428),
        },
        openapi_extra={"requestBody": body_examples(BODIES)},
    )
    async def act(
        request: Request,
        directive: DirectiveId,
        action: Annotated[str, Path(description=f"One of {', '.join(BODIES)}.")],
        if_match: Annotated[
            str | None,
            Header(description='The ETag of the directive as you saw it, such as `"1"`; `*` for whichever it is.'),
        ] = None,
        caller: Caller = staff,
    ) -> Response:
        body = parse_body(body_of(action), await read_body(request, LARGEST_BODY) or b"{}")
        versions = parse_if_match(if_match)
        now = clock()
        async with engine.begin() as connection:
            await perform(connection, plans, directive, body, caller, versions, now)
            version, content = await _details(connection, directive, caller, now)
        bell.ring()
        return json_answer(content, headers={"ETag": etag(version)})

    return router


async def _details(
    connection: AsyncConnection, directive: UUID, caller: Caller, now: datetime
) -> tuple[int, dict[str, Any]]:
    view = await find(connection, directive, caller.realm)
    return view.version, directive_details_json(view, await progress_of(connection, directive), now)
