"""Tasks over HTTP: what groups owe, opening one for a group, and acting on one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import Response

from desk.api.examples import TASK, TASKS, body_examples, one_body
from desk.api.listing import conditions
from desk.api.shown import task_json
from services.base.stream.bell import Bell
from services.casework.action import CaseName, CodeOf, Login
from services.casework.tasks.actions import open_by_hand, perform
from services.casework.tasks.bodies import BODIES, OpenTask, body_of
from services.casework.tasks.queries import Filter, as_opened, find, page
from services.people.keys import Caller, KeyRing
from services.plan.versions import Plans
from web.answers import json_answer
from web.authentication import caller_of
from web.bodies import parse_body, read_body
from web.documentation import answers, shows
from web.etags import etag, parse_if_match
from web.idempotency import IdempotencyKey, checked_key

LARGEST_BODY: Final = 256 * 1024

TaskId = Annotated[UUID, Path(description="The task's id.")]


class Wanted(BaseModel):
    """Which tasks a page holds."""

    model_config = ConfigDict(extra="forbid")

    group: CodeOf | None = Field(None, description="The group that owes them, such as finance.")
    assignee: Login | None = Field(None, description="A login.")
    status: Literal["open", "done", "cancelled"] | None = None
    overdue: bool | None = Field(None, description="true: open past their time; false: the others.")
    complaint: CaseName | None = Field(None, description="The id or reference of a case.")
    directive: UUID | None = Field(None, description="The id of a directive.")
    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = Field(None, max_length=60, description="`next_cursor` of the page before.")


def tasks_router(
    *, engine: AsyncEngine, plans: Plans, key_ring: KeyRing, bell: Bell, clock: Callable[[], datetime]
) -> APIRouter:
    """``/v1/tasks``: the list, opening one, showing one, and the actions on one."""
    router = APIRouter(prefix="/v1/tasks", tags=["tasks"])
    staff = Depends(caller_of(key_ring, "staff"))

    @router.get(
        "",
        summary="What groups owe",
        description="Tasks, the first due first, that meet all the conditions given.",
        responses={200: shows("A page of tasks.", TASKS), **answers(401, 403, 422)},
    )
    async def listed(wanted: Annotated[Wanted, Query()], caller: Caller = staff) -> Response:
        now = clock()
        async with engine.connect() as connection:
            filters = await conditions(connection, plans, wanted, wanted.complaint, caller)
            views, cursor = await page(
                connection, Filter(**filters), caller.realm, now, limit=wanted.limit, cursor=wanted.cursor
            )
        return json_answer({"items": [task_json(view, now) for view in views], "next_cursor": cursor})

    @router.post(
        "",
        status_code=201,
        summary="Open a task",
        description="For any group; by when it is due follows from the plan. Its head is told, or the assignee.",
        responses={201: shows("The task as it was opened.", TASK, etag=True), **answers(400, 401, 403, 413, 422)},
        openapi_extra={"requestBody": one_body(OpenTask)},
    )
    async def opened(request: Request, idempotency_key: IdempotencyKey = None, caller: Caller = staff) -> Response:
        key = checked_key(idempotency_key)
        body = parse_body(OpenTask, await read_body(request, LARGEST_BODY))
        async with engine.begin() as connection:
            task, replayed = await open_by_hand(connection, plans, body, caller, key, clock())
            view = await as_opened(connection, await find(connection, task, caller.realm))
        bell.ring()
        headers = {"Location": f"/v1/tasks/{task}", "ETag": etag(view.version)}
        if replayed:
            headers["Idempotent-Replayed"] = "true"
        return json_answer(task_json(view, view.opened_at), 201, headers)

    @router.get(
        "/{task}",
        summary="A task",
        responses={200: shows("The task.", TASK, etag=True), **answers(401, 403, 404, 422)},
    )
    async def shown(task: TaskId, caller: Caller = staff) -> Response:
        async with engine.connect() as connection:
            view = await find(connection, task, caller.realm)
        return json_answer(task_json(view, clock()), headers={"ETag": etag(view.version)})

    @router.post(
        "/{task}/{action}",
        summary="Act on a task",
        description="For the people of the group that owes it, the leadership group and senior management; whoever "
        "opened it may cancel it. Done once and durable when it is answered: sent again with the same `If-Match` it "
        "is answered 412.",
        responses={
            200: shows("The task as it is now.", TASK, etag=True),
            **answers(400, 401, 403, 404, 409, 412, 413, 422, 428),
        },
        openapi_extra={"requestBody": body_examples(BODIES)},
    )
    async def act(
        request: Request,
        task: TaskId,
        action: Annotated[str, Path(description=f"One of {', '.join(BODIES)}.")],
        if_match: Annotated[
            str | None,
            Header(description='The ETag of the task as you saw it, such as `"1"`; `*` for whichever it is.'),
        ] = None,
        caller: Caller = staff,
    ) -> Response:
        body = parse_body(body_of(action), await read_body(request, LARGEST_BODY) or b"{}")
        versions = parse_if_match(if_match)
        now = clock()
        async with engine.begin() as connection:
            await perform(connection, plans, task, body, caller, versions, now)
            view = await find(connection, task, caller.realm)
        bell.ring()
        return json_answer(task_json(view, now), headers={"ETag": etag(view.version)})

    return router
