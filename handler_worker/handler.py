"""Dispatches judged complaints, and notes when a customer has been told that the complaint arrived.

A case is dispatched while it is `classified` and left alone afterwards, so two handlers never dispatch it twice: the
second waits for the case's lock and then finds it dispatched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.stream.event import Event
from services.casework import clocks
from services.casework.dispatching import dispatch
from services.complaints.commands import Case, lock
from services.complaints.events import Classified, Reclassified
from services.complaints.lifecycle import ON_HAND
from services.notices.events import Sent
from services.plan.schema import Plan
from services.plan.versions import Plans
from services.plan.vocabulary import Category, Severity


class DispatchHandler:
    """The handler worker's handler."""

    group: Final = "handler"
    types: Final = frozenset({Classified.TYPE, Reclassified.TYPE, Sent.TYPE})

    def __init__(self, plans: Plans, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._plans = plans
        self._clock = clock

    async def handle(self, connection: AsyncConnection, events: Sequence[Event]) -> None:
        """Dispatch what waits, move the clocks of what was judged anew, note acknowledgements."""
        judged = {event.key for event in events if event.type != Sent.TYPE}
        acknowledged = _acknowledged(events)
        # All at once, also those that were only acknowledged: whoever writes the clocks of a case holds its lock, or
        # two handlers could wait for each other's clocks.
        locked = await lock(connection, judged | acknowledged.keys())
        cases = [case for case in locked.values() if case.id in judged]
        if cases:
            plans = await self._plans_of(connection, cases)
            await dispatch(connection, cases, plans, self._clock())
            again = {event.key for event in events if event.type == Reclassified.TYPE}
            await clocks.start(connection, _moved([case for case in cases if case.id in again], plans))
        if acknowledged:
            _, plan = await self._plans.current(connection)
            await clocks.meet_acknowledge(connection, acknowledged, plan)

    async def _plans_of(self, connection: AsyncConnection, cases: Iterable[Case]) -> dict[int, Plan]:
        versions = {case.plan_version for case in cases if case.plan_version is not None}
        return {version: await self._plans.get(connection, version) for version in versions}


def _acknowledged(events: Iterable[Event]) -> dict[UUID, datetime]:
    """When which cases were acknowledged."""
    sent = [Sent.model_validate_json(event.data) for event in events if event.type == Sent.TYPE]
    return {notice.complaint: notice.sent_at for notice in sent if notice.kind == "acknowledgement"}


def _moved(cases: Sequence[Case], plans: Mapping[int, Plan]) -> list[clocks.Clock]:
    return [
        clock
        for case in cases
        if case.status in ON_HAND and case.plan_version is not None
        for clock in clocks.clocks_for(
            case, plans[case.plan_version], cast(Category, case.category), cast(Severity, case.severity)
        ).values()
    ]
