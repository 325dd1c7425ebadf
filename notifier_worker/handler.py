"""Turns what happens to cases into notices to their customers, as the plan says. Sending them is the sender's work."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, get_args
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from notifier_worker.facts import ToldCase, facts_of, is_told
from notifier_worker.record import NOTHING, Record, read_records
from services.base.errors import NotFound
from services.base.privacy import Privacy
from services.base.stream.event import Event
from services.complaints.events import EVENTS
from services.complaints.model import Complaint
from services.notices import ways
from services.notices.requesting import NO_WAY, Request, request
from services.plan.schema import Plan
from services.plan.versions import Plans
from services.plan.vocabulary import TellingEvent


def _short(event_type: str) -> str:
    """``redress.complaint.estimate_set.v1`` is ``estimate_set`` in the plan."""
    return event_type.split(".")[2]


_CASES = sa.select(*(getattr(Complaint, name) for name in ToldCase.__dataclass_fields__)).where(
    Complaint.id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid)))
)


class NotifierHandler:
    """The notifier's handler of whatever a plan can tell customers of."""

    group: Final = "notifier"
    types: Final = frozenset(event.TYPE for event in EVENTS if _short(event.TYPE) in get_args(TellingEvent))

    def __init__(
        self, plans: Plans, privacy: Privacy, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._plans = plans
        self._privacy = privacy
        self._clock = clock

    async def handle(self, connection: AsyncConnection, events: Sequence[Event]) -> None:
        """Request the notices that the plan has for ``events``, each under the plan that its case runs under."""
        ids = list({event.key for event in events})
        cases = {row.id: ToldCase(*row) for row in await connection.execute(_CASES, {"ids": ids})}
        records = await read_records(connection, events)
        now = self._clock()
        in_force, _ = await self._plans.current(connection)
        plans = {
            version: await self._plans.get(connection, version)
            for version in {case.plan_version or in_force for case in cases.values()}
        }
        requests: list[Request] = []
        for event in events:
            case = _known(cases, event)
            record = records.get(event.id, NOTHING)
            requests += self._requests(event, case, record, plans[case.plan_version or in_force], now)
        await request(connection, requests, now)

    def _requests(self, event: Event, case: ToldCase, record: Record, plan: Plan, now: datetime) -> Iterator[Request]:
        kinds = plan.notice_kinds_after(_short(event.type))
        for kind in kinds if is_told(event) else ():
            facts = facts_of(kind, case, event, plan, now, record)
            if facts is None:
                continue
            person = self._privacy.open(case.personal)
            wanted = plan.answer_ways(case.channel)
            way = ways.choose(person, wanted)
            yield Request(
                complaint=case.id,
                kind=kind,
                cause=event.id,
                number=event.number,
                realm=case.realm,
                language=case.language,
                facts=facts,
                way=way or NO_WAY,
                unreachable=None if way else ways.why_not(person, wanted),
            )


def _known(cases: Mapping[UUID, ToldCase], event: Event) -> ToldCase:
    case = cases.get(event.key)
    if case is None:
        raise NotFound(f"an event tells of the case {event.key}, which is not in this database")
    return case
