"""The intake program: takes complaints in, lets channels follow them and customers see where theirs stands."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from sqlalchemy.ext.asyncio import AsyncEngine

from intake_api.attachments import Attacher, attachments_router
from intake_api.batch import batch_router
from intake_api.complaints import complaint_schema, complaints_router, register_endpoint
from intake_api.customer import customer_router
from intake_api.judgements import draft_schema, judgements_router
from intake_api.posting import Reception
from intake_api.registration import Intake
from intake_api.survey_page import survey_router
from intake_api.track import track_router
from intake_api.writer import Writer
from services.base.errors import Misconfigured
from services.base.failures import is_passing
from services.base.files.receiving import FileDoor
from services.base.privacy import Privacy
from services.base.stream.bell import Bell
from services.complaints.contacts import normal_phone
from services.judgements.judges import Judges
from services.people.keys import KeyRing
from services.plan.versions import Plans
from web.attachment_routes import attachment_router
from web.case_routes import case_router
from web.direct import Direct
from web.operations import operations_router
from web.problems import install

log = logging.getLogger(__name__)

_FOLLOW_SECONDS = 5.0


def create_app(
    *,
    engine: AsyncEngine,
    privacy: Privacy,
    plans: Plans,
    judges: Judges,
    key_ring: KeyRing,
    writer: Writer,
    files: FileDoor,
    public_url: str,
    bell: Bell | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Direct:
    """The ASGI application. ``writer`` is started and stopped with it; ``bell`` wakes workers in the same process."""
    reception = Reception(privacy)
    intake = Intake(engine=engine, privacy=privacy, writer=writer, reception=reception, public_url=public_url)
    bell = bell or Bell()
    attacher = Attacher(engine, plans, files, bell, clock)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        writer.start()
        await _follow_once(engine, plans, reception)
        _settle_memory()
        following = asyncio.create_task(_follow_plan(engine, plans, reception))
        yield
        following.cancel()
        await writer.stop()

    app = FastAPI(
        title="Redress intake",
        summary="Register customer complaints and follow them.",
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    install(app)
    register = register_endpoint(intake, key_ring)
    app.include_router(complaints_router(register))
    app.include_router(batch_router(intake, key_ring))
    app.include_router(
        case_router(engine=engine, privacy=privacy, plans=plans, key_ring=key_ring, public_url=public_url)
    )
    app.include_router(
        customer_router(
            engine=engine,
            privacy=privacy,
            plans=plans,
            key_ring=key_ring,
            public_url=public_url,
            bell=bell,
            clock=clock,
        )
    )
    app.include_router(attachments_router(attacher, key_ring))
    app.include_router(attachment_router(engine=engine, plans=plans, key_ring=key_ring, files=files))
    app.include_router(judgements_router(engine, privacy, judges, key_ring))
    app.include_router(track_router(attacher, privacy))
    app.include_router(survey_router(attacher, privacy))
    app.include_router(operations_router(engine))
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]  # FastAPI's documented way to extend it
    return Direct(app, {("POST", "/v1/complaints"): register})


def _settle_memory() -> None:
    """Take what was loaded at the start out of the garbage collector's sight.

    Collecting the oldest generation walks all of it, which held up every request for 60 to 75 ms, every few seconds.
    """
    # Loaded on its first use otherwise, and then walked for ever after.
    normal_phone("+442079460958")
    gc.collect()
    gc.freeze()


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        for name, schema in (("PostedComplaint", complaint_schema()), ("Draft", draft_schema())):
            schemas.update(schema.pop("$defs", {}))
            schemas[name] = schema
        app.openapi_schema = document
    return app.openapi_schema


async def _follow_plan(engine: AsyncEngine, plans: Plans, reception: Reception) -> None:
    while True:
        await asyncio.sleep(_FOLLOW_SECONDS)
        await _follow_once(engine, plans, reception)


async def _follow_once(engine: AsyncEngine, plans: Plans, reception: Reception) -> None:
    """Take on the customs of the plan in force; without a database, go on with those that are known."""
    try:
        async with engine.connect() as connection:
            _, plan = await plans.current(connection)
    except Misconfigured as error:
        log.warning("%s", error)
    except Exception as error:
        # Intake goes on with the customs that it knows, whatever is wrong with the plan.
        log.warning("the plan cannot be read now: %s", error, exc_info=not is_passing(error))
    else:
        reception.follow(plan.plan.phone_region, plan.plan.reference_prefix)
