"""What came in by mail and text message: the list, one message, putting it to a case, setting it aside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from starlette.requests import Request
from starlette.responses import Response

from desk.api.arrivals_documentation import ARRIVAL, ARRIVALS, DISMISSAL, MATCHING, MATCHING_ANSWER
from desk.api.listing import conditions
from desk.api.people_documentation import takes
from services.base.privacy import Privacy
from services.base.stream.bell import Bell
from services.casework.action import CaseName, Words
from services.notices.arrivals.commands import dismiss, match_by_hand
from services.notices.arrivals.matching import OpenCase, open_cases_of, sender_of
from services.notices.arrivals.permissions import require_may_sort
from services.notices.arrivals.queries import ArrivalView, Filter, content_of, find, page
from services.notices.channels.port import Way
from services.people.keys import Caller, KeyRing
from services.plan.versions import Plans
from web.answers import json_answer
from web.authentication import caller_of
from web.bodies import parse_body, read_body
from web.documentation import answers, shows

LARGEST_BODY: Final = 128 * 1024

ArrivalId = Annotated[UUID, Path(description="The message's id.")]


class Wanted(BaseModel):
    """Which messages a page holds."""

    model_config = ConfigDict(extra="forbid")

    status: Literal["matched", "unmatched", "dismissed"] | None = None
    kind: Literal["message", "automatic", "bounce", "stop", "start"] | None = Field(
        None, description="Of those that are unmatched, only a message is for a person to sort."
    )
    way: Literal["email", "sms"] | None = None
    complaint: CaseName | None = Field(None, description="The id or reference of a case.")
    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = Field(None, max_length=60, description="`next_cursor` of the page before.")


class Matching(BaseModel):
    """Which case the message belongs to."""

    model_config = ConfigDict(extra="forbid")

    complaint: CaseName = Field(description="The id or reference of the case.")


class Dismissal(BaseModel):
    """Why nothing is owed for the message."""

    model_config = ConfigDict(extra="forbid")

    reason: Words


def arrivals_router(
    *,
    engine: AsyncEngine,
    privacy: Privacy,
    plans: Plans,
    key_ring: KeyRing,
    bell: Bell,
    clock: Callable[[], datetime],
) -> APIRouter:
    """``/v1/arrivals``, for customer service, the leadership group, senior management and administrators."""
    router = APIRouter(prefix="/v1/arrivals", tags=["arrivals"])
    staff = Depends(caller_of(key_ring, "staff"))
    changed = {200: shows("The message as it is now.", MATCHING_ANSWER), **answers(400, 401, 403, 404, 409, 413, 422)}

    async def shown_now(connection: AsyncConnection, arrival: UUID, caller: Caller) -> Response:
        view = await find(connection, arrival, caller.realm)
        return json_answer(arrival_json(view, privacy))

    @router.get(
        "",
        summary="What came in",
        description="Mails and text messages, the first that came first, that meet all the conditions given. "
        "`?status=unmatched&kind=message` are those that wait for a person.",
        responses={200: shows("A page of messages.", ARRIVALS), **answers(401, 403, 422)},
    )
    async def listed(wanted: Annotated[Wanted, Query()], caller: Caller = staff) -> Response:
        async with engine.connect() as connection:
            require_may_sort((await plans.current(connection))[1], caller)
            filters = await conditions(connection, plans, wanted, wanted.complaint, caller)
            views, cursor = await page(
                connection, Filter(**filters), caller.realm, limit=wanted.limit, cursor=wanted.cursor
            )
        return json_answer({"items": [arrival_json(view, privacy) for view in views], "next_cursor": cursor})

    @router.get(
        "/{arrival}",
        summary="A message that came in",
        description="With its whole text, and the open cases of its sender.",
        responses={200: shows("The message.", ARRIVAL), **answers(401, 403, 404, 422)},
    )
    async def shown(arrival: ArrivalId, caller: Caller = staff) -> Response:
        async with engine.connect() as connection:
            _, plan = await plans.current(connection)
            require_may_sort(plan, caller)
            view = await find(connection, arrival, caller.realm)
            content = await content_of(connection, arrival, caller.realm)
            way: Way = "email" if view.way == "email" else "sms"
            sender = sender_of(privacy, way, view.incoming(privacy).sender, plan.plan.phone_region)
            cases = [] if sender is None else await open_cases_of(connection, sender, caller.realm)
        return json_answer(whole_json(view, privacy, content, cases))

    @router.post(
        "/{arrival}/match",
        summary="Put a message to its case",
        description="It becomes the customer's message there, and a case that waited for its customer goes on. The "
        "task for it is done. Sending it again changes nothing.",
        responses=changed,
        openapi_extra=takes(Matching, MATCHING),
    )
    async def matched(request: Request, arrival: ArrivalId, caller: Caller = staff) -> Response:
        body = parse_body(Matching, await read_body(request, LARGEST_BODY))
        async with engine.begin() as connection:
            await match_by_hand(connection, plans, privacy, arrival, body.complaint, caller, clock())
            answer = await shown_now(connection, arrival, caller)
        bell.ring()
        return answer

    @router.post(
        "/{arrival}/dismiss",
        summary="Set a message aside",
        description="Nothing is owed for it. It stays on record, the task for it is done, and it can be put to a case "
        "later. Sending it again changes nothing; the first reason stays.",
        responses=changed,
        openapi_extra=takes(Dismissal, DISMISSAL),
    )
    async def dismissed(request: Request, arrival: ArrivalId, caller: Caller = staff) -> Response:
        body = parse_body(Dismissal, await read_body(request, LARGEST_BODY))
        async with engine.begin() as connection:
            await dismiss(connection, plans, arrival, body.reason, caller, clock())
            answer = await shown_now(connection, arrival, caller)
        bell.ring()
        return answer

    return router


def arrival_json(view: ArrivalView, privacy: Privacy) -> dict[str, Any]:
    """A message as JSON values. ``said`` is what is new in it, without what it quotes."""
    incoming = view.incoming(privacy)
    return {
        "id": view.id,
        "way": view.way,
        "kind": view.kind,
        "status": view.status,
        "why": view.why,
        "received_at": view.received_at,
        "sender": incoming.sender,
        "recipient": incoming.recipient,
        "subject": incoming.subject,
        "said": incoming.said,
        "files": [file.model_dump() for file in incoming.files],
        "complaint": view.complaint_id,
        "complaint_reference": view.reference,
        "notice": view.notice_id,
        "matched_by": view.matched_by,
        "settled_at": view.settled_at,
        "settled_by": view.settled_by,
        "outcome": view.outcome,
    }


def whole_json(view: ArrivalView, privacy: Privacy, content: str, cases: Sequence[OpenCase]) -> dict[str, Any]:
    """The same, with the whole text, and the open cases of its sender."""
    return {**arrival_json(view, privacy), "content": content, "open_cases": [asdict(case) for case in cases]}
