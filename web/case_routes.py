"""Following one case: the case itself and its record, for every role that may see it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from starlette.responses import Response

from services.base.errors import NotFound
from services.base.privacy import Privacy
from services.casework.queries import deadlines_of
from services.complaints.queries import CaseView, find, record
from services.notices.queries import notices_of
from services.people.keys import Caller, KeyRing
from services.plan.versions import Plans
from web.answers import json_answer
from web.authentication import caller_of
from web.cases import case_json, timeline_json
from web.documentation import CASE, TIMELINE, answers, shows
from web.etags import etag

CaseName = Annotated[str, Path(description="The case's id, or its reference in any spelling.")]

# Notes and grounds are written by staff for staff: a channel shows its cases to customers.
_WITHOUT_DETAILS: Final = frozenset({"channel"})


def case_router(
    *, engine: AsyncEngine, privacy: Privacy, plans: Plans, key_ring: KeyRing, public_url: str
) -> APIRouter:
    """``GET /v1/complaints/{name}`` and its ``/timeline``."""
    router = APIRouter(prefix="/v1/complaints", tags=["cases"])
    reader = Depends(caller_of(key_ring, "channel", "integrator", "staff"))

    @router.get(
        "/{name}", summary="A case", responses={200: shows("The case.", CASE, etag=True), **answers(401, 403, 404, 422)}
    )
    async def show(name: CaseName, caller: Caller = reader) -> Response:
        async with engine.connect() as connection:
            view = await find_for(connection, plans, name, caller)
            content = await shown(connection, [view], privacy=privacy, public_url=public_url)
        return json_answer(content[0], headers={"ETag": etag(view.version)})

    @router.get(
        "/{name}/timeline",
        summary="The record of a case",
        description="Everything that happened to it and what the customer was told, oldest first. `details` (notes, "
        "grounds) are shown to staff, administrators and integrators.",
        responses={200: shows("The record.", TIMELINE), **answers(401, 403, 404, 422)},
    )
    async def timeline(name: CaseName, caller: Caller = reader) -> Response:
        async with engine.connect() as connection:
            view = await find_for(connection, plans, name, caller)
            happenings = await record(connection, view.id)
            notices = await notices_of(connection, view.id)
        items = timeline_json(happenings, notices, details=caller.role not in _WITHOUT_DETAILS)
        return json_answer({"items": items, "next_cursor": None})

    return router


async def find_for(connection: AsyncConnection, plans: Plans, name: str, caller: Caller) -> CaseView:
    """The case of this id or reference, if the caller may know of it: in their realm, and for a channel its own.

    Raises `NotFound`.
    """
    _, plan = await plans.current(connection)
    view = await find(connection, name, caller.realm, plan.plan.reference_prefix)
    if caller.role == "channel" and view.api_key_id != caller.key_id:
        raise NotFound(f"there is no case {name[:60]}")
    return view


async def shown(
    connection: AsyncConnection, views: Sequence[CaseView], *, privacy: Privacy, public_url: str
) -> list[dict[str, Any]]:
    """The cases in the form in which they are shown, in their order."""
    deadlines = await deadlines_of(connection, [view.id for view in views])
    return [case_json(view, deadlines.get(view.id, ()), privacy=privacy, public_url=public_url) for view in views]
