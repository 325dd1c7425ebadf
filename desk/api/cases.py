"""Cases as staff work on them: the queue, what is possible on a case now, and doing it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import Response

from desk.api.documentation import ACTION_BODY, OFFERS, QUEUE
from services.base.privacy import Privacy
from services.base.stream.bell import Bell
from services.casework.action import ActionBody
from services.casework.actions import Offers, offers, perform
from services.casework.registry import body_of
from services.complaints.queries import Filter, page
from services.people.keys import Caller, KeyRing
from services.plan.versions import Plans
from services.plan.vocabulary import Category, Severity, Status
from web.answers import json_answer
from web.authentication import caller_of
from web.bodies import parse_body, read_body
from web.case_routes import CaseName, find_for, shown, shown_whole
from web.documentation import ONE_CASE, answers, shows
from web.etags import etag, parse_if_match

LARGEST_BODY: Final = 256 * 1024

Code = Annotated[str, Field(max_length=40, pattern=r"^[a-z][a-z0-9._-]*$")]


class Queue(BaseModel):
    """Which cases a page of the queue holds."""

    model_config = ConfigDict(extra="forbid")

    status: Status | None = None
    category: Category | None = None
    severity: Severity | None = None
    group: Code | None = Field(None, description="The code of a group, such as technical_support.")
    assignee: Code | None = Field(None, description="A login.")
    overdue: bool | None = Field(None, description="true: a deadline has passed and is not met; false: none has.")
    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = Field(None, max_length=40, description="`next_cursor` of the page before.")


def desk_router(
    *,
    engine: AsyncEngine,
    privacy: Privacy,
    plans: Plans,
    key_ring: KeyRing,
    public_url: str,
    bell: Bell,
    clock: Callable[[], datetime],
) -> APIRouter:
    """``GET /v1/complaints`` and the actions of a case."""
    router = APIRouter(prefix="/v1/complaints", tags=["desk"])
    staff = Depends(caller_of(key_ring, "staff"))

    @router.get(
        "",
        summary="The queue",
        description="Cases, oldest first, that meet all the conditions given.",
        responses={200: shows("A page of cases.", QUEUE), **answers(401, 403, 422)},
    )
    async def queue(wanted: Annotated[Queue, Query()], caller: Caller = staff) -> Response:
        filters = Filter(**wanted.model_dump(exclude={"limit", "cursor"}))
        async with engine.connect() as connection:
            views, cursor = await page(connection, filters, caller.realm, limit=wanted.limit, cursor=wanted.cursor)
            items = await shown(connection, views, caller, privacy=privacy, public_url=public_url)
        return json_answer({"items": items, "next_cursor": cursor})

    @router.get(
        "/{name}/actions",
        summary="What is possible on a case now",
        description="The actions that its status, its playbook and your role allow, and the body that each takes as "
        "JSON Schema; `refused` says of every other one why it is not possible now. `step` is the playbook's step that "
        "is next. For a case of another group `refusal` says whom to ask.",
        responses={200: shows("The actions.", OFFERS, etag=True), **answers(401, 403, 404, 422)},
    )
    async def actions(name: CaseName, caller: Caller = staff) -> Response:
        async with engine.connect() as connection:
            offered = await offers(connection, plans, name, caller)
        return json_answer(_offers_json(offered), headers={"ETag": etag(offered.version)})

    @router.post(
        "/{name}/actions/{action}",
        summary="Do an action on a case",
        description="Done once and durable when it is answered. Sent again with the same `If-Match` it is answered "
        "412 and changes nothing.",
        responses={
            200: shows("The case as it is now.", ONE_CASE, etag=True),
            **answers(400, 401, 403, 404, 409, 412, 413, 422, 428),
        },
        openapi_extra={"requestBody": dict(ACTION_BODY)},
    )
    async def act(
        request: Request,
        name: CaseName,
        action: Annotated[str, Path(description="One of those that `…/actions` lists.")],
        if_match: Annotated[
            str | None,
            Header(description='The ETag of the case as you saw it, such as `"3"`; `*` for whichever it is.'),
        ] = None,
        caller: Caller = staff,
    ) -> Response:
        body = parse_body(body_of(action), await read_body(request, LARGEST_BODY) or b"{}")
        versions = parse_if_match(if_match)
        async with engine.begin() as connection:
            await perform(connection, plans, name, body, caller, versions, clock())
            view = await find_for(connection, plans, name, caller)
            content = await shown_whole(connection, plans, view, caller, privacy=privacy, public_url=public_url)
        bell.ring()
        return json_answer(content, headers={"ETag": etag(view.version)})

    return router


def _offers_json(offered: Offers) -> dict[str, Any]:
    return {
        "id": offered.case,
        "reference": offered.reference,
        "status": offered.status,
        "version": offered.version,
        "step": offered.step,
        "refusal": offered.refusal,
        "items": [_offer_json(body) for body in offered.bodies],
        "refused": [
            {"action": one.body.ACTION, "name": one.body.NAME.model_dump(), "why": one.why} for one in offered.refused
        ],
        "next_cursor": None,
    }


def _offer_json(body: type[ActionBody]) -> dict[str, Any]:
    return {
        "action": body.ACTION,
        "name": body.NAME.model_dump(),
        "description": body.__doc__,
        "body": body.model_json_schema(),
        "example": body.EXAMPLE,
    }
