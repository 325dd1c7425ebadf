"""Turns what happens to cases into notices to their customers, as the plan says. Sending them is the sender's work."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, get_args
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from notifier_worker.facts import facts_of, is_told
from notifier_worker.record import NOTHING, Record, read_records
from notifier_worker.telling import ToldCase
from services.base.errors import NotFound
from services.base.privacy import Privacy
from services.base.stream.event import Event
from services.complaints.events import EVENTS
from services.complaints.model import Complaint
from services.notices.callbacks.queries import reachable
from services.notices.channels.port import Way
from services.notices.requesting import Request, request
from services.notices.ways import Asked, address_of, possible, recipient, why_not
from services.people.model import ApiKey
from services.plan.schema import Plan
from services.plan.versions import Plans
from services.plan.vocabulary import TellingEvent


def _short(event_type: str) -> str:
    """``redress.complaint.estimate_set.v1`` is ``estimate_set`` in the plan."""
    return event_type.split(".")[2]


_CASES = (
    sa.select(
        *(getattr(Complaint, name) for name in ToldCase.__dataclass_fields__),
        sa.func.coalesce(Complaint.external_id, Complaint.reference).label("conversation"),
        ApiKey.name.label("front_end"),
    )
    .outerjoin(ApiKey, ApiKey.id == Complaint.api_key_id)
    .where(Complaint.id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid))))
)


@dataclass(frozen=True, slots=True)
class _Reached:
    """A case, and how its customer can be reached beside their own addresses."""

    case: ToldCase
    conversation: str
    front_end: str | None


class NotifierHandler:
    """The notifier's handler of whatever a plan can tell customers of."""

    group: Final = "notifier"
    types: Final = frozenset(event.TYPE for event in EVENTS if _short(event.TYPE) in get_args(TellingEvent))

    def __init__(
        self,
        plans: Plans,
        privacy: Privacy,
        ways_open: Callable[[str], Sequence[Way]],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """``ways_open`` are the ways that are set up, by realm."""
        self._plans = plans
        self._privacy = privacy
        self._ways_open = ways_open
        self._clock = clock

    async def handle(self, connection: AsyncConnection, events: Sequence[Event]) -> None:
        """Request the notices that the plan has for ``events``, each under the plan that its case runs under."""
        ids = list({event.key for event in events})
        found = await connection.execute(_CASES, {"ids": ids})
        cases = {row.id: _Reached(ToldCase(*row[:-2]), *row[-2:]) for row in found}
        callable_ = await self._callable(connection, cases.values())
        records = await read_records(connection, events)
        now = self._clock()
        in_force, _ = await self._plans.current(connection)
        plans = {
            version: await self._plans.get(connection, version)
            for version in {reached.case.plan_version or in_force for reached in cases.values()}
        }
        requests: list[Request] = []
        for event in events:
            reached = _known(cases, event)
            case, record = reached.case, records.get(event.id, NOTHING)
            plan = plans[case.plan_version or in_force]
            asked = Asked(
                self._privacy.open(case.personal),
                reached.conversation,
                case.realm not in callable_ or reached.front_end in callable_[case.realm],
            )
            requests += self._requests(event, case, asked, record, plan, now)
        await request(connection, requests, now)

    async def _callable(self, connection: AsyncConnection, cases: Iterable[_Reached]) -> Mapping[str, Collection[str]]:
        """By realm, the front ends that can be called; nothing for realms in which everything is kept as files."""
        live = {reached.case.realm for reached in cases} & {"live"}
        return {realm: await reachable(connection, realm) for realm in live}

    def _requests(
        self, event: Event, case: ToldCase, asked: Asked, record: Record, plan: Plan, now: datetime
    ) -> Iterator[Request]:
        wanted, is_open = plan.answer_ways(case.channel), self._ways_open(case.realm)
        for kind in plan.notice_kinds_after(_short(event.type)) if is_told(event) else ():
            facts = facts_of(kind, case, event, plan, now, record)
            if facts is None:
                continue
            ways = possible(asked, wanted, is_open)
            address = address_of(ways[0], asked.person, asked.conversation) if ways else None
            yield Request(
                complaint=case.id,
                kind=kind,
                cause=event.id,
                number=event.number,
                realm=case.realm,
                language=case.language,
                facts=facts,
                ways=ways,
                plan=plan,
                recipient=recipient(self._privacy, ways[0], address) if address else None,
                urgent=plan.notice(kind).urgent,
                required=plan.notice(kind).required,
                unreachable=None if ways else why_not(asked, wanted, is_open),
            )


def _known(cases: Mapping[UUID, _Reached], event: Event) -> _Reached:
    case = cases.get(event.key)
    if case is None:
        raise NotFound(f"an event tells of the case {event.key}, which is not in this database")
    return case
