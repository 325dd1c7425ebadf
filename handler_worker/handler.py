"""Dispatches judged complaints, begins their handling, and follows what happens to them elsewhere.

A case is dispatched while it is `classified` and left alone afterwards, so two handlers never dispatch it twice: the
second waits for the case's lock and then finds it dispatched.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.stream.event import Event
from services.casework import clocks, links
from services.casework.actions import told_of_result, works_on
from services.casework.dispatching import dispatch
from services.casework.links import NewLink
from services.casework.promotions import concerning, look_into
from services.casework.starting import repeats
from services.casework.work import Work, write
from services.complaints.events import Classified, HandedOver, Reclassified, Reopened, Reviewed
from services.notices.events import Sent
from services.plan.versions import Plans

ACTOR: Final = "system:handler"
_TO_DISPATCH: Final = frozenset({Classified.TYPE, Reclassified.TYPE, HandedOver.TYPE, Reopened.TYPE})


class DispatchHandler:
    """The handler worker's handler."""

    group: Final = "handler"
    types: Final = frozenset({*_TO_DISPATCH, Reviewed.TYPE, Sent.TYPE})

    def __init__(self, plans: Plans, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._plans = plans
        self._clock = clock

    async def handle(self, connection: AsyncConnection, events: Sequence[Event]) -> None:
        """Dispatch what waits, note what customers were told, have misleading promotions looked into."""
        now = self._clock()
        judged = {event.key for event in events if event.type in _TO_DISPATCH}
        acknowledged, results = _sent(events, "acknowledgement"), _sent(events, "result")
        verdicts = {event.key: event for event in events if event.type == Reviewed.TYPE}
        _, in_force = await self._plans.current(connection)
        # All at once, also those that were only acknowledged: whoever writes the clocks of a case holds its lock, or
        # two handlers could wait for each other's clocks.
        works = await works_on(
            connection, self._plans, in_force, {*judged, *acknowledged, *results, *verdicts}, ACTOR, now
        )
        for case, at in acknowledged.items():
            if case in works:
                clocks.acknowledged_early(works[case].clocks, works[case].case, in_force, at)
        await self._results_told(connection, [works[case] for case in results if case in works], results)
        waiting = [works[case] for case in sorted(judged) if case in works and works[case].status == "classified"]
        linked = await _linked(connection, waiting)
        await dispatch(connection, waiting)
        for found in await concerning(
            connection, [(works[case], event) for case, event in verdicts.items() if case in works]
        ):
            look_into(found)
        await write(connection, list(works.values()))
        await links.add(connection, linked)

    async def _results_told(
        self, connection: AsyncConnection, works: Collection[Work], at: Mapping[UUID, datetime]
    ) -> None:
        """Silence after the result counts as consent, from when the customer was told it."""
        resolved = [work for work in works if work.status == "resolved" and work.clocks.get("close") is None]
        told = await told_of_result(connection, [work.case.id for work in resolved])
        for work in resolved:
            if work.case.id in told:
                ends = at[work.case.id] + work.plan.close_after_silence
                work.clocks.set_timer("close", max(ends, work.now + timedelta(seconds=1)), work.now)


async def _linked(connection: AsyncConnection, works: Sequence[Work]) -> list[NewLink]:
    """Link those that repeat an earlier complaint of their customer; a case that was dispatched before is linked."""
    asked = {
        work.case.id: (str(work.case.category), work.case.service_type, work.case.received_at)
        for work in works
        if work.case.handling is None and work.case.category != "unclear"
    }
    found = await links.repeats(connection, asked) if asked else {}
    return [repeats(work, found[work.case.id]) for work in works if work.case.id in found]


def _sent(events: Iterable[Event], kind: str) -> dict[UUID, datetime]:
    """Of which cases the customers were told this, and when."""
    sent = [Sent.model_validate_json(event.data) for event in events if event.type == Sent.TYPE]
    return {notice.complaint: notice.sent_at for notice in sent if notice.kind == kind}
