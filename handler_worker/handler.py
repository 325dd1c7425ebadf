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
from services.complaints.events import Classified, Closed, HandedOver, Reclassified, Reopened, Reviewed
from services.notices.events import Failed, NoticeEvent, Rerouted, Sent
from services.plan.versions import Plans
from services.surveys.asking import Closing, plan_surveys

ACTOR: Final = "system:handler"
# After these a notice that was sent has not reached its customer after all.
_NOT_TOLD: Final = frozenset({Failed.TYPE, Rerouted.TYPE})
_TO_DISPATCH: Final = frozenset({Classified.TYPE, Reclassified.TYPE, HandedOver.TYPE, Reopened.TYPE})


class DispatchHandler:
    """The handler worker's handler."""

    group: Final = "handler"
    types: Final = frozenset({*_TO_DISPATCH, Reviewed.TYPE, Closed.TYPE, Sent.TYPE, *_NOT_TOLD})

    def __init__(self, plans: Plans, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._plans = plans
        self._clock = clock

    async def handle(self, connection: AsyncConnection, events: Sequence[Event]) -> None:
        """Dispatch what waits, note what customers were told, have misleading promotions looked into and customers
        asked whether it was settled."""
        now = self._clock()
        judged = {event.key for event in events if event.type in _TO_DISPATCH}
        acknowledged, results = _sent(events, "acknowledgement"), _sent(events, "result")
        untold = _untold(events, "result")
        verdicts = {event.key: event for event in events if event.type == Reviewed.TYPE}
        closed = {event.key: event for event in events if event.type == Closed.TYPE}
        _, in_force = await self._plans.current(connection)
        # All at once, also those that were only acknowledged: whoever writes the clocks of a case holds its lock, or
        # two handlers could wait for each other's clocks.
        cases = {*judged, *acknowledged, *results, *untold, *verdicts, *closed}
        works = await works_on(connection, self._plans, in_force, cases, ACTOR, now)
        for case, at in acknowledged.items():
            if case in works:
                clocks.acknowledged_early(works[case].clocks, works[case].case, in_force, at)
        about = [works[case] for case in sorted({*results, *untold}) if case in works]
        await self._results_told(connection, about, results)
        waiting = [works[case] for case in sorted(judged) if case in works and works[case].status == "classified"]
        linked = await _linked(connection, waiting)
        await dispatch(connection, waiting)
        for found in await concerning(
            connection, [(works[case], event) for case, event in verdicts.items() if case in works]
        ):
            look_into(found)
        await write(connection, list(works.values()))
        await links.add(connection, linked)
        await plan_surveys(
            connection, [Closing(works[case], event.id, event.time) for case, event in closed.items() if case in works]
        )

    async def _results_told(
        self, connection: AsyncConnection, works: Collection[Work], at: Mapping[UUID, datetime]
    ) -> None:
        """Silence after the result counts as consent, from when the customer was told it; not if it didn't arrive."""
        resolved = [work for work in works if work.status == "resolved"]
        told = await told_of_result(connection, [work.case.id for work in resolved])
        for work in resolved:
            if work.case.id not in told:
                work.clocks.drop("close")
            elif work.clocks.get("close") is None and work.case.id in at:
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


def _untold(events: Iterable[Event], kind: str) -> set[UUID]:
    """Of which cases the customers were not told this after all, or not by the way that was thought."""
    failed = [NoticeEvent.model_validate_json(event.data) for event in events if event.type in _NOT_TOLD]
    return {notice.complaint for notice in failed if notice.kind == kind}


def _sent(events: Iterable[Event], kind: str) -> dict[UUID, datetime]:
    """Of which cases the customers were told this, and when."""
    sent = [Sent.model_validate_json(event.data) for event in events if event.type == Sent.TYPE]
    return {notice.complaint: notice.sent_at for notice in sent if notice.kind == kind}
