"""Taking in the files of a case: from its channel, from staff, and from the customer's page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import Response

from services.base.files.receiving import FileDoor
from services.base.stream.bell import Bell
from services.casework import attaching
from services.complaints.attachments import AttachmentView, By
from services.people.keys import Caller, KeyRing
from services.plan.versions import Plans
from web.answers import json_answer
from web.attachment_routes import EXAMPLE, attachment_json, require_theirs
from web.authentication import caller_of
from web.case_routes import CaseName, find_for
from web.documentation import answers, shows
from web.uploads import Upload, upload_of

_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}
_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/octet-stream": _BINARY,
            "image/*": _BINARY,
            "application/pdf": _BINARY,
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            },
        },
    }
}


@dataclass(frozen=True, slots=True)
class Attacher:
    """Takes a file in and adds it to its case."""

    engine: AsyncEngine
    plans: Plans
    files: FileDoor
    bell: Bell
    clock: Callable[[], datetime]

    async def largest(self, case: UUID) -> int:
        """How many MiB a file may have. Raises, before one is read, as `attaching.attach` does for a case that is
        over."""
        async with self.engine.connect() as connection:
            await attaching.require_room(connection, self.plans, case)
            return (await attaching.limits(connection, self.plans)).largest

    async def take(self, case: UUID, upload: Upload, by: By, actor: str) -> AttachmentView:
        """Read the file to its end, keep it, and add it. Committed when it returns.

        Raises as `FileDoor.receive` and `attaching.attach` do, and then the case is as it was.
        """

        async def may_keep(sha256: str) -> None:
            async with self.engine.connect() as connection:
                await attaching.require_room(connection, self.plans, case, sha256)

        async with self.engine.connect() as connection:
            limits = await attaching.limits(connection, self.plans)
        received = await self.files.receive(
            upload.chunks, declared=upload.declared, kinds=limits.kinds, largest=limits.largest, may_keep=may_keep
        )
        async with self.engine.begin() as connection:
            view = await attaching.attach(
                connection, self.plans, case, received, upload.name, by, actor, self.clock()
            )  # fmt: skip
        self.bell.ring()
        return view


def attachments_router(attacher: Attacher, key_ring: KeyRing) -> APIRouter:
    """``POST /v1/complaints/{name}/attachments``."""
    router = APIRouter(prefix="/v1/complaints", tags=["customer"])
    sender = Depends(caller_of(key_ring, "channel", "staff"))

    @router.post(
        "/{name}/attachments",
        status_code=201,
        summary="Add a file to a case",
        description="The body is the file itself, or a form (`multipart/form-data`) with this one file. What it is, is "
        "found out from its content: JPEG, PNG, GIF, WebP, HEIC or PDF, as the plan allows. A case that waits for its "
        "customer goes on. The same content again is answered with the attachment that the case has already.",
        responses={
            201: shows("The attachment.", EXAMPLE),
            **answers(400, 401, 403, 404, 409, 413, 422),
        },
        openapi_extra=_BODY,
    )
    async def post(
        request: Request,
        name: CaseName,
        called: Annotated[
            str | None, Query(alias="name", max_length=2000, description="The file's name; it goes before all others.")
        ] = None,
        caller: Caller = sender,
    ) -> Response:
        async with attacher.engine.connect() as connection:
            view = await find_for(connection, attacher.plans, name, caller)
            await require_theirs(connection, attacher.plans, view, caller)
        upload = await upload_of(request, await attacher.largest(view.id))
        upload = Upload(called or upload.name, upload.declared, upload.chunks)
        by: By = "channel" if caller.role == "channel" else "staff"
        return json_answer(attachment_json(await attacher.take(view.id, upload, by, caller.actor)), 201)

    return router
