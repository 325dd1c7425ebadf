"""The desk: the staff's side of Redress as one HTTP program.

It builds the app from what it is given; reading settings and running a server are done by whoever composes it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from desk.api.arrivals import arrivals_router
from desk.api.cases import desk_router
from desk.api.directives import directives_router
from desk.api.inbox import inbox_router
from desk.api.leadership import leadership_router
from desk.api.people import people_router
from desk.api.tasks import tasks_router
from services.base.files.receiving import FileDoor
from services.base.privacy import Privacy
from services.base.stream.bell import Bell
from services.people.keys import KeyRing
from services.plan.versions import Plans
from web import problems
from web.attachment_routes import attachment_router
from web.case_routes import case_router
from web.operations import operations_router
from web.record_routes import record_router


def create_app(
    *,
    engine: AsyncEngine,
    privacy: Privacy,
    plans: Plans,
    key_ring: KeyRing,
    files: FileDoor,
    public_url: str,
    bell: Bell | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> FastAPI:
    """The desk's app. ``public_url`` begins the links for customers; ``bell`` wakes workers in the same process."""
    bell = bell or Bell()
    # The documentation pages of FastAPI load scripts from another host, so only the document itself is served.
    app = FastAPI(
        title="Redress desk",
        description="What staff do with complaints: the queue, the cases, the actions that playbooks allow; tasks, "
        "directives, what leadership sees, and who is on duty.",
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
            bell=bell,
            clock=clock,
        )
    )
    for router in (tasks_router, directives_router):
        app.include_router(router(engine=engine, plans=plans, key_ring=key_ring, bell=bell, clock=clock))
    for router_of in (leadership_router, people_router):
        app.include_router(router_of(engine=engine, plans=plans, key_ring=key_ring, clock=clock))
    app.include_router(record_router(engine=engine, privacy=privacy, plans=plans, key_ring=key_ring))
    app.include_router(attachment_router(engine=engine, plans=plans, key_ring=key_ring, files=files))
    app.include_router(
        arrivals_router(engine=engine, privacy=privacy, plans=plans, key_ring=key_ring, bell=bell, clock=clock)
    )
    app.include_router(inbox_router(engine=engine, key_ring=key_ring, clock=clock))
    app.include_router(
        case_router(engine=engine, privacy=privacy, plans=plans, key_ring=key_ring, public_url=public_url)
    )
    return app
