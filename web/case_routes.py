"""Following one case: the case itself and its record, for every role that may see it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from starlette.responses import Response

from services.base.errors import NotFound
from services.base.privacy import Privacy
from services.casework import compensation, links
from services.casework.queries import deadlines_of
from services.complaints.queries import CaseView, find, record
from services.notices.queries import notices_of
from services.people.keys import Caller, KeyRing
from services.plan.schema import Plan
from services.plan.versions import Plans
from web.answers import json_answer
from web.authentication import caller_of
from web.cases import case_json, timeline_json
from web.documentation import ONE_CASE, TIMELINE, answers, shows
from web.etags import etag

CaseName = Annotated[str, Path(description="The case's id, or its reference in any spelling.")]

_UNDECIDED: Final = frozenset({"proposed", "declined"})
# Notes and grounds are written by staff for staff: a channel shows its cases to customers.
_WITHOUT_DETAILS: Final = frozenset({"channel"})


def case_router(
    *, engine: AsyncEngine, privacy: Privacy, plans: Plans, key_ring: KeyRing, public_url: str
) -> APIRouter:
    """``GET /v1/complaints/{name}`` and its ``/timeline``."""
    router = APIRouter(prefix="/v1/complaints", tags=["cases"])
    reader = Depends(caller_of(key_ring, "channel", "integrator", "staff"))

    @router.get(
        "/{name}",
        summary="A case",
        responses={200: shows("The case.", ONE_CASE, etag=True), **answers(401, 403, 404, 422)},
    )
    async def show(name: CaseName, caller: Caller = reader) -> Response:
        async with engine.connect() as connection:
            view = await find_for(connection, plans, name, caller)
            content = await shown_whole(connection, plans, view, caller, privacy=privacy, public_url=public_url)
        return json_answer(content, headers={"ETag": etag(view.version)})

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
    connection: AsyncConnection, views: Sequence[CaseView], caller: Caller, *, privacy: Privacy, public_url: str
) -> list[dict[str, Any]]:
    """The cases in the form in which they are shown, in their order."""
    deadlines = await deadlines_of(connection, [view.id for view in views])
    internal = caller.role not in _WITHOUT_DETAILS
    return [
        case_json(view, deadlines.get(view.id, ()), privacy=privacy, public_url=public_url, internal=internal)
        for view in views
    ]


async def shown_whole(
    connection: AsyncConnection, plans: Plans, view: CaseView, caller: Caller, *, privacy: Privacy, public_url: str
) -> dict[str, Any]:
    """One case with what is shown of one only: what the customer was offered, and how it hangs together with others."""
    (content,) = await shown(connection, [view], caller, privacy=privacy, public_url=public_url)
    _, plan = await plans.current(connection)
    return content | await _details(connection, plan, view, internal=caller.role not in _WITHOUT_DETAILS)


async def _details(connection: AsyncConnection, plan: Plan, view: CaseView, *, internal: bool) -> dict[str, Any]:
    return {
        "compensation": [
            {
                "id": one.id,
                "kind": one.kind,
                "amount": _exact(one.amount, plan.compensation.decimals(one.currency)),
                "currency": one.currency,
                "status": one.status,
                "billing_reference": one.billing_reference,
            }
            for one in await compensation.of_case(connection, view.id)
            # A channel shows its cases to customers, who are told of what was decided.
            if internal or one.status not in _UNDECIDED
        ],
        "links": [
            {
                "id": one.other,
                "reference": one.reference,
                "status": one.status,
                "relation": one.relation if one.outward else _SEEN_FROM_THE_OTHER[one.relation],
            }
            for one in await links.of_case(connection, view.id)
        ],
    }


def _exact(amount: Decimal, decimals: int | None) -> str:
    """With the decimals of its currency, as letters and events have it; all that it has, where the plan lost that."""
    return f"{amount.normalize():f}" if decimals is None else f"{amount:.{decimals}f}"


_SEEN_FROM_THE_OTHER: Final = MappingProxyType(
    {"repeat": "repeated_by", "duplicate": "has_duplicate", "child": "parent_of", "related": "related"}
)
