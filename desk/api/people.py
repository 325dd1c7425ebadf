"""People: who is on duty and why not, what they have on hand, signing on and off, and absences."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from itertools import dropwhile
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import Response

from desk.api.people_documentation import ABSENCE, ABSENCES, PEOPLE, PERSON, takes
from services.base.errors import Invalid
from services.base.texts import PRINTABLE
from services.casework import staffing
from services.casework.staffing import PersonView, may_manage
from services.people import absences
from services.people.absences import NewAbsence
from services.people.keys import Caller, KeyRing
from services.people.rota import Entry, Kind
from services.plan.schema import Plan
from services.plan.versions import Plans
from services.plan.vocabulary import LANGUAGES
from web.answers import json_answer
from web.authentication import caller_of
from web.bodies import parse_body, read_body
from web.documentation import answers, shows

LARGEST_BODY: Final = 16 * 1024

_LOGIN: Final = r"^[a-z][a-z0-9._-]{0,39}$"
Login = Annotated[str, Path(description="A login of the plan.", max_length=40)]
Note = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), PRINTABLE]


class Wanted(BaseModel):
    """Which people a page holds."""

    model_config = ConfigDict(extra="forbid")

    group: str | None = Field(None, max_length=40, description="The code of a group, such as technical_support.")
    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = Field(None, max_length=40, description="`next_cursor` of the page before.")


class Switch(BaseModel):
    """Signing on or off."""

    model_config = ConfigDict(extra="forbid")

    on_duty: bool = Field(strict=True)


class AbsenceBody(BaseModel):
    """An absence, or with the kind ``duty`` an extra shift outside the usual hours."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    from_at: AwareDatetime | None = Field(None, description="With time zone. Left out: from now on.")
    until_at: AwareDatetime = Field(description="When they are back; with time zone, at most a year later.")
    substitute: str | None = Field(
        None, pattern=_LOGIN, description="Who takes their urgent cases: a colleague of one of their groups."
    )
    note: Note | None = Field(None, description="For the person and those who lead them.")


