"""The inbox: what the one who asks was told, and noting that they have seen it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.responses import Response

from desk.api.examples import INBOX, SEEN
from services.base.errors import Invalid, NotFound
from services.casework.alerts import inbox, mark_seen
from services.people.keys import Caller, KeyRing
from web.answers import json_answer
from web.authentication import caller_of
from web.documentation import answers, shows


class Wanted(BaseModel):
    """Which alerts a page holds."""

    model_config = ConfigDict(extra="forbid")

    unseen: bool = Field(False, description="true: only those that you have not seen yet.")
    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = Field(None, max_length=40, description="`next_cursor` of the page before.")


def inbox_router(*, engine: AsyncEngine, key_ring: KeyRing, clock: Callable[[], datetime]) -> APIRouter:
    """``/v1/inbox`` of the caller. The key of an administrator is no person's, so its inbox is empty."""
    router = APIRouter(prefix="/v1/inbox", tags=["inbox"])
    staff = Depends(caller_of(key_ring, "staff"))

    @router.get(
        "",
        summary="What you were told",
        description="Alerts about cases, tasks and directives, the newest first.",
        responses={200: shows("A page of alerts.", INBOX), **answers(401, 403, 422)},
    )
    async def listed(wanted: Annotated[Wanted, Query()], caller: Caller = staff) -> Response:
        before = None if wanted.cursor is None else _before(wanted.cursor)
        if caller.login is None:
            return json_answer({"items": [], "next_cursor": None})
        async with engine.connect() as connection:
            alerts, cursor = await inbox(
                connection, caller.login, caller.realm, unseen=wanted.unseen, limit=wanted.limit, before=before
            )
        return json_answer({"items": alerts, "next_cursor": None if cursor is None else cursor.hex})

    @router.post(
        "/{alert}/seen",
        summary="Note that you have seen an alert",
        description="The first time counts; sending it again changes nothing.",
        responses={200: shows("Noted.", SEEN), **answers(401, 403, 404, 422)},
    )
    async def seen(alert: Annotated[UUID, Path(description="The alert's id.")], caller: Caller = staff) -> Response:
        if caller.login is None:
            raise NotFound(f"there is no alert {alert} for '{caller.name}', whose key is no person's")
        async with engine.begin() as connection:
            await mark_seen(connection, caller.login, alert, clock())
        return json_answer({"id": alert, "seen": True})

    return router


def _before(cursor: str) -> UUID:
    try:
        return UUID(hex=cursor)
    except ValueError:
        raise Invalid("the cursor is not one that this service gave; leave it out to begin at the first page") from None
