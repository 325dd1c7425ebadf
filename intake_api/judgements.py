"""``POST /v1/judgements``: what a complaint would be judged, while somebody is still typing it. Nothing is kept."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import Response

from intake_api.posting import LONGEST_CONTENT, Concerns, Line100, Line200, past
from services.base.privacy import Privacy
from services.base.texts import PRINTABLE
from services.judgements import values
from services.judgements.judge import shown
from services.judgements.judges import Bench, Judges
from services.people.keys import KeyRing
from services.plan.values import Code
from services.plan.vocabulary import Channel
from web.answers import json_answer
from web.authentication import caller_of
from web.bodies import parse_body, read_body
from web.cases import placed
from web.documentation import CASE, answers, shows

LARGEST_BODY: Final = 256 * 1024

_STRICT = ConfigDict(extra="forbid", frozen=True)


class Subject(BaseModel):
    """What is known of the customer so far. The name is masked wherever it stands in the words."""

    model_config = _STRICT

    name: Line200 | None = None
    account: Line100 | None = None
    standing: Code | None = None
    language: Literal["zh", "en"] | None = None


class Draft(BaseModel):
    """A complaint as far as it is written: the fields of a posted one. Only the words are needed; they may be blank."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"example": {"content": "宽带从昨晚开始断网，一直没人来修。", "service_type": "broadband"}},
    )

    content: Annotated[str, StringConstraints(max_length=LONGEST_CONTENT), PRINTABLE]
    customer: Subject = Subject()
    channel: Channel = "web"
    service_type: Literal["mobile", "fixed_line", "broadband", "tv", "other"] = "other"
    occurred_at: Annotated[AwareDatetime, AfterValidator(past)] | None = Field(None, description="With time zone.")
    concerns: Concerns | None = None


_EXAMPLE: Final[dict[str, Any]] = {
    **CASE["judgement"],
    "sub_category": "no_service",
    "severity": "minor",
    "reportable": False,
    "language": "zh",
    "guesses": [
        {"category": "outage", "confidence": 0.93},
        {"category": "technical_support", "confidence": 0.05},
        {"category": "billing", "confidence": 0.02},
    ],
    "severity_reasons": [
        {
            "signal": "no_service",
            "speaks_for": "graver",
            "words": "",
            "start": 0,
            "end": 0,
            "weight": 2.0,
            "value": None,
            "unit": None,
        }
    ],
    "plan_version": 1,
}


def draft_schema() -> dict[str, Any]:
    """The JSON schema of a draft, whole, for OpenAPI's request bodies."""
    return Draft.model_json_schema(ref_template="#/components/schemas/{model}")


def judgements_router(engine: AsyncEngine, privacy: Privacy, judges: Judges, key_ring: KeyRing) -> APIRouter:
    """The one route."""
    router = APIRouter(prefix="/v1/judgements", tags=["judgements"])
    caller = Depends(caller_of(key_ring, "channel", "staff"))

    @router.post(
        "",
        summary="Judge a text without making a case",
        description="Category, severity and the words that speak for them, by the plan and the model in force: for "
        "forms that show it while somebody types. Nothing is kept; earlier complaints are not looked up.",
        responses={200: shows("The judgement.", _EXAMPLE), **answers(400, 401, 403, 413, 422)},
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Draft"}}},
            }
        },
        dependencies=[caller],
    )
    async def judge(request: Request) -> Response:
        draft = parse_body(Draft, await read_body(request, LARGEST_BODY))
        bench = judges.remembered() or await _current(engine, judges)
        return json_answer(await asyncio.to_thread(_judged, draft, bench, privacy, datetime.now(UTC)))

    return router


async def _current(engine: AsyncEngine, judges: Judges) -> Bench:
    async with engine.connect() as connection:
        return await judges.current(connection)


def _judged(draft: Draft, bench: Bench, privacy: Privacy, now: datetime) -> dict[str, Any]:
    customer = draft.customer
    masked = privacy.mask(draft.content, [customer.name] if customer.name else [])
    facts = values.Facts(
        service_type=draft.service_type,
        channel=draft.channel,
        language_hint=customer.language,
        concerns=values.Concerns(**draft.concerns.model_dump()) if draft.concerns else values.Concerns(),
        standing=bench.plan.standing_of(customer.standing, customer.account),
        occurred_at=draft.occurred_at,
        received_at=now,
    )
    return placed(shown(bench.judge.judge(masked, facts), bench.plan_version), draft.content, masked)