def people_router(*, engine: AsyncEngine, plans: Plans, key_ring: KeyRing, clock: Callable[[], datetime]) -> APIRouter:
    """``/v1/people``."""
    router = APIRouter(prefix="/v1/people", tags=["people"])
    staff = Depends(caller_of(key_ring, "staff"))

    @router.get(
        "",
        summary="Who is on duty",
        description="People in the order of the plan: whether they are on duty, and if not why (`why_not`: leave, "
        "sick, training, off_duty: signed off, shift: outside their hours), what they have on hand, and absences that "
        "are not over. Notes are shown to the person and to those who lead them.",
        responses={200: shows("A page of people.", PEOPLE), **answers(401, 403, 404, 422)},
    )
    async def people(wanted: Annotated[Wanted, Query()], caller: Caller = staff) -> Response:
        async with engine.connect() as connection:
            _, plan = await plans.current(connection)
            views = await staffing.people(connection, plan, clock(), wanted.group)
        views, cursor = _page(views, wanted.limit, wanted.cursor)
        items = [_person_json(plan, view, caller) for view in views]
        return json_answer({"items": items, "next_cursor": cursor})

    @router.post(
        "/{login}/duty",
        summary="Sign somebody on or off",
        description="Who signs off gets no new cases, and their urgent ones go to somebody on duty within seconds. "
        "For oneself, for who leads a group of theirs, for the leadership group.",
        responses={200: shows("The person now.", PERSON), **answers(400, 401, 403, 404, 413, 422)},
        openapi_extra=takes(Switch, {"on_duty": False}),
    )
    async def switch(request: Request, login: Login, caller: Caller = staff) -> Response:
        body = parse_body(Switch, await read_body(request, LARGEST_BODY))
        async with engine.begin() as connection:
            _, plan = await plans.current(connection)
            await staffing.switch(connection, plan, caller, login, body.on_duty)
            view = await staffing.person(connection, plan, login, clock())
        return json_answer(_person_json(plan, view, caller))

    @router.get(
        "/{login}/absences",
        summary="Absences and extra shifts that are not over",
        responses={200: shows("The absences, the earliest first.", ABSENCES), **answers(401, 403, 404, 422)},
    )
    async def listed(login: Login, caller: Caller = staff) -> Response:
        async with engine.connect() as connection:
            _, plan = await plans.current(connection)
            plan.person(login)
            entries = (await absences.since(connection, [login], clock())).get(login, [])
        notes = may_manage(plan, caller, login)
        return json_answer({"items": [_entry_json(entry, notes) for entry in entries], "next_cursor": None})

    @router.post(
        "/{login}/absences",
        summary="Enter an absence or an extra shift",
        description="What overlaps another entry of the person is refused with its id; so is a substitute who is away "
        "themselves.",
        status_code=201,
        responses={201: shows("The entry.", ABSENCE), **answers(400, 401, 403, 404, 409, 413, 422)},
        openapi_extra=takes(AbsenceBody, {name: ABSENCE[name] for name in AbsenceBody.model_fields}),
    )
    async def enter(request: Request, login: Login, caller: Caller = staff) -> Response:
        body = parse_body(AbsenceBody, await read_body(request, LARGEST_BODY))
        now = clock()
        new = NewAbsence(login, body.kind, body.from_at or now, body.until_at, body.substitute, body.note)
        async with engine.begin() as connection:
            _, plan = await plans.current(connection)
            entry = await staffing.enter(connection, plan, caller, new, now)
        return json_answer(_entry_json(entry, notes=True), 201)

    @router.delete(
        "/{login}/absences/{absence}",
        summary="Cancel an absence or an extra shift",
        description="It counts for nothing from then on: who was away is back. Doing it again changes nothing.",
        responses={200: shows("The entry that was cancelled.", ABSENCE), **answers(401, 403, 404, 409, 422)},
    )
    async def cancel(login: Login, absence: UUID, caller: Caller = staff) -> Response:
        async with engine.begin() as connection:
            _, plan = await plans.current(connection)
            entry = await staffing.cancel(connection, plan, caller, login, absence, clock())
        return json_answer(_entry_json(entry, notes=True))

    return router


def _page(views: list[PersonView], limit: int, cursor: str | None) -> tuple[list[PersonView], str | None]:
    if cursor is not None:
        views = list(dropwhile(lambda view: view.person.login != cursor, views))[1:]
        if not views:
            raise Invalid("the cursor is not one that this service gave; leave it out to begin at the first page")
    return views[:limit], views[limit - 1].person.login if len(views) > limit else None


def _person_json(plan: Plan, view: PersonView, caller: Caller) -> dict[str, Any]:
    person, presence = view.person, view.presence
    notes = may_manage(plan, caller, person.login)
    return {
        "login": person.login,
        "name": person.name.model_dump(),
        "title": person.title.model_dump(),
        "groups": [{"code": code, "role": role} for code, role in view.groups],
        "on_duty": presence.on_duty,
        "why_not": presence.why,
        "until": presence.until,
        "substitute": presence.substitute,
        "signed_on": view.on_hand.on_duty,
        "open_cases": view.on_hand.open_cases,
        "capacity": person.capacity,
        "last_assigned_at": view.on_hand.last_assigned_at,
        "languages": person.languages,
        "skills": person.skills.model_dump(),
        "shift": _shift_json(plan, view),
        "absences": [_entry_json(entry, notes) for entry in view.entries],
    }


def _shift_json(plan: Plan, view: PersonView) -> dict[str, Any] | None:
    code = view.person.shift
    if code is None:
        return None
    name = {language: plan.name_of("calendar", code, language) for language in LANGUAGES}
    return {"calendar": code, "name": name, "open": view.shift_open}


def _entry_json(entry: Entry, notes: bool) -> dict[str, Any]:
    return {name: getattr(entry, name) if notes or name != "note" else None for name in Entry.__dataclass_fields__}
