"""The desk: the staff's side of Redress as one HTTP program.

It builds the app from what it is given; reading settings and running a server are done by whoever composes it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from desk.api.cases import desk_router
from services.base.privacy import Privacy
from services.base.stream.bell import Bell
from services.people.keys import KeyRing
from services.plan.versions import Plans
from web import problems
from web.case_routes import case_router
from web.operations import operations_router


def create_app(
    *,
    engine: AsyncEngine,
    privacy: Privacy,
    plans: Plans,
    key_ring: KeyRing,
    public_url: str,
    bell: Bell | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> FastAPI:
    """The desk's app. ``public_url`` begins the links for customers; ``bell`` wakes workers in the same process."""
    # The documentation pages of FastAPI load scripts from another host, so only the document itself is served.
    app = FastAPI(
        title="Redress desk",
        description="What staff do with complaints: the queue, the cases, and the actions that the lifecycle allows.",
        version="1",
        docs_url=None,
        redoc_url=None,
    )
    problems.install(app)
    app.include_router(operations_router(engine))
    app.include_router(
        desk_router(
            engine=engine,
            privacy=privacy,
            plans=plans,
            key_ring=key_ring,
            public_url=public_url,
            bell=bell or Bell(),
            clock=clock,
        )
    )
    app.include_router(
        case_router(engine=engine, privacy=privacy, plans=plans, key_ring=key_ring, public_url=public_url)
    )
    return app
