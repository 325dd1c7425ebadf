"""What the leadership group sees at a glance, over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.responses import Response

from desk.api.examples import LEADERSHIP_VIEW
from desk.api.shown import overview_json
from services.casework.leadership import overview
from services.casework.offices import require_oversight
from services.people.keys import Caller, KeyRing
from services.plan.versions import Plans
from web.answers import json_answer
from web.authentication import caller_of
from web.documentation import answers, shows


class Wanted(BaseModel):
    """Which page of the reported cases is shown."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(50, ge=1, le=200, description="The most cases, and the most directives.")
    cursor: str | None = Field(None, max_length=40, description="`cases.next_cursor` of the page before.")


def leadership_router(
    *, engine: AsyncEngine, plans: Plans, key_ring: KeyRing, clock: Callable[[], datetime]
) -> APIRouter:
    """``GET /v1/leadership``."""
    router = APIRouter(prefix="/v1/leadership", tags=["leadership"])
    staff = Depends(caller_of(key_ring, "staff"))

    @router.get(
        "",
        summary="What the leadership group sees",
        description="For the leadership group and senior management: the major complaints that are not over, each "
        "with its brief, escalation and next deadlines; the open directives and who has not acknowledged them; how "
        "many tasks each group owes past their time. `directives.next_cursor` goes on at "
        "`/v1/directives?status=open`.",
        responses={200: shows("What there is.", LEADERSHIP_VIEW), **answers(401, 403, 422)},
    )
    async def seen(wanted: Annotated[Wanted, Query()], caller: Caller = staff) -> Response:
        now = clock()
        async with engine.connect() as connection:
            _, plan = await plans.current(connection)
            require_oversight(plan, caller)
            found = await overview(connection, caller.realm, now, limit=wanted.limit, cursor=wanted.cursor)
        return json_answer(overview_json(found, now))

    return router
