"""``GET /v1/complaints/{name}/record``: the record of a case as JSON, as a page, and as a PDF."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Query
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import Response

from services.base.errors import Forbidden
from services.base.privacy import Privacy
from services.people.keys import Caller, KeyRing
from services.plan.versions import Plans
from services.plan.vocabulary import Language
from services.records.gathering import gather
from services.records.summary import Material, Personal, summarise
from web.answers import json_answer
from web.authentication import caller_of
from web.bodies import header
from web.case_routes import CaseName, find_for
from web.documentation import answers
from web.record.composing import document_of
from web.record.example import RECORD
from web.record.html import Pages
from web.record.pdf import write_pdf

Format = Literal["json", "html", "pdf"]
MEDIA_TYPES: Final[Mapping[Format, str]] = MappingProxyType(
    {"json": "application/json", "html": "text/html", "pdf": "application/pdf"}
)
# A record holds what a customer said: it is kept by nobody on the way.
_HEADERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Cache-Control": "private, no-store",
        "Referrer-Policy": "no-referrer",
        "Vary": "Accept, Authorization",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex",
    }
)
# PDFs are drawn one at a time: each takes a core for a while, and the service has others to answer.
_DRAWN_AT_ONCE: Final = 1

_DESCRIPTION: Final = (
    "Made from the case's events, its clocks and its notices when it is asked for; nothing in it was ever overwritten, "
    "and a correction stands beside what it corrects. `format` goes before the header `Accept`; JSON unless one of "
    "them says otherwise. JSON holds every sentence in both languages. `personal=masked` takes names, numbers and "
    "addresses out, for a copy that is handed on. An integrator's JSON has no personal data, and of what people wrote "
    "the masked complaint only."
)


def record_router(*, engine: AsyncEngine, privacy: Privacy, plans: Plans, key_ring: KeyRing) -> APIRouter:
    """The route of the record, for staff of any group, administrators and integrators."""
    router = APIRouter(prefix="/v1/complaints", tags=["cases"])
    reader = Depends(caller_of(key_ring, "integrator", "staff"))
    pages = Pages()
    drawing = asyncio.Semaphore(_DRAWN_AT_ONCE)

    @router.get(
        "/{name}/record",
        summary="The record and summary of a case",
        description=_DESCRIPTION,
        responses={200: _answer(), **answers(401, 403, 404, 422)},
    )
    async def record(
        request: Request,
        name: CaseName,
        wanted: Annotated[Format | None, Query(alias="format", description="json, html or pdf.")] = None,
        language: Annotated[Language | None, Query(description="zh or en; the plan's language unless given.")] = None,
        personal: Annotated[Literal["shown", "masked"], Query(description="masked: for a copy handed on.")] = "shown",
        caller: Caller = reader,
    ) -> Response:
        form = _form_for(caller, wanted, header(request, b"accept"))
        # Read as of one moment, however long it takes.
        async with engine.connect() as connection:
            await connection.execution_options(isolation_level="REPEATABLE READ")
            view = await find_for(connection, plans, name, caller)
            material = await gather(connection, plans, view)
        shown: Personal = "withheld" if caller.role == "integrator" else personal
        headers = {**_HEADERS, "Content-Disposition": _disposition(view.reference, form)}
        if form == "json":
            summary = await asyncio.to_thread(summarise, material, privacy, shown)
            return json_answer(summary, headers=headers)
        language = language or material.plan.plan.default_language
        headers["Content-Language"] = "zh-CN" if language == "zh" else "en"
        if form == "html":
            page = await asyncio.to_thread(_page, pages, material, privacy, shown, language)
            headers["Content-Security-Policy"] = pages.policy
            return Response(page, headers=headers, media_type="text/html; charset=utf-8")
        async with drawing:
            file = await asyncio.to_thread(_pdf, material, privacy, shown, language)
        return Response(file, headers=headers, media_type=MEDIA_TYPES["pdf"])

    return router


def _page(pages: Pages, material: Material, privacy: Privacy, personal: Personal, language: Language) -> str:
    summary = summarise(material, privacy, personal)
    return pages.write(document_of(summary, material.plan, material.in_force, language))


def _pdf(material: Material, privacy: Privacy, personal: Personal, language: Language) -> bytes:
    summary = summarise(material, privacy, personal)
    return write_pdf(document_of(summary, material.plan, material.in_force, language))


def _disposition(reference: str, form: Format) -> str:
    """Shown where it can be, and saved under the case's reference, which is plain ASCII."""
    return f'inline; filename="{reference}-record.{form}"'


def _form_for(caller: Caller, wanted: Format | None, accepted: str | None) -> Format:
    """The form to answer in. Raises `Forbidden` when an integrator asks for another than JSON."""
    if caller.role != "integrator":
        return wanted or _preferred(accepted or "")
    if wanted not in (None, "json"):
        raise Forbidden("an integrator's key is given the record as JSON, without personal data; leave format out")
    return "json"


def _preferred(accepted: str) -> Format:
    """Which of the three the header asks for most; JSON when it does not care or names none of them."""
    best: tuple[float, Format] = (0.0, "json")
    for part in accepted.split(","):
        media, *parameters = (piece.strip() for piece in part.split(";"))
        form = next((form for form, type_ in MEDIA_TYPES.items() if type_ == media.lower()), None)
        weight = _weight(parameters)
        if form is not None and weight > best[0]:
            best = (weight, form)
    return best[1]


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def _answer() -> dict[str, Any]:
    return {
        "description": "The record.",
        "content": {
            "application/json": {"schema": {"type": "object"}, "example": RECORD},
            "text/html": {"schema": {"type": "string"}},
            "application/pdf": {"schema": {"type": "string", "format": "binary"}},
        },
    }
