"""The files of a case: which there are, and their contents, for those who may have them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Depends, Path
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from starlette.responses import Response, StreamingResponse

from services.base.files.names import saved_name
from services.base.files.receiving import FileDoor
from services.casework.permissions import require_may_act
from services.complaints import attachments
from services.complaints.attachments import AttachmentView
from services.complaints.queries import CaseView
from services.people.keys import Caller, KeyRing
from services.plan.versions import Plans
from web.answers import json_answer
from web.authentication import caller_of
from web.case_routes import CaseName, find_for
from web.documentation import answers, shows

log = logging.getLogger(__name__)

EXAMPLE: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "id": "01940000-0000-7000-8000-000000000007",
        "name": "11月账单.png",
        "media_type": "image/png",
        "size": 183220,
        "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "added_by": "channel",
        "attached_at": "2026-11-23T00:14:40Z",
    }
)
"""An attachment as an example."""

# Whatever a browser makes of it: it is saved, not shown; what it is, is not guessed; nothing in it runs or loads.
_HEADERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Cache-Control": "private, no-store",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
)


def attachment_router(*, engine: AsyncEngine, plans: Plans, key_ring: KeyRing, files: FileDoor) -> APIRouter:
    """``GET /v1/complaints/{name}/attachments``, and ``…/{attachment}`` for the content of one."""
    router = APIRouter(prefix="/v1/complaints", tags=["cases"])
    reader = Depends(caller_of(key_ring, "channel", "staff"))

    @router.get(
        "/{name}/attachments",
        summary="The files of a case",
        description="In the order in which they came.",
        responses={
            200: shows("The files.", {"items": [dict(EXAMPLE)], "next_cursor": None}),
            **answers(401, 403, 404, 422),
        },
    )
    async def listed(name: CaseName, caller: Caller = reader) -> Response:
        async with engine.connect() as connection:
            view = await find_for(connection, plans, name, caller)
            found = await attachments.of_case(connection, view.id, view.realm)
        return json_answer({"items": [attachment_json(one) for one in found], "next_cursor": None})

    @router.get(
        "/{name}/attachments/{attachment}",
        summary="The content of a file",
        description="For staff who may act on the case, and for the channel that posted it. Customers' files are "
        "what they are: open them where nothing can happen. Every download is noted in the log.",
        response_class=StreamingResponse,
        responses={200: _content(), **answers(401, 403, 404, 422)},
    )
    async def content(
        name: CaseName,
        attachment: Annotated[UUID, Path(description="The id of one that `…/attachments` lists.")],
        caller: Caller = reader,
    ) -> Response:
        async with engine.connect() as connection:
            view = await find_for(connection, plans, name, caller)
            await require_theirs(connection, plans, view, caller)
            found = await attachments.find(connection, view.id, view.realm, attachment)
        # Opened before the answer begins, so that a place that is away is answered as what it is.
        chunks = await files.read(found.file)
        log.info("attachment %s of %s is downloaded with the key %s", found.id, view.reference, caller.key_id)
        return StreamingResponse(chunks, headers=_headers(found), media_type=found.media_type)

    return router


async def require_theirs(connection: AsyncConnection, plans: Plans, view: CaseView, caller: Caller) -> None:
    """Raises `Forbidden` for staff who could do nothing on the case; a channel has found its own cases only."""
    if caller.role != "channel":
        _, in_force = await plans.current(connection)
        require_may_act(in_force, caller, view.group_code)


def attachment_json(one: AttachmentView) -> dict[str, Any]:
    """An attachment as it is shown."""
    return {
        "id": one.id,
        "name": one.name,
        "media_type": one.media_type,
        "size": one.size,
        "sha256": one.sha256,
        "added_by": one.added_by,
        "attached_at": one.attached_at,
    }


def _headers(one: AttachmentView) -> dict[str, str]:
    name = quote(saved_name(one.name, one.media_type), safe="")
    return {
        **_HEADERS,
        "Content-Length": str(one.size),
        "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
    }


def _content() -> dict[str, Any]:
    return {
        "description": "The content.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
