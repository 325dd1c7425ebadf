"""The plan's versions in the database, followed by every process.

The highest version is in force. A case keeps the version that it was judged under, so older versions stay readable
for as long as there are cases.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.errors import Misconfigured, NotFound
from services.plan.loading import PlanInvalid, digest, load_plan
from services.plan.model import PlanVersion
from services.plan.schema import Plan

_FOLLOW_SECONDS = 2.0
_LOCK = 7_264_002


class Plans:
    """Reads plan versions, and remembers them: a version never changes once it is written."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._loaded: dict[int, Plan] = {}
        self._newest = 0
        self._next_look = 0.0

    async def current(self, connection: AsyncConnection) -> tuple[int, Plan]:
        """The version in force and its plan; a new version is seen within two seconds.

        Raises `Misconfigured` when no plan has been stored yet, or when it was written for another release.
        """
        if self._clock() >= self._next_look or not self._newest:
            newest = await connection.scalar(sa.select(sa.func.max(PlanVersion.version)))
            if newest is None:
                raise Misconfigured("no plan is stored in this database; run `redress migrate`, which stores one")
            self._newest = newest
            self._next_look = self._clock() + _FOLLOW_SECONDS
        return self._newest, await self.get(connection, self._newest)

    async def get(self, connection: AsyncConnection, version: int) -> Plan:
        """The plan of a version. Raises `NotFound`, and `Misconfigured` when it was written for another release."""
        plan = self._loaded.get(version)
        if plan is None:
            text = await connection.scalar(sa.select(PlanVersion.text).where(PlanVersion.version == version))
            if text is None:
                raise NotFound(f"there is no version {version} of the plan")
            plan = self._loaded[version] = _stored_plan(version, text)
        return plan

    async def ensure(self, connection: AsyncConnection, text: str) -> int:
        """Store ``text`` as a new version unless it is the one in force already; returns the version in force.

        Raises `services.plan.loading.PlanInvalid` with every mistake, and stores nothing, when the plan is wrong.
        """
        load_plan(text)
        await connection.execute(sa.text("select pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        query = sa.select(PlanVersion.version, PlanVersion.digest).order_by(PlanVersion.version.desc()).limit(1)
        newest = (await connection.execute(query)).one_or_none()
        if newest is not None and newest.digest == digest(text):
            return int(newest.version)
        version = 1 if newest is None else newest.version + 1
        await connection.execute(sa.insert(PlanVersion).values(version=version, digest=digest(text), text=text))
        self._next_look = 0.0
        return version


def _stored_plan(version: int, text: str) -> Plan:
    try:
        return load_plan(text, f"plan version {version}")
    except PlanInvalid as error:
        # It was in order for the release that stored it. Not the fault of the request or event that needs it now.
        raise Misconfigured(
            f"version {version} of the plan was stored by another release of Redress, and this one can't read it; "
            f"run the same release everywhere. {error}"
        ) from error
